/* devlog/entry.h: the developer's journal: one entry for each day.
 *
 *     dl_journal *journal; dl_entry entry = DL_ENTRY_INIT;
 *     dl_journal_open(config, &journal, NULL);
 *     dl_entry_create(journal, NULL, "Paired with @alice on ::search", &entry, NULL);
 *     dl_entry_clear(&entry);
 *     dl_journal_close(journal);
 *
 * Below the folder "base" of the configuration:
 *
 *   events/YYYYMMDD.jsonl  the truth, only ever appended to: one JSON object a line,
 *                          {"type":TYPE,"data":{...}}, with TYPE and data one of
 *                            Created           id, content, timestamp
 *                            ContentUpdated    content, timestamp
 *                            AnnotationParsed  tags, people, projects, timestamp
 *                          Other types and fields are left alone: a newer program may
 *                          have written them.
 *   entries/YYYYMMDD.md    made of the events, for reading: id, created_at, updated_at,
 *                          tags, people and projects between two lines `---`, then the
 *                          text. Made anew when it is missing or older than the events
 *                          (it has their time of last change), and at every change: what
 *                          was written into it by hand is lost then.
 *
 * An event is appended with one write, under a lock (flock) on its file, and is on the
 * disk (fdatasync) before a call says DL_OK; the entry follows. Processes that append
 * at the same time wait for each other. A write that stops half way is taken back.
 *
 * A last line that was cut off (a crash, a power cut) is set aside by the first call
 * that sees it: it gets the end of line that it lacks, nothing is removed, and it is
 * skipped from then on like every line that is no JSON object. dl_journal_note says so
 * that once, dl_entry.lines_damaged counts such lines ever after. A last line that
 * only lacks its end counts as the event it is. Where such lines are all that a day has,
 * dl_journal_note says so each time.
 *
 * New folders have mode 0700, new files 0600. What is not a plain file or folder below
 * "base" (a symbolic link, a FIFO) is refused.
 *
 * Annotations in a text: @alice is a person, ::search-service a project, +rust a tag.
 * - A name starts with a letter (a project's also with a digit) and goes on with letters
 *   and digits, of any script, and with _ or a single - or . between two of these; it
 *   may end in ++ or #. What follows, such as punctuation, is not part of it.
 * - In front stands the start of the text, white space, one of ( [ { < > " ' * , ; | &,
 *   before @ and + also :, or punctuation or a symbol beyond ASCII.
 * - So these are none: a@b.com, std::vector, C++, 1+1, +1, @2pm, a name followed by
 *   :: or @ (::std::vector, @alice@example.com), \@alice.
 */
#ifndef DEVLOG_ENTRY_H
#define DEVLOG_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include <devlog/config.h>
#include <devlog/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The largest text of an entry, in bytes. */
#define DL_ENTRY_SIZE_MAX 16777216

/* Room for an ID, YYYYMMDD, and its NUL. */
#define DL_ENTRY_ID_SIZE 9

/* A folder with entries. */
typedef struct dl_journal dl_journal;

/* An entry as its events tell it. Strings are UTF-8, NUL-terminated, never NULL once
 * a call has filled it in, and owned by the entry. */
typedef struct dl_entry {
  uint32_t struct_size;
  uint32_t events_written; /* by the call that filled it in; 0: nothing had to be written */
  uint64_t event_count;    /* events in the file; goes up with every change */
  uint64_t lines_damaged;  /* lines that are no event and are skipped */
  char id[16];             /* the day, YYYYMMDD */
  const char *content;     /* the text */
  const char *created_at;  /* RFC 3339 with offset, as it stands in the event; "": not known */
  const char *updated_at;  /* the same, of the last change of the text */
  size_t tag_count;
  size_t people_count;
  size_t project_count;
  const char *const *tags; /* names without the signs, in the order of the text, repeats kept */
  const char *const *people;
  const char *const *projects;
  void *owned; /* the library's own */
} dl_entry;

/* clang-format off */
#define DL_ENTRY_INIT {sizeof(dl_entry), 0, 0, 0, "", NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL}
/* clang-format on */

/* Frees what an entry owns and sets it back to DL_ENTRY_INIT. NULL: nothing happens.
 * Since: 0.1 */
DL_API void dl_entry_clear(dl_entry *entry);

/* Prepares the work with a journal. Opens and makes no file: the folder need not be there yet.
 * @param config  for its value "base"; copied.
 * @param out     receives the handle; the caller frees it with dl_journal_close.
 * @return DL_OK; DL_ERR_CONFIG: no base; DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY.
 * Threads: any; one handle must not be used by two threads at once. Since: 0.1 */
DL_API dl_status dl_journal_open(const dl_config *config, dl_journal **out, dl_error *err);

/* Frees the handle. NULL: nothing happens. Since: 0.1 */
DL_API void dl_journal_close(dl_journal *journal);

