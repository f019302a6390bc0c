/* tests/integration/test_compare.c: what dl_compare promises: it says what a push would do, and
 * does nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/hook.h"
#include "support/pusher.h"
#include "support/support.h"

#define BIG_BYTES ((size_t)9 * 1024 * 1024) /* more than one part */

static pusher p;
static dl_compare_result r;
static char told[4096]; /* "KIND PATH SIZE BEFORE\n" for each change */

static void setup(void) {
  pusher_open(&p, NULL);
}
static void teardown(void) {
  pusher_close(&p);
}

static int tell(const dl_change *change, void *user) {
  ck_assert_ptr_eq(&p, user);
  ck_assert_uint_eq(sizeof *change, change->struct_size);
  size_t length = strlen(told);
  (void)snprintf(told + length, sizeof told - length, "%d %s %llu %llu\n", (int)change->kind,
                 change->path, (unsigned long long)change->size_bytes,
                 (unsigned long long)change->before_bytes);
  return 0;
}

static dl_status compare_with(dl_sync *sync, uint32_t remote) {
  dl_compare_options options = DL_COMPARE_OPTIONS_INIT;
  options.remote = remote;
  r = (dl_compare_result)DL_COMPARE_RESULT_INIT;
  told[0] = '\0';
  return dl_compare(sync, &options, tell, &p, &r, &p.err);
}

/* Every file is of one kind. */
static void assert_compared(uint32_t remote, const char *expected) {
  ck_assert_msg(compare_with(p.sync, remote) == DL_OK, "%s", p.err.message);
  ck_assert_str_eq(expected, told);
  ck_assert_uint_eq(r.files_found, r.files_new + r.files_grown + r.files_changed + r.files_touched +
                                       r.files_missing + r.files_unchanged);
}

static void push_ok(uint64_t uploaded) {
  ck_assert_msg(pusher_push(&p) == DL_OK, "%s", p.err.message);
  ck_assert_uint_eq(uploaded, p.result.files_uploaded);
}

/* Other times, and so a new ctime. */
static void touch(const char *name) {
  char *path = support_path(p.src, name);
  const struct timespec times[2] = {{1000, 0}, {1000, 5}};
  ck_assert_int_eq(0, utimensat(AT_FDCWD, path, times, 0));
  free(path);
}

static void remove_from(const char *dir, const char *name) {
  char *path = support_path(dir, name);
  ck_assert_int_eq(0, unlink(path));
  free(path);
}

START_TEST(all_is_new_at_first) {
  support_write(p.src, "b.md", "two");
  support_write(p.src, "a.md", "one!");
  assert_compared(0, "1 a.md 4 0\n1 b.md 3 0\n");
  ck_assert_uint_eq(2, r.files_new);
  ck_assert_uint_eq(7, r.total_bytes);
  ck_assert_int_eq(0, r.last_push_ns);
  assert_compared(1, "1 a.md 4 0\n1 b.md 3 0\n");
}
END_TEST

START_TEST(it_makes_nothing) {
  support_write(p.src, "a.md", "one");
  assert_compared(0, "1 a.md 3 0\n");
  assert_compared(1, "1 a.md 3 0\n");
  ck_assert(!support_exists(p.root, "state"));
  ck_assert(!support_exists(p.root, "remote"));
}
END_TEST

START_TEST(pushed_is_unchanged) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  support_settle();
  push_ok(2);
  assert_compared(0, "");
  ck_assert_uint_eq(2, r.files_unchanged);
  ck_assert_uint_eq(0, r.total_bytes);
  ck_assert_int_eq(p.result.last_push_ns, r.last_push_ns);
  assert_compared(1, "");
}
END_TEST

START_TEST(young_stamps_are_settled_by_reading) {
  support_write(p.src, "a.md", "one");
  push_ok(1);
  assert_compared(0, "");
}
END_TEST

START_TEST(grown_by_appending) {
  support_write(p.src, "a.md", "one");
  push_ok(1);
  support_append(p.src, "a.md", " more");
  assert_compared(0, "2 a.md 8 3\n");
  ck_assert_uint_eq(1, r.files_grown);
  ck_assert_uint_eq(8, r.total_bytes);
  assert_compared(1, "2 a.md 8 3\n");
}
END_TEST

START_TEST(changed_in_other_ways) {
  support_write(p.src, "edited.md", "one");
  support_write(p.src, "replaced.md", "two");
  support_write(p.src, "shorter.md", "three");
  push_ok(3);
  support_write(p.src, "edited.md", "ONE");
  support_write(p.src, "new.tmp", "two, and more");
  support_write(p.src, "shorter.md", "3");
  char *from = support_path(p.src, "new.tmp");
  char *to = support_path(p.src, "replaced.md");
  ck_assert_int_eq(0, rename(from, to));
  free(from);
  free(to);
  const char *expected = "3 edited.md 3 3\n3 replaced.md 13 3\n3 shorter.md 1 5\n";
  assert_compared(0, expected);
  ck_assert_uint_eq(3, r.files_changed);
  ck_assert_uint_eq(17, r.total_bytes);
  assert_compared(1, expected);
}
END_TEST

