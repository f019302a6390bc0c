/* What the wrapper makes of the objects that a storage gives: whole ones pass in
 * the library's own size, garbage is an error, and neither is trusted. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

static mock m;
static dl__storage wrapped;

static void setup(void) {
  mock_init(&m);
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_wrap(&m.storage, &wrapped, &err), err);
}

static void teardown(void) {
  dl__storage_close(&wrapped);
  ck_assert_uint_eq(m.closed, 1);
}

static const dl_object whole = {sizeof(dl_object), 0, "a", 5, "digest", "etag", 7};

static const dl_object *one;

static void give_one(const dl_object *given) {
  one = given;
  m.give = &one;
  m.give_count = 1;
}

static void assert_garbage(const dl_object *given) {
  dl_error err;
  object o = {0};
  listing l = {0};
  give_one(given);
  ASSERT_FAILS(dl__storage_list(&wrapped, "", listing_add, &l, &err), DL_ERR_STORAGE, err);
  ASSERT_FAILS(dl__storage_stat(&wrapped, "a", object_take, &o, &err), DL_ERR_STORAGE, err);
  m.deaf = true; /* goes on, and says that all was well */
  ASSERT_FAILS(dl__storage_list(&wrapped, "", listing_add, &l, &err), DL_ERR_STORAGE, err);
  ck_assert_uint_eq(l.count, 0);
  ck_assert_ptr_null(o.key);
}

START_TEST(whole_object) {
  give_one(&whole);
  dl_error err = DL_ERROR_INIT;
  object o = {0};
  ASSERT_OK(dl__storage_stat(&wrapped, "a", object_take, &o, &err), err);
  ck_assert_str_eq(o.key, "a");
  ck_assert_uint_eq(o.size_bytes, 5);
  ck_assert_str_eq(o.digest, "digest");
  ck_assert_str_eq(o.etag, "etag");
  ck_assert_int_eq(o.mtime_ns, 7);
  object_clear(&o);
}
END_TEST

START_TEST(no_object) {
  assert_garbage(NULL);
}
END_TEST

START_TEST(object_without_key) {
  dl_object given = whole;
  given.key = NULL;
  assert_garbage(&given);
}
END_TEST

static const size_t small_sizes[] = {0, sizeof(uint32_t), offsetof(dl_object, key),
                                     offsetof(dl_object, size_bytes),
                                     offsetof(dl_object, size_bytes) + 1};

START_TEST(object_too_small) {
  dl_object given = whole;
  given.struct_size = (uint32_t)small_sizes[_i];
  assert_garbage(&given);
}
END_TEST

static const size_t earlier_sizes[] = {
    offsetof(dl_object, digest),       offsetof(dl_object, digest) + 4,
    offsetof(dl_object, etag),         offsetof(dl_object, etag) + 4,
    offsetof(dl_object, mtime_ns),     offsetof(dl_object, mtime_ns) + 4,
    offsetof(dl_object, mtime_ns) + 8,
};

/* Of an earlier version: what it does not reach, or only in part, is not known. */
START_TEST(object_smaller_than_known) {
  size_t size = earlier_sizes[_i];
  dl_object *given = malloc(size); /* exactly: to read on is an error */
  ck_assert_ptr_nonnull(given);
  memcpy(given, &whole, size);
  uint32_t struct_size = (uint32_t)size;
  memcpy(given, &struct_size, sizeof struct_size);
  give_one(given);
  dl_error err = DL_ERROR_INIT;
  object o = {0};
  ASSERT_OK(dl__storage_stat(&wrapped, "a", object_take, &o, &err), err);
  ck_assert_uint_eq(o.size_bytes, 5);
  ck_assert_int_eq(o.has_digest, size >= offsetof(dl_object, digest) + sizeof given->digest);
  ck_assert_int_eq(o.has_etag, size >= offsetof(dl_object, etag) + sizeof given->etag);
  bool has_time = size >= offsetof(dl_object, mtime_ns) + sizeof given->mtime_ns;
  ck_assert_int_eq(o.mtime_ns, has_time ? 7 : 0);
  object_clear(&o);
  free(given);
}
END_TEST

START_TEST(object_larger_than_known) {
  struct {
    dl_object known;
    unsigned char more[32];
  } given;
  memset(&given, 0xff, sizeof given);
  given.known = whole;
  given.known.struct_size = sizeof given;
  give_one(&given.known);
  dl_error err = DL_ERROR_INIT;
  object o = {0};
  ASSERT_OK(dl__storage_stat(&wrapped, "a", object_take, &o, &err), err);
  ck_assert_int_eq(o.mtime_ns, 7);
  object_clear(&o);
}
END_TEST

