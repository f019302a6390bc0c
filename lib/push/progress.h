/* push/progress.h: calling the host's callbacks. */
#ifndef DL_PUSH_PROGRESS_H
#define DL_PUSH_PROGRESS_H

#include <stdatomic.h>

#include <devlog/progress.h>

typedef struct dl__progress {
  dl_progress calls; /* of our own size; what the host has not is NULL */
  const char *base_path;
  atomic_bool *cancel; /* set when a callback says so */
} dl__progress;

/* from: the host's struct, of whatever version; may be NULL. */
void dl__progress_init(dl__progress *progress, const dl_progress *from, const char *base_path,
                       atomic_bool *cancel);

/* Calls fn (one of progress->calls; may be NULL) with the event, whose first
 * fields and base_path are filled in here. */
void dl__progress_tell(const dl__progress *progress, dl_progress_fn fn, dl_progress_event event);

#endif
