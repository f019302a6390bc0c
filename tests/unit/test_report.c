/* The result of a push: counts, the errors of files, and handing it to a host of
 * another version. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "push/report.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define FILES        7

static dl__file files[FILES];
static dl__action actions[FILES];
static dl__outcome items[FILES];
static dl_error errors[FILES];
static dl__plan plan;
static dl__outcomes outcomes;

static void setup(void) {
  static char keys[FILES][8] = {"a", "a/b", "b\n", "c", "d", "e", "\xff"};
  for (size_t i = 0; i < FILES; i++) {
    files[i] = (dl__file){keys[i], {.size_bytes = UINT64_C(1) << (8 * i)}};
    actions[i] = (dl__action){.file = &files[i]};
    items[i] = (dl__outcome){.action = &actions[i]};
    errors[i] = (dl_error)DL_ERROR_INIT;
  }
  plan = (dl__plan){.actions = actions, .count = FILES, .only_at_remote = 9};
  outcomes = (dl__outcomes){items, FILES};
}

static void judge_all(void) {
  static const dl__verdict verdicts[FILES] = {DL__ADDED, DL__MODIFIED,  DL__UNCHANGED, DL__ADDED,
                                              DL__ADDED, DL__UNCHANGED, DL__MODIFIED};
  for (size_t i = 0; i < FILES; i++) actions[i].verdict = verdicts[i];
}

START_TEST(what_the_plan_found) {
  judge_all();
  dl_push_result result = DL_PUSH_RESULT_INIT;
  dl__report_plan(&plan, &result);
  ck_assert_uint_eq(result.files_added, 3);
  ck_assert_uint_eq(result.files_modified, 2);
  ck_assert_uint_eq(result.files_unchanged, 2);
  ck_assert_uint_eq(result.files_deleted_locally, 9);
  ck_assert_uint_eq(result.files_skipped, 0);
  ck_assert_uint_eq(result.total_bytes, 0);
}
END_TEST

START_TEST(a_dry_run_skips) {
  judge_all();
  dl_push_result result = DL_PUSH_RESULT_INIT;
  dl__report_dry_run(&plan, &result);
  ck_assert_uint_eq(result.files_skipped, 5);
  ck_assert_uint_eq(result.total_bytes, UINT64_C(0x01000101000101));
  ck_assert_uint_eq(result.files_uploaded, 0);
  ck_assert_uint_eq(result.bytes_sent, 0);
}
END_TEST

/* The outcome of one file. size_bytes: what was confirmed, which may be more than
 * the scan saw. */
static void end_with(size_t i, dl_status status, uint64_t sent_bytes, uint64_t size_bytes) {
  items[i].status = status;
  atomic_store(&items[i].meter.given_bytes, sent_bytes);
  items[i].size_bytes = size_bytes;
}

static dl_error *fail_with(size_t i, dl_status status, const char *message) {
  dl_error_set(&errors[i], status, files[i].key, message);
  items[i].error = &errors[i];
  return &errors[i];
}

static void end_all(void) {
  end_with(0, DL_OK, 10, 10);
  end_with(1, DL_ERR_UPLOAD, 3, 0);
  end_with(2, DL_ERR_NETWORK, 5, 0);
  end_with(3, DL_ERR_CANCELLED, 7, 0);
  end_with(4, DL_OK, 40, 20);
  end_with(5, DL_ERR_CONFLICT, 0, 0);
  end_with(6, DL_ERR_CANCELLED, 0, 0);
  fail_with(1, DL_ERR_UPLOAD, "cannot be opened")->errno_value = EACCES;
  dl_error *network = fail_with(2, DL_ERR_NETWORK, "busy");
  network->http_status = 503;
  network->retryable = 1;
  fail_with(3, DL_ERR_CANCELLED, "cancelled");
}

