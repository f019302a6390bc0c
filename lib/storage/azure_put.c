/* storage/azure_put.c: stores one blob by one "Put Blob". What counts as stored:
 * the service answered 201, took every byte, and names the MD5 that we sent. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "storage/azure.h"
#include "storage/azure_body.h"
#include "storage/azure_header.h"

/* Limit of one Put Blob from version 2019-12-12 on ("Put Blob", Remarks). */
#define PUT_MAX_BYTES ((uint64_t)5000 * 1024 * 1024)

static dl_status add_to_hash(void *user, const void *data, size_t size, dl_error *err) {
  return dl__hash_add(user, data, size, err);
}

/* For a caller that gave no MD5: one reading more. */
static dl_status find_md5(const dl__azure_body *body, uint8_t md5[DL__MD5_BYTES], dl_error *err) {
  dl__hash hash;
  dl_status status = dl__hash_init(&hash, true, err);
  if (status != DL_OK) return status;
  status = dl__azure_body_scan(body, add_to_hash, &hash, err);
  if (status == DL_OK) status = dl__hash_end_md5(&hash, md5, err);
  dl__hash_clear(&hash);
  return status;
}

/* The service's word that it has what we sent. */
static dl_status check_reply(const dl__azure_about *about, const dl__http_reply *reply,
                             dl_put_result *result, dl_error *err) {
  char value[DL_ETAG_SIZE];
  char theirs[DL_DIGEST_SIZE];
  char ours[DL__DIGEST_SIZE];
  dl__md5_text(about->md5, ours);
  bool proven =
      reply->status == 201 && dl__http_header(reply, "content-md5", value, sizeof value) &&
      dl__azure_md5_digest(value, theirs) && strcmp(theirs, ours) == 0 &&
      dl__http_header(reply, "etag", value, sizeof value) && dl__azure_etag(value, result->etag);
  if (proven) return DL_OK;
  return dl__azure_fail_unproven(about->key, reply, "the checksum of what was sent", err);
}

static dl_status send_blob(dl__azure *azure, const dl__azure_body *body,
                           const dl__azure_about *about, dl_put_result *result, dl_error *err) {
  dl__azure_lines lines = {0};
  dl__azure_request request = {.method = "PUT", .key = about->key};
  dl__http_reply reply = {0};
  dl__azure_body_send(body, &request);
  bool made = dl__azure_lines_add(&lines, "x-ms-blob-type", "BlockBlob") &&
              dl__azure_lines_add_base64(&lines, "Content-MD5", about->md5, DL__MD5_BYTES) &&
              dl__azure_lines_add(&lines, "Content-Type", dl__azure_content_type(about->key)) &&
              dl__azure_lines_add_about(&lines, azure, about);
  request.headers = dl__azure_lines_end(&lines);
  dl_status status = made ? dl__azure_send(azure, &request, &reply, err) : dl__fail_no_memory(err);
  if (status == DL_OK) status = check_reply(about, &reply, result, err);
  dl__http_reply_clear(&reply);
  dl__azure_lines_clear(&lines);
  return status;
}

dl_status dl__azure_put(void *self, const dl_put_request *request, dl_put_result *result,
                        dl_error *err) {
  dl__azure *azure = self;
  uint8_t md5[DL__MD5_BYTES];
  if (request->size_bytes > PUT_MAX_BYTES) {
    return dl__fail(err, DL_ERR_UNSUPPORTED, request->key,
                    "larger than the 5,000 MiB that one request may hold");
  }
  /* What is no ETag, no blob has; "*" would mean any to the service. */
  if (request->if_match != NULL && !dl__azure_etag_valid(request->if_match)) {
    return dl__fail_conflict(err, request->key, "changed");
  }
  dl__azure_body body = {.key = request->key,
                         .size_bytes = request->size_bytes,
                         .read = request->read,
                         .read_user = request->read_user};
  dl__azure_about about = {.key = request->key,
                           .size_bytes = request->size_bytes,
                           .digest = request->digest,
                           .md5 = request->md5,
                           .if_match = request->if_match,
                           .mtime_ns = request->mtime_ns,
                           .if_absent = request->if_absent != 0};
  dl_status status = dl__azure_body_load(&body, err);
  if (status == DL_OK && about.md5 == NULL) {
    status = find_md5(&body, md5, err);
    about.md5 = md5;
  }
  if (status == DL_OK) status = send_blob(azure, &body, &about, result, err);
  if (status == DL_ERR_CONFLICT) status = dl__azure_stored(azure, &about, result->etag, err);
  if (status == DL_ERR_CONFLICT && about.if_absent) {
    status = dl__azure_put_beside(azure, &body, &about, result, err);
  }
  dl__azure_body_clear(&body);
  return status;
}
