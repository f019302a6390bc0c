/* push/statedir.h: where the state of one folder and remote is kept, and the lock
 * that lets one push or pull at a time use it. */
#ifndef DL_PUSH_STATEDIR_H
#define DL_PUSH_STATEDIR_H

#include <stdbool.h>
#include <stddef.h>

#include <devlog/config.h>
#include <devlog/error.h>
#include <devlog/storage.h>

#include "push/scan.h"

#define DL__STATEDIR_IDS 4

typedef struct dl__statedir {
  char *dir;
  char *database; /* for dl__state_open */
  char *lock;
  int lock_fd; /* -1: not locked */
} dl__statedir;

/* What is one and the same for one remote: its provider and URL; for a folder its path,
 * which a URL can spell in several ways. *out is freed by the caller. */
dl_status dl__statedir_remote(const dl_config *config, char **out, dl_error *err);

/* Names the files for this pair in the folder dir.
 * base: the folder's real path; remote: as dl__statedir_remote gives it.
 * Clear *out also on failure. */
dl_status dl__statedir_init(dl__statedir *out, const char *dir, const char *base,
                            const char *remote, dl_error *err);

/* Makes the folder if need be and takes the lock, and leaves a note of who has it in it.
 * wait: until it is free, asking cancelled (may be NULL) with user now and then.
 * DL_ERR_LOCKED: somebody else has it (not with wait); DL_ERR_CANCELLED; DL_ERR_STATE. */
dl_status dl__statedir_lock(dl__statedir *statedir, bool wait, dl_cancelled_fn cancelled,
                            void *user, dl_error *err);

#define DL__STATEDIR_HOLDER_MAX 128

/* What DL_ERR_LOCKED says. holder: " (process 1 on HOST)", or "": not known. */
#define DL__STATEDIR_LOCKED                                                                        \
  "a push or pull of this folder and remote is running%s; "                                        \
  "try again when it has ended, or wait for it (--wait)"

/* The file's note of who has the lock, as above; "" where it has none. */
void dl__statedir_holder(const dl__statedir *statedir, char *out, size_t size);

/* Gives the lock back. */
void dl__statedir_clear(dl__statedir *statedir);

/* The files and folders that a scan must not touch: those of them that exist. An
 * SQLite file that is opened and closed by the same process loses its locks. */
size_t dl__statedir_ids(const dl__statedir *statedir, dl__file_id ids[DL__STATEDIR_IDS]);

#endif
