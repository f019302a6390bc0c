/* tests/unit/state_kit.h: what the tests of the state share: one state in a folder
 * of its own, rows with known content, and a picture of the folder. */
#ifndef DL_TESTS_UNIT_STATE_KIT_H
#define DL_TESTS_UNIT_STATE_KIT_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "push/state.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define STATE_NAME   "state.db"

static char *dir;
static char *path; /* of the state */
static dl_error err;
static dl__state *state;
static dl__rows rows;
static const char *note;

static inline void setup(void) {
  dir = support_tmpdir();
  path = support_path(dir, STATE_NAME);
  err = (dl_error)DL_ERROR_INIT;
}

static inline void teardown(void) {
  dl__rows_clear(&rows);
  dl__state_close(state);
  state = NULL;
  free(path);
  support_rmdir(dir);
}

static inline void close_state(void) {
  dl__state_close(state);
  state = NULL;
}

/* Opens the state and takes its rows. */
static inline dl_status try_open(bool read_only) {
  close_state();
  dl__rows_clear(&rows);
  dl_status status = dl__state_open(path, read_only, &state, &note, &err);
  ck_assert((status == DL_OK) == (state != NULL));
  if (status == DL_OK) dl__state_take_rows(state, &rows);
  return status;
}

static inline void open_state(bool read_only) {
  dl_status status = try_open(read_only);
  ck_assert_msg(status == DL_OK, "%s", err.message);
}

/* The saved MD5 of row number i; every fourth has none. Borrowed. */
static inline uint8_t *make_md5(int i) {
  static uint8_t kinds[4][DL__MD5_SAVED_BYTES];
  uint8_t *md5 = kinds[i % 4];
  for (int at = 0; at < DL__MD5_SAVED_BYTES; at++) md5[at] = (uint8_t)(i % 4 * 85 + at);
  return i % 4 != 0 ? md5 : NULL;
}

/* Row number i of key: every field is made of i. */
static inline dl__row make_row(const char *key, int i) {
  char digest[DL__DIGEST_SIZE];
  dl__row row = {.key = (char *)(uintptr_t)key, .settled = i % 3 != 0};
  row.stamp = (dl__stamp){0, (uint64_t)i + 1000, (uint64_t)i * 17, i * INT64_C(1000000007),
                          -i * INT64_C(3000000019)};
  (void)snprintf(digest, sizeof digest, DL__DIGEST_PREFIX "%064x", (unsigned)i);
  row.digest = dl__digest_pack(digest);
  return row;
}

static inline void put(const char *key, int i) {
  dl__row row = make_row(key, i);
  dl_status status = dl__state_put(state, &row, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
}

static inline void commit(void) {
  dl_status status = dl__state_commit(state, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
}

static inline void make_key(int i, char key[32]) {
  (void)snprintf(key, 32, "events/%08d.jsonl", i);
}

/* Rows from..to-1 by their number; their keys sort like it. */
static inline void put_many(int from, int to) {
  for (int i = from; i < to; i++) {
    char key[32];
    make_key(i, key);
    put(key, i);
  }
}

static inline bool same_row(const dl__row *a, const dl__row *b) {
  bool has_md5 = a->md5_saved != NULL;
  return strcmp(a->key, b->key) == 0 && dl__stamp_same(&a->stamp, &b->stamp) &&
         a->settled == b->settled && dl__digest_same(&a->digest, &b->digest) &&
         has_md5 == (b->md5_saved != NULL) &&
         (!has_md5 || memcmp(a->md5_saved, b->md5_saved, DL__MD5_SAVED_BYTES) == 0);
}

/* The rows are exactly those of put_many(0, count). */
static inline void expect_many(int count) {
  ck_assert_uint_eq(rows.count, (size_t)count);
  for (int i = 0; i < count; i++) {
    char key[32];
    make_key(i, key);
    dl__row expected = make_row(key, i);
    ck_assert_msg(same_row(&rows.items[i], &expected), "row %d: %s", i, rows.items[i].key);
  }
}

/* A state of so many rows, committed and closed. */
static inline void make_state(int count) {
  open_state(false);
  put_many(0, count);
  commit();
  close_state();
}

static inline bool can_read(const char *file) {
  FILE *stream = fopen(file, "rb");
  if (stream != NULL) (void)fclose(stream);
  return stream != NULL;
}

/* Names, modes and content of all in the folder, with the state closed. */
static inline dl__buf take_picture(void) {
  close_state();
  dl__buf picture = {0};
  struct dirent **names;
  int count = scandir(dir, &names, NULL, alphasort);
  ck_assert_int_ge(count, 0);
  for (int i = 0; i < count; i++) {
    char *file = support_path(dir, names[i]->d_name);
    struct stat st;
    ck_assert_int_eq(lstat(file, &st), 0);
    bool in_dir = strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0;
    char line[512];
    (void)snprintf(line, sizeof line, "%s %o %ju\n", names[i]->d_name, (unsigned)st.st_mode,
                   S_ISDIR(st.st_mode) ? 0 : (uintmax_t)st.st_ino);
    if (in_dir) ck_assert(dl__buf_add_text(&picture, line));
    if (S_ISREG(st.st_mode) && can_read(file)) {
      size_t size;
      char *data = support_read(dir, names[i]->d_name, &size);
      ck_assert(dl__buf_add(&picture, data, size));
      free(data);
    }
    free(file);
    free(names[i]);
  }
  free(names);
  return picture;
}

/* Nothing in the folder changed since before was taken. */
static inline void expect_picture(const dl__buf *before, const char *what) {
  dl__buf after = take_picture();
  bool same = after.length == before->length &&
              (after.length == 0 || memcmp(after.data, before->data, after.length) == 0);
  dl__buf_clear(&after);
  ck_assert_msg(same, "%s: the folder of the state was changed", what);
}

#endif
