/* tests/storage/kit.c: short ways through the wrappers; see kit.h. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

int object_take(const dl_object *from, void *user) {
  object *to = user;
  ck_assert_ptr_nonnull(from->key);
  free(to->key);
  *to = (object){.key = strdup(from->key), .size_bytes = from->size_bytes};
  ck_assert_ptr_nonnull(to->key);
  to->mtime_ns = from->mtime_ns;
  to->has_digest = from->digest != NULL;
  to->has_etag = from->etag != NULL;
  if (to->has_digest) {
    ck_assert_uint_lt(strlen(from->digest), sizeof to->digest);
    memcpy(to->digest, from->digest, strlen(from->digest) + 1);
  }
  if (to->has_etag) {
    ck_assert_uint_lt(strlen(from->etag), sizeof to->etag);
    memcpy(to->etag, from->etag, strlen(from->etag) + 1);
  }
  return 0;
}

void object_clear(object *o) {
  free(o->key);
  *o = (object){0};
}

int listing_add(const dl_object *from, void *user) {
  listing *l = user;
  bool grown = dl__vec_grow(&l->objects, l->count, &l->capacity, sizeof *l->objects);
  ck_assert(grown);
  l->objects[l->count] = (object){0};
  return object_take(from, &l->objects[l->count++]);
}

void listing_clear(listing *l) {
  for (size_t i = 0; i < l->count; i++) object_clear(&l->objects[i]);
  free(l->objects);
  *l = (listing){0};
}

static int by_key(const void *a, const void *b) {
  return strcmp(((const object *)a)->key, ((const object *)b)->key);
}

listing list_of(const dl__storage *storage, const char *prefix) {
  listing l = {0};
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_list(storage, prefix, listing_add, &l, &err), err);
  if (l.count > 1) qsort(l.objects, l.count, sizeof *l.objects, by_key);
  for (size_t i = 0; i < l.count; i++) {
    const char *key = l.objects[i].key;
    bool fits = strncmp(key, prefix, strlen(prefix)) == 0;
    ck_assert_msg(fits, "\"%s\" is listed for the prefix \"%s\"", key, prefix);
    bool again = i > 0 && strcmp(key, l.objects[i - 1].key) == 0;
    ck_assert_msg(!again, "\"%s\" is listed twice", key);
  }
  return l;
}

void assert_keys(const dl__storage *storage, const char *prefix, const char *keys) {
  listing l = list_of(storage, prefix);
  const char *at = keys;
  for (size_t i = 0; i < l.count; i++) {
    size_t length = strcspn(at, "\n");
    const char *key = l.objects[i].key;
    bool same = length > 0 && strlen(key) == length && memcmp(key, at, length) == 0;
    ck_assert_msg(same, "listed \"%s\", expected the %zu bytes of: %s", key, length, at);
    at += length + (at[length] == '\n' ? 1 : 0);
  }
  ck_assert_msg(at[0] == '\0', "not listed: %s", at);
  listing_clear(&l);
}

dl_put_request put_request(const char *key, source *from) {
  dl_put_request request = DL_PUT_REQUEST_INIT;
  request.key = key;
  request.size_bytes = from->content.size;
  request.read = source_read;
  request.read_user = from;
  return request;
}

dl_status try_put(const dl__storage *storage, const dl_put_request *request, dl_put_result *result,
                  dl_error *err) {
  const source *from = request->read_user;
  dl_status status = dl__storage_put(storage, request, result, err);
  ck_assert_msg(!from->broken, "the storage %s", from->why);
  bool whole = from->given == request->size_bytes;
  ck_assert_msg(status != DL_OK || whole, "DL_OK after %llu bytes",
                (unsigned long long)from->given);
  return status;
}

static dl_put_result put_as(const dl__storage *storage, const char *key, bytes content,
                            const char *digest) {
  source from = {.content = content};
  dl_put_request request = put_request(key, &from);
  request.digest = digest;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_put(storage, &request, &result, &err), err);
  return result;
}

dl_put_result put(const dl__storage *storage, const char *key, bytes content) {
  return put_as(storage, key, content, NULL);
}

dl_put_result put_with_digest(const dl__storage *storage, const char *key, bytes content) {
  char digest[DL_DIGEST_SIZE];
  return put_as(storage, key, content, bytes_digest(content, digest));
}

void put_text(const dl__storage *storage, const char *key, const char *text) {
  bytes content = bytes_text(text);
  (void)put(storage, key, content);
  bytes_clear(&content);
}

static dl_get_request get_request(const char *key, sink *to) {
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = key;
  request.write = sink_write;
  request.write_user = to;
  return request;
}

dl_status try_get(const dl__storage *storage, const char *key, bytes *content, dl_error *err) {
  sink to = {0};
  dl_get_request request = get_request(key, &to);
  dl_status status = dl__storage_get(storage, &request, err);
  *content = to.content;
  if (status != DL_OK) bytes_clear(content);
  return status;
}

bytes get_range(const dl__storage *storage, const char *key, uint64_t offset, uint64_t length) {
  sink to = {0};
  dl_get_request request = get_request(key, &to);
  request.offset_bytes = offset;
  request.length_bytes = length;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_get(storage, &request, &err), err);
  return to.content;
}

bytes get(const dl__storage *storage, const char *key) {
  return get_range(storage, key, 0, 0);
}

object stat_of(const dl__storage *storage, const char *key) {
  object o = {0};
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_stat(storage, key, object_take, &o, &err), err);
  ck_assert_str_eq(o.key, key);
  return o;
}

/* Finds key in the listing of all. */
static bool listed(const dl__storage *storage, const char *key, uint64_t *size_bytes) {
  listing l = list_of(storage, "");
  bool found = false;
  for (size_t i = 0; i < l.count; i++) {
    if (strcmp(l.objects[i].key, key) != 0) continue;
    found = true;
    *size_bytes = l.objects[i].size_bytes;
  }
  listing_clear(&l);
  return found;
}

