/* tests/support/hook.c: see hook.h. */
#include "support/hook.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

typedef struct handle {
  dl_storage storage;
  hook *hook;
  const dl_storage *inner;
} handle;

static void enter(hook *h) {
  int now = atomic_fetch_add(&h->running, 1) + 1;
  int most = atomic_load(&h->most_running);
  while (now > most && !atomic_compare_exchange_weak(&h->most_running, &most, now)) {
  }
}

static dl_status leave(hook *h, dl_status status) {
  atomic_fetch_sub(&h->running, 1);
  return status;
}

static dl_status hook_list(void *self, const char *prefix, dl_object_fn each, void *user,
                           dl_error *err) {
  handle *s = self;
  enter(s->hook);
  atomic_fetch_add(&s->hook->lists, 1);
  dl_status status = s->hook->on_list != NULL ? s->hook->on_list(s->hook, err) : DL_OK;
  if (status == DL_OK) status = s->inner->list(s->inner->self, prefix, each, user, err);
  return leave(s->hook, status);
}

static dl_status hook_stat(void *self, const char *key, dl_object_fn each, void *user,
                           dl_error *err) {
  handle *s = self;
  atomic_fetch_add(&s->hook->others, 1);
  return s->inner->stat(s->inner->self, key, each, user, err);
}

/* Asks for small pieces, so that a test sees many reads. */
typedef struct slicer {
  const dl_put_request *request;
  size_t read_size;
} slicer;

static dl_status read_slice(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                            dl_error *err) {
  const slicer *s = user;
  if (s->read_size > 0 && size > s->read_size) size = s->read_size;
  return s->request->read(s->request->read_user, offset, buf, size, got, err);
}

static dl_status hook_put(void *self, const dl_put_request *request, dl_put_result *result,
                          dl_error *err) {
  handle *s = self;
  enter(s->hook);
  atomic_fetch_add(&s->hook->puts, 1);
  dl_status status = s->hook->on_put != NULL ? s->hook->on_put(s->hook, request, err) : DL_OK;
  if (status == DL_OK && s->hook->lie == 0) {
    slicer slices = {request, s->hook->read_size};
    dl_put_request copy = *request;
    copy.read = read_slice;
    copy.read_user = &slices;
    status = s->inner->put(s->inner->self, &copy, result, err);
  }
  if (status == DL_OK && s->hook->after_put != NULL) {
    status = s->hook->after_put(s->hook, request, err);
  }
  return leave(s->hook, status);
}

static dl_status hook_get(void *self, const dl_get_request *request, dl_error *err) {
  handle *s = self;
  atomic_fetch_add(&s->hook->others, 1);
  return s->inner->get(s->inner->self, request, err);
}

/* ---- parts: the upload is that of the inner storage ---- */

static dl_status hook_layout(void *self, const char *key, dl_segment_fn each, void *user,
                             dl_layout *out, dl_error *err) {
  handle *s = self;
  atomic_fetch_add(&s->hook->layouts, 1);
  dl_status status = s->hook->on_layout != NULL ? s->hook->on_layout(s->hook, key, err) : DL_OK;
  if (status != DL_OK) return status;
  return s->inner->layout(s->inner->self, key, each, user, out, err);
}

static dl_status hook_upload_begin(void *self, const dl_upload_request *request, dl_upload **out,
                                   dl_error *err) {
  handle *s = self;
  return s->inner->upload_begin(s->inner->self, request, out, err);
}

typedef struct part_slicer {
  const dl_part *part;
  size_t read_size;
} part_slicer;

static dl_status read_part_slice(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                                 dl_error *err) {
  const part_slicer *s = user;
  if (s->read_size > 0 && size > s->read_size) size = s->read_size;
  return s->part->read(s->part->read_user, offset, buf, size, got, err);
}

