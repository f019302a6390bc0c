/* The walk: order, depth, what vanishes meanwhile, and that a folder that cannot
 * be read is never taken for an empty one. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/walk.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define DEPTH        400
#define DEEP_NAME    "a-name-of-twenty-byt" /* 400 of them: more than PATH_MAX */

static char *dir;
static int dir_fd;
static dl_error err;

/* The interposed calls below fail from the one with this number on; 0: never. */
static int fail_readdir;
static int fail_fstatat;
static const char *vanishing; /* deleted as soon as readdir has told of it */
static const char *replaced;  /* then a folder instead */
static bool kinds_unknown;    /* as on filesystems that do not keep them in the folder */
static bool all_the_same;     /* fstat takes every folder for the same one */

static void find(void *function, const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  memcpy(function, &found, sizeof found);
}

static bool is_due(int *counter) {
  return *counter > 0 && --*counter == 0;
}

struct dirent *readdir(DIR *stream) {
  struct dirent *(*real)(DIR *);
  find(&real, "readdir64");
  if (is_due(&fail_readdir)) {
    errno = EIO;
    return NULL;
  }
  struct dirent *entry = real(stream);
  if (entry != NULL && vanishing != NULL && strcmp(entry->d_name, vanishing) == 0) {
    ck_assert_int_eq(unlinkat(dirfd(stream), vanishing, 0), 0);
  }
  if (entry != NULL && replaced != NULL && strcmp(entry->d_name, replaced) == 0) {
    ck_assert_int_eq(unlinkat(dirfd(stream), replaced, 0), 0);
    ck_assert_int_eq(mkdirat(dirfd(stream), replaced, 0700), 0);
  }
  if (entry != NULL && kinds_unknown) entry->d_type = DT_UNKNOWN;
  return entry;
}

int fstatat(int fd, const char *restrict name, struct stat *restrict st, int flags) {
  int (*real)(int, const char *, struct stat *, int);
  find(&real, "fstatat64");
  if (is_due(&fail_fstatat)) {
    errno = EIO;
    return -1;
  }
  return real(fd, name, st, flags);
}

int fstat(int fd, struct stat *st) {
  int (*real)(int, struct stat *);
  find(&real, "fstat64");
  int result = real(fd, st);
  if (all_the_same) st->st_ino = 1;
  return result;
}

static void setup(void) {
  dir = support_tmpdir();
  dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_ge(dir_fd, 0);
  err = (dl_error)DL_ERROR_INIT;
}

static void teardown(void) {
  (void)close(dir_fd);
  support_rmdir(dir);
}

/* What a walk met, and what the test does on the way. */
typedef struct trail {
  char keys[4096]; /* of what is no folder, each with a '|' behind */
  size_t entries;
  const char *never_enter;
  const char *stop_at;
  const char *act_at;
  void (*act)(void);
} trail;

