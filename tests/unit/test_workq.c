/* The work queue: every item once, every message in order, whatever the number of
 * threads that the system gives. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/workq.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define ITEMS_MAX    5000
#define WORKERS_MAX  64

/* How many threads the system gives; the call stands before the one of libc. */
static atomic_int threads_left = 1000;
static atomic_int threads_made;

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*start)(void *), void *restrict arg) {
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  void *found = dlsym(RTLD_NEXT, "pthread_create");
  memcpy(&real, &found, sizeof found);
  if (atomic_fetch_sub(&threads_left, 1) <= 0) return EAGAIN;
  atomic_fetch_add(&threads_made, 1);
  return real(thread, attributes, start, arg);
}

typedef struct job {
  size_t workers; /* at most so many */
  size_t count;
  uint32_t messages; /* each item posts so many */
  atomic_int done[ITEMS_MAX];
  atomic_int busy[WORKERS_MAX]; /* the place of each worker */
  atomic_bool wrong;
  uint32_t heard[ITEMS_MAX]; /* by the starting thread */
} job;

static void work(dl__workq *q, size_t worker, size_t item, void *ctx) {
  job *j = ctx;
  if (worker >= j->workers || item >= j->count) {
    atomic_store(&j->wrong, true);
    return;
  }
  if (atomic_fetch_add(&j->busy[worker], 1) != 0) atomic_store(&j->wrong, true);
  for (uint32_t i = 0; i < j->messages; i++) {
    dl__workq_post(q, (dl__work_message){item, i, item * 1000003 + i});
  }
  atomic_fetch_add(&j->done[item], 1);
  atomic_fetch_sub(&j->busy[worker], 1);
}

