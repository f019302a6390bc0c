/* storage/azure_body.c: takes the reader of a content, gives it to a request: small ones
 * as memory, large ones to be read when libcurl wants them. */
#include "storage/azure_body.h"

#include <stdlib.h>

#include "base/error.h"

/* Up to here. */
#define MEMORY_MAX_BYTES ((uint64_t)256 * 1024)

dl_status dl__azure_body_read(const dl__azure_body *body, uint64_t offset, void *buf, size_t size,
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
    dl_status status = dl__azure_body_read(body, done, body->memory + done, size - done, &got, err);
    if (status != DL_OK) return status;
    done += got;
  }
  return DL_OK;
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
