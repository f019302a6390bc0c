/* The file for reading: what stands in it, when it is behind, and how it is replaced. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/markdown.h"
#include "support/support.h"

#define ID   "20250911"
#define NAME "entries/" ID ".md"

/* Stands before the one of libc; the n-th from now on fails. */
static int syncs, fail_sync;

int fsync(int fd) {
  int (*real)(int);
  void *found = dlsym(RTLD_NEXT, "fsync");
  memcpy(&real, &found, sizeof real);
  if (++syncs != fail_sync) return real(fd);
  errno = EIO;
  return -1;
}

static char *top;
static dl__markdown_place place;
static dl__entry entry;
static dl__buf text;
static dl_error err;
static const struct timespec events = {1757577600, 123456789};

static void setup(void) {
  top = support_tmpdir();
  int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  place = (dl__markdown_place){top, fd, ID};
  entry = (dl__entry){0};
  text = (dl__buf){0};
  err = (dl_error)DL_ERROR_INIT;
  syncs = fail_sync = 0;
}

static void teardown(void) {
  dl__entry_clear(&entry);
  dl__buf_clear(&text);
  (void)close(place.base_fd);
  support_rmdir(top);
}

static void make(const char *content) {
  dl__entry_clear(&entry);
  dl__buf_clear(&text);
  dl__event event = {
      .type = DL__EVENT_CREATED, .content = content, .timestamp = "2025-09-11T10:00:00+02:00"};
  ck_assert_int_eq(dl__entry_apply(&entry, &event, &err), DL_OK);
  event.type = DL__EVENT_UPDATED;
  event.timestamp = "2025-09-12T11:00:00+02:00";
  ck_assert_int_eq(dl__entry_apply(&entry, &event, &err), DL_OK);
  ck_assert_int_eq(dl__entry_finish(&entry, &err), DL_OK);
  ck_assert_int_eq(dl__markdown_make(ID, &entry, &text, &err), DL_OK);
}

static void put(void) {
  dl_status status = dl__markdown_write(&place, &text, &events, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
}

static void expect_file(const char *want) {
  char *got = support_read(top, NAME, NULL);
  ck_assert_str_eq(got, want);
  free(got);
}

static struct stat look(const char *name) {
  struct stat st;
  char *path = support_path(top, name);
  ck_assert_int_eq(stat(path, &st), 0);
  free(path);
  return st;
}

static void set_time(time_t seconds, long ns) {
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {seconds, ns}};
  char *path = support_path(top, NAME);
  ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
  free(path);
}

