/* tests/integration/test_push.c: what dl_push promises, on the file storage. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/pusher.h"
#include "support/support.h"

static pusher p;

static void setup(void) {
  pusher_open(&p, NULL);
}
static void teardown(void) {
  pusher_close(&p);
}

static void assert_remote(const char *key, const char *text) {
  char name[2048];
  (void)snprintf(name, sizeof name, "remote/%s", key);
  char *content = support_read(p.root, name, NULL);
  ck_assert_str_eq(text, content);
  free(content);
}

static void push_ok(uint64_t uploaded) {
  dl_status status = pusher_push(&p);
  ck_assert_msg(status == DL_OK, "%s: %s", dl_status_name(status), p.err.message);
  ck_assert_uint_eq(uploaded, p.result.files_uploaded);
  ck_assert_int_eq(DL_STAGE_DONE, p.result.stage);
  ck_assert_uint_eq(0, p.result.error_count);
}

START_TEST(first_push_sends_everything) {
  support_write(p.src, "events/20250911.jsonl", "{\"type\":\"Created\"}\n");
  support_write(p.src, "entries/20250911.md", "# day\n");
  support_write(p.src, "config.ini", "[sync]\n");
  support_write(p.src, "ignored.txt", "no");
  support_write(p.src, "empty.md", "");
  push_ok(4);
  ck_assert_uint_eq(4, p.result.files_found);
  ck_assert_uint_eq(4, p.result.files_added);
  ck_assert_uint_eq(19 + 6 + 7, p.result.total_bytes);
  ck_assert_uint_eq(19 + 6 + 7, p.result.bytes_sent);
  ck_assert_int_eq(4, p.completed);
  ck_assert_int_eq(4, p.started);
  ck_assert_int_eq(1, p.upload_complete);
  assert_remote("events/20250911.jsonl", "{\"type\":\"Created\"}\n");
  assert_remote("entries/20250911.md", "# day\n");
  assert_remote("empty.md", "");
  ck_assert(!support_exists(p.root, "remote/ignored.txt"));
}
END_TEST

START_TEST(second_push_sends_nothing) {
  support_write(p.src, "a.md", "one");
  push_ok(1);
  push_ok(0);
  ck_assert_uint_eq(1, p.result.files_unchanged);
  ck_assert_int_eq(0, p.upload_start);
  ck_assert_int_eq(1, p.detect_complete);
}
END_TEST

START_TEST(touched_file_is_compared_and_not_sent) {
  support_write(p.src, "a.md", "one");
  push_ok(1);
  char *path = support_path(p.src, "a.md");
  const struct timespec times[2] = {{1000, 0}, {1000, 5}};
  ck_assert_int_eq(0, utimensat(AT_FDCWD, path, times, 0));
  free(path);
  push_ok(0);
  ck_assert_uint_eq(1, p.result.files_unchanged);
}
END_TEST

START_TEST(changed_file_alone_is_sent) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  support_write(p.src, "c.md", "three");
  push_ok(3);
  support_write(p.src, "b.md", "TWO");
  push_ok(1);
  ck_assert_uint_eq(1, p.result.files_modified);
  ck_assert_uint_eq(2, p.result.files_unchanged);
  ck_assert_str_eq("b.md", p.last_path);
  assert_remote("b.md", "TWO");
}
END_TEST

START_TEST(edit_with_old_size_and_time_is_sent) {
  support_write(p.src, "a.md", "one");
  char *path = support_path(p.src, "a.md");
  const struct timespec times[2] = {{1000, 0}, {1000, 5}};
  ck_assert_int_eq(0, utimensat(AT_FDCWD, path, times, 0));
  push_ok(1);
  support_write(p.src, "a.md", "two");
  ck_assert_int_eq(0, utimensat(AT_FDCWD, path, times, 0));
  free(path);
  push_ok(1);
  assert_remote("a.md", "two");
}
END_TEST

START_TEST(without_state_nothing_equal_is_sent_again) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  push_ok(2);
  char *state = support_path(p.root, "state");
  support_rmdir(state);
  push_ok(0);
  ck_assert_uint_eq(2, p.result.files_unchanged);
}
END_TEST

START_TEST(object_without_a_digest_is_compared_by_reading) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  support_write(p.root, "remote/a.md", "one");
  support_write(p.root, "remote/b.md", "TWO");
  push_ok(1);
  ck_assert_str_eq("b.md", p.last_path);
  ck_assert_uint_eq(1, p.result.files_unchanged);
  ck_assert_uint_eq(1, p.result.files_modified);
}
END_TEST

START_TEST(dry_run_changes_nothing) {
  support_write(p.src, "a.md", "one");
  push_ok(1);
  support_write(p.src, "a.md", "three");
  support_write(p.src, "b.md", "four");
  p.options.dry_run = 1;
  push_ok(0);
  ck_assert_int_eq(2, p.would_upload);
  ck_assert_int_eq(0, p.started);
  ck_assert_uint_eq(2, p.result.files_skipped);
  ck_assert_uint_eq(9, p.result.total_bytes);
  ck_assert_uint_eq(0, p.result.bytes_sent);
  assert_remote("a.md", "one");
  ck_assert(!support_exists(p.root, "remote/b.md"));
  p.options.dry_run = 0;
  push_ok(2);
}
END_TEST

START_TEST(dry_run_makes_no_state) {
  support_write(p.src, "a.md", "one");
  p.options.dry_run = 1;
  push_ok(0);
  ck_assert(!support_exists(p.root, "state"));
  ck_assert(!support_exists(p.root, "remote"));
}
END_TEST

START_TEST(force_sends_everything) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  push_ok(2);
  p.options.force = 1;
  push_ok(2);
  ck_assert_uint_eq(2, p.result.files_modified);
}
END_TEST

START_TEST(all_finds_what_the_remote_lost) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  support_settle();
  push_ok(2);
  char *gone = support_path(p.root, "remote/a.md");
  ck_assert_int_eq(0, unlink(gone));
  free(gone);
  push_ok(0);
  p.options.mode = DL_MODE_ALL;
  push_ok(1);
  ck_assert_str_eq("a.md", p.last_path);
  assert_remote("a.md", "one");
}
END_TEST

START_TEST(locally_deleted_is_counted_and_left_alone) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  push_ok(2);
  char *gone = support_path(p.src, "a.md");
  ck_assert_int_eq(0, unlink(gone));
  free(gone);
  push_ok(0);
  ck_assert_uint_eq(1, p.result.files_deleted_locally);
  p.options.mode = DL_MODE_ALL;
  push_ok(0);
  ck_assert_uint_eq(1, p.result.files_deleted_locally);
  assert_remote("a.md", "one");
}
END_TEST

/* The unreadable file is asked for as one of many, by a process without the
 * power to read everything. */