START_TEST(how_the_files_ended) {
  end_all();
  dl_push_result result = DL_PUSH_RESULT_INIT;
  ck_assert_int_eq(dl__report_outcomes(&outcomes, &result, NULL), DL_OK);
  ck_assert_uint_eq(result.files_uploaded, 2);
  ck_assert_uint_eq(result.files_failed, 3);
  ck_assert_uint_eq(result.files_skipped, 2);
  ck_assert_uint_eq(result.total_bytes, 30);
  ck_assert_uint_eq(result.bytes_sent, 65);
  ck_assert_uint_eq(result.error_count, 3);
  dl_push_result_clear(&result);
}
END_TEST

static void expect_error(const dl_file_error *e, size_t i, const char *message, int errnum,
                         int http, unsigned retryable) {
  ck_assert_uint_eq(e->struct_size, sizeof *e);
  ck_assert_uint_eq(e->reserved, 0);
  ck_assert_int_eq(e->status, items[i].status);
  ck_assert_str_eq(e->path, files[i].key);
  ck_assert_str_eq(e->message, message);
  ck_assert_int_eq(e->errno_value, errnum);
  ck_assert_int_eq(e->http_status, http);
  ck_assert_uint_eq(e->retryable, retryable);
}

/* In the order of the paths, and nothing of it borrowed. */
START_TEST(errors_of_files) {
  end_all();
  dl_push_result result = DL_PUSH_RESULT_INIT;
  ck_assert_int_eq(dl__report_outcomes(&outcomes, &result, NULL), DL_OK);
  memset(errors, 'x', sizeof errors);
  ck_assert_uint_eq((uintptr_t)result.errors[0] % _Alignof(dl_file_error), 0);
  expect_error(result.errors[0], 1, "cannot be opened", EACCES, 0, 0);
  expect_error(result.errors[1], 2, "busy", 0, 503, 1);
  expect_error(result.errors[2], 5, "DL_ERR_CONFLICT", 0, 0, 0);
  dl_push_result_clear(&result);
}
END_TEST

START_TEST(long_and_empty_texts) {
  static char key[DL_KEY_MAX + 1];
  char message[1024];
  memset(key, 'k', DL_KEY_MAX);
  memset(message, 'm', sizeof message - 1);
  message[sizeof message - 1] = '\0';
  files[6].key = key;
  for (size_t i = 0; i < FILES; i++) {
    end_with(i, DL_ERR_STORAGE, 0, 0);
    fail_with(i, DL_ERR_STORAGE, i == 6 ? message : "");
  }
  dl_push_result result = DL_PUSH_RESULT_INIT;
  ck_assert_int_eq(dl__report_outcomes(&outcomes, &result, NULL), DL_OK);
  ck_assert_uint_eq(result.error_count, FILES);
  for (size_t i = 0; i < FILES; i++)
    expect_error(result.errors[i], i, i == 6 ? message : "", 0, 0, 0);
  dl_push_result_clear(&result);
}
END_TEST

START_TEST(no_failure_no_errors) {
  for (size_t i = 0; i < FILES; i++) end_with(i, i % 2 == 0 ? DL_OK : DL_ERR_CANCELLED, 1, 1);
  dl_push_result result = DL_PUSH_RESULT_INIT;
  ck_assert_int_eq(dl__report_outcomes(&outcomes, &result, NULL), DL_OK);
  ck_assert_uint_eq(result.files_uploaded, 4);
  ck_assert_uint_eq(result.files_skipped, 3);
  ck_assert_uint_eq(result.error_count, 0);
  ck_assert_ptr_null(result.errors);
  dl__outcomes none = {0};
  dl_push_result empty = DL_PUSH_RESULT_INIT;
  ck_assert_int_eq(dl__report_outcomes(&none, &empty, NULL), DL_OK);
  ck_assert_uint_eq(empty.files_uploaded, 0);
}
END_TEST

/* A host's result between canaries. */
typedef struct guarded {
  dl_push_result result;
  unsigned char behind[32];
} guarded;

static void guarded_init(guarded *g, size_t struct_size) {
  memset(g, 0xEE, sizeof *g);
  g->result.struct_size = (uint32_t)struct_size;
}

