/* tests/storage/mock.c: see mock.h. */
#include "mock.h"

#include <string.h>

static dl_status answer(mock *m, dl_error *err) {
  m->calls++;
  if (m->answer == DL_OK) return DL_OK;
  return dl_error_set(err, m->answer, "mock", "the mock fails as it was told to");
}

static int give(const mock *m, dl_object_fn each, void *user) {
  int stop = 0;
  for (size_t i = 0; i < m->give_count && (stop == 0 || m->deaf); i++) {
    stop = each(m->give[i], user);
  }
  return stop;
}

static dl_status mock_list(void *self, const char *prefix, dl_object_fn each, void *user,
                           dl_error *err) {
  mock *m = self;
  (void)prefix;
  if (give(m, each, user) != 0 && !m->deaf) {
    return dl_error_set(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  return answer(m, err);
}

static dl_status mock_stat(void *self, const char *key, dl_object_fn each, void *user,
                           dl_error *err) {
  (void)key;
  (void)give(self, each, user);
  return answer(self, err);
}

static dl_status mock_put(void *self, const dl_put_request *request, dl_put_result *result,
                          dl_error *err) {
  mock *m = self;
  m->got = *request;
  if (m->etag != NULL) {
    size_t size = strlen(m->etag) + 1;
    memcpy(result->etag, m->etag, size < sizeof result->etag ? size : sizeof result->etag);
  }
  return answer(m, err);
}

static dl_status mock_get(void *self, const dl_get_request *request, dl_error *err) {
  const mock *m = self;
  for (size_t at = 0; at < m->content.size; at += m->piece) {
    size_t left = m->content.size - at;
    size_t size = left < m->piece ? left : m->piece;
    dl_status status = request->write(request->write_user, m->content.data + at, size, err);
    if (status != DL_OK) return status;
  }
  return answer(self, err);
}

static dl_status mock_remove(void *self, const char *key, dl_error *err) {
  (void)key;
  return answer(self, err);
}

static void mock_close(void *self) {
  mock *m = self;
  m->closed++;
}

void mock_init(mock *m) {
  *m = (mock){.storage = {.struct_size = sizeof(dl_storage)}, .piece = 1};
  m->storage.caps = DL_STORAGE_CONDITIONAL;
  m->storage.self = m;
  m->storage.list = mock_list;
  m->storage.stat = mock_stat;
  m->storage.put = mock_put;
  m->storage.get = mock_get;
  m->storage.close = mock_close;
  m->storage.remove = mock_remove;
}

dl_status mock_factory(const dl_config *config, void *user, const dl_storage **out, dl_error *err) {
  mock *m = user;
  (void)config;
  if (m->answer != DL_OK) return answer(m, err);
  *out = &m->storage;
  return DL_OK;
}