START_TEST(one_unreadable_among_100) {
  support_drop_root_powers();
  for (int i = 0; i < 100; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "events/%03d.jsonl", i);
    support_write(p.src, name, "{}\n");
  }
  char *locked = support_path(p.src, "events/042.jsonl");
  ck_assert_int_eq(0, chmod(locked, 0));
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_uint_eq(99, p.result.files_uploaded);
  ck_assert_uint_eq(1, p.result.files_failed);
  ck_assert_uint_eq(1, p.result.error_count);
  const dl_file_error *e = p.result.errors[0];
  ck_assert_str_eq("events/042.jsonl", e->path);
  ck_assert_int_eq(EACCES, e->errno_value);
  ck_assert_ptr_nonnull(strstr(e->message, strerror(EACCES)));
  ck_assert_int_eq(0, p.result.last_push_ns);
  ck_assert_int_eq(0, chmod(locked, 0600));
  free(locked);
  push_ok(1);
  ck_assert_str_eq("events/042.jsonl", p.last_path);
  ck_assert_int_gt(p.result.last_push_ns, 0);
}
END_TEST

START_TEST(last_push_moves_only_without_errors) {
  support_drop_root_powers();
  support_write(p.src, "a.md", "one");
  push_ok(1);
  int64_t first = p.result.last_push_ns;
  ck_assert_int_gt(first, 0);
  support_write(p.src, "b.md", "two");
  char *locked = support_path(p.src, "b.md");
  ck_assert_int_eq(0, chmod(locked, 0));
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_int_eq(first, p.result.last_push_ns);
  p.options.dry_run = 1;
  ck_assert_int_eq(DL_OK, pusher_push(&p));
  ck_assert_int_eq(first, p.result.last_push_ns);
  p.options.dry_run = 0;
  ck_assert_int_eq(0, chmod(locked, 0600));
  free(locked);
  push_ok(1);
  ck_assert_int_gt(p.result.last_push_ns, first);
}
END_TEST

