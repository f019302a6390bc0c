/* push/transfer.c: worker threads that each read, digest and put one file at a
 * time. What is put is what was digested: a file that fits a worker's buffer is
 * sent from there; a larger one is read a second time, and its last piece is
 * refused unless the whole gave the same digest again. */
#include "push/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/workq.h"

/* All workers' buffers together, and what one of them has at most and at least. */
#define BUFFERS_BYTES    ((size_t)32 * 1024 * 1024)
#define BUFFER_MAX_BYTES ((size_t)1024 * 1024)
#define BUFFER_MIN_BYTES ((size_t)64 * 1024)

/* Messages of the workers. */
enum { START, PROGRESS, RETRY, END };

typedef struct transfer {
  const dl__transfer_request *request;
  dl__outcome *outcomes;
  dl__reader *readers; /* one a worker */
} transfer;

/* The body of one put, given piece by piece to a storage. */
typedef struct body {
  const dl__source *source;
  const dl__digests *digests;
  dl__reader *reader;
  dl__workq *q;
  size_t item;
  uint64_t next;  /* offset that the storage must ask for */
  bool in_buffer; /* the whole content is in reader->buffer */
  bool complete;  /* every byte was given, and found to be what was digested */
  uint64_t *sent_bytes;
} body;

/* The second reading has to give the first one's digest. */
static dl_status verify_piece(body *b, const void *data, size_t size, dl_error *err) {
  dl_status status = b->next == 0 ? dl__hash_begin(&b->reader->hash, err) : DL_OK;
  if (status == DL_OK) status = dl__hash_add(&b->reader->hash, data, size, err);
  if (status != DL_OK || b->next + size < b->source->stamp.size_bytes) return status;
  char digest[DL__DIGEST_SIZE];
  status = dl__hash_end(&b->reader->hash, digest, err);
  if (status != DL_OK) return status;
  if (strcmp(digest, b->digests->sha256) != 0) {
    return dl__fail(err, DL_ERR_SOURCE_CHANGED, b->source->key, "was changed while it was read");
  }
  return dl__source_check(b->source, err);
}

static dl_status read_body(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                           dl_error *err) {
  body *b = user;
  uint64_t total = b->source->stamp.size_bytes;
  if (atomic_load(b->reader->cancel)) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  if (offset == 0) b->next = 0;
  if (offset != b->next || offset > total) {
    return dl__fail(err, DL_ERR_STORAGE, b->source->key,
                    "the storage asked for bytes out of order");
  }
  if (size > total - offset) size = (size_t)(total - offset);
  dl_status status = DL_OK;
  if (b->in_buffer) {
    memcpy(buf, b->reader->buffer + offset, size);
  } else if (size > 0) {
    status = dl__source_read(b->source, offset, buf, size, err);
    if (status == DL_OK) status = verify_piece(b, buf, size, err);
  }
  if (status != DL_OK) return status;
  b->next += size;
  b->complete = b->next == total;
  *b->sent_bytes += size;
  *got = size;
  dl__workq_post_lossy(b->q, (dl__work_message){b->item, PROGRESS, b->next});
  return DL_OK;
}

static void set_condition(const dl__transfer_request *request, const dl__action *action,
                          dl_put_request *put) {
  if (!request->conditional) return;
  if (action->remote == NULL) put->if_absent = 1;
  if (action->remote != NULL) put->if_match = action->remote->etag;
}

/* Puts what the body gives. A storage may say OK only after it took every byte. */
static dl_status put_body(const transfer *t, const dl__outcome *outcome, body *b, dl_error *err) {
  dl_put_request put = DL_PUT_REQUEST_INIT;
  put.key = b->source->key;
  put.size_bytes = b->source->stamp.size_bytes;
  put.digest = b->digests->sha256;
  put.md5 = b->digests->has_md5 ? b->digests->md5 : NULL;
  put.mtime_ns = b->source->stamp.mtime_ns;
  put.read = read_body;
  put.read_user = b;
  set_condition(t->request, outcome->action, &put);
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_status status = dl__storage_put(t->request->storage, &put, &result, err);
  if (status == DL_OK && !b->complete) {
    return dl__fail(err, DL_ERR_STORAGE, put.key,
                    "the storage reported success before it took every byte");
  }
  return status;
}

static dl_status send_source(transfer *t, dl__workq *q, dl__reader *reader, size_t item,
                             const dl__source *source, dl_error *err) {
  dl__outcome *outcome = &t->outcomes[item];
  dl__row *row = &outcome->row;
  dl__digests digests;
  dl_status status = dl__source_digest(source, reader, &digests, err);
  if (status == DL_OK) status = dl__source_check(source, err);
  if (status != DL_OK) return status;
  body b = {.source = source, .digests = &digests, .reader = reader, .q = q, .item = item};
  b.in_buffer = source->stamp.size_bytes <= reader->size_bytes;
  b.complete = source->stamp.size_bytes == 0;
  b.sent_bytes = &outcome->sent_bytes;
  status = put_body(t, outcome, &b, err);
  memcpy(row->digest, digests.sha256, sizeof row->digest);
  row->key = outcome->action->file->key;
  row->stamp = source->stamp;
  row->settled = source->settled;
  return status;
}