START_TEST(stat_with_another_key) {
  dl_object given = whole;
  given.key = "b";
  give_one(&given);
  dl_error err;
  object o = {0};
  ASSERT_FAILS(dl__storage_stat(&wrapped, "a", object_take, &o, &err), DL_ERR_STORAGE, err);
  ck_assert_ptr_null(o.key);
}
END_TEST

START_TEST(stat_without_object) {
  dl_error err;
  object o = {0};
  ASSERT_FAILS(dl__storage_stat(&wrapped, "a", object_take, &o, &err), DL_ERR_STORAGE, err);
}
END_TEST

START_TEST(stat_with_two_objects) {
  const dl_object *two[] = {&whole, &whole};
  m.give = two;
  m.give_count = 2;
  dl_error err;
  object o = {0};
  ASSERT_FAILS(dl__storage_stat(&wrapped, "a", object_take, &o, &err), DL_ERR_STORAGE, err);
  object_clear(&o);
}
END_TEST

/* An object, and then a failure: it is the failure that counts. */
START_TEST(stat_fails_afterwards) {
  give_one(&whole);
  m.answer = DL_ERR_NETWORK;
  dl_error err;
  object o = {0};
  ASSERT_FAILS(dl__storage_stat(&wrapped, "a", object_take, &o, &err), DL_ERR_NETWORK, err);
  object_clear(&o);
}
END_TEST

START_TEST(list_fails_afterwards) {
  give_one(&whole);
  m.answer = DL_ERR_NETWORK;
  dl_error err;
  listing l = {0};
  ASSERT_FAILS(dl__storage_list(&wrapped, "", listing_add, &l, &err), DL_ERR_NETWORK, err);
  ck_assert_uint_eq(l.count, 1);
  listing_clear(&l);
}
END_TEST

/* Names that no key can have, as other programs may store, are not shown. */
START_TEST(list_with_impossible_keys) {
  static const char *const keys[] = {"", "/a", "a/", "a//b", "..", "a/../../etc/passwd", "./a"};
  dl_object objects[COUNT(keys)];
  const dl_object *given[COUNT(keys) + 1];
  for (int i = 0; i < COUNT(keys); i++) {
    objects[i] = whole;
    objects[i].key = keys[i];
    given[i] = &objects[i];
  }
  given[COUNT(keys)] = &whole;
  m.give = given;
  m.give_count = COUNT(given);
  assert_keys(&wrapped, "", "a");
}
END_TEST

START_TEST(list_with_too_long_key) {
  char key[DL_KEY_MAX + 2];
  memset(key, 'k', sizeof key - 1);
  key[sizeof key - 1] = '\0';
  dl_object given = whole;
  given.key = key;
  give_one(&given);
  assert_keys(&wrapped, "", "");
}
END_TEST

static int stop(const dl_object *from, void *user) {
  (void)from;
  ++*(int *)user;
  return 1;
}

START_TEST(list_stopped) {
  const dl_object *three[] = {&whole, &whole, &whole};
  m.give = three;
  m.give_count = 3;
  dl_error err;
  int calls = 0;
  ASSERT_FAILS(dl__storage_list(&wrapped, "", stop, &calls, &err), DL_ERR_CANCELLED, err);
  ck_assert_int_eq(calls, 1);
}
END_TEST

/* A storage that says DL_OK to a listing that was stopped is not believed. */
START_TEST(list_stopped_and_denied) {
  give_one(&whole);
  m.deaf = true;
  dl_error err;
  int calls = 0;
  ASSERT_FAILS(dl__storage_list(&wrapped, "", stop, &calls, &err), DL_ERR_CANCELLED, err);
  ck_assert_int_eq(calls, 1);
}
END_TEST

void storage_objects(Suite *suite) {
  TCase *tc = tcase_create("objects");
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_add_test(tc, whole_object);
  tcase_add_test(tc, no_object);
  tcase_add_test(tc, object_without_key);
  tcase_add_loop_test(tc, object_too_small, 0, COUNT(small_sizes));
  tcase_add_loop_test(tc, object_smaller_than_known, 0, COUNT(earlier_sizes));
  tcase_add_test(tc, object_larger_than_known);
  tcase_add_test(tc, stat_with_another_key);
  tcase_add_test(tc, stat_without_object);
  tcase_add_test(tc, stat_with_two_objects);
  tcase_add_test(tc, stat_fails_afterwards);
  tcase_add_test(tc, list_fails_afterwards);
  tcase_add_test(tc, list_with_impossible_keys);
  tcase_add_test(tc, list_with_too_long_key);
  tcase_add_test(tc, list_stopped);
  tcase_add_test(tc, list_stopped_and_denied);
  suite_add_tcase(suite, tc);
}
