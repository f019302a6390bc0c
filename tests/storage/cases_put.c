/* Conformance: what is put comes back, and takes the place of what was there. */
#include <string.h>

#include "remote.h"

static const size_t sizes[] = {0, 1, 64 * KIB - 1, 64 * KIB, 128 * KIB + 1, MIB, 5 * MIB};

START_TEST(round_trip) {
  bytes content = bytes_random(sizes[_i], 1);
  (void)put(&storage, "events/20250911.jsonl", content);
  assert_content(&storage, "events/20250911.jsonl", content);
  assert_keys(&storage, "", "events/20250911.jsonl");
  if (tested_can(CAN_REMOVE)) {
    remove_object(&storage, "events/20250911.jsonl");
    assert_absent(&storage, "events/20250911.jsonl");
  }
  bytes_clear(&content);
}
END_TEST

static void overwrite(size_t before, size_t after) {
  bytes first = bytes_random(before, 1);
  bytes second = bytes_random(after, 2);
  (void)put(&storage, "a", first);
  assert_content(&storage, "a", first);
  (void)put(&storage, "a", second);
  assert_content(&storage, "a", second);
  assert_keys(&storage, "", "a");
  bytes_clear(&first);
  bytes_clear(&second);
}

START_TEST(overwrite_smaller) {
  overwrite(300 * KIB, 1000);
}
END_TEST

START_TEST(overwrite_larger) {
  overwrite(1000, 300 * KIB);
}
END_TEST

START_TEST(overwrite_same_size) {
  overwrite(128 * KIB, 128 * KIB);
}
END_TEST

START_TEST(overwrite_with_nothing) {
  overwrite(128 * KIB, 0);
}
END_TEST

START_TEST(overwrite_nothing) {
  overwrite(0, 1);
}
END_TEST

START_TEST(overwrite_with_the_same) {
  bytes content = bytes_random(1000, 1);
  for (int i = 0; i < 3; i++) (void)put(&storage, "a", content);
  assert_content(&storage, "a", content);
  assert_keys(&storage, "", "a");
  bytes_clear(&content);
}
END_TEST

START_TEST(every_byte_value) {
  bytes content = bytes_random(256 * 256, 1);
  for (size_t i = 0; i < content.size; i++) content.data[i] = (unsigned char)(i ^ (i >> 8));
  (void)put(&storage, "binary", content);
  assert_content(&storage, "binary", content);
  bytes_clear(&content);
}
END_TEST

/* Nothing may be translated, trimmed or taken for the end. */
START_TEST(awkward_text) {
  unsigned char text[] = "\xef\xbb\xbf\r\n\n\x1a\0\0x \r\n \n\n";
  bytes content = {text, sizeof text - 1};
  (void)put(&storage, "text", content);
  assert_content(&storage, "text", content);
}
END_TEST

START_TEST(neighbours_untouched) {
  put_text(&storage, "a", "1");
  put_text(&storage, "ab", "2");
  put_text(&storage, "b/a", "3");
  put_text(&storage, "ab", "changed");
  assert_text(&storage, "a", "1");
  assert_text(&storage, "ab", "changed");
  assert_text(&storage, "b/a", "3");
  assert_keys(&storage, "", "a\nab\nb/a");
}
END_TEST

START_TEST(equal_contents_are_two_objects) {
  put_text(&storage, "a", "same");
  put_text(&storage, "b", "same");
  put_text(&storage, "a", "other");
  assert_text(&storage, "a", "other");
  assert_text(&storage, "b", "same");
}
END_TEST

/* A later version of the library may know more fields than the storage does. */
START_TEST(larger_structs_accepted) {
  struct {
    dl_put_request known;
    unsigned char more[64];
  } request;
  struct {
    dl_put_result known;
    unsigned char more[60];
  } result;
  memset(&request, 0xff, sizeof request);
  memset(&result, 0xff, sizeof result);
  bytes content = bytes_text("content");
  source from = {.content = content};
  request.known = put_request("a", &from);
  request.known.struct_size = sizeof request;
  result.known = (dl_put_result)DL_PUT_RESULT_INIT;
  result.known.struct_size = sizeof result;
  dl_error err = DL_ERROR_INIT;
  const dl_storage *slots = storage.owner;
  ASSERT_OK(slots->put(slots->self, &request.known, &result.known, &err), err);
  for (size_t i = 0; i < sizeof result.more; i++) ck_assert_uint_eq(result.more[i], 0xff);
  ck_assert_uint_eq(result.known.struct_size, sizeof result);
  assert_content(&storage, "a", content);
  bytes_clear(&content);
}
END_TEST

void cases_put(Suite *suite) {
  TCase *tc = case_new(suite, "put");
  tcase_add_loop_test(tc, round_trip, 0, COUNT(sizes));
  tcase_add_test(tc, overwrite_smaller);
  tcase_add_test(tc, overwrite_larger);
  tcase_add_test(tc, overwrite_same_size);
  tcase_add_test(tc, overwrite_with_nothing);
  tcase_add_test(tc, overwrite_nothing);
  tcase_add_test(tc, overwrite_with_the_same);
  tcase_add_test(tc, every_byte_value);
  tcase_add_test(tc, awkward_text);
  tcase_add_test(tc, neighbours_untouched);
  tcase_add_test(tc, equal_contents_are_two_objects);
  tcase_add_test(tc, larger_structs_accepted);
}
