/* Damaged states: a reader leaves them as they are, a push goes on with an empty
 * or a mended one, and no row that comes out of it is trusted wrongly. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include <sqlite3.h>

#include "unit/state_kit.h"

#define ROWS 300

/* Nothing here has to survive a power loss; these stand before those of libc. */
int fsync(int fd) {
  return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

int fdatasync(int fd) {
  return fsync(fd);
}

/* The good state that all damage is done to. */
static char *good;
static size_t good_size;

static void setup_good(void) {
  setup();
  make_state(ROWS);
  good = support_read(dir, STATE_NAME, &good_size);
  ck_assert_uint_gt(good_size, 5 * 4096);
}

static void teardown_good(void) {
  free(good);
  teardown();
}

/* A row may be wrong, but only so that its file is compared again: one that was
 * not to be trusted must not have become one that is. */
static void expect_no_false_trust(const char *what) {
  for (size_t i = 0; i < rows.count; i++) {
    int number = -1;
    if (sscanf(rows.items[i].key, "events/%8d.jsonl", &number) != 1) continue;
    char key[32];
    make_key(number, key);
    dl__row expected = make_row(key, number);
    if (number < 0 || number >= ROWS || strcmp(key, rows.items[i].key) != 0) continue;
    bool trusted = rows.items[i].settled && dl__stamp_same(&rows.items[i].stamp, &expected.stamp);
    ck_assert_msg(!trusted || expected.settled, "%s: row %s is trusted", what, key);
  }
}

/* A push can use what it was given: what it remembers comes back. */
static void expect_usable(const char *what) {
  dl__row row = make_row("a new one", 7);
  ck_assert_msg(dl__state_put(state, &row, &err) == DL_OK, "%s: put: %s", what, err.message);
  dl_status status = dl__state_set_last_push(state, 5, &err);
  if (status == DL_OK) status = dl__state_commit(state, &err);
  ck_assert_msg(status == DL_OK, "%s: commit: %s", what, err.message);
  size_t count = rows.count;
  ck_assert_msg(try_open(false) == DL_OK, "%s: open again: %s", what, err.message);
  ck_assert_msg(note == NULL, "%s: damaged again", what);
  ck_assert_msg(rows.count == count + 1, "%s: %zu rows, not %zu", what, rows.count, count + 1);
  ck_assert(same_row(&rows.items[0], &row));
  ck_assert_int_eq(dl__state_last_push_ns(state), 5);
}

/* The state is damaged: both ways to open it. may_refuse: it may look like one of
 * a newer version, or not like ours. */
static void expect_mended(const char *what, bool may_refuse) {
  dl__buf before = take_picture();
  dl_status status = try_open(true);
  if (!may_refuse) ck_assert_msg(status == DL_OK, "%s: read only: %s", what, err.message);
  ck_assert(status == DL_OK || status == DL_ERR_STATE);
  expect_no_false_trust(what);
  close_state();
  expect_picture(&before, what);
  dl__buf_clear(&before);
  status = try_open(false);
  if (!may_refuse) ck_assert_msg(status == DL_OK, "%s: %s", what, err.message);
  ck_assert(status == DL_OK || status == DL_ERR_STATE);
  expect_no_false_trust(what);
  if (status == DL_OK) expect_usable(what);
  close_state();
}

static void expect_replaced(const char *what) {
  dl__buf before = take_picture();
  open_state(true);
  ck_assert_msg(note != NULL, "%s: no note", what);
  ck_assert_uint_eq(rows.count, 0);
  ck_assert_int_eq(dl__state_last_push_ns(state), 0);
  close_state();
  expect_picture(&before, what);
  dl__buf_clear(&before);
  open_state(false);
  ck_assert_msg(note != NULL, "%s: no note", what);
  ck_assert_uint_eq(rows.count, 0);
  expect_usable(what);
}

START_TEST(deleted) {
  ck_assert_int_eq(unlink(path), 0);
  open_state(false);
  ck_assert_ptr_null(note);
  ck_assert_uint_eq(rows.count, 0);
  expect_usable("deleted");
}
END_TEST

START_TEST(cut_at_each_page) {
  for (size_t size = 0; size < good_size; size += 4096) {
    for (int more = -1; more <= 1; more++) {
      if (size == 0 && more < 0) continue;
      char what[64];
      (void)snprintf(what, sizeof what, "cut at %zu%+d", size, more);
      support_write_bytes(dir, STATE_NAME, good, size + (size_t)more);
      expect_mended(what, false);
    }
  }
}
END_TEST

START_TEST(cut_in_the_first_page) {
  static const size_t sizes[] = {0, 1, 15, 16, 17, 99, 100, 101, 511, 512, 513, 1024, 2048};
  for (int i = 0; i < COUNT(sizes); i++) {
    char what[64];
    (void)snprintf(what, sizeof what, "cut at %zu", sizes[i]);
    support_write_bytes(dir, STATE_NAME, good, sizes[i]);
    if (sizes[i] <= 1) { /* SQLite takes one byte for none */
      expect_mended(what, false);
    } else {
      expect_replaced(what);
    }
  }
}
END_TEST

START_TEST(no_database) {
  char zeros[8192] = {0};
  support_write_bytes(dir, STATE_NAME, zeros, sizeof zeros);
  expect_replaced("all zero");
  support_write_bytes(dir, STATE_NAME, zeros, 100);
  expect_replaced("few zeros");
  support_write(dir, STATE_NAME, "# a text\nwith lines\n");
  expect_replaced("short text");
  memset(zeros, 'x', sizeof zeros);
  support_write_bytes(dir, STATE_NAME, zeros, sizeof zeros);
  expect_replaced("long text");
}
END_TEST

/* Numbers that are the same in every run. */
static uint64_t random_state;

static uint32_t next_random(void) {
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(random_state >> 33);
}

/* Bytes that say whose database it is, and of which version. */
static bool is_identity(size_t offset, size_t length) {
  return (offset < 64 && offset + length > 60) || (offset < 72 && offset + length > 68);
}

static void damage_randomly(uint64_t seed) {
  random_state = seed;
  char *bad = malloc(good_size);
  ck_assert_ptr_nonnull(bad);
  memcpy(bad, good, good_size);
  size_t length = 1 + next_random() % 16;
  size_t offset = next_random() % (good_size - length);
  if (seed % 3 == 0) offset = next_random() % 4096; /* where the schema is */
  for (size_t i = 0; i < length; i++) bad[offset + i] = (char)next_random();
  support_write_bytes(dir, STATE_NAME, bad, good_size);
  free(bad);
  char what[64];
  (void)snprintf(what, sizeof what, "seed %d: %zu random bytes at %zu", (int)seed, length, offset);
  expect_mended(what, is_identity(offset, length));
}

/* state.h: the rows are sorted, which the merges of the plan rely on. SQLite's check
 * of the pages does not look at the order: here one key became a greater one. */
START_TEST(rows_are_sorted_whatever_the_damage) {
  char *key = memmem(good, good_size, "events/00000150", strlen("events/00000150"));
  ck_assert_ptr_nonnull(key);
  memcpy(key, "events/00000999", strlen("events/00000999"));
  support_write_bytes(dir, STATE_NAME, good, good_size);
  open_state(_i == 1);
  ck_assert(rows.count > 0 || note != NULL);
  for (size_t i = 1; i < rows.count; i++) {
    ck_assert_msg(strcmp(rows.items[i - 1].key, rows.items[i].key) < 0, "%s stands before %s",
                  rows.items[i - 1].key, rows.items[i].key);
  }
}
END_TEST

/* What merges them must be able to rely on it: no key twice. */
START_TEST(no_key_comes_twice) {
  char *key = memmem(good, good_size, "events/00000150", strlen("events/00000150"));
  ck_assert_ptr_nonnull(key);
  memcpy(key, "events/00000151", strlen("events/00000151"));
  support_write_bytes(dir, STATE_NAME, good, good_size);
  open_state(_i == 1);
  for (size_t i = 1; i < rows.count; i++) {
    ck_assert_msg(strcmp(rows.items[i - 1].key, rows.items[i].key) != 0, "%s comes twice",
                  rows.items[i].key);
  }
}
END_TEST

#define RANDOM_LOOPS 30
#define PER_LOOP     10

START_TEST(random_bytes) {
  for (int i = 0; i < PER_LOOP; i++) damage_randomly((uint64_t)(_i * PER_LOOP + i + 1));
}
END_TEST

/* Each byte of the header of the file (100 bytes) in turn, and of the schema's
 * first page, gets some other values. */
static void damage_byte(size_t offset) {
  const unsigned char old = (unsigned char)good[offset];
  const unsigned char values[] = {0, 2, 3, 0xff, old ^ 0x01};
  for (int i = 0; i < COUNT(values); i++) {
    if (values[i] == old) continue;
    char what[64];
    (void)snprintf(what, sizeof what, "byte %zu is %u, not %u", offset, values[i], old);
    good[offset] = (char)values[i];
    support_write_bytes(dir, STATE_NAME, good, good_size);
    good[offset] = (char)old;
    expect_mended(what, is_identity(offset, 1));
  }
}

START_TEST(each_byte_of_the_header) {
  damage_byte((size_t)_i);
}
END_TEST

/* Does sql to the state, as somebody with the sqlite3 program might. */
static void run_sql(const char *sql) {
  close_state();
  sqlite3 *db;
  char *message = NULL;
  ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
  int code = sqlite3_exec(db, sql, NULL, NULL, &message);
  ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, message);
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* state.h: a damaged file is replaced, and so a state whose tables are not those of
 * its version. */
static const char *const wrong_schemas[] = {
    "DROP TABLE push",
    "DROP TABLE object",
    "ALTER TABLE object RENAME COLUMN digest TO digests",
    "ALTER TABLE push RENAME TO pushes",
    "DROP TABLE object; CREATE TABLE object (key BLOB PRIMARY KEY)",
    "DROP TABLE push; CREATE VIEW push AS SELECT 1 AS id",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = -1",
    "PRAGMA user_version = 1; DROP TABLE object; CREATE TABLE object (key BLOB PRIMARY KEY, "
    "size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, "
    "inode INTEGER NOT NULL, settled INTEGER NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID",
};

START_TEST(tables_that_are_wrong) {
  run_sql(wrong_schemas[_i]);
  expect_replaced(wrong_schemas[_i]);
}
END_TEST

START_TEST(no_tables_at_all) {
  run_sql("DROP TABLE push; DROP TABLE object");
  expect_mended("no tables at all", false);
}
END_TEST

/* Rows that do not hold together are left out; the others stay. */
START_TEST(rows_that_are_wrong) {
  static const char *const sqls[] = {
      "INSERT INTO object SELECT x'', 1, 2, 3, 4, 1, digest, NULL FROM object LIMIT 1",
      "INSERT INTO object SELECT x'6100', 1, 2, 3, 4, 1, digest, NULL FROM object LIMIT 1",
      "INSERT INTO object SELECT zeroblob(10), 1, 2, 3, 4, 1, digest, NULL FROM object LIMIT 1",
      "INSERT INTO object VALUES (x'61', 1, 2, 3, 4, 1, '', NULL)",
      "INSERT INTO object VALUES (x'61', 1, 2, 3, 4, 1, 'sha256:abc', NULL)",
      "INSERT INTO object VALUES (x'61', 1, 2, 3, 4, 1, zeroblob(71), NULL)",
      ("INSERT INTO object SELECT cast(replace(hex(zeroblob(1025)), '0', 'k') AS BLOB),"
       " 1, 2, 3, 4, 1, digest, NULL FROM object LIMIT 1"),
  };
  for (int i = 0; i < COUNT(sqls); i++) {
    support_write_bytes(dir, STATE_NAME, good, good_size);
    run_sql(sqls[i]);
    open_state(_i == 1);
    ck_assert_msg(rows.count == ROWS || rows.count == 0, "%s", sqls[i]);
    if (rows.count == ROWS) expect_many(ROWS);
  }
}
END_TEST

START_TEST(settled_is_true_only_if_it_is_1) {
  static const char *const values[] = {"2", "-1", "'yes'", "x'01'", "4294967297", "0.9"};
  for (int i = 0; i < COUNT(values); i++) {
    char sql[64];
    (void)snprintf(sql, sizeof sql, "UPDATE object SET settled = %s", values[i]);
    run_sql(sql);
    open_state(true);
    for (size_t r = 0; r < rows.count; r++) ck_assert_msg(!rows.items[r].settled, "%s", sql);
    close_state();
  }
}
END_TEST

/* The rows stay, and are good without it. */
START_TEST(a_saved_md5_of_another_form_is_none) {
  static const char *const values[] = {
      "zeroblob(87)", "zeroblob(89)", "zeroblob(8800)", "x''", "NULL", "hex(zeroblob(44))", "5",
      "1.5"};
  for (int i = 0; i < COUNT(values); i++) {
    char sql[96];
    (void)snprintf(sql, sizeof sql, "UPDATE object SET md5_saved = %s", values[i]);
    run_sql(sql);
    open_state(_i == 1);
    ck_assert_uint_eq(rows.count, ROWS);
    for (size_t r = 0; r < rows.count; r++) {
      ck_assert_msg(rows.items[r].md5_saved == NULL, "%s", sql);
    }
    close_state();
  }
}
END_TEST

/* Somebody switched the journal: nothing is wrong with the rows. */
START_TEST(a_write_ahead_log) {
  run_sql("PRAGMA journal_mode = WAL");
  dl__buf before = take_picture();
  open_state(true);
  close_state();
  expect_picture(&before, "a state with a write-ahead log");
  dl__buf_clear(&before);
  open_state(false);
  if (note == NULL) expect_many(ROWS);
  expect_usable("a state with a write-ahead log");
}
END_TEST

/* A file that only looks like what SQLite leaves behind. */
START_TEST(junk_beside_the_state) {
  static const char *const names[] = {STATE_NAME "-journal", STATE_NAME "-wal", STATE_NAME "-shm"};
  static const char junk[] = "junk junk junk junk junk junk junk junk junk junk junk junk";
  support_write_bytes(dir, names[_i], junk, sizeof junk);
  expect_mended(names[_i], false);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("state_damage");
  TCase *tcase = tcase_create("state_damage");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup_good, teardown_good);
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, deleted);
  tcase_add_test(tcase, cut_at_each_page);
  tcase_add_test(tcase, cut_in_the_first_page);
  tcase_add_test(tcase, no_database);
  tcase_add_loop_test(tcase, rows_are_sorted_whatever_the_damage, 0, 2);
  tcase_add_loop_test(tcase, no_key_comes_twice, 0, 2);
  tcase_add_loop_test(tcase, random_bytes, 0, RANDOM_LOOPS);
  tcase_add_loop_test(tcase, each_byte_of_the_header, 0, 112);
  tcase_add_loop_test(tcase, tables_that_are_wrong, 0, COUNT(wrong_schemas));
  tcase_add_test(tcase, no_tables_at_all);
  tcase_add_loop_test(tcase, rows_that_are_wrong, 0, 2);
  tcase_add_test(tcase, settled_is_true_only_if_it_is_1);
  tcase_add_loop_test(tcase, a_saved_md5_of_another_form_is_none, 0, 2);
  tcase_add_test(tcase, a_write_ahead_log);
  tcase_add_loop_test(tcase, junk_beside_the_state, 0, 3);
  return support_main(suite);
}
