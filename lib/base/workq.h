/* base/workq.h: N threads work through items 0..count-1 and report to the
 * thread that started them, which is the only one that sees the outside. When no item
 * is left for a thread, it helps those that are still at work.
 *
 *     dl__workq_start(&q, jobs, count, work, ctx, err);
 *     while (dl__workq_next(q, &message)) ...;
 *     dl__workq_finish(q);
 */
#ifndef DL_BASE_WORKQ_H
#define DL_BASE_WORKQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

typedef struct dl__workq dl__workq;

typedef struct dl__work_message {
  size_t item;
  uint32_t kind;  /* the caller's own numbers */
  uint64_t value; /* the caller's own */
} dl__work_message;

/* Does one item. worker is 0..jobs-1: a place of its own for each thread. */
typedef void (*dl__work_fn)(dl__workq *q, size_t worker, size_t item, void *ctx);

/* Starts up to jobs threads (at least 1). If the system gives fewer, those do all the work; none at
 * all is DL_ERR_NO_MEMORY. The threads have all signals blocked but those of faults (SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL). */
dl_status dl__workq_start(dl__workq **out, size_t jobs, size_t count, dl__work_fn work, void *ctx,
                          dl_error *err);

/* From a worker at an item: hands run(arg) to a thread that has nothing to do. False:
 * there is none, and the worker does it by itself. The item must not end before run did. */
bool dl__workq_offer(dl__workq *q, void (*run)(void *arg), void *arg);

/* From a worker: tells the starting thread something; waits if it is far behind. */
void dl__workq_post(dl__workq *q, dl__work_message message);

/* The same, but dropped if that thread is behind: for news that the next news replaces. */
void dl__workq_post_lossy(dl__workq *q, dl__work_message message);

/* The next message, waited for; false when all items are done and all was told. */
bool dl__workq_next(dl__workq *q, dl__work_message *message);

/* Joins the threads and frees the queue; only after dl__workq_next said false. */
void dl__workq_finish(dl__workq *q);

#endif
