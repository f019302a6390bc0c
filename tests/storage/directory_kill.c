/* The `file` storage under SIGKILL: of a put that dies anywhere, the remote shows
 * the old object or the new one, and the next listing leaves nothing of it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory_kit.h"
#include "kit_parts.h"

#define KEY "folder/a"

/* Both of the same size, so that only their bytes tell them apart. */
typedef struct pair {
  bytes old;
  bytes new;
} pair;

static pair pair_new(void) {
  return (pair){bytes_random(300 * KIB, 1), bytes_random(300 * KIB, 2)};
}

static void pair_clear(pair *p) {
  bytes_clear(&p->old);
  bytes_clear(&p->new);
}

typedef struct bullet {
  size_t calls;
  size_t kill_on; /* number of the call of read, from 0 */
} bullet;

static void shoot(void *user, uint64_t offset) {
  (void)offset;
  bullet *b = user;
  if (b->calls++ == b->kill_on) (void)kill(getpid(), SIGKILL);
}

/* The same in parts, of which the first is taken over, if there is an old object. */
static void put_parts_and_exit(const pair *p, bool with_old) {
  object before = {0};
  if (with_old) before = stat_of(&storage, KEY);
  cut c = cut_every(p->new, 100 * KIB);
  (void)raise(SIGSTOP);
  dl_upload *upload = begin(&storage, KEY, &c, with_old ? before.etag : NULL);
  if (with_old) keep_part(&storage, upload, &c, 0, 0);
  put_parts(&storage, upload, &c, with_old ? 1 : 0, c.count);
  (void)commit(&storage, upload, &c);
  _exit(0);
}

/* The child's part: puts the new content, with a digest, and ends. */
static void put_and_exit(const pair *p, bullet *b) {
  source from = {.content = p->new, .piece = 6 * KIB};
  if (b != NULL) from.before = shoot;
  from.user = b;
  dl_put_request request = put_request(KEY, &from);
  char digest[DL_DIGEST_SIZE];
  request.digest = bytes_digest(p->new, digest);
  request.mtime_ns = 1234567890;
  if (b == NULL) (void)raise(SIGSTOP); /* from here on the parent counts system calls */
  dl_put_result result = DL_PUT_RESULT_INIT;
  _exit(dl__storage_put(&storage, &request, &result, NULL) == DL_OK ? 0 : 1);
}

/* After the death of a put: true if the new content is there. */
static bool look_after(const pair *p, bool had_old) {
  dl_error err = DL_ERROR_INIT;
  bytes content = {0};
  dl_status status = try_get(&storage, KEY, &content, &err);
  if (status == DL_ERR_NOT_FOUND) {
    ck_assert(!had_old);
    assert_keys(&storage, "", "");
  } else {
    ASSERT_OK(status, err);
    bool is_new = bytes_equal(content, p->new);
    ck_assert_msg(is_new || (had_old && bytes_equal(content, p->old)), "torn");
    assert_content(&storage, KEY, content); /* its digest, too */
    assert_keys(&storage, "", KEY);
  }
  put_text(&storage, "swept", "");
  remove_object(&storage, "swept");
  ck_assert_int_eq(temporaries(), 0);
  bool is_new = status == DL_OK && bytes_equal(content, p->new);
  bytes_clear(&content);
  return is_new;
}

/* Old content there again, or nothing. */
static void start_over(const pair *p, bool with_old) {
  if (with_old) {
    (void)put_with_digest(&storage, KEY, p->old);
  } else {
    remove_object(&storage, KEY);
  }
}

START_TEST(killed_while_reading) {
  pair p = pair_new();
  (void)put_with_digest(&storage, KEY, p.old);
  for (size_t kill_on = 0; kill_on < 50; kill_on++) {
    bullet b = {0, kill_on};
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) put_and_exit(&p, &b);
    int status;
    ck_assert_int_eq(pid, waitpid(pid, &status, 0));
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert(!look_after(&p, true));
  }
  pair_clear(&p);
}
END_TEST

static pid_t start_traced(const pair *p, bool in_parts, bool with_old) {
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(2);
    if (in_parts) put_parts_and_exit(p, with_old);
    put_and_exit(p, NULL);
  }
  return pid;
}

/* Lets the put go over `stops` entries to and exits from system calls, then kills it.
 * 1: killed, 0: it had ended before, -1: this machine does not let us trace. */
static int put_killed_after(const pair *p, bool in_parts, bool with_old, int stops) {
  pid_t pid = start_traced(p, in_parts, with_old);
  int status;
  ck_assert_int_eq(pid, waitpid(pid, &status, 0));
  for (int i = 0; i < stops && WIFSTOPPED(status); i++) {
    ck_assert_int_eq(0, ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
    ck_assert_int_eq(pid, waitpid(pid, &status, 0));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) return -1;
  if (WIFEXITED(status)) {
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    return 0;
  }
  ck_assert_int_eq(0, kill(pid, SIGKILL));
  ck_assert_int_eq(pid, waitpid(pid, &status, 0));
  ck_assert(WIFSIGNALED(status));
  return 1;
}

/* Goes on until the put lives to its end, so every moment is tried; the counts show that. */
START_TEST(killed_at_every_system_call) {
  bool with_old = _i % 2 == 1;
  bool in_parts = _i >= 2;
  pair p = pair_new();
  /* What the parts come to: the first is taken over. */
  if (in_parts && with_old) memcpy(p.new.data, p.old.data, 100 * KIB);
  put_text(&storage, KEY, "");
  int killed = 1;
  int old_seen = 0;
  int new_seen = 0;
  for (int stops = 0; killed == 1; stops++) {
    start_over(&p, with_old);
    killed = put_killed_after(&p, in_parts, with_old, stops);
    if (killed < 0) break;
    bool is_new = look_after(&p, with_old);
    old_seen += !is_new;
    new_seen += is_new;
    if (!is_new && !with_old) put_text(&storage, KEY, "");
  }
  if (killed < 0) printf("# SKIP kills at system calls: cannot trace a process here\n");
  if (killed == 0) ck_assert_msg(old_seen > 40 && new_seen > 4, "%d, %d", old_seen, new_seen);
  (void)fflush(stdout);
  pair_clear(&p);
}
END_TEST

void directory_kill(Suite *suite) {
  TCase *tc = directory_case(suite, "kill");
  tcase_add_test(tc, killed_while_reading);
  tcase_add_loop_test(tc, killed_at_every_system_call, 0, 4);
}