static void expect_untouched(const guarded *g, size_t from) {
  const unsigned char *bytes = (const unsigned char *)g;
  for (size_t i = from; i < sizeof *g; i++) {
    ck_assert_msg(bytes[i] == 0xEE, "struct_size %d: byte %zu was written",
                  (int)g->result.struct_size, i);
  }
}

static const size_t result_sizes[] = {
    sizeof(uint32_t),
    offsetof(dl_push_result, files_found),
    offsetof(dl_push_result, files_failed),
    offsetof(dl_push_result, error_count),
    offsetof(dl_push_result, errors),
    sizeof(dl_push_result),
    sizeof(dl_push_result) + 32,
    0, /* as version 0.1 has it */
};

static dl_push_result full_result(void) {
  end_all();
  dl_push_result result = DL_PUSH_RESULT_INIT;
  result.files_found = 7;
  ck_assert_int_eq(dl__report_outcomes(&outcomes, &result, NULL), DL_OK);
  return result;
}

START_TEST(a_result_is_given_as_far_as_it_goes) {
  size_t size = result_sizes[_i];
  size_t known = size == 0 || size > sizeof(dl_push_result) ? sizeof(dl_push_result) : size;
  bool whole = known == sizeof(dl_push_result);
  dl_push_result result = DL_PUSH_RESULT_INIT;
  if (whole) result = full_result();
  dl_push_result before = result;
  guarded g;
  guarded_init(&g, size);
  ck_assert_uint_eq(dl__report_size(&g.result), known);
  dl__report_give(&result, &g.result);
  ck_assert_uint_eq(g.result.struct_size, size);
  expect_untouched(&g, known);
  if (known > sizeof(uint32_t)) {
    ck_assert_mem_eq((char *)&g.result + 4, (char *)&before + 4, known - 4);
  }
  if (!whole) return; /* see the next test */
  dl_push_result_clear(&g.result);
  ck_assert_uint_eq(g.result.error_count, 0);
  ck_assert_ptr_null(g.result.errors);
  expect_untouched(&g, known);
}
END_TEST

/* A struct that ends before `errors` has none to free: what stands there is not ours.
 * (And the errors of such a result are freed when it is given: the leak sanitizer.) */
START_TEST(a_smaller_result_is_cleared) {
  size_t size = result_sizes[_i];
  dl_push_result result = full_result();
  guarded g;
  guarded_init(&g, size);
  dl__report_give(&result, &g.result);
  dl_push_result_clear(&g.result);
  ck_assert_uint_eq(g.result.struct_size, size);
  expect_untouched(&g, size);
}
END_TEST

START_TEST(a_result_is_cleared_twice) {
  dl_push_result_clear(NULL);
  dl_push_result result = full_result();
  result.stage = DL_STAGE_DONE;
  result.last_push_ns = 5;
  dl_push_result_clear(&result);
  const dl_push_result init = DL_PUSH_RESULT_INIT;
  ck_assert_mem_eq(&result, &init, sizeof init);
  dl_push_result_clear(&result);
  ck_assert_mem_eq(&result, &init, sizeof init);
}
END_TEST

START_TEST(a_result_that_nobody_wants) {
  dl_push_result result = full_result();
  dl__report_give(&result, NULL); /* frees: the leak sanitizer */
  ck_assert_ptr_null(result.errors);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("report");
  TCase *tcase = tcase_create("report");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, NULL);
  tcase_add_test(tcase, what_the_plan_found);
  tcase_add_test(tcase, a_dry_run_skips);
  tcase_add_test(tcase, how_the_files_ended);
  tcase_add_test(tcase, errors_of_files);
  tcase_add_test(tcase, long_and_empty_texts);
  tcase_add_test(tcase, no_failure_no_errors);
  tcase_add_loop_test(tcase, a_result_is_given_as_far_as_it_goes, 0, COUNT(result_sizes));
  tcase_add_loop_test(tcase, a_smaller_result_is_cleared, 0, 5);
  tcase_add_test(tcase, a_result_is_cleared_twice);
  tcase_add_test(tcase, a_result_that_nobody_wants);
  return support_main(suite);
}
