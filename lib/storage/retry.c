/* storage/retry.c: takes the slots' calls, makes them with the storage inside,
 * makes them again as the policy says, and gives what the last try said. The
 * storage that asks for this says which failures may pass; nothing is guessed here. */
#include "storage/retry.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "storage/reread.h"
#include "storage/retry_inside.h"
#include "storage/storage.h"

#define SLICE_MS 50 /* a cancelled push waits no longer than this */
#define GIVE_UP  8  /* failures in a row, at least, before a remote is given up */
#define RETRY    10 /* the price of one retry in units of the budget; a success gives back 1 */

/* Takes the price of one retry, if it is there. */
static bool spend(dl__retry *r) {
  (void)pthread_mutex_lock(&r->locked.mutex);
  bool enough = r->locked.budget >= RETRY;
  if (enough) r->locked.budget -= RETRY;
  (void)pthread_mutex_unlock(&r->locked.mutex);
  return enough;
}

static void earn(dl__retry *r) {
  (void)pthread_mutex_lock(&r->locked.mutex);
  r->locked.failures = 0;
  if (r->locked.budget < (uint64_t)r->policy.budget * RETRY) r->locked.budget++;
  (void)pthread_mutex_unlock(&r->locked.mutex);
}

static void note_failure(dl__retry *r, uint64_t start_ms) {
  (void)pthread_mutex_lock(&r->locked.mutex);
  if (r->locked.failures == 0) r->locked.failing_since_ms = start_ms;
  if (r->locked.failures < UINT32_MAX) r->locked.failures++;
  (void)pthread_mutex_unlock(&r->locked.mutex);
}

static bool is_given_up(dl__retry *r) {
  uint64_t now_ms = r->policy.clock->now_ms(r->policy.clock->user);
  (void)pthread_mutex_lock(&r->locked.mutex);
  bool given_up = r->policy.give_up_ms > 0 && r->locked.failures >= GIVE_UP &&
                  now_ms - r->locked.failing_since_ms > r->policy.give_up_ms;
  (void)pthread_mutex_unlock(&r->locked.mutex);
  return given_up;
}

static dl_status fail_given_up(const dl__retry_call *c, dl_error *err) {
  dl_error full = DL_ERROR_INIT;
  (void)dl__fail(&full, DL_ERR_NETWORK, c->key,
                 "not tried: the remote has not answered for some time; try again later");
  full.retryable = 1;
  dl__error_copy(err, &full);
  return DL_ERR_NETWORK;
}

static bool is_cancelled(const dl__retry *r) {
  return r->cancelled != NULL && r->cancelled(r->cancelled_user) != 0;
}

/* False: cancelled. */
static bool wait_ms(const dl__retry *r, uint32_t left) {
  const dl__retry_clock *clock = r->policy.clock;
  while (left > 0 && !is_cancelled(r)) {
    uint32_t slice = left < SLICE_MS ? left : SLICE_MS;
    clock->sleep_ms(clock->user, slice);
    left -= slice;
  }
  return !is_cancelled(r);
}

/* After try number `tries` failed: waits until the next one may begin. DL_OK: it may;
 * DL_ERR_CANCELLED; anything else: there is to be none. */
static dl_status prepare_next(dl__retry *r, uint32_t tries, uint64_t start_ms,
                              const dl_error *last) {
  const dl__retry_clock *clock = r->policy.clock;
  uint64_t deadline = r->policy.deadline_ms;
  uint64_t random = clock->random(clock->user);
  uint32_t ms = dl__backoff_ms(&r->policy.backoff, tries, random, last->retry_after_ms);
  uint64_t passed = clock->now_ms(clock->user) - start_ms;
  if (is_given_up(r) || passed > deadline || ms > deadline - passed || !spend(r)) {
    return DL_ERR_NETWORK;
  }
  if (!wait_ms(r, ms)) return DL_ERR_CANCELLED;
  /* The wait may have been longer than it was asked to be. */
  return clock->now_ms(clock->user) - start_ms <= deadline ? DL_OK : DL_ERR_NETWORK;
}

dl_status dl__retry_run(dl__retry *r, dl__retry_call *c, dl_error *err) {
  const dl__retry_clock *clock = r->policy.clock;
  uint64_t start_ms = clock->now_ms(clock->user);
  c->inner = &r->inner;
  for (uint32_t tries = 1;; tries++) {
    /* An error of our own: the caller may have passed none, but retryable is needed. */
    dl_error last = DL_ERROR_INIT;
    uint64_t try_ms = clock->now_ms(clock->user);
    if (is_given_up(r)) return fail_given_up(c, err);
    dl_status status = c->once(c, &last);
    if (status == DL_ERR_NETWORK) note_failure(r, try_ms);
    if (status == DL_OK) {
      earn(r);
      return DL_OK;
    }
    bool again = last.retryable != 0 && status != DL_ERR_CANCELLED && !c->final;
    dl_status next = DL_ERR_NETWORK;
    if (again && tries <= r->policy.retries) next = prepare_next(r, tries, start_ms, &last);
    if (next == DL_OK) continue;
    if (next == DL_ERR_CANCELLED) return dl__fail(err, next, c->key, "cancelled");
    if (last.message[0] == '\0') (void)dl_error_set(&last, status, c->key, NULL);
    char suffix[40];
    (void)snprintf(suffix, sizeof suffix, " (tried %lu times)", (unsigned long)tries);
    if (tries > 1) dl__error_append(&last, suffix);
    dl__error_copy(err, &last);
    return status;
  }
}

