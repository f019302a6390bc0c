/* journal/journal.h: the inside of a dl_journal, for journal*.c. */
#ifndef DL_JOURNAL_JOURNAL_H
#define DL_JOURNAL_JOURNAL_H

#include <stdbool.h>

#include "journal/entry.h"
#include "journal/log.h"

struct dl_journal {
  char *base;
  char **notes;
  size_t note_count, note_capacity;
};

/* Adds a remark, which becomes the journal's. NULL: no memory. */
dl_status dl__journal_note(dl_journal *journal, char *note, dl_error *err);

/* Every public call begins with it: the remarks are those of the last one. */
void dl__journal_begin(dl_journal *journal);

/* Opens the folder. DL_ERR_NOT_FOUND: it is not there; create: then it is made. */
dl_status dl__journal_open_base(const dl_journal *journal, bool create, int *fd, dl_error *err);

/* An entry that is being worked on, with its events locked. */
typedef struct dl__work {
  dl_journal *journal;
  int base_fd; /* borrowed */
  const char *id;
  dl__log log;
  dl__entry *entry;
  uint32_t written; /* events */
  bool mended;      /* dl__work_read had something to set right */
} dl__work;

/* Sets it up. DL_ERR_NO_MEMORY. In any case it is cleared with dl__work_clear. */
dl_status dl__work_init(dl__work *work, dl_journal *journal, int base_fd, const char *id,
                        dl_error *err);
void dl__work_clear(dl__work *work);

/* Opens the events and folds them; the content is NULL if there is no entry. */
dl_status dl__work_load(dl__work *work, dl__log_mode mode, dl_error *err);

/* When the .md is made anew. */
typedef enum dl__derive {
  DL__DERIVE_NEVER,
  DL__DERIVE_BEHIND, /* it is missing or older than the events */
  DL__DERIVE_CLOSELY /* also if it is of the same time and has another text */
} dl__derive;

/* The entry as it is, without locks; sets aside a torn line, and sees to the .md. What
 * goes wrong with these two is only remarked. */
dl_status dl__work_read(dl__work *work, dl__derive when, dl_error *err);

/* Remarks lines that are no event, of a file whose events make no entry. */
dl_status dl__work_note_empty(const dl__work *work, dl_error *err);

/* Appends the lines, which hold `written` events, and remarks a line set aside. */
dl_status dl__work_append(dl__work *work, const dl__buf *lines, uint32_t written, dl_error *err);

/* Makes the .md; the lock must be held. */
dl_status dl__work_derive(dl__work *work, dl_error *err);

/* Hands the entry on to the caller. out may be NULL. */
void dl__work_give(dl__work *work, dl_entry *out);

#endif