static void check_entry(const dl__walk_entry *entry) {
  const char *slash = strrchr(entry->key, '/');
  ck_assert_str_eq(entry->name, slash != NULL ? slash + 1 : entry->key);
  struct stat st;
  int fail_later = fail_fstatat; /* this call is not one of the walk */
  fail_fstatat = 0;
  bool there = fstatat(entry->dir_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  fail_fstatat = fail_later;
  if (there) ck_assert_uint_eq(st.st_ino, entry->st->st_ino);
}

static dl_status visit(const dl__walk_entry *entry, bool *enter, void *user, dl_error *e) {
  trail *t = user;
  t->entries++;
  check_entry(entry);
  if (t->act_at != NULL && strcmp(entry->key, t->act_at) == 0) t->act();
  if (t->stop_at != NULL && strcmp(entry->key, t->stop_at) == 0) {
    return dl__fail(e, DL_ERR_CANCELLED, entry->key, "stopped here");
  }
  if (!S_ISDIR(entry->st->st_mode)) {
    ck_assert_uint_lt(strlen(t->keys) + strlen(entry->key) + 2, sizeof t->keys);
    strcat(strcat(t->keys, entry->key), "|");
  }
  *enter = t->never_enter == NULL || strcmp(entry->key, t->never_enter) != 0;
  return DL_OK;
}

static dl_status walk(trail *t) {
  return dl__walk(dir_fd, "ROOT", DL_ERR_SCAN, visit, t, &err);
}

static void expect_walk(trail *t, const char *keys) {
  dl_status status = walk(t);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_str_eq(t->keys, keys);
}

static void make(const char *const *names, int count) {
  for (int i = 0; i < count; i++) support_write(dir, names[i], "");
}

START_TEST(keys_come_in_the_order_of_their_bytes) {
  static const char *const names[] = {
      "b",  "a/b", "a/a/z", "a-b", "a.md", "a0",   "a b", "B",        "a\n",   "\xff",  "\x01",
      "aa", "c/x", "c.x",   "c!",  "c0",   "a/a!", "d",   "\xc3\xa4", "e/e/e", "e/e-e", "e-e"};
  make(names, COUNT(names));
  ck_assert_int_eq(mkdirat(dir_fd, "empty", 0700), 0);
  trail t = {0};
  expect_walk(&t, "\x01|B|a\n|a b|a-b|a.md|a/a!|a/a/z|a/b|a0|aa|b|c!|c.x|c/x|c0|d|e-e|e/e-e|e/e/e|"
                  "\xc3\xa4|\xff|");
  ck_assert_uint_eq(t.entries, COUNT(names) + 6);
}
END_TEST

START_TEST(nothing_to_walk) {
  trail t = {0};
  expect_walk(&t, "");
  ck_assert_uint_eq(t.entries, 0);
}
END_TEST

START_TEST(folders_are_entered_if_told_so) {
  static const char *const names[] = {"a/1", "b/2", "b/c/3", "d"};
  make(names, COUNT(names));
  ck_assert_int_eq(symlinkat("a", dir_fd, "link"), 0);
  ck_assert_int_eq(symlinkat("link", dir_fd, "loop"), 0);
  trail t = {.never_enter = "b"};
  expect_walk(&t, "a/1|d|link|loop|");
}
END_TEST

START_TEST(the_descriptor_may_be_used_again) {
  static const char *const names[] = {"a", "b/c"};
  make(names, COUNT(names));
  for (int i = 0; i < 3; i++) {
    trail t = {0};
    expect_walk(&t, "a|b/c|");
  }
}
END_TEST

/* Makes the chain of folders; their descriptors serve to remove it again. */
static void make_deep(int fds[DEPTH + 1]) {
  fds[0] = dir_fd;
  for (int i = 0; i < DEPTH; i++) {
    ck_assert_int_eq(mkdirat(fds[i], DEEP_NAME, 0700), 0);
    fds[i + 1] = openat(fds[i], DEEP_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fds[i + 1], 0);
  }
  int leaf = openat(fds[DEPTH], "leaf", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ck_assert_int_ge(leaf, 0);
  (void)close(leaf);
}

static void remove_deep(const int fds[DEPTH + 1]) {
  ck_assert_int_eq(unlinkat(fds[DEPTH], "leaf", 0), 0);
  for (int i = DEPTH - 1; i >= 0; i--) {
    (void)close(fds[i + 1]);
    ck_assert_int_eq(unlinkat(fds[i], DEEP_NAME, AT_REMOVEDIR), 0);
  }
}

typedef struct deep {
  size_t entries;
  size_t length; /* of the longest key */
} deep;

static dl_status visit_deep(const dl__walk_entry *entry, bool *enter, void *user, dl_error *e) {
  (void)e;
  deep *d = user;
  d->entries++;
  d->length = strlen(entry->key);
  *enter = true;
  return DL_OK;
}

START_TEST(deeper_than_path_max) {
  struct rlimit files;
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
  ck_assert_uint_ge(files.rlim_cur, DEPTH + 100);
  int fds[DEPTH + 1];
  make_deep(fds);
  deep d = {0};
  dl_status status = dl__walk(dir_fd, "ROOT", DL_ERR_SCAN, visit_deep, &d, &err);
  remove_deep(fds);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_uint_eq(d.entries, DEPTH + 1);
  ck_assert_uint_eq(d.length, DEPTH * (strlen(DEEP_NAME) + 1) + strlen("leaf"));
}
END_TEST

START_TEST(deeper_than_there_are_descriptors) {
  support_write(dir, "a/b/c/d/e/f/g/h/i/j/leaf", "");
  struct rlimit files;
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
  rlim_t before = files.rlim_cur;
  files.rlim_cur = (rlim_t)dir_fd + 6;
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
  trail t = {0};
  dl_status status = walk(&t);
  files.rlim_cur = before;
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
  ck_assert_int_eq(status, DL_ERR_SCAN);
  ck_assert_int_eq(err.errno_value, EMFILE);
  ck_assert_msg(strncmp(err.path, "a/b", 3) == 0, "%s", err.path);
  ck_assert_str_eq(t.keys, "");
}
END_TEST

static void expect_unreadable(const char *path) {
  trail t = {0};
  ck_assert_int_eq(walk(&t), DL_ERR_SCAN);
  ck_assert_int_eq(err.status, DL_ERR_SCAN);
  ck_assert_int_eq(err.errno_value, EACCES);
  ck_assert_str_eq(err.path, path);
  ck_assert_msg(strstr(err.message, path) != NULL, "%s", err.message);
  ck_assert_msg(strstr(err.message, "ROOT") != NULL, "%s", err.message);
  ck_assert_msg(strstr(err.message, "Permission denied") != NULL, "%s", err.message);
}

START_TEST(an_unreadable_folder_is_named) {
  static const char *const names[] = {"a/locked/file", "b"};
  make(names, COUNT(names));
  support_drop_root_powers();
  ck_assert_int_eq(fchmodat(dir_fd, "a/locked", 0, 0), 0);
  expect_unreadable("a/locked");
  ck_assert_int_eq(fchmodat(dir_fd, "a/locked", 0400, 0), 0); /* names, but no stat */
  expect_unreadable("a/locked");
  ck_assert_int_eq(fchmodat(dir_fd, "a/locked", 0700, 0), 0);
  ck_assert_int_eq(fchmod(dir_fd, 0), 0);
  trail t = {0};
  ck_assert_int_eq(walk(&t), DL_ERR_SCAN);
  ck_assert_str_eq(err.path, "ROOT");
  ck_assert_int_eq(fchmod(dir_fd, 0700), 0);
}
END_TEST

START_TEST(a_root_that_is_no_folder) {
  support_write(dir, "f", "");
  int fd = openat(dir_fd, "f", O_RDONLY | O_CLOEXEC);
  trail t = {0};
  ck_assert_int_eq(dl__walk(fd, "ROOT", DL_ERR_CONFIG, visit, &t, &err), DL_ERR_CONFIG);
  ck_assert_int_eq(err.errno_value, ENOTDIR);
  ck_assert_str_eq(err.path, "ROOT");
  (void)close(fd);
  ck_assert_int_eq(dl__walk(-1, "ROOT", DL_ERR_SCAN, visit, &t, NULL), DL_ERR_SCAN);
}
END_TEST

/* 1: at once, 2 and more: after some entries were told, the last: in place of the end. */
START_TEST(a_failing_readdir_is_no_empty_folder) {
  static const char *const names[] = {"a", "b/c", "b/d", "e"};
  make(names, COUNT(names));
  fail_readdir = _i;
  trail t = {0};
  ck_assert_int_eq(walk(&t), DL_ERR_SCAN);
  ck_assert_int_eq(err.errno_value, EIO);
  ck_assert_str_eq(err.path, _i <= 6 ? "ROOT" : "b");
}
END_TEST

START_TEST(readdir_that_does_not_fail) {
  static const char *const names[] = {"a", "b/c", "b/d", "e"};
  make(names, COUNT(names));
  fail_readdir = 12; /* ROOT: 5 and the end; b: 4 and the end */
  trail t = {0};
  expect_walk(&t, "a|b/c|b/d|e|");
}
END_TEST

START_TEST(a_failing_stat_ends_the_walk) {
  static const char *const names[] = {"a", "b", "c"};
  make(names, COUNT(names));
  fail_fstatat = _i;
  trail t = {0};
  ck_assert_int_eq(walk(&t), DL_ERR_SCAN);
  ck_assert_int_eq(err.errno_value, EIO);
  ck_assert_uint_eq(t.entries, _i - 1);
}
END_TEST

START_TEST(a_failing_stat_of_unknown_kinds_ends_the_walk) {
  static const char *const names[] = {"a", "b", "c"};
  make(names, COUNT(names));
  kinds_unknown = true;
  fail_fstatat = _i;
  trail t = {0};
  ck_assert_int_eq(walk(&t), DL_ERR_SCAN);
  ck_assert_int_eq(err.errno_value, EIO);
  ck_assert_uint_eq(t.entries, 0);
}
END_TEST

START_TEST(folders_are_known_without_their_kind) {
  static const char *const names[] = {"a", "b/c", "b-", "b/d", "b0"};
  make(names, COUNT(names));
  kinds_unknown = true;
  trail t = {0};
  expect_walk(&t, "a|b-|b/c|b/d|b0|");
}
END_TEST

/* Its keys would come at another place than the name was sorted to. */
START_TEST(a_file_that_becomes_a_folder_is_left_out) {
  static const char *const names[] = {"a", "b", "b-", "c"};
  make(names, COUNT(names));
  replaced = "b";
  trail t = {0};
  expect_walk(&t, "a|b-|c|");
}
END_TEST

START_TEST(an_entry_vanishes_before_it_is_looked_at) {
  static const char *const names[] = {"a", "b", "c"};
  make(names, COUNT(names));
  vanishing = "b";
  trail t = {0};
  expect_walk(&t, "a|c|");
}
END_TEST

static void remove_folder(void) {
  ck_assert_int_eq(unlinkat(dir_fd, "b/x", 0), 0);
  ck_assert_int_eq(unlinkat(dir_fd, "b", AT_REMOVEDIR), 0);
}

/* Earlier, and by the call for the folder itself. */
START_TEST(a_folder_vanishes_before_it_is_entered) {
  static const char *const names[] = {"a", "b/x", "c"};
  make(names, COUNT(names));
  trail t = {.act_at = _i == 0 ? "a" : "b", .act = remove_folder};
  expect_walk(&t, "a|c|");
}
END_TEST

static void swap_folder(void) {
  remove_folder();
  ck_assert_int_eq(symlinkat("/", dir_fd, "b"), 0);
}

START_TEST(a_folder_that_became_a_link_is_not_entered) {
  static const char *const names[] = {"a", "b/x"};
  make(names, COUNT(names));
  trail t = {.act_at = "b", .act = swap_folder};
  dl_status status = walk(&t);
  ck_assert_uint_eq(t.entries, 2);
  ck_assert_int_eq(status, DL_ERR_SCAN);
  ck_assert_str_eq(err.path, "b");
}
END_TEST

START_TEST(what_the_callback_answers_is_returned) {
  static const char *const names[] = {"a", "b/c", "d"};
  make(names, COUNT(names));
  trail t = {.stop_at = "b/c"};
  ck_assert_int_eq(walk(&t), DL_ERR_CANCELLED);
  ck_assert_int_eq(err.status, DL_ERR_CANCELLED);
  ck_assert_str_eq(err.path, "b/c");
  ck_assert_str_eq(t.keys, "a|");
  ck_assert_uint_eq(t.entries, 3);
}
END_TEST

/* As a bind mount of a folder below itself looks. */
START_TEST(a_loop_ends) {
  support_write(dir, "a/b/c", "");
  all_the_same = true;
  trail t = {0};
  dl_status status = walk(&t);
  all_the_same = false;
  ck_assert_int_eq(status, DL_ERR_SCAN);
  ck_assert_int_eq(err.errno_value, ELOOP);
  ck_assert_str_eq(err.path, "a");
}
END_TEST

static TCase *interposed(void) {
  TCase *tcase = tcase_create("interposed");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, a_failing_readdir_is_no_empty_folder, 1, 12);
  tcase_add_test(tcase, readdir_that_does_not_fail);
  tcase_add_loop_test(tcase, a_failing_stat_ends_the_walk, 1, 4);
  tcase_add_loop_test(tcase, a_failing_stat_of_unknown_kinds_ends_the_walk, 1, 4);
  tcase_add_test(tcase, folders_are_known_without_their_kind);
  tcase_add_test(tcase, a_file_that_becomes_a_folder_is_left_out);
  tcase_add_test(tcase, an_entry_vanishes_before_it_is_looked_at);
  tcase_add_test(tcase, a_loop_ends);
  return tcase;
}

int main(void) {
  Suite *suite = suite_create("walk");
  TCase *tcase = tcase_create("walk");
  suite_add_tcase(suite, tcase);
  suite_add_tcase(suite, interposed());
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, keys_come_in_the_order_of_their_bytes);
  tcase_add_test(tcase, nothing_to_walk);
  tcase_add_test(tcase, folders_are_entered_if_told_so);
  tcase_add_test(tcase, the_descriptor_may_be_used_again);
  tcase_add_test(tcase, deeper_than_path_max);
  tcase_add_test(tcase, deeper_than_there_are_descriptors);
  tcase_add_test(tcase, an_unreadable_folder_is_named);
  tcase_add_test(tcase, a_root_that_is_no_folder);
  tcase_add_loop_test(tcase, a_folder_vanishes_before_it_is_entered, 0, 2);
  tcase_add_test(tcase, a_folder_that_became_a_link_is_not_entered);
  tcase_add_test(tcase, what_the_callback_answers_is_returned);
  return support_main(suite);
}
