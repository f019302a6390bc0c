/* What a crash, a power cut and a full disk leave in a journal, and how it heals. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/journal_kit.h"

static void set_time(const char *name, time_t seconds) {
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {seconds, 0}};
  char *path = support_path(base, name);
  ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
  free(path);
}

static void remove_file(const char *name) {
  char *path = support_path(base, name);
  ck_assert_int_eq(unlink(path), 0);
  free(path);
}

static struct stat look(const char *name) {
  struct stat st;
  char *path = support_path(base, name);
  ck_assert_int_eq(stat(path, &st), 0);
  free(path);
  return st;
}

/* The event is there, the .md is not yet. */
START_TEST(crash_before_the_first_md) {
  create("text +tag");
  remove_file(MD);
  read_entry();
  ck_assert_str_eq(entry.content, "text +tag");
  ck_assert_uint_eq(entry.events_written, 0);
  expect_in(MD, "\ntext +tag\n");
  expect_notes(NULL, NULL);
}
END_TEST

/* The event of a change is there, the .md is the one of the text before. */
START_TEST(crash_before_the_md_of_a_change) {
  create("old");
  char *old = support_read(base, MD, NULL);
  update("new");
  support_write(base, MD, old);
  free(old);
  set_time(MD, look(EVENTS).st_mtim.tv_sec - 1);
  read_entry();
  expect_in(MD, "\nnew\n");
  ino_t healed = look(MD).st_ino;
  read_entry(); /* once is enough */
  ck_assert_uint_eq(look(MD).st_ino, healed);
}
END_TEST

/* Both within one tick of the clock: the times are the same, the text tells. */
START_TEST(crash_within_a_tick) {
  create("old");
  char *old = support_read(base, MD, NULL);
  update("new");
  struct stat events = look(EVENTS);
  support_write(base, MD, old);
  free(old);
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, events.st_mtim};
  char *path = support_path(base, MD);
  ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
  free(path);
  read_entry();
  expect_in(MD, "\nnew\n");
}
END_TEST

START_TEST(a_draft_is_left) {
  create("text");
  remove_file(MD);
  support_write(base, "entries/." DAY ".md.tmp", "---\nid");
  read_entry();
  expect_in(MD, "\ntext\n");
  ck_assert(!support_exists(base, "entries/." DAY ".md.tmp"));
}
END_TEST

static const char torn[] = "{\"type\":\"ContentUpdated\",\"data\":{\"content\":\"ne";

/* A9, P12: set aside by who sees it first, told once, and counted ever after. */
START_TEST(torn_line_seen_by_read) {
  create("kept @alice");
  support_append(base, EVENTS, torn);
  read_entry();
  expect_notes("its last line was cut off", NULL);
  expect_notes(EVENTS, NULL);
  ck_assert_str_eq(entry.content, "kept @alice");
  ck_assert_uint_eq(entry.lines_damaged, 1);
  ck_assert_uint_eq(entry.event_count, 2);
  read_entry();
  expect_notes(NULL, NULL);
  ck_assert_uint_eq(entry.lines_damaged, 1);
  update("next");
  expect_notes(NULL, NULL);
  ck_assert_str_eq(entry.content, "next");
  expect_in(EVENTS, torn); /* nothing was removed */
}
END_TEST

START_TEST(torn_line_seen_by_update) {
  create("kept");
  support_append(base, EVENTS, torn);
  update("next");
  expect_notes("its last line was cut off", NULL);
  ck_assert_uint_eq(entry.lines_damaged, 1);
  read_entry();
  expect_notes(NULL, NULL);
  ck_assert_str_eq(entry.content, "next");
}
END_TEST

START_TEST(torn_first_line) {
  support_write(base, EVENTS, torn);
  ck_assert_int_eq(dl_entry_read(journal, DAY, &entry, &err), DL_ERR_NOT_FOUND);
  expect_notes("its last line was cut off", NULL);
  ck_assert_int_eq(dl_entry_read(journal, DAY, &entry, &err), DL_ERR_NOT_FOUND);
  expect_notes("1 line is no event and is skipped", NULL);
  create("text");
  read_entry();
  ck_assert_str_eq(entry.content, "text");
  ck_assert_uint_eq(entry.lines_damaged, 1);
}
END_TEST

/* The power went between the two events of one write: the text tells what it holds. */
START_TEST(torn_annotations) {
  create("text +tag");
  char *whole = support_read(base, EVENTS, NULL);
  strchr(whole, '\n')[20] = '\0';
  support_write(base, EVENTS, whole);
  free(whole);
  remove_file(MD);
  read_entry();
  expect_notes("its last line was cut off", NULL);
  ck_assert_uint_eq(entry.tag_count, 1);
  ck_assert_str_eq(entry.tags[0], "tag");
  expect_in(MD, "tags: [\"tag\"]");
}
END_TEST

/* Every length that a file can be cut to: never a lie, never a lost whole line, and a
 * new event always fits behind. */
START_TEST(cut_anywhere) {
  create("one +a");
  update("two");
  size_t size, kept = 0;
  char *whole = support_read(base, EVENTS, &size);
  remove_file(MD);
  for (size_t cut = 1; cut < size; cut++) {
    support_write_bytes(base, EVENTS, whole, cut);
    for (size_t i = kept; i < cut; i++) {
      if (whole[i] == '\n') kept = i + 1;
    }
    dl_status status = dl_entry_read(journal, DAY, NULL, &err);
    bool has_first = kept > 0 || whole[cut] == '\n';
    ck_assert_int_eq(status, has_first ? DL_OK : DL_ERR_NOT_FOUND);
    if (!has_first) continue;
    update("three");
    read_entry();
    ck_assert_str_eq(entry.content, "three");
    char *now = support_read(base, EVENTS, NULL);
    ck_assert_int_eq(memcmp(now, whole, cut), 0);
    free(now);
  }
  free(whole);
}
END_TEST

