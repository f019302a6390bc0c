/* journal/journal.c: the public calls on one entry: takes an ID and a text, gives the
 * entry. The event goes first; the .md follows, and can always be made anew. */
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "journal/day.h"
#include "journal/markdown.h"

dl_status dl_journal_open(const dl_config *config, dl_journal **out, dl_error *err) {
  if (config == NULL || out == NULL) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_journal_open: config or out is NULL");
  }
  *out = NULL;
  const char *base = dl_config_get(config, "base");
  if (base == NULL) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "no folder for the journal: set HOME to a folder of yours, or name one");
  }
  dl_journal *journal = calloc(1, sizeof *journal);
  if (journal != NULL) journal->base = strdup(base);
  if (journal == NULL || journal->base == NULL) {
    free(journal);
    return dl__fail_no_memory(err);
  }
  *out = journal;
  return DL_OK;
}

void dl__journal_begin(dl_journal *journal) {
  for (size_t i = 0; i < journal->note_count; i++) free(journal->notes[i]);
  journal->note_count = 0;
}

void dl_journal_close(dl_journal *journal) {
  if (journal == NULL) return;
  dl__journal_begin(journal);
  free(journal->notes);
  free(journal->base);
  free(journal);
}

const char *dl_journal_note(const dl_journal *journal, size_t index) {
  return journal != NULL && index < journal->note_count ? journal->notes[index] : NULL;
}

dl_status dl__journal_note(dl_journal *journal, char *note, dl_error *err) {
  if (note == NULL || !dl__vec_grow(&journal->notes, journal->note_count, &journal->note_capacity,
                                    sizeof *journal->notes)) {
    free(note);
    return dl__fail_no_memory(err);
  }
  journal->notes[journal->note_count++] = note;
  return DL_OK;
}

/* Makes the folder, and its name safe. */
static int make_base(const char *base) {
  if (dl__fs_make_dirs(base) != 0) return -1;
  int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DL__AUTO_CLOSE int parent = fd >= 0 ? openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  /* Who may not read the folder above cannot sync it either; it is somebody else's then. */
  if (parent >= 0) (void)fsync(parent);
  return fd;
}

dl_status dl__journal_open_base(const dl_journal *journal, bool create, int *fd, dl_error *err) {
  *fd = open(journal->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*fd >= 0) return DL_OK;
  if (errno == ENOENT && !create) {
    return dl__fail(err, DL_ERR_NOT_FOUND, journal->base, "the folder %s is not there",
                    journal->base);
  }
  if (errno == ENOENT) *fd = make_base(journal->base);
  if (*fd >= 0) return DL_OK;
  return dl__fail_errno(err, DL_ERR_JOURNAL, errno, journal->base,
                        "cannot open the folder of the journal %s", journal->base);
}

/* What a call takes, checked. */
typedef struct request {
  char id[DL_ENTRY_ID_SIZE];
  char now[DL__DAY_TIME_SIZE];
  char *content; /* without ends of line at its end; NULL: the call takes none */
} request;

static void request_clear(request *r) {
  free(r->content);
}

static dl_status take_id(request *r, dl_journal *journal, const char *id, dl_error *err) {
  if (journal == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "no journal");
  dl__journal_begin(journal);
  dl_status status = dl__day_now(r->id, r->now, err);
  if (status != DL_OK || id == NULL) return status;
  if (!dl__day_is_real(id)) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL,
                    "wrong ID '%.32s': a real date is needed, YYYYMMDD, such as %s", id, r->id);
  }
  memcpy(r->id, id, sizeof r->id);
  return DL_OK;
}

