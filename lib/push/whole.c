/* push/whole.c: takes an open file, puts it in one piece. What is put is what was
 * digested: a file that fits the reader's buffer is sent from there; a larger one is read a
 * second time, and its last piece is refused unless the whole gave the same digest again. */
#include <string.h>

#include "base/error.h"
#include "push/send.h"

/* The body of one put, given piece by piece to a storage. */
typedef struct body {
  const dl__send_request *request;
  const dl__digests *digests;
  bool in_buffer; /* the whole content is in the reader's buffer */
  bool complete;  /* every byte was given, and found to be what was digested */
  uint64_t next;  /* offset that the storage must ask for */
  uint64_t counted_bytes;
} body;

dl_status dl__send_ask(const dl__send_request *request, uint64_t offset, uint64_t total,
                       uint64_t *next, size_t *size, dl_error *err) {
  if (atomic_load(request->reader->cancel)) {
    return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  }
  if (offset == 0) *next = 0;
  if (offset != *next || offset > total) {
    return dl__fail(err, DL_ERR_STORAGE, request->source->key,
                    "the storage asked for bytes out of order");
  }
  if (*size > total - offset) *size = (size_t)(total - offset);
  return DL_OK;
}

void dl__send_count(const dl__send_request *request, size_t size, uint64_t end, uint64_t *counted) {
  atomic_fetch_add(&request->meter->given_bytes, size);
  if (end > *counted) {
    atomic_fetch_add(&request->meter->sent_bytes, end - *counted);
    *counted = end;
  }
  /* At the end of a small file the news that it is done comes at once. */
  if (end < request->source->stamp.size_bytes) request->progress(request->progress_user);
}

/* The second reading has to give the first one's digest. */
static dl_status verify_piece(body *b, const void *data, size_t size, dl_error *err) {
  const dl__source *source = b->request->source;
  dl__hash *hash = &b->request->reader->hash;
  dl_status status = b->next == 0 ? dl__hash_begin(hash, err) : DL_OK;
  if (status == DL_OK) status = dl__hash_add(hash, data, size, err);
  if (status != DL_OK || b->next + size < source->stamp.size_bytes) return status;
  char digest[DL__DIGEST_SIZE];
  status = dl__hash_end(hash, digest, err);
  if (status != DL_OK) return status;
  if (strcmp(digest, b->digests->sha256) != 0) {
    return dl__fail(err, DL_ERR_SOURCE_CHANGED, source->key, "was changed while it was read");
  }
  return dl__source_check(source, err);
}

static dl_status read_body(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                           dl_error *err) {
  body *b = user;
  const dl__send_request *r = b->request;
  uint64_t total = r->source->stamp.size_bytes;
  dl_status status = dl__send_ask(r, offset, total, &b->next, &size, err);
  if (status != DL_OK) return status;
  if (b->in_buffer) {
    memcpy(buf, r->reader->buffer + offset, size);
  } else if (size > 0) {
    status = dl__source_read(r->source, offset, buf, size, err);
    if (status == DL_OK) status = verify_piece(b, buf, size, err);
  }
  if (status != DL_OK) return status;
  b->next += size;
  b->complete = b->next == total;
  *got = size;
  dl__send_count(r, size, b->next, &b->counted_bytes);
  return DL_OK;
}

/* A storage may say OK only after it took every byte. */
static dl_status put(body *b, dl_error *err) {
  const dl__send_request *r = b->request;
  dl_put_request request = DL_PUT_REQUEST_INIT;
  request.key = r->source->key;
  request.size_bytes = r->source->stamp.size_bytes;
  request.digest = b->digests->sha256;
  request.md5 = b->digests->has_md5 ? b->digests->md5 : NULL;
  request.mtime_ns = r->source->stamp.mtime_ns;
  request.read = read_body;
  request.read_user = b;
  if (r->conditional && r->remote == NULL) request.if_absent = 1;
  if (r->conditional && r->remote != NULL) request.if_match = r->remote->etag;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_status status = dl__storage_put(r->storage, &request, &result, err);
  if (status == DL_OK && !b->complete) {
    return dl__fail(err, DL_ERR_STORAGE, request.key,
                    "the storage reported success before it took every byte");
  }
  return status;
}

dl_status dl__send_whole(const dl__send_request *request, dl__row *row, dl_error *err) {
  const dl__source *source = request->source;
  dl__digests digests;
  dl_status status = dl__source_digest(source, request->reader, &digests, err);
  if (status == DL_OK) status = dl__source_check(source, err);
  if (status != DL_OK) return status;
  body b = {.request = request, .digests = &digests};
  b.in_buffer = source->stamp.size_bytes <= request->reader->size_bytes;
  b.complete = source->stamp.size_bytes == 0;
  row->digest = dl__digest_pack(digests.sha256);
  row->stamp = source->stamp;
  row->settled = source->settled;
  return put(&b, err);
}
