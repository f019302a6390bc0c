/* The state: what was committed comes back, what was not does not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include <devlog/storage.h>

#include "unit/state_kit.h"

/* How far the monotonic clock is ahead; the call stands before the one of libc. */
static time_t ahead_s;

int clock_gettime(clockid_t clock, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *);
  void *found = dlsym(RTLD_NEXT, "clock_gettime");
  memcpy(&real, &found, sizeof found);
  int result = real(clock, now);
  if (clock == CLOCK_MONOTONIC) now->tv_sec += ahead_s;
  return result;
}

START_TEST(a_new_state) {
  open_state(false);
  ck_assert_ptr_null(note);
  ck_assert_uint_eq(rows.count, 0);
  ck_assert_int_eq(dl__state_last_push_ns(state), 0);
  commit();
  open_state(false);
  ck_assert_ptr_null(note);
  ck_assert_uint_eq(rows.count, 0);
  dl__state_close(NULL);
}
END_TEST

START_TEST(no_state_is_an_empty_one_to_a_reader) {
  dl__buf before = take_picture();
  open_state(true);
  ck_assert_ptr_null(note);
  ck_assert_uint_eq(rows.count, 0);
  ck_assert_int_eq(dl__state_last_push_ns(state), 0);
  close_state();
  expect_picture(&before, "nothing there");
  free(path);
  path = support_path(dir, "missing/folder/state.db");
  open_state(true);
  ck_assert_uint_eq(rows.count, 0);
  close_state();
  expect_picture(&before, "no folder there");
  dl__buf_clear(&before);
}
END_TEST

START_TEST(rows_come_back) {
  open_state(false);
  put_many(0, 50);
  commit();
  open_state(false);
  ck_assert_ptr_null(note);
  expect_many(50);
  dl__buf before = take_picture();
  open_state(true);
  ck_assert_ptr_null(note);
  expect_many(50);
  close_state();
  expect_picture(&before, "a good state");
  dl__buf_clear(&before);
}
END_TEST

START_TEST(rows_are_handed_over) {
  make_state(3);
  open_state(false);
  dl__rows again;
  dl__state_take_rows(state, &again);
  ck_assert_uint_eq(again.count, 0);
  ck_assert_ptr_null(again.items);
  close_state();
  expect_many(3);
  dl__rows_clear(&rows);
  dl__rows_clear(&rows);
  ck_assert_uint_eq(rows.count, 0);
}
END_TEST

/* It is the row's own, and a row that is put without one has none. */
START_TEST(a_saved_md5_comes_and_goes) {
  uint8_t md5[DL__MD5_SAVED_BYTES];
  memset(md5, 0xa5, sizeof md5);
  dl__row row = make_row("a", 1);
  row.md5_saved = md5;
  open_state(false);
  ck_assert_int_eq(dl__state_put(state, &row, &err), DL_OK);
  memset(md5, 0, sizeof md5); /* taken already */
  commit();
  open_state(false);
  ck_assert_uint_eq(rows.count, 1);
  ck_assert_ptr_nonnull(rows.items[0].md5_saved);
  ck_assert_uint_eq(rows.items[0].md5_saved[0], 0xa5);
  ck_assert_uint_eq(rows.items[0].md5_saved[DL__MD5_SAVED_BYTES - 1], 0xa5);
  row.md5_saved = NULL;
  ck_assert_int_eq(dl__state_put(state, &row, &err), DL_OK);
  commit();
  open_state(true);
  ck_assert_uint_eq(rows.count, 1);
  ck_assert_ptr_null(rows.items[0].md5_saved);
}
END_TEST

static const dl__stamp stamps[] = {
    {0, 0, 0, 0, 0},
    {0, UINT64_MAX, UINT64_MAX, INT64_MAX, INT64_MAX},
    {0, (uint64_t)INT64_MAX + 1, (uint64_t)INT64_MAX + 1, INT64_MIN, INT64_MIN},
    {0, 1, UINT64_C(5) << 30, INT64_C(4291747200000000001), -1},
};

