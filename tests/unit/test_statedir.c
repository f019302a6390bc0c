/* Where the state is kept: one place for each pair of folder and remote, one push
 * at a time, and a list of what a scan must not touch. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "push/state.h"
#include "push/statedir.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* SQLite's waiting for a lock; stands before the one of libc, and takes no time. */
int usleep(useconds_t time) {
  (void)time;
  return 0;
}

/* The wait for a lock, too; the hook may do something to the one who holds it. */
static void (*on_sleep)(void);
static int sleeps;

int nanosleep(const struct timespec *time, struct timespec *left) {
  (void)left;
  ck_assert_int_eq(time->tv_sec, 0);
  ck_assert_int_eq(time->tv_nsec, 100000000);
  sleeps++;
  if (on_sleep != NULL) on_sleep();
  return 0;
}

/* The name of this machine, if a test wants another one. */
static const char *host_name;

int gethostname(char *name, size_t size) {
  struct utsname system;
  ck_assert_int_eq(uname(&system), 0);
  const char *host = host_name != NULL ? host_name : system.nodename;
  size_t length = strlen(host);
  memcpy(name, host, length < size ? length + 1 : size);
  if (length < size) return 0;
  errno = ENAMETOOLONG;
  return -1;
}

static char *top;
static char *dir; /* of the states; not made yet */
static dl_error err;
static dl__statedir first;
static dl__statedir second;

static void setup(void) {
  top = support_tmpdir();
  dir = support_path(top, "home/state/devlog");
  err = (dl_error)DL_ERROR_INIT;
  first = second = (dl__statedir){.lock_fd = -1};
  sleeps = 0;
  on_sleep = NULL;
  host_name = NULL;
}

static void teardown(void) {
  dl__statedir_clear(&first);
  dl__statedir_clear(&first);
  dl__statedir_clear(&second);
  free(dir);
  support_rmdir(top);
}

