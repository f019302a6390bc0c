/* push/statedir.h: where the state of one folder and remote is kept, and the lock
 * that lets one push at a time use it. */
#ifndef DL_PUSH_STATEDIR_H
#define DL_PUSH_STATEDIR_H

#include <stdbool.h>
#include <stddef.h>

#include <devlog/config.h>
#include <devlog/error.h>

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

/* Makes the folder if need be and takes the lock; DL_ERR_LOCKED: somebody else has it. */
dl_status dl__statedir_lock(dl__statedir *statedir, dl_error *err);

/* Gives the lock back. */
void dl__statedir_clear(dl__statedir *statedir);

/* The files and folders that a scan must not touch: those of them that exist. An
 * SQLite file that is opened and closed by the same process loses its locks. */
size_t dl__statedir_ids(const dl__statedir *statedir, dl__file_id ids[DL__STATEDIR_IDS]);

#endif
