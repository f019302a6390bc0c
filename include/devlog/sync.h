/* devlog/sync.h: pushing a folder to its remote. */
#ifndef DEVLOG_SYNC_H
#define DEVLOG_SYNC_H

#include <stddef.h>
#include <stdint.h>

#include <devlog/config.h>
#include <devlog/error.h>
#include <devlog/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One folder and its remote. */
typedef struct dl_sync dl_sync;

/* What is compared with the remote. */
typedef enum dl_push_mode {
  DL_MODE_INCREMENTAL = 0, /* the files that changed since they were last pushed from here */
  DL_MODE_ALL = 1          /* every file */
} dl_push_mode;

/* How far a push came. */
typedef enum dl_push_stage {
  DL_STAGE_START = 0, /* nothing was looked at: configuration, lock or state */
  DL_STAGE_SCAN = 1,
  DL_STAGE_CHANGE_DETECTION = 2,
  DL_STAGE_UPLOAD = 3,
  DL_STAGE_DONE = 4 /* every stage ended; single files may have failed */
} dl_push_stage;

typedef struct dl_push_options {
  uint32_t struct_size;
  int32_t mode;      /* a dl_push_mode */
  uint32_t force;    /* 1: send every file whole, whatever the remote has */
  uint32_t dry_run;  /* 1: say what would be sent; nothing changes at the remote or in the state */
  uint32_t jobs;     /* things sent at the same time; 0: as configured ("sync.jobs") */
  uint32_t checksum; /* 1: believe no stamp and no memory: read every file whole and compare its
                        content with the remote */
  uint32_t wait;     /* 1: if a push or pull of this folder runs, wait for its end */
  uint32_t reserved;
} dl_push_options;

/* clang-format off */
#define DL_PUSH_OPTIONS_INIT {sizeof(dl_push_options), DL_MODE_INCREMENTAL, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Why one file failed. */
typedef struct dl_file_error {
  uint32_t struct_size;
  int32_t status;      /* a dl_status */
  int32_t errno_value; /* or 0 */
  int32_t http_status; /* or 0 */
  uint32_t retryable;  /* 1: the next push may succeed as it is; 0: not known to */
  uint32_t reserved;
  const char *path;    /* key of the file */
  const char *message; /* what failed and what to do */
} dl_file_error;

/* What a push did. */
typedef struct dl_push_result {
  uint32_t struct_size;
  int32_t stage;                  /* a dl_push_stage: where the push ended */
  uint64_t files_found;           /* files below the folder that match the patterns */
  uint64_t files_added;           /* of those: not at the remote yet (with force: not remembered) */
  uint64_t files_modified;        /* of those: different at the remote */
  uint64_t files_unchanged;       /* of those: equal at the remote */
  uint64_t files_deleted_locally; /* at the remote, not among those found: left alone */
  uint64_t files_uploaded;        /* proven to be at the remote by this push */
  uint64_t files_skipped;         /* needed uploading, not tried: dry run, or cancelled */
  uint64_t files_failed;          /* tried, not uploaded: one entry of errors each */
  uint64_t total_bytes;           /* size of the uploaded files; dry run: of the skipped ones */
  uint64_t bytes_sent;            /* bytes of content given to the remote, failed tries included */
  uint64_t bytes_reused; /* bytes of the uploaded files that were at the remote already, and
                            so were not sent */
  uint64_t duration_ms;  /* from the call to its end, by the monotonic clock */
  int64_t last_push_ns;  /* end of the last push without errors (this one, if it was), in
                            ns since 1970 UTC; 0: there was none */
  size_t error_count;
  const dl_file_error *const *errors; /* in the order of the paths; owned by the result */
} dl_push_result;

/* clang-format off */
#define DL_PUSH_RESULT_INIT {sizeof(dl_push_result), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL}
/* clang-format on */

/* Prepares pushes. Makes no request and opens no file of the folder.
 * @param config  copied; may be freed or changed afterwards.
 * @param out     receives the handle; the caller frees it with dl_sync_free.
 * @return DL_OK; DL_ERR_CONFIG: see dl_config_validate, or the storage refused it;
 *         DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY.
 * Threads: any. Since: 0.1 */
DL_API dl_status dl_sync_new(const dl_config *config, dl_sync **out, dl_error *err);

/* Frees the handle. NULL: nothing happens. Not while a call with it runs. Since: 0.1 */
DL_API void dl_sync_free(dl_sync *sync);

/* Scans the folder, finds what changed against the remote, and sends it.
 *
 * A file that fails does not stop the others. A file that is appended to
 * meanwhile is pushed as long as it was when it was opened; one that changes in
 * another way is read once more, then reported. A file whose object was changed at the remote
 * by somebody else since it was pushed from here is reported (DL_ERR_CONFLICT) and left alone,
 * unless the file begins with all of the object, or options->force is set. If the scan
 * or the comparison fails, nothing is sent. A push that was killed leaves nothing
 * half-written that a reader of the remote could see; the next one goes on.
 *
 * @param options   NULL: the defaults. Borrowed.
 * @param progress  NULL: no callbacks. Borrowed.
 * @param result    filled on success and on failure, as far as the push came; the
 *                  caller clears it with dl_push_result_clear. What was in it is
 *                  overwritten, not freed. May be NULL.
 * @return DL_OK: every file found is at the remote as it was read (or dry run);
 *         DL_ERR_PARTIAL: some files failed, see result->errors;
 *         DL_ERR_CANCELLED; DL_ERR_LOCKED: a push or pull of this folder and
 *         remote runs; DL_ERR_BUSY: this handle is in use; DL_ERR_SCAN: the folder
 *         could not be read; DL_ERR_CHANGE_DETECTION, DL_ERR_AUTH, DL_ERR_NETWORK,
 *         DL_ERR_STORAGE: no comparison with the remote (result->stage says so);
 *         DL_ERR_CONFIG: the folder is missing; DL_ERR_STATE, DL_ERR_ARGUMENT,
 *         DL_ERR_NO_MEMORY.
 * Threads: blocks; any thread, one at a time for each handle; several handles may
 * push at the same time. Since: 0.1 */
DL_API dl_status dl_push(dl_sync *sync, const dl_push_options *options, const dl_progress *progress,
                         dl_push_result *result, dl_error *err);

/* Frees what a result owns and sets it back to DL_PUSH_RESULT_INIT. NULL: nothing
 * happens. Since: 0.1 */
DL_API void dl_push_result_clear(dl_push_result *result);

/* Ends the running push soon: no new file is begun, the ones being sent are given
 * up, what is confirmed is remembered; dl_push returns DL_ERR_CANCELLED, unless it had
 * nothing left to do. A pull or verify that runs is ended in the same way. If none is running,
 * the next one ends at once. NULL: nothing happens.
 * Threads: any, also while a call with it runs; also from a signal handler. Since: 0.1 */
DL_API void dl_cancel(dl_sync *sync);

#ifdef __cplusplus
}
#endif

#endif