void assert_content(const dl__storage *storage, const char *key, bytes content) {
  bytes is = get(storage, key);
  ck_assert_uint_eq(is.size, content.size);
  ck_assert_msg(bytes_equal(is, content), "%s: other bytes than expected", key);
  bytes_clear(&is);
  object o = stat_of(storage, key);
  ck_assert_uint_eq(o.size_bytes, content.size);
  char digest[DL_DIGEST_SIZE];
  bool ours = o.has_digest && strncmp(o.digest, "sha256:", 7) == 0;
  if (ours) ck_assert_str_eq(o.digest, bytes_digest(content, digest));
  object_clear(&o);
  uint64_t size_bytes = 0;
  ck_assert_msg(listed(storage, key, &size_bytes), "\"%s\" is not listed", key);
  ck_assert_uint_eq(size_bytes, content.size);
}

void assert_text(const dl__storage *storage, const char *key, const char *text) {
  bytes content = bytes_text(text);
  assert_content(storage, key, content);
  bytes_clear(&content);
}

void assert_absent(const dl__storage *storage, const char *key) {
  dl_error err;
  object o = {0};
  ASSERT_FAILS(dl__storage_stat(storage, key, object_take, &o, &err), DL_ERR_NOT_FOUND, err);
  ck_assert_ptr_null(o.key);
  bytes content = {0};
  ASSERT_FAILS(try_get(storage, key, &content, &err), DL_ERR_NOT_FOUND, err);
  uint64_t size_bytes;
  ck_assert_msg(!listed(storage, key, &size_bytes), "\"%s\" is listed", key);
}

void remove_object(const dl__storage *storage, const char *key) {
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_remove(storage, key, &err), err);
}

dl__storage open_url(const char *url) {
  dl_error err = DL_ERROR_INIT;
  dl_config *config;
  ASSERT_OK(dl_config_new(&config, &err), err);
  ASSERT_OK(dl_config_set(config, "remote.url", url, &err), err);
  const dl_storage *owner;
  ASSERT_OK(dl_storage_create(config, &owner, &err), err);
  ck_assert_ptr_nonnull(owner);
  dl_config_free(config);
  dl__storage opened;
  ASSERT_OK(dl__storage_wrap(owner, &opened, &err), err);
  return opened;
}
