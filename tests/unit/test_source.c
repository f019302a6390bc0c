/* Reading one version of a file: to have grown is no change, all else is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "push/source.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BUFFER       64 /* of the reader: small, so that files take many pieces */

static char *dir;
static int dir_fd;
static dl_error err;
static atomic_bool cancel;
static dl__reader reader;
static dl__source source;

/* Called by the interposed pread before the piece with the number reads_until. */
static void (*on_read)(void);
static int reads_until;
static int read_errno; /* pread fails with it; 0: it does not */

ssize_t pread(int fd, void *buf, size_t size, off_t offset) {
  ssize_t (*real)(int, void *, size_t, off_t);
  void *found = dlsym(RTLD_NEXT, "pread64");
  memcpy(&real, &found, sizeof found);
  if (on_read != NULL && reads_until-- == 0) on_read();
  if (read_errno != 0) errno = read_errno;
  return read_errno != 0 ? -1 : real(fd, buf, size, offset);
}

static void setup(void) {
  dir = support_tmpdir();
  dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_ge(dir_fd, 0);
  err = (dl_error)DL_ERROR_INIT;
  atomic_store(&cancel, false);
  source = (dl__source){.fd = -1};
  ck_assert_int_eq(dl__reader_init(&reader, BUFFER, true, &cancel, &err), DL_OK);
}

static void teardown(void) {
  dl__source_close(&source);
  dl__source_close(&source);
  dl__reader_clear(&reader);
  dl__reader_clear(&reader);
  (void)close(dir_fd);
  support_rmdir(dir);
}

