/* storage/azure_put.c: stores one blob by one "Put Blob". What counts as stored:
 * the service answered 201, took every byte, and names the MD5 that we sent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"
#include "storage/azure.h"

/* Limit of one Put Blob from version 2019-12-12 on ("Put Blob", Remarks). */
#define PUT_MAX_BYTES ((uint64_t)5000 * 1024 * 1024)

/* A body up to this size is read once and sent from memory, in one piece with its header. */
#define MEMORY_MAX_BYTES ((uint64_t)256 * 1024)

#define PIECE_BYTES ((size_t)128 * 1024)

static const char *content_type(const char *key) {
  static const struct {
    const char *ending;
    const char *type;
  } types[] = {
      {".jsonl", "application/x-ndjson"},
      {".md", "text/markdown; charset=utf-8"},
      {".toml", "application/toml"},
      {".ini", "text/plain; charset=utf-8"},
  };
  size_t length = strlen(key);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t ending = strlen(types[i].ending);
    if (length > ending && strcmp(key + length - ending, types[i].ending) == 0) {
      return types[i].type;
    }
  }
  return "application/octet-stream";
}

/* The body of a put on its way. */
typedef struct body {
  const dl_put_request *request;
  unsigned char *memory; /* the whole of it, or NULL */
  uint8_t md5[DL__MD5_BYTES];
} body;

static dl_status read_piece(const dl_put_request *request, uint64_t offset, void *buf, size_t size,
                            size_t *got, dl_error *err) {
  *got = 0;
  dl_status status = request->read(request->read_user, offset, buf, size, got, err);
  if (status == DL_OK && (*got == 0 || *got > size)) {
    return dl__fail(err, DL_ERR_STORAGE, request->key, "not the number of bytes that was promised");
  }
  return status;
}

static dl_status load(body *b, dl_error *err) {
  size_t size = (size_t)b->request->size_bytes;
  b->memory = malloc(size + 1);
  if (b->memory == NULL) return dl__fail_no_memory(err);
  for (size_t done = 0; done < size;) {
    size_t got;
    dl_status status = read_piece(b->request, done, b->memory + done, size - done, &got, err);
    if (status != DL_OK) return status;
    done += got;
  }
  return DL_OK;
}

/* For a caller that gave no MD5: one reading more. */
static dl_status add_all(const body *b, dl__hash *hash, dl_error *err) {
  uint64_t size = b->request->size_bytes;
  if (b->memory != NULL) return dl__hash_add(hash, b->memory, (size_t)size, err);
  DL__AUTO_FREE unsigned char *piece = malloc(PIECE_BYTES);
  if (piece == NULL) return dl__fail_no_memory(err);
  dl_status status = DL_OK;
  for (uint64_t done = 0; status == DL_OK && done < size;) {
    size_t want = size - done < PIECE_BYTES ? (size_t)(size - done) : PIECE_BYTES;
    size_t got = 0;
    status = read_piece(b->request, done, piece, want, &got, err);
    if (status == DL_OK) status = dl__hash_add(hash, piece, got, err);
    done += got;
  }
  return status;
}

static dl_status find_md5(body *b, dl_error *err) {
  if (b->request->md5 != NULL) {
    memcpy(b->md5, b->request->md5, DL__MD5_BYTES);
    return DL_OK;
  }
  dl__hash hash;
  dl_status status = dl__hash_init(&hash, true, err);
  if (status != DL_OK) return status;
  status = add_all(b, &hash, err);
  if (status == DL_OK) status = dl__hash_end_md5(&hash, b->md5, err);
  dl__hash_clear(&hash);
  return status;
}

/* The lines of a Put Blob. */
typedef struct put_headers {
  char md5[64];
  char kept_md5[64];
  char type[64];
  char digest[DL_DIGEST_SIZE + 64];
  char mtime[64];
  char condition[DL_ETAG_SIZE + 32];
  const char *lines[9];
} put_headers;

