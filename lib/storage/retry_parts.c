/* storage/retry_parts.c: the slots for objects in parts, made again as retry.c makes the
 * others. A call of a part can always be made again: nobody sees a part before the commit. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "storage/retry_inside.h"

/* Beside the upload of the storage inside, what messages name. */
struct dl_upload {
  dl_upload *inner;
  const char *key; /* borrowed with the request */
};

static dl_status layout_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_layout(c->inner, c->key, c->layout, err);
}

/* Nothing is handed out before a try told all of it. */
static dl_status hand_out(const dl__layout *from, const char *key, dl_segment_fn each, void *user,
                          dl_error *err) {
  for (size_t i = 0; i < from->count; i++) {
    if (each(&from->items[i], user) == 0) continue;
    return dl__fail(err, DL_ERR_CANCELLED, key, "stopped");
  }
  return DL_OK;
}

static dl_status retry_layout(void *self, const char *key, dl_segment_fn each, void *user,
                              dl_layout *out, dl_error *err) {
  dl__layout found = {0};
  dl__retry_call c = {.once = layout_once, .key = key, .layout = &found};
  dl_status status = dl__retry_run(self, &c, err);
  if (status == DL_OK) {
    out->size_bytes = found.size_bytes;
    out->blocked = found.blocked;
    memcpy(out->etag, found.etag, sizeof found.etag);
    status = hand_out(&found, key, each, user, err);
  }
  dl__layout_clear(&found);
  return status;
}

static dl_status begin_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_upload_begin(c->inner, c->begin, &c->upload, err);
}

static dl_status retry_upload_begin(void *self, const dl_upload_request *request, dl_upload **out,
                                    dl_error *err) {
  dl_upload *u = calloc(1, sizeof *u);
  if (u == NULL) return dl__fail_no_memory(err);
  dl__retry_call c = {.once = begin_once, .key = request->key, .begin = request};
  dl_status status = dl__retry_run(self, &c, err);
  if (status != DL_OK) {
    free(u);
    return status;
  }
  *u = (dl_upload){c.upload, request->key};
  *out = u;
  return DL_OK;
}

static dl_status put_part_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_put_part(c->inner, c->upload, c->part, err);
}

static dl_status retry_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err) {
  dl__retry_call c = {
      .once = put_part_once, .key = upload->key, .upload = upload->inner, .part = part};
  return dl__retry_run(self, &c, err);
}

static dl_status reuse_part_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_reuse_part(c->inner, c->upload, c->part, err);
}

static dl_status retry_reuse_part(void *self, dl_upload *upload, const dl_part *part,
                                  dl_error *err) {
  dl__retry_call c = {
      .once = reuse_part_once, .key = upload->key, .upload = upload->inner, .part = part};
  return dl__retry_run(self, &c, err);
}

/* A commit whose answer was lost was made all the same; a condition then does not hold the
 * next time, as with a put. */
static dl_status commit_once(dl__retry_call *c, dl_error *err) {
  return dl__storage_commit(c->inner, c->upload, c->commit, c->result, err);
}

static dl_status retry_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                              dl_put_result *result, dl_error *err) {
  dl__retry_call c = {.once = commit_once,
                      .key = upload->key,
                      .upload = upload->inner,
                      .commit = request,
                      .result = result};
  return dl__retry_run(self, &c, err);
}

static void retry_upload_end(void *self, dl_upload *upload) {
  dl__storage_upload_end(&((dl__retry *)self)->inner, upload->inner);
  free(upload);
}

void dl__retry_add_parts(dl__retry *r) {
  r->storage.layout = retry_layout;
  r->storage.upload_begin = retry_upload_begin;
  r->storage.put_part = retry_put_part;
  r->storage.reuse_part = r->inner.slots.reuse_part != NULL ? retry_reuse_part : NULL;
  r->storage.commit = retry_commit;
  r->storage.upload_end = retry_upload_end;
}
