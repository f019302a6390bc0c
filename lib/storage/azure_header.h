/* storage/azure_header.h: the header lines of requests that store, and what they leave at
 * a blob. */
#ifndef DL_STORAGE_AZURE_HEADER_H
#define DL_STORAGE_AZURE_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "storage/azure.h"
#include "storage/azure_body.h"

#define DL__AZURE_LINES_MAX 12

/* Lines "Name: value". Set it up with {0}. */
typedef struct dl__azure_lines {
  dl__buf text; /* each ended by NUL */
  size_t count;
  const char *items[DL__AZURE_LINES_MAX + 1];
} dl__azure_lines;

/* False: no memory, or too many. */
bool dl__azure_lines_add(dl__azure_lines *lines, const char *name, const char *value);
bool dl__azure_lines_add_base64(dl__azure_lines *lines, const char *name, const void *data,
                                size_t size);

/* All of them, ended by NULL; valid until the next one is added. */
const char *const *dl__azure_lines_end(dl__azure_lines *lines);
void dl__azure_lines_clear(dl__azure_lines *lines);

/* What is to be known of a stored blob, and when it may be stored. Borrowed. */
typedef struct dl__azure_about {
  const char *key;
  uint64_t size_bytes;
  const char *digest;   /* or NULL */
  const uint8_t *md5;   /* of the content; or NULL */
  const char *if_match; /* or NULL */
  int64_t mtime_ns;     /* 0: none */
  bool if_absent;
} dl__azure_about;

/* Adds the metadata and the condition. */
bool dl__azure_lines_add_about(dl__azure_lines *lines, const dl__azure *azure,
                               const dl__azure_about *about);

/* The media type by the ending of the key. */
const char *dl__azure_content_type(const char *key);

/* To be asked when a condition failed: a request whose answer was lost meets itself at the next
 * try. DL_OK: the blob is there as it was to be stored, which its digest says (so it is too if
 * somebody else stored the same); etag is then its ETag. DL_ERR_CONFLICT: it is not; err stays as
 * it is. Else nobody knows, since asking failed in a way that may pass: DL_ERR_NETWORK, retryable;
 * DL_ERR_CANCELLED. */
dl_status dl__azure_stored(dl__azure *azure, const dl__azure_about *about, char etag[DL_ETAG_SIZE],
                           dl_error *err);

/* To be asked when a put on the condition that there is no blob failed, with DL_ERR_CONFLICT. If
 * there is none, but staged blocks of a push or program that did not end, which the emulator takes
 * for a blob, stores the content all the same: as one block, with an id that can stand beside
 * those, on the same condition; they go. Else DL_ERR_CONFLICT, and err stays as it is. */
dl_status dl__azure_put_beside(dl__azure *azure, const dl__azure_body *body,
                               const dl__azure_about *about, dl_put_result *result, dl_error *err);

/* A reply that is 2xx and does not say what it has to: DL_ERR_NETWORK, retryable. */
dl_status dl__azure_fail_unproven(const char *key, const dl__http_reply *reply, const char *what,
                                  dl_error *err);

#endif