/* Runs the whole job; gives the number of threads there were. */
static int run(job *j, size_t jobs) {
  dl__workq *q;
  dl_error err = DL_ERROR_INIT;
  atomic_store(&threads_made, 0);
  dl_status status = dl__workq_start(&q, jobs, j->count, work, j, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  dl__work_message message;
  while (dl__workq_next(q, &message)) {
    ck_assert_uint_lt(message.item, j->count);
    ck_assert_uint_eq(message.kind, j->heard[message.item]); /* in order, none lost */
    ck_assert_uint_eq(message.value, message.item * 1000003 + message.kind);
    j->heard[message.item]++;
  }
  ck_assert(!dl__workq_next(q, &message));
  dl__workq_finish(q);
  ck_assert(!atomic_load(&j->wrong));
  for (size_t i = 0; i < j->count; i++) {
    ck_assert_int_eq(atomic_load(&j->done[i]), 1);
    ck_assert_uint_eq(j->heard[i], j->messages);
  }
  return atomic_load(&threads_made);
}

static const struct {
  size_t jobs;
  size_t count;
  uint32_t messages;
  int threads;
} shapes[] = {
    {1, 1, 0, 1},      {1, 100, 3, 1},    {4, 5000, 1, 4}, {4, 3, 2000, 4}, {64, 5000, 3, 64},
    {64, 2, 1000, 64}, {64, 64, 257, 64}, {1, 1, 5000, 1}, {0, 10, 2, 1},   {4, 0, 1, 1},
    {0, 0, 0, 1},      {5, 7, 5, 5},      {3, 1000, 0, 3},
};

START_TEST(every_item_once) {
  static job j;
  size_t threads = (size_t)shapes[_i].threads;
  j = (job){.workers = threads, .count = shapes[_i].count, .messages = shapes[_i].messages};
  ck_assert_int_eq(run(&j, shapes[_i].jobs), shapes[_i].threads);
}
END_TEST

START_TEST(a_slow_listener_loses_nothing) {
  static job j;
  j = (job){.workers = 4, .count = 8, .messages = 300};
  dl__workq *q;
  ck_assert_int_eq(dl__workq_start(&q, 4, j.count, work, &j, NULL), DL_OK);
  dl__work_message message;
  size_t heard = 0;
  while (dl__workq_next(q, &message)) {
    struct timespec moment = {0, 1000};
    if (heard++ % 16 == 0) (void)nanosleep(&moment, NULL);
    ck_assert_uint_eq(message.kind, j.heard[message.item]);
    j.heard[message.item]++;
  }
  dl__workq_finish(q);
  ck_assert_uint_eq(heard, j.count * j.messages);
}
END_TEST

START_TEST(no_thread_at_all) {
  static job j;
  j = (job){.workers = 4, .count = 10};
  atomic_store(&threads_left, 0);
  dl__workq *q = (dl__workq *)&j;
  dl_error err = DL_ERROR_INIT;
  ck_assert_int_eq(dl__workq_start(&q, 4, j.count, work, &j, &err), DL_ERR_NO_MEMORY);
  ck_assert_ptr_null(q);
  ck_assert_int_eq(err.status, DL_ERR_NO_MEMORY);
  ck_assert_str_ne(err.message, "");
  ck_assert_int_eq(dl__workq_start(&q, 4, j.count, work, &j, NULL), DL_ERR_NO_MEMORY);
  for (size_t i = 0; i < j.count; i++) ck_assert_int_eq(atomic_load(&j.done[i]), 0);
}
END_TEST

START_TEST(fewer_threads_than_wanted) {
  static job j;
  j = (job){.workers = (size_t)_i, .count = 500, .messages = 2};
  atomic_store(&threads_left, _i);
  ck_assert_int_eq(run(&j, 8), _i);
}
END_TEST

/* One item that posts much news and then says so. */
typedef struct flood {
  sem_t posted;
  bool first_sure; /* fill the ring with messages that must not be lost */
} flood;

#define FLOOD 10000

static void post_flood(dl__workq *q, size_t worker, size_t item, void *ctx) {
  (void)worker;
  flood *f = ctx;
  if (f->first_sure) dl__workq_post(q, (dl__work_message){item, 1, 0});
  for (uint64_t i = 0; i < FLOOD; i++) {
    dl__workq_post_lossy(q, (dl__work_message){item, 2, i});
  }
  (void)sem_post(&f->posted);
  dl__workq_post(q, (dl__work_message){item, 3, 0});
}

START_TEST(lossy_news_never_waits) {
  flood f = {.first_sure = true};
  ck_assert_int_eq(sem_init(&f.posted, 0, 0), 0);
  dl__workq *q;
  ck_assert_int_eq(dl__workq_start(&q, 1, 1, post_flood, &f, NULL), DL_OK);
  struct timespec limit;
  (void)clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 10;
  int waited = sem_timedwait(&f.posted, &limit);
  ck_assert_msg(waited == 0, "a lossy post waits for the listener");
  dl__work_message message;
  size_t kinds[4] = {0};
  uint64_t next = 0;
  while (dl__workq_next(q, &message)) {
    kinds[message.kind]++;
    if (message.kind != 2) continue;
    ck_assert_uint_ge(message.value, next); /* in order, with gaps */
    next = message.value + 1;
  }
  dl__workq_finish(q);
  ck_assert_uint_eq(kinds[1], 1);
  ck_assert_uint_eq(kinds[3], 1);
  ck_assert_uint_gt(kinds[2], 0);
  ck_assert_uint_lt(kinds[2], FLOOD);
  (void)sem_destroy(&f.posted);
}
END_TEST

/* Signals that some thread of the queue does not block. */
static void look_at_signals(dl__workq *q, size_t worker, size_t item, void *ctx) {
  (void)worker;
  (void)ctx;
  sigset_t set;
  (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
  for (int number = 1; number <= SIGRTMAX; number++) {
    bool of_libc = number >= 32 && number < SIGRTMIN;
    bool fault = number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
    if (number == SIGKILL || number == SIGSTOP || of_libc || fault) continue;
    if (sigismember(&set, number) == 0) dl__workq_post(q, (dl__work_message){item, 1, number});
  }
}

static bool same_signals(const sigset_t *a, const sigset_t *b) {
  for (int number = 1; number <= SIGRTMAX; number++) {
    if (sigismember(a, number) != sigismember(b, number)) return false;
  }
  return true;
}

START_TEST(threads_have_signals_blocked) {
  sigset_t before;
  (void)sigemptyset(&before);
  (void)sigaddset(&before, SIGUSR1);
  ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
  if (_i == 1) atomic_store(&threads_left, 0);
  dl__workq *q;
  dl_status status = dl__workq_start(&q, 3, 30, look_at_signals, NULL, NULL);
  sigset_t after;
  ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
  ck_assert(same_signals(&before, &after));
  ck_assert_int_eq(status, _i == 1 ? DL_ERR_NO_MEMORY : DL_OK);
  if (status != DL_OK) return;
  dl__work_message message;
  while (dl__workq_next(q, &message)) {
    ck_abort_msg("signal %d is not blocked", (int)message.value);
  }
  dl__workq_finish(q);
}
END_TEST

/* Items that offer pieces of their work to others and wait for them. */
typedef struct helped {
  pthread_mutex_t mutex;
  pthread_cond_t landed;
  size_t flying;
  size_t taken;  /* pieces that another thread did */
  size_t pieces; /* done in all */
} helped;

enum { PIECES = 2000 };

static void do_piece(helped *h, bool taken) {
  (void)pthread_mutex_lock(&h->mutex);
  h->pieces++;
  if (taken) {
    h->taken++;
    h->flying--;
    (void)pthread_cond_broadcast(&h->landed);
  }
  (void)pthread_mutex_unlock(&h->mutex);
}

static void run_piece(void *arg) {
  do_piece(arg, true);
}

static void offer_pieces(dl__workq *q, size_t worker, size_t item, void *ctx) {
  (void)worker;
  (void)item;
  helped *h = ctx;
  for (int i = 0; i < PIECES; i++) {
    (void)pthread_mutex_lock(&h->mutex);
    h->flying++;
    (void)pthread_mutex_unlock(&h->mutex);
    if (dl__workq_offer(q, run_piece, h)) continue;
    (void)pthread_mutex_lock(&h->mutex);
    h->flying--;
    (void)pthread_cond_broadcast(&h->landed); /* other items count theirs there, too */
    (void)pthread_mutex_unlock(&h->mutex);
    do_piece(h, false);
  }
  (void)pthread_mutex_lock(&h->mutex);
  while (h->flying > 0) (void)pthread_cond_wait(&h->landed, &h->mutex);
  (void)pthread_mutex_unlock(&h->mutex);
}

static const struct {
  size_t jobs;
  size_t count;
} help_shapes[] = {{1, 1}, {1, 3}, {2, 1}, {8, 1}, {4, 3}, {3, 40}};

/* Every piece is done once, by whom it may be; a thread alone gets no help. */
START_TEST(threads_without_work_help) {
  helped h = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
  dl__workq *q;
  dl_status status =
      dl__workq_start(&q, help_shapes[_i].jobs, help_shapes[_i].count, offer_pieces, &h, NULL);
  ck_assert_int_eq(status, DL_OK);
  dl__work_message message;
  ck_assert(!dl__workq_next(q, &message));
  dl__workq_finish(q);
  ck_assert_uint_eq(h.pieces, PIECES * help_shapes[_i].count);
  if (help_shapes[_i].jobs == 1) ck_assert_uint_eq(h.taken, 0);
}
END_TEST

/* With one item and two threads, the other thread waits for work sooner or later. */
static void insist(dl__workq *q, size_t worker, size_t item, void *ctx) {
  (void)worker;
  (void)item;
  helped *h = ctx;
  h->flying = 1;
  while (!dl__workq_offer(q, run_piece, h)) (void)sched_yield();
  (void)pthread_mutex_lock(&h->mutex);
  while (h->flying > 0) (void)pthread_cond_wait(&h->landed, &h->mutex);
  (void)pthread_mutex_unlock(&h->mutex);
}

START_TEST(an_idle_thread_takes_an_offer) {
  helped h = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
  dl__workq *q;
  ck_assert_int_eq(dl__workq_start(&q, 2, 1, insist, &h, NULL), DL_OK);
  dl__work_message message;
  ck_assert(!dl__workq_next(q, &message));
  dl__workq_finish(q);
  ck_assert_uint_eq(h.taken, 1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("workq");
  TCase *tcase = tcase_create("workq");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 30);
  tcase_add_loop_test(tcase, every_item_once, 0, COUNT(shapes));
  tcase_add_test(tcase, a_slow_listener_loses_nothing);
  tcase_add_test(tcase, no_thread_at_all);
  tcase_add_loop_test(tcase, fewer_threads_than_wanted, 1, 8);
  tcase_add_test(tcase, lossy_news_never_waits);
  tcase_add_loop_test(tcase, threads_have_signals_blocked, 0, 2);
  tcase_add_loop_test(tcase, threads_without_work_help, 0, COUNT(help_shapes));
  tcase_add_test(tcase, an_idle_thread_takes_an_offer);
  return support_main(suite);
}