static dl_status try_file(transfer *t, dl__workq *q, dl__reader *reader, size_t item,
                          dl_error *err) {
  if (atomic_load(reader->cancel)) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  dl__source source;
  const char *key = t->outcomes[item].action->file->key;
  dl_status status = dl__source_open(&source, t->request->dir_fd, key, err);
  if (status == DL_OK) status = send_source(t, q, reader, item, &source, err);
  dl__source_close(&source);
  return status;
}

static dl_error *keep_error(const dl_error *err) {
  dl_error *copy = malloc(sizeof *copy);
  if (copy != NULL) *copy = *err;
  return copy;
}

static void work(dl__workq *q, size_t worker, size_t item, void *ctx) {
  transfer *t = ctx;
  dl__outcome *outcome = &t->outcomes[item];
  dl__reader *reader = &t->readers[worker];
  dl_error err = DL_ERROR_INIT;
  if (!atomic_load(reader->cancel)) dl__workq_post(q, (dl__work_message){item, START, 0});
  dl_status status = try_file(t, q, reader, item, &err);
  if (status == DL_ERR_SOURCE_CHANGED) {
    outcome->first_error = keep_error(&err);
    dl__workq_post(q, (dl__work_message){item, RETRY, 0});
    status = try_file(t, q, reader, item, &err);
  }
  /* Only the push is cancelled; a storage that says so by itself has failed. */
  if (status == DL_ERR_CANCELLED && !atomic_load(reader->cancel)) {
    status = dl__fail(&err, DL_ERR_STORAGE, outcome->action->file->key,
                      "the storage gave up without a reason");
  }
  outcome->status = status;
  if (status != DL_OK && status != DL_ERR_CANCELLED) outcome->error = keep_error(&err);
  dl__workq_post(q, (dl__work_message){item, END, 0});
}

static void pass_on(const transfer *t, const dl__work_message *message) {
  const dl__transfer_events *events = t->request->events;
  const dl__outcome *outcome = &t->outcomes[message->item];
  if (message->kind == START) events->start(outcome, events->user);
  if (message->kind == PROGRESS) events->progress(outcome, message->value, events->user);
  if (message->kind == RETRY) events->retry(outcome, events->user);
  if (message->kind == END) events->end(outcome, events->user);
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

/* A worker holds the file, its folder, a connection or target, and some on the way. */
#define DESCRIPTORS_KEPT   64
#define DESCRIPTORS_WORKER 8

/* Fewer workers rather than files that fail for want of descriptors. */
static size_t affordable(size_t jobs) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return jobs;
  rlim_t rest = files.rlim_cur > DESCRIPTORS_KEPT ? files.rlim_cur - DESCRIPTORS_KEPT : 0;
  size_t most = (size_t)(rest / DESCRIPTORS_WORKER);
  if (most == 0) most = 1;
  return jobs < most ? jobs : most;
}

static dl_status make_readers(transfer *t, size_t jobs, dl_error *err) {
  size_t size = BUFFERS_BYTES / jobs;
  if (size > BUFFER_MAX_BYTES) size = BUFFER_MAX_BYTES;
  if (size < BUFFER_MIN_BYTES) size = BUFFER_MIN_BYTES;
  t->readers = calloc(jobs, sizeof *t->readers);
  if (t->readers == NULL) return dl__fail_no_memory(err);
  bool md5 = (t->request->storage->slots.caps & DL_STORAGE_WANTS_MD5) != 0;
  dl_status status = DL_OK;
  for (size_t i = 0; status == DL_OK && i < jobs; i++) {
    status = dl__reader_init(&t->readers[i], size, md5, t->request->cancel, err);
  }
  return status;
}

dl_status dl__transfer(const dl__transfer_request *request, dl__outcomes *out, dl_error *err) {
  dl_status status = collect(request->plan, out, err);
  if (status != DL_OK || out->count == 0) return status;
  size_t jobs = affordable(request->jobs < out->count ? request->jobs : out->count);
  transfer t = {request, out->items, NULL};
  dl__workq *q = NULL;
  status = make_readers(&t, jobs, err);
  if (status == DL_OK) status = dl__workq_start(&q, jobs, out->count, work, &t, err);
  dl__work_message message;
  while (q != NULL && dl__workq_next(q, &message)) pass_on(&t, &message);
  if (q != NULL) dl__workq_finish(q);
  for (size_t i = 0; t.readers != NULL && i < jobs; i++) dl__reader_clear(&t.readers[i]);
  free(t.readers);
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
