/* storage/azure_body.c: takes the reader of a content, gives it to a request: small ones
 * as memory, large ones to be read when libcurl wants them. */
#include "storage/azure_body.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Up to here. */
#define MEMORY_MAX_BYTES ((uint64_t)256 * 1024)

/* What is larger is read in such pieces. */
#define PIECE_BYTES ((size_t)128 * 1024)

/* As the caller's read, and sure to give something. */
static dl_status read_some(const dl__azure_body *body, uint64_t offset, void *buf, size_t size,
                           size_t *got, dl_error *err) {
  *got = 0;
  dl_status status = body->read(body->read_user, offset, buf, size, got, err);
  if (status == DL_OK && (*got == 0 || *got > size)) {
    return dl__fail(err, DL_ERR_STORAGE, body->key, "not the number of bytes that was promised");
  }
  return status;
}

dl_status dl__azure_body_load(dl__azure_body *body, dl_error *err) {
  if (body->size_bytes > MEMORY_MAX_BYTES) return DL_OK;
  size_t size = (size_t)body->size_bytes;
  body->memory = malloc(size + 1);
  if (body->memory == NULL) return dl__fail_no_memory(err);
  for (size_t done = 0; done < size;) {
    size_t got;
    dl_status status = read_some(body, done, body->memory + done, size - done, &got, err);
    if (status != DL_OK) return status;
    done += got;
  }
  return DL_OK;
}

dl_status dl__azure_body_scan(const dl__azure_body *body,
                              dl_status (*add)(void *user, const void *data, size_t size,
                                               dl_error *err),
                              void *user, dl_error *err) {
  if (body->memory != NULL) return add(user, body->memory, (size_t)body->size_bytes, err);
  DL__AUTO_FREE unsigned char *piece = malloc(PIECE_BYTES);
  if (piece == NULL) return dl__fail_no_memory(err);
  dl_status status = DL_OK;
  for (uint64_t done = 0; status == DL_OK && done < body->size_bytes;) {
    uint64_t left = body->size_bytes - done;
    size_t got;
    status =
        read_some(body, done, piece, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, &got, err);
    if (status == DL_OK) status = add(user, piece, got, err);
    done += got;
  }
  return status;
}

void dl__azure_body_clear(dl__azure_body *body) {
  free(body->memory);
  body->memory = NULL;
}

void dl__azure_body_send(const dl__azure_body *body, dl__azure_request *request) {
  request->body = body->memory;
  request->body_bytes = body->size_bytes;
  request->read = body->memory == NULL ? body->read : NULL;
  request->read_user = body->read_user;
}
