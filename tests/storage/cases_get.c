/* Conformance: ranges, and what a get does when its other end fails. */
#include <stdint.h>
#include <string.h>

#include "remote.h"

#define SIZE (300 * KIB + 7)

static const struct {
  const char *what;
  uint64_t offset, length; /* as asked */
  uint64_t from, bytes;    /* what has to come */
} ranges[] = {
    {"all of it", 0, 0, 0, SIZE},
    {"all of it, by length", 0, SIZE, 0, SIZE},
    {"the first byte", 0, 1, 0, 1},
    {"the last byte", SIZE - 1, 1, SIZE - 1, 1},
    {"from the middle to the end", 100, 0, 100, SIZE - 100},
    {"the last byte, to the end", SIZE - 1, 0, SIZE - 1, 1},
    {"some bytes in the middle", 12345, 6789, 12345, 6789},
    {"across 64 KiB", 64 * KIB - 1, 2, 64 * KIB - 1, 2},
    {"128 KiB exactly", 128 * KIB, 128 * KIB, 128 * KIB, 128 * KIB},
    {"just to the end", SIZE - 10, 10, SIZE - 10, 10},
    {"one beyond the end", SIZE - 10, 11, SIZE - 10, 10},
    {"far beyond the end", 5, UINT64_MAX, 5, SIZE - 5},
    {"longer than it is", 0, SIZE * 10, 0, SIZE},
    {"at the end", SIZE, 0, 0, 0},
    {"at the end, with a length", SIZE, 1, 0, 0},
    {"behind the end", SIZE + 1, 0, 0, 0},
    {"behind the end, with a length", SIZE + 1, 100, 0, 0},
    {"at 2^31", UINT64_C(1) << 31, 0, 0, 0},
    {"at 2^32", UINT64_C(1) << 32, 0, 0, 0},
    {"at 2^32, with a length", UINT64_C(1) << 32, SIZE, 0, 0},
    {"at 2^63 - 1", INT64_MAX, 1, 0, 0},
    {"at 2^63", UINT64_C(1) << 63, 1, 0, 0},
    {"at 2^64 - 1", UINT64_MAX, UINT64_MAX, 0, 0},
};

START_TEST(range) {
  bytes content = bytes_random(SIZE, 1);
  (void)put(&storage, "a", content);
  bytes is = get_range(&storage, "a", ranges[_i].offset, ranges[_i].length);
  bytes should = {content.data + ranges[_i].from, (size_t)ranges[_i].bytes};
  ck_assert_msg(is.size == should.size, "%s: %zu bytes", ranges[_i].what, is.size);
  ck_assert_msg(bytes_equal(is, should), "%s: other bytes", ranges[_i].what);
  bytes_clear(&is);
  bytes_clear(&content);
}
END_TEST

static const uint64_t places[] = {0, 1, 100, UINT64_MAX};

START_TEST(range_of_nothing) {
  put_text(&storage, "empty", "");
  bytes is = get_range(&storage, "empty", places[_i], 0);
  ck_assert_uint_eq(is.size, 0);
  bytes_clear(&is);
  is = get_range(&storage, "empty", places[_i], 10);
  ck_assert_uint_eq(is.size, 0);
  bytes_clear(&is);
}
END_TEST

START_TEST(ranges_add_up) {
  bytes content = bytes_random(10007, 1);
  (void)put(&storage, "a", content);
  sink all = {0};
  for (uint64_t at = 0; at < content.size; at += 1000) {
    bytes is = get_range(&storage, "a", at, 1000);
    (void)sink_write(&all, is.data, is.size, NULL);
    bytes_clear(&is);
  }
  ck_assert(bytes_equal(all.content, content));
  sink_clear(&all);
  bytes_clear(&content);
}
END_TEST

START_TEST(range_of_missing) {
  dl_error err;
  sink to = {0};
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = "missing";
  request.offset_bytes = 10;
  request.length_bytes = 10;
  request.write = sink_write;
  request.write_user = &to;
  ASSERT_FAILS(dl__storage_get(&storage, &request, &err), DL_ERR_NOT_FOUND, err);
  ck_assert_uint_eq(to.calls, 0);
}
END_TEST

static const dl_status statuses[] = {DL_ERR_STORAGE, DL_ERR_CANCELLED, DL_ERR_NO_MEMORY,
                                     DL_ERR_NOT_FOUND, DL_ERR_STATE};

/* The status of the sink ends the get, whatever it is. */
START_TEST(sink_fails_at_once) {
  bytes content = bytes_random(SIZE, 1);
  (void)put(&storage, "a", content);
  sink to = {.fail_on = 1, .failure = statuses[_i]};
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = "a";
  request.write = sink_write;
  request.write_user = &to;
  dl_error err;
  ASSERT_FAILS(dl__storage_get(&storage, &request, &err), statuses[_i], err);
  ck_assert_uint_eq(to.calls, 1);
  assert_content(&storage, "a", content);
  bytes_clear(&content);
}
END_TEST

/* How many pieces there are is the storage's choice: the last one that there is. */
START_TEST(sink_fails_late) {
  bytes content = bytes_random(5 * MIB, 1);
  (void)put(&storage, "a", content);
  sink to = {0};
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = "a";
  request.write = sink_write;
  request.write_user = &to;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_get(&storage, &request, &err), err);
  /* Half-way: over a network, the number of pieces is not the same each time. */
  size_t last = to.calls > 1 ? to.calls / 2 : 1;
  sink_clear(&to);
  to = (sink){.fail_on = last, .failure = DL_ERR_CANCELLED};
  ASSERT_FAILS(dl__storage_get(&storage, &request, &err), DL_ERR_CANCELLED, err);
  ck_assert_uint_eq(to.calls, last);
  ck_assert_uint_lt(to.content.size, content.size);
  sink_clear(&to);
  bytes_clear(&content);
}
END_TEST

START_TEST(larger_request_accepted) {
  struct {
    dl_get_request known;
    unsigned char more[64];
  } request;
  memset(&request, 0xff, sizeof request);
  put_text(&storage, "a", "content");
  sink to = {0};
  request.known = (dl_get_request)DL_GET_REQUEST_INIT;
  request.known.struct_size = sizeof request;
  request.known.key = "a";
  request.known.write = sink_write;
  request.known.write_user = &to;
  dl_error err = DL_ERROR_INIT;
  const dl_storage *slots = storage.owner;
  ASSERT_OK(slots->get(slots->self, &request.known, &err), err);
  ck_assert_uint_eq(to.content.size, 7);
  sink_clear(&to);
}
END_TEST

void cases_get(Suite *suite) {
  TCase *tc = case_new(suite, "get");
  tcase_add_loop_test(tc, range, 0, COUNT(ranges));
  tcase_add_loop_test(tc, range_of_nothing, 0, COUNT(places));
  tcase_add_test(tc, ranges_add_up);
  tcase_add_test(tc, range_of_missing);
  tcase_add_loop_test(tc, sink_fails_at_once, 0, COUNT(statuses));
  tcase_add_test(tc, sink_fails_late);
  tcase_add_test(tc, larger_request_accepted);
}
