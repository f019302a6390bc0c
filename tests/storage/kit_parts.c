/* tests/storage/kit_parts.c: see kit_parts.h. */
#include "kit_parts.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc64.h"

/* SHA-256 of the list of lengths (8 bytes, high one first) and digests. */
static void digest_of_list(cut *c) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  unsigned char sum[32];
  ck_assert_ptr_nonnull(context);
  ck_assert_int_eq(1, EVP_DigestInit_ex(context, EVP_sha256(), NULL));
  for (size_t i = 0; i < c->count; i++) {
    unsigned char length[8];
    for (int k = 0; k < 8; k++) {
      length[k] = (unsigned char)(c->segments[i].size_bytes >> (56 - 8 * k));
    }
    ck_assert_int_eq(1, EVP_DigestUpdate(context, length, sizeof length));
    ck_assert_int_eq(1, EVP_DigestUpdate(context, c->segments[i].sha256, 32));
  }
  ck_assert_int_eq(1, EVP_DigestFinal_ex(context, sum, NULL));
  EVP_MD_CTX_free(context);
  int at = snprintf(c->digest, sizeof c->digest, "sha256-segments:");
  for (size_t i = 0; i < sizeof sum; i++) {
    at += snprintf(c->digest + at, sizeof c->digest - (size_t)at, "%02x", sum[i]);
  }
}

cut cut_at(bytes content, const size_t *sizes, size_t count) {
  cut c = {.content = content, .count = count, .mtime_ns = INT64_C(1700000000123456789)};
  c.segments = calloc(count + 1, sizeof *c.segments);
  c.list = calloc(count + 1, sizeof *c.list);
  c.offsets = calloc(count + 1, sizeof *c.offsets);
  ck_assert(c.segments != NULL && c.list != NULL && c.offsets != NULL);
  size_t offset = 0;
  for (size_t i = 0; i < count; i++) {
    c.segments[i] = (dl_segment)DL_SEGMENT_INIT;
    c.segments[i].size_bytes = sizes[i];
    c.offsets[i] = offset;
    c.list[i] = &c.segments[i];
    ck_assert_uint_le(sizes[i], content.size - offset);
    ck_assert_int_eq(1, EVP_Digest(content.data + offset, sizes[i], c.segments[i].sha256, NULL,
                                   EVP_sha256(), NULL));
    offset += sizes[i];
  }
  ck_assert_uint_eq(offset, content.size);
  digest_of_list(&c);
  if (count == 1) (void)bytes_digest(content, c.digest);
  ck_assert_int_eq(1, EVP_Digest(content.data, content.size, c.md5, NULL, EVP_md5(), NULL));
  return c;
}

cut cut_every(bytes content, size_t size) {
  size_t count = (content.size + size - 1) / size;
  size_t *sizes = calloc(count + 1, sizeof *sizes);
  ck_assert_ptr_nonnull(sizes);
  for (size_t i = 0; i < count; i++) sizes[i] = size;
  if (content.size % size != 0) sizes[count - 1] = content.size % size;
  cut c = cut_at(content, sizes, count);
  free(sizes);
  return c;
}

void cut_clear(cut *c) {
  bytes_clear(&c->content);
  free(c->segments);
  free(c->list);
  free(c->offsets);
  *c = (cut){0};
}

dl_status try_begin(const dl__storage *on, const char *key, const cut *c, bool if_absent,
                    const char *if_match, dl_upload **out, dl_error *err) {
  /* It may be borrowed until the end; every test has few. */
  static dl_upload_request requests[64];
  static size_t used;
  dl_upload_request *request = &requests[used++ % 64];
  *request = (dl_upload_request)DL_UPLOAD_REQUEST_INIT;
  request->key = key;
  request->size_bytes = c->content.size;
  request->if_absent = if_absent;
  request->if_match = if_match;
  return dl__storage_upload_begin(on, request, out, err);
}

dl_upload *begin(const dl__storage *on, const char *key, const cut *c, const char *if_match) {
  dl_upload *upload;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_begin(on, key, c, false, if_match, &upload, &err), err);
  return upload;
}

dl_part part_of(const cut *c, size_t i, source *from) {
  dl_part part = DL_PART_INIT;
  part.offset_bytes = c->offsets[i];
  part.size_bytes = c->segments[i].size_bytes;
  memcpy(part.sha256, c->segments[i].sha256, sizeof part.sha256);
  from->content = (bytes){c->content.data + c->offsets[i], (size_t)part.size_bytes};
  part.crc64 = dl__crc64(0, from->content.data, from->content.size);
  part.read = source_read;
  part.read_user = from;
  return part;
}

dl_status try_part(const dl__storage *on, dl_upload *upload, const cut *c, size_t i,
                   dl_error *err) {
  source from = {0};
  dl_part part = part_of(c, i, &from);
  dl_status status = dl__storage_put_part(on, upload, &part, err);
  if (!from.broken) return status;
  return dl_error_set(err, DL_ERR_ARGUMENT, NULL, from.why);
}

void put_parts(const dl__storage *on, dl_upload *upload, const cut *c, size_t first, size_t end) {
  dl_error err = DL_ERROR_INIT;
  for (size_t i = first; i < end; i++) ASSERT_OK(try_part(on, upload, c, i, &err), err);
}

void keep_part(const dl__storage *on, dl_upload *upload, const cut *c, size_t i,
               uint64_t from_bytes) {
  if ((on->slots.caps & DL_STORAGE_PARTS_BY_CONTENT) != 0) return;
  source from = {0};
  dl_part part = part_of(c, i, &from);
  part.from_bytes = from_bytes;
  part.read = NULL;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_reuse_part(on, upload, &part, &err), err);
}

dl_status try_commit(const dl__storage *on, dl_upload *upload, const cut *c, dl_put_result *result,
                     dl_error *err) {
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  request.segments = c->list;
  request.segment_count = c->count;
  request.digest = c->digest;
  request.mtime_ns = c->mtime_ns;
  request.md5 = c->md5;
  *result = (dl_put_result)DL_PUT_RESULT_INIT;
  return dl__storage_commit(on, upload, &request, result, err);
}

dl_put_result commit(const dl__storage *on, dl_upload *upload, const cut *c) {
  dl_put_result result;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_commit(on, upload, c, &result, &err), err);
  dl__storage_upload_end(on, upload);
  return result;
}

dl_put_result put_cut(const dl__storage *on, const char *key, const cut *c) {
  dl_upload *upload = begin(on, key, c, NULL);
  put_parts(on, upload, c, 0, c->count);
  return commit(on, upload, c);
}

dl__layout layout_of(const dl__storage *on, const char *key) {
  dl__layout layout;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_layout(on, key, &layout, &err), err);
  return layout;
}

void assert_segments(const dl__storage *on, const char *key, const cut *c, bool known) {
  dl__layout layout = layout_of(on, key);
  object o = stat_of(on, key);
  ck_assert_uint_eq(layout.size_bytes, o.size_bytes);
  if (o.has_etag) ck_assert_str_eq(layout.etag, o.etag);
  ck_assert(!layout.blocked);
  ck_assert_uint_eq(layout.committed, known ? c->count : 0);
  for (size_t i = 0; i < layout.committed; i++) {
    ck_assert_uint_eq(layout.items[i].staged, 0);
    ck_assert_uint_eq(layout.items[i].size_bytes, c->segments[i].size_bytes);
    ck_assert_mem_eq(layout.items[i].sha256, c->segments[i].sha256, 32);
  }
  object_clear(&o);
  dl__layout_clear(&layout);
}
