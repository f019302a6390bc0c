/* journal/entry.c: takes the events of a day one by one, gives the entry as they left
 * it. Pure. */
#include "journal/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* False: no memory; *slot is as it was. */
static bool replace(char **slot, const char *text) {
  char *copy = strdup(text);
  if (copy == NULL) return false;
  free(*slot);
  *slot = copy;
  return true;
}

/* A second Created, of two programs that began at the same time, is a new text. */
static bool take_content(dl__entry *entry, const dl__event *event) {
  if (entry->content == NULL && !replace(&entry->created_at, event->timestamp)) return false;
  if (!replace(&entry->updated_at, event->timestamp)) return false;
  if (!replace(&entry->content, event->content)) return false;
  dl__annotations_clear(&entry->annotations);
  entry->annotated = false;
  return true;
}

dl_status dl__entry_apply(dl__entry *entry, const dl__event *event, dl_error *err) {
  bool taken = true;
  switch (event->type) {
  case DL__EVENT_CREATED:
  case DL__EVENT_UPDATED:
    taken = take_content(entry, event);
    break;
  case DL__EVENT_ANNOTATED:
    dl__annotations_clear(&entry->annotations);
    entry->annotated = true;
    taken = dl__event_annotations(event, &entry->annotations);
    break;
  case DL__EVENT_OTHER:
    break;
  }
  return taken ? DL_OK : dl__fail_no_memory(err);
}

dl_status dl__entry_finish(dl__entry *entry, dl_error *err) {
  if (entry->content == NULL || entry->annotated) return DL_OK;
  if (dl__annotations_parse(&entry->annotations, entry->content)) return DL_OK;
  return dl__fail_no_memory(err);
}

void dl__entry_clear(dl__entry *entry) {
  free(entry->content);
  free(entry->created_at);
  free(entry->updated_at);
  dl__annotations_clear(&entry->annotations);
  *entry = (dl__entry){0};
}
