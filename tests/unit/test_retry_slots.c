/* A storage that tries again: what each slot may do twice. Above all a get, which hands
 * every byte out once. */
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "flaky.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static dl_status do_stat(void) {
  return w.outer->stat(w.outer->self, "key", flaky_each, &w, &w.err);
}

static dl_status read_text(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                           dl_error *err) {
  if (user != NULL) return dl__fail(err, DL_ERR_SOURCE_CHANGED, "key", "changed");
  memcpy(buf, &"what is put"[offset], size);
  *got = size;
  return DL_OK;
}

static dl_status do_put(dl_put_result *result) {
  dl_put_request request = DL_PUT_REQUEST_INIT;
  request.key = "key";
  request.size_bytes = 11;
  request.read = read_text;
  return w.outer->put(w.outer->self, &request, result, &w.err);
}

static dl_status write_text(void *user, const void *data, size_t size, dl_error *err) {
  (void)user;
  ck_assert_uint_gt(size, 0);
  ck_assert(dl__buf_add(&w.got, data, size));
  if (w.write_says == DL_OK) return DL_OK;
  (void)dl__fail(err, w.write_says, "key", "disk full");
  if (err != NULL) err->retryable = 1; /* even so: it is not the remote that failed */
  return w.write_says;
}

static dl_status do_get(uint64_t offset, uint64_t length) {
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = "key";
  request.offset_bytes = offset;
  request.length_bytes = length;
  request.write = write_text;
  request.write_user = &w;
  return w.outer->get(w.outer->self, &request, &w.err);
}

static const step broken = {DL_ERR_NETWORK, 1, 0, 0, NULL};

START_TEST(list_that_gave_nothing) {
  w.steps[0] = w.steps[1] = broken;
  flaky_open();
  ck_assert_int_eq(flaky_list(), DL_OK);
  ck_assert_uint_eq(w.tries, 3);
  ck_assert_uint_eq(w.objects, 3);
}
END_TEST

/* The one object that came before the second failure comes again. */
START_TEST(list_that_gave_something) {
  w.steps[0] = broken;
  w.steps[1] = (step){DL_ERR_NETWORK, 1, 0, 1, NULL};
  flaky_open();
  ck_assert_int_eq(flaky_list(), DL_OK);
  ck_assert_uint_eq(w.tries, 3);
  ck_assert_uint_eq(w.objects, 1 + 3);
}
END_TEST

static int stop_at_once(const dl_object *object, void *user) {
  (void)object;
  (*(unsigned *)user)++;
  return 1;
}

START_TEST(list_that_was_stopped) {
  unsigned calls = 0;
  flaky_open();
  dl_status status = w.outer->list(w.outer->self, "k", stop_at_once, &calls, &w.err);
  ck_assert_int_eq(status, DL_ERR_CANCELLED);
  ck_assert_uint_eq(calls, 1);
  ck_assert_uint_eq(w.tries, 1);
}
END_TEST

/* A remote that keeps silent is given up for the rest of the run, not for ever. */
START_TEST(silent_remote_is_given_up) {
  policy.retries = 0;
  policy.give_up_ms = 1000;
  flaky_always(broken);
  flaky_open();
  for (int i = 0; i < 8; i++) {
    ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
    atomic_fetch_add(&w.now_ms, 200);
  }
  unsigned before = w.tries;
  ck_assert_uint_eq(before, 8);
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, before);
  ck_assert_ptr_nonnull(strstr(w.err.message, "not tried"));
  w.outer->watch(w.outer->self, flaky_cancelled, &w);
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, before + 1);
}
END_TEST

/* Many failures in a short time are no silence. */
START_TEST(failures_in_a_short_time_give_nothing_up) {
  policy.retries = 0;
  policy.give_up_ms = 1000;
  flaky_always(broken);
  flaky_open();
  for (unsigned i = 1; i <= STEPS; i++) {
    ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
    ck_assert_uint_eq(w.tries, i);
  }
}
END_TEST

START_TEST(stat_once_more) {
  w.steps[0] = broken;
  flaky_open();
  ck_assert_int_eq(do_stat(), DL_OK);
  ck_assert_uint_eq(w.objects, 1);
}
END_TEST

