/* The plan without any I/O: what stamps, rows and a listing can tell. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "push/plan.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define MANY         8

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define MD5_A    "md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char k[] = "events/1.jsonl";

/* Each column of the tables below. The file is 10 bytes; its content has DIGEST_A. */
typedef enum row_kind { NO_ROW, SAME, UNSETTLED, OTHER_TIME, OTHER_SIZE, ROW_KINDS } row_kind;
typedef enum remote_kind {
  ABSENT,
  EQUAL,
  NO_DIGEST,
  MD5_ONLY,
  DIFFERENT,
  LONGER,
  REMOTE_KINDS
} remote_kind;

static const dl__stamp stamp = {1, 2, 10, 100, 200};

/* The lists borrow their keys here: nothing frees or writes them. */
static char *borrow(const char *key) {
  return (char *)(uintptr_t)key;
}

static dl__file make_file(const char *key) {
  return (dl__file){borrow(key), stamp};
}

static dl__row make_row(const char *key, row_kind kind) {
  dl__row row = {.key = borrow(key), .stamp = stamp, .settled = kind != UNSETTLED};
  row.digest = dl__digest_pack(DIGEST_A);
  row.stamp.dev = 0;
  if (kind == OTHER_TIME) row.stamp.mtime_ns++;
  if (kind == OTHER_SIZE) row.stamp.size_bytes++;
  return row;
}

static dl__remote make_remote(const char *key, remote_kind kind) {
  dl__remote remote = {.key = borrow(key), .size_bytes = stamp.size_bytes};
  if (kind == LONGER) remote.size_bytes++;
  if (kind == EQUAL) remote.digest = dl__digest_pack(DIGEST_A);
  if (kind == MD5_ONLY) remote.digest = dl__digest_pack(MD5_A);
  if (kind == DIFFERENT) remote.digest = dl__digest_pack(DIGEST_B);
  return remote;
}

/* A plan for one file, one row and one object, each there or not. */
static void plan_one(row_kind row_is, remote_kind remote_is, bool all, bool force, bool listed,
                     dl__action *out) {
  dl__file file = make_file(k);
  dl__row row = make_row(k, row_is);
  dl__remote remote = make_remote(k, remote_is);
  dl__tree tree = {.files = &file, .count = 1};
  dl__rows rows = {&row, row_is != NO_ROW, 1};
  dl__listing listing = {.items = &remote, .count = remote_is != ABSENT, .capacity = 1};
  dl__plan plan;
  ck_assert_int_eq(dl__plan_local(&tree, &rows, all, force, &plan, NULL), DL_OK);
  ck_assert(!plan.listed);
  if (listed) dl__plan_remote(&plan, &listing);
  ck_assert_int_eq(plan.listed, listed);
  ck_assert_uint_eq(plan.count, 1);
  ck_assert_uint_eq(plan.only_at_remote, 0);
  *out = plan.actions[0];
  ck_assert_ptr_eq(out->file, &file);
  ck_assert_ptr_eq(out->row, row_is != NO_ROW ? &row : NULL);
  ck_assert_ptr_eq(out->remote, listed && remote_is != ABSENT ? &remote : NULL);
  dl__plan_clear(&plan);
  ck_assert_ptr_null(plan.actions);
}

/* Only a settled row with the very stamp saves the comparison, and only if not all. */
static dl__verdict local_verdict(row_kind row, bool all, bool force) {
  if (force) return row == NO_ROW ? DL__ADDED : DL__MODIFIED;
  return row == SAME && !all ? DL__UNCHANGED : DL__UNKNOWN;
}

START_TEST(step_1_rows_against_files) {
  for (unsigned row = 0; row < ROW_KINDS; row++) {
    for (int mode = 0; mode < 4; mode++) {
      dl__action action;
      plan_one((row_kind)row, ABSENT, (mode & 1) != 0, (mode & 2) != 0, false, &action);
      dl__verdict expected = local_verdict((row_kind)row, (mode & 1) != 0, (mode & 2) != 0);
      ck_assert_msg(action.verdict == expected, "row %u mode %d: %d", row, mode, action.verdict);
    }
  }
}
END_TEST

#define ADDED     DL__ADDED
#define MODIFIED  DL__MODIFIED
#define UNCHANGED DL__UNCHANGED
#define UNKNOWN   DL__UNKNOWN

/* What is to be found out, in mode "all". */
static const dl__verdict verdicts[ROW_KINDS][REMOTE_KINDS] = {
    /* absent, equal, no digest, MD5 only, different, longer */
    [NO_ROW] = {ADDED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, MODIFIED},
    [SAME] = {ADDED, UNCHANGED, UNKNOWN, UNKNOWN, MODIFIED, MODIFIED},
    [UNSETTLED] = {ADDED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, MODIFIED},
    [OTHER_TIME] = {ADDED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, MODIFIED},
    [OTHER_SIZE] = {ADDED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, MODIFIED},
};

