/* storage/azure_get.c: reads a blob or a range of one, and checks what comes: that
 * it is the range that was asked for, and the MD5 that the service has of the whole. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "storage/azure.h"

typedef struct reading {
  const dl_get_request *get;
  bool whole; /* no range was asked for */
  uint64_t taken;
  dl__hash hash;
} reading;

/* False: the whole blob was asked for. */
static bool make_range(const dl_get_request *get, char *line, size_t size) {
  uint64_t last = get->offset_bytes + get->length_bytes - 1;
  bool bounded = get->length_bytes > 0 && last >= get->offset_bytes;
  if (bounded) {
    (void)snprintf(line, size, "x-ms-range: bytes=%" PRIu64 "-%" PRIu64, get->offset_bytes, last);
  } else {
    (void)snprintf(line, size, "x-ms-range: bytes=%" PRIu64 "-", get->offset_bytes);
  }
  return bounded || get->offset_bytes > 0;
}

static dl_status fail(const dl_get_request *get, const char *what, dl_error *err) {
  dl_error full = DL_ERROR_INIT;
  (void)dl__fail(&full, DL_ERR_NETWORK, get->key, "%s; try again later", what);
  full.retryable = 1;
  dl__error_copy(err, &full);
  return DL_ERR_NETWORK;
}

static dl_status take(void *user, const void *data, size_t size, dl_error *err) {
  reading *r = user;
  r->taken += size;
  if (r->get->length_bytes > 0 && r->taken > r->get->length_bytes) {
    return fail(r->get, "the service sent more than was asked for", err);
  }
  dl_status status = r->whole ? dl__hash_add(&r->hash, data, size, err) : DL_OK;
  return status == DL_OK ? r->get->write(r->get->write_user, data, size, err) : status;
}

/* "bytes FIRST-LAST/TOTAL" has to be what was asked for, up to the end of the blob, and
 * as much has to have come. (The emulator names a LAST behind the end if asked for one.) */
static bool is_range(const dl_get_request *get, const dl__http_reply *reply) {
  char value[96];
  uint64_t first;
  uint64_t last;
  uint64_t total;
  int used = 0;
  if (reply->status != 206 || !dl__http_header(reply, "content-range", value, sizeof value) ||
      sscanf(value, "bytes %20" SCNu64 "-%20" SCNu64 "/%20" SCNu64 "%n", &first, &last, &total,
             &used) != 3 ||
      used == 0 || value[used] != '\0' || total == 0) {
    return false;
  }
  if (total <= get->offset_bytes) return reply->body_bytes == 0; /* the emulator, at the end */
  uint64_t end = total - 1;
  if (get->length_bytes > 0 && get->length_bytes - 1 < end - get->offset_bytes) {
    end = get->offset_bytes + get->length_bytes - 1;
  }
  return first == get->offset_bytes && first <= last && last >= end &&
         reply->body_bytes == end - first + 1;
}

static dl_status check_range(const reading *r, const dl__http_reply *reply, dl_error *err) {
  if (is_range(r->get, reply)) return DL_OK;
  return fail(r->get, "the service sent another range than was asked for", err);
}

static dl_status check_whole(reading *r, const dl__http_reply *reply, dl_error *err) {
  char value[64];
  char theirs[DL_DIGEST_SIZE];
  char ours[DL__DIGEST_SIZE];
  uint8_t md5[DL__MD5_BYTES];
  if (reply->status != 200) return fail(r->get, "the service sent no blob", err);
  if (!dl__http_header(reply, "content-md5", value, sizeof value)) return DL_OK;
  dl_status status = dl__hash_end_md5(&r->hash, md5, err);
  if (status != DL_OK) return status;
  dl__md5_text(md5, ours);
  if (dl__azure_md5_digest(value, theirs) && strcmp(ours, theirs) == 0) return DL_OK;
  return fail(r->get, "what came does not have the checksum of the blob", err);
}

static dl_status read_blob(dl__azure *azure, reading *r, dl_error *err) {
  char range[80];
  r->whole = !make_range(r->get, range, sizeof range);
  const char *const headers[] = {r->whole ? NULL : range, NULL};
  dl__azure_request request = {
      .method = "GET", .key = r->get->key, .headers = headers, .write = take, .write_user = r};
  dl__http_reply reply;
  dl_status status = dl__azure_send(azure, &request, &reply, err);
  bool behind = status != DL_OK && !r->whole && reply.status == 416 &&
                dl__azure_has_code(&reply, "InvalidRange");
  if (behind) status = DL_OK; /* nothing stands there */
  if (status == DL_OK && !behind) {
    status = r->whole ? check_whole(r, &reply, err) : check_range(r, &reply, err);
  }
  dl__http_reply_clear(&reply);
  return status;
}

dl_status dl__azure_get(void *self, const dl_get_request *request, dl_error *err) {
  reading r = {.get = request};
  dl_status status = dl__hash_init(&r.hash, true, err);
  if (status != DL_OK) return status;
  status = read_blob(self, &r, err);
  dl__hash_clear(&r.hash);
  return status;
}