START_TEST(stamps_at_their_ends) {
  open_state(false);
  for (int i = 0; i < COUNT(stamps); i++) {
    char key[2] = {(char)('a' + i), '\0'};
    dl__row row = make_row(key, i);
    row.stamp = stamps[i];
    row.stamp.dev = 77;
    ck_assert_int_eq(dl__state_put(state, &row, &err), DL_OK);
  }
  commit();
  open_state(true);
  ck_assert_uint_eq(rows.count, COUNT(stamps));
  for (int i = 0; i < COUNT(stamps); i++) {
    ck_assert(dl__stamp_same(&rows.items[i].stamp, &stamps[i]));
    ck_assert_uint_eq(rows.items[i].stamp.dev, 0);
  }
}
END_TEST

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

START_TEST(odd_keys_sorted_by_their_bytes) {
  static char longest[DL_KEY_MAX + 1];
  memset(longest, 'k', DL_KEY_MAX);
  const char *keys[] = {"z",    "a/b", "a",        "a-b",       "a.b",        "\xff", "\x01",
                        "a\nb", "A",   "'",        "\"",        "'; DROP--",  "%s",   "1",
                        "10",   "9",   "\xc3\xa4", "a\xcc\x88", "a\xff/\x80", "NULL", longest};
  open_state(false);
  for (int i = 0; i < COUNT(keys); i++) put(keys[i], i);
  commit();
  open_state(false);
  ck_assert_uint_eq(rows.count, COUNT(keys));
  const char *sorted[COUNT(keys)];
  memcpy(sorted, keys, sizeof sorted);
  qsort(sorted, COUNT(keys), sizeof sorted[0], by_bytes);
  for (int i = 0; i < COUNT(keys); i++) ck_assert_str_eq(rows.items[i].key, sorted[i]);
  for (int i = 0; i < COUNT(keys); i++) {
    ck_assert_int_eq(dl__state_remove(state, keys[i], &err), DL_OK);
  }
  commit();
  open_state(true);
  ck_assert_uint_eq(rows.count, 0);
}
END_TEST

START_TEST(rows_are_replaced_and_removed) {
  make_state(5);
  open_state(false);
  put("events/00000001.jsonl", 99);
  ck_assert_int_eq(dl__state_remove(state, "events/00000003.jsonl", &err), DL_OK);
  ck_assert_int_eq(dl__state_remove(state, "never there", &err), DL_OK);
  commit();
  commit();
  open_state(false);
  ck_assert_uint_eq(rows.count, 4);
  dl__row expected = make_row("events/00000001.jsonl", 99);
  ck_assert(same_row(&rows.items[1], &expected));
  ck_assert_str_eq(rows.items[3].key, "events/00000004.jsonl");
}
END_TEST

START_TEST(what_is_not_committed_is_dropped) {
  make_state(5);
  open_state(false);
  put_many(5, 20);
  ck_assert_int_eq(dl__state_remove(state, "events/00000001.jsonl", &err), DL_OK);
  ck_assert_int_eq(dl__state_set_last_push(state, 12345, &err), DL_OK);
  ck_assert_int_eq(dl__state_last_push_ns(state), 12345);
  close_state();
  open_state(false);
  ck_assert_ptr_null(note);
  expect_many(5);
  ck_assert_int_eq(dl__state_last_push_ns(state), 0);
}
END_TEST

START_TEST(the_time_of_the_last_push) {
  static const int64_t times[] = {1, INT64_MAX, INT64_C(1700000000123456789)};
  for (int i = 0; i < COUNT(times); i++) {
    open_state(false);
    ck_assert_int_eq(dl__state_last_push_ns(state), i > 0 ? times[i - 1] : 0);
    ck_assert_int_eq(dl__state_set_last_push(state, times[i], &err), DL_OK);
    commit();
    ck_assert_int_eq(dl__state_last_push_ns(state), times[i]);
    open_state(true);
    ck_assert_int_eq(dl__state_last_push_ns(state), times[i]);
  }
}
END_TEST

/* A commit comes by itself after a while: what a kill can lose is bounded. */
START_TEST(many_changes_are_committed_on_the_way) {
  open_state(false);
  put_many(0, 2500);
  close_state();
  open_state(false);
  ck_assert_uint_ge(rows.count, 1000);
  ck_assert_uint_le(rows.count, 2500);
  expect_many((int)rows.count);
  put_many((int)rows.count, 2500);
  commit();
  open_state(true);
  expect_many(2500);
}
END_TEST

