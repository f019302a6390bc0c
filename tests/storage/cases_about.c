/* Conformance: what a storage says about an object: digest, time, ETag. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "remote.h"

/* Puts "content" with these. */
static dl_put_result put_about(const char *key, const char *text, const char *digest,
                               int64_t mtime_ns) {
  bytes content = bytes_text(text);
  source from = {.content = content};
  dl_put_request request = put_request(key, &from);
  request.digest = digest;
  request.mtime_ns = mtime_ns;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_put(&storage, &request, &result, &err), err);
  bytes_clear(&content);
  return result;
}

/* What list says of key; to be cleared. */
static object listed(const char *key) {
  listing l = list_of(&storage, key);
  ck_assert_uint_ge(l.count, 1);
  object found = l.objects[0]; /* sorted: the key itself comes first */
  ck_assert_str_eq(found.key, key);
  l.objects[0] = (object){0};
  listing_clear(&l);
  return found;
}

static void assert_digest(const char *key, const char *digest) {
  object seen[] = {stat_of(&storage, key), listed(key)};
  for (int i = 0; i < COUNT(seen); i++) {
    bool none = !seen[i].has_digest || tested_sum(seen[i].digest);
    if (digest == NULL) ck_assert_msg(none, "digest %s", seen[i].digest);
    if (digest != NULL && tested_can(CAN_DIGEST)) ck_assert(seen[i].has_digest);
    if (digest != NULL && seen[i].has_digest) ck_assert_str_eq(seen[i].digest, digest);
    object_clear(&seen[i]);
  }
}

#define DIGEST(digit)                                                                              \
  "sha256:" digit "000000000000000000000000000000000000000000000000000000000000000"

START_TEST(digest_as_given) {
  (void)put_about("a", "content", DIGEST("1"), 0);
  assert_digest("a", DIGEST("1"));
}
END_TEST

START_TEST(digest_not_given) {
  (void)put_about("a", "content", NULL, 0);
  assert_digest("a", NULL);
}
END_TEST

START_TEST(digest_of_another_kind) {
  (void)put_about("a", "content", "blake2b-512:00ff", 0);
  assert_digest("a", "blake2b-512:00ff");
}
END_TEST

START_TEST(digest_as_long_as_may_be) {
  char digest[DL_DIGEST_SIZE];
  memset(digest, 'f', sizeof digest - 1);
  memcpy(digest, "x:", 2);
  digest[sizeof digest - 1] = '\0';
  (void)put_about("a", "content", digest, 0);
  assert_digest("a", digest);
}
END_TEST

START_TEST(digest_with_time) {
  (void)put_about("a", "content", DIGEST("1"), INT64_C(-1500000001));
  assert_digest("a", DIGEST("1"));
}
END_TEST

START_TEST(digest_of_nothing) {
  (void)put_about("empty", "", DIGEST("1"), 1);
  assert_digest("empty", DIGEST("1"));
}
END_TEST

START_TEST(digest_after_overwrite) {
  (void)put_about("a", "content", DIGEST("1"), 1);
  (void)put_about("a", "CONTENT", DIGEST("2"), 1);
  assert_digest("a", DIGEST("2"));
}
END_TEST

/* The old digest must not stick to the new content, same size and time or not. */
START_TEST(digest_after_overwrite_without) {
  (void)put_about("a", "content", DIGEST("1"), 1);
  (void)put_about("a", "CONTENT", NULL, 1);
  assert_digest("a", NULL);
}
END_TEST

START_TEST(digests_of_neighbours) {
  (void)put_about("a", "1", DIGEST("1"), 0);
  (void)put_about("b", "1", NULL, 0);
  (void)put_about("c", "1", DIGEST("3"), 0);
  assert_digest("a", DIGEST("1"));
  assert_digest("b", NULL);
  assert_digest("c", DIGEST("3"));
}
END_TEST

#define SECOND INT64_C(1000000000)

static const int64_t times[] = {
    1,                                /* the first instant after 1970 */
    SECOND,                           /* a whole second */
    INT64_C(1757577600) * SECOND + 1, /* 2025 */
    INT64_C(1757577600) * SECOND + 999999999,
    -1, /* before 1970 */
    -SECOND,
    -SECOND - 1,
    INT64_C(-2000000000) * SECOND + 5, /* 1906 */
    INT64_C(2147483647) * SECOND,      /* 2038 */
    INT64_C(4294967296) * SECOND + 7,  /* 2106 */
    INT64_C(7258118400) * SECOND,      /* 2200 */
};

START_TEST(time_as_given) {
  (void)put_about("a", "content", NULL, times[_i]);
  object o = stat_of(&storage, "a");
  object l = listed("a");
  if (tested_can(CAN_MTIME)) ck_assert_int_eq(o.mtime_ns, times[_i]);
  ck_assert_int_eq(o.mtime_ns, l.mtime_ns);
  object_clear(&o);
  object_clear(&l);
}
END_TEST

