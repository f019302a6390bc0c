/* tests/integration/delta_kit.h: a file of three parts, what it should be at the remote, and pushes
 * of it to storages that take parts over (memory and file), with one in between that lets the test
 * step in. */
#ifndef DL_TESTS_DELTA_KIT_H
#define DL_TESTS_DELTA_KIT_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/hook.h"
#include "support/pusher.h"
#include "support/support.h"

#define MIB  ((size_t)1024 * 1024)
#define FULL (4 * MIB) /* a full part at the start of a file */
#define SIZE (2 * FULL + 1000)
#define KEY  "big.md" /* not one of those that only ever grow */

enum { MEMORY, FOLDER, STORAGES };

static pusher p;
static hook h;
static const dl_storage *inner;
static char *folder; /* of the objects */
static char url[4096];

/* The content that the file has, or had when it was pushed. */
static char *content;
static size_t content_size;

/* First in each test, with its number. */
static inline void begin(int which) {
  h = (hook){.caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL, .parts = 1};
  (void)snprintf(url, sizeof url, "file://%s", folder);
  if (which == FOLDER) h.inner_url = url;
  hook_register(&h);
  inner = hook_open_url(which == FOLDER ? url : "memory://hook");
  pusher_open(&p, "hook://test");
}

static inline void setup(void) {
  folder = support_tmpdir();
  content = malloc(SIZE + MIB);
  ck_assert_ptr_nonnull(content);
}

static inline void teardown(void) {
  pusher_close(&p);
  dl_storage_close(inner);
  support_rmdir(folder);
  free(content);
}

/* ---- the file ---- */

static inline void make_file(unsigned seed) {
  uint64_t x = seed + 88172645463325252u;
  for (size_t i = 0; i < SIZE; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    content[i] = (char)(x >> 16);
  }
  content_size = SIZE;
  support_write_bytes(p.src, KEY, content, SIZE);
  support_settle();
}

static inline void write_file(size_t offset, const char *text) {
  char *path = support_path(p.src, KEY);
  int fd = open(path, O_WRONLY);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq((int)strlen(text), (int)pwrite(fd, text, strlen(text), (off_t)offset));
  ck_assert_int_eq(0, close(fd));
  free(path);
}

/* In the file and in what it should be at the remote. */
static inline void edit(size_t offset, const char *text) {
  support_settle();
  write_file(offset, text);
  memcpy(content + offset, text, strlen(text));
  if (offset + strlen(text) > content_size) content_size = offset + strlen(text);
}

static inline void cut(size_t size) {
  char *path = support_path(p.src, KEY);
  support_settle();
  ck_assert_int_eq(0, truncate(path, (off_t)size));
  content_size = size;
  free(path);
}

/* ---- pushes ---- */

static inline void assert_remote(void) {
  size_t got = 0;
  char *data = hook_read(inner, KEY, &got);
  ck_assert_ptr_nonnull(data);
  ck_assert_uint_eq(content_size, got);
  ck_assert_int_eq(0, memcmp(content, data, got));
  free(data);
}

static inline void reset(void) {
  atomic_store(&h.put_parts, 0);
  atomic_store(&h.reuses, 0);
  atomic_store(&h.commits, 0);
  atomic_store(&h.part_bytes, 0);
}

static inline void push_ok(void) {
  reset();
  dl_status status = pusher_push(&p);
  ck_assert_msg(status == DL_OK, "%s: %s %s", dl_status_name(status), p.err.message,
                p.last_message);
}

/* A push that sends so many bytes, in so many parts, and takes over so many. */
static inline void push_sends(size_t bytes, int parts, int reuses) {
  push_ok();
  ck_assert_uint_eq(1, p.result.files_uploaded);
  ck_assert_uint_eq(bytes, atomic_load(&h.part_bytes));
  ck_assert_uint_eq(bytes, p.result.bytes_sent);
  ck_assert_uint_eq(content_size - bytes, p.result.bytes_reused);
  ck_assert_int_eq(parts, atomic_load(&h.put_parts));
  ck_assert_int_eq(reuses, atomic_load(&h.reuses));
  ck_assert_int_eq(1, atomic_load(&h.commits));
  ck_assert_int_eq(0, atomic_load(&h.puts));
  assert_remote();
}

static inline void push_fails(dl_status why) {
  reset();
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_uint_eq(1, p.result.files_failed);
  ck_assert_msg(p.result.errors[0]->status == (int32_t)why, "%s",
                dl_status_name((dl_status)p.result.errors[0]->status));
  ck_assert_str_eq(KEY, p.result.errors[0]->path);
}

/* Begins with a file that is at the remote. */
static inline void begin_pushed(int which) {
  begin(which);
  make_file(1);
  push_sends(SIZE, 3, 0);
}

/* Each test is run with each of the storages. */
static inline int run_delta(const char *name, const TTest *const *tests, size_t count) {
  Suite *suite = suite_create(name);
  TCase *tcase = tcase_create("storages");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 60);
  for (size_t i = 0; i < count; i++) tcase_add_loop_test(tcase, tests[i], 0, STORAGES);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}

#endif
