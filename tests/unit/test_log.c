/* The file with the events: what is damaged hides nothing else, what is appended is
 * whole or not there, and nobody's line gets lost. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/log.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define ID           "20250911"
#define NAME         "events/" ID ".jsonl"
#define LINE(x)      "{\"type\":\"ContentUpdated\",\"data\":{\"content\":\"" x "\"}}\n"

/* The calls below stand before those of libc. */
static ssize_t write_room = -1; /* bytes that still go in; -1: no end */
static int writes, syncs, fail_sync;

static void find(void *function, const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  memcpy(function, &found, sizeof found);
}

ssize_t write(int fd, const void *data, size_t size) {
  ssize_t (*real)(int, const void *, size_t);
  find(&real, "write");
  writes++;
  if (write_room == 0) {
    errno = ENOSPC;
    return -1;
  }
  if (write_room > 0 && (size_t)write_room < size) size = (size_t)write_room;
  if (write_room > 0) write_room -= (ssize_t)size;
  return real(fd, data, size);
}

static int sync_with(const char *name, int fd) {
  int (*real)(int);
  find(&real, name);
  if (++syncs == fail_sync) {
    errno = EIO;
    return -1;
  }
  return real(fd);
}

int fdatasync(int fd) {
  return sync_with("fdatasync", fd);
}

int fsync(int fd) {
  return sync_with("fsync", fd);
}

static char *top;
static int base_fd;
static dl__log journal;
static dl_error err;
static char seen[4096]; /* the contents, with a space behind each */

static void setup(void) {
  top = support_tmpdir();
  base_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_ge(base_fd, 0);
  journal = (dl__log)DL__LOG_INIT;
  err = (dl_error)DL_ERROR_INIT;
  write_room = -1;
  writes = syncs = fail_sync = 0;
}

static void teardown(void) {
  dl__log_close(&journal);
  (void)close(base_fd);
  support_rmdir(top);
}

static void put(const char *text) {
  support_write(top, NAME, text);
}

static void expect_file(const char *text) {
  char *got = support_read(top, NAME, NULL);
  ck_assert_str_eq(got, text);
  free(got);
}

static dl_status open_log(dl__log_mode mode) {
  dl__log_close(&journal);
  return dl__log_open(&journal, top, base_fd, ID, mode, &err);
}

static dl_status note_content(const dl__event *event, void *user, dl_error *e) {
  (void)user;
  (void)e;
  size_t used = strlen(seen);
  (void)snprintf(seen + used, sizeof seen - used, "%s ",
                 event->content != NULL ? event->content : "-");
  return DL_OK;
}

