/* tests/storage/test_storage.c: the wrapper and the registry, with a storage
 * that misbehaves. Here: slots that are missing, and calls that pass through. */
#include <stddef.h>
#include <string.h>

#include "mock.h"

static dl__storage wrap(mock *m) {
  dl__storage wrapped;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_wrap(&m->storage, &wrapped, &err), err);
  return wrapped;
}

static void assert_refused(mock *m, unsigned closed) {
  dl__storage wrapped;
  dl_error err;
  ASSERT_FAILS(dl__storage_wrap(&m->storage, &wrapped, &err), DL_ERR_STORAGE, err);
  dl__storage_close(&wrapped);
  dl__storage_close(&wrapped); /* the second time nothing happens */
  ck_assert_uint_eq(m->closed, closed);
  ck_assert_uint_eq(m->calls, 0);
}

START_TEST(required_slot_missing) {
  mock m;
  mock_init(&m);
  if (_i == 0) m.storage.list = NULL;
  if (_i == 1) m.storage.stat = NULL;
  if (_i == 2) m.storage.put = NULL;
  if (_i == 3) m.storage.get = NULL;
  if (_i == 4) m.storage.close = NULL;
  assert_refused(&m, _i == 4 ? 0 : 1);
}
END_TEST

static const size_t small_sizes[] = {
    0,
    sizeof(uint32_t),
    offsetof(dl_storage, list),
    offsetof(dl_storage, stat),
    offsetof(dl_storage, put),
    offsetof(dl_storage, get),
    offsetof(dl_storage, close),
    offsetof(dl_storage, close) + 1,
};

/* A close that struct_size does not reach is none. */
START_TEST(struct_too_small) {
  mock m;
  mock_init(&m);
  m.storage.struct_size = (uint32_t)small_sizes[_i];
  assert_refused(&m, 0);
}
END_TEST

static const size_t optional_sizes[] = {
    offsetof(dl_storage, remove),
    offsetof(dl_storage, remove) + 1,
    offsetof(dl_storage, remove) + sizeof(void *) - 1,
};

/* A slot that struct_size does not reach, or only in part, cannot be called. */
START_TEST(optional_slot_not_reached) {
  mock m;
  mock_init(&m);
  m.storage.struct_size = (uint32_t)optional_sizes[_i];
  dl__storage wrapped = wrap(&m);
  dl_error err;
  ASSERT_FAILS(dl__storage_remove(&wrapped, "a", &err), DL_ERR_UNSUPPORTED, err);
  ck_assert_uint_eq(m.calls, 0);
  dl__storage_close(&wrapped);
  ck_assert_uint_eq(m.closed, 1);
}
END_TEST

START_TEST(optional_slot_missing) {
  mock m;
  mock_init(&m);
  m.storage.remove = NULL;
  dl__storage wrapped = wrap(&m);
  dl_error err;
  ASSERT_FAILS(dl__storage_remove(&wrapped, "a", &err), DL_ERR_UNSUPPORTED, err);
  ck_assert_uint_eq(m.calls, 0);
  dl__storage_close(&wrapped);
}
END_TEST

/* Of a later version, with slots that this one does not know. */
START_TEST(struct_larger_than_known) {
  struct {
    mock known;
    void *more[8];
  } later;
  memset(&later, 0xff, sizeof later);
  mock_init(&later.known);
  later.known.storage.struct_size = sizeof(dl_storage) + sizeof later.more;
  dl__storage wrapped = wrap(&later.known);
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_remove(&wrapped, "a", &err), err);
  ck_assert_uint_eq(later.known.calls, 1);
  dl__storage_close(&wrapped);
  ck_assert_uint_eq(later.known.closed, 1);
}
END_TEST

