/* push/part.c: takes segments, puts them as parts. A part that is in the reader's buffer
 * goes out from there. Another one is read a second time, from the page cache, while
 * it is sent: the CRC of the first reading, which the SHA-256 was made of, goes with it and
 * is compared by the other side, or here if that does not. */
#include "push/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc64.h"
#include "base/error.h"

/* One part, given piece by piece to a storage. */
typedef struct body {
  const dl__send_request *request;
  const dl__segment *segment;
  const unsigned char *memory; /* its bytes; NULL: read them */
  bool check;                  /* nobody else compares the CRC */
  uint64_t crc64;              /* of the bytes before next */
  uint64_t next;               /* offset that the storage must ask for */
  uint64_t counted_bytes;      /* see dl__send_count */
} body;

/* A part that a thread without work was asked to send. */
typedef struct task {
  dl__parts *parts;
  dl__segment segment;
} task;

dl_status dl__parts_init(dl__parts *parts, const dl__send_request *request, dl_error *err) {
  *parts = (dl__parts){.request = request};
  parts->locked.error = (dl_error)DL_ERROR_INIT;
  if (pthread_mutex_init(&parts->locked.mutex, NULL) != 0) return dl__fail_no_memory(err);
  if (pthread_cond_init(&parts->locked.landed, NULL) == 0) return DL_OK;
  (void)pthread_mutex_destroy(&parts->locked.mutex);
  return dl__fail_no_memory(err);
}

void dl__parts_clear(dl__parts *parts) {
  (void)pthread_cond_destroy(&parts->locked.landed);
  (void)pthread_mutex_destroy(&parts->locked.mutex);
}

static dl_status check(body *b, const void *data, size_t size, dl_error *err) {
  b->crc64 = dl__crc64(b->next == 0 ? 0 : b->crc64, data, size);
  if (b->next + size < b->segment->size_bytes || b->crc64 == b->segment->crc64) return DL_OK;
  return dl__fail(err, DL_ERR_SOURCE_CHANGED, b->request->source->key,
                  "was changed while it was read");
}

static dl_status read_body(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                           dl_error *err) {
  body *b = user;
  const dl__send_request *r = b->request;
  dl_status status = dl__send_ask(r, offset, b->segment->size_bytes, &b->next, &size, err);
  if (status != DL_OK) return status;
  if (b->memory != NULL) {
    memcpy(buf, b->memory + offset, size);
  } else {
    status = dl__source_read(r->source, b->segment->offset_bytes + offset, buf, size, err);
  }
  if (status == DL_OK && b->check) status = check(b, buf, size, err);
  if (status != DL_OK) return status;
  b->next += size;
  *got = size;
  dl__send_count(r, size, b->next, &b->counted_bytes);
  return DL_OK;
}

static dl_status put(dl__parts *parts, const dl__segment *segment, const unsigned char *memory,
                     dl_error *err) {
  const dl__send_request *r = parts->request;
  body b = {.request = r, .segment = segment, .memory = memory};
  b.check = memory == NULL && (r->storage->slots.caps & DL_STORAGE_CHECKS_CRC64) == 0;
  dl_part part = DL_PART_INIT;
  part.offset_bytes = segment->offset_bytes;
  part.size_bytes = segment->size_bytes;
  part.crc64 = segment->crc64;
  memcpy(part.sha256, segment->sha256, sizeof part.sha256);
  part.read = read_body;
  part.read_user = &b;
  dl_status status = dl__storage_put_part(r->storage, parts->upload, &part, err);
  if (status == DL_OK && b.next != segment->size_bytes) {
    return dl__fail(err, DL_ERR_STORAGE, r->source->key,
                    "the storage reported success before it took every byte");
  }
  return status;
}

static void land(dl__parts *parts, dl_status status, const dl_error *error) {
  (void)pthread_mutex_lock(&parts->locked.mutex);
  if (status != DL_OK && parts->locked.status == DL_OK) {
    parts->locked.status = status;
    parts->locked.error = *error;
  }
  parts->locked.flying--;
  (void)pthread_cond_signal(&parts->locked.landed);
  (void)pthread_mutex_unlock(&parts->locked.mutex);
}

static void run(void *arg) {
  task *t = arg;
  dl_error error = DL_ERROR_INIT;
  dl_status status = put(t->parts, &t->segment, NULL, &error);
  land(t->parts, status, &error);
  free(t);
}

/* False: nobody has time, or there is no memory for it. */
static bool hand_over(dl__parts *parts, const dl__segment *segment) {
  task *t = malloc(sizeof *t);
  if (t == NULL) return false;
  *t = (task){parts, *segment};
  (void)pthread_mutex_lock(&parts->locked.mutex);
  parts->locked.flying++;
  (void)pthread_mutex_unlock(&parts->locked.mutex);
  if (dl__workq_offer(parts->request->q, run, t)) return true;
  dl_error none = DL_ERROR_INIT;
  land(parts, DL_OK, &none);
  free(t);
  return false;
}

/* The failure of a helper ends the upload. Called locked. */
static dl_status failure(const dl__parts *parts, dl_error *err) {
  if (parts->locked.status != DL_OK) dl__error_copy(err, &parts->locked.error);
  return parts->locked.status;
}

dl_status dl__parts_send(dl__parts *parts, const dl__segment *segment, bool in_buffer,
                         dl_error *err) {
  (void)pthread_mutex_lock(&parts->locked.mutex);
  dl_status status = failure(parts, err);
  (void)pthread_mutex_unlock(&parts->locked.mutex);
  if (status != DL_OK) return status;
  if (!in_buffer && hand_over(parts, segment)) return DL_OK;
  return put(parts, segment, in_buffer ? parts->request->reader->buffer : NULL, err);
}

dl_status dl__parts_wait(dl__parts *parts, dl_error *err) {
  (void)pthread_mutex_lock(&parts->locked.mutex);
  while (parts->locked.flying > 0) {
    (void)pthread_cond_wait(&parts->locked.landed, &parts->locked.mutex);
  }
  dl_status status = failure(parts, err);
  (void)pthread_mutex_unlock(&parts->locked.mutex);
  return status;
}
