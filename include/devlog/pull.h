/* devlog/pull.h: bringing back to a folder what its remote has. */
#ifndef DEVLOG_PULL_H
#define DEVLOG_PULL_H

#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>
#include <devlog/progress.h>
#include <devlog/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dl_pull_options {
  uint32_t struct_size;
  uint32_t force;   /* 1: what was changed here is replaced too, and kept beside as NAME.orig (or
                       NAME.orig.1 and so on: no file is ever written over) */
  uint32_t dry_run; /* 1: say what would be got; nothing changes */
  uint32_t jobs;    /* files got at the same time; 0: as configured ("sync.jobs") */
  uint32_t wait;    /* 1: if a push or pull of this folder runs, wait for its end */
  uint32_t reserved;
  const char *const *keys; /* what to pull: objects, or folders with all below them; borrowed */
  size_t key_count;        /* 0: everything */
} dl_pull_options;

/* clang-format off */
#define DL_PULL_OPTIONS_INIT {sizeof(dl_pull_options), 0, 0, 0, 0, 0, NULL, 0}
/* clang-format on */

/* What a pull did. */
typedef struct dl_pull_result {
  uint32_t struct_size;
  int32_t stage;             /* a dl_push_stage: where the pull ended; DL_STAGE_SCAN is the listing,
                                DL_STAGE_UPLOAD the getting */
  uint64_t files_found;      /* objects that were asked for */
  uint64_t files_unchanged;  /* of those: here already, with the same content */
  uint64_t files_downloaded; /* of those: here now, by this pull */
  uint64_t files_kept;       /* of the downloaded: what was here is kept beside as .orig */
  uint64_t files_skipped;    /* needed downloading, not tried: dry run, cancelled, or settings that
                                are left as they are */
  uint64_t files_failed;     /* refused, or tried in vain: one entry of errors each */
  uint64_t total_bytes;      /* size of the downloaded files; dry run: of the skipped ones */
  uint64_t bytes_received;   /* bytes of content that came from the remote, failed tries included */
  uint64_t bytes_reused;     /* bytes of the downloaded files that were here already */
  uint64_t duration_ms;      /* from the call to its end, by the monotonic clock */
  size_t error_count;
  const dl_file_error *const *errors; /* owned by the result */
} dl_pull_result;

/* clang-format off */
#define DL_PULL_RESULT_INIT {sizeof(dl_pull_result), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL}
/* clang-format on */

/* Lists the remote, finds what differs from the folder, and gets it. The folder is made if it is
 * not there, and the remote has something.
 *
 * A file appears whole or not at all: its content is proven by the digests of the remote before it
 * gets its name. What a file here has of it already is not got again. Nothing is written outside of
 * the folder, nor through a symbolic link.
 * A file here is replaced if the object begins with it; or if it is what the last push or pull
 * left, so that it was changed at the remote alone. What it held may then be nowhere any more: that
 * is what somebody put another file over it for. A file that only ever grows ("sync.append_only")
 * is therefore replaced only by an object that begins with it. Any other that differs is refused
 * with DL_ERR_CONFLICT, and with `force` kept beside.
 * A file that is locked with flock, as a journal does that writes to it, is replaced after that.
 * (A program that has the old file open without such a lock goes on to write to that.)
 * Names that no push sends (hidden ones, *.tmp and so on) are not got, nor is a config.ini at the
 * top over one that is here and differs, unless it is one of the keys, or with `force`: a note
 * tells of each, and neither is a failure.
 *
 * @param options   NULL: the defaults. Borrowed.
 * @param progress  NULL: no callbacks. Borrowed. The callbacks of a push: what they call
 *                  uploaded is downloaded here; sent_bytes came from the remote, reused_bytes were
 *                  here. What is refused before anything is got has its file_upload_error before
 *                  change_detection_complete, whose files do not count it. There is no result in
 *                  upload_complete.
 * @param result    filled on success and on failure, as far as the pull came; the caller clears it
 *                  with dl_pull_result_clear. What was in it is overwritten, not freed.
 *                  May be NULL.
 * @return DL_OK: all that was asked for is here as it is at the remote (or dry run, and nothing
 *         would be refused);
 *         DL_ERR_PARTIAL: some files were refused or failed, see result->errors: DL_ERR_CONFLICT
 *         was changed here; DL_ERR_DOWNLOAD cannot be written, or must not (its name, or what is in
 *         the way); DL_ERR_NOT_FOUND a key that is not there; or the failure of the storage;
 *         DL_ERR_NOT_FOUND: the remote has no files at all, which a wrong URL looks like, too;
 *         DL_ERR_CANCELLED; DL_ERR_LOCKED: a push or pull of this folder and remote runs;
 *         DL_ERR_BUSY: this handle is in use; DL_ERR_CHANGE_DETECTION, DL_ERR_AUTH, DL_ERR_NETWORK,
 *         DL_ERR_STORAGE: the remote could not be listed or compared (result->stage says so);
 *         DL_ERR_CONFIG: the folder cannot be made; DL_ERR_STATE; DL_ERR_ARGUMENT: also a key that
 *         no file in the folder can have; DL_ERR_NO_MEMORY.
 * Threads: as dl_push; dl_cancel ends it. Since: 0.1 */
DL_API dl_status dl_pull(dl_sync *sync, const dl_pull_options *options, const dl_progress *progress,
                         dl_pull_result *result, dl_error *err);

/* Frees what a result owns and sets it back to DL_PULL_RESULT_INIT. NULL: nothing
 * happens. Since: 0.1 */
DL_API void dl_pull_result_clear(dl_pull_result *result);

#ifdef __cplusplus
}
#endif

#endif
