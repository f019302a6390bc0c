/* push/progress.c: takes events of the stages, hands them to the host, and turns
 * its "no" into the flag that every stage looks at. */
#include "push/progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The size of dl_progress in version 0.1; a struct_size of 0 means this one. */
#define PROGRESS_SIZE_0_1 (offsetof(dl_progress, note) + sizeof(dl_progress_fn))

void dl__progress_init(dl__progress *progress, const dl_progress *from, const char *base_path,
                       atomic_bool *cancel) {
  *progress = (dl__progress){.base_path = base_path, .cancel = cancel};
  if (from == NULL) return;
  size_t size = from->struct_size;
  if (size == 0) size = PROGRESS_SIZE_0_1;
  if (size > sizeof progress->calls) size = sizeof progress->calls;
  memcpy(&progress->calls, from, size);
}

void dl__progress_tell(const dl__progress *progress, dl_progress_fn fn, dl_progress_event event) {
  if (fn == NULL) return;
  event.struct_size = sizeof event;
  event.base_path = progress->base_path;
  if (fn(&event, progress->calls.user) != 0) atomic_store(progress->cancel, true);
}