static void open_source(const char *key) {
  dl_status status = dl__source_open(&source, dir_fd, key, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
}

/* size bytes that differ from place to place. */
static void fill(char *data, size_t size) {
  for (size_t i = 0; i < size; i++) data[i] = (char)(i * 7 + i / 251);
}

static void write_file(const char *name, size_t size) {
  char data[1024];
  ck_assert_uint_le(size, sizeof data);
  fill(data, size);
  support_write_bytes(dir, name, data, size);
}

/* The digests are those of the first size bytes of what fill gives. */
static void expect_digest(const dl__digests *digests, size_t size) {
  char data[1024];
  char sha256[DL__DIGEST_SIZE];
  uint8_t md5[DL__MD5_BYTES];
  fill(data, size);
  dl__hash hash;
  ck_assert_int_eq(dl__hash_init(&hash, true, NULL), DL_OK);
  ck_assert_int_eq(dl__hash_add(&hash, data, size, NULL), DL_OK);
  ck_assert_int_eq(dl__hash_end(&hash, sha256, NULL), DL_OK);
  ck_assert_int_eq(dl__hash_end_md5(&hash, md5, NULL), DL_OK);
  dl__hash_clear(&hash);
  ck_assert_str_eq(digests->sha256, sha256);
  ck_assert(digests->has_md5);
  ck_assert_mem_eq(digests->md5, md5, sizeof md5);
}

static void expect_failure(dl_status status, dl_status expected, const char *key) {
  ck_assert_msg(status == expected, "%s: %s", dl_status_name(status), err.message);
  ck_assert_int_eq(err.status, expected);
  ck_assert_str_eq(err.path, key);
  ck_assert_str_ne(err.message, "");
}

static const size_t sizes[] = {0, 1, BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER, 1000};

START_TEST(digest_of_the_whole_file) {
  write_file("a/f", sizes[_i]);
  open_source("a/f");
  ck_assert_uint_eq(source.stamp.size_bytes, sizes[_i]);
  for (int again = 0; again < 2; again++) {
    dl__digests digests;
    ck_assert_int_eq(dl__source_digest(&source, &reader, &digests, &err), DL_OK);
    expect_digest(&digests, sizes[_i]);
    char data[1024];
    fill(data, sizes[_i]);
    if (sizes[_i] > 0 && sizes[_i] <= BUFFER) ck_assert_mem_eq(reader.buffer, data, sizes[_i]);
  }
  ck_assert_int_eq(dl__source_check(&source, &err), DL_OK);
}
END_TEST

static void append(void) {
  support_append(dir, "f", "more of it");
}

START_TEST(to_grow_is_no_change) {
  write_file("f", 300);
  if (_i == 1) support_settle();
  open_source("f");
  on_read = append;
  reads_until = 2;
  dl__digests digests;
  ck_assert_int_eq(dl__source_digest(&source, &reader, &digests, &err), DL_OK);
  expect_digest(&digests, 300);
  ck_assert_int_eq(dl__source_check(&source, &err), DL_OK);
  ck_assert_uint_eq(source.stamp.size_bytes, 300);
}
END_TEST

static void cut(void) {
  ck_assert_int_eq(truncate("f", 100), 0);
}

START_TEST(to_shrink_is_a_change) {
  ck_assert_int_eq(fchdir(dir_fd), 0);
  write_file("f", 300);
  open_source("f");
  on_read = cut;
  reads_until = _i;
  dl__digests digests;
  expect_failure(dl__source_digest(&source, &reader, &digests, &err), DL_ERR_SOURCE_CHANGED, "f");
  expect_failure(dl__source_check(&source, &err), DL_ERR_SOURCE_CHANGED, "f");
}
END_TEST

START_TEST(to_shrink_after_the_reading_is_a_change) {
  ck_assert_int_eq(fchdir(dir_fd), 0);
  write_file("f", 300);
  open_source("f");
  dl__digests digests;
  ck_assert_int_eq(dl__source_digest(&source, &reader, &digests, &err), DL_OK);
  cut();
  expect_failure(dl__source_check(&source, &err), DL_ERR_SOURCE_CHANGED, "f");
}
END_TEST

static void edit_in_place(void) {
  int fd = openat(dir_fd, "f", O_WRONLY | O_CLOEXEC);
  ck_assert_int_eq(pwrite(fd, "#", 1, 150), 1);
  (void)close(fd);
}

static void edit_secretly(void) {
  struct stat st;
  ck_assert_int_eq(fstatat(dir_fd, "f", &st, 0), 0);
  edit_in_place();
  struct timespec times[2] = {st.st_atim, st.st_mtim};
  ck_assert_int_eq(utimensat(dir_fd, "f", times, 0), 0);
}

static void replace(void) {
  write_file("new", 300);
  ck_assert_int_eq(renameat(dir_fd, "new", dir_fd, "f"), 0);
}

static void remove_file(void) {
  ck_assert_int_eq(unlinkat(dir_fd, "f", 0), 0);
}

static void remove_after_append(void) {
  append();
  remove_file();
}

static void replace_after_append(void) {
  append();
  replace();
}

static void become_link(void) {
  ck_assert_int_eq(renameat(dir_fd, "f", dir_fd, "moved"), 0);
  ck_assert_int_eq(symlinkat("moved", dir_fd, "f"), 0);
}

static void become_folder(void) {
  remove_file();
  ck_assert_int_eq(mkdirat(dir_fd, "f", 0700), 0);
}

static void become_fifo(void) {
  remove_file();
  ck_assert_int_eq(mkfifoat(dir_fd, "f", 0600), 0);
}

static const struct {
  const char *what;
  void (*change)(void);
} changes[] = {
    {"edited in place", edit_in_place},
    {"edited, mtime put back", edit_secretly},
    {"replaced by a rename", replace},
    {"deleted", remove_file},
    {"grown, then deleted", remove_after_append},
    {"grown, then replaced", replace_after_append},
    {"became a link to itself", become_link},
    {"became a folder", become_folder},
    {"became a FIFO", become_fifo},
};

/* What was read is the old file, or a mixture; settled before, so that any
 * filesystem shows the change. Once after the reading, once in the middle of it. */
START_TEST(to_change_is_noticed) {
  write_file("f", 300);
  support_settle();
  open_source("f");
  ck_assert(source.settled);
  bool in_between = _i >= COUNT(changes);
  int i = _i % COUNT(changes);
  if (in_between) on_read = changes[i].change;
  reads_until = 1;
  dl__digests digests;
  ck_assert_int_eq(dl__source_digest(&source, &reader, &digests, &err), DL_OK);
  if (!in_between) changes[i].change();
  dl_status status = dl__source_check(&source, &err);
  ck_assert_msg(status == DL_ERR_SOURCE_CHANGED, "%s: not noticed", changes[i].what);
  expect_failure(status, DL_ERR_SOURCE_CHANGED, "f");
}
END_TEST

START_TEST(a_folder_above_is_swapped) {
  write_file("d/f", 10);
  open_source("d/f");
  ck_assert_int_eq(renameat(dir_fd, "d", dir_fd, "moved"), 0);
  expect_failure(dl__source_check(&source, &err), DL_ERR_SOURCE_CHANGED, "d/f");
  ck_assert_int_eq(symlinkat("moved", dir_fd, "d"), 0);
  expect_failure(dl__source_check(&source, &err), DL_ERR_SOURCE_CHANGED, "d/f");
}
END_TEST

START_TEST(what_cannot_be_opened) {
  write_file("f", 10);
  write_file("locked", 10);
  ck_assert_int_eq(symlinkat("f", dir_fd, "link"), 0);
  ck_assert_int_eq(symlinkat(".", dir_fd, "here"), 0);
  ck_assert_int_eq(mkdirat(dir_fd, "folder", 0700), 0);
  ck_assert_int_eq(mkfifoat(dir_fd, "fifo", 0600), 0);
  ck_assert_int_eq(fchmodat(dir_fd, "locked", 0, 0), 0);
  support_drop_root_powers();
  static const struct {
    const char *key;
    int errnum;
  } cases[] = {{"missing", ENOENT}, {"missing/f", ENOENT}, {"link", ELOOP},   {"f/below", ENOTDIR},
               {"folder", 0},       {"fifo", 0},           {"locked", EACCES}};
  for (int i = 0; i < COUNT(cases); i++) {
    dl_status status = dl__source_open(&source, dir_fd, cases[i].key, &err);
    expect_failure(status, DL_ERR_UPLOAD, cases[i].key);
    ck_assert_int_eq(err.errno_value, cases[i].errnum);
    dl__source_close(&source);
    ck_assert_int_eq(source.fd, -1);
  }
  expect_failure(dl__source_open(&source, dir_fd, "here/f", &err), DL_ERR_UPLOAD, "here/f");
}
END_TEST

START_TEST(read_gives_exactly_what_was_asked) {
  write_file("f", 300);
  open_source("f");
  char data[300];
  char got[301] = {0};
  fill(data, sizeof data);
  ck_assert_int_eq(dl__source_read(&source, 0, got, 300, &err), DL_OK);
  ck_assert_mem_eq(got, data, 300);
  ck_assert_int_eq(dl__source_read(&source, 299, got, 1, &err), DL_OK);
  ck_assert_int_eq(got[0], data[299]);
  ck_assert_int_eq(dl__source_read(&source, 300, got, 0, &err), DL_OK);
  expect_failure(dl__source_read(&source, 299, got, 2, &err), DL_ERR_SOURCE_CHANGED, "f");
  expect_failure(dl__source_read(&source, 1000, got, 1, &err), DL_ERR_SOURCE_CHANGED, "f");
}
END_TEST

START_TEST(a_failure_to_read) {
  write_file("f", 300);
  open_source("f");
  read_errno = EIO;
  dl__digests digests;
  expect_failure(dl__source_digest(&source, &reader, &digests, &err), DL_ERR_UPLOAD, "f");
  ck_assert_int_eq(err.errno_value, EIO);
}
END_TEST

static void cancel_now(void) {
  atomic_store(&cancel, true);
}

START_TEST(cancel_ends_the_reading) {
  write_file("f", 300);
  open_source("f");
  on_read = cancel_now;
  reads_until = 1;
  dl__digests digests;
  ck_assert_int_eq(dl__source_digest(&source, &reader, &digests, &err), DL_ERR_CANCELLED);
  ck_assert_int_eq(err.status, DL_ERR_CANCELLED);
  ck_assert_int_eq(reads_until, -1); /* no piece after it */
  atomic_store(&cancel, false);
  ck_assert_int_eq(dl__source_digest(&source, &reader, &digests, &err), DL_OK);
  expect_digest(&digests, 300);
}
END_TEST

START_TEST(a_reader_without_md5) {
  dl__reader plain;
  ck_assert_int_eq(dl__reader_init(&plain, BUFFER, false, &cancel, &err), DL_OK);
  write_file("f", 300);
  open_source("f");
  dl__digests digests = {.has_md5 = true};
  dl__digests both;
  ck_assert_int_eq(dl__source_digest(&source, &plain, &digests, &err), DL_OK);
  ck_assert(!digests.has_md5);
  ck_assert_int_eq(dl__source_digest(&source, &reader, &both, &err), DL_OK);
  ck_assert_str_eq(digests.sha256, both.sha256);
  dl__reader_clear(&plain);
}
END_TEST

START_TEST(a_reader_without_memory) {
  dl__reader none;
  volatile size_t size = SIZE_MAX / 2;
  ck_assert_int_eq(dl__reader_init(&none, size, false, &cancel, &err), DL_ERR_NO_MEMORY);
  dl__reader_clear(&none);
}
END_TEST

const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
  return "allocator_may_return_null=1";
}

/* Without this, what was pushed the moment it was written would never count as known. */
START_TEST(a_file_of_this_moment_is_waited_for) {
  support_write(dir, "f", "just written");
  open_source("f");
  ck_assert(source.settled);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("source");
  TCase *tcase = tcase_create("source");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, digest_of_the_whole_file, 0, COUNT(sizes));
  tcase_add_loop_test(tcase, to_grow_is_no_change, 0, 2);
  tcase_add_loop_test(tcase, to_shrink_is_a_change, 1, 4);
  tcase_add_test(tcase, to_shrink_after_the_reading_is_a_change);
  tcase_add_loop_test(tcase, to_change_is_noticed, 0, 2 * COUNT(changes));
  tcase_add_test(tcase, a_folder_above_is_swapped);
  tcase_add_test(tcase, what_cannot_be_opened);
  tcase_add_test(tcase, read_gives_exactly_what_was_asked);
  tcase_add_test(tcase, a_failure_to_read);
  tcase_add_test(tcase, cancel_ends_the_reading);
  tcase_add_test(tcase, a_reader_without_md5);
  tcase_add_test(tcase, a_reader_without_memory);
  tcase_add_test(tcase, a_file_of_this_moment_is_waited_for);
  return support_main(suite);
}
