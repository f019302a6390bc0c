/* journal/markdown.h: the file for reading that is made of an entry, entries/YYYYMMDD.md. */
#ifndef DL_JOURNAL_MARKDOWN_H
#define DL_JOURNAL_MARKDOWN_H

#include <stdbool.h>
#include <time.h>

#include "base/buf.h"
#include "journal/entry.h"

typedef struct dl__markdown_place {
  const char *base; /* of the journal, for messages */
  int base_fd;
  const char *id;
} dl__markdown_place;

/* What a file is, by its time of last change beside that of the events. */
typedef enum dl__markdown_age {
  DL__MARKDOWN_MISSING,
  DL__MARKDOWN_OLDER,
  DL__MARKDOWN_SAME, /* made of these events, but for two changes within one tick */
  DL__MARKDOWN_NEWER /* changed by hand or another program: left alone */
} dl__markdown_age;

/* DL_ERR_JOURNAL: it cannot be looked at, or is no plain file. */
dl_status dl__markdown_age_of(const dl__markdown_place *place, const struct timespec *events,
                              dl__markdown_age *out, dl_error *err);

/* The text of the file. DL_ERR_NO_MEMORY. */
dl_status dl__markdown_make(const char *id, const dl__entry *entry, dl__buf *out, dl_error *err);

/* Whether the file has this text. */
bool dl__markdown_has(const dl__markdown_place *place, const dl__buf *text);

/* Puts it in place, whole or not at all, with the time of last change of the events,
 * whose lock must be held. A file with this text already only gets the time. */
dl_status dl__markdown_write(const dl__markdown_place *place, const dl__buf *text,
                             const struct timespec *events, dl_error *err);

#endif
