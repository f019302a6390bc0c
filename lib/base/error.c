/* base/error.c: builds a full dl_error on the stack, then copies as much of it
 * as the caller's struct_size has room for. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The size of dl_error in version 0.1; a struct_size of 0 means this one. */
#define ERROR_SIZE_0_1 (offsetof(dl_error, message) + sizeof(((dl_error *)0)->message))

#define MESSAGE_SIZE (sizeof(((dl_error *)0)->message) + 1) /* one more: shows that it was cut */

static size_t known_size(const dl_error *err) {
  size_t size = err->struct_size != 0 ? err->struct_size : ERROR_SIZE_0_1;
  return size < sizeof(dl_error) ? size : sizeof(dl_error);
}

void dl__error_copy(dl_error *err, const dl_error *from) {
  if (err == NULL || err == from) return;
  uint32_t struct_size = err->struct_size;
  memcpy(err, from, known_size(err));
  err->struct_size = struct_size;
}

void dl__error_import(dl_error *out, const dl_error *from) {
  *out = (dl_error)DL_ERROR_INIT;
  if (from == NULL) return;
  memcpy(out, from, known_size(from));
  out->struct_size = sizeof *out;
  /* Who filled it may have ended none of its texts. */
  out->provider_code[sizeof out->provider_code - 1] = '\0';
  out->request_id[sizeof out->request_id - 1] = '\0';
  out->path[sizeof out->path - 1] = '\0';
  out->message[sizeof out->message - 1] = '\0';
}

/* Copies text, and shows by dots that it was cut. */
static void copy_text(char *to, size_t size, const char *text) {
  size_t length = strlen(text);
  if (length < size) {
    memcpy(to, text, length + 1);
    return;
  }
  memcpy(to, text, size - 4);
  memcpy(to + size - 4, "...", 4);
}

static void fill(dl_error *err, dl_status status, int errnum, const char *path,
                 const char *message) {
  dl_error full = DL_ERROR_INIT;
  full.status = (int32_t)status;
  full.errno_value = errnum;
  if (path != NULL) copy_text(full.path, sizeof full.path, path);
  copy_text(full.message, sizeof full.message, message);
  dl__error_copy(err, &full);
}

dl_status dl_error_set(dl_error *err, dl_status status, const char *path, const char *message) {
  if (err != NULL) fill(err, status, 0, path, message != NULL ? message : dl_status_name(status));
  return status;
}

dl_status dl__fail(dl_error *err, dl_status status, const char *path, const char *format, ...) {
  if (err == NULL) return status;
  char message[MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(message, sizeof message, format, args);
  va_end(args);
  fill(err, status, 0, path, message);
  return status;
}

dl_status dl__fail_errno(dl_error *err, dl_status status, int errnum, const char *path,
                         const char *format, ...) {
  if (err == NULL) return status;
  char message[MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(message, sizeof message, format, args);
  va_end(args);
  size_t used = strlen(message);
  char text[128];
  if (strerror_r(errnum, text, sizeof text) != 0) {
    (void)snprintf(text, sizeof text, "error %d", errnum);
  }
  (void)snprintf(message + used, sizeof message - used, ": %s", text);
  fill(err, status, errnum, path, message);
  return status;
}

void dl__error_append(dl_error *err, const char *text) {
  if (err == NULL) return;
  dl_error full;
  dl__error_import(&full, err);
  size_t added = strlen(text);
  if (added >= sizeof full.message - sizeof "...") return;
  size_t room = sizeof full.message - added;
  char message[sizeof full.message];
  memcpy(message, full.message, sizeof message);
  copy_text(full.message, room, message);
  memcpy(full.message + strlen(full.message), text, added + 1);
  dl__error_copy(err, &full);
}

dl_error *dl__error_keep(const dl_error *err) {
  dl_error *copy = malloc(sizeof *copy);
  if (copy != NULL) *copy = *err;
  return copy;
}

bool dl__status_is_about_all(dl_status status) {
  return status == DL_ERR_CANCELLED || status == DL_ERR_NO_MEMORY || status == DL_ERR_AUTH ||
         status == DL_ERR_NETWORK;
}

dl_status dl__fail_conflict(dl_error *err, const char *key, const char *what) {
  return dl__fail(err, DL_ERR_CONFLICT, key,
                  "was %s at the remote by somebody else meanwhile; nothing was overwritten. Push "
                  "again to compare anew and replace it with your copy, or pull first",
                  what);
}

dl_status dl__fail_no_memory(dl_error *err) {
  return dl_error_set(err, DL_ERR_NO_MEMORY, NULL, "out of memory");
}

const char *dl_status_name(dl_status status) {
  static const char *const names[] = {
      "DL_OK",
      "DL_ERR_ARGUMENT",
      "DL_ERR_NO_MEMORY",
      "DL_ERR_CONFIG",
      "DL_ERR_SCAN",
      "DL_ERR_CHANGE_DETECTION",
      "DL_ERR_UPLOAD",
      "DL_ERR_STORAGE",
      "DL_ERR_AUTH",
      "DL_ERR_NETWORK",
      "DL_ERR_CONFLICT",
      "DL_ERR_CANCELLED",
      "DL_ERR_PARTIAL",
      "DL_ERR_STATE",
      "DL_ERR_LOCKED",
      "DL_ERR_BUSY",
      "DL_ERR_NOT_FOUND",
      "DL_ERR_UNSUPPORTED",
      "DL_ERR_SOURCE_CHANGED",
      "DL_ERR_EXISTS",
      "DL_ERR_JOURNAL",
      "DL_ERR_DOWNLOAD",
  };
  size_t index = (size_t)status;
  return index < sizeof names / sizeof names[0] ? names[index] : "unknown dl_status";
}
