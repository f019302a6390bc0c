/* A push that is killed while it writes the state, at every system call that
 * writes: the rows are those of before or of after, for a reader too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/state_kit.h"

#define BEFORE 40
#define AFTER  90

/* This process dies at the call with this number; 0: at none. The calls below
 * stand before those of libc. */
static int die_at;

static void count_down(void) {
  if (die_at > 0 && --die_at == 0) (void)kill(getpid(), SIGKILL);
}

static void find(void *function, const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  memcpy(function, &found, sizeof found);
}

/* Dies with half of it written, which is what a kill may leave, or with nothing. */
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  ssize_t (*real)(int, const void *, size_t, off_t);
  find(&real, "pwrite64");
  if (die_at == 1 && size > 1) (void)real(fd, data, size / 2, offset);
  count_down();
  return real(fd, data, size, offset);
}

/* A kill does not lose what the kernel has: nothing to wait for. */
int fsync(int fd) {
  count_down();
  return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

int fdatasync(int fd) {
  return fsync(fd);
}

int ftruncate(int fd, off_t size) {
  int (*real)(int, off_t);
  find(&real, "ftruncate64");
  count_down();
  return real(fd, size);
}

int unlink(const char *name) {
  int (*real)(const char *);
  find(&real, "unlink");
  count_down();
  return real(name);
}

/* Runs work in a child that is killed at the given call; true: it was. */
static bool run_and_kill(int call, void (*work)(void)) {
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    die_at = call;
    work();
    _exit(0);
  }
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  ck_assert_msg(killed || status == 0, "the child ended with %d", status);
  return killed;
}

static void add_rows(void) {
  dl__state *s;
  const char *n;
  if (dl__state_open(path, false, &s, &n, NULL) != DL_OK) _exit(1);
  for (int i = BEFORE; i < AFTER; i++) {
    char key[32];
    make_key(i, key);
    dl__row row = make_row(key, i);
    if (dl__state_put(s, &row, NULL) != DL_OK) _exit(1);
  }
  if (dl__state_commit(s, NULL) != DL_OK) _exit(1);
  dl__state_close(s);
}

static void add_rows_and_die(void) {
  dl__state *s;
  const char *n;
  if (dl__state_open(path, false, &s, &n, NULL) != DL_OK) _exit(1);
  for (int i = BEFORE; i < AFTER; i++) {
    char key[32];
    make_key(i, key);
    dl__row row = make_row(key, i);
    if (dl__state_put(s, &row, NULL) != DL_OK) _exit(1);
  }
  (void)kill(getpid(), SIGKILL);
}

/* What a reader (a dry run) sees; it may see less, but nothing untrue, and it
 * leaves all as it is. */
static void expect_readable(const char *what) {
  dl__buf before = take_picture();
  dl_status status = try_open(true);
  ck_assert_msg(status == DL_OK, "%s: a reader cannot open the state: %s", what, err.message);
  if (rows.count != 0) expect_many(rows.count <= BEFORE ? BEFORE : AFTER);
  close_state();
  expect_picture(&before, what);
  dl__buf_clear(&before);
}

static void expect_pushable(const char *what, bool may_be_after) {
  dl_status status = try_open(false);
  ck_assert_msg(status == DL_OK, "%s: %s", what, err.message);
  ck_assert_msg(note == NULL, "%s: %s", what, note);
  expect_many(may_be_after && rows.count > BEFORE ? AFTER : BEFORE);
  close_state();
}

START_TEST(killed_in_the_middle_of_a_transaction) {
  make_state(BEFORE);
  ck_assert(run_and_kill(0, add_rows_and_die));
  expect_pushable("killed", false);
}
END_TEST

/* The last push was killed; a dry run comes before the next one. */
START_TEST(a_reader_after_a_kill) {
  make_state(BEFORE);
  ck_assert(run_and_kill(0, add_rows_and_die));
  ck_assert(support_exists(dir, STATE_NAME "-journal"));
  expect_readable("killed");
}
END_TEST

/* At the call with each number: a fresh copy of the state, until no call is left. */
static int for_each_call(void (*check)(const char *what)) {
  make_state(BEFORE);
  size_t size;
  char *good = support_read(dir, STATE_NAME, &size);
  int calls = 1;
  for (;; calls++) {
    (void)unlink(path);
    char *journal = support_path(dir, STATE_NAME "-journal");
    (void)unlink(journal);
    free(journal);
    support_write_bytes(dir, STATE_NAME, good, size);
    if (!run_and_kill(calls, add_rows)) break;
    char what[32];
    (void)snprintf(what, sizeof what, "killed at call %d", calls);
    check(what);
    ck_assert_int_lt(calls, 1000);
  }
  free(good);
  open_state(false);
  expect_many(AFTER);
  return calls;
}

static void check_push(const char *what) {
  expect_pushable(what, true);
}

START_TEST(killed_at_every_write) {
  ck_assert_int_gt(for_each_call(check_push), 10);
}
END_TEST

START_TEST(a_reader_after_a_kill_at_every_write) {
  ck_assert_int_gt(for_each_call(expect_readable), 10);
}
END_TEST

static void make_new_state(void) {
  dl__state *s;
  const char *n;
  if (dl__state_open(path, false, &s, &n, NULL) != DL_OK) _exit(1);
  dl__state_close(s);
}

/* The first push ever, killed while it makes the tables. */
START_TEST(killed_while_it_is_made) {
  for (int call = 1; run_and_kill(call, make_new_state); call++) {
    ck_assert_int_lt(call, 1000);
    dl_status status = try_open(false);
    ck_assert_msg(status == DL_OK, "killed at call %d: %s", call, err.message);
    ck_assert_uint_eq(rows.count, 0);
    put_many(0, 3);
    commit();
    open_state(false);
    ck_assert_ptr_null(note);
    expect_many(3);
    close_state();
    ck_assert_int_eq(unlink(path), 0);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("state_kill");
  TCase *tcase = tcase_create("state_kill");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, killed_in_the_middle_of_a_transaction);
  tcase_add_test(tcase, a_reader_after_a_kill);
  tcase_add_test(tcase, killed_at_every_write);
  tcase_add_test(tcase, a_reader_after_a_kill_at_every_write);
  tcase_add_test(tcase, killed_while_it_is_made);
  return support_main(suite);
}