static bool make_headers(const body *b, const dl_put_request *request, put_headers *h) {
  dl__buf base64 = {0};
  bool done = dl__base64_add(&base64, b->md5, DL__MD5_BYTES);
  size_t n = 0;
  h->lines[n++] = "x-ms-blob-type: BlockBlob";
  (void)snprintf(h->md5, sizeof h->md5, "Content-MD5: %s", done ? base64.data : "");
  h->lines[n++] = h->md5;
  (void)snprintf(h->kept_md5, sizeof h->kept_md5, "x-ms-meta-" DL__AZURE_META_MD5 ": %s",
                 done ? base64.data : "");
  h->lines[n++] = h->kept_md5;
  dl__buf_clear(&base64);
  (void)snprintf(h->type, sizeof h->type, "Content-Type: %s", content_type(request->key));
  h->lines[n++] = h->type;
  if (request->digest != NULL && dl__azure_digest_valid(request->digest)) {
    (void)snprintf(h->digest, sizeof h->digest, "x-ms-meta-" DL__AZURE_META_DIGEST ": %s",
                   request->digest);
    h->lines[n++] = h->digest;
  }
  if (request->mtime_ns != 0) {
    (void)snprintf(h->mtime, sizeof h->mtime, "x-ms-meta-" DL__AZURE_META_MTIME ": %" PRId64,
                   request->mtime_ns);
    h->lines[n++] = h->mtime;
  }
  if (request->if_absent != 0) h->lines[n++] = "If-None-Match: *";
  if (request->if_match != NULL) {
    (void)snprintf(h->condition, sizeof h->condition, "If-Match: \"%s\"", request->if_match);
    h->lines[n++] = h->condition;
  }
  h->lines[n] = NULL;
  return done;
}

/* The service's word that it has what we sent. */
static dl_status check_reply(const body *b, const dl__http_reply *reply, dl_put_result *result,
                             dl_error *err) {
  char value[DL_ETAG_SIZE];
  char theirs[DL_DIGEST_SIZE];
  char ours[DL__DIGEST_SIZE];
  dl__md5_text(b->md5, ours);
  bool proven =
      reply->status == 201 && dl__http_header(reply, "content-md5", value, sizeof value) &&
      dl__azure_md5_digest(value, theirs) && strcmp(theirs, ours) == 0 &&
      dl__http_header(reply, "etag", value, sizeof value) && dl__azure_etag(value, result->etag);
  if (proven) return DL_OK;
  dl_error full = DL_ERROR_INIT;
  (void)dl__fail(&full, DL_ERR_NETWORK, b->request->key,
                 "the service did not confirm the checksum of what was sent; try again later");
  full.http_status = reply->status;
  full.retryable = 1;
  dl__error_copy(err, &full);
  return DL_ERR_NETWORK;
}

static dl_status send_blob(dl__azure *azure, const body *b, dl_put_result *result, dl_error *err) {
  put_headers headers;
  if (!make_headers(b, b->request, &headers)) return dl__fail_no_memory(err);
  dl__azure_request request = {
      .method = "PUT",
      .key = b->request->key,
      .headers = headers.lines,
      .body = b->memory,
      .body_bytes = b->request->size_bytes,
      .read = b->memory == NULL ? b->request->read : NULL,
      .read_user = b->request->read_user,
  };
  dl__http_reply reply;
  dl_status status = dl__azure_send(azure, &request, &reply, err);
  if (status == DL_OK) status = check_reply(b, &reply, result, err);
  dl__http_reply_clear(&reply);
  return status;
}

/* What stands there now. */
typedef struct present {
  const dl_put_request *request;
  dl_put_result *result;
  bool same;
} present;

static int look(const dl_object *object, void *user) {
  present *p = user;
  p->same = object->size_bytes == p->request->size_bytes && object->digest != NULL &&
            strcmp(object->digest, p->request->digest) == 0 && object->etag != NULL;
  if (p->same) memcpy(p->result->etag, object->etag, strlen(object->etag) + 1);
  return 0;
}

/* A put whose answer was lost meets itself at the next try: the condition fails, but
 * the blob is what was to be stored. So it is too if somebody else stored the same. */
static bool stored_already(dl__azure *azure, const dl_put_request *request, dl_put_result *result) {
  if (request->digest == NULL) return false;
  present p = {request, result, false};
  return dl__azure_stat(azure, request->key, look, &p, NULL) == DL_OK && p.same;
}

dl_status dl__azure_put(void *self, const dl_put_request *request, dl_put_result *result,
                        dl_error *err) {
  dl__azure *azure = self;
  if (request->size_bytes > PUT_MAX_BYTES) {
    return dl__fail(err, DL_ERR_UNSUPPORTED, request->key,
                    "larger than the 5,000 MiB that one request may hold");
  }
  /* What is no ETag, no blob has; "*" would mean any to the service. */
  if (request->if_match != NULL && !dl__azure_etag_valid(request->if_match)) {
    return dl__fail(err, DL_ERR_CONFLICT, request->key, "the object was changed meanwhile");
  }
  body b = {.request = request};
  dl_status status = request->size_bytes <= MEMORY_MAX_BYTES ? load(&b, err) : DL_OK;
  if (status == DL_OK) status = find_md5(&b, err);
  if (status == DL_OK) status = send_blob(azure, &b, result, err);
  free(b.memory);
  if (status == DL_ERR_CONFLICT && stored_already(azure, request, result)) return DL_OK;
  return status;
}
