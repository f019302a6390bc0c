/* devlog/progress.h: what a push, pull or verify tells while it works.
 *
 * Fill in the callbacks you want; all are optional. A push calls them in this
 * order, always on the thread that called dl_push:
 *
 *   scan_start, scan_complete,
 *   change_detection_start, change_detection_complete,
 *   (note comes at any time, and any number of times)
 *   then in a dry run:  file_would_upload*
 *   or, if there is something to send:
 *     upload_start,
 *     for each file: file_upload_start, file_upload_progress*, and one of
 *                    file_upload_complete and file_upload_error
 *                    (the calls of files that are sent at the same time mix),
 *     upload_complete.
 *
 * A push that ends early (a failed scan, say) just stops calling.
 *
 * A pull calls the same ones. "upload" then means what is transferred: downloaded; sent_bytes is
 * what came, reused_bytes what was here (see devlog/pull.h). A verify calls those of the
 * first two lines, and note.
 */
#ifndef DEVLOG_PROGRESS_H
#define DEVLOG_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dl_push_result;

/* What a callback is told. The event and all it points to are valid during the
 * call. A field that the callback's comment does not name is 0 or NULL. */
typedef struct dl_progress_event {
  uint32_t struct_size;
  uint32_t reserved;
  const char *base_path;               /* the folder; in every event */
  const char *path;                    /* key of the file: its path below base_path */
  uint64_t files;                      /* number of files */
  uint64_t size_bytes;                 /* size of the file, or of the files together */
  uint64_t sent_bytes;                 /* bytes of this file given to the remote so far */
  uint64_t reused_bytes;               /* bytes of this file found at the remote already; with
                                          sent_bytes: how far the file is */
  const char *message;                 /* a sentence for people */
  const dl_error *error;               /* what failed */
  const struct dl_push_result *result; /* the result so far */
} dl_progress_event;

/* @return 0 to go on; anything else cancels the push as dl_cancel does (one that has
 * nothing left to send or to say still ends with DL_OK).
 * A callback may call dl_cancel; it must not call other functions with the
 * same dl_sync (dl_push answers DL_ERR_BUSY) and must not longjmp or throw. */
typedef int (*dl_progress_fn)(const dl_progress_event *event, void *user);

typedef struct dl_progress {
  uint32_t struct_size;
  uint32_t reserved;
  void *user;                /* handed to every callback */
  dl_progress_fn scan_start; /* message: what the remote is and how it is logged in to, or NULL */
  dl_progress_fn scan_complete;             /* files, size_bytes: found */
  dl_progress_fn change_detection_start;    /* files: to look at */
  dl_progress_fn change_detection_complete; /* files, size_bytes: need uploading */
  dl_progress_fn upload_start;              /* files, size_bytes: to be sent */
  dl_progress_fn file_upload_start;         /* path, size_bytes */
  dl_progress_fn file_upload_progress;      /* path, size_bytes, sent_bytes, reused_bytes; may
                                               skip steps */
  dl_progress_fn file_upload_complete;      /* path, size_bytes, sent_bytes, reused_bytes */
  dl_progress_fn file_upload_error;         /* path, size_bytes, error, message */
  dl_progress_fn retry; /* path, error, message: a file changed while it was read; once more */
  dl_progress_fn upload_complete;   /* files, size_bytes: sent; result */
  dl_progress_fn file_would_upload; /* dry run: path, size_bytes */
  dl_progress_fn note;              /* path, message: worth knowing, nothing failed */
} dl_progress;

/* clang-format off */
#define DL_PROGRESS_INIT \
  {sizeof(dl_progress), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
   NULL, NULL}
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
