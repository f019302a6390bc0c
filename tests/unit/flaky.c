/* unit/flaky.c: see flaky.h. */
#include "flaky.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

world w;
dl__retry_policy policy;

static uint64_t now_ms(void *user) {
  (void)user;
  return atomic_load(&w.now_ms);
}

static void sleep_ms(void *user, uint32_t ms) {
  (void)user;
  atomic_fetch_add(&w.now_ms, ms + w.late_ms);
  atomic_fetch_add(&w.slept_ms, ms);
  atomic_fetch_add(&w.sleeps, 1);
  if (w.longest_ms < ms) w.longest_ms = ms;
}

static uint64_t chance(void *user) {
  (void)user;
  return w.random;
}

int flaky_cancelled(void *user) {
  (void)user;
  return w.cancel_after != 0 && atomic_load(&w.sleeps) >= w.cancel_after;
}

step flaky_step(void) {
  step s = w.tries < STEPS ? w.steps[w.tries] : (step){0};
  w.tries++;
  if (s.content != NULL) w.content = s.content;
  return s;
}

dl_status flaky_end(const step *s, dl_error *err) {
  ck_assert_ptr_nonnull(err); /* the retry needs to know, whatever its caller gave */
  if (s->status == DL_OK) return DL_OK;
  (void)dl__fail(err, s->status, "key", "failed");
  err->retryable = s->retryable;
  err->retry_after_ms = s->asked_ms;
  return s->status;
}

static dl_status inner_list(void *self, const char *prefix, dl_object_fn each, void *user,
                            dl_error *err) {
  (void)self;
  step s = flaky_step();
  ck_assert_str_eq(prefix, "k");
  dl_object object = DL_OBJECT_INIT;
  object.key = "key";
  for (size_t i = 0; i < (s.status == DL_OK ? 3 : s.gives); i++) {
    if (each(&object, user) != 0) return dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  return flaky_end(&s, err);
}

static dl_status inner_stat(void *self, const char *key, dl_object_fn each, void *user,
                            dl_error *err) {
  (void)self;
  w.stats++;
  step s = flaky_step();
  dl_object object = DL_OBJECT_INIT;
  object.key = key;
  if (s.status == DL_OK || s.gives > 0) ck_assert_int_eq(0, each(&object, user));
  return flaky_end(&s, err);
}

static dl_status inner_put(void *self, const dl_put_request *request, dl_put_result *result,
                           dl_error *err) {
  (void)self;
  step s = flaky_step();
  uint64_t stop = s.status == DL_OK ? request->size_bytes : s.gives;
  for (uint64_t at = 0; at < stop;) {
    size_t got = 0;
    size_t want = stop - at < 3 ? (size_t)(stop - at) : 3;
    dl_status status = request->read(request->read_user, at, w.put + at, want, &got, err);
    if (status != DL_OK) return status;
    at += got;
  }
  w.put[stop] = '\0';
  if (s.status == DL_OK) (void)snprintf(result->etag, sizeof result->etag, "etag%u", w.tries);
  return flaky_end(&s, err);
}

static dl_status inner_get(void *self, const dl_get_request *request, dl_error *err) {
  (void)self;
  step s = flaky_step();
  uint64_t size = strlen(w.content);
  uint64_t from = request->offset_bytes < size ? request->offset_bytes : size;
  uint64_t stop = size;
  if (request->length_bytes != 0 && request->length_bytes < size - from) {
    stop = from + request->length_bytes;
  }
  if (s.status != DL_OK && from + s.gives < stop) stop = from + s.gives;
  size_t piece = w.piece != 0 ? w.piece : 3;
  while (from < stop) {
    size_t give = stop - from < piece ? (size_t)(stop - from) : piece;
    dl_status status = request->write(request->write_user, w.content + from, give, err);
    if (status != DL_OK) return status;
    from += give;
  }
  return flaky_end(&s, err);
}

static dl_status inner_remove(void *self, const char *key, dl_error *err) {
  (void)self;
  ck_assert_str_eq(key, "key");
  step s = flaky_step();
  return flaky_end(&s, err);
}

static void inner_close(void *self) {
  (void)self;
  w.closed++;
}

static void inner_watch(void *self, dl_cancelled_fn ask, void *user) {
  ck_assert_ptr_eq(self, user);
  ck_assert(ask == flaky_cancelled);
  w.put[0] = 'w';
}

static const char *inner_describe(void *self) {
  (void)self;
  return "a storage of a test";
}

const dl__retry_clock flaky_clock = {now_ms, sleep_ms, chance, NULL};

void flaky_setup(void) {
  w = (world){0};
  w.content = "0123456789abcdef";
  w.now_ms = UINT64_MAX - 1000; /* a clock may begin anywhere, and wrap */
  w.random = 7;
  w.err = (dl_error)DL_ERROR_INIT;
  w.inner = (dl_storage){.struct_size = sizeof w.inner,
                         .caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL,
                         .self = &w,
                         .list = inner_list,
                         .stat = inner_stat,
                         .put = inner_put,
                         .get = inner_get,
                         .close = inner_close,
                         .remove = inner_remove,
                         .watch = inner_watch,
                         .describe = inner_describe};
  policy = (dl__retry_policy){.backoff = {100, 10000},
                              .retries = 4,
                              .budget = 100,
                              .deadline_ms = 60000,
                              .clock = &flaky_clock};
}

void flaky_open(void) {
  ck_assert_int_eq(DL_OK, dl__retry_new(&w.inner, &policy, &w.outer, &w.err));
}

void flaky_teardown(void) {
  if (w.outer != NULL) dl_storage_close(w.outer);
  ck_assert_uint_eq(w.closed, w.outer != NULL);
  dl__buf_clear(&w.got);
}

void flaky_always(step s) {
  for (size_t i = 0; i < STEPS; i++) w.steps[i] = s;
}

dl_status flaky_remove(void) {
  return w.outer->remove(w.outer->self, "key", &w.err);
}

int flaky_each(const dl_object *object, void *user) {
  (void)user;
  ck_assert_str_eq(object->key, "key");
  w.objects++;
  return 0;
}

dl_status flaky_list(void) {
  return w.outer->list(w.outer->self, "k", flaky_each, &w, &w.err);
}
