/* The list of the entries. */
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/journal_kit.h"

static char seen[4096]; /* the IDs, with a space behind each */
static int stop_at;     /* the n-th entry ends the list; 0: none */
static int calls;

static int each(const dl_entry *e, void *user) {
  ck_assert_ptr_eq(user, seen);
  ck_assert_ptr_nonnull(e->content);
  ck_assert_uint_eq(e->struct_size, sizeof *e);
  size_t used = strlen(seen);
  (void)snprintf(seen + used, sizeof seen - used, "%s ", e->id);
  return ++calls == stop_at;
}

static dl_status list(size_t limit) {
  seen[0] = '\0';
  calls = 0;
  return dl_entry_list(journal, limit, each, seen, &err);
}

static void put(const char *id) {
  char name[64];
  (void)snprintf(name, sizeof name, "events/%s.jsonl", id);
  support_write(base, name, CREATED("text"));
}

START_TEST(nothing_there) {
  expect_ok(list(0));
  ck_assert_str_eq(seen, "");
  ck_assert(!support_exists(base, ""));
  support_write(base, "config.ini", "");
  expect_ok(list(0));
  ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(newest_first) {
  put("20250911");
  put("20240229");
  put("20251231");
  put("00010101");
  expect_ok(list(0));
  ck_assert_str_eq(seen, "20251231 20250911 20240229 00010101 ");
  expect_ok(list(2));
  ck_assert_str_eq(seen, "20251231 20250911 ");
  expect_ok(list(9));
  ck_assert_int_eq(calls, 4);
  expect_notes(NULL, NULL);
}
END_TEST

START_TEST(only_days_are_entries) {
  put("20250911");
  put("20250231");
  put("notes");
  put("2025091");
  put("202509110");
  support_write(base, "events/20250910.jsonl.bak", CREATED("x"));
  support_write(base, "events/.20250910.jsonl", CREATED("x"));
  support_write(base, "events/20250912.jsonl", "");              /* begun, no text yet */
  support_write(base, "events/20250913.jsonl", "{\"new\":1}\n"); /* nothing that we know */
  expect_ok(list(0));
  ck_assert_str_eq(seen, "20250911 ");
  expect_notes("20250231.jsonl: left out, there is no such day", NULL);
}
END_TEST

/* A limit counts entries, not files. */
START_TEST(limit_counts_entries) {
  put("20250911");
  put("20250910");
  support_write(base, "events/20250912.jsonl", "");
  expect_ok(list(1));
  ck_assert_str_eq(seen, "20250911 ");
}
END_TEST

START_TEST(ended_by_the_callback) {
  put("20250911");
  put("20250912");
  put("20250913");
  stop_at = 2;
  ck_assert_int_eq(list(0), DL_ERR_CANCELLED);
  ck_assert_int_eq(calls, 2);
}
END_TEST

START_TEST(one_that_cannot_be_read) {
  put("20250911");
  put("20250913");
  char *path = support_path(base, "events/20250912.jsonl");
  ck_assert_int_eq(symlink("20250911.jsonl", path), 0);
  ck_assert_int_eq(list(0), DL_ERR_PARTIAL);
  ck_assert_str_eq(seen, "20250913 20250911 ");
  expect_notes("events/20250912.jsonl: a symbolic link", NULL);
  ck_assert_msg(strstr(err.message, "1 of the entries") != NULL, "%s", err.message);
  free(path);
}
END_TEST

START_TEST(a_torn_line_is_told_once) {
  put("20250911");
  put("20250912");
  support_append(base, "events/20250911.jsonl", "{\"type\":\"Cont");
  expect_ok(list(0));
  ck_assert_int_eq(calls, 2);
  expect_notes("its last line was cut off", NULL);
  expect_ok(list(0));
  expect_notes(NULL, NULL);
}
END_TEST

static int count_md(void) {
  int count = 0;
  for (int day = 1; day <= 28; day++) {
    char name[64];
    (void)snprintf(name, sizeof name, "entries/202502%02d.md", day);
    count += support_exists(base, name);
  }
  return count;
}

/* What a crash left is made good, but a list does not write a whole folder. */
START_TEST(missing_mds) {
  for (int day = 1; day <= 28; day++) {
    char id[16];
    (void)snprintf(id, sizeof id, "202502%02d", day);
    put(id);
  }
  expect_ok(list(0));
  ck_assert_int_eq(calls, 28);
  ck_assert_int_eq(count_md(), 16);
  ck_assert(support_exists(base, "entries/20250228.md")); /* the newest first */
  expect_ok(list(0));
  ck_assert_int_eq(count_md(), 28);
}
END_TEST

START_TEST(a_folder_that_is_none) {
  support_write(base, "events", "a file");
  ck_assert_int_eq(list(0), DL_ERR_JOURNAL);
  ck_assert_msg(strstr(err.message, "events") != NULL, "%s", err.message);
  char *path = support_path(base, "events");
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(symlink(top, path), 0);
  ck_assert_int_eq(list(0), DL_ERR_JOURNAL);
  free(path);
  ck_assert_int_eq(dl_entry_list(journal, 0, NULL, NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_entry_list(NULL, 0, each, NULL, &err), DL_ERR_ARGUMENT);
}
END_TEST

static void start(void) {
  setup();
  stop_at = 0;
}

int main(void) {
  Suite *suite = suite_create("journal_list");
  TCase *tcase = tcase_create("journal_list");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, start, teardown);
  tcase_add_test(tcase, nothing_there);
  tcase_add_test(tcase, newest_first);
  tcase_add_test(tcase, only_days_are_entries);
  tcase_add_test(tcase, limit_counts_entries);
  tcase_add_test(tcase, ended_by_the_callback);
  tcase_add_test(tcase, one_that_cannot_be_read);
  tcase_add_test(tcase, a_torn_line_is_told_once);
  tcase_add_test(tcase, missing_mds);
  tcase_add_test(tcase, a_folder_that_is_none);
  return support_main(suite);
}