static dl_status take_content(request *r, const char *content, dl_error *err) {
  size_t length = content != NULL ? strlen(content) : 0;
  if (length > DL_ENTRY_SIZE_MAX) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL,
                    "the text has %zu bytes, more than the %d of an entry: shorten it", length,
                    DL_ENTRY_SIZE_MAX);
  }
  if (content == NULL || content[strspn(content, " \t\n\v\f\r")] == '\0') {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "the text is empty: nothing is written");
  }
  while (content[length - 1] == '\n' || content[length - 1] == '\r') length--;
  r->content = strndup(content, length);
  if (r->content == NULL) return dl__fail_no_memory(err);
  if (dl__utf8_is_valid(r->content)) return DL_OK;
  return dl__fail(err, DL_ERR_ARGUMENT, NULL,
                  "the text is not UTF-8: convert it first, for example with iconv");
}

/* Whether a text is what the entry has; one that came from elsewhere may have ends of line. */
static bool is_same(const char *content, const char *now) {
  size_t length = strlen(now);
  if (strncmp(content, now, length) != 0) return false;
  return content[length + strspn(content + length, "\r\n")] == '\0';
}

/* Appends the event with the content, and the one with its annotations: also without
 * any where the entry had some, for readers that would keep these. */
static dl_status write_content(dl__work *work, dl__event_type type, const request *r,
                               dl_error *err) {
  dl__buf lines = {0};
  dl__annotations found = {0};
  uint32_t events = 1;
  dl_status status = type == DL__EVENT_CREATED
                         ? dl__event_add_created(&lines, r->id, r->content, r->now, err)
                         : dl__event_add_updated(&lines, r->content, r->now, err);
  if (status == DL_OK && !dl__annotations_parse(&found, r->content)) {
    status = dl__fail_no_memory(err);
  }
  bool none = dl__annotations_empty(&found) && dl__annotations_empty(&work->entry->annotations);
  if (status == DL_OK && !none) {
    status = dl__event_add_annotated(&lines, &found, r->now, err);
    events++;
  }
  dl__event event = {.type = type, .content = r->content, .timestamp = r->now};
  if (status == DL_OK) status = dl__entry_apply(work->entry, &event, err);
  if (status == DL_OK) status = dl__entry_finish(work->entry, err);
  if (status == DL_OK) status = dl__work_append(work, &lines, events, err);
  dl__buf_clear(&lines);
  dl__annotations_clear(&found);
  return status;
}

/* The event is safe: an .md that cannot be written is no failure, but told, if there is
 * the memory for it. */
static void derive_or_note(dl__work *work) {
  dl_error why = DL_ERROR_INIT;
  if (dl__work_derive(work, &why) == DL_OK) return;
  (void)dl__journal_note(work->journal,
                         dl__format("%s; the entry itself is safe, and its .md is made when it is "
                                    "read the next time",
                                    why.message),
                         NULL);
}

static dl_status refuse_existing(const dl__work *work, dl_error *err) {
  return dl__fail(err, DL_ERR_EXISTS, work->log.name, "the entry %s already exists", work->id);
}

/* An .md without events is somebody's text, and it is not overwritten. */
static dl_status refuse_stray(const dl__work *work, dl_error *err) {
  const dl__markdown_place place = {work->journal->base, work->base_fd, work->id};
  dl__markdown_age age;
  dl_status status = dl__markdown_age_of(&place, &(struct timespec){0}, &age, err);
  if (status != DL_OK || age == DL__MARKDOWN_MISSING) return status;
  return dl__fail(err, DL_ERR_JOURNAL, NULL,
                  "%s/entries/%s.md is there, but there are no events of it: move it away to "
                  "write a new entry",
                  place.base, place.id);
}

static dl_status create(dl__work *work, const request *r, dl_error *err) {
  dl_status status = dl__work_load(work, DL__LOG_WRITE, err);
  bool is_new = status == DL_ERR_NOT_FOUND;
  if (status != DL_OK && !is_new) return status;
  if (work->entry->content != NULL) return refuse_existing(work, err);
  status = refuse_stray(work, err);
  if (status == DL_OK && is_new) status = dl__work_load(work, DL__LOG_CREATE, err);
  if (status != DL_OK) return status;
  if (work->entry->content != NULL) return refuse_existing(work, err);
  status = dl__work_note_empty(work, err);
  if (status == DL_OK) status = write_content(work, DL__EVENT_CREATED, r, err);
  if (status == DL_OK) derive_or_note(work);
  return status;
}

