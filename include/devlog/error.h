/* devlog/error.h: what went wrong, where, and what to do about it.
 *
 * Every call of this library that can fail returns a dl_status and, if the
 * caller passed one, fills a dl_error. The dl_error belongs to the caller,
 * usually stands on its stack, holds no pointers and needs no freeing:
 *
 *     dl_error err = DL_ERROR_INIT;
 *     if (dl_sync_new(config, &sync, &err) != DL_OK)
 *       fprintf(stderr, "%s\n", err.message);
 */
#ifndef DEVLOG_ERROR_H
#define DEVLOG_ERROR_H

#include <stdint.h>

#include <devlog/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The result of a call. Numbers are frozen; new ones are added at the end. */
typedef enum dl_status {
  DL_OK = 0,
  DL_ERR_ARGUMENT = 1,         /* a parameter of the call is wrong: a bug of the caller */
  DL_ERR_NO_MEMORY = 2,        /* an allocation failed */
  DL_ERR_CONFIG = 3,           /* the configuration is missing, wrong or not allowed */
  DL_ERR_SCAN = 4,             /* the folder could not be read completely */
  DL_ERR_CHANGE_DETECTION = 5, /* local and remote could not be compared */
  DL_ERR_UPLOAD = 6,           /* a file could not be sent */
  DL_ERR_STORAGE = 7,          /* the remote failed in a way that no other status names */
  DL_ERR_AUTH = 8,             /* the remote does not know us, or does not let us do this */
  DL_ERR_NETWORK = 9,          /* the remote cannot be reached or is busy: try later */
  DL_ERR_CONFLICT = 10,        /* the object was changed at the remote by somebody else */
  DL_ERR_CANCELLED = 11,       /* dl_cancel or a callback ended it */
  DL_ERR_PARTIAL = 12,         /* it ended, but some files failed or differ: see the result */
  DL_ERR_STATE = 13,           /* the local state cannot be used */
  DL_ERR_LOCKED = 14,          /* another push or pull of this folder and remote is running */
  DL_ERR_BUSY = 15,            /* this handle is in use by a call that has not returned */
  DL_ERR_NOT_FOUND = 16,       /* there is no such object */
  DL_ERR_UNSUPPORTED = 17,     /* the storage cannot do this */
  DL_ERR_SOURCE_CHANGED = 18,  /* a local file changed while it was read */
  DL_ERR_EXISTS = 19,          /* there is one already, and it is left as it is */
  DL_ERR_JOURNAL = 20,         /* a file of the journal cannot be read or written */
  DL_ERR_DOWNLOAD = 21         /* an object could not be made a file */
} dl_status;

/* The details of a failure. All strings are NUL-terminated, cut if too long,
 * and never hold a secret. */
typedef struct dl_error {
  uint32_t struct_size;    /* DL_ERROR_INIT sets it; 0 means the size of version 0.1 */
  int32_t status;          /* the dl_status of the call */
  int32_t errno_value;     /* errno of the system call that failed, or 0 */
  int32_t http_status;     /* HTTP status of the reply that said no, or 0 */
  uint32_t retryable;      /* 1: the same call may succeed later; 0: not known to */
  uint32_t retry_after_ms; /* how long the service asked us to wait, in ms; 0: it did not say */
  char provider_code[64];  /* the service's own name of the error, or "" */
  char request_id[64];     /* the service's id of the request, to quote to its support, or "" */
  char path[1028];         /* the file, folder, key or URL it is about, or "" */
  char message[1024];      /* one sentence or two: what failed and what to do; for people */
} dl_error;

/* clang-format off */
#define DL_ERROR_INIT {sizeof(dl_error), 0, 0, 0, 0, 0, "", "", "", ""}
/* clang-format on */

/* The name of a status, such as "DL_ERR_AUTH".
 * @return a constant string, never NULL, also for a number that is no status.
 * Threads: any. Since: 0.1 */
DL_API const char *dl_status_name(dl_status status);

/* Fills an error: for storages that a program brings along.
 * Everything that was in it is replaced.
 * @param err      the error to fill; may be NULL.
 * @param status   what to report.
 * @param path     the file, key or URL it is about; may be NULL. Copied.
 * @param message  one sentence or two: what failed and what to do. Copied.
 * @return status, so that a function can end with `return dl_error_set(...)`.
 * Threads: any, each with its own err. Since: 0.1 */
DL_API dl_status dl_error_set(dl_error *err, dl_status status, const char *path,
                              const char *message);

#ifdef __cplusplus
}
#endif

#endif