START_TEST(step_2_a_listing_in_mode_all) {
  for (unsigned row = 0; row < ROW_KINDS; row++) {
    for (unsigned remote = 0; remote < REMOTE_KINDS; remote++) {
      dl__action action;
      plan_one((row_kind)row, (remote_kind)remote, true, false, true, &action);
      ck_assert_msg(action.verdict == verdicts[row][remote], "row %u remote %u: %d", row, remote,
                    action.verdict);
    }
  }
}
END_TEST

/* The same without "all", but for the row that saved the comparison: what is known
 * to be equal stays so. */
START_TEST(step_2_a_listing_in_mode_incremental) {
  for (unsigned row = 0; row < ROW_KINDS; row++) {
    for (unsigned remote = 0; remote < REMOTE_KINDS; remote++) {
      bool contradiction = remote == ABSENT || remote == DIFFERENT || remote == LONGER;
      if (row == SAME && contradiction) continue; /* see the next test */
      dl__verdict expected = row == SAME ? UNCHANGED : verdicts[row][remote];
      dl__action action;
      plan_one((row_kind)row, (remote_kind)remote, false, false, true, &action);
      ck_assert_msg(action.verdict == expected, "row %u remote %u: %d", row, remote,
                    action.verdict);
    }
  }
}
END_TEST

/* A listing was read because of another file, and it shows that what the row vouches
 * for is not at the remote. dl_push says DL_OK only if every file is there. */
START_TEST(step_2_a_listing_contradicts_a_trusted_row) {
  static const remote_kind kinds[] = {ABSENT, DIFFERENT, LONGER};
  dl__action action;
  plan_one(SAME, kinds[_i], false, false, true, &action);
  ck_assert_msg(action.verdict != UNCHANGED, "the listing says it is not there, the plan that it "
                                             "is equal there");
  ck_assert_int_eq(action.verdict, kinds[_i] == ABSENT ? ADDED : MODIFIED);
}
END_TEST

START_TEST(step_2_force_stays_force) {
  for (unsigned row = 0; row < ROW_KINDS; row++) {
    for (unsigned remote = 0; remote < REMOTE_KINDS; remote++) {
      dl__action action;
      plan_one((row_kind)row, (remote_kind)remote, row % 2 == 0, true, true, &action);
      ck_assert(action.verdict == ADDED || action.verdict == MODIFIED);
    }
  }
}
END_TEST

/* Lists of keys, sorted; NULL ends one that is not full. */
typedef struct merge {
  const char *files[MANY];
  const char *others[MANY];
  uint64_t only_there;
  const char *pairs; /* for each file: '1' if the other list has it */
} merge;

static const merge merges[] = {
    {{NULL}, {NULL}, 0, ""},
    {{"a", "b"}, {NULL}, 0, "00"},
    {{NULL}, {"a", "b", "c"}, 3, ""},
    {{"a", "b"}, {"a", "b"}, 0, "11"},
    {{"b"}, {"a", "b", "c"}, 2, "1"},
    {{"a", "c"}, {"b"}, 1, "00"},
    {{"a", "c", "e"}, {"b", "c", "d", "f"}, 3, "010"},
    {{"z"}, {"a", "b"}, 2, "0"},
    {{"a"}, {"b", "z"}, 2, "0"},
    {{"a", "a/b", "a0"}, {"a/b", "a/c"}, 1, "010"},
    {{"a-b", "a.md", "a/b"}, {"a.md", "a/b"}, 0, "011"},
    {{"\x01", "a", "\xff"}, {"\x02", "\xc3\xa4", "\xff"}, 2, "001"},
};

static size_t count_keys(const char *const keys[MANY]) {
  size_t count = 0;
  while (count < MANY && keys[count] != NULL) count++;
  return count;
}

static void check_pairs(const dl__plan *plan, const merge *m, bool listed) {
  ck_assert_uint_eq(plan->count, count_keys(m->files));
  ck_assert_uint_eq(plan->only_at_remote, m->only_there);
  for (size_t i = 0; i < plan->count; i++) {
    const dl__action *a = &plan->actions[i];
    const char *other = a->row != NULL ? a->row->key : NULL;
    if (listed) other = a->remote != NULL ? a->remote->key : NULL;
    ck_assert_str_eq(a->file->key, m->files[i]);
    ck_assert_msg((other != NULL) == (m->pairs[i] == '1'), "%s", a->file->key);
    if (other != NULL) ck_assert_str_eq(other, a->file->key);
  }
}