START_TEST(stat_that_gave_something) {
  w.steps[0] = (step){DL_ERR_NETWORK, 1, 0, 1, NULL};
  flaky_open();
  ck_assert_int_eq(do_stat(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.objects, 1);
}
END_TEST

START_TEST(put_starts_over) {
  dl_put_result result = DL_PUT_RESULT_INIT;
  w.steps[0] = (step){DL_ERR_NETWORK, 1, 0, 5, NULL};
  w.steps[1] = (step){DL_ERR_NETWORK, 1, 0, 11, NULL};
  flaky_open();
  ck_assert_int_eq(do_put(&result), DL_OK);
  ck_assert_str_eq(w.put, "what is put");
  ck_assert_str_eq(result.etag, "etag3");
}
END_TEST

START_TEST(put_conflict_is_passed_on) {
  dl_put_result result = DL_PUT_RESULT_INIT;
  w.steps[0] = (step){DL_ERR_NETWORK, 1, 0, 11, NULL};
  w.steps[1] = (step){DL_ERR_CONFLICT, 0, 0, 0, NULL};
  flaky_open();
  ck_assert_int_eq(do_put(&result), DL_ERR_CONFLICT);
  ck_assert_str_eq(result.etag, "");
}
END_TEST

START_TEST(put_whose_read_fails) {
  dl_put_request request = DL_PUT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  request.key = "key";
  request.size_bytes = 11;
  request.read = read_text;
  request.read_user = &w;
  flaky_open();
  dl_status status = w.outer->put(w.outer->self, &request, &result, &w.err);
  ck_assert_int_eq(status, DL_ERR_SOURCE_CHANGED);
  ck_assert_uint_eq(w.tries, 1);
}
END_TEST

/* Where the tries of a get break off (then one that does not), and in what pieces. */
static const struct {
  size_t at[3];
  size_t piece;
  uint64_t offset, length;
  const char *got;
} breaks[] = {
    {{0, 0, 0}, 3, 0, 0, "0123456789abcdef"},
    {{5, 0, 0}, 3, 0, 0, "0123456789abcdef"},
    {{5, 5, 5}, 3, 0, 0, "0123456789abcdef"},
    {{5, 2, 9}, 3, 0, 0, "0123456789abcdef"},
    {{2, 7, 4}, 1, 0, 0, "0123456789abcdef"},
    {{1, 2, 3}, 16, 0, 0, "0123456789abcdef"},
    {{9, 15, 16}, 4, 0, 0, "0123456789abcdef"},
    {{16, 16, 16}, 5, 0, 0, "0123456789abcdef"},
    {{16, 0, 0}, 5, 0, 0, "0123456789abcdef"},
    {{2, 3, 1}, 2, 4, 0, "456789abcdef"},
    {{2, 3, 1}, 2, 4, 5, "45678"},
    {{5, 5, 5}, 5, 4, 5, "45678"},
    {{1, 0, 1}, 2, 15, 9, "f"},
    {{1, 1, 1}, 2, 16, 0, ""},
    {{1, 1, 1}, 2, UINT64_MAX, 0, ""},
    {{1, 1, 1}, 2, 3, UINT64_MAX, "3456789abcdef"},
};

START_TEST(get_goes_on) {
  for (int i = 0; i < 3; i++) {
    w.steps[i] = (step){DL_ERR_NETWORK, 1, 0, breaks[_i].at[i], NULL};
  }
  w.piece = breaks[_i].piece;
  flaky_open();
  ck_assert_int_eq(do_get(breaks[_i].offset, breaks[_i].length), DL_OK);
  ck_assert_str_eq(w.got.data != NULL ? w.got.data : "", breaks[_i].got);
  ck_assert_uint_eq(w.tries, 4);
  ck_assert_uint_eq(w.stats, 0);
}
END_TEST

START_TEST(get_in_one_request) {
  flaky_open();
  ck_assert_int_eq(do_get(0, 0), DL_OK);
  ck_assert_str_eq(w.got.data, "0123456789abcdef");
  ck_assert_uint_eq(w.tries, 1);
  ck_assert_uint_eq(w.stats, 0);
}
END_TEST

static const struct {
  const char *after; /* the object after it broke off behind "01234567" */
  const char *got;   /* NULL: a conflict */
} changes[] = {
    {"x123456789abcdef", NULL},
    {"0123456x89abcdef", NULL},
    {"0123456", NULL},
    {"", NULL},
    {"x", NULL},
    {"fedcba9876543210", NULL},
    {"01234567", "01234567"}, /* another object, but all that was seen is of it */
    {"01234567 and more", "01234567 and more"},
};

START_TEST(get_of_changed_object) {
  w.steps[0] = (step){DL_ERR_NETWORK, 1, 0, 8, NULL};
  w.steps[1].content = changes[_i].after;
  flaky_open();
  dl_status status = do_get(0, 0);
  ck_assert_int_eq(status, changes[_i].got != NULL ? DL_OK : DL_ERR_CONFLICT);
  ck_assert_str_eq(w.got.data, changes[_i].got != NULL ? changes[_i].got : "01234567");
  ck_assert_uint_eq(w.tries, 2);
  if (status != DL_OK) ck_assert_ptr_nonnull(strstr(w.err.message, "changed"));
}
END_TEST

/* It changes twice: what the second try handed out counts as well. */
START_TEST(get_of_twice_changed_object) {
  w.steps[0] = (step){DL_ERR_NETWORK, 1, 0, 4, NULL};
  w.steps[1] = (step){DL_ERR_NETWORK, 1, 0, 8, "0123xxxxxxxxxxxx"};
  w.steps[2].content = "0123456789abcdef";
  flaky_open();
  ck_assert_int_eq(do_get(0, 0), DL_ERR_CONFLICT);
  ck_assert_str_eq(w.got.data, "0123xxxx");
}
END_TEST

START_TEST(get_of_removed_object) {
  w.steps[0] = (step){DL_ERR_NETWORK, 1, 0, 4, NULL};
  w.steps[1] = (step){DL_ERR_NOT_FOUND, 0, 0, 0, NULL};
  flaky_open();
  ck_assert_int_eq(do_get(0, 0), DL_ERR_NOT_FOUND);
  ck_assert_str_eq(w.got.data, "0123");
}
END_TEST

START_TEST(get_whose_write_fails) {
  w.write_says = DL_ERR_STORAGE;
  flaky_open();
  ck_assert_int_eq(do_get(0, 0), DL_ERR_STORAGE);
  ck_assert_str_eq(w.err.message, "disk full");
  ck_assert_uint_eq(w.tries, 1);
}
END_TEST

START_TEST(slots) {
  flaky_open();
  ck_assert_uint_eq(w.outer->caps, w.inner.caps);
  ck_assert_str_eq(w.outer->describe(w.outer->self), "a storage of a test");
  w.outer->watch(w.outer->self, flaky_cancelled, &w);
  ck_assert_int_eq(w.put[0], 'w');
}
END_TEST

/* A storage of the first version, which ends before the optional slots. */
START_TEST(slots_that_are_not_there) {
  flaky_always((step){DL_ERR_NETWORK, 1, 9000, 0, NULL});
  w.inner.struct_size = offsetof(dl_storage, remove);
  w.cancel_after = 2;
  flaky_open();
  ck_assert_ptr_null(w.outer->remove);
  ck_assert_ptr_null(w.outer->describe);
  w.outer->watch(w.outer->self, flaky_cancelled, &w); /* for the waits */
  ck_assert_int_eq(w.put[0], '\0');
  ck_assert_int_eq(flaky_list(), DL_ERR_CANCELLED);
  ck_assert_uint_eq(w.sleeps, 2);
}
END_TEST

START_TEST(inner_is_no_storage) {
  w.inner.put = NULL;
  ck_assert_int_eq(dl__retry_new(&w.inner, &policy, &w.outer, &w.err), DL_ERR_STORAGE);
  ck_assert_ptr_null(w.outer);
  ck_assert_uint_eq(w.closed, 1); /* it was given away all the same */
  w.closed = 0;
}
END_TEST

int main(void) {
  Suite *suite = suite_create("retry_slots");
  TCase *tcase = tcase_create("retry_slots");
  tcase_add_checked_fixture(tcase, flaky_setup, flaky_teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, list_that_gave_nothing);
  tcase_add_test(tcase, list_that_gave_something);
  tcase_add_test(tcase, list_that_was_stopped);
  tcase_add_test(tcase, silent_remote_is_given_up);
  tcase_add_test(tcase, failures_in_a_short_time_give_nothing_up);
  tcase_add_test(tcase, stat_once_more);
  tcase_add_test(tcase, stat_that_gave_something);
  tcase_add_test(tcase, put_starts_over);
  tcase_add_test(tcase, put_conflict_is_passed_on);
  tcase_add_test(tcase, put_whose_read_fails);
  tcase_add_loop_test(tcase, get_goes_on, 0, COUNT(breaks));
  tcase_add_test(tcase, get_in_one_request);
  tcase_add_loop_test(tcase, get_of_changed_object, 0, COUNT(changes));
  tcase_add_test(tcase, get_of_twice_changed_object);
  tcase_add_test(tcase, get_of_removed_object);
  tcase_add_test(tcase, get_whose_write_fails);
  tcase_add_test(tcase, slots);
  tcase_add_test(tcase, slots_that_are_not_there);
  tcase_add_test(tcase, inner_is_no_storage);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
