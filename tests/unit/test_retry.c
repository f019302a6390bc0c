/* A storage that tries again: how often, how long it waits between, what it says in the
 * end, and all that for many threads. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "flaky.h"

#define BIG UINT32_MAX

static const step broken = {DL_ERR_NETWORK, 1, 0, 0, NULL};
static const step refused = {DL_ERR_AUTH, 0, 0, 0, NULL};

START_TEST(success_at_once) {
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_OK);
  ck_assert_uint_eq(w.tries, 1);
  ck_assert_uint_eq(w.sleeps, 0);
  ck_assert_int_eq(w.err.status, 0); /* nobody touched it */
}
END_TEST

START_TEST(success_later) {
  w.steps[0] = w.steps[1] = w.steps[2] = w.steps[3] = broken;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_OK);
  ck_assert_uint_eq(w.tries, 5);
  ck_assert_int_eq(w.err.status, 0);
}
END_TEST

START_TEST(too_many_failures) {
  flaky_always(broken);
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 5);
  ck_assert_str_eq(w.err.message, "failed (tried 5 times)");
  ck_assert_str_eq(w.err.path, "key");
  ck_assert_uint_eq(w.err.retryable, 1);
}
END_TEST

START_TEST(not_retryable) {
  flaky_always(refused);
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_AUTH);
  ck_assert_uint_eq(w.tries, 1);
  ck_assert_str_eq(w.err.message, "failed");
}
END_TEST

START_TEST(last_error_counts) {
  w.steps[0] = broken;
  w.steps[1] = (step){DL_ERR_STORAGE, 1, 0, 0, NULL};
  w.steps[2] = (step){DL_ERR_NOT_FOUND, 0, 0, 0, NULL};
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NOT_FOUND);
  ck_assert_uint_eq(w.tries, 3);
  ck_assert_str_eq(w.err.message, "failed (tried 3 times)");
}
END_TEST

/* A storage that says so must have been told to stop. */
START_TEST(cancelled_inside) {
  flaky_always((step){DL_ERR_CANCELLED, 1, 0, 0, NULL});
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_CANCELLED);
  ck_assert_uint_eq(w.tries, 1);
}
END_TEST

START_TEST(no_error_wanted) {
  flaky_always(broken);
  flaky_open();
  ck_assert_int_eq(w.outer->remove(w.outer->self, "key", NULL), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 5);
}
END_TEST

/* The error of an earlier try must not be taken for that of a later one. */
static dl_status silent_remove(void *self, const char *key, dl_error *err) {
  (void)self;
  (void)key;
  step s = flaky_step();
  return s.status != DL_OK ? flaky_end(&s, err) : DL_ERR_STORAGE;
}

START_TEST(error_not_filled) {
  w.steps[0] = broken;
  w.inner.remove = silent_remove;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_STORAGE);
  ck_assert_uint_eq(w.tries, 2);
  ck_assert_int_eq(w.err.status, DL_ERR_STORAGE);
  ck_assert_str_eq(w.err.message, "DL_ERR_STORAGE (tried 2 times)");
}
END_TEST

static dl_status talkative_remove(void *self, const char *key, dl_error *err) {
  (void)self;
  (void)key;
  memset(err->message, 'm', sizeof err->message - 1);
  err->message[sizeof err->message - 1] = '\0';
  err->retryable = 1;
  return DL_ERR_NETWORK;
}

START_TEST(long_message) {
  static const char tail[] = "mmm... (tried 5 times)";
  w.inner.remove = talkative_remove;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(strlen(w.err.message), sizeof w.err.message - 1);
  ck_assert_str_eq(w.err.message + sizeof w.err.message - sizeof tail, tail);
}
END_TEST

/* A caller of an older library, whose error ended before the message. */
START_TEST(small_error) {
  flaky_always(broken);
  flaky_open();
  memset(&w.err, 0x55, sizeof w.err);
  w.err.struct_size = 8;
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_int_eq(w.err.status, DL_ERR_NETWORK);
  ck_assert_int_eq(w.err.errno_value, 0x55555555);
}
END_TEST

START_TEST(waits_grow) {
  flaky_always(broken);
  w.random = 1600; /* % 101 is 85, % 201 193, % 401 397, % 801 799 */
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.slept_ms, 85 + 193 + 397 + 799);
  ck_assert_uint_eq(w.longest_ms, 50);
  ck_assert_uint_eq(w.sleeps, 2 + 4 + 8 + 16);
}
END_TEST

START_TEST(asked_wait) {
  w.steps[0] = (step){DL_ERR_NETWORK, 1, 3000, 0, NULL};
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_OK);
  ck_assert_uint_eq(w.slept_ms, 3000);
  ck_assert_uint_eq(w.sleeps, 60);
}
END_TEST

