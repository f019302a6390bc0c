/* Conformance: listings, their prefixes, and what their callbacks may do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote.h"

/* A few objects around the folders a, ab and b. */
static void put_some(void) {
  static const char *const keys[] = {"a.txt", "a/1", "a/2", "a/b/1", "ab", "abc/1", "b/1", "c"};
  for (int i = 0; i < COUNT(keys); i++) put_text(&storage, keys[i], keys[i]);
}

START_TEST(empty_remote) {
  assert_keys(&storage, "", "");
  assert_keys(&storage, "a", "");
  assert_keys(&storage, "a/", "");
}
END_TEST

START_TEST(one_object) {
  put_text(&storage, "a", "");
  assert_keys(&storage, "", "a");
}
END_TEST

static const struct {
  const char *prefix;
  const char *keys;
} prefixes[] = {
    {"", "a.txt\na/1\na/2\na/b/1\nab\nabc/1\nb/1\nc"},
    {"a", "a.txt\na/1\na/2\na/b/1\nab\nabc/1"},
    {"a.", "a.txt"},
    {"a/", "a/1\na/2\na/b/1"},
    {"a/1", "a/1"},
    {"a/1/", ""},
    {"a/b", "a/b/1"},
    {"a/b/", "a/b/1"},
    {"ab", "ab\nabc/1"},
    {"ab/", ""},
    {"abc", "abc/1"},
    {"abc/1", "abc/1"},
    {"abcd", ""},
    {"abc/12", ""},
    {"b", "b/1"},
    {"c", "c"},
    {"c/", ""},
    {"x", ""},
    {"A", ""},
    {"/", ""},
    {"/a", ""},
    {"a//", ""},
    {".", ""},
    {"..", ""},
    {"a/../", ""},
    {"*", ""},
    {"?", ""},
    {"a%2F", ""},
    {"a/%31", ""},
    {"a\\", ""},
};

START_TEST(prefix) {
  put_some();
  assert_keys(&storage, prefixes[_i].prefix, prefixes[_i].keys);
}
END_TEST

START_TEST(prefix_with_odd_bytes) {
  put_text(&storage, "100%/a b+c", "1");
  put_text(&storage, "100%25/a", "2");
  put_text(&storage, "\xff&#?/a", "3");
  assert_keys(&storage, "100%", "100%/a b+c\n100%25/a");
  assert_keys(&storage, "100%/a b", "100%/a b+c");
  assert_keys(&storage, "100%/a+b", "");
  assert_keys(&storage, "100%2", "100%25/a");
  assert_keys(&storage, "\xff", "\xff&#?/a");
  assert_keys(&storage, "\xff&#?/", "\xff&#?/a");
}
END_TEST

/* A prefix may cut a character of UTF-8 in two. */
START_TEST(prefix_within_a_character) {
  put_text(&storage, "\xc3\xa4", "a umlaut");
  put_text(&storage, "\xc3\xb6", "o umlaut");
  assert_keys(&storage, "\xc3", "\xc3\xa4\n\xc3\xb6");
}
END_TEST

START_TEST(prefix_is_key_and_folder) {
  put_text(&storage, "a", "1");
  put_text(&storage, "a/b", "2");
  put_text(&storage, "a/b/c", "3");
  assert_text(&storage, "a", "1");
  assert_text(&storage, "a/b", "2");
  assert_keys(&storage, "a", "a\na/b\na/b/c");
  assert_keys(&storage, "a/", "a/b\na/b/c");
}
END_TEST

/* LEVELS folders d/d/d/... with one file in each. */
static void deep_key(char *key, int levels) {
  for (int i = 0; i < levels; i++) memcpy(key + 2 * (size_t)i, "d/", 2);
  memcpy(key + 2 * (size_t)levels, "f", 2);
}

START_TEST(deep_nesting) {
  char key[256];
  for (int levels = 0; levels <= 100; levels++) {
    deep_key(key, levels);
    put_text(&storage, key, key);
  }
  listing l = list_of(&storage, "");
  ck_assert_uint_eq(l.count, 101);
  listing_clear(&l);
  assert_text(&storage, key, key);
  assert_keys(&storage, "d/d/d/d/d/d/d/d/d/d/d/d/d/d/f", "d/d/d/d/d/d/d/d/d/d/d/d/d/d/f");
}
END_TEST

/* As deep as a key can be. */
START_TEST(deepest_nesting) {
  char key[DL_KEY_MAX + 2];
  size_t depth = tested.depth_max > 0 ? tested.depth_max : DL_KEY_MAX / 2;
  deep_key(key, (int)depth - 1);
  put_text(&storage, key, "deep");
  assert_text(&storage, key, "deep");
  assert_keys(&storage, "", key);
}
END_TEST

#define MANY 2000