/* Hands an object on; from then on another try would hand it out twice. */
static int hand_on(const dl_object *object, void *user) {
  dl__retry_call *c = user;
  c->final = true;
  return c->each(object, c->user);
}

static int hand_on_or_again(const dl_object *object, void *user) {
  dl__retry_call *c = user;
  int stop = c->each(object, c->user);
  c->final = stop != 0;
  return stop;
}

static dl_status list_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_list_all(c->inner, c->key, hand_on_or_again, c, err);
}

static dl_status retry_list(void *self, const char *prefix, dl_object_fn each, void *user,
                            dl_error *err) {
  dl__retry_call c = {.once = list_once, .key = prefix, .each = each, .user = user};
  return dl__retry_run(self, &c, err);
}

static dl_status stat_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_stat(c->inner, c->key, hand_on, c, err);
}

static dl_status retry_stat(void *self, const char *key, dl_object_fn each, void *user,
                            dl_error *err) {
  dl__retry_call c = {.once = stat_once, .key = key, .each = each, .user = user};
  return dl__retry_run(self, &c, err);
}

static dl_status put_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_put(c->inner, c->put, c->result, err);
}

static dl_status retry_put(void *self, const dl_put_request *request, dl_put_result *result,
                           dl_error *err) {
  dl__retry_call c = {.once = put_once, .key = request->key, .put = request, .result = result};
  return dl__retry_run(self, &c, err);
}

/* A remove whose answer was lost may find nothing the next time. DL_ERR_NOT_FOUND is
 * true then as well, and whether it was this call that removed it nobody can say. */
static dl_status remove_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_remove(c->inner, c->key, err);
}

static dl_status retry_remove(void *self, const char *key, dl_error *err) {
  dl__retry_call c = {.once = remove_once, .key = key};
  return dl__retry_run(self, &c, err);
}

static dl_status get_once(dl__retry_call *c, dl_error *err) {
  dl_status status = dl__reread_try(c->reread, c->inner, err);
  c->final = c->reread->final;
  return status;
}

static dl_status retry_get(void *self, const dl_get_request *request, dl_error *err) {
  dl__reread reread;
  dl__retry_call c = {.once = get_once, .key = request->key, .reread = &reread};
  dl_status status = dl__reread_init(&reread, request, err);
  if (status == DL_OK) status = dl__retry_run(self, &c, err);
  dl__reread_clear(&reread);
  return status;
}

static void retry_watch(void *self, dl_cancelled_fn cancelled, void *user) {
  dl__retry *r = self;
  r->cancelled = cancelled;
  r->cancelled_user = user;
  (void)pthread_mutex_lock(&r->locked.mutex);
  r->locked.budget = (uint64_t)r->policy.budget * RETRY;
  r->locked.failures = 0;
  (void)pthread_mutex_unlock(&r->locked.mutex);
  dl__storage_watch(&r->inner, cancelled, user);
}

static const char *retry_describe(void *self) {
  return dl__storage_describe(&((dl__retry *)self)->inner);
}

static void retry_close(void *self) {
  dl__retry *r = self;
  dl__storage_close(&r->inner);
  (void)pthread_mutex_destroy(&r->locked.mutex);
  free(r);
}

dl_status dl__retry_new(const dl_storage *inner, const dl__retry_policy *policy,
                        const dl_storage **out, dl_error *err) {
  dl__retry *r = calloc(1, sizeof *r);
  dl_status status = r != NULL ? dl__storage_wrap(inner, &r->inner, err) : dl__fail_no_memory(err);
  if (status == DL_OK && pthread_mutex_init(&r->locked.mutex, NULL) != 0) {
    status = dl__fail_no_memory(err);
  }
  if (status != DL_OK) {
    dl_storage_close(inner);
    free(r);
    return status;
  }
  r->policy = *policy;
  r->locked.budget = (uint64_t)policy->budget * RETRY;
  r->storage = (dl_storage){
      .struct_size = sizeof r->storage,
      .caps = r->inner.slots.caps,
      .self = r,
      .list = retry_list,
      .stat = retry_stat,
      .put = retry_put,
      .get = retry_get,
      .close = retry_close,
      .remove = r->inner.slots.remove != NULL ? retry_remove : NULL,
      .watch = retry_watch,
      .describe = r->inner.slots.describe != NULL ? retry_describe : NULL,
  };
  if (dl__storage_has_parts(&r->inner)) dl__retry_add_parts(r);
  *out = &r->storage;
  return DL_OK;
}

static uint64_t real_now_ms(void *user) {
  (void)user;
  return dl__clock_mono_ms();
}

static void real_sleep_ms(void *user, uint32_t ms) {
  (void)user;
  struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

/* Chance spreads the waits of many programs and guards nothing: a clock will do. */
static uint64_t real_random(void *user) {
  (void)user;
  uint64_t number;
  if (getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number) return number;
  return (uint64_t)dl__clock_wall_ns();
}

const dl__retry_clock dl__retry_real_clock = {real_now_ms, real_sleep_ms, real_random, NULL};
