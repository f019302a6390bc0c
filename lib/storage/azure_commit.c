/* storage/azure_commit.c: stores one blob in blocks: "Put Block" for each new one, then "Put
 * Block List", which makes the blob of them in one step. A block counts as stored when the
 * service answered 201 and names the CRC-64 that we sent; the blob when it names its ETag.
 * There is nothing to begin and nothing to abort: blocks that no list names wait a week for the
 * next push. */
#include <stdlib.h>
#include <string.h>

#include "base/crc64.h"
#include "base/error.h"
#include "base/hash.h"
#include "storage/azure.h"
#include "storage/azure_block.h"
#include "storage/azure_body.h"
#include "storage/azure_header.h"

/* Limits of one block from version 2019-12-12 on ("Put Block") and of a list ("Put Block
 * List"). */
#define BLOCK_MAX_BYTES ((uint64_t)4000 * 1024 * 1024)
#define BLOCKS_MAX      50000

#define LIST_START "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
#define LIST_END   "</BlockList>"

#define CRC64       "x-ms-content-crc64"
#define CRC64_BYTES 8

struct dl_upload {
  const dl_upload_request *request;
};

dl_status dl__azure_upload_begin(void *self, const dl_upload_request *request, dl_upload **out,
                                 dl_error *err) {
  (void)self;
  *out = NULL;
  /* What is no ETag, no blob has; "*" would mean any to the service. */
  if (request->if_match != NULL && !dl__azure_etag_valid(request->if_match)) {
    return dl__fail_conflict(err, request->key, "changed");
  }
  dl_upload *upload = malloc(sizeof *upload);
  if (upload == NULL) return dl__fail_no_memory(err);
  upload->request = request;
  *out = upload;
  return DL_OK;
}

void dl__azure_upload_end(void *self, dl_upload *upload) {
  (void)self;
  free(upload);
}

/* The service's word that it has what we sent: low byte first. */
static dl_status check_block(const char *key, uint64_t crc64, const dl__http_reply *reply,
                             dl_error *err) {
  char value[32];
  uint8_t raw[DL__BASE64_ROOM(sizeof value)];
  size_t size = 0;
  bool proven = reply->status == 201 && dl__http_header(reply, CRC64, value, sizeof value) &&
                dl__base64_decode(value, strlen(value), raw, &size) && size == CRC64_BYTES;
  for (size_t i = 0; proven && i < CRC64_BYTES; i++) {
    proven = raw[i] == (uint8_t)(crc64 >> (8 * i));
  }
  return proven ? DL_OK : dl__azure_fail_unproven(key, reply, "the checksum of what was sent", err);
}

static dl_status send_block(dl__azure *azure, const dl__azure_body *body, uint64_t crc64,
                            const char *id, dl_error *err) {
  const char *const query[] = {"comp", "block", "blockid", id, NULL};
  uint8_t sum[CRC64_BYTES];
  dl__azure_lines lines = {0};
  dl__azure_request request = {.method = "PUT", .key = body->key, .query = query};
  dl__http_reply reply = {0};
  for (size_t i = 0; i < CRC64_BYTES; i++) sum[i] = (uint8_t)(crc64 >> (8 * i));
  dl__azure_body_send(body, &request);
  bool made = dl__azure_lines_add_base64(&lines, CRC64, sum, sizeof sum);
  request.headers = dl__azure_lines_end(&lines);
  dl_status status = made ? dl__azure_send(azure, &request, &reply, err) : dl__fail_no_memory(err);
  if (status == DL_OK) status = check_block(body->key, crc64, &reply, err);
  dl__http_reply_clear(&reply);
  dl__azure_lines_clear(&lines);
  return status;
}

static bool add_id(dl__buf *buf, uint64_t size_bytes, const uint8_t *sha256) {
  dl__azure_block block = {.size_bytes = size_bytes};
  memcpy(block.sha256, sha256, sizeof block.sha256);
  return dl__azure_block_add_id(buf, &block);
}

dl_status dl__azure_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err) {
  const char *key = upload->request->key;
  dl__azure_body body = {
      .key = key, .size_bytes = part->size_bytes, .read = part->read, .read_user = part->read_user};
  dl__buf id = {0};
  if (part->size_bytes > BLOCK_MAX_BYTES) {
    return dl__fail(err, DL_ERR_UNSUPPORTED, key,
                    "a part larger than the 4,000 MiB that one block may have");
  }
  bool made = add_id(&id, part->size_bytes, part->sha256);
  dl_status status = made ? dl__azure_body_load(&body, err) : dl__fail_no_memory(err);
  if (status == DL_OK) status = send_block(self, &body, part->crc64, id.data, err);
  dl__azure_body_clear(&body);
  dl__buf_clear(&id);
  return status;
}

/* "Latest": the staged block with this id, else the committed one; they are the same. */
static bool make_list(const dl_commit_request *request, dl__buf *xml) {
  bool good = dl__buf_add_text(xml, LIST_START);
  for (size_t i = 0; good && i < request->segment_count; i++) {
    const dl_segment *segment = request->segments[i];
    good = dl__buf_add_text(xml, "<Latest>") && add_id(xml, segment->size_bytes, segment->sha256) &&
           dl__buf_add_text(xml, "</Latest>");
  }
  return good && dl__buf_add_text(xml, LIST_END);
}

