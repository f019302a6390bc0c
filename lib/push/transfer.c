/* push/transfer.c: worker threads that each send one file at a time, in the way that
 * fits it, and once more if it changed meanwhile. */
#include "push/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/workq.h"
#include "push/crew.h"
#include "push/foreign.h"
#include "push/segment.h"

/* Messages of the workers. */
enum { START, PROGRESS, RETRY, END };

typedef struct transfer {
  const dl__transfer_request *request;
  dl__outcome *outcomes;
  size_t *order; /* the workers' items: places in outcomes */
  dl__crew crew;
} transfer;

/* One file that a worker is at. */
typedef struct turn {
  transfer *t;
  dl__workq *q;
  dl__reader *reader;
  size_t place; /* in outcomes */
} turn;

static void post(const turn *at, uint32_t kind) {
  dl__workq_post(at->q, (dl__work_message){at->place, kind, 0});
}

static void post_progress(void *user) {
  const turn *at = user;
  dl__workq_post_lossy(at->q, (dl__work_message){at->place, PROGRESS, 0});
}

/* What an earlier way of sending the file found and reached does not count. */
static void start_over(dl__outcome *outcome, dl__row *row) {
  free(row->md5_saved);
  *row = (dl__row){.key = outcome->action->file->key};
  atomic_store(&outcome->meter.sent_bytes, 0);
  atomic_store(&outcome->meter.reused_bytes, 0);
}

static dl_status send_source(turn *at, const dl__source *source, dl__row *row, dl_error *err) {
  const dl__transfer_request *from = at->t->request;
  dl__outcome *outcome = &at->t->outcomes[at->place];
  const dl__action *action = outcome->action;
  bool grows = dl__patterns_match(from->append_only, source->key);
  dl__send_request request = {
      .storage = from->storage,
      .source = source,
      .reader = at->reader,
      .remote = action->remote,
      .grows = grows,
      .vouched = grows ? action->row : NULL,
      .conditional = from->conditional,
      .md5 = from->keep_md5,
      .q = at->q,
      .meter = &outcome->meter,
      .progress = post_progress,
      .progress_user = at,
  };
  if (action->foreign && from->conditional) {
    dl_status status = dl__foreign_check(&request, err);
    if (status != DL_OK) return status;
  }
  if (dl__send_wants_parts(from->storage, source->stamp.size_bytes)) {
    dl_status status = dl__send_parts(&request, row, err);
    if (status != DL_ERR_UNSUPPORTED) return status;
    start_over(outcome, row);
  }
  return dl__send_whole(&request, row, err);
}

static dl_status try_file(turn *at, dl__row *row, dl_error *err) {
  if (atomic_load(at->reader->cancel)) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  dl__source source;
  dl__outcome *outcome = &at->t->outcomes[at->place];
  start_over(outcome, row);
  dl_status status = dl__source_open(&source, at->t->request->dir_fd, row->key, err);
  if (status == DL_OK) status = send_source(at, &source, row, err);
  dl__source_close(&source);
  return status;
}

static void row_free(dl__row *row) {
  if (row != NULL) free(row->md5_saved);
  free(row);
}

/* Tries the file, and once more if what it stands on has moved. */
static dl_status send_file(turn *at, dl__row *row, dl_error *err) {
  dl__outcome *outcome = &at->t->outcomes[at->place];
  dl_status status = try_file(at, row, err);
  if (status == DL_ERR_SOURCE_CHANGED || status == DL_ERR_NOT_FOUND) {
    outcome->first_error = dl__error_keep(err);
    post(at, RETRY);
    status = try_file(at, row, err);
  }
  /* Only the push is cancelled; a storage that says so by itself has failed. */
  if (status == DL_ERR_CANCELLED && !atomic_load(at->reader->cancel)) {
    status = dl__fail(err, DL_ERR_STORAGE, outcome->action->file->key,
                      "the storage gave up without a reason");
  }
  return status;
}

