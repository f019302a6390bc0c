/* devlog/compare.h: what a push would do, without doing it. */
#ifndef DEVLOG_COMPARE_H
#define DEVLOG_COMPARE_H

#include <stdint.h>

#include <devlog/error.h>
#include <devlog/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why a push would look at a file. Numbers are frozen; new ones are added at the end. */
typedef enum dl_change_kind {
  DL_CHANGE_NEW = 1,     /* not remembered as pushed; with remote: not there */
  DL_CHANGE_GROWN = 2,   /* larger than before, and the same file (its inode, if remembered) */
  DL_CHANGE_CHANGED = 3, /* different in any other way */
  DL_CHANGE_TOUCHED = 4, /* may have changed: of the same size, but its time stamps are not those
                            that are remembered, or were too young then to be believed. A push
                            compares it with the remote. Never with remote, and only for files in
                            parts: of others the content is read and compared. */
  DL_CHANGE_MISSING = 5  /* was pushed, and is not at the remote any more; only with remote */
} dl_change_kind;

/* One file that differs. */
typedef struct dl_change {
  uint32_t struct_size;
  int32_t kind;          /* a dl_change_kind */
  const char *path;      /* key of the file */
  uint64_t size_bytes;   /* of the file, as it was scanned */
  uint64_t before_bytes; /* as it was pushed; with remote: of the object; 0 if there is none */
} dl_change;

/* clang-format off */
#define DL_CHANGE_INIT {sizeof(dl_change), 0, NULL, 0, 0}
/* clang-format on */

/* Receives one file. The change is borrowed: valid during the call.
 * @return 0 to go on; anything else ends dl_compare with DL_ERR_CANCELLED. It must not call other
 * functions with the same dl_sync but dl_cancel. */
typedef int (*dl_change_fn)(const dl_change *change, void *user);

typedef struct dl_compare_options {
  uint32_t struct_size;
  uint32_t remote; /* 1: compare with the remote, every file, as a push in DL_MODE_ALL does;
                      0: with what is remembered of earlier pushes, without any request */
} dl_compare_options;

/* clang-format off */
#define DL_COMPARE_OPTIONS_INIT {sizeof(dl_compare_options), 0}
/* clang-format on */

typedef struct dl_compare_result {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t files_found; /* files below the folder that match the patterns */
  uint64_t files_new;   /* of those, one count for each kind */
  uint64_t files_grown;
  uint64_t files_changed;
  uint64_t files_touched;
  uint64_t files_missing;
  uint64_t files_unchanged;       /* of those: nothing to push */
  uint64_t files_deleted_locally; /* remembered (with remote: at the remote), not among those
                                     found: a push leaves them alone */
  uint64_t total_bytes;           /* size of the files to push, all kinds but TOUCHED: of those that
                                     have a remote part already, less may be sent */
  int64_t last_push_ns;           /* end of the last push without errors, in ns since 1970 UTC; 0:
                                     there was none */
} dl_compare_result;

/* clang-format off */
#define DL_COMPARE_RESULT_INIT {sizeof(dl_compare_result), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Scans the folder and finds what a push would have to send. Changes nothing, neither at the remote
 * nor in the local state, takes no lock, and makes nothing that was not there; a push of the
 * same folder may run meanwhile in another process.
 *
 * A storage that is DL_STORAGE_VOLATILE has nothing remembered: without `remote`, every
 * file is new.
 *
 * @param options  NULL: the defaults. Borrowed.
 * @param each     called for every file that differs, in the order of the paths, on this
 *                 thread; may be NULL.
 * @param user     handed to each.
 * @param result   filled on success; on failure all counts are 0. May be NULL. Owns nothing.
 * @return DL_OK, also if there is something to push; DL_ERR_CANCELLED: dl_cancel, or each said so;
 *         DL_ERR_BUSY: this handle is in use; DL_ERR_SCAN: the folder could not be read;
 *         DL_ERR_CONFIG: the folder is missing; DL_ERR_STATE, DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY;
 *         with remote also DL_ERR_CHANGE_DETECTION, DL_ERR_AUTH, DL_ERR_NETWORK, DL_ERR_STORAGE.
 * Threads: blocks; any thread, one at a time for each handle. Since: 0.1 */
DL_API dl_status dl_compare(dl_sync *sync, const dl_compare_options *options, dl_change_fn each,
                            void *user, dl_compare_result *result, dl_error *err);

#ifdef __cplusplus
}
#endif

#endif
