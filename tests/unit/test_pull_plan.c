/* What a pull may do with each file: every combination of what is here, what is remembered, and
 * what the remote has. The content is never read where the digests decide. */
#include "push/pull_plan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/support.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY          "d/a.md"

/* "sha256:" of the texts. */
#define OLD "sha256:cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4" /* old */
#define NEW "sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437" /* new */
#define ODD                                                                                        \
  "sha256:df6dd7d7a77b92f19d77de5bd2ceb11d4b1d3457f7f01dad3baa0e6b1d4c9a3e" /* of others */

static char *root;
static int dir;
static dl_error err;
static dl__reader reader;
static atomic_bool cancel;

static void setup(void) {
  root = support_tmpdir();
  dir = open(root, O_RDONLY | O_DIRECTORY);
  ck_assert_int_ge(dir, 0);
  ck_assert_int_eq(dl__reader_init(&reader, 65536, true, &cancel, &err), DL_OK);
}

static void teardown(void) {
  dl__reader_clear(&reader);
  (void)close(dir);
  support_rmdir(root);
}

/* A storage that must not be asked. */
static dl_status no_get(void *self, const dl_get_request *request, dl_error *e) {
  (void)self;
  return dl_error_set(e, DL_ERR_NETWORK, request->key, "asked");
}

typedef enum memory { NO_ROW, OTHER_STAMP, UNSETTLED, RESTORED, SETTLED } memory;

typedef struct situation {
  const char *here; /* NULL: nothing */
  memory memory;
  const char *row;    /* digest that is remembered */
  const char *remote; /* digest that is listed */
  uint64_t size_bytes;
  dl__pull_verdict verdict;
  dl__fetch_over over; /* of FETCH */
  dl__fetch_over forced;
} situation;

static const situation situations[] = {
    /* nothing here */
    {NULL, NO_ROW, "", NEW, 3, DL__PULL_FETCH, DL__OVER_NOTHING, DL__OVER_NOTHING},
    {NULL, OTHER_STAMP, NEW, NEW, 3, DL__PULL_FETCH, DL__OVER_NOTHING, DL__OVER_NOTHING},
    /* equal, by memory and by reading */
    {"new", SETTLED, NEW, NEW, 3, DL__PULL_SAME, 0, 0},
    {"new", NO_ROW, "", NEW, 3, DL__PULL_SAME, 0, 0},
    {"new", OTHER_STAMP, OLD, NEW, 3, DL__PULL_SAME, 0, 0},
    {"new", UNSETTLED, NEW, NEW, 3, DL__PULL_SAME, 0, 0},
    /* only the remote changed */
    {"old", SETTLED, OLD, NEW, 3, DL__PULL_FETCH, DL__OVER_KNOWN, DL__OVER_KNOWN},
    {"old", SETTLED, OLD, NEW, 2, DL__PULL_FETCH, DL__OVER_KNOWN, DL__OVER_KNOWN},
    {"old", SETTLED, OLD, NEW, 9, DL__PULL_FETCH, DL__OVER_KNOWN, DL__OVER_KNOWN},
    {"old", RESTORED, OLD, NEW, 3, DL__PULL_FETCH, DL__OVER_KNOWN, DL__OVER_KNOWN},
    /* changed here, or who knows */
    {"old", NO_ROW, "", NEW, 3, DL__PULL_REFUSED, 0, DL__OVER_ANY},
    {"old", OTHER_STAMP, OLD, NEW, 3, DL__PULL_REFUSED, 0, DL__OVER_ANY},
    {"old", UNSETTLED, OLD, NEW, 3, DL__PULL_REFUSED, 0, DL__OVER_ANY},
    {"old", OTHER_STAMP, ODD, NEW, 2, DL__PULL_REFUSED, 0, DL__OVER_ANY},
    {"old", OTHER_STAMP, NEW, NEW, 3, DL__PULL_REFUSED, 0, DL__OVER_ANY},
    {"old", OTHER_STAMP, NEW, NEW, 9, DL__PULL_REFUSED, 0, DL__OVER_ANY},
    /* shorter: the object may begin with it */
    {"old", NO_ROW, "", NEW, 9, DL__PULL_FETCH, DL__OVER_PREFIX, DL__OVER_ANY},
    {"old", OTHER_STAMP, ODD, NEW, 9, DL__PULL_FETCH, DL__OVER_PREFIX, DL__OVER_ANY},
};

static const dl__patterns *append_only;

static void make_row(const situation *at, dl__row *row) {
  dl__target target;
  ck_assert_int_eq(dl__target_find(&target, dir, KEY, false, &err), DL_OK);
  *row = (dl__row){.key = (char *)(uintptr_t)KEY, .stamp = target.stamp};
  if (at->memory == OTHER_STAMP) row->stamp.ctime_ns--;
  row->settled = at->memory == SETTLED || at->memory == OTHER_STAMP;
  row->digest = dl__digest_pack(at->row);
  dl__target_clear(&target);
}

