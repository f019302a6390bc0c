/* Conformance: if_absent and if_match. What does not hold leaves everything as it was. */
#include <string.h>

#include "remote.h"

/* What a condition is tried on: "a" with "old", a digest and a time. */
static object put_old(void) {
  bytes content = bytes_text("old");
  source from = {.content = content};
  dl_put_request request = put_request("a", &from);
  char digest[DL_DIGEST_SIZE];
  request.digest = bytes_digest(content, digest);
  request.mtime_ns = 1234567890;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_put(&storage, &request, &result, &err), err);
  bytes_clear(&content);
  return stat_of(&storage, "a");
}

static dl_status put_if(const char *key, const char *text, bool if_absent, const char *if_match,
                        dl_put_result *result, dl_error *err) {
  bytes content = bytes_text(text);
  source from = {.content = content};
  dl_put_request request = put_request(key, &from);
  request.if_absent = if_absent;
  request.if_match = if_match;
  *result = (dl_put_result)DL_PUT_RESULT_INIT;
  dl_status status = try_put(&storage, &request, result, err);
  bytes_clear(&content);
  return status;
}

/* Tries it on "a", which must stay as put_old left it. */
static void assert_conflict(bool if_absent, const char *if_match) {
  object before = put_old();
  dl_error err;
  dl_put_result result;
  ASSERT_FAILS(put_if("a", "new", if_absent, if_match, &result, &err), DL_ERR_CONFLICT, err);
  object after = stat_of(&storage, "a");
  ck_assert_str_eq(after.etag, before.etag);
  ck_assert_str_eq(after.digest, before.digest);
  ck_assert_int_eq(after.mtime_ns, before.mtime_ns);
  assert_text(&storage, "a", "old");
  assert_keys(&storage, "", "a");
  object_clear(&before);
  object_clear(&after);
}

static void assert_conflict_without(const char *if_match) {
  dl_error err;
  dl_put_result result;
  put_text(&storage, "b", "other");
  ASSERT_FAILS(put_if("a", "new", false, if_match, &result, &err), DL_ERR_CONFLICT, err);
  assert_absent(&storage, "a");
  assert_keys(&storage, "", "b");
}

START_TEST(if_absent_without_object) {
  dl_error err = DL_ERROR_INIT;
  dl_put_result result;
  ASSERT_OK(put_if("folder/a", "new", true, NULL, &result, &err), err);
  assert_text(&storage, "folder/a", "new");
}
END_TEST

START_TEST(if_absent_with_object) {
  assert_conflict(true, NULL);
}
END_TEST

START_TEST(if_absent_with_empty_object) {
  dl_error err;
  dl_put_result result;
  put_text(&storage, "a", "");
  ASSERT_FAILS(put_if("a", "new", true, NULL, &result, &err), DL_ERR_CONFLICT, err);
  assert_text(&storage, "a", "");
}
END_TEST

START_TEST(if_absent_twice) {
  dl_error err = DL_ERROR_INIT;
  dl_put_result result;
  ASSERT_OK(put_if("a", "same", true, NULL, &result, &err), err);
  ASSERT_FAILS(put_if("a", "same", true, NULL, &result, &err), DL_ERR_CONFLICT, err);
  assert_text(&storage, "a", "same");
}
END_TEST

START_TEST(if_absent_after_remove) {
  dl_error err = DL_ERROR_INIT;
  dl_put_result result;
  put_text(&storage, "a", "old");
  remove_object(&storage, "a");
  ASSERT_OK(put_if("a", "new", true, NULL, &result, &err), err);
  assert_text(&storage, "a", "new");
}
END_TEST

START_TEST(if_absent_with_neighbours) {
  dl_error err = DL_ERROR_INIT;
  dl_put_result result;
  put_text(&storage, "ab", "1");
  put_text(&storage, "A", "2");
  ASSERT_OK(put_if("a", "new", true, NULL, &result, &err), err);
  assert_keys(&storage, "", "A\na\nab");
}
END_TEST

START_TEST(if_match_right) {
  object before = put_old();
  dl_error err = DL_ERROR_INIT;
  dl_put_result result;
  ASSERT_OK(put_if("a", "new", false, before.etag, &result, &err), err);
  assert_text(&storage, "a", "new");
  ck_assert_str_ne(result.etag, before.etag);
  object_clear(&before);
}
END_TEST

/* The ETag that a put gives is good for the next one. */
START_TEST(if_match_chain) {
  bytes content = bytes_text("0");
  dl_put_result result = put(&storage, "a", content);
  bytes_clear(&content);
  dl_error err = DL_ERROR_INIT;
  const char *const texts[] = {"1", "2", "3", "4", "5"};
  for (int i = 0; i < COUNT(texts); i++) {
    dl_put_result next;
    ASSERT_OK(put_if("a", texts[i], false, result.etag, &next, &err), err);
    result = next;
  }
  assert_text(&storage, "a", "5");
}
END_TEST

