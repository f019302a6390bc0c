/* storage/parts.c: takes calls about objects in parts, checks them, calls the slot,
 * checks what comes back; see storage.c. A layout is believed only as a whole: the engine
 * builds a new object on what it says. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/vec.h"
#include "storage/checked.h"
#include "storage/storage.h"

/* More than any service has: Azure allows 50,000 in an object and 100,000 staged ones. */
#define SEGMENTS_MAX 200000

void dl__storage_take_parts(dl_storage *to, const dl_storage *owner) {
  DL__TAKE(to, owner, layout);
  DL__TAKE(to, owner, upload_begin);
  DL__TAKE(to, owner, put_part);
  DL__TAKE(to, owner, reuse_part);
  DL__TAKE(to, owner, commit);
  DL__TAKE(to, owner, upload_end);
  bool reuses = to->reuse_part != NULL || (to->caps & DL_STORAGE_PARTS_BY_CONTENT) != 0;
  if (to->layout != NULL && to->upload_begin != NULL && to->put_part != NULL && reuses &&
      to->commit != NULL && to->upload_end != NULL) {
    return;
  }
  to->layout = NULL;
  to->upload_begin = NULL;
  to->put_part = NULL;
  to->reuse_part = NULL;
  to->commit = NULL;
  to->upload_end = NULL;
}

bool dl__storage_has_parts(const dl__storage *storage) {
  return storage->slots.layout != NULL;
}

static dl_status check_parts(const dl__storage *storage, const char *key, dl_error *err) {
  if (!dl__storage_has_parts(storage)) {
    return dl__fail(err, DL_ERR_UNSUPPORTED, key, "the storage has no objects in parts");
  }
  return dl__storage_check_key(key, err);
}

/* Collects what a layout tells, the object's segments in front. */
typedef struct collector {
  dl__layout *out;
  uint64_t total_bytes;     /* of all segments */
  uint64_t committed_bytes; /* of the object's */
  const char *wrong;        /* what cannot be; NULL: nothing so far */
  bool no_memory;
} collector;

static int refuse(collector *c, const char *why) {
  c->wrong = why;
  return 1;
}

static int collect(const dl_segment *segment, void *user) {
  collector *c = user;
  dl__layout *out = c->out;
  dl_segment own = DL_SEGMENT_INIT;
  size_t needed = offsetof(dl_segment, sha256) + sizeof own.sha256;
  if (c->wrong != NULL || c->no_memory) return 1; /* it was told to stop */
  if (segment == NULL || segment->struct_size < needed) return refuse(c, "something else");
  own.staged = segment->staged != 0;
  own.size_bytes = segment->size_bytes;
  memcpy(own.sha256, segment->sha256, sizeof own.sha256);
  if (own.size_bytes == 0) return refuse(c, "one without bytes");
  if (own.size_bytes > UINT64_MAX - c->total_bytes) return refuse(c, "too many bytes");
  if (out->count >= SEGMENTS_MAX) return refuse(c, "more of them than can be");
  if (!dl__vec_grow(&out->items, out->count, &out->capacity, sizeof *out->items)) {
    c->no_memory = true;
    return 1;
  }
  c->total_bytes += own.size_bytes;
  if (own.staged != 0) {
    out->items[out->count++] = own;
    return 0;
  }
  /* The order of the staged ones does not matter. */
  if (out->committed < out->count) out->items[out->count] = out->items[out->committed];
  out->items[out->committed++] = own;
  out->count++;
  c->committed_bytes += own.size_bytes;
  return 0;
}

/* Segments that do not make up the object, or of nobody knows which one, are not told. */
static void drop_unsure(dl__layout *out, uint64_t committed_bytes) {
  bool sure = committed_bytes == out->size_bytes && out->etag[0] != '\0';
  if (sure || out->committed == 0) return;
  out->count -= out->committed;
  memmove(out->items, out->items + out->committed, out->count * sizeof *out->items);
  out->committed = 0;
}