static dl_status hook_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err) {
  handle *s = self;
  enter(s->hook);
  atomic_fetch_add(&s->hook->put_parts, 1);
  dl_status (*on_part)(hook *, const dl_part *, dl_error *) = s->hook->on_part;
  dl_status status = on_part != NULL ? on_part(s->hook, part, err) : DL_OK;
  if (status == DL_OK && s->hook->lie == 0) {
    part_slicer slices = {part, s->hook->read_size};
    dl_part copy = *part;
    copy.read = read_part_slice;
    copy.read_user = &slices;
    status = s->inner->put_part(s->inner->self, upload, &copy, err);
    if (status == DL_OK) atomic_fetch_add(&s->hook->part_bytes, part->size_bytes);
  }
  return leave(s->hook, status);
}

static dl_status hook_reuse_part(void *self, dl_upload *upload, const dl_part *part,
                                 dl_error *err) {
  handle *s = self;
  atomic_fetch_add(&s->hook->reuses, 1);
  dl_status status = s->hook->on_reuse != NULL ? s->hook->on_reuse(s->hook, part, err) : DL_OK;
  return status == DL_OK ? s->inner->reuse_part(s->inner->self, upload, part, err) : status;
}

static dl_status hook_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                             dl_put_result *result, dl_error *err) {
  handle *s = self;
  atomic_fetch_add(&s->hook->commits, 1);
  dl_status status = s->hook->on_commit != NULL ? s->hook->on_commit(s->hook, request, err) : DL_OK;
  if (status == DL_OK) {
    status = s->inner->commit(s->inner->self, upload, request, result, err);
  }
  if (status == DL_OK && s->hook->after_commit != NULL) {
    status = s->hook->after_commit(s->hook, request, err);
  }
  return status;
}

static void hook_upload_end(void *self, dl_upload *upload) {
  handle *s = self;
  s->inner->upload_end(s->inner->self, upload);
}

static void add_parts(dl_storage *storage) {
  storage->layout = hook_layout;
  storage->upload_begin = hook_upload_begin;
  storage->put_part = hook_put_part;
  storage->reuse_part = hook_reuse_part;
  storage->commit = hook_commit;
  storage->upload_end = hook_upload_end;
}

static void hook_close(void *self) {
  handle *s = self;
  dl_storage_close(s->inner);
  free(s);
}

const dl_storage *hook_open_inner(void) {
  return hook_open_url("memory://hook");
}

const dl_storage *hook_open_url(const char *url) {
  dl_config *config;
  const dl_storage *inner;
  ck_assert_int_eq(DL_OK, dl_config_new(&config, NULL));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "remote.url", url, NULL));
  ck_assert_int_eq(DL_OK, dl_storage_create(config, &inner, NULL));
  dl_config_free(config);
  return inner;
}

static dl_status hook_new(const dl_config *config, void *user, const dl_storage **out,
                          dl_error *err) {
  (void)config;
  (void)err;
  handle *s = calloc(1, sizeof *s);
  ck_assert_ptr_nonnull(s);
  s->hook = user;
  s->inner = s->hook->inner_url != NULL ? hook_open_url(s->hook->inner_url) : hook_open_inner();
  s->storage = (dl_storage){
      .struct_size = sizeof s->storage,
      .caps = s->hook->caps,
      .self = s,
      .list = hook_list,
      .stat = hook_stat,
      .put = hook_put,
      .get = hook_get,
      .close = hook_close,
  };
  if (s->hook->parts != 0) add_parts(&s->storage);
  *out = &s->storage;
  return DL_OK;
}

void hook_register(hook *h) {
  ck_assert_int_eq(DL_OK, dl_storage_register("hook", hook_new, h, NULL));
}

typedef struct collector {
  char *data;
  size_t size;
} collector;

static dl_status collect(void *user, const void *data, size_t size, dl_error *err) {
  (void)err;
  collector *c = user;
  c->data = realloc(c->data, c->size + size + 1);
  ck_assert_ptr_nonnull(c->data);
  memcpy(c->data + c->size, data, size);
  c->size += size;
  return DL_OK;
}

char *hook_read(const dl_storage *inner, const char *key, size_t *size) {
  collector c = {malloc(1), 0};
  ck_assert_ptr_nonnull(c.data);
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = key;
  request.write = collect;
  request.write_user = &c;
  if (inner->get(inner->self, &request, NULL) != DL_OK) {
    free(c.data);
    return NULL;
  }
  c.data[c.size] = '\0';
  if (size != NULL) *size = c.size;
  return c.data;
}