/* A commit replaces everything that is kept with the blob, so everything is said again. */
static bool make_lines(const dl__azure *azure, const dl__azure_about *about,
                       const uint8_t xml_md5[DL__MD5_BYTES], dl__azure_lines *lines) {
  return dl__azure_lines_add_base64(lines, "Content-MD5", xml_md5, DL__MD5_BYTES) &&
         dl__azure_lines_add(lines, "x-ms-blob-content-type", dl__azure_content_type(about->key)) &&
         (about->md5 == NULL ||
          dl__azure_lines_add_base64(lines, "x-ms-blob-content-md5", about->md5, DL__MD5_BYTES)) &&
         dl__azure_lines_add_about(lines, azure, about);
}

static dl_status find_md5(const dl__buf *xml, uint8_t md5[DL__MD5_BYTES], dl_error *err) {
  dl__md5 *sum = NULL;
  dl_status status = dl__md5_new(&sum, err);
  if (status != DL_OK) return status;
  dl__md5_add(sum, xml->data, xml->length);
  dl__md5_get(sum, md5);
  dl__md5_free(sum);
  return DL_OK;
}

static dl_status send_list(dl__azure *azure, const dl__azure_about *about, const dl__buf *xml,
                           dl_put_result *result, dl_error *err) {
  static const char *const query[] = {"comp", "blocklist", NULL};
  char value[DL_ETAG_SIZE + 2];
  uint8_t md5[DL__MD5_BYTES];
  dl__azure_lines lines = {0};
  dl__http_reply reply = {0};
  dl_status status = find_md5(xml, md5, err);
  if (status == DL_OK && !make_lines(azure, about, md5, &lines)) status = dl__fail_no_memory(err);
  if (status == DL_OK) {
    dl__azure_request request = {.method = "PUT",
                                 .key = about->key,
                                 .query = query,
                                 .headers = dl__azure_lines_end(&lines),
                                 .body = xml->data,
                                 .body_bytes = xml->length};
    status = dl__azure_send(azure, &request, &reply, err);
  }
  if (status == DL_OK &&
      (reply.status != 201 || !dl__http_header(&reply, "etag", value, sizeof value) ||
       !dl__azure_etag(value, result->etag))) {
    status = dl__azure_fail_unproven(about->key, &reply, "that the blob was stored", err);
  }
  dl__http_reply_clear(&reply);
  dl__azure_lines_clear(&lines);
  return status;
}

dl_status dl__azure_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                           dl_put_result *result, dl_error *err) {
  const dl_upload_request *begun = upload->request;
  dl__azure_about about = {.key = begun->key,
                           .size_bytes = begun->size_bytes,
                           .digest = request->digest,
                           .md5 = request->md5,
                           .if_match = begun->if_match,
                           .mtime_ns = request->mtime_ns,
                           .if_absent = begun->if_absent != 0};
  if (request->segment_count > BLOCKS_MAX) {
    return dl__fail(err, DL_ERR_UNSUPPORTED, begun->key,
                    "in more than the 50,000 blocks that a blob may have");
  }
  dl__buf xml = {0};
  bool made = make_list(request, &xml);
  dl_status status = made ? send_list(self, &about, &xml, result, err) : dl__fail_no_memory(err);
  dl__buf_clear(&xml);
  return status == DL_ERR_CONFLICT ? dl__azure_stored(self, &about, result->etag, err) : status;
}

/* ---- one blob of one block, where a put is not taken ---- */

static dl_status add_to_crc64(void *user, const void *data, size_t size, dl_error *err) {
  uint64_t *crc64 = user;
  (void)err;
  *crc64 = dl__crc64(*crc64, data, size);
  return DL_OK;
}

/* An empty blob has no block. */
static dl_status send_single(dl__azure *azure, const dl__azure_body *body,
                             const dl__azure_about *about, const char *id, dl_put_result *result,
                             dl_error *err) {
  uint64_t crc64 = 0;
  bool empty = body->size_bytes == 0;
  dl__buf xml = {0};
  dl_status status = empty ? DL_OK : dl__azure_body_scan(body, add_to_crc64, &crc64, err);
  if (status == DL_OK && !empty) status = send_block(azure, body, crc64, id, err);
  if (status != DL_OK) return status;
  bool made = dl__buf_add_text(&xml, LIST_START) &&
              (empty || (dl__buf_add_text(&xml, "<Uncommitted>") && dl__buf_add_text(&xml, id) &&
                         dl__buf_add_text(&xml, "</Uncommitted>"))) &&
              dl__buf_add_text(&xml, LIST_END);
  status = made ? send_list(azure, about, &xml, result, err) : dl__fail_no_memory(err);
  dl__buf_clear(&xml);
  return status;
}

dl_status dl__azure_put_beside(dl__azure *azure, const dl__azure_body *body,
                               const dl__azure_about *about, dl_put_result *result, dl_error *err) {
  char staged[DL__AZURE_BLOCK_ID_SIZE];
  dl__buf id = {0};
  dl_error full = DL_ERROR_INIT;
  dl_status status = dl__azure_staged_id(azure, about->key, staged, &full);
  bool possible = status == DL_OK && body->size_bytes <= BLOCK_MAX_BYTES &&
                  dl__azure_block_add_chance_id(&id, staged);
  if (possible) {
    status = send_single(azure, body, about, id.data, result, err);
  } else if (full.retryable != 0 || status == DL_ERR_CANCELLED) {
    dl__error_copy(err, &full);
  } else {
    status = DL_ERR_CONFLICT;
  }
  dl__buf_clear(&id);
  return status;
}
