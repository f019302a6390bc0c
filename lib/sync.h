/* sync.h: what the files sync*.c share. They are the only ones that see all stages. */
#ifndef DL_SYNC_H
#define DL_SYNC_H

#include <stdatomic.h>
#include <stdbool.h>

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

/* Around a call that uses the handle. DL_ERR_BUSY: another one runs. */
dl_status dl__sync_enter(dl_sync *sync, dl_error *err);
void dl__sync_leave(dl_sync *sync);

/* Runs a push, from the lock to the report. result is of our own size. */
dl_status dl__sync_push(dl_sync *sync, const dl_push_options *options, const dl_progress *progress,
                        dl_push_result *result, dl_error *err);

/* The same for a pull. */
dl_status dl__sync_pull(dl_sync *sync, const dl_pull_options *options, const dl_progress *progress,
                        dl_pull_result *result, dl_error *err);

/* What a dry run knows when it would start to send. */
typedef struct dl__sync_view {
  const struct dl__plan *plan;
  int dir_fd;           /* the folder */
  int64_t last_push_ns; /* or 0 */
} dl__sync_view;

/* Runs the stages of a dry run up to the plan, and hands it to found, whose status it returns.
 * remote: every file is compared with the remote; else the plan says only what the state
 * tells by itself, without a request. */
dl_status dl__sync_look(dl_sync *sync, bool remote,
                        dl_status (*found)(const dl__sync_view *view, void *user, dl_error *err),
                        void *user, dl_error *err);

#endif