static void decide(const situation *at, bool force, dl__pull_action *out) {
  const struct timespec times[2] = {{1000, 0}, {1000, 0}};
  if (at->here != NULL) support_write(root, KEY, at->here);
  if (at->here != NULL && at->memory == RESTORED) {
    ck_assert_int_eq(utimensat(dir, KEY, times, 0), 0);
  }
  dl__row row;
  make_row(at, &row);
  dl__rows rows = {.items = &row, .count = at->memory != NO_ROW};
  dl__remote remote = {.key = (char *)(uintptr_t)KEY, .size_bytes = at->size_bytes};
  remote.digest = dl__digest_pack(at->remote);
  dl__listing listing = {.items = &remote, .count = 1};
  dl__storage storage = {.slots = {.get = no_get}};
  dl__pull_request request = {.storage = &storage,
                              .listing = &listing,
                              .rows = &rows,
                              .append_only = append_only,
                              .dir_fd = dir,
                              .force = force,
                              .reader = &reader};
  dl__pull_plan plan;
  dl__row fresh;
  ck_assert_int_eq(dl__pull_plan_make(&request, &plan, &err), DL_OK);
  ck_assert_uint_eq(plan.count, 1);
  dl_status status = dl__pull_plan_compare(&request, &plan.actions[0], &fresh, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  *out = plan.actions[0];
  if (out->verdict == DL__PULL_REFUSED) {
    ck_assert_int_eq(out->error->status, DL_ERR_CONFLICT);
    ck_assert_str_eq(out->error->path, KEY);
  }
  dl__pull_plan_clear(&plan);
}

START_TEST(every_situation) {
  const situation *at = &situations[_i];
  dl__pull_action action;
  decide(at, false, &action);
  ck_assert_int_eq(action.verdict, at->verdict);
  if (at->verdict == DL__PULL_FETCH) ck_assert_int_eq(action.over, at->over);
  decide(at, true, &action);
  if (at->verdict == DL__PULL_SAME) {
    ck_assert_int_eq(action.verdict, DL__PULL_SAME);
  } else {
    ck_assert_int_eq(action.verdict, DL__PULL_FETCH);
    ck_assert_int_eq(action.over, at->forced);
  }
}
END_TEST

/* What only grows is not given up for what the remote has now, though it was pushed from here. */
START_TEST(what_only_grows) {
  char *items[] = {(char *)(uintptr_t) "d/*.md", NULL};
  const dl__patterns patterns = {.items = items, .count = 1};
  const situation longer = {"old", SETTLED, OLD, NEW, 9, 0, 0, 0};
  const situation same = {"old", SETTLED, OLD, NEW, 3, 0, 0, 0};
  const situation shorter = {"old", RESTORED, OLD, NEW, 2, 0, 0, 0};
  dl__pull_action action;
  append_only = &patterns;
  decide(&longer, false, &action);
  ck_assert_int_eq(action.verdict, DL__PULL_FETCH);
  ck_assert_int_eq(action.over, DL__OVER_PREFIX);
  decide(&same, false, &action);
  ck_assert_int_eq(action.verdict, DL__PULL_REFUSED);
  decide(&shorter, false, &action);
  ck_assert_int_eq(action.verdict, DL__PULL_REFUSED);
  decide(&same, true, &action);
  ck_assert_int_eq(action.over, DL__OVER_ANY);
  append_only = NULL;
}
END_TEST

/* Objects, foreign names and keys, without a look at the folder. */
START_TEST(what_is_asked_for) {
  dl__remote remotes[] = {{.key = (char *)(uintptr_t) "a"},
                          {.key = (char *)(uintptr_t) "a.md"},
                          {.key = (char *)(uintptr_t) "a/.devlog-0123456789abcdef.tmp"},
                          {.key = (char *)(uintptr_t) "a/b/c"},
                          {.key = (char *)(uintptr_t) "b/c"}};
  char *foreign[] = {(char *)(uintptr_t) "b//c", (char *)(uintptr_t) "../x",
                     (char *)(uintptr_t) "../x"};
  dl__listing listing = {
      .items = remotes, .count = COUNT(remotes), .foreign = foreign, .foreign_count = 3};
  dl__rows rows = {0};
  const char *const keys[] = {"b", "none"};
  dl__pull_request request = {.listing = &listing, .rows = &rows, .dir_fd = -1};
  dl__pull_plan plan;
  ck_assert_int_eq(dl__pull_plan_make(&request, &plan, &err), DL_OK);
  static const char *const all[] = {"a", "a.md", "a/b/c", "b/c", "../x", "b//c"};
  ck_assert_uint_eq(plan.count, COUNT(all));
  for (size_t i = 0; i < COUNT(all); i++) {
    bool refused = i == 2 || i > 3;
    ck_assert_str_eq(plan.actions[i].key, all[i]);
    ck_assert_int_eq(plan.actions[i].verdict, refused ? DL__PULL_REFUSED : DL__PULL_UNKNOWN);
  }
  dl__pull_plan_clear(&plan);
  request.keys = keys;
  request.key_count = 2;
  ck_assert_int_eq(dl__pull_plan_make(&request, &plan, &err), DL_OK);
  static const char *const some[] = {"b/c", "b//c", "none"};
  ck_assert_uint_eq(plan.count, COUNT(some));
  for (size_t i = 0; i < COUNT(some); i++) ck_assert_str_eq(plan.actions[i].key, some[i]);
  ck_assert_int_eq(plan.actions[2].error->status, DL_ERR_NOT_FOUND);
  dl__pull_plan_clear(&plan);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pull_plan");
  TCase *tcase = tcase_create("pull_plan");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, every_situation, 0, (int)COUNT(situations));
  tcase_add_test(tcase, what_only_grows);
  tcase_add_test(tcase, what_is_asked_for);
  return support_main(suite);
}