START_TEST(condition_not_supported) {
  mock m;
  mock_init(&m);
  m.storage.caps = DL_STORAGE_THREAD_SAFE;
  dl__storage wrapped = wrap(&m);
  source from = {0};
  dl_put_request request = put_request("a", &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err;
  request.if_absent = 1;
  ASSERT_FAILS(dl__storage_put(&wrapped, &request, &result, &err), DL_ERR_UNSUPPORTED, err);
  request.if_absent = 0;
  request.if_match = "";
  ASSERT_FAILS(dl__storage_put(&wrapped, &request, &result, &err), DL_ERR_UNSUPPORTED, err);
  ck_assert_uint_eq(m.calls, 0);
  request.if_match = NULL;
  ASSERT_OK(dl__storage_put(&wrapped, &request, &result, &err), err);
  ck_assert_uint_eq(m.calls, 1);
}
END_TEST

static const char *const bad_keys[] = {NULL, "", "/", "/a", "a/", "a//b", ".", "..", "a/../b"};

START_TEST(bad_keys_reach_no_slot) {
  mock m;
  mock_init(&m);
  dl__storage wrapped = wrap(&m);
  dl_error err;
  source from = {0};
  dl_put_request put = put_request(bad_keys[_i], &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_get_request get = DL_GET_REQUEST_INIT;
  get.key = bad_keys[_i];
  object o = {0};
  ASSERT_FAILS(dl__storage_put(&wrapped, &put, &result, &err), DL_ERR_ARGUMENT, err);
  ASSERT_FAILS(dl__storage_get(&wrapped, &get, &err), DL_ERR_ARGUMENT, err);
  ASSERT_FAILS(dl__storage_stat(&wrapped, bad_keys[_i], object_take, &o, &err), DL_ERR_ARGUMENT,
               err);
  ASSERT_FAILS(dl__storage_remove(&wrapped, bad_keys[_i], &err), DL_ERR_ARGUMENT, err);
  ck_assert_uint_eq(m.calls, 0);
}
END_TEST

static const dl_status failures[] = {DL_ERR_NOT_FOUND, DL_ERR_CONFLICT,  DL_ERR_AUTH,
                                     DL_ERR_NETWORK,   DL_ERR_NO_MEMORY, DL_ERR_CANCELLED,
                                     DL_ERR_STORAGE};

/* What a slot says of its failure is what the caller hears. */
START_TEST(failures_pass_through) {
  mock m;
  mock_init(&m);
  m.answer = failures[_i];
  dl__storage wrapped = wrap(&m);
  dl_error err;
  source from = {0};
  dl_put_request put = put_request("a", &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_get_request get = DL_GET_REQUEST_INIT;
  get.key = "a";
  object o = {0};
  ASSERT_FAILS(dl__storage_put(&wrapped, &put, &result, &err), failures[_i], err);
  ASSERT_FAILS(dl__storage_get(&wrapped, &get, &err), failures[_i], err);
  ASSERT_FAILS(dl__storage_stat(&wrapped, "a", object_take, &o, &err), failures[_i], err);
  ASSERT_FAILS(dl__storage_list(&wrapped, "", object_take, &o, &err), failures[_i], err);
  ASSERT_FAILS(dl__storage_remove(&wrapped, "a", &err), failures[_i], err);
  ck_assert_str_eq(err.path, "mock");
  ck_assert_uint_eq(m.calls, 5);
}
END_TEST

START_TEST(etag_of_put) {
  mock m;
  mock_init(&m);
  char etag[DL_ETAG_SIZE + 1];
  memset(etag, 'e', sizeof etag);
  etag[DL_ETAG_SIZE] = '\0';
  etag[_i] = '\0'; /* up to one that leaves no room for its NUL */
  m.etag = etag;
  dl__storage wrapped = wrap(&m);
  source from = {0};
  dl_put_request request = put_request("a", &from);
  dl_put_result result;
  memset(&result, 0xff, sizeof result);
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_put(&wrapped, &request, &result, &err), err);
  ck_assert_str_eq(result.etag, _i < DL_ETAG_SIZE ? etag : "");
}
END_TEST

/* An ETag that is not given is none, and not what stood there before. */
START_TEST(etag_not_given) {
  mock m;
  mock_init(&m);
  dl__storage wrapped = wrap(&m);
  source from = {0};
  dl_put_request request = put_request("a", &from);
  dl_put_result result = {sizeof result, "of before"};
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_put(&wrapped, &request, &result, &err), err);
  ck_assert_str_eq(result.etag, "");
}
END_TEST

START_TEST(request_of_put_passes_through) {
  mock m;
  mock_init(&m);
  dl__storage wrapped = wrap(&m);
  source from = {0};
  dl_put_request request = put_request("a", &from);
  request.size_bytes = 99;
  request.digest = "digest";
  request.if_match = "etag";
  request.mtime_ns = -7;
  dl_put_result result;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_put(&wrapped, &request, &result, &err), err);
  ck_assert_uint_ge(m.got.struct_size, sizeof request);
  ck_assert_str_eq(m.got.key, "a");
  ck_assert_uint_eq(m.got.size_bytes, 99);
  ck_assert_str_eq(m.got.digest, "digest");
  ck_assert_str_eq(m.got.if_match, "etag");
  ck_assert_int_eq(m.got.mtime_ns, -7);
  ck_assert_uint_eq(m.got.if_absent, 0);
}
END_TEST