START_TEST(asked_wait_is_capped) {
  w.steps[0] = (step){DL_ERR_NETWORK, 1, UINT32_MAX, 0, NULL};
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_OK);
  ck_assert_uint_eq(w.slept_ms, 10000);
}
END_TEST

START_TEST(no_retries) {
  flaky_always(broken);
  policy.retries = 0;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 1);
  ck_assert_str_eq(w.err.message, "failed");
}
END_TEST

/* A wait that would end behind the deadline is not begun. */
START_TEST(deadline) {
  flaky_always((step){DL_ERR_NETWORK, 1, 4000, 0, NULL});
  policy.deadline_ms = 11999;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 3);
  ck_assert_uint_eq(w.slept_ms, 8000);
  ck_assert_str_eq(w.err.message, "failed (tried 3 times)");
}
END_TEST

START_TEST(deadline_just_met) {
  flaky_always((step){DL_ERR_NETWORK, 1, 4000, 0, NULL});
  policy.deadline_ms = 12000;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 4);
}
END_TEST

/* The sleeps took longer than they were asked to: no try begins behind the deadline. */
START_TEST(deadline_overslept) {
  flaky_always((step){DL_ERR_NETWORK, 1, 4000, 0, NULL});
  policy.deadline_ms = 12000;
  w.late_ms = 1000;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 1);
}
END_TEST

static dl_status slow_remove(void *self, const char *key, dl_error *err) {
  (void)self;
  (void)key;
  step s = flaky_step();
  atomic_fetch_add(&w.now_ms, 60001);
  return flaky_end(&s, err);
}

/* A single try took so long that it is no use to wait. */
START_TEST(deadline_passed_by_a_try) {
  flaky_always(broken);
  w.inner.remove = slow_remove;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 1);
  ck_assert_uint_eq(w.sleeps, 0);
}
END_TEST

START_TEST(deadline_is_of_one_call) {
  policy.deadline_ms = 5000;
  for (int i = 0; i < 10; i += 2) w.steps[i] = (step){DL_ERR_NETWORK, 1, 4000, 0, NULL};
  flaky_open();
  for (int i = 0; i < 5; i++) ck_assert_int_eq(flaky_remove(), DL_OK);
  ck_assert_uint_eq(w.tries, 10);
}
END_TEST

START_TEST(budget_is_shared) {
  flaky_always(broken);
  policy.budget = 6;
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 5);
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 8);
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 9);
  ck_assert_str_eq(w.err.message, "failed");
}
END_TEST

START_TEST(budget_comes_back) {
  policy.budget = 1;
  w.steps[0] = w.steps[2] = broken; /* the second one finds nothing left */
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_OK); /* and gives back the first tenth */
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 3);
  for (int i = 0; i < 9; i++) ck_assert_int_eq(flaky_remove(), DL_OK);
  w.tries = 0;
  w.steps[2] = (step){0};
  ck_assert_int_eq(flaky_remove(), DL_OK);
  ck_assert_uint_eq(w.tries, 2);
}
END_TEST

START_TEST(budget_does_not_grow) {
  policy.budget = 2;
  policy.retries = BIG;
  flaky_open();
  for (int i = 0; i < 100; i++) ck_assert_int_eq(flaky_remove(), DL_OK);
  w.tries = 0;
  flaky_always(broken);
  ck_assert_int_eq(flaky_remove(), DL_ERR_NETWORK);
  ck_assert_uint_eq(w.tries, 3);
}
END_TEST

START_TEST(largest_policy) {
  policy = (dl__retry_policy){{BIG, BIG}, BIG, BIG, 0, UINT64_MAX, &flaky_clock};
  for (int i = 0; i < 11; i++) w.steps[i] = (step){DL_ERR_NETWORK, 1, 10, 0, NULL};
  flaky_open();
  ck_assert_int_eq(flaky_remove(), DL_OK);
  ck_assert_uint_eq(w.tries, 12);
}
END_TEST

START_TEST(cancel_ends_the_wait) {
  flaky_always((step){DL_ERR_NETWORK, 1, 9000, 0, NULL});
  w.cancel_after = 5;
  flaky_open();
  w.outer->watch(w.outer->self, flaky_cancelled, &w);
  ck_assert_int_eq(flaky_remove(), DL_ERR_CANCELLED);
  ck_assert_int_eq(w.err.status, DL_ERR_CANCELLED);
  ck_assert_uint_eq(w.err.retryable, 0);
  ck_assert_uint_eq(w.tries, 1);
  ck_assert_uint_eq(w.sleeps, 5);
  ck_assert_uint_eq(w.slept_ms, 250);
}
END_TEST