static void init(dl__statedir *statedir, const char *base, const char *url) {
  dl__statedir_clear(statedir);
  dl_status status = dl__statedir_init(statedir, dir, base, url, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_int_eq(statedir->lock_fd, -1);
}

/* Without waiting. */
static dl_status lock(dl__statedir *statedir) {
  return dl__statedir_lock(statedir, false, NULL, NULL, &err);
}

static void expect_locked(dl__statedir *statedir) {
  dl_status status = lock(statedir);
  ck_assert_msg(status == DL_ERR_LOCKED, "%s: %s", dl_status_name(status), err.message);
  ck_assert_int_eq(err.status, DL_ERR_LOCKED);
  ck_assert_int_eq(statedir->lock_fd, -1);
  ck_assert_msg(strstr(err.message, "a push or pull") != NULL, "%s", err.message);
}

START_TEST(names_of_the_files) {
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  ck_assert_str_eq(first.dir, dir);
  ck_assert_str_eq(first.database, second.database);
  ck_assert_str_eq(first.lock, second.lock);
  ck_assert_str_ne(first.lock, first.database);
  ck_assert_int_eq(strncmp(first.database, dir, strlen(dir)), 0);
  ck_assert_int_eq(strncmp(first.lock, dir, strlen(dir)), 0);
  ck_assert(!support_exists(top, "home")); /* nothing was made */
}
END_TEST

/* Folder and remote are told apart also where their texts run together. */
START_TEST(each_pair_has_its_own) {
  static const char *const pairs[][2] = {{"/a", "b"},  {"/ab", ""},  {"/a", "bc"}, {"/ab", "c"},
                                         {"/abc", ""}, {"", "/abc"}, {"/A", "b"},  {"/a/", "b"}};
  for (int i = 0; i < COUNT(pairs); i++) {
    for (int j = 0; j < i; j++) {
      init(&first, pairs[i][0], pairs[i][1]);
      init(&second, pairs[j][0], pairs[j][1]);
      ck_assert_str_ne(first.database, second.database);
      ck_assert_str_ne(first.lock, second.lock);
    }
  }
}
END_TEST

/* The URL may hold a secret. */
START_TEST(names_tell_nothing) {
  init(&first, "/secretbase", "https://host/?sig=secretsig");
  ck_assert_ptr_null(strstr(first.database, "secret"));
  ck_assert_ptr_null(strstr(first.lock, "secret"));
}
END_TEST

START_TEST(no_folder_for_it) {
  ck_assert_int_eq(dl__statedir_init(&first, NULL, "/b", "u", &err), DL_ERR_CONFIG);
  ck_assert_msg(strstr(err.message, "XDG_STATE_HOME") != NULL, "%s", err.message);
}
END_TEST

START_TEST(one_push_at_a_time) {
  mode_t before = umask(0);
  init(&first, "/base", "memory://x");
  ck_assert_int_eq(lock(&first), DL_OK);
  (void)umask(before);
  ck_assert_int_ge(first.lock_fd, 0);
  struct stat st;
  ck_assert_int_eq(stat(dir, &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0700);
  init(&second, "/base", "memory://x");
  expect_locked(&second);
  init(&second, "/base", "memory://y");
  ck_assert_int_eq(lock(&second), DL_OK);
  init(&second, "/base", "memory://x");
  dl__statedir_clear(&first);
  ck_assert_int_eq(lock(&second), DL_OK);
}
END_TEST

/* A child that holds the lock and the state, as a push does, until it is killed. */
static pid_t start_holder(void) {
  int ready[2];
  ck_assert_int_eq(pipe(ready), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    dl__state *state;
    const char *note;
    dl_status status = dl__statedir_lock(&first, false, NULL, NULL, NULL);
    if (status == DL_OK) status = dl__state_open(first.database, false, &state, &note, NULL);
    if (write(ready[1], status == DL_OK ? "y" : "n", 1) != 1) _exit(1);
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

START_TEST(the_lock_of_a_killed_push_is_free_at_once) {
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  pid_t child = start_holder();
  expect_locked(&second);
  end_holder(child);
  ck_assert_int_eq(lock(&second), DL_OK);
}
END_TEST

/* What stands in the file of the lock. */
static char *read_note(void) {
  size_t size;
  return support_read(dir, strrchr(first.lock, '/') + 1, &size);
}

static void write_note(const char *text, size_t size) {
  support_write_bytes(dir, strrchr(first.lock, '/') + 1, text, size);
}

START_TEST(the_holder_leaves_its_name) {
  init(&first, "/base", "memory://x");
  support_write(dir, strrchr(first.lock, '/') + 1, "9999999999 somebody-with-a-long-name-before\n");
  ck_assert_int_eq(lock(&first), DL_OK);
  struct utsname system;
  ck_assert_int_eq(uname(&system), 0);
  char *note = read_note();
  char expected[256];
  (void)snprintf(expected, sizeof expected, "%ld %.64s\n", (long)getpid(), system.nodename);
  ck_assert_str_eq(note, expected);
  free(note);
}
END_TEST

#define AND_NOW "; try again when it has ended, or wait for it (--wait)"
#define RUNNING "a push or pull of this folder and remote is running"

START_TEST(a_refusal_names_the_holder) {
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  host_name = "host-1.example";
  pid_t child = start_holder();
  expect_locked(&second);
  char expected[256];
  (void)snprintf(expected, sizeof expected, RUNNING " (process %ld on host-1.example)" AND_NOW,
                 (long)child);
  ck_assert_str_eq(err.message, expected);
  ck_assert_str_eq(err.path, second.lock);
  end_holder(child);
}
END_TEST

/* The name of a machine that is long, or not what a message may show. */
START_TEST(odd_names_of_machines) {
  static char longest[256];
  memset(longest, 'h', sizeof longest - 1);
  static const char *const names[][2] = {
      {longest, "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"},
      {"a b\x1b[31m\n\xc3\xbc", "a?b?[31m???"},
  };
  host_name = names[_i][0];
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  ck_assert_int_eq(lock(&first), DL_OK);
  expect_locked(&second);
  char expected[256];
  (void)snprintf(expected, sizeof expected, RUNNING " (process %ld on %s)" AND_NOW, (long)getpid(),
                 names[_i][1]);
  ck_assert_str_eq(err.message, expected);
}
END_TEST

#define H64 "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"

static const struct {
  const char *text;
  size_t size; /* 0: up to its end */
  const char *words;
} notes[] = {
    {"1 h\n", 0, " (process 1 on h)"},
    {"4294967295 " H64 "\n", 0, " (process 4294967295 on " H64 ")"},
    {"1 %s%n\n", 0, " (process 1 on %s%n)"},
    {"", 0, ""},
    {"\n", 0, ""},
    {"12", 0, ""},
    {"12 ", 0, ""},
    {"12 \n", 0, ""},
    {"12 host", 0, ""},
    {" 12 host\n", 0, ""},
    {"12  host\n", 0, ""},
    {"12\thost\n", 0, ""},
    {"-1 host\n", 0, ""},
    {"x host\n", 0, ""},
    {"12345678901 host\n", 0, ""},
    {"12 host more\n", 0, ""},
    {"12 host\nmore\n", 0, ""},
    {"12 host\n\n", 0, ""},
    {"12 ho\x1bst\n", 0, ""},
    {"12 ho\x7fst\n", 0, ""},
    {"12 h\xc3\xb6st\n", 0, ""},
    {"12 host\r\n", 0, ""},
    {"12 h" H64 "\n", 0, ""},
    {"12 h" H64 H64 H64 "\n", 0, ""},
    {"1 h\n\0more\n", 10, ""},
    {"1\0 h\n", 5, ""},
};

/* Anybody could have written it: what is not just what we write is not shown. */
START_TEST(a_note_is_not_trusted) {
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  ck_assert_int_eq(lock(&first), DL_OK);
  write_note(notes[_i].text, notes[_i].size > 0 ? notes[_i].size : strlen(notes[_i].text));
  expect_locked(&second);
  char expected[256];
  (void)snprintf(expected, sizeof expected, RUNNING "%s" AND_NOW, notes[_i].words);
  ck_assert_str_eq(err.message, expected);
}
END_TEST

static pid_t holder;

static void end_holder_at_the_third_sleep(void) {
  if (sleeps == 3) end_holder(holder);
}

static int never(void *user) {
  ++*(int *)user;
  return 0;
}

START_TEST(a_wait_ends_with_the_other_push) {
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  holder = start_holder();
  on_sleep = end_holder_at_the_third_sleep;
  int asked = 0;
  ck_assert_int_eq(dl__statedir_lock(&second, true, never, &asked, &err), DL_OK);
  ck_assert_int_eq(sleeps, 3);
  ck_assert_int_eq(asked, 3);
  ck_assert_int_ge(second.lock_fd, 0);
  expect_locked(&first);
  char words[64];
  (void)snprintf(words, sizeof words, "(process %ld on ", (long)getpid());
  ck_assert_msg(strstr(err.message, words) != NULL, "%s", err.message);
}
END_TEST

START_TEST(a_wait_that_nobody_can_cancel) {
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  holder = start_holder();
  on_sleep = end_holder_at_the_third_sleep;
  ck_assert_int_eq(dl__statedir_lock(&second, true, NULL, NULL, NULL), DL_OK);
  ck_assert_int_eq(sleeps, 3);
}
END_TEST

START_TEST(no_wait_if_the_lock_is_free) {
  init(&first, "/base", "memory://x");
  int asked = 0;
  ck_assert_int_eq(dl__statedir_lock(&first, true, never, &asked, &err), DL_OK);
  ck_assert_int_eq(sleeps, 0);
  ck_assert_int_eq(asked, 0);
}
END_TEST

static int after_five(void *user) {
  return ++*(int *)user > 5;
}

START_TEST(a_wait_is_cancelled) {
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  pid_t child = start_holder();
  int before = dup(STDOUT_FILENO);
  (void)close(before);
  int asked = 0;
  ck_assert_int_eq(dl__statedir_lock(&second, true, after_five, &asked, &err), DL_ERR_CANCELLED);
  ck_assert_int_eq(err.status, DL_ERR_CANCELLED);
  ck_assert_int_eq(second.lock_fd, -1);
  ck_assert_int_eq(asked, 6);
  ck_assert_int_eq(sleeps, 5);
  int after = dup(STDOUT_FILENO);
  ck_assert_int_eq(after, before); /* no descriptor was left open */
  (void)close(after);
  end_holder(child);
  ck_assert_int_eq(lock(&second), DL_OK);
}
END_TEST

/* Only the lock is waited for. */
START_TEST(no_wait_for_a_place_that_cannot_be_used) {
  support_write(top, "home/state/devlog/file", "");
  init(&first, "/base", "memory://x");
  ck_assert_int_eq(mkdir(first.lock, 0700), 0);
  ck_assert_int_eq(dl__statedir_lock(&first, true, NULL, NULL, &err), DL_ERR_STATE);
  ck_assert_int_eq(err.errno_value, EISDIR);
  ck_assert_int_eq(sleeps, 0);
}
END_TEST

/* A5: somebody deletes the lock file while a push runs; the second push still has
 * to be refused, by the lock or by the state. */
START_TEST(the_lock_file_is_deleted_meanwhile) {
  init(&first, "/base", "memory://x");
  init(&second, "/base", "memory://x");
  pid_t child = start_holder();
  ck_assert_int_eq(unlink(first.lock), 0);
  dl__state *state = NULL;
  const char *note;
  dl_status status = lock(&second);
  if (status == DL_OK) status = dl__state_open(second.database, false, &state, &note, &err);
  dl__state_close(state);
  end_holder(child);
  ck_assert_msg(status == DL_ERR_LOCKED, "two pushes run: %s", dl_status_name(status));
  ck_assert_str_eq(err.message, RUNNING AND_NOW);
}
END_TEST

START_TEST(places_that_cannot_be_used) {
  support_write(top, "home/file", "");
  static const char *const places[] = {"home/file", "home/file/devlog"};
  for (int i = 0; i < COUNT(places); i++) {
    free(dir);
    dir = support_path(top, places[i]);
    init(&first, "/base", "memory://x");
    ck_assert_int_eq(lock(&first), DL_ERR_STATE);
    ck_assert_msg(strstr(err.message, dir) != NULL, "%s", err.message);
    ck_assert_int_eq(err.errno_value, ENOTDIR);
    ck_assert_int_eq(first.lock_fd, -1);
  }
  free(dir);
  dir = support_path(top, "locked/devlog");
  support_write(top, "locked/file", "");
  support_drop_root_powers();
  char *locked = support_path(top, "locked");
  ck_assert_int_eq(chmod(locked, 0500), 0);
  free(locked);
  init(&first, "/base", "memory://x");
  ck_assert_int_eq(lock(&first), DL_ERR_STATE);
  ck_assert_int_eq(err.errno_value, EACCES);
  ck_assert_msg(strstr(err.message, dir) != NULL, "%s", err.message);
}
END_TEST

static bool has_id(const dl__file_id *ids, size_t count, const char *path) {
  struct stat st;
  ck_assert_int_eq(stat(path, &st), 0);
  for (size_t i = 0; i < count; i++) {
    if (ids[i].dev == st.st_dev && ids[i].ino == st.st_ino) return true;
  }
  return false;
}

START_TEST(what_a_scan_must_not_touch) {
  dl__file_id ids[DL__STATEDIR_IDS];
  init(&first, "/base", "memory://x");
  ck_assert_uint_eq(dl__statedir_ids(&first, ids), 0);
  ck_assert_int_eq(lock(&first), DL_OK);
  size_t count = dl__statedir_ids(&first, ids);
  ck_assert_uint_eq(count, 2);
  ck_assert(has_id(ids, count, first.dir));
  ck_assert(has_id(ids, count, first.lock));
  const char *stem = strrchr(first.database, '/') + 1;
  char journal[128];
  (void)snprintf(journal, sizeof journal, "%s-journal", stem);
  support_write(dir, stem, "");
  support_write(dir, journal, "");
  support_write(dir, "other.db", "");
  count = dl__statedir_ids(&first, ids);
  ck_assert_uint_eq(count, DL__STATEDIR_IDS);
  ck_assert(has_id(ids, count, first.database));
  char *path = support_path(dir, journal);
  ck_assert(has_id(ids, count, path));
  free(path);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("statedir");
  TCase *tcase = tcase_create("statedir");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, names_of_the_files);
  tcase_add_test(tcase, each_pair_has_its_own);
  tcase_add_test(tcase, names_tell_nothing);
  tcase_add_test(tcase, no_folder_for_it);
  tcase_add_test(tcase, one_push_at_a_time);
  tcase_add_test(tcase, the_lock_of_a_killed_push_is_free_at_once);
  tcase_add_test(tcase, the_holder_leaves_its_name);
  tcase_add_test(tcase, a_refusal_names_the_holder);
  tcase_add_loop_test(tcase, odd_names_of_machines, 0, 2);
  tcase_add_loop_test(tcase, a_note_is_not_trusted, 0, COUNT(notes));
  tcase_add_test(tcase, a_wait_ends_with_the_other_push);
  tcase_add_test(tcase, a_wait_that_nobody_can_cancel);
  tcase_add_test(tcase, no_wait_if_the_lock_is_free);
  tcase_add_test(tcase, a_wait_is_cancelled);
  tcase_add_test(tcase, no_wait_for_a_place_that_cannot_be_used);
  tcase_add_test(tcase, the_lock_file_is_deleted_meanwhile);
  tcase_add_test(tcase, places_that_cannot_be_used);
  tcase_add_test(tcase, what_a_scan_must_not_touch);
  return support_main(suite);
}