START_TEST(unreadable_folder_fails_the_scan) {
  support_drop_root_powers();
  support_write(p.src, "a.md", "one");
  support_write(p.src, "locked/b.md", "two");
  char *locked = support_path(p.src, "locked");
  ck_assert_int_eq(0, chmod(locked, 0));
  ck_assert_int_eq(DL_ERR_SCAN, pusher_push(&p));
  ck_assert_int_eq(DL_STAGE_SCAN, p.result.stage);
  ck_assert_ptr_nonnull(strstr(p.err.message, "locked"));
  ck_assert_int_eq(0, p.started);
  ck_assert(!support_exists(p.root, "remote/a.md"));
  ck_assert_int_eq(0, chmod(locked, 0700));
  free(locked);
}
END_TEST

START_TEST(missing_folder_is_named) {
  char *moved = support_path(p.root, "moved");
  ck_assert_int_eq(0, rename(p.src, moved));
  ck_assert_int_eq(DL_ERR_CONFIG, pusher_push(&p));
  ck_assert_ptr_nonnull(strstr(p.err.message, p.src));
  free(moved);
}
END_TEST

START_TEST(missing_parent_of_the_remote_is_named_once) {
  pusher_close(&p);
  memset(&p, 0, sizeof p);
  pusher_open(&p, "file:///nonexistent-devlog-test/remote");
  support_write(p.src, "a.md", "one");
  ck_assert_int_eq(DL_ERR_CONFIG, pusher_push(&p));
  ck_assert_int_eq(DL_STAGE_CHANGE_DETECTION, p.result.stage);
  ck_assert_ptr_nonnull(strstr(p.err.message, "/nonexistent-devlog-test"));
  ck_assert_int_eq(0, p.started);
}
END_TEST

START_TEST(too_long_a_key_fails_alone) {
  char name[1100] = "";
  for (int i = 0; i < 5; i++) {
    memset(name + strlen(name), 'd', 210);
    (void)strcat(name, "/");
  }
  (void)strcat(name, "x.md");
  support_write(p.src, name, "deep");
  support_write(p.src, "a.md", "one");
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_uint_eq(1, p.result.files_uploaded);
  ck_assert_str_eq(name, p.result.errors[0]->path);
  ck_assert_ptr_nonnull(strstr(p.result.errors[0]->message, "1024"));
}
END_TEST

START_TEST(state_inside_the_folder_is_never_pushed) {
  char *state = support_path(p.src, "state");
  dl_config *config;
  dl_sync *sync;
  dl_error err = DL_ERROR_INIT;
  char url[2048];
  (void)snprintf(url, sizeof url, "file://%s/remote", p.root);
  ck_assert_int_eq(DL_OK, dl_config_new(&config, &err));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "base", p.src, &err));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "state_dir", state, &err));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "sync.include", "*", &err));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "remote.url", url, &err));
  ck_assert_int_eq(DL_OK, dl_sync_new(config, &sync, &err));
  support_write(p.src, "a.md", "one");
  dl_push_result result = DL_PUSH_RESULT_INIT;
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(DL_OK, dl_push(sync, NULL, NULL, &result, &err));
    ck_assert_uint_eq(1, result.files_found);
    dl_push_result_clear(&result);
  }
  ck_assert(!support_exists(p.root, "remote/state"));
  dl_sync_free(sync);
  dl_config_free(config);
  free(state);
}
END_TEST