dl_status dl__storage_layout(const dl__storage *storage, const char *key, dl__layout *out,
                             dl_error *err) {
  *out = (dl__layout){0};
  dl_status status = check_parts(storage, key, err);
  if (status != DL_OK) return status;
  collector c = {.out = out};
  dl_layout said = DL_LAYOUT_INIT;
  status = storage->slots.layout(storage->slots.self, key, collect, &c, &said, err);
  if (c.no_memory) {
    status = dl__fail_no_memory(err);
  } else if (c.wrong != NULL) {
    status = dl__fail(err, DL_ERR_STORAGE, key, "the storage reported a segment that is none: %s",
                      c.wrong);
  } else {
    status = dl__storage_checked(status, key, err);
  }
  if (status != DL_OK) {
    dl__layout_clear(out);
    return status;
  }
  out->size_bytes = said.size_bytes;
  out->blocked = said.blocked != 0;
  dl__storage_take_etag(said.etag, out->etag);
  drop_unsure(out, c.committed_bytes);
  return DL_OK;
}

void dl__layout_clear(dl__layout *layout) {
  free(layout->items);
  *layout = (dl__layout){0};
}

dl_status dl__storage_upload_begin(const dl__storage *storage, const dl_upload_request *request,
                                   dl_upload **out, dl_error *err) {
  *out = NULL;
  dl_status status = check_parts(storage, request->key, err);
  if (status != DL_OK) return status;
  bool conditional = request->if_absent != 0 || request->if_match != NULL;
  status = dl__storage_check_condition(storage, request->key, conditional, err);
  if (status != DL_OK) return status;
  dl_upload *begun = NULL;
  status = storage->slots.upload_begin(storage->slots.self, request, &begun, err);
  status = dl__storage_checked(status, request->key, err);
  if (status == DL_OK && begun == NULL) {
    status = dl__fail(err, DL_ERR_STORAGE, request->key, "the storage began no upload");
  }
  if (status == DL_OK) *out = begun;
  return status;
}

static dl_status check_part(const dl_part *part, dl_error *err) {
  if (part->size_bytes > 0 && part->offset_bytes <= UINT64_MAX - part->size_bytes) return DL_OK;
  return dl__fail(err, DL_ERR_ARGUMENT, NULL, "not a part that an object can have");
}

/* Notes what read answers: put_part may answer that, and nothing else of the kind. */
typedef struct reading {
  const dl_part *part;
  dl_status said;
} reading;

static dl_status read_noted(void *user, uint64_t offset_bytes, void *buf, size_t size, size_t *got,
                            dl_error *err) {
  reading *r = user;
  r->said = r->part->read(r->part->read_user, offset_bytes, buf, size, got, err);
  return r->said;
}

dl_status dl__storage_put_part(const dl__storage *storage, dl_upload *upload, const dl_part *part,
                               dl_error *err) {
  dl_status status = check_part(part, err);
  if (status != DL_OK) return status;
  reading r = {part, DL_OK};
  dl_part own = *part;
  own.read = read_noted;
  own.read_user = &r;
  status = storage->slots.put_part(storage->slots.self, upload, &own, err);
  if (status == DL_OK && r.said != DL_OK) {
    return dl__fail(err, DL_ERR_STORAGE, NULL, "the storage took a part that could not be read");
  }
  if (status == r.said || status == DL_ERR_SOURCE_CHANGED) return status;
  return dl__storage_checked(status, NULL, err);
}

dl_status dl__storage_reuse_part(const dl__storage *storage, dl_upload *upload, const dl_part *part,
                                 dl_error *err) {
  dl_status status = check_part(part, err);
  if (status != DL_OK) return status;
  if (storage->slots.reuse_part == NULL) {
    return dl__fail(err, DL_ERR_UNSUPPORTED, NULL, "the storage takes no parts over");
  }
  status = storage->slots.reuse_part(storage->slots.self, upload, part, err);
  return dl__storage_checked(status, NULL, err);
}

dl_status dl__storage_commit(const dl__storage *storage, dl_upload *upload,
                             const dl_commit_request *request, dl_put_result *result,
                             dl_error *err) {
  dl_put_result own = DL_PUT_RESULT_INIT;
  dl_status status = storage->slots.commit(storage->slots.self, upload, request, &own, err);
  dl__storage_take_etag(own.etag, result->etag);
  return dl__storage_checked(status, NULL, err);
}

void dl__storage_upload_end(const dl__storage *storage, dl_upload *upload) {
  storage->slots.upload_end(storage->slots.self, upload);
}
