/* The `file` storage's temporaries: none is left by a put that fails, dead ones
 * are swept by a listing, living ones are left alone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory_kit.h"

#define TEMP ".devlog-0123456789abcdef.tmp"

START_TEST(none_left_by_failures) {
  bytes content = bytes_random(300 * KIB, 1);
  dl_error err;
  dl_put_result result;
  for (uint64_t at = 0; at < content.size; at += 75 * KIB) {
    source from = {.content = content, .failing = true, .fail_at = at};
    from.failure = DL_ERR_SOURCE_CHANGED;
    dl_put_request request = put_request("folder/a", &from);
    ASSERT_FAILS(try_put(&storage, &request, &result, &err), DL_ERR_SOURCE_CHANGED, err);
    from = (source){.content = content, .short_of_promise = true, .fail_at = at};
    ck_assert_int_ne(try_put(&storage, &request, &result, &err), DL_OK);
    ck_assert_int_eq(temporaries(), 0);
  }
  assert_keys(&storage, "", "");
  bytes_clear(&content);
}
END_TEST

START_TEST(none_left_by_conflicts) {
  put_text(&storage, "folder/a", "old");
  bytes content = bytes_text("new");
  source from = {.content = content};
  dl_put_request request = put_request("folder/a", &from);
  request.if_absent = 1;
  dl_put_result result;
  dl_error err;
  ASSERT_FAILS(try_put(&storage, &request, &result, &err), DL_ERR_CONFLICT, err);
  ck_assert_int_eq(temporaries(), 0);
  bytes_clear(&content);
}
END_TEST

START_TEST(none_left_by_puts) {
  for (int i = 0; i < 5; i++) put_text(&storage, "folder/a", "content");
  ck_assert_int_eq(temporaries(), 0);
}
END_TEST

START_TEST(dead_ones_swept) {
  put_text(&storage, "a/b/c", "1");
  support_write(root, TEMP, "left at the root");
  support_write(root, "a/" TEMP, "left in a folder");
  support_write(root, "a/b/.devlog-fedcba9876543210.tmp", "");
  ck_assert_int_eq(temporaries(), 3);
  /* To list changes nothing, so that a dry run does not; the next put does. */
  assert_keys(&storage, "", "a/b/c");
  ck_assert_int_eq(temporaries(), 3);
  put_text(&storage, "a/b/c", "2");
  ck_assert_int_eq(temporaries(), 0);
}
END_TEST

/* What is only named a little like it is somebody's file. */
START_TEST(others_not_swept) {
  static const char *const names[] = {"devlog-1.tmp",
                                      ".devlog-1.tm",
                                      ".devlog-1.tmp.jsonl",
                                      "x.devlog-1.tmp",
                                      ".DEVLOG-1.tmp",
                                      ".devlog.tmp",
                                      "a.tmp",
                                      ".devlog-my-own-notes.tmp",
                                      ".devlog-0123456789abcde.tmp"};
  for (int i = 0; i < COUNT(names); i++) support_write(root, names[i], "somebody's");
  listing l = list_of(&storage, "");
  ck_assert_uint_eq(l.count, COUNT(names));
  listing_clear(&l);
  put_text(&storage, "z", "");
  for (int i = 0; i < COUNT(names); i++) assert_text(&storage, names[i], "somebody's");
}
END_TEST

/* A key of such a name would vanish with the next listing. */
START_TEST(name_refused_as_key) {
  static const char *const keys[] = {TEMP, "folder/" TEMP};
  for (int i = 0; i < COUNT(keys); i++) {
    bytes content = bytes_text("content");
    source from = {.content = content};
    dl_put_request request = put_request(keys[i], &from);
    dl_put_result result;
    dl_error err = DL_ERROR_INIT;
    ck_assert_int_ne(try_put(&storage, &request, &result, &err), DL_OK);
    ck_assert_str_ne(err.message, "");
    ck_assert_int_eq(temporaries(), 0);
    bytes_clear(&content);
  }
}
END_TEST

/* Runs in a process of its own until the pipe `until` is closed; says so in `ready`. */
static pid_t fork_holder(int ready[2], int until[2]) {
  ck_assert_int_eq(0, pipe(ready));
  ck_assert_int_eq(0, pipe(until));
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) (void)close(until[1]);
  if (pid > 0) (void)close(ready[1]);
  return pid;
}

static void tell_and_wait(const int ready[2], const int until[2]) {
  char c = 'r';
  if (write(ready[1], &c, 1) != 1) _exit(1);
  while (read(until[0], &c, 1) < 0 && errno == EINTR) continue;
}

static void wait_for(const int ready[2]) {
  char c;
  ck_assert_int_eq(1, read(ready[0], &c, 1));
}

