/* base/workq.c: a counter of items, offers of help and a bounded ring of messages, all
 * under one lock. A full ring makes the workers wait, so a slow callback of the host
 * slows the push down instead of filling the memory. */
#include "base/workq.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/error.h"

#define RING_SIZE 256

/* Something that a worker would like a thread without work to do. */
typedef struct offer {
  void (*run)(void *arg);
  void *arg;
} offer;

struct dl__workq {
  dl__work_fn work;
  void *ctx;
  size_t count;
  size_t started; /* threads that run */
  pthread_t *threads;
  struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed_ring; /* a message came in or went out, or a worker ended */
    pthread_cond_t changed_work; /* an offer came in, or the last item ended */
    offer *offers;               /* room for one a thread */
    size_t offered;
    size_t idle; /* threads that wait for an offer */
    size_t busy; /* items being worked on */
    dl__work_message ring[RING_SIZE];
    size_t first;
    size_t length;
    size_t next_item;
    size_t next_worker;
    size_t ended; /* workers that found no more items */
  } locked;
};

static void push(dl__workq *q, dl__work_message message) {
  q->locked.ring[(q->locked.first + q->locked.length) % RING_SIZE] = message;
  q->locked.length++;
}

void dl__workq_post(dl__workq *q, dl__work_message message) {
  (void)pthread_mutex_lock(&q->locked.mutex);
  while (q->locked.length == RING_SIZE) {
    (void)pthread_cond_wait(&q->locked.changed_ring, &q->locked.mutex);
  }
  push(q, message);
  (void)pthread_mutex_unlock(&q->locked.mutex);
  /* Only now: who wakes up finds the mutex free. */
  (void)pthread_cond_broadcast(&q->locked.changed_ring);
}

void dl__workq_post_lossy(dl__workq *q, dl__work_message message) {
  (void)pthread_mutex_lock(&q->locked.mutex);
  if (q->locked.length < RING_SIZE / 2) push(q, message);
  (void)pthread_mutex_unlock(&q->locked.mutex);
  (void)pthread_cond_broadcast(&q->locked.changed_ring);
}

bool dl__workq_next(dl__workq *q, dl__work_message *message) {
  (void)pthread_mutex_lock(&q->locked.mutex);
  while (q->locked.length == 0 && q->locked.ended < q->started) {
    (void)pthread_cond_wait(&q->locked.changed_ring, &q->locked.mutex);
  }
  bool any = q->locked.length > 0;
  if (any) {
    *message = q->locked.ring[q->locked.first];
    q->locked.first = (q->locked.first + 1) % RING_SIZE;
    q->locked.length--;
    (void)pthread_cond_broadcast(&q->locked.changed_ring);
  }
  (void)pthread_mutex_unlock(&q->locked.mutex);
  return any;
}

bool dl__workq_offer(dl__workq *q, void (*run)(void *arg), void *arg) {
  (void)pthread_mutex_lock(&q->locked.mutex);
  bool taken = q->locked.offered < q->locked.idle;
  if (taken) {
    q->locked.offers[q->locked.offered++] = (offer){run, arg};
    (void)pthread_cond_signal(&q->locked.changed_work);
  }
  (void)pthread_mutex_unlock(&q->locked.mutex);
  return taken;
}

/* These are called locked, and unlock for the time of the work. */
static void do_item(dl__workq *q, size_t worker) {
  size_t item = q->locked.next_item++;
  q->locked.busy++;
  (void)pthread_mutex_unlock(&q->locked.mutex);
  q->work(q, worker, item, q->ctx);
  (void)pthread_mutex_lock(&q->locked.mutex);
  if (--q->locked.busy == 0) (void)pthread_cond_broadcast(&q->locked.changed_work);
}

static void do_offer(dl__workq *q) {
  offer o = q->locked.offers[--q->locked.offered];
  (void)pthread_mutex_unlock(&q->locked.mutex);
  o.run(o.arg);
  (void)pthread_mutex_lock(&q->locked.mutex);
}

static void wait_for_offer(dl__workq *q) {
  q->locked.idle++;
  (void)pthread_cond_wait(&q->locked.changed_work, &q->locked.mutex);
  q->locked.idle--;
}

static void *run(void *arg) {
  dl__workq *q = arg;
  (void)pthread_mutex_lock(&q->locked.mutex);
  size_t worker = q->locked.next_worker++;
  for (;;) {
    if (q->locked.offered > 0) {
      do_offer(q);
    } else if (q->locked.next_item < q->count) {
      do_item(q, worker);
    } else if (q->locked.busy > 0) {
      wait_for_offer(q);
    } else {
      break;
    }
  }
  q->locked.ended++;
  (void)pthread_cond_broadcast(&q->locked.changed_ring);
  (void)pthread_mutex_unlock(&q->locked.mutex);
  return NULL;
}

/* The host's signals are for the host's threads. */
static size_t start_threads(dl__workq *q, size_t jobs) {
  sigset_t all;
  sigset_t before;
  (void)sigfillset(&all);
  /* But a fault in a worker is for the host's handler of faults. */
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) (void)sigdelset(&all, faults[i]);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return 0;
  size_t started = 0;
  while (started < jobs && pthread_create(&q->threads[started], NULL, run, q) == 0) started++;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

static void workq_free(dl__workq *q) {
  (void)pthread_cond_destroy(&q->locked.changed_work);
  (void)pthread_cond_destroy(&q->locked.changed_ring);
  (void)pthread_mutex_destroy(&q->locked.mutex);
  free(q->locked.offers);
  free(q->threads);
  free(q);
}

/* All three or none. */
static bool init_locks(dl__workq *q) {
  if (pthread_mutex_init(&q->locked.mutex, NULL) != 0) return false;
  if (pthread_cond_init(&q->locked.changed_ring, NULL) == 0) {
    if (pthread_cond_init(&q->locked.changed_work, NULL) == 0) return true;
    (void)pthread_cond_destroy(&q->locked.changed_ring);
  }
  (void)pthread_mutex_destroy(&q->locked.mutex);
  return false;
}

static dl__workq *workq_new(size_t jobs, size_t count, dl__work_fn work, void *ctx) {
  dl__workq *q = calloc(1, sizeof *q);
  if (q == NULL) return NULL;
  q->work = work;
  q->ctx = ctx;
  q->count = count;
  q->threads = calloc(jobs, sizeof *q->threads);
  q->locked.offers = calloc(jobs, sizeof *q->locked.offers);
  if (q->threads != NULL && q->locked.offers != NULL && init_locks(q)) return q;
  free(q->locked.offers);
  free(q->threads);
  free(q);
  return NULL;
}

dl_status dl__workq_start(dl__workq **out, size_t jobs, size_t count, dl__work_fn work, void *ctx,
                          dl_error *err) {
  if (jobs == 0 || count == 0) jobs = 1;
  dl__workq *q = workq_new(jobs, count, work, ctx);
  *out = q;
  if (q == NULL) return dl__fail_no_memory(err);
  size_t started = start_threads(q, jobs);
  if (started == 0) {
    workq_free(q);
    *out = NULL;
    return dl__fail(err, DL_ERR_NO_MEMORY, NULL, "cannot start a thread: too many processes?");
  }
  (void)pthread_mutex_lock(&q->locked.mutex);
  q->started = started;
  (void)pthread_mutex_unlock(&q->locked.mutex);
  return DL_OK;
}

void dl__workq_finish(dl__workq *q) {
  for (size_t i = 0; i < q->started; i++) (void)pthread_join(q->threads[i], NULL);
  workq_free(q);
}
