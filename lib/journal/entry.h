/* journal/entry.h: an entry, folded from its events. */
#ifndef DL_JOURNAL_ENTRY_H
#define DL_JOURNAL_ENTRY_H

#include "journal/annotation.h"
#include "journal/event.h"

/* Set it up with {0}. */
typedef struct dl__entry {
  char *content; /* NULL: no event made one yet */
  char *created_at, *updated_at;
  dl__annotations annotations; /* of the content */
  bool annotated;              /* by an event behind that of the content */
} dl__entry;

/* Takes the next event. DL_ERR_NO_MEMORY. */
dl_status dl__entry_apply(dl__entry *entry, const dl__event *event, dl_error *err);

/* Once, behind the last event: a content without AnnotationParsed (the program was
 * stopped between the two) is looked through. DL_ERR_NO_MEMORY. */
dl_status dl__entry_finish(dl__entry *entry, dl_error *err);

void dl__entry_clear(dl__entry *entry);

#endif
