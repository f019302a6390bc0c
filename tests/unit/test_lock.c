/* The lock file: one holder at a time, and a dead one holds nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "support/support.h"

static char *dir;
static char *path;

/* Stands before the one of libc: does something to the file between open and lock. */
static void (*before_flock)(void);

int flock(int fd, int operation) {
  int (*real)(int, int);
  void *found = dlsym(RTLD_NEXT, "flock");
  memcpy(&real, &found, sizeof found);
  void (*hook)(void) = before_flock;
  before_flock = NULL;
  if (hook != NULL) hook();
  return real(fd, operation);
}

static void setup(void) {
  dir = support_tmpdir();
  path = support_path(dir, "l.lock");
}

static void teardown(void) {
  free(path);
  support_rmdir(dir);
}

START_TEST(lock_of_a_second_descriptor) {
  mode_t mask = umask(0);
  int first = dl__fs_lock(path);
  ck_assert_int_ge(first, 0);
  (void)umask(mask);
  ck_assert_int_ne(fcntl(first, F_GETFD) & FD_CLOEXEC, 0);
  struct stat st;
  ck_assert_int_eq(fstat(first, &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0600);
  ck_assert_int_eq(dl__fs_lock(path), -1);
  ck_assert_int_eq(errno, EWOULDBLOCK);
  (void)close(first);
  int second = dl__fs_lock(path);
  ck_assert_int_ge(second, 0);
  (void)close(second);
}
END_TEST

START_TEST(lock_leaks_no_descriptor) {
  int first = dl__fs_lock(path);
  int before = dup(first);
  (void)close(before);
  for (int i = 0; i < 10; i++) ck_assert_int_eq(dl__fs_lock(path), -1);
  int after = dup(first);
  ck_assert_int_eq(after, before);
  (void)close(after);
  (void)close(first);
}
END_TEST

/* A child that holds the lock and waits to be killed. */
static pid_t start_holder(void) {
  int ready[2];
  ck_assert_int_eq(pipe(ready), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    bool locked = dl__fs_lock(path) >= 0;
    if (write(ready[1], locked ? "y" : "n", 1) != 1) _exit(1);
    for (;;) (void)pause();
  }
  char answer = '?';
  ck_assert_int_eq(read(ready[0], &answer, 1), 1);
  ck_assert_int_eq(answer, 'y');
  (void)close(ready[0]);
  (void)close(ready[1]);
  return child;
}

static void end_holder(pid_t child) {
  ck_assert_int_eq(kill(child, SIGKILL), 0);
  ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

START_TEST(lock_of_a_killed_process_is_free_at_once) {
  for (int i = 0; i < 5; i++) {
    pid_t child = start_holder();
    ck_assert_int_eq(dl__fs_lock(path), -1);
    ck_assert_int_eq(errno, EWOULDBLOCK);
    end_holder(child);
    int fd = dl__fs_lock(path);
    ck_assert_msg(fd >= 0, "%s", strerror(errno));
    (void)close(fd);
  }
}
END_TEST

START_TEST(lock_is_refused) {
  char *other = support_path(dir, "other");
  ck_assert_int_eq(symlink(other, path), 0);
  ck_assert_int_eq(dl__fs_lock(path), -1);
  ck_assert_int_eq(errno, ELOOP);
  ck_assert(!support_exists(dir, "other"));
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(mkdir(path, 0700), 0);
  ck_assert_int_eq(dl__fs_lock(path), -1);
  ck_assert_int_eq(errno, EISDIR);
  free(other);
  other = support_path(dir, "missing/l.lock");
  ck_assert_int_eq(dl__fs_lock(other), -1);
  ck_assert_int_eq(errno, ENOENT);
  free(other);
}
END_TEST

static void remove_file(void) {
  ck_assert_int_eq(unlink(path), 0);
}

/* The file is deleted between open and lock: what was locked is the file of that
 * name, or the next one would lock another and both would push. */
START_TEST(lock_is_of_the_file_that_is_there) {
  before_flock = remove_file;
  int first = dl__fs_lock(path);
  ck_assert_ptr_null(before_flock);
  if (first < 0) return; /* to give up is safe, too */
  int second = dl__fs_lock(path);
  ck_assert_msg(second < 0, "two hold the lock");
  ck_assert_int_eq(errno, EWOULDBLOCK);
  (void)close(first);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("lock");
  TCase *tcase = tcase_create("lock");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, lock_of_a_second_descriptor);
  tcase_add_test(tcase, lock_leaks_no_descriptor);
  tcase_add_test(tcase, lock_of_a_killed_process_is_free_at_once);
  tcase_add_test(tcase, lock_is_refused);
  tcase_add_test(tcase, lock_is_of_the_file_that_is_there);
  return support_main(suite);
}