/* Remarks that the last call with this handle made: a damaged line that was set aside,
 * an entries/YYYYMMDD.md that could not be written, a file that is left out.
 * @param index  from 0.
 * @return the remark, for people, owned by journal and valid until the next call with it;
 *         NULL: no more.
 * Since: 0.1 */
DL_API const char *dl_journal_note(const dl_journal *journal, size_t index);

/* The ID of today, by local time.
 * @param size  of id in bytes; DL_ENTRY_ID_SIZE at least.
 * @return DL_OK; DL_ERR_JOURNAL: the clock is beyond the years 1 to 9999; DL_ERR_ARGUMENT.
 * Threads: any, but reads TZ: not while another thread changes the environment. Since: 0.1 */
DL_API dl_status dl_entry_today(char *id, size_t size, dl_error *err);

/* Writes a new entry. One that is there is never overwritten.
 * @param id       the day, a real date YYYYMMDD; NULL: today.
 * @param content  the text, UTF-8, at most DL_ENTRY_SIZE_MAX bytes, not only white space;
 *                 ends of line at its end are not kept.
 * @param entry    filled on success; the caller clears it with dl_entry_clear. What was in
 *                 it is overwritten, not freed. May be NULL.
 * @return DL_OK: the event is on the disk; DL_ERR_EXISTS: the day has an entry;
 *         DL_ERR_JOURNAL: it could not be stored, err->message says where and why;
 *         DL_ERR_ARGUMENT: id or content is not as above; DL_ERR_NO_MEMORY.
 * Threads: see dl_journal_open; reads TZ. Waits for others who write this entry. Since: 0.1 */
DL_API dl_status dl_entry_create(dl_journal *journal, const char *id, const char *content,
                                 dl_entry *entry, dl_error *err);

/* Gives an entry a new text. The same text again writes nothing.
 * @param id              NULL: today.
 * @param content         as for dl_entry_create.
 * @param if_event_count  dl_entry.event_count of the text that was edited: refused if
 *                        the entry was changed since; 0: changed in any case.
 * @param entry           as for dl_entry_create; its events_written is 0 if nothing was written.
 * @return as dl_entry_create; DL_ERR_NOT_FOUND: the day has no entry; DL_ERR_CONFLICT:
 *         changed since it was read.
 * Threads: as dl_entry_create. Since: 0.1 */
DL_API dl_status dl_entry_update(dl_journal *journal, const char *id, const char *content,
                                 uint64_t if_event_count, dl_entry *entry, dl_error *err);

/* Reads an entry, and makes its .md anew if that is missing or older.
 * @param id     NULL: today.
 * @param entry  as for dl_entry_create.
 * @return DL_OK; DL_ERR_NOT_FOUND: the day has no entry; DL_ERR_JOURNAL: it cannot be
 *         read; DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY.
 * Threads: as dl_entry_create. Since: 0.1 */
DL_API dl_status dl_entry_read(dl_journal *journal, const char *id, dl_entry *entry, dl_error *err);

/* Called for each entry of a list; the entry is valid during the call. Non-zero ends the list. */
typedef int (*dl_entry_fn)(const dl_entry *entry, void *user);

/* Reads the entries, the newest day first; each is handled as by dl_entry_read, but of
 * the .md files at most 16 are made anew in one list. One that cannot be read is remarked
 * and does not stop the others.
 * @param limit  how many at most; no others are opened; 0: all.
 * @param each   called on this thread.
 * @return DL_OK; also if there is no folder yet; DL_ERR_PARTIAL: some entries could not be
 *         read, see dl_journal_note; DL_ERR_CANCELLED: each returned non-zero;
 *         DL_ERR_JOURNAL: the folder cannot be read; DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY.
 * Threads: as dl_entry_create. Since: 0.1 */
DL_API dl_status dl_entry_list(dl_journal *journal, size_t limit, dl_entry_fn each, void *user,
                               dl_error *err);

typedef enum dl_annotation_kind {
  DL_ANNOTATION_TAG = 1,
  DL_ANNOTATION_PERSON = 2,
  DL_ANNOTATION_PROJECT = 3
} dl_annotation_kind;

/* Where an annotation stands in a text; places in bytes from its start. */
typedef struct dl_annotation {
  uint32_t struct_size;
  int32_t kind; /* a dl_annotation_kind */
  size_t start; /* of the sign, @, + or :: */
  size_t name;  /* of the name behind it */
  size_t end;   /* behind the name */
} dl_annotation;

/* clang-format off */
#define DL_ANNOTATION_INIT {sizeof(dl_annotation), 0, 0, 0, 0}
/* clang-format on */

/* Finds the next annotation in a text, by the rules above.
 * @param text  UTF-8.
 * @param from  where to begin, in bytes, at most the length of text; the `end` of the
 *              annotation before, or 0.
 * @param out   filled if there is one.
 * @return 1: found; 0: no more.
 * Threads: any. Since: 0.1 */
DL_API int dl_annotation_next(const char *text, size_t from, dl_annotation *out);

#ifdef __cplusplus
}
#endif

#endif