static void watch(void *self, dl_cancelled_fn cancelled, void *user) {
  mock *m = self;
  m->calls += (unsigned)cancelled(user);
}

static const char *describe(void *self) {
  (void)self;
  return "a mock";
}

static int cancelled(void *user) {
  return *(const int *)user;
}

START_TEST(watch_and_describe) {
  mock m;
  mock_init(&m);
  int answer = 5;
  dl__storage without = wrap(&m);
  dl__storage_watch(&without, cancelled, &answer);
  ck_assert_ptr_null(dl__storage_describe(&without));
  m.storage.watch = watch;
  m.storage.describe = describe;
  dl__storage with = wrap(&m);
  dl__storage_watch(&with, cancelled, &answer);
  ck_assert_uint_eq(m.calls, 5);
  ck_assert_str_eq(dl__storage_describe(&with), "a mock");
}
END_TEST

START_TEST(digest_is_of_the_content) {
  mock m;
  mock_init(&m);
  m.content = bytes_random(1000, 1);
  m.piece = (size_t)_i;
  dl__storage wrapped = wrap(&m);
  char is[DL_DIGEST_SIZE];
  char should[DL_DIGEST_SIZE];
  uint64_t size_bytes = 0;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_digest(&wrapped, "a", is, &size_bytes, &err), err);
  ck_assert_str_eq(is, bytes_digest(m.content, should));
  ck_assert_uint_eq(size_bytes, 1000);
  bytes_clear(&m.content);
}
END_TEST

START_TEST(digest_of_what_cannot_be_read) {
  mock m;
  mock_init(&m);
  m.content = bytes_random(1000, 1);
  m.piece = 100;
  m.answer = DL_ERR_NETWORK;
  dl__storage wrapped = wrap(&m);
  char digest[DL_DIGEST_SIZE];
  uint64_t size_bytes = 0;
  dl_error err;
  ASSERT_FAILS(dl__storage_digest(&wrapped, "a", digest, &size_bytes, &err), DL_ERR_NETWORK, err);
  ASSERT_FAILS(dl__storage_digest(&wrapped, "../a", digest, &size_bytes, &err), DL_ERR_ARGUMENT,
               err);
  bytes_clear(&m.content);
}
END_TEST

void storage_wrapper(Suite *suite) {
  TCase *tc = tcase_create("wrapper");
  tcase_add_loop_test(tc, required_slot_missing, 0, 5);
  tcase_add_loop_test(tc, struct_too_small, 0, COUNT(small_sizes));
  tcase_add_loop_test(tc, optional_slot_not_reached, 0, COUNT(optional_sizes));
  tcase_add_test(tc, optional_slot_missing);
  tcase_add_test(tc, struct_larger_than_known);
  tcase_add_test(tc, condition_not_supported);
  tcase_add_loop_test(tc, bad_keys_reach_no_slot, 0, COUNT(bad_keys));
  tcase_add_loop_test(tc, failures_pass_through, 0, COUNT(failures));
  tcase_add_loop_test(tc, etag_of_put, DL_ETAG_SIZE - 2, DL_ETAG_SIZE + 1);
  tcase_add_test(tc, etag_not_given);
  tcase_add_test(tc, request_of_put_passes_through);
  tcase_add_test(tc, watch_and_describe);
  tcase_add_loop_test(tc, digest_is_of_the_content, 1, 4);
  tcase_add_test(tc, digest_of_what_cannot_be_read);
  suite_add_tcase(suite, tc);
}

int main(void) {
  Suite *suite = suite_create("storage");
  storage_wrapper(suite);
  storage_objects(suite);
  storage_parts(suite);
  storage_registry(suite);
  return kit_main(suite);
}
