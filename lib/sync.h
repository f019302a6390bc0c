/* sync.h: what the files sync*.c share. They are the only ones that see all stages. */
#ifndef DL_SYNC_H
#define DL_SYNC_H

#include <stdatomic.h>

#include <devlog/devlog.h>

#include "storage/storage.h"

struct dl_sync {
  dl_config *config;
  dl__storage storage;
  atomic_bool cancel;
  atomic_flag busy; /* set while a call runs */
};

/* A dl_cancelled_fn; user is the dl_sync. */
int dl__sync_cancelled(void *user);

/* Runs a push, from the lock to the report. result is of our own size. */
dl_status dl__sync_push(dl_sync *sync, const dl_push_options *options, const dl_progress *progress,
                        dl_push_result *result, dl_error *err);

#endif