/* One folder has many URLs; state and lock are of the folder. */
START_TEST(spelling_of_the_remote_does_not_matter) {
  support_write(p.src, "a.md", "one");
  support_settle();
  push_ok(1);
  char url[4096];
  (void)snprintf(url, sizeof url, "file://localhost%s/remot%%65/", p.root);
  dl_sync *other = pusher_another(&p, url);
  dl_push_result result = DL_PUSH_RESULT_INIT;
  ck_assert_int_eq(DL_OK, dl_push(other, NULL, NULL, &result, NULL));
  ck_assert_int_gt(result.last_push_ns, p.result.last_push_ns);
  dl_push_result_clear(&result);
  dl_sync_free(other);
  char *state = support_path(p.root, "state");
  DIR *dir = opendir(state);
  ck_assert_ptr_nonnull(dir);
  int databases = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    databases += strstr(entry->d_name, ".db") != NULL;
  }
  ck_assert_int_eq(0, closedir(dir));
  ck_assert_int_eq(1, databases);
  free(state);
}
END_TEST

START_TEST(nothing_matches_is_told) {
  support_write(p.src, "app.log", "one");
  push_ok(0);
  ck_assert_int_eq(1, p.notes);
  ck_assert_ptr_nonnull(strstr(p.last_message, "sync.include"));
}
END_TEST

START_TEST(bad_options_are_refused) {
  p.options.mode = 7;
  ck_assert_int_eq(DL_ERR_ARGUMENT, pusher_push(&p));
  p.options.mode = DL_MODE_ALL;
  p.options.jobs = 100000;
  ck_assert_int_eq(DL_ERR_ARGUMENT, pusher_push(&p));
  ck_assert_int_eq(DL_ERR_ARGUMENT, dl_push(NULL, NULL, NULL, NULL, NULL));
}
END_TEST

START_TEST(all_parameters_but_sync_may_be_null) {
  support_write(p.src, "a.md", "one");
  ck_assert_int_eq(DL_OK, dl_push(p.sync, NULL, NULL, NULL, NULL));
  assert_remote("a.md", "one");
  dl_sync_free(NULL);
  dl_cancel(NULL);
  dl_push_result_clear(NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("push");
  TCase *tcase = tcase_create("file");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 60);
  tcase_add_test(tcase, first_push_sends_everything);
  tcase_add_test(tcase, second_push_sends_nothing);
  tcase_add_test(tcase, touched_file_is_compared_and_not_sent);
  tcase_add_test(tcase, changed_file_alone_is_sent);
  tcase_add_test(tcase, edit_with_old_size_and_time_is_sent);
  tcase_add_test(tcase, without_state_nothing_equal_is_sent_again);
  tcase_add_test(tcase, object_without_a_digest_is_compared_by_reading);
  tcase_add_test(tcase, dry_run_changes_nothing);
  tcase_add_test(tcase, dry_run_makes_no_state);
  tcase_add_test(tcase, force_sends_everything);
  tcase_add_test(tcase, all_finds_what_the_remote_lost);
  tcase_add_test(tcase, locally_deleted_is_counted_and_left_alone);
  tcase_add_test(tcase, one_unreadable_among_100);
  tcase_add_test(tcase, last_push_moves_only_without_errors);
  tcase_add_test(tcase, unreadable_folder_fails_the_scan);
  tcase_add_test(tcase, missing_folder_is_named);
  tcase_add_test(tcase, missing_parent_of_the_remote_is_named_once);
  tcase_add_test(tcase, too_long_a_key_fails_alone);
  tcase_add_test(tcase, state_inside_the_folder_is_never_pushed);
  tcase_add_test(tcase, spelling_of_the_remote_does_not_matter);
  tcase_add_test(tcase, nothing_matches_is_told);
  tcase_add_test(tcase, bad_options_are_refused);
  tcase_add_test(tcase, all_parameters_but_sync_may_be_null);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