/* With no time to wait there is still a moment to ask. */
START_TEST(cancel_without_wait) {
  flaky_always(broken);
  policy.backoff.base_ms = 0;
  w.cancel_after = 1;
  w.sleeps = 1;
  flaky_open();
  w.outer->watch(w.outer->self, flaky_cancelled, &w);
  ck_assert_int_eq(flaky_remove(), DL_ERR_CANCELLED);
  ck_assert_uint_eq(w.tries, 1);
}
END_TEST

#define THREADS 8
#define CALLS   500

static atomic_uint turns;
static atomic_uint failures;
static atomic_uint given_up;

/* Three of four tries fail. */
static dl_status unsteady_remove(void *self, const char *key, dl_error *err) {
  (void)self;
  if (atomic_fetch_add(&turns, 1) % 4 == 3) return DL_OK;
  atomic_fetch_add(&failures, 1);
  (void)dl__fail(err, DL_ERR_NETWORK, key, "busy");
  err->retryable = 1;
  return DL_ERR_NETWORK;
}

static void short_sleep(void *user, uint32_t ms) {
  (void)user;
  atomic_fetch_add(&w.now_ms, ms);
}

static void *many_calls(void *user) {
  (void)user;
  for (int i = 0; i < CALLS; i++) {
    dl_error err = DL_ERROR_INIT;
    if (w.outer->remove(w.outer->self, "key", &err) != DL_OK) atomic_fetch_add(&given_up, 1);
  }
  return NULL;
}

START_TEST(threads) {
  dl__retry_clock clock = flaky_clock;
  pthread_t thread[THREADS];
  clock.sleep_ms = short_sleep;
  w.inner.remove = unsteady_remove;
  policy = (dl__retry_policy){{3, 10}, BIG, 300, 0, UINT64_MAX, &clock};
  flaky_open();
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(0, pthread_create(&thread[i], NULL, many_calls, NULL));
  }
  for (int i = 0; i < THREADS; i++) ck_assert_int_eq(0, pthread_join(thread[i], NULL));
  unsigned calls = THREADS * CALLS;
  unsigned successes = calls - atomic_load(&given_up);
  unsigned retries = atomic_load(&turns) - calls;
  ck_assert_uint_ge(retries, 300); /* all that was there was used, and what came back */
  ck_assert_uint_le(retries, 300 + successes / 10);
  ck_assert_uint_eq(atomic_load(&failures), retries + atomic_load(&given_up));
}
END_TEST

START_TEST(real_clock) {
  const dl__retry_clock *clock = &dl__retry_real_clock;
  struct timespec before, after;
  ck_assert_int_eq(0, clock_gettime(CLOCK_MONOTONIC, &before));
  uint64_t start = clock->now_ms(clock->user);
  clock->sleep_ms(clock->user, 30);
  uint64_t passed = clock->now_ms(clock->user) - start;
  ck_assert_int_eq(0, clock_gettime(CLOCK_MONOTONIC, &after));
  int64_t real_ms =
      (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
  ck_assert_uint_ge(passed, 29);
  ck_assert_int_le((int64_t)passed, real_ms + 1);
  ck_assert(clock->random(clock->user) != clock->random(clock->user));
}
END_TEST

static void add_waits(TCase *tcase) {
  tcase_add_test(tcase, waits_grow);
  tcase_add_test(tcase, asked_wait);
  tcase_add_test(tcase, asked_wait_is_capped);
  tcase_add_test(tcase, no_retries);
  tcase_add_test(tcase, deadline);
  tcase_add_test(tcase, deadline_just_met);
  tcase_add_test(tcase, deadline_overslept);
  tcase_add_test(tcase, deadline_passed_by_a_try);
  tcase_add_test(tcase, deadline_is_of_one_call);
  tcase_add_test(tcase, budget_is_shared);
  tcase_add_test(tcase, budget_comes_back);
  tcase_add_test(tcase, budget_does_not_grow);
  tcase_add_test(tcase, largest_policy);
  tcase_add_test(tcase, cancel_ends_the_wait);
  tcase_add_test(tcase, cancel_without_wait);
}

int main(void) {
  Suite *suite = suite_create("retry");
  TCase *tcase = tcase_create("retry");
  tcase_add_checked_fixture(tcase, flaky_setup, flaky_teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, success_at_once);
  tcase_add_test(tcase, success_later);
  tcase_add_test(tcase, too_many_failures);
  tcase_add_test(tcase, not_retryable);
  tcase_add_test(tcase, last_error_counts);
  tcase_add_test(tcase, cancelled_inside);
  tcase_add_test(tcase, no_error_wanted);
  tcase_add_test(tcase, error_not_filled);
  tcase_add_test(tcase, long_message);
  tcase_add_test(tcase, small_error);
  add_waits(tcase);
  tcase_add_test(tcase, threads);
  tcase_add_test(tcase, real_clock);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
