/* push/receive.c: worker threads that each fetch one object at a time, and once more
 * if it, or the file here, changed meanwhile. */
#include "push/receive.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/workq.h"
#include "push/crew.h"
#include "push/target.h"

/* Messages of the workers. */
enum { START, PROGRESS, RETRY, END };

typedef struct receiving {
  const dl__receive_request *request;
  dl__receipt *receipts;
  dl__crew crew;
} receiving;

/* One object that a worker is at. */
typedef struct turn {
  receiving *r;
  dl__workq *q;
  dl__reader *reader;
  size_t place; /* in receipts */
} turn;

static void post(const turn *at, uint32_t kind) {
  dl__workq_post(at->q, (dl__work_message){at->place, kind, 0});
}

static void post_progress(void *user) {
  const turn *at = user;
  dl__workq_post_lossy(at->q, (dl__work_message){at->place, PROGRESS, 0});
}

static dl_status try_object(turn *at, const dl__remote *remote, dl__fetched *fetched,
                            dl_error *err) {
  if (atomic_load(at->reader->cancel)) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  const dl__receive_request *from = at->r->request;
  dl__receipt *receipt = &at->r->receipts[at->place];
  const dl__pull_action *action = receipt->action;
  dl__fetch_request request = {
      .storage = from->storage,
      .dir_fd = from->dir_fd,
      .remote = remote,
      .over = action->over,
      .known = &action->known,
      .reader = at->reader,
      .meter = &receipt->meter,
      .progress = post_progress,
      .progress_user = at,
  };
  return dl__fetch(&request, fetched, err);
}

/* Once more, with what the remote says of the object now. */
static dl_status try_again(turn *at, dl__fetched *fetched, dl_error *err) {
  dl__listing now;
  const char *key = at->r->receipts[at->place].action->key;
  dl_status status = dl__listing_stat(at->r->request->storage, key, &now, err);
  if (status == DL_ERR_NOT_FOUND) {
    return dl__fail(err, DL_ERR_DOWNLOAD, key, "was deleted at the remote while it was pulled");
  }
  if (status != DL_OK) return status;
  if (now.count == 1) {
    status = try_object(at, &now.items[0], fetched, err);
  } else {
    status = dl__fail(err, DL_ERR_STORAGE, key, "the storage reported no object");
  }
  dl__listing_clear(&now);
  if (status == DL_ERR_SOURCE_CHANGED && err != NULL) err->status = DL_ERR_DOWNLOAD;
  return status == DL_ERR_SOURCE_CHANGED ? DL_ERR_DOWNLOAD : status;
}

static dl_status receive_object(turn *at, dl__fetched *fetched, dl_error *err) {
  dl__receipt *receipt = &at->r->receipts[at->place];
  dl_status status = try_object(at, receipt->action->remote, fetched, err);
  if (status == DL_ERR_SOURCE_CHANGED || status == DL_ERR_NOT_FOUND) {
    receipt->first_error = dl__error_keep(err);
    post(at, RETRY);
    status = try_again(at, fetched, err);
  }
  /* Only the pull is cancelled; a storage that says so by itself has failed. */
  if (status == DL_ERR_CANCELLED && !atomic_load(at->reader->cancel)) {
    status =
        dl__fail(err, DL_ERR_STORAGE, receipt->action->key, "the storage gave up without a reason");
  }
  return status;
}

static void fetch(turn *at, dl__receipt *receipt) {
  dl_error err = DL_ERROR_INIT;
  if (!atomic_load(at->reader->cancel)) post(at, START);
  dl__fetched *fetched = calloc(1, sizeof *fetched);
  receipt->status = fetched != NULL ? receive_object(at, fetched, &err) : dl__fail_no_memory(&err);
  if (receipt->status == DL_OK) {
    fetched->row.key = (char *)(uintptr_t)receipt->action->key;
    receipt->size_bytes = fetched->row.stamp.size_bytes;
    receipt->kept = fetched->kept_as[0] != '\0';
    receipt->fetched = fetched;
    return;
  }
  free(fetched);
  if (receipt->status != DL_ERR_CANCELLED) receipt->error = dl__error_keep(&err);
}

static void work(dl__workq *q, size_t worker, size_t item, void *ctx) {
  receiving *r = ctx;
  turn at = {r, q, &r->crew.readers[worker], item};
  fetch(&at, &r->receipts[item]);
  post(&at, END);
}

static void pass_on(const receiving *r, const dl__work_message *message) {
  const dl__receive_events *events = r->request->events;
  dl__receipt *receipt = &r->receipts[message->item];
  if (message->kind == START) events->start(receipt, events->user);
  if (message->kind == PROGRESS) events->progress(receipt, events->user);
  if (message->kind == RETRY) events->retry(receipt, events->user);
  if (message->kind != END) return;
  events->end(receipt, events->user);
  free(receipt->fetched);
  receipt->fetched = NULL;
}

static dl_status collect(const dl__receive_request *request, dl__receipts *out, dl_error *err) {
  const dl__pull_plan *plan = request->plan;
  *out = (dl__receipts){calloc(plan->count + 1, sizeof *out->items), 0};
  if (out->items == NULL) return dl__fail_no_memory(err);
  for (size_t i = 0; i < plan->count; i++) {
    const dl__pull_action *action = &plan->actions[i];
    if (action->verdict == DL__PULL_FETCH) out->items[out->count++].action = action;
  }
  return DL_OK;
}

static bool same_folder(const char *a, const char *b) {
  const char *end = strrchr(a, '/');
  size_t length = end != NULL ? (size_t)(end - a) + 1 : 0;
  const char *other = strrchr(b, '/');
  return strncmp(a, b, length) == 0 && length == (other != NULL ? (size_t)(other - b) + 1 : 0);
}

/* Temporary files of dead pulls, in the folders that something is written to. */
static void sweep(const dl__receive_request *request, const dl__receipts *receipts) {
  const char *before = NULL;
  for (size_t i = 0; i < receipts->count; i++) {
    const char *key = receipts->items[i].action->key;
    if (before != NULL && same_folder(before, key)) continue;
    dl__target_sweep(request->dir_fd, key);
    before = key;
  }
}

dl_status dl__receive(const dl__receive_request *request, dl__receipts *out, dl_error *err) {
  dl_status status = collect(request, out, err);
  if (status != DL_OK || out->count == 0) return status;
  receiving r = {.request = request, .receipts = out->items};
  dl__workq *q = NULL;
  size_t jobs = request->jobs < out->count ? request->jobs : out->count;
  sweep(request, out);
  status = dl__crew_init(&r.crew, jobs, request->memory_bytes, true, request->cancel, err);
  if (status == DL_OK) status = dl__workq_start(&q, r.crew.jobs, out->count, work, &r, err);
  dl__work_message message;
  while (q != NULL && dl__workq_next(q, &message)) pass_on(&r, &message);
  if (q != NULL) dl__workq_finish(q);
  dl__crew_clear(&r.crew);
  return status;
}

void dl__receipts_clear(dl__receipts *receipts) {
  for (size_t i = 0; i < receipts->count; i++) {
    free(receipts->items[i].error);
    free(receipts->items[i].first_error);
  }
  free(receipts->items);
  *receipts = (dl__receipts){0};
}
