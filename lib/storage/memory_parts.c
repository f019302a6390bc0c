/* storage/memory_parts.c: objects in parts in the memory of this process. Every part is
 * written to its place in the new object, which nobody knows before the commit. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "storage/memory.h"
#include "storage/partlist.h"

struct dl_upload {
  dl_upload_request request; /* what it points at is borrowed until the end */
  dl__partlist parts;
  unsigned char *data; /* NULL: committed */
};

static bool copy_segments(const dl_segment *from, size_t count, dl_segment **out) {
  *out = calloc(count + 1, sizeof **out);
  if (*out != NULL && count > 0) memcpy(*out, from, count * sizeof **out);
  return *out != NULL;
}

/* each may call the storage: it gets copies, unlocked. */
dl_status dl__memory_layout(void *self, const char *key, dl_segment_fn each, void *user,
                            dl_layout *out, dl_error *err) {
  dl__memory_store *s = ((dl__memory *)self)->store;
  dl_segment *segments = NULL;
  size_t count = 0;
  bool copied = false;
  (void)pthread_mutex_lock(&s->locked.mutex);
  const dl__memory_object *found = dl__memory_find(s, key);
  if (found != NULL) {
    count = found->segment_count;
    copied = copy_segments(found->segments, count, &segments);
    out->size_bytes = found->size;
    memcpy(out->etag, found->etag, sizeof found->etag);
  }
  (void)pthread_mutex_unlock(&s->locked.mutex);
  if (found == NULL) return dl__memory_not_found(key, err);
  dl_status status = copied ? DL_OK : dl__fail_no_memory(err);
  for (size_t i = 0; status == DL_OK && i < count; i++) {
    if (each(&segments[i], user) != 0) status = dl__fail(err, DL_ERR_CANCELLED, key, "stopped");
  }
  free(segments);
  return status;
}

static dl_status check_begin(dl__memory_store *s, const dl_upload_request *request, dl_error *err) {
  (void)pthread_mutex_lock(&s->locked.mutex);
  dl_status status = dl__memory_check(dl__memory_find(s, request->key), request, err);
  (void)pthread_mutex_unlock(&s->locked.mutex);
  return status;
}

dl_status dl__memory_upload_begin(void *self, const dl_upload_request *request, dl_upload **out,
                                  dl_error *err) {
  dl_status status = check_begin(((dl__memory *)self)->store, request, err);
  if (status != DL_OK) return status;
  if (request->size_bytes > SIZE_MAX - 1) return dl__fail_no_memory(err);
  dl_upload *u = calloc(1, sizeof *u);
  unsigned char *data = malloc((size_t)request->size_bytes + 1);
  status = u != NULL && data != NULL ? dl__partlist_init(&u->parts, request, err)
                                     : dl__fail_no_memory(err);
  if (status != DL_OK) {
    free(data);
    free(u);
    return status;
  }
  u->request = *request;
  u->data = data;
  *out = u;
  return DL_OK;
}

static dl_status check_open(const dl_upload *u, dl_error *err) {
  if (u->data != NULL) return DL_OK;
  return dl__fail(err, DL_ERR_ARGUMENT, u->request.key, "the upload is committed already");
}

dl_status dl__memory_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err) {
  (void)self;
  size_t at;
  dl_status status = check_open(upload, err);
  if (status == DL_OK) status = dl__partlist_begin(&upload->parts, part, &at, err);
  if (status != DL_OK) return status;
  unsigned char *to = upload->data + part->offset_bytes;
  status = dl__memory_read(upload->request.key, part, to, err);
  if (status == DL_OK) dl__partlist_done(&upload->parts, at);
  return status;
}

/* With the store locked. */
static dl_status copy_part(const dl__memory_object *old, const dl_upload *u, const dl_part *part,
                           dl_error *err) {
  dl_status status = dl__memory_check(old, &u->request, err);
  if (status != DL_OK) return status;
  if (old == NULL || part->from_bytes > old->size ||
      part->size_bytes > old->size - part->from_bytes) {
    return dl__fail(err, DL_ERR_ARGUMENT, u->request.key, "the object has no such part");
  }
  memcpy(u->data + part->offset_bytes, old->data + part->from_bytes, (size_t)part->size_bytes);
  return DL_OK;
}

dl_status dl__memory_reuse_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err) {
  dl__memory_store *s = ((dl__memory *)self)->store;
  const char *key = upload->request.key;
  if (upload->request.if_match == NULL) {
    return dl__fail(err, DL_ERR_ARGUMENT, key, "parts of an object without its ETag");
  }
  size_t at;
  dl_status status = check_open(upload, err);
  if (status == DL_OK) status = dl__partlist_begin(&upload->parts, part, &at, err);
  if (status != DL_OK) return status;
  (void)pthread_mutex_lock(&s->locked.mutex);
  status = copy_part(dl__memory_find(s, key), upload, part, err);
  (void)pthread_mutex_unlock(&s->locked.mutex);
  if (status == DL_OK) dl__partlist_done(&upload->parts, at);
  return status;
}

static dl_status keep_segments(dl__memory_object *o, const dl_commit_request *request,
                               dl_error *err) {
  o->segments = calloc(request->segment_count + 1, sizeof *o->segments);
  if (o->segments == NULL) return dl__fail_no_memory(err);
  o->segment_count = request->segment_count;
  for (size_t i = 0; i < o->segment_count; i++) {
    o->segments[i] = (dl_segment)DL_SEGMENT_INIT;
    o->segments[i].size_bytes = request->segments[i]->size_bytes;
    memcpy(o->segments[i].sha256, request->segments[i]->sha256, sizeof o->segments[i].sha256);
  }
  return DL_OK;
}

dl_status dl__memory_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                            dl_put_result *result, dl_error *err) {
  dl__memory_store *s = ((dl__memory *)self)->store;
  dl_status status = check_open(upload, err);
  if (status == DL_OK) status = dl__partlist_check(&upload->parts, request, err);
  if (status != DL_OK) return status;
  dl__memory_object o = {0};
  status = dl__memory_describe(&o, upload->request.key, request, err);
  if (status == DL_OK) status = keep_segments(&o, request, err);
  o.data = upload->data;
  o.size = (size_t)upload->request.size_bytes;
  if (status == DL_OK) {
    (void)pthread_mutex_lock(&s->locked.mutex);
    status = dl__memory_store_object(s, &upload->request, &o, err);
    (void)pthread_mutex_unlock(&s->locked.mutex);
  }
  if (status == DL_OK) {
    memcpy(result->etag, o.etag, sizeof o.etag);
    upload->data = NULL;
  } else {
    o.data = NULL; /* another commit may follow */
    dl__memory_clear(&o);
  }
  return status;
}

void dl__memory_upload_end(void *self, dl_upload *upload) {
  (void)self;
  dl__partlist_clear(&upload->parts);
  free(upload->data);
  free(upload);
}