static void work(dl__workq *q, size_t worker, size_t item, void *ctx) {
  transfer *t = ctx;
  turn at = {t, q, &t->crew.readers[worker], t->order[item]};
  dl__outcome *outcome = &t->outcomes[at.place];
  dl_error err = DL_ERROR_INIT;
  if (!atomic_load(at.reader->cancel)) post(&at, START);
  dl__row *row = calloc(1, sizeof *row);
  outcome->status = row != NULL ? send_file(&at, row, &err) : dl__fail_no_memory(&err);
  if (outcome->status == DL_OK) {
    outcome->size_bytes = row->stamp.size_bytes;
    outcome->row = row;
  } else {
    row_free(row);
    if (outcome->status != DL_ERR_CANCELLED) outcome->error = dl__error_keep(&err);
  }
  post(&at, END);
}

static void pass_on(const transfer *t, const dl__work_message *message) {
  const dl__transfer_events *events = t->request->events;
  dl__outcome *outcome = &t->outcomes[message->item];
  if (message->kind == START) events->start(outcome, events->user);
  if (message->kind == PROGRESS) events->progress(outcome, events->user);
  if (message->kind == RETRY) events->retry(outcome, events->user);
  if (message->kind != END) return;
  events->end(outcome, events->user);
  row_free(outcome->row);
  outcome->row = NULL;
}

static dl_status collect(const dl__plan *plan, dl__outcomes *out, dl_error *err) {
  uint64_t bytes;
  size_t count = dl__plan_wanted(plan, &bytes);
  *out = (dl__outcomes){calloc(count + 1, sizeof *out->items), 0};
  if (out->items == NULL) return dl__fail_no_memory(err);
  for (size_t i = 0; i < plan->count; i++) {
    dl__action *action = &plan->actions[i];
    if (dl__action_wanted(action)) out->items[out->count++].action = action;
  }
  return DL_OK;
}

static uint64_t size_of(const dl__outcome *outcome) {
  return outcome->action->file->stamp.size_bytes;
}

/* Small files first, in their order; then those that are of several parts. */
static dl_status make_order(transfer *t, const dl__outcomes *outcomes, dl_error *err) {
  t->order = calloc(outcomes->count, sizeof *t->order);
  if (t->order == NULL) return dl__fail_no_memory(err);
  size_t n = 0;
  for (int large = 0; large < 2; large++) {
    for (size_t i = 0; i < outcomes->count; i++) {
      bool is_large = size_of(&outcomes->items[i]) > dl__segment_full_bytes(0);
      if (is_large == (large != 0)) t->order[n++] = i;
    }
  }
  return DL_OK;
}

/* As many threads as there are things to send. */
static size_t useful(size_t jobs, const dl__outcomes *outcomes) {
  uint64_t things = 0;
  for (size_t i = 0; i < outcomes->count && things < jobs; i++) {
    things += 1 + size_of(&outcomes->items[i]) / dl__segment_full_bytes(0);
  }
  return things < jobs ? (size_t)things : jobs;
}

dl_status dl__transfer(const dl__transfer_request *request, dl__outcomes *out, dl_error *err) {
  dl_status status = collect(request->plan, out, err);
  if (status != DL_OK || out->count == 0) return status;
  transfer t = {.request = request, .outcomes = out->items};
  dl__workq *q = NULL;
  bool md5 = (request->storage->slots.caps & DL_STORAGE_WANTS_MD5) != 0;
  size_t jobs = useful(request->jobs, out);
  status = make_order(&t, out, err);
  if (status == DL_OK) {
    status = dl__crew_init(&t.crew, jobs, request->memory_bytes, md5, request->cancel, err);
  }
  if (status == DL_OK) status = dl__workq_start(&q, t.crew.jobs, out->count, work, &t, err);
  dl__work_message message;
  while (q != NULL && dl__workq_next(q, &message)) pass_on(&t, &message);
  if (q != NULL) dl__workq_finish(q);
  dl__crew_clear(&t.crew);
  free(t.order);
  return status;
}

void dl__outcomes_clear(dl__outcomes *outcomes) {
  for (size_t i = 0; i < outcomes->count; i++) {
    free(outcomes->items[i].error);
    free(outcomes->items[i].first_error);
  }
  free(outcomes->items);
  *outcomes = (dl__outcomes){0};
}