START_TEST(lists_are_merged) {
  const merge *m = &merges[_i];
  dl__file files[MANY];
  dl__row rows[MANY];
  dl__remote remotes[MANY];
  for (size_t i = 0; i < count_keys(m->files); i++) files[i] = make_file(m->files[i]);
  for (size_t i = 0; i < count_keys(m->others); i++) {
    rows[i] = make_row(m->others[i], SAME);
    remotes[i] = make_remote(m->others[i], EQUAL);
  }
  dl__tree tree = {.files = files, .count = count_keys(m->files)};
  dl__rows all_rows = {rows, count_keys(m->others), MANY};
  dl__rows no_rows = {0};
  dl__listing listing = {.items = remotes, .count = count_keys(m->others), .capacity = MANY};
  dl__plan plan;
  ck_assert_int_eq(dl__plan_local(&tree, &all_rows, false, false, &plan, NULL), DL_OK);
  check_pairs(&plan, m, false);
  dl__plan_remote(&plan, &listing);
  check_pairs(&plan, m, true);
  dl__plan_clear(&plan);
  ck_assert_int_eq(dl__plan_local(&tree, &no_rows, false, false, &plan, NULL), DL_OK);
  ck_assert_uint_eq(plan.only_at_remote, 0);
  dl__plan_remote(&plan, &listing);
  check_pairs(&plan, m, true);
  dl__plan_clear(&plan);
  dl__plan_clear(&plan);
}
END_TEST

START_TEST(counts_by_verdict) {
  dl__file files[5];
  dl__action actions[5];
  static const dl__verdict is[] = {ADDED, MODIFIED, ADDED, UNKNOWN, ADDED};
  for (size_t i = 0; i < 5; i++) {
    files[i] = make_file(k);
    files[i].stamp.size_bytes = UINT64_C(1) << (8 * i);
    actions[i] = (dl__action){.file = &files[i], .verdict = is[i]};
  }
  dl__plan plan = {.actions = actions, .count = 5};
  static const struct {
    dl__verdict verdict;
    size_t count;
    uint64_t size_bytes;
  } cases[] = {
      {ADDED, 3, 0x100010001}, {MODIFIED, 1, 0x100}, {UNKNOWN, 1, 0x1000000}, {UNCHANGED, 0, 0}};
  for (int i = 0; i < COUNT(cases); i++) {
    uint64_t size_bytes = 99;
    ck_assert_uint_eq(dl__plan_count(&plan, cases[i].verdict, &size_bytes), cases[i].count);
    ck_assert_uint_eq(size_bytes, cases[i].size_bytes);
  }
}
END_TEST

typedef struct forgotten {
  char keys[64];
  int stop_after;
} forgotten;

/* "!" behind the key: something else is there. */
static dl_status forget(const dl__row *row, bool there, void *user, dl_error *err) {
  (void)err;
  forgotten *f = user;
  strcat(f->keys, row->key);
  if (there) strcat(f->keys, "!");
  return --f->stop_after == 0 ? DL_ERR_STATE : DL_OK;
}

START_TEST(stale_rows) {
  static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g"};
  static const remote_kind kinds[] = {ABSENT, EQUAL,    DIFFERENT, NO_DIGEST,
                                      LONGER, MD5_ONLY, ABSENT};
  dl__row rows[7];
  dl__remote remotes[9] = {make_remote("B", EQUAL)};
  size_t count = 1;
  for (size_t i = 0; i < 7; i++) {
    rows[i] = make_row(keys[i], i == 5 ? UNSETTLED : SAME);
    if (kinds[i] != ABSENT) remotes[count++] = make_remote(keys[i], kinds[i]);
  }
  remotes[count++] = make_remote("z", EQUAL);
  dl__rows all = {rows, 7, 7};
  dl__listing listing = {.items = remotes, .count = count, .capacity = COUNT(remotes)};
  dl__listing empty = {0};
  dl__rows none = {0};
  forgotten f = {"", 0};
  ck_assert_int_eq(dl__plan_stale_rows(&all, &listing, forget, &f, NULL), DL_OK);
  ck_assert_str_eq(f.keys, "ac!e!g");
  f = (forgotten){"", 2};
  ck_assert_int_eq(dl__plan_stale_rows(&all, &listing, forget, &f, NULL), DL_ERR_STATE);
  ck_assert_str_eq(f.keys, "ac!");
  f = (forgotten){"", 0};
  ck_assert_int_eq(dl__plan_stale_rows(&all, &empty, forget, &f, NULL), DL_OK);
  ck_assert_str_eq(f.keys, "abcdefg");
  f = (forgotten){"", 0};
  ck_assert_int_eq(dl__plan_stale_rows(&none, &listing, forget, &f, NULL), DL_OK);
  ck_assert_str_eq(f.keys, "");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("plan");
  TCase *tcase = tcase_create("plan");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, step_1_rows_against_files);
  tcase_add_test(tcase, step_2_a_listing_in_mode_all);
  tcase_add_test(tcase, step_2_a_listing_in_mode_incremental);
  tcase_add_loop_test(tcase, step_2_a_listing_contradicts_a_trusted_row, 0, 3);
  tcase_add_test(tcase, step_2_force_stays_force);
  tcase_add_loop_test(tcase, lists_are_merged, 0, COUNT(merges));
  tcase_add_test(tcase, counts_by_verdict);
  tcase_add_test(tcase, stale_rows);
  return support_main(suite);
}