static void read_log(dl__log_mode mode) {
  seen[0] = '\0';
  dl_status status = open_log(mode);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  status = dl__log_read(&journal, note_content, NULL, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
}

static dl_status append(const char *text) {
  dl__buf lines = {0};
  ck_assert(dl__buf_add_text(&lines, text));
  dl_status status = dl__log_append(&journal, &lines, &err);
  dl__buf_clear(&lines);
  return status;
}

static const struct {
  const char *text, *seen;
  unsigned events, damaged;
  bool ended, torn;
} files[] = {
    {"", "", 0, 0, true, false},
    {LINE("a"), "a ", 1, 0, true, false},
    {LINE("a") "\n \r\n" LINE("b"), "a b ", 2, 0, true, false},
    {LINE("a") "{\"type\":\"Cont", "a ", 1, 0, false, true},
    {LINE("a") "x", "a ", 1, 0, false, true},
    {"{", "", 0, 0, false, true},
    {LINE("a") "  ", "a ", 1, 0, false, false},
    {LINE("a") "{\"type\":\"ContentUpdated\",\"data\":{\"content\":\"b\"}}", "a b ", 2, 0, false,
     false}, /* lacks only its end */
    {LINE("a") "garbage\n" LINE("b") "[1]\n", "a b ", 2, 2, true, false},
    {"garbage\n" LINE("a") "{\"new\":1}\n", "a - ", 2, 1, true, false},
    {LINE("a") "garbage\n{", "a ", 1, 1, false, true},
};

START_TEST(what_is_read) {
  put(files[_i].text);
  read_log(DL__LOG_READ);
  ck_assert_str_eq(seen, files[_i].seen);
  ck_assert_uint_eq(journal.events, files[_i].events);
  ck_assert_uint_eq(journal.damaged, files[_i].damaged);
  ck_assert_int_eq(journal.ended, files[_i].ended);
  ck_assert_int_eq(journal.torn, files[_i].torn);
  expect_file(files[_i].text);
}
END_TEST

/* After each of these files the next event stands on a line of its own, the events
 * before are those they were, and nothing was removed. */
START_TEST(what_is_appended) {
  put(files[_i].text);
  read_log(DL__LOG_WRITE);
  char before[sizeof seen], want[sizeof seen + 512];
  (void)snprintf(before, sizeof before, "%s", seen);
  writes = 0;
  ck_assert_int_eq(append(LINE("new")), DL_OK);
  ck_assert_int_eq(writes, 1);
  (void)snprintf(want, sizeof want, "%s%s" LINE("new"), files[_i].text,
                 files[_i].ended ? "" : "\n");
  expect_file(want);
  uint64_t damaged = journal.damaged;
  read_log(DL__LOG_READ);
  (void)snprintf(want, sizeof want, "%snew ", before);
  ck_assert_str_eq(seen, want);
  ck_assert_uint_eq(journal.damaged, damaged);
  ck_assert_uint_eq(journal.damaged, files[_i].damaged + (files[_i].torn ? 1 : 0));
  ck_assert(!journal.torn);
}
END_TEST

START_TEST(torn_by_zeros) {
  support_write_bytes(top, NAME, LINE("a") "\0\0\0\0", sizeof LINE("a") - 1 + 4);
  read_log(DL__LOG_WRITE);
  ck_assert_str_eq(seen, "a ");
  ck_assert(journal.torn);
  ck_assert_int_eq(append(LINE("b")), DL_OK);
  read_log(DL__LOG_READ);
  ck_assert_str_eq(seen, "a b ");
}
END_TEST

/* Lines that end at, before and behind the pieces that are read at once. */
START_TEST(lines_of_all_lengths) {
  enum { MOST = 200000 };
  char *text = malloc(MOST + 1);
  ck_assert_ptr_nonnull(text);
  static const size_t sizes[] = {1, 65000, 65535, 65536, 65537, 131071, MOST};
  for (int i = 0; i < COUNT(sizes); i++) {
    dl__buf lines = {0};
    memset(text, 'x', sizes[i]);
    text[sizes[i]] = '\0';
    ck_assert_int_eq(dl__event_add_updated(&lines, text, "", &err), DL_OK);
    ck_assert(dl__buf_add_text(&lines, LINE("end")));
    put(lines.data);
    dl__buf_clear(&lines);
    read_log(DL__LOG_READ);
    ck_assert_uint_eq(journal.events, 2);
    ck_assert(journal.ended);
  }
  free(text);
}
END_TEST

/* No memory for it is spent, and the lines around it count. */
START_TEST(a_line_without_end) {
  char *path = support_path(top, NAME);
  put(LINE("a"));
  ck_assert_int_eq(truncate(path, (off_t)DL__EVENT_LINE_MAX * 2), 0);
  read_log(DL__LOG_READ);
  ck_assert_str_eq(seen, "a ");
  ck_assert(journal.torn);
  support_append(top, NAME, "\n" LINE("b"));
  read_log(DL__LOG_READ);
  ck_assert_str_eq(seen, "a b ");
  ck_assert_uint_eq(journal.damaged, 1);
  free(path);
}
END_TEST

/* A whole object that is longer than anything that is ever written. */
START_TEST(a_line_that_is_too_long) {
  size_t size = DL__EVENT_LINE_MAX + 1;
  char *text = malloc(size + sizeof "\n" LINE("b"));
  ck_assert_ptr_nonnull(text);
  memset(text, ' ', size);
  memcpy(text + size - 2, "{}\n" LINE("b"), sizeof "{}\n" LINE("b"));
  put(text);
  read_log(DL__LOG_READ);
  ck_assert_str_eq(seen, "b ");
  ck_assert_uint_eq(journal.damaged, 1);
  put(text + 1);
  read_log(DL__LOG_READ);
  ck_assert_str_eq(seen, "- b ");
  ck_assert_uint_eq(journal.damaged, 0);
  free(text);
}
END_TEST

START_TEST(a_file_that_is_not_there) {
  ck_assert_int_eq(open_log(DL__LOG_READ), DL_ERR_NOT_FOUND);
  ck_assert_int_eq(open_log(DL__LOG_WRITE), DL_ERR_NOT_FOUND);
  ck_assert(!support_exists(top, "events"));
  ck_assert_int_eq(open_log(DL__LOG_CREATE), DL_OK);
  struct stat st;
  ck_assert_int_eq(fstat(journal.fd, &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0600);
  ck_assert_int_eq(fstat(journal.dir_fd, &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0700);
}
END_TEST

/* The event and the name of its file are safe before success is told. */
START_TEST(durable_before_success) {
  read_log(DL__LOG_CREATE);
  syncs = 0;
  ck_assert_int_eq(append(LINE("a")), DL_OK);
  ck_assert_int_eq(syncs, 2);
  for (int n = 1; n <= 2; n++) {
    syncs = 0;
    fail_sync = n;
    ck_assert_int_eq(append(LINE("b")), DL_ERR_JOURNAL);
    ck_assert_ptr_nonnull(strstr(err.message, "not known to be safe"));
    ck_assert_int_eq(err.errno_value, EIO);
  }
}
END_TEST

/* A disk that gets full at any byte: what went in is taken back, and the next one fits. */
START_TEST(no_room) {
  size_t size = strlen(LINE("b") LINE("c"));
  for (size_t room = 0; room < size; room++) {
    put(LINE("a"));
    read_log(DL__LOG_WRITE);
    write_room = (ssize_t)room;
    ck_assert_int_eq(append(LINE("b") LINE("c")), DL_ERR_JOURNAL);
    ck_assert_int_eq(err.errno_value, ENOSPC);
    ck_assert_ptr_nonnull(strstr(err.message, NAME));
    write_room = -1;
    expect_file(LINE("a"));
  }
  ck_assert_int_eq(append(LINE("b")), DL_OK);
  expect_file(LINE("a") LINE("b"));
}
END_TEST

/* A short write that can go on is no failure. */
START_TEST(short_write) {
  read_log(DL__LOG_CREATE);
  write_room = 5;
  ck_assert_int_eq(append(LINE("a")), DL_ERR_JOURNAL);
  expect_file("");
  write_room = (ssize_t)strlen(LINE("a"));
  ck_assert_int_eq(append(LINE("a")), DL_OK);
  expect_file(LINE("a"));
}
END_TEST

START_TEST(a_link_in_the_way) {
  static const char *const names[] = {NAME, "events"};
  for (int i = 0; i < COUNT(names); i++) {
    support_write(top, "elsewhere/" ID ".jsonl", LINE("a"));
    char *link = support_path(top, names[i]);
    char *target = support_path(top, i == 0 ? "elsewhere/" ID ".jsonl" : "elsewhere");
    if (i == 0) support_write(top, "events/x", "");
    if (i == 1) {
      char *folder = support_path(top, "events");
      char *away = support_path(top, "away");
      ck_assert_int_eq(rename(folder, away), 0);
      free(folder);
      free(away);
    }
    ck_assert_int_eq(symlink(target, link), 0);
    for (int mode = DL__LOG_READ; mode <= DL__LOG_CREATE; mode++) {
      ck_assert_int_eq(open_log((dl__log_mode)mode), DL_ERR_JOURNAL);
      ck_assert_msg(strstr(err.message, "symbolic link") != NULL, "%s", err.message);
    }
    free(link);
    free(target);
  }
}
END_TEST

START_TEST(a_fifo_in_the_way) {
  support_write(top, "events/x", "");
  char *path = support_path(top, NAME);
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  for (int mode = DL__LOG_READ; mode <= DL__LOG_CREATE; mode++) {
    ck_assert_int_eq(open_log((dl__log_mode)mode), DL_ERR_JOURNAL);
    ck_assert_msg(strstr(err.message, "special file") != NULL, "%s", err.message);
  }
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(mkdir(path, 0700), 0);
  for (int mode = DL__LOG_READ; mode <= DL__LOG_CREATE; mode++) {
    ck_assert_int_eq(open_log((dl__log_mode)mode), DL_ERR_JOURNAL);
  }
  free(path);
}
END_TEST

/* Who waits for the lock of a file that is replaced meanwhile must not append to the
 * old one. The child asks for the lock, which shows in /proc/locks, then the file goes. */
static bool somebody_waits(void) {
  FILE *locks = fopen("/proc/locks", "r");
  ck_assert_ptr_nonnull(locks);
  struct stat st;
  ck_assert_int_eq(fstat(journal.fd, &st), 0);
  char line[256], inode[32];
  (void)snprintf(inode, sizeof inode, ":%ju ", (uintmax_t)st.st_ino);
  bool found = false;
  while (fgets(line, sizeof line, locks) != NULL) {
    if (strstr(line, "->") != NULL && strstr(line, inode) != NULL) found = true;
  }
  (void)fclose(locks);
  return found;
}

START_TEST(replaced_while_waiting) {
  put(LINE("old"));
  read_log(DL__LOG_WRITE);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    dl__log_close(&journal); /* the lock is the parent's as long as it has the file open */
    dl__log mine = DL__LOG_INIT;
    dl_status status = dl__log_open(&mine, top, base_fd, ID, DL__LOG_WRITE, NULL);
    if (status == DL_OK) status = dl__log_read(&mine, note_content, NULL, NULL);
    dl__buf lines = {0};
    if (!dl__buf_add_text(&lines, LINE("child"))) _exit(2);
    if (status == DL_OK) status = dl__log_append(&mine, &lines, NULL);
    _exit(status == DL_OK ? 0 : 1);
  }
  for (int i = 0; !somebody_waits(); i++) {
    ck_assert_int_lt(i, 10000);
    (void)usleep(1000);
  }
  support_write(top, "events/new", LINE("new"));
  char *from = support_path(top, "events/new"), *to = support_path(top, NAME);
  ck_assert_int_eq(rename(from, to), 0);
  free(from);
  free(to);
  dl__log_close(&journal);
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  expect_file(LINE("new") LINE("child"));
}
END_TEST

/* A10. Each opens the file for every event, as programs do that do not know each other. */
#define WRITERS 8
#define EVENTS  200

static int writer(int number) {
  for (int i = 0; i < EVENTS; i++) {
    char content[600];
    int length = snprintf(content, sizeof content, "%d-%d-", number, i);
    memset(content + length, 'x', 500);
    content[length + 500] = '\0';
    dl__log mine = DL__LOG_INIT;
    dl__buf lines = {0};
    dl_status status = dl__log_open(&mine, top, base_fd, ID, DL__LOG_CREATE, NULL);
    if (status == DL_OK) status = dl__event_add_updated(&lines, content, "", NULL);
    if (status == DL_OK) status = dl__log_append(&mine, &lines, NULL);
    dl__buf_clear(&lines);
    dl__log_close(&mine);
    if (status != DL_OK) return 1;
  }
  return 0;
}

typedef struct tally {
  int next[WRITERS];
} tally;

static dl_status count_event(const dl__event *event, void *user, dl_error *e) {
  (void)e;
  tally *t = user;
  int number, i;
  ck_assert_ptr_nonnull(event->content);
  ck_assert_int_eq(sscanf(event->content, "%d-%d-", &number, &i), 2);
  ck_assert_int_lt(number, WRITERS);
  ck_assert_int_eq(t->next[number], i); /* each writer's events in their order */
  t->next[number]++;
  return DL_OK;
}

START_TEST(eight_processes) {
  pid_t children[WRITERS];
  for (int i = 0; i < WRITERS; i++) {
    children[i] = fork();
    ck_assert_int_ge(children[i], 0);
    if (children[i] == 0) _exit(writer(i));
  }
  for (int i = 0; i < WRITERS; i++) {
    int status;
    ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  tally t = {{0}};
  ck_assert_int_eq(open_log(DL__LOG_READ), DL_OK);
  ck_assert_int_eq(dl__log_read(&journal, count_event, &t, &err), DL_OK);
  for (int i = 0; i < WRITERS; i++) ck_assert_int_eq(t.next[i], EVENTS);
  ck_assert_uint_eq(journal.events, WRITERS * EVENTS);
  ck_assert_uint_eq(journal.damaged, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("log");
  TCase *tcase = tcase_create("log");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 50);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, what_is_read, 0, COUNT(files));
  tcase_add_loop_test(tcase, what_is_appended, 0, COUNT(files));
  tcase_add_test(tcase, torn_by_zeros);
  tcase_add_test(tcase, lines_of_all_lengths);
  tcase_add_test(tcase, a_line_without_end);
  tcase_add_test(tcase, a_line_that_is_too_long);
  tcase_add_test(tcase, a_file_that_is_not_there);
  tcase_add_test(tcase, durable_before_success);
  tcase_add_test(tcase, no_room);
  tcase_add_test(tcase, short_write);
  tcase_add_test(tcase, a_link_in_the_way);
  tcase_add_test(tcase, a_fifo_in_the_way);
  tcase_add_test(tcase, replaced_while_waiting);
  tcase_add_test(tcase, eight_processes);
  return support_main(suite);
}