START_TEST(touched_is_unchanged) {
  support_write(p.src, "a.md", "one");
  support_settle();
  push_ok(1);
  touch("a.md");
  assert_compared(0, "");
  assert_compared(1, "");
}
END_TEST

/* The digest of a file in parts is that of its parts. */
START_TEST(touched_in_parts_may_have_changed) {
  char *data = calloc(1, BIG_BYTES);
  ck_assert_ptr_nonnull(data);
  for (size_t i = 0; i < BIG_BYTES; i += 512) data[i] = (char)(i >> 10);
  support_write_bytes(p.src, "big.md", data, BIG_BYTES);
  free(data);
  support_settle();
  push_ok(1);
  assert_compared(0, "");
  touch("big.md");
  assert_compared(0, "4 big.md 9437184 9437184\n");
  ck_assert_uint_eq(1, r.files_touched);
  ck_assert_uint_eq(0, r.total_bytes);
  assert_compared(1, "");
}
END_TEST

START_TEST(unreadable_counts_as_changed) {
  support_drop_root_powers();
  support_write(p.src, "a.md", "one");
  support_settle();
  push_ok(1);
  char *path = support_path(p.src, "a.md");
  ck_assert_int_eq(0, chmod(path, 0));
  assert_compared(0, "3 a.md 3 3\n");
  ck_assert_int_eq(0, chmod(path, 0600));
  free(path);
  assert_compared(0, "");
}
END_TEST

START_TEST(locally_deleted_is_counted) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  push_ok(2);
  remove_from(p.src, "a.md");
  assert_compared(0, "");
  ck_assert_uint_eq(1, r.files_deleted_locally);
  assert_compared(1, "");
  ck_assert_uint_eq(1, r.files_deleted_locally);
}
END_TEST

START_TEST(remote_knows_what_it_lost) {
  support_write(p.src, "a.md", "one");
  support_settle();
  push_ok(1);
  remove_from(p.root, "remote/a.md");
  assert_compared(0, "");
  assert_compared(1, "5 a.md 3 0\n");
  ck_assert_uint_eq(1, r.files_missing);
  ck_assert_uint_eq(3, r.total_bytes);
}
END_TEST

START_TEST(remote_is_enough_without_a_state) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  support_write(p.src, "c.md", "three");
  push_ok(3);
  char *state = support_path(p.root, "state");
  support_rmdir(state);
  support_append(p.src, "b.md", "2");
  support_write(p.src, "c.md", "THREE");
  assert_compared(0, "1 a.md 3 0\n1 b.md 4 0\n1 c.md 5 0\n");
  assert_compared(1, "2 b.md 4 3\n3 c.md 5 5\n");
  ck_assert(!support_exists(p.root, "state"));
}
END_TEST

/* Every slot that a push could call is counted. */
START_TEST(without_remote_no_slot_is_called) {
  hook h = {.caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL};
  hook_register(&h);
  const dl_storage *inner = hook_open_inner();
  pusher_open(&p, "hook://test");
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  support_write(p.src, "c.md", "three");
  push_ok(3);
  support_append(p.src, "a.md", "1");
  touch("b.md");
  support_write(p.src, "c.md", "THREE");
  support_write(p.src, "d.md", "four");
  h.lists = h.puts = h.others = 0;
  assert_compared(0, "2 a.md 4 3\n3 c.md 5 5\n1 d.md 4 0\n");
  ck_assert_int_eq(0, h.lists + h.puts + h.others);
  assert_compared(1, "2 a.md 4 3\n3 c.md 5 5\n1 d.md 4 0\n");
  ck_assert_int_eq(1, h.lists);
  ck_assert_int_eq(0, h.puts);
  pusher_close(&p);
  dl_storage_close(inner);
}
END_TEST

START_TEST(volatile_storage_has_nothing_remembered) {
  pusher_open(&p, "memory://compare");
  support_write(p.src, "a.md", "one");
  push_ok(1);
  assert_compared(0, "1 a.md 3 0\n");
  assert_compared(1, "");
  pusher_close(&p);
}
END_TEST

static int refuse(const dl_change *change, void *user) {
  (void)change;
  ++*(int *)user;
  return 1;
}

