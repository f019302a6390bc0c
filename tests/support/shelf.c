/* tests/support/shelf.c: see shelf.h. */
#include "support/shelf.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

typedef struct handle {
  dl_storage storage;
  shelf *shelf;
} handle;

static int tell(const shelf_object *from, dl_object_fn each, void *user) {
  dl_object object = DL_OBJECT_INIT;
  object.key = from->key;
  object.size_bytes = strlen(from->text) + from->more_bytes;
  object.digest = from->digest;
  object.etag = from->text; /* changes whenever the content does */
  object.mtime_ns = from->mtime_ns;
  return each(&object, user);
}

static dl_status shelf_list(void *self, const char *prefix, dl_object_fn each, void *user,
                            dl_error *err) {
  const shelf *s = ((handle *)self)->shelf;
  for (size_t i = 0; i < s->count; i++) {
    if (strncmp(s->objects[i].key, prefix, strlen(prefix)) != 0) continue;
    if (tell(&s->objects[i], each, user) == 0) continue;
    return dl_error_set(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  return DL_OK;
}

static const shelf_object *find(const shelf *s, const char *key) {
  for (size_t i = 0; i < s->count; i++) {
    if (strcmp(s->objects[i].key, key) == 0) return &s->objects[i];
  }
  return NULL;
}

static dl_status shelf_stat(void *self, const char *key, dl_object_fn each, void *user,
                            dl_error *err) {
  const shelf_object *object = find(((handle *)self)->shelf, key);
  if (object == NULL) return dl_error_set(err, DL_ERR_NOT_FOUND, key, "no such object");
  (void)tell(object, each, user);
  return DL_OK;
}

static dl_status shelf_put(void *self, const dl_put_request *request, dl_put_result *result,
                           dl_error *err) {
  (void)self;
  (void)result;
  return dl_error_set(err, DL_ERR_UNSUPPORTED, request->key, "a shelf takes nothing");
}

static dl_status shelf_get(void *self, const dl_get_request *request, dl_error *err) {
  shelf *s = ((handle *)self)->shelf;
  atomic_fetch_add(&s->gets, 1);
  dl_status status = s->on_get != NULL ? s->on_get(s, request, err) : DL_OK;
  if (status != DL_OK) return status;
  const shelf_object *object = find(s, request->key);
  if (object == NULL) return dl_error_set(err, DL_ERR_NOT_FOUND, request->key, "no such object");
  uint64_t size = strlen(object->text);
  uint64_t offset = request->offset_bytes < size ? request->offset_bytes : size;
  uint64_t length = size - offset;
  if (request->length_bytes > 0 && request->length_bytes < length) length = request->length_bytes;
  if (length == 0) return DL_OK;
  return request->write(request->write_user, object->text + offset, (size_t)length, err);
}

static void shelf_close(void *self) {
  free(self);
}

static dl_status shelf_new(const dl_config *config, void *user, const dl_storage **out,
                           dl_error *err) {
  (void)config;
  (void)err;
  handle *h = calloc(1, sizeof *h);
  ck_assert_ptr_nonnull(h);
  h->shelf = user;
  h->storage = (dl_storage){
      .struct_size = sizeof h->storage,
      .caps = DL_STORAGE_THREAD_SAFE,
      .self = h,
      .list = shelf_list,
      .stat = shelf_stat,
      .put = shelf_put,
      .get = shelf_get,
      .close = shelf_close,
  };
  *out = &h->storage;
  return DL_OK;
}

void shelf_register(shelf *s) {
  ck_assert_int_eq(DL_OK, dl_storage_register("shelf", shelf_new, s, NULL));
}