static dl__markdown_age age(void) {
  dl__markdown_age found;
  dl_status status = dl__markdown_age_of(&place, &events, &found, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  return found;
}

START_TEST(what_stands_in_it) {
  make("a +rust @alice\n\n::p +rust");
  ck_assert_str_eq(text.data, "---\n"
                              "id: \"20250911\"\n"
                              "created_at: 2025-09-11T10:00:00+02:00\n"
                              "updated_at: 2025-09-12T11:00:00+02:00\n"
                              "tags: [\"rust\", \"rust\"]\n"
                              "people: [\"alice\"]\n"
                              "projects: [\"p\"]\n"
                              "---\n"
                              "a +rust @alice\n\n::p +rust\n");
  make("---\nno header\n");
  ck_assert_ptr_nonnull(strstr(text.data, "tags: []\npeople: []\nprojects: []\n---\n---\nno h"));
  ck_assert_ptr_nonnull(strstr(text.data, "no header\n"));
  ck_assert_ptr_null(strstr(text.data, "no header\n\n"));
}
END_TEST

/* Names come from files, too: none may end the header. */
START_TEST(names_that_hold_anything) {
  make("x");
  ck_assert(dl__names_add(&entry.annotations.tags, "a\"]\n---\nb: \\", 12));
  dl__buf_cut(&text, 0);
  ck_assert_int_eq(dl__markdown_make(ID, &entry, &text, &err), DL_OK);
  ck_assert_ptr_nonnull(strstr(text.data, "\ntags: [\"a\\\"]\\n---\\nb: \\\\\"]\npeople"));
}
END_TEST

START_TEST(written_with_the_time_of_the_events) {
  make("x");
  ck_assert_int_eq(age(), DL__MARKDOWN_MISSING);
  ck_assert(!dl__markdown_has(&place, &text));
  mode_t before = umask(0);
  put();
  (void)umask(before);
  expect_file(text.data);
  ck_assert(dl__markdown_has(&place, &text));
  struct stat st = look(NAME);
  ck_assert_uint_eq(st.st_mode & 07777, 0600);
  ck_assert_int_eq(st.st_mtim.tv_sec, events.tv_sec);
  ck_assert_int_eq(st.st_mtim.tv_nsec, events.tv_nsec);
  ck_assert_uint_eq(look("entries").st_mode & 07777, 0700);
  ck_assert(!support_exists(top, "entries/." ID ".md.tmp"));
}
END_TEST

START_TEST(ages) {
  make("x");
  put();
  ck_assert_int_eq(age(), DL__MARKDOWN_SAME);
  set_time(events.tv_sec, events.tv_nsec - 1);
  ck_assert_int_eq(age(), DL__MARKDOWN_OLDER);
  set_time(events.tv_sec - 1, 999999999);
  ck_assert_int_eq(age(), DL__MARKDOWN_OLDER);
  set_time(events.tv_sec, events.tv_nsec + 1);
  ck_assert_int_eq(age(), DL__MARKDOWN_NEWER);
}
END_TEST

/* A reader who has the old one open keeps it whole. */
START_TEST(replaced_not_overwritten) {
  make("old");
  put();
  ino_t before = look(NAME).st_ino;
  char *path = support_path(top, NAME);
  int fd = open(path, O_RDONLY);
  free(path);
  char *old = strdup(text.data);
  ck_assert_ptr_nonnull(old);
  make("newer");
  ck_assert(!dl__markdown_has(&place, &text));
  put();
  expect_file(text.data);
  ck_assert_uint_ne(look(NAME).st_ino, before);
  char got[512] = "";
  ck_assert_int_ge(read(fd, got, sizeof got - 1), 0);
  ck_assert_str_eq(got, old);
  (void)close(fd);
  free(old);
}
END_TEST

/* Same text: only the time is set right, so that a push has nothing to send. */
START_TEST(same_text_is_kept) {
  make("x");
  put();
  ino_t before = look(NAME).st_ino;
  set_time(events.tv_sec - 5, 0);
  put();
  ck_assert_uint_eq(look(NAME).st_ino, before);
  ck_assert_int_eq(age(), DL__MARKDOWN_SAME);
}
END_TEST

/* First the content is safe, then the name; what is not safe takes nobody's place. */
START_TEST(durable) {
  make("old");
  put();
  char *old = strdup(text.data);
  ck_assert_ptr_nonnull(old);
  make("new");
  syncs = 0;
  fail_sync = 1;
  ck_assert_int_eq(dl__markdown_write(&place, &text, &events, &err), DL_ERR_JOURNAL);
  ck_assert_int_eq(err.errno_value, EIO);
  expect_file(old);
  ck_assert(!support_exists(top, "entries/." ID ".md.tmp"));
  syncs = 0;
  fail_sync = 2;
  ck_assert_int_eq(dl__markdown_write(&place, &text, &events, &err), DL_ERR_JOURNAL);
  expect_file(text.data);
  free(old);
}
END_TEST

/* What a killed process or a joker left under the name of the draft. */
START_TEST(a_draft_is_there_already) {
  char *path = support_path(top, "entries/." ID ".md.tmp");
  support_write(top, "entries/." ID ".md.tmp", "half");
  make("x");
  put();
  expect_file(text.data);
  ck_assert(!support_exists(top, "entries/." ID ".md.tmp"));
  support_write(top, "victim", "unharmed");
  char *victim = support_path(top, "victim");
  ck_assert_int_eq(symlink(victim, path), 0);
  make("y");
  put();
  char *got = support_read(top, "victim", NULL);
  ck_assert_str_eq(got, "unharmed");
  free(got);
  free(victim);
  free(path);
}
END_TEST

static void expect_refused(void) {
  dl__markdown_age found;
  ck_assert_int_eq(dl__markdown_age_of(&place, &events, &found, &err), DL_ERR_JOURNAL);
  ck_assert_int_eq(dl__markdown_write(&place, &text, &events, &err), DL_ERR_JOURNAL);
  ck_assert_msg(strstr(err.message, "move it away") != NULL, "%s", err.message);
}

START_TEST(things_in_the_way) {
  make("x");
  support_write(top, "victim", "unharmed");
  char *victim = support_path(top, "victim"), *path = support_path(top, NAME);
  char *folder = support_path(top, "entries");
  ck_assert_int_eq(mkdir(folder, 0700), 0);
  ck_assert_int_eq(symlink(victim, path), 0);
  expect_refused();
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  expect_refused();
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(mkdir(path, 0700), 0);
  expect_refused();
  ck_assert_int_eq(rmdir(path), 0);
  ck_assert_int_eq(rmdir(folder), 0);
  ck_assert_int_eq(symlink(top, folder), 0);
  expect_refused();
  char *got = support_read(top, "victim", NULL);
  ck_assert_str_eq(got, "unharmed");
  free(got);
  free(victim);
  free(path);
  free(folder);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("markdown");
  TCase *tcase = tcase_create("markdown");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, what_stands_in_it);
  tcase_add_test(tcase, names_that_hold_anything);
  tcase_add_test(tcase, written_with_the_time_of_the_events);
  tcase_add_test(tcase, ages);
  tcase_add_test(tcase, replaced_not_overwritten);
  tcase_add_test(tcase, same_text_is_kept);
  tcase_add_test(tcase, durable);
  tcase_add_test(tcase, a_draft_is_there_already);
  tcase_add_test(tcase, things_in_the_way);
  return support_main(suite);
}