START_TEST(callback_ends_it) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  int calls = 0;
  r.files_found = 77;
  ck_assert_int_eq(DL_ERR_CANCELLED, dl_compare(p.sync, NULL, refuse, &calls, &r, &p.err));
  ck_assert_int_eq(1, calls);
  ck_assert_uint_eq(0, r.files_found);
  ck_assert_int_eq(DL_OK, dl_compare(p.sync, NULL, NULL, NULL, NULL, NULL));
}
END_TEST

START_TEST(cancel_ends_the_next_one) {
  support_write(p.src, "a.md", "one");
  dl_cancel(p.sync);
  ck_assert_int_eq(DL_ERR_CANCELLED, compare_with(p.sync, 0));
  assert_compared(0, "1 a.md 3 0\n");
}
END_TEST

static int use_again(const dl_change *change, void *user) {
  (void)change;
  *(int *)user = dl_compare(p.sync, NULL, NULL, NULL, NULL, NULL);
  ck_assert_int_eq(DL_ERR_BUSY, dl_push(p.sync, NULL, NULL, NULL, NULL));
  return 0;
}

START_TEST(handle_in_use_is_busy) {
  support_write(p.src, "a.md", "one");
  int status = DL_OK;
  ck_assert_int_eq(DL_OK, dl_compare(p.sync, NULL, use_again, &status, NULL, &p.err));
  ck_assert_int_eq(DL_ERR_BUSY, status);
}
END_TEST

static void compare_meanwhile(pusher *pushing) {
  if (pushing->started != 1 || pushing->arg == NULL) return;
  ck_assert_int_eq(DL_ERR_BUSY, dl_compare(p.sync, NULL, NULL, NULL, NULL, NULL));
  ck_assert_msg(compare_with(pushing->arg, 0) == DL_OK, "%s", p.err.message);
  pushing->arg = NULL;
}

START_TEST(needs_no_lock) {
  support_write(p.src, "a.md", "one");
  push_ok(1);
  support_write(p.src, "b.md", "two");
  dl_sync *other = pusher_another(&p, NULL);
  p.on_event = compare_meanwhile;
  p.arg = other;
  push_ok(1);
  ck_assert_ptr_null(p.arg);
  ck_assert_str_eq("1 b.md 3 0\n", told);
  dl_sync_free(other);
}
END_TEST

START_TEST(older_hosts_are_not_written_past) {
  support_write(p.src, "a.md", "one");
  r = (dl_compare_result)DL_COMPARE_RESULT_INIT;
  r.struct_size = offsetof(dl_compare_result, files_new);
  r.files_new = 77;
  ck_assert_int_eq(DL_OK, dl_compare(p.sync, NULL, NULL, NULL, &r, NULL));
  ck_assert_uint_eq(1, r.files_found);
  ck_assert_uint_eq(77, r.files_new);
  r.struct_size = 0;
  ck_assert_int_eq(DL_OK, dl_compare(p.sync, NULL, NULL, NULL, &r, NULL));
  ck_assert_uint_eq(1, r.files_new);
}
END_TEST

START_TEST(missing_folder_and_handle) {
  ck_assert_int_eq(0, rmdir(p.src));
  ck_assert_int_eq(DL_ERR_CONFIG, compare_with(p.sync, 0));
  ck_assert_ptr_nonnull(strstr(p.err.message, "does not exist"));
  ck_assert_int_eq(DL_ERR_ARGUMENT, dl_compare(NULL, NULL, NULL, NULL, NULL, &p.err));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("compare");
  TCase *tcase = tcase_create("file");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, all_is_new_at_first);
  tcase_add_test(tcase, it_makes_nothing);
  tcase_add_test(tcase, pushed_is_unchanged);
  tcase_add_test(tcase, young_stamps_are_settled_by_reading);
  tcase_add_test(tcase, grown_by_appending);
  tcase_add_test(tcase, changed_in_other_ways);
  tcase_add_test(tcase, touched_is_unchanged);
  tcase_add_test(tcase, touched_in_parts_may_have_changed);
  tcase_add_test(tcase, unreadable_counts_as_changed);
  tcase_add_test(tcase, locally_deleted_is_counted);
  tcase_add_test(tcase, remote_knows_what_it_lost);
  tcase_add_test(tcase, remote_is_enough_without_a_state);
  tcase_add_test(tcase, callback_ends_it);
  tcase_add_test(tcase, cancel_ends_the_next_one);
  tcase_add_test(tcase, handle_in_use_is_busy);
  tcase_add_test(tcase, needs_no_lock);
  tcase_add_test(tcase, older_hosts_are_not_written_past);
  tcase_add_test(tcase, missing_folder_and_handle);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("other storages");
  tcase_add_test(tcase, without_remote_no_slot_is_called);
  tcase_add_test(tcase, volatile_storage_has_nothing_remembered);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