/* Each exactly once: list_of looks for repeats; the numbers must be those that were put. */
START_TEST(many_objects) {
  char key[64];
  for (int i = 0; i < MANY; i++) {
    (void)snprintf(key, sizeof key, "folder-%d/object-%04d", i % 7, i);
    put_text(&storage, key, "");
  }
  listing l = list_of(&storage, "");
  ck_assert_uint_eq(l.count, MANY);
  bool seen[MANY] = {false};
  for (size_t i = 0; i < l.count; i++) {
    long number = strtol(strrchr(l.objects[i].key, '-') + 1, NULL, 10);
    ck_assert(number >= 0 && number < MANY && !seen[number]);
    seen[number] = true;
  }
  listing_clear(&l);
  l = list_of(&storage, "folder-3/");
  ck_assert_uint_eq(l.count, (MANY - 3 + 6) / 7);
  listing_clear(&l);
}
END_TEST

START_TEST(sizes_are_listed) {
  bytes content = bytes_random(100000, 1);
  const size_t sizes[] = {0, 1, 4096, 100000};
  for (int i = 0; i < COUNT(sizes); i++) {
    char key[] = {(char)('a' + i), '\0'};
    (void)put(&storage, key, (bytes){content.data, sizes[i]});
  }
  listing l = list_of(&storage, "");
  ck_assert_uint_eq(l.count, COUNT(sizes));
  for (int i = 0; i < COUNT(sizes); i++) ck_assert_uint_eq(l.objects[i].size_bytes, sizes[i]);
  listing_clear(&l);
  bytes_clear(&content);
}
END_TEST

typedef struct stopper {
  int calls;
  int stop_on;
  int answer;
} stopper;

static int stop(const dl_object *from, void *user) {
  stopper *s = user;
  ck_assert_ptr_nonnull(from);
  return ++s->calls >= s->stop_on ? s->answer : 0;
}

static const stopper stoppers[] = {{0, 1, 1}, {0, 1, -1}, {0, 1, 2000}, {0, 3, 1}, {0, 8, 1}};

/* The slot itself must say so, too, and not only the wrapper. */
START_TEST(stopped_by_callback) {
  put_some();
  dl_error err;
  stopper s = stoppers[_i];
  ASSERT_FAILS(dl__storage_list(&storage, "", stop, &s, &err), DL_ERR_CANCELLED, err);
  ck_assert_int_eq(s.calls, s.stop_on);
  s = stoppers[_i];
  const dl_storage *slots = storage.owner;
  ASSERT_FAILS(slots->list(slots->self, "", stop, &s, &err), DL_ERR_CANCELLED, err);
  ck_assert_int_eq(s.calls, s.stop_on);
  assert_text(&storage, "a/1", "a/1");
}
END_TEST

static int use_storage(const dl_object *from, void *user) {
  int *calls = user;
  object o = stat_of(&storage, from->key);
  ck_assert_uint_eq(o.size_bytes, from->size_bytes);
  bytes is = get(&storage, from->key);
  ck_assert_uint_eq(is.size, from->size_bytes);
  listing l = list_of(&storage, "a/");
  ck_assert_uint_eq(l.count, 3);
  listing_clear(&l);
  bytes_clear(&is);
  object_clear(&o);
  ++*calls;
  return 0;
}

START_TEST(callback_uses_storage) {
  put_some();
  int calls = 0;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_list(&storage, "", use_storage, &calls, &err), err);
  ck_assert_int_eq(calls, 8);
  ASSERT_OK(dl__storage_stat(&storage, "a/1", use_storage, &calls, &err), err);
  ck_assert_int_eq(calls, 9);
}
END_TEST

/* Whole and of their own size, as every struct that crosses the border. */
static int look_closely(const dl_object *from, void *user) {
  (void)user;
  ck_assert_uint_ge(from->struct_size, sizeof *from);
  ck_assert_ptr_nonnull(from->key);
  if (from->etag != NULL) ck_assert_uint_lt(strlen(from->etag), DL_ETAG_SIZE);
  if (from->digest != NULL) ck_assert_uint_lt(strlen(from->digest), DL_DIGEST_SIZE);
  return 0;
}

START_TEST(objects_are_whole) {
  bytes content = bytes_text("content");
  (void)put_with_digest(&storage, "a", content);
  (void)put(&storage, "b", content);
  dl_error err = DL_ERROR_INIT;
  const dl_storage *slots = storage.owner;
  ASSERT_OK(slots->list(slots->self, "", look_closely, NULL, &err), err);
  ASSERT_OK(slots->stat(slots->self, "a", look_closely, NULL, &err), err);
  bytes_clear(&content);
}
END_TEST

void cases_list(Suite *suite) {
  TCase *tc = case_new(suite, "list");
  tcase_add_test(tc, empty_remote);
  tcase_add_test(tc, one_object);
  tcase_add_loop_test(tc, prefix, 0, COUNT(prefixes));
  tcase_add_test(tc, prefix_with_odd_bytes);
  tcase_add_test(tc, prefix_within_a_character);
  if (tested_can(CAN_NEST)) tcase_add_test(tc, prefix_is_key_and_folder);
  tcase_add_test(tc, deep_nesting);
  tcase_add_test(tc, deepest_nesting);
  tcase_add_test(tc, many_objects);
  tcase_add_test(tc, sizes_are_listed);
  tcase_add_loop_test(tc, stopped_by_callback, 0, COUNT(stoppers));
  tcase_add_test(tc, callback_uses_storage);
  tcase_add_test(tc, objects_are_whole);
}
