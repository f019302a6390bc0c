/* What stands in the place of the state and is none, or cannot be used: refused
 * with one clear line, and left as it is. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <sqlite3.h>

#include "unit/state_kit.h"

/* SQLite's waiting for a lock; stands before the one of libc, and takes no time. */
int usleep(useconds_t time) {
  (void)time;
  return 0;
}

static void run_sql_in(const char *file, const char *sql) {
  sqlite3 *db;
  char *message = NULL;
  ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
  int code = sqlite3_exec(db, sql, NULL, NULL, &message);
  ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, message);
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* Both ways to open it fail, with the path and these words, and touch nothing. */
static void expect_refused(const char *words) {
  dl__buf before = take_picture();
  for (int read_only = 0; read_only < 2; read_only++) {
    err = (dl_error)DL_ERROR_INIT;
    note = "not set";
    ck_assert_int_eq(try_open(read_only == 1), DL_ERR_STATE);
    ck_assert_int_eq(err.status, DL_ERR_STATE);
    ck_assert_str_eq(err.path, path);
    ck_assert_msg(strstr(err.message, path) != NULL, "%s", err.message);
    ck_assert_msg(strstr(err.message, words) != NULL, "'%s' is not in: %s", words, err.message);
    ck_assert_ptr_null(strchr(err.message, '\n'));
    ck_assert_ptr_null(note);
    expect_picture(&before, words);
  }
  dl__buf_clear(&before);
}

START_TEST(a_database_of_another_program) {
  static const char *const others[] = {
      "PRAGMA application_id = 252006674; PRAGMA user_version = 1; CREATE TABLE t (a)",
      "CREATE TABLE t (a); INSERT INTO t VALUES (1)",
      "PRAGMA user_version = 7",
      "PRAGMA application_id = 1",
      "CREATE TABLE object (key BLOB PRIMARY KEY) WITHOUT ROWID",
  };
  run_sql_in(path, others[_i]);
  expect_refused("not a state of this program");
}
END_TEST

START_TEST(a_newer_version) {
  make_state(10);
  run_sql_in(path, _i == 0 ? "PRAGMA user_version = 3" : "PRAGMA user_version = 2147483647");
  expect_refused("newer version");
}
END_TEST

START_TEST(a_newer_version_with_other_tables) {
  run_sql_in(path, "PRAGMA application_id = 0x646c7374; PRAGMA user_version = 3;"
                   "CREATE TABLE objects (a, b)");
  expect_refused("newer version");
}
END_TEST

START_TEST(a_folder) {
  support_write(dir, STATE_NAME "/file", "");
  expect_refused("not a regular file");
}
END_TEST

START_TEST(a_fifo) {
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  expect_refused("not a regular file");
}
END_TEST

/* In the place of the journal, which SQLite opens by itself. Whatever the answer,
 * there has to be one: the alarm ends the test. */
START_TEST(a_fifo_for_a_journal) {
  make_state(10);
  char *journal = support_path(dir, STATE_NAME "-journal");
  ck_assert_int_eq(mkfifo(journal, 0600), 0);
  (void)alarm(1);
  dl_status status = try_open(_i == 1);
  (void)alarm(0);
  ck_assert(status == DL_OK || status == DL_ERR_STATE);
  free(journal);
}
END_TEST

START_TEST(a_link) {
  make_state(10);
  char *real = support_path(dir, "real.db");
  ck_assert_int_eq(rename(path, real), 0);
  ck_assert_int_eq(symlink(real, path), 0);
  expect_refused("not a regular file");
  ck_assert_int_eq(unlink(real), 0);
  expect_refused("not a regular file");
  free(real);
}
END_TEST

/* Somebody else holds the state: a push is refused, and nobody takes that for damage. */
START_TEST(a_state_that_is_locked) {
  make_state(10);
  sqlite3 *db;
  ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
  dl_status status = try_open(true);
  ck_assert(status == DL_ERR_STATE || (status == DL_OK && rows.count == 10));
  status = try_open(false);
  ck_assert(status == DL_ERR_STATE || status == DL_ERR_LOCKED);
  ck_assert_str_ne(err.message, "");
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
  open_state(false);
  ck_assert_ptr_null(note);
  expect_many(10);
}
END_TEST

START_TEST(an_unreadable_state) {
  make_state(10);
  support_drop_root_powers();
  ck_assert_int_eq(chmod(path, 0), 0);
  expect_refused("");
  ck_assert_int_eq(chmod(path, 0600), 0);
  open_state(false);
  expect_many(10);
}
END_TEST

/* A push must not send what it cannot record: it is to hear of it from the opening.
 * To only read is possible. */