START_TEST(old_changes_are_committed_on_the_way) {
  open_state(false);
  put_many(0, 1);
  ahead_s = 60;
  put_many(1, 2);
  close_state();
  open_state(true);
  expect_many(2);
}
END_TEST

static const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};

/* As on a full disk. The rows of before stay. */
START_TEST(a_commit_without_room) {
  make_state(20);
  ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
  struct rlimit limit = {1024, RLIM_INFINITY};
  open_state(false);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
  dl_status status = DL_OK;
  for (int i = 20; status == DL_OK && i < 900; i++) {
    char key[32];
    make_key(i, key);
    dl__row row = make_row(key, i);
    status = dl__state_put(state, &row, &err);
  }
  if (status == DL_OK) status = dl__state_commit(state, &err);
  close_state();
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &no_limit), 0);
  ck_assert_int_eq(status, DL_ERR_STATE);
  ck_assert_int_eq(err.status, DL_ERR_STATE);
  ck_assert_str_eq(err.path, path);
  ck_assert_msg(strstr(err.message, path) != NULL, "%s", err.message);
  open_state(false);
  ck_assert_ptr_null(note);
  expect_many(20);
}
END_TEST

/* Names that mean something elsewhere: in a URI, to a shell, to SQLite. */
START_TEST(odd_places) {
  static const char *const names[] = {"a%41b.db",   "a?mode=memory", "a#b", "a b&c=d", ":memory:",
                                      "file:x?y=z", "a\nb\xff",      "%",   "-rf",     "'\""};
  for (int i = 0; i < COUNT(names); i++) {
    free(path);
    path = support_path(dir, names[i]);
    make_state(3);
    ck_assert_msg(support_exists(dir, names[i]), "%s", path);
    open_state(true);
    ck_assert_msg(note == NULL, "%s: %s", path, note);
    expect_many(3);
    open_state(false);
    expect_many(3);
  }
}
END_TEST

/* As $XDG_STATE_HOME may have them: more slashes than needed; and a relative one. */
START_TEST(odd_ways_to_a_place) {
  make_state(3);
  char *ways[] = {dl__format("/%s", path), dl__format("//%s", path),
                  dl__format("%s//./%s", dir, STATE_NAME), dl__format("%s", STATE_NAME)};
  ck_assert_int_eq(chdir(dir), 0);
  for (int i = 0; i < COUNT(ways); i++) {
    free(path);
    path = ways[i];
    open_state(false);
    expect_many(3);
    open_state(true);
    ck_assert_msg(note == NULL, "%s: %s", path, note);
    expect_many(3);
  }
}
END_TEST

START_TEST(errors_may_be_left_out) {
  ck_assert_int_eq(mkdir(path, 0700), 0);
  ck_assert_int_eq(dl__state_open(path, false, &state, &note, NULL), DL_ERR_STATE);
  ck_assert_ptr_null(state);
  ck_assert_int_eq(rmdir(path), 0);
  support_write(dir, STATE_NAME, "no database at all");
  ck_assert_int_eq(dl__state_open(path, false, &state, &note, NULL), DL_OK);
  ck_assert_ptr_nonnull(note);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("state");
  TCase *tcase = tcase_create("state");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, a_new_state);
  tcase_add_test(tcase, no_state_is_an_empty_one_to_a_reader);
  tcase_add_test(tcase, rows_come_back);
  tcase_add_test(tcase, rows_are_handed_over);
  tcase_add_test(tcase, a_saved_md5_comes_and_goes);
  tcase_add_test(tcase, stamps_at_their_ends);
  tcase_add_test(tcase, odd_keys_sorted_by_their_bytes);
  tcase_add_test(tcase, rows_are_replaced_and_removed);
  tcase_add_test(tcase, what_is_not_committed_is_dropped);
  tcase_add_test(tcase, the_time_of_the_last_push);
  tcase_add_test(tcase, many_changes_are_committed_on_the_way);
  tcase_add_test(tcase, old_changes_are_committed_on_the_way);
  tcase_add_test(tcase, a_commit_without_room);
  tcase_add_test(tcase, odd_places);
  tcase_add_test(tcase, odd_ways_to_a_place);
  tcase_add_test(tcase, errors_may_be_left_out);
  return support_main(suite);
}