static void let_end(pid_t pid, const int until[2]) {
  (void)close(until[1]);
  int status;
  ck_assert_int_eq(pid, waitpid(pid, &status, 0));
  ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(locked_one_kept) {
  put_text(&storage, "a", "1");
  support_write(root, TEMP, "of a living process");
  int ready[2];
  int until[2];
  pid_t pid = fork_holder(ready, until);
  if (pid == 0) {
    char *path = support_path(root, TEMP);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    free(path);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) _exit(1);
    tell_and_wait(ready, until);
    _exit(0);
  }
  wait_for(ready);
  assert_keys(&storage, "", "a");
  ck_assert_int_eq(temporaries(), 1);
  put_text(&storage, "a", "2");
  ck_assert_int_eq(temporaries(), 1);
  let_end(pid, until);
  assert_keys(&storage, "", "a");
  put_text(&storage, "a", "3");
  ck_assert_int_eq(temporaries(), 0);
}
END_TEST

typedef struct pause_point {
  int *ready;
  int *until;
  bool paused;
} pause_point;

static void pause_once(void *user, uint64_t offset) {
  pause_point *p = user;
  if (p->paused || offset == 0) return;
  p->paused = true;
  tell_and_wait(p->ready, p->until);
}

/* A put of another process that is half done: listed by nobody, swept by nobody. */
START_TEST(put_of_another_process_kept) {
  put_text(&storage, "folder/a", "old");
  bytes content = bytes_random(MIB, 1);
  int ready[2];
  int until[2];
  pid_t pid = fork_holder(ready, until);
  if (pid == 0) {
    pause_point point = {ready, until, false};
    source from = {.content = content, .before = pause_once, .user = &point};
    dl_put_request request = put_request("folder/a", &from);
    dl_put_result result = DL_PUT_RESULT_INIT;
    dl_status status = dl__storage_put(&storage, &request, &result, NULL);
    _exit(status == DL_OK && point.paused ? 0 : 1);
  }
  wait_for(ready);
  ck_assert_int_eq(temporaries(), 1);
  assert_text(&storage, "folder/a", "old");
  assert_keys(&storage, "", "folder/a");
  ck_assert_int_eq(temporaries(), 1);
  let_end(pid, until);
  assert_content(&storage, "folder/a", content);
  ck_assert_int_eq(temporaries(), 0);
  bytes_clear(&content);
}
END_TEST

/* A disk that is full in the middle of a put, as near as one comes without one. */
START_TEST(no_room) {
  put_text(&storage, "folder/a", "old");
  struct rlimit before;
  ck_assert_int_eq(0, getrlimit(RLIMIT_FSIZE, &before));
  struct rlimit small = {200 * KIB + 1, before.rlim_max};
  (void)signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &small));
  bytes content = bytes_random(MIB, 1);
  source from = {.content = content};
  dl_put_request request = put_request("folder/a", &from);
  dl_put_result result;
  dl_error err = DL_ERROR_INIT;
  dl_status status = try_put(&storage, &request, &result, &err);
  ck_assert_int_eq(0, setrlimit(RLIMIT_FSIZE, &before));
  ck_assert_int_eq(status, DL_ERR_STORAGE);
  ck_assert_int_eq(err.errno_value, EFBIG);
  ck_assert_int_eq(temporaries(), 0);
  assert_text(&storage, "folder/a", "old");
  assert_keys(&storage, "", "folder/a");
  from = (source){.content = content};
  ASSERT_OK(try_put(&storage, &request, &result, &err), err);
  assert_content(&storage, "folder/a", content);
  bytes_clear(&content);
}
END_TEST

/* Nothing is left open, whatever the call came to. */
START_TEST(descriptors_given_back) {
  put_text(&storage, "folder/a", "old");
  int first = dup(0);
  (void)close(first);
  bytes content = bytes_random(300 * KIB, 1);
  dl_put_result result;
  dl_error err;
  for (int i = 0; i < 3; i++) {
    source from = {.content = content, .failing = true, .fail_at = 1};
    from.failure = DL_ERR_CANCELLED;
    dl_put_request request = put_request("folder/a", &from);
    ASSERT_FAILS(try_put(&storage, &request, &result, &err), DL_ERR_CANCELLED, err);
    assert_text(&storage, "folder/a", "old");
    assert_absent(&storage, "folder/b");
    assert_absent(&storage, "folder/a/b");
  }
  remove_object(&storage, "folder/a");
  int last = dup(0);
  (void)close(last);
  ck_assert_int_eq(first, last);
  bytes_clear(&content);
}
END_TEST

void directory_temp(Suite *suite) {
  TCase *tc = directory_case(suite, "temporaries");
  tcase_add_test(tc, none_left_by_failures);
  tcase_add_test(tc, none_left_by_conflicts);
  tcase_add_test(tc, none_left_by_puts);
  tcase_add_test(tc, dead_ones_swept);
  tcase_add_test(tc, others_not_swept);
  tcase_add_test(tc, name_refused_as_key);
  tcase_add_test(tc, locked_one_kept);
  tcase_add_test(tc, put_of_another_process_kept);
  tcase_add_test(tc, no_room);
  tcase_add_test(tc, descriptors_given_back);
}