static void expect_read_only(void) {
  dl__buf before = take_picture();
  open_state(true);
  ck_assert_ptr_null(note);
  expect_many(10);
  close_state();
  expect_picture(&before, "read only");
  dl_status status = try_open(false);
  expect_picture(&before, "read only");
  dl__buf_clear(&before);
  ck_assert_msg(status == DL_ERR_STATE, "a state that cannot be written was opened for a push");
  ck_assert_str_eq(err.path, path);
  ck_assert_msg(strstr(err.message, path) != NULL, "%s", err.message);
  ck_assert_msg(strstr(err.message, "permission") != NULL, "%s", err.message);
}

START_TEST(a_file_that_cannot_be_written) {
  make_state(10);
  support_drop_root_powers();
  ck_assert_int_eq(chmod(path, 0400), 0);
  expect_read_only();
}
END_TEST

START_TEST(a_folder_that_cannot_be_written) {
  make_state(10);
  support_drop_root_powers();
  ck_assert_int_eq(chmod(dir, 0500), 0);
  expect_read_only();
}
END_TEST

/* The same, if the first change is what tells: no change is ever reported as done. */
START_TEST(a_change_that_cannot_be_written) {
  make_state(10);
  support_drop_root_powers();
  const char *locked = _i == 0 ? path : dir;
  ck_assert_int_eq(chmod(locked, 0500), 0);
  dl_status status = try_open(false);
  dl__row row = make_row("x", 1);
  if (status == DL_OK) status = dl__state_put(state, &row, &err);
  if (status == DL_OK) status = dl__state_commit(state, &err);
  ck_assert_int_eq(status, DL_ERR_STATE);
  ck_assert_int_eq(err.status, DL_ERR_STATE);
  ck_assert_msg(strstr(err.message, path) != NULL, "%s", err.message);
  close_state();
  ck_assert_int_eq(chmod(locked, 0700), 0);
  open_state(false);
  expect_many(10);
}
END_TEST

START_TEST(a_folder_without_a_state_that_cannot_be_written) {
  support_drop_root_powers();
  ck_assert_int_eq(chmod(dir, 0500), 0);
  open_state(true);
  ck_assert_uint_eq(rows.count, 0);
  ck_assert_int_eq(try_open(false), DL_ERR_STATE);
  ck_assert_msg(strstr(err.message, path) != NULL, "%s", err.message);
}
END_TEST

START_TEST(a_damaged_state_that_cannot_be_replaced) {
  support_write(dir, STATE_NAME, "no database");
  support_drop_root_powers();
  ck_assert_int_eq(chmod(dir, 0500), 0);
  ck_assert_int_eq(try_open(false), DL_ERR_STATE);
  ck_assert_msg(strstr(err.message, path) != NULL, "%s", err.message);
  ck_assert_int_eq(err.errno_value, EACCES);
  open_state(true);
  ck_assert_ptr_nonnull(note);
}
END_TEST

START_TEST(a_folder_that_is_missing) {
  support_write(dir, "file", "");
  static const char *const names[] = {"missing/state.db", "file/state.db"};
  dl__buf before = take_picture();
  for (int i = 0; i < COUNT(names); i++) {
    free(path);
    path = support_path(dir, names[i]);
    ck_assert_int_eq(try_open(false), DL_ERR_STATE);
    ck_assert_str_eq(err.path, path);
    open_state(true);
    ck_assert_uint_eq(rows.count, 0);
    ck_assert_ptr_null(note);
    close_state();
  }
  expect_picture(&before, "missing");
  dl__buf_clear(&before);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("state_refused");
  TCase *tcase = tcase_create("state_refused");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, a_database_of_another_program, 0, 5);
  tcase_add_loop_test(tcase, a_newer_version, 0, 2);
  tcase_add_test(tcase, a_newer_version_with_other_tables);
  tcase_add_test(tcase, a_folder);
  tcase_add_test(tcase, a_fifo);
  tcase_add_loop_test(tcase, a_fifo_for_a_journal, 0, 2);
  tcase_add_test(tcase, a_link);
  tcase_add_test(tcase, a_state_that_is_locked);
  tcase_add_test(tcase, an_unreadable_state);
  tcase_add_test(tcase, a_file_that_cannot_be_written);
  tcase_add_test(tcase, a_folder_that_cannot_be_written);
  tcase_add_loop_test(tcase, a_change_that_cannot_be_written, 0, 2);
  tcase_add_test(tcase, a_folder_without_a_state_that_cannot_be_written);
  tcase_add_test(tcase, a_damaged_state_that_cannot_be_replaced);
  tcase_add_test(tcase, a_folder_that_is_missing);
  return support_main(suite);
}