/* A folder that may only be read: the entry is shown, and what could not be mended told. */
START_TEST(nothing_can_be_mended) {
  create("text");
  remove_file(MD);
  support_append(base, EVENTS, torn);
  char *events = support_path(base, EVENTS), *entries = support_path(base, "entries");
  ck_assert_int_eq(chmod(events, 0400), 0);
  ck_assert_int_eq(chmod(entries, 0500), 0);
  support_drop_root_powers();
  for (int i = 0; i < 2; i++) {
    read_entry();
    ck_assert_str_eq(entry.content, "text");
    expect_notes("could not be set aside", NULL);
  }
  ck_assert_int_eq(chmod(events, 0600), 0);
  read_entry();
  expect_notes("its last line was cut off", "cannot write");
  free(events);
  free(entries);
}
END_TEST

/* The event is safe: the call succeeds, and says what is missing. */
START_TEST(the_md_cannot_be_written) {
  create("old");
  char *entries = support_path(base, "entries"), *away = support_path(base, "away");
  ck_assert_int_eq(rename(entries, away), 0);
  free(entries);
  free(away);
  support_write(base, "entries", "a file");
  update("text");
  ck_assert_uint_eq(entry.events_written, 1);
  expect_notes("the entry itself is safe", NULL);
  remove_file("entries");
  read_entry();
  expect_notes(NULL, NULL);
  expect_in(MD, "\ntext\n");
}
END_TEST

START_TEST(the_events_cannot_be_written) {
  create("text");
  char *events = support_path(base, EVENTS);
  ck_assert_int_eq(chmod(events, 0400), 0);
  support_drop_root_powers();
  ck_assert_int_eq(dl_entry_update(journal, DAY, "new", 0, &entry, &err), DL_ERR_JOURNAL);
  ck_assert_int_eq(err.errno_value, EACCES);
  ck_assert_msg(strstr(err.message, events) != NULL, "%s", err.message);
  expect_in(MD, "\ntext\n");
  free(events);
}
END_TEST

/* A9: a write that a limit cuts off is taken back: no half event, no lie. */
START_TEST(a_limit_cuts_the_write) {
  create("text");
  char *before = support_read(base, EVENTS, NULL);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    char text[5001];
    memset(text, 'x', 5000);
    text[5000] = '\0';
    const struct rlimit limit = {3192, 3192};
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
    dl_status status = dl_entry_update(journal, DAY, text, 0, NULL, &err);
    _exit(status == DL_ERR_JOURNAL && err.errno_value == EFBIG ? 0 : 1);
  }
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFEXITED(status));
  ck_assert_int_eq(WEXITSTATUS(status), 0);
  char *after = support_read(base, EVENTS, NULL);
  ck_assert_str_eq(before, after);
  free(before);
  free(after);
}
END_TEST

/* Several programs write the same day at once: one begins it, the others are refused; and
 * of changes none is lost, whoever was last. */
START_TEST(all_at_once) {
  enum { WRITERS = 8, CHANGES = 10 };
  pid_t children[WRITERS];
  for (int i = 0; i < WRITERS; i++) {
    children[i] = fork();
    ck_assert_int_ge(children[i], 0);
    if (children[i] != 0) continue;
    char text[64];
    (void)snprintf(text, sizeof text, "writer %d", i);
    dl_status begun = dl_entry_create(journal, DAY, text, NULL, NULL);
    if (begun != DL_OK && begun != DL_ERR_EXISTS) _exit(2);
    for (int n = 0; n < CHANGES; n++) {
      (void)snprintf(text, sizeof text, "change %d-%d", i, n);
      if (dl_entry_update(journal, DAY, text, 0, NULL, NULL) != DL_OK) _exit(3);
    }
    _exit(begun == DL_OK ? 1 : 0);
  }
  int begun = 0;
  for (int i = 0; i < WRITERS; i++) {
    int status;
    ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
    ck_assert(WIFEXITED(status));
    ck_assert_int_le(WEXITSTATUS(status), 1);
    begun += WEXITSTATUS(status);
  }
  ck_assert_int_eq(begun, 1);
  read_entry();
  ck_assert_uint_eq(entry.event_count, 1 + WRITERS * CHANGES);
  ck_assert_uint_eq(entry.lines_damaged, 0);
  expect_in(MD, entry.content); /* the .md is that of the last event */
  expect_notes(NULL, NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("journal_crash");
  TCase *tcase = tcase_create("journal_crash");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 50);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, crash_before_the_first_md);
  tcase_add_test(tcase, crash_before_the_md_of_a_change);
  tcase_add_test(tcase, crash_within_a_tick);
  tcase_add_test(tcase, a_draft_is_left);
  tcase_add_test(tcase, torn_line_seen_by_read);
  tcase_add_test(tcase, torn_line_seen_by_update);
  tcase_add_test(tcase, torn_first_line);
  tcase_add_test(tcase, torn_annotations);
  tcase_add_test(tcase, cut_anywhere);
  tcase_add_test(tcase, nothing_can_be_mended);
  tcase_add_test(tcase, the_md_cannot_be_written);
  tcase_add_test(tcase, the_events_cannot_be_written);
  tcase_add_test(tcase, a_limit_cuts_the_write);
  tcase_add_test(tcase, all_at_once);
  return support_main(suite);
}