/* "the storage's own or 0": no time of another object, none in the future. */
START_TEST(time_not_given) {
  (void)put_about("a", "content", NULL, 2 * INT64_C(1757577600) * SECOND);
  (void)put_about("a", "content", NULL, 0);
  object o = stat_of(&storage, "a");
  object l = listed("a");
  ck_assert_int_ge(o.mtime_ns, 0);
  ck_assert_int_lt(o.mtime_ns, 2 * INT64_C(1757577600) * SECOND);
  ck_assert_int_eq(o.mtime_ns, l.mtime_ns);
  object_clear(&o);
  object_clear(&l);
}
END_TEST

START_TEST(time_after_overwrite) {
  (void)put_about("a", "content", NULL, 5 * SECOND);
  (void)put_about("a", "content", NULL, 4 * SECOND);
  object o = stat_of(&storage, "a");
  if (tested_can(CAN_MTIME)) ck_assert_int_eq(o.mtime_ns, 4 * SECOND);
  object_clear(&o);
}
END_TEST

/* put, stat and list name one ETag. */
static void assert_etag(const char *key, const char *etag) {
  object o = stat_of(&storage, key);
  object l = listed(key);
  ck_assert_int_eq(o.has_etag, tested_can(CAN_ETAG));
  ck_assert_str_eq(o.etag, etag);
  ck_assert_str_eq(l.etag, etag);
  object_clear(&o);
  object_clear(&l);
}

START_TEST(etag_everywhere_the_same) {
  dl_put_result result = put_about("a", "content", DIGEST("1"), 7);
  ck_assert_int_eq(result.etag[0] != '\0', tested_can(CAN_ETAG));
  assert_etag("a", result.etag);
  result = put_about("b/c", "", NULL, 0);
  assert_etag("b/c", result.etag);
}
END_TEST

START_TEST(etag_stays) {
  dl_put_result result = put_about("a", "content", NULL, 0);
  for (int i = 0; i < 3; i++) {
    assert_text(&storage, "a", "content");
    put_text(&storage, "b", "other");
    assert_etag("a", result.etag);
  }
  if (tested_can(CAN_REMOVE)) remove_object(&storage, "b");
  assert_etag("a", result.etag);
}
END_TEST

START_TEST(etag_changes_with_content) {
  dl_put_result first = put_about("a", "content", NULL, 0);
  dl_put_result second = put_about("a", "contents", NULL, 0);
  ck_assert_str_ne(first.etag, second.etag);
  assert_etag("a", second.etag);
}
END_TEST

/* Size and time do not tell these apart, however fast one comes after the other. */
START_TEST(etag_changes_with_every_content) {
  char etags[50][DL_ETAG_SIZE];
  for (int i = 0; i < COUNT(etags); i++) {
    char text[16];
    (void)snprintf(text, sizeof text, "content %02d", i);
    dl_put_result result = put_about("a", text, NULL, 5 * SECOND);
    memcpy(etags[i], result.etag, sizeof etags[i]);
    for (int j = 0; j < i; j++) ck_assert_msg(strcmp(etags[i], etags[j]) != 0, "%d as %d", i, j);
  }
}
END_TEST

START_TEST(etag_changes_after_remove) {
  dl_put_result first = put_about("a", "content", NULL, 5 * SECOND);
  remove_object(&storage, "a");
  dl_put_result second = put_about("a", "CONTENT", NULL, 5 * SECOND);
  ck_assert_str_ne(first.etag, second.etag);
}
END_TEST

static void add_etag_tests(TCase *tc) {
  tcase_add_test(tc, etag_everywhere_the_same);
  tcase_add_test(tc, etag_stays);
  if (!tested_can(CAN_ETAG)) return;
  tcase_add_test(tc, etag_changes_with_content);
  tcase_add_test(tc, etag_changes_with_every_content);
  if (tested_can(CAN_REMOVE)) tcase_add_test(tc, etag_changes_after_remove);
}

void cases_about(Suite *suite) {
  TCase *tc = case_new(suite, "about");
  tcase_add_test(tc, digest_as_given);
  tcase_add_test(tc, digest_not_given);
  tcase_add_test(tc, digest_of_another_kind);
  tcase_add_test(tc, digest_as_long_as_may_be);
  tcase_add_test(tc, digest_with_time);
  tcase_add_test(tc, digest_of_nothing);
  tcase_add_test(tc, digest_after_overwrite);
  tcase_add_test(tc, digest_after_overwrite_without);
  tcase_add_test(tc, digests_of_neighbours);
  tcase_add_loop_test(tc, time_as_given, 0, COUNT(times));
  tcase_add_test(tc, time_not_given);
  tcase_add_test(tc, time_after_overwrite);
  add_etag_tests(tc);
}
