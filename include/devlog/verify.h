/* devlog/verify.h: proving that a folder and its remote are equal. */
#ifndef DEVLOG_VERIFY_H
#define DEVLOG_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>
#include <devlog/progress.h>
#include <devlog/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dl_verify_options {
  uint32_t struct_size;
  uint32_t download; /* 1: read every byte of the remote, and believe no digest that it keeps */
} dl_verify_options;

/* clang-format off */
#define DL_VERIFY_OPTIONS_INIT {sizeof(dl_verify_options), 0}
/* clang-format on */

/* How folder and remote differ in one file. */
typedef enum dl_difference_kind {
  DL_DIFFERENCE_NOT_REMOTE = 1, /* only here */
  DL_DIFFERENCE_NOT_LOCAL = 2,  /* only at the remote */
  DL_DIFFERENCE_CONTENT = 3,    /* in both, and not the same */
  DL_DIFFERENCE_UNREADABLE = 4  /* in both, but one of them cannot be read */
} dl_difference_kind;

typedef struct dl_difference {
  uint32_t struct_size;
  int32_t kind;        /* a dl_difference_kind */
  const char *path;    /* key of the file */
  const char *message; /* a sentence for people */
} dl_difference;

/* What a verify found. */
typedef struct dl_verify_result {
  uint32_t struct_size;
  int32_t stage;          /* a dl_push_stage: where it ended */
  uint64_t files_found;   /* files below the folder that match the patterns */
  uint64_t objects_found; /* objects at the remote */
  uint64_t files_equal;   /* proven to be equal */
  uint64_t total_bytes;   /* size of those */
  uint64_t duration_ms;   /* from the call to its end, by the monotonic clock */
  size_t difference_count;
  const dl_difference *const *differences; /* in the order of the paths; owned by the result */
} dl_verify_result;

/* clang-format off */
#define DL_VERIFY_RESULT_INIT {sizeof(dl_verify_result), 0, 0, 0, 0, 0, 0, 0, NULL}
/* clang-format on */

/* Reads every file that a push would consider and compares its content with what the remote says of
 * the object: its digest, or the digests of its segments; where there are none, with its bytes. No
 * memory of an earlier push counts, and nothing is changed. A push may run at the same time; what
 * it changes may then be called a difference. An object of a name that no push sends is none if
 * there is such a file here: a note tells of it. So does one if there is nothing at all to compare,
 * on either side: that is equal, but may come of a wrong URL.
 * @param options   NULL: the defaults. Borrowed.
 * @param progress  NULL: no callbacks. Borrowed. Only scan_start, scan_complete,
 *                  change_detection_start, change_detection_complete (files: those that differ) and
 *                  note are called.
 * @param result    as for dl_push; cleared with dl_verify_result_clear. May be NULL.
 * @return DL_OK: folder and remote are equal; DL_ERR_PARTIAL: they are not, see
 *         result->differences; else as dl_push, but never DL_ERR_LOCKED.
 * Threads: as dl_push; dl_cancel ends it. Since: 0.1 */
DL_API dl_status dl_verify(dl_sync *sync, const dl_verify_options *options,
                           const dl_progress *progress, dl_verify_result *result, dl_error *err);

/* Frees what a result owns and sets it back to DL_VERIFY_RESULT_INIT. NULL: nothing
 * happens. Since: 0.1 */
DL_API void dl_verify_result_clear(dl_verify_result *result);

#ifdef __cplusplus
}
#endif

#endif