START_TEST(if_match_wrong) {
  assert_conflict(false, "wrong");
}
END_TEST

START_TEST(if_match_nearly) {
  object before = put_old();
  before.etag[strlen(before.etag) - 1] ^= 1;
  assert_conflict(false, before.etag);
  object_clear(&before);
}
END_TEST

START_TEST(if_match_empty) {
  assert_conflict(false, "");
}
END_TEST

START_TEST(if_match_star) {
  assert_conflict(false, "*");
}
END_TEST

START_TEST(if_match_outdated) {
  bytes content = bytes_text("still older");
  dl_put_result older = put(&storage, "a", content);
  bytes_clear(&content);
  assert_conflict(false, older.etag);
}
END_TEST

START_TEST(if_match_of_another_object) {
  bytes content = bytes_text("other");
  dl_put_result other = put(&storage, "b", content);
  bytes_clear(&content);
  put_text(&storage, "a", "old");
  dl_error err;
  dl_put_result result;
  ASSERT_FAILS(put_if("a", "new", false, other.etag, &result, &err), DL_ERR_CONFLICT, err);
  assert_text(&storage, "a", "old");
}
END_TEST

START_TEST(if_match_without_object) {
  assert_conflict_without("some");
}
END_TEST

START_TEST(if_match_empty_without_object) {
  assert_conflict_without("");
}
END_TEST

START_TEST(if_match_removed) {
  object before = put_old();
  remove_object(&storage, "a");
  assert_conflict_without(before.etag);
  object_clear(&before);
}
END_TEST

START_TEST(if_match_with_failing_source) {
  object before = put_old();
  bytes content = bytes_text("new");
  source from = {.content = content, .failing = true, .failure = DL_ERR_SOURCE_CHANGED};
  dl_put_request request = put_request("a", &from);
  request.if_match = before.etag;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err;
  ASSERT_FAILS(try_put(&storage, &request, &result, &err), DL_ERR_SOURCE_CHANGED, err);
  dl_put_result second;
  ASSERT_OK(put_if("a", "new", false, before.etag, &second, &err), err);
  bytes_clear(&content);
  object_clear(&before);
}
END_TEST

START_TEST(without_condition) {
  object before = put_old();
  dl_error err = DL_ERROR_INIT;
  dl_put_result result;
  ASSERT_OK(put_if("a", "new", false, NULL, &result, &err), err);
  ASSERT_OK(put_if("b", "new", false, NULL, &result, &err), err);
  assert_text(&storage, "a", "new");
  assert_text(&storage, "b", "new");
  object_clear(&before);
}
END_TEST

/* A storage that cannot must not store as if it could. */
START_TEST(refused_where_it_cannot) {
  dl_error err;
  dl_put_result result;
  ASSERT_FAILS(put_if("a", "new", true, NULL, &result, &err), DL_ERR_UNSUPPORTED, err);
  ASSERT_FAILS(put_if("a", "new", false, "some", &result, &err), DL_ERR_UNSUPPORTED, err);
  assert_absent(&storage, "a");
}
END_TEST

static void add_if_match_tests(TCase *tc) {
  tcase_add_test(tc, if_match_right);
  tcase_add_test(tc, if_match_chain);
  tcase_add_test(tc, if_match_wrong);
  tcase_add_test(tc, if_match_nearly);
  tcase_add_test(tc, if_match_empty);
  tcase_add_test(tc, if_match_star);
  tcase_add_test(tc, if_match_outdated);
  tcase_add_test(tc, if_match_of_another_object);
  tcase_add_test(tc, if_match_without_object);
  tcase_add_test(tc, if_match_empty_without_object);
  tcase_add_test(tc, if_match_with_failing_source);
}

void cases_condition(Suite *suite) {
  TCase *tc = case_new(suite, "condition");
  tcase_add_test(tc, without_condition);
  if (!tested_has(DL_STORAGE_CONDITIONAL)) {
    tcase_add_test(tc, refused_where_it_cannot);
    return;
  }
  tcase_add_test(tc, if_absent_without_object);
  tcase_add_test(tc, if_absent_with_object);
  tcase_add_test(tc, if_absent_with_empty_object);
  tcase_add_test(tc, if_absent_twice);
  tcase_add_test(tc, if_absent_with_neighbours);
  add_if_match_tests(tc);
  if (!tested_can(CAN_REMOVE)) return;
  tcase_add_test(tc, if_absent_after_remove);
  tcase_add_test(tc, if_match_removed);
}
