/* storage/azure_body.h: the content of a blob or block on its way to the service. */
#ifndef DL_STORAGE_AZURE_BODY_H
#define DL_STORAGE_AZURE_BODY_H

#include <devlog/storage.h>

#include "storage/azure.h"

typedef struct dl__azure_body {
  const char *key;
  uint64_t size_bytes;
  dl_read_fn read;
  void *read_user;
  unsigned char *memory; /* the whole of it, or NULL: it goes out as it is read */
} dl__azure_body;

/* Reads the whole body to memory if it is small: then it is read once whatever a try costs,
 * and goes out in one piece with its header. */
dl_status dl__azure_body_load(dl__azure_body *body, dl_error *err);
void dl__azure_body_clear(dl__azure_body *body);

/* Reads it once, from beginning to end, and gives it to add, piece by piece. */
dl_status dl__azure_body_scan(const dl__azure_body *body,
                              dl_status (*add)(void *user, const void *data, size_t size,
                                               dl_error *err),
                              void *user, dl_error *err);

/* Makes it the body of a request. */
void dl__azure_body_send(const dl__azure_body *body, dl__azure_request *request);

#endif