dl_status dl_entry_create(dl_journal *journal, const char *id, const char *content, dl_entry *entry,
                          dl_error *err) {
  request r DL__CLEANUP(request_clear) = {.content = NULL};
  dl_status status = take_id(&r, journal, id, err);
  if (status == DL_OK) status = take_content(&r, content, err);
  if (status != DL_OK) return status;
  DL__AUTO_CLOSE int base = -1;
  status = dl__journal_open_base(journal, true, &base, err);
  if (status != DL_OK) return status;
  dl__work work DL__CLEANUP(dl__work_clear);
  status = dl__work_init(&work, journal, base, r.id, err);
  if (status == DL_OK) status = create(&work, &r, err);
  if (status == DL_OK) dl__work_give(&work, entry);
  return status;
}

static dl_status not_found(const dl_journal *journal, const char *id, dl_error *err) {
  return dl__fail(err, DL_ERR_NOT_FOUND, NULL, "there is no entry %s in %s", id, journal->base);
}

static dl_status update(dl__work *work, const request *r, uint64_t if_event_count, dl_error *err) {
  dl_status status = dl__work_load(work, DL__LOG_WRITE, err);
  if (status == DL_OK && work->entry->content == NULL) status = DL_ERR_NOT_FOUND;
  if (status == DL_ERR_NOT_FOUND) return not_found(work->journal, work->id, err);
  if (status != DL_OK) return status;
  if (if_event_count != 0 && if_event_count != work->log.events) {
    return dl__fail(err, DL_ERR_CONFLICT, work->log.name,
                    "the entry %s was changed by somebody else since it was read: look at it and "
                    "edit it again",
                    work->id);
  }
  if (is_same(work->entry->content, r->content)) return DL_OK;
  status = write_content(work, DL__EVENT_UPDATED, r, err);
  if (status == DL_OK) derive_or_note(work);
  return status;
}

dl_status dl_entry_update(dl_journal *journal, const char *id, const char *content,
                          uint64_t if_event_count, dl_entry *entry, dl_error *err) {
  request r DL__CLEANUP(request_clear) = {.content = NULL};
  dl_status status = take_id(&r, journal, id, err);
  if (status == DL_OK) status = take_content(&r, content, err);
  if (status != DL_OK) return status;
  DL__AUTO_CLOSE int base = -1;
  status = dl__journal_open_base(journal, false, &base, err);
  if (status == DL_ERR_NOT_FOUND) return not_found(journal, r.id, err);
  if (status != DL_OK) return status;
  dl__work work DL__CLEANUP(dl__work_clear);
  status = dl__work_init(&work, journal, base, r.id, err);
  if (status == DL_OK) status = update(&work, &r, if_event_count, err);
  if (status == DL_OK) dl__work_give(&work, entry);
  return status;
}

dl_status dl_entry_read(dl_journal *journal, const char *id, dl_entry *entry, dl_error *err) {
  request r = {.content = NULL};
  dl_status status = take_id(&r, journal, id, err);
  if (status != DL_OK) return status;
  DL__AUTO_CLOSE int base = -1;
  status = dl__journal_open_base(journal, false, &base, err);
  if (status == DL_ERR_NOT_FOUND) return not_found(journal, r.id, err);
  if (status != DL_OK) return status;
  dl__work work DL__CLEANUP(dl__work_clear);
  status = dl__work_init(&work, journal, base, r.id, err);
  if (status == DL_OK) status = dl__work_read(&work, DL__DERIVE_CLOSELY, err);
  if (status == DL_ERR_NOT_FOUND) return not_found(journal, r.id, err);
  if (status == DL_OK) dl__work_give(&work, entry);
  return status;
}

dl_status dl_entry_today(char *id, size_t size, dl_error *err) {
  char now[DL__DAY_TIME_SIZE];
  if (id == NULL || size < DL_ENTRY_ID_SIZE) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_entry_today: no room for an ID");
  }
  return dl__day_now(id, now, err);
}
