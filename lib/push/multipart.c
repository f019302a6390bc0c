/* push/multipart.c: takes an open file and what is known of its object, gives the object
 * the file's content in these steps:
 *   1. layout: what the object is made of, and what an interrupted push left staged
 *   2. survey: the segments that stay; the rest is cut anew
 *   3. each segment that nobody has yet is put, while the next one is read
 *   4. commit, on the condition that the object is still the one that was compared
 * An end before 4 changes nothing that others see, and loses no part that was put. */
#include "push/send.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "push/known.h"
#include "push/part.h"
#include "push/segment.h"
#include "push/survey.h"

/* Up to this size, one request with everything in it is cheaper than a part and a commit. */
#define SINGLE_PUT_BYTES ((uint64_t)64 * 1024)

/* One file on its way. */
typedef struct job {
  const dl__send_request *request;
  dl__survey survey;
  dl__layout layout;
  dl__segments segments;
  dl__known known; /* with PARTS_BY_CONTENT: what need not be put */
  bool by_content;
  dl_upload_request begun; /* lives as long as the upload */
  dl__parts parts;
} job;

bool dl__send_wants_parts(const dl__storage *storage, uint64_t size_bytes) {
  return size_bytes > SINGLE_PUT_BYTES && dl__storage_has_parts(storage);
}

static dl_status conflict(const job *j, dl_error *err) {
  return dl__fail_conflict(err, j->request->source->key, "changed");
}

/* The object has to be the one that was listed, for that was compared. */
static dl_status check_same(const job *j, dl_error *err) {
  const dl__remote *remote = j->request->remote;
  const dl__layout *layout = &j->layout;
  if (!j->request->conditional) return DL_OK;
  if (remote == NULL) return layout->etag[0] != '\0' ? conflict(j, err) : DL_OK;
  bool both = remote->etag != NULL && layout->etag[0] != '\0';
  return both && strcmp(remote->etag, layout->etag) != 0 ? conflict(j, err) : DL_OK;
}

/* Nothing at the remote, and one part only, so that none can be staged: no need to ask. */
static dl_status get_layout(job *j, dl_error *err) {
  const dl__send_request *r = j->request;
  bool several = r->source->stamp.size_bytes > dl__segment_full_bytes(0);
  if (!r->conditional || (r->remote == NULL && !several)) return DL_OK;
  dl_status status = dl__storage_layout(r->storage, r->source->key, &j->layout, err);
  if (status == DL_ERR_NOT_FOUND) return r->remote == NULL ? DL_OK : conflict(j, err);
  if (status != DL_OK) return status;
  if (j->layout.blocked) {
    return dl__fail(err, DL_ERR_UNSUPPORTED, r->source->key,
                    "another program left unfinished parts of it at the remote");
  }
  return check_same(j, err);
}

/* With parts known by content, all that is there may be used anywhere in the file. */
static dl_status learn(job *j, dl_error *err) {
  for (size_t i = 0; j->by_content && i < j->layout.count; i++) {
    const dl_segment *s = &j->layout.items[i];
    if (!dl__known_add(&j->known, s->sha256, s->size_bytes)) return dl__fail_no_memory(err);
  }
  return DL_OK;
}

static dl_status begin(job *j, dl_error *err) {
  const dl__send_request *r = j->request;
  dl_upload_request *begun = &j->begun;
  *begun = (dl_upload_request)DL_UPLOAD_REQUEST_INIT;
  begun->key = r->source->key;
  begun->size_bytes = r->source->stamp.size_bytes;
  if (r->conditional && r->remote == NULL) begun->if_absent = 1;
  if (r->conditional && r->remote != NULL) {
    begun->if_match = r->remote->etag != NULL ? r->remote->etag : j->layout.etag;
  }
  return dl__storage_upload_begin(r->storage, begun, &j->parts.upload, err);
}

static void add_reused(const job *j, uint64_t size_bytes) {
  atomic_fetch_add(&j->request->meter->reused_bytes, size_bytes);
  j->request->progress(j->request->progress_user);
}

/* The segment's digests are known; what nobody has is sent. in_buffer: see dl__parts_send. */
static dl_status provide(job *j, const dl__segment *segment, bool in_buffer, dl_error *err) {
  bool there = segment->kept;
  if (!there && j->by_content) {
    there = dl__known_has(&j->known, segment->sha256, segment->size_bytes);
    if (!there && !dl__known_add(&j->known, segment->sha256, segment->size_bytes)) {
      return dl__fail_no_memory(err);
    }
  }
  if (!there) return dl__parts_send(&j->parts, segment, in_buffer, err);
  add_reused(j, segment->size_bytes);
  return DL_OK;
}

/* The cuts of the object, as far as they stay. */
static dl_status provide_old(job *j, dl_error *err) {
  dl_status status = DL_OK;
  for (size_t i = 0; status == DL_OK && i < j->segments.count; i++) {
    status = provide(j, &j->segments.items[i], false, err);
  }
  return status;
}

static dl_status provide_new(job *j, dl_error *err) {
  uint64_t size_bytes = j->request->source->stamp.size_bytes;
  dl_status status = DL_OK;
  for (uint64_t at = dl__segments_end(&j->segments); status == DL_OK && at < size_bytes;) {
    uint64_t full = dl__segment_full_bytes(at);
    uint64_t left = size_bytes - at;
    dl__segment segment = {.offset_bytes = at, .size_bytes = left < full ? left : full};
    status = dl__survey_read(&j->survey, &segment, err);
    if (status == DL_OK && !dl__segments_add(&j->segments, &segment)) {
      status = dl__fail_no_memory(err);
    }
    bool in_buffer = segment.size_bytes <= j->request->reader->size_bytes;
    if (status == DL_OK) status = provide(j, &segment, in_buffer, err);
    at += segment.size_bytes;
  }
  if (status == DL_OK && j->segments.count > DL__SEGMENTS_MAX) {
    return dl__fail(err, DL_ERR_STORAGE, j->request->source->key,
                    "larger than the 50,000 parts that an object may have");
  }
  return status;
}

/* Only once all cuts are settled: a copied part must not be in the way of another. */
static dl_status reuse_parts(job *j, dl_error *err) {
  dl_status status = DL_OK;
  for (size_t i = 0; !j->by_content && status == DL_OK && i < j->segments.count; i++) {
    const dl__segment *segment = &j->segments.items[i];
    if (!segment->kept) continue;
    dl_part part = DL_PART_INIT;
    part.offset_bytes = segment->offset_bytes;
    part.from_bytes = segment->offset_bytes;
    part.size_bytes = segment->size_bytes;
    memcpy(part.sha256, segment->sha256, sizeof part.sha256);
    status = dl__storage_reuse_part(j->request->storage, j->parts.upload, &part, err);
  }
  return status;
}

/* What the slot takes: segments, and pointers to them, in one block of memory that begins
 * with the first segment. */
static const dl_segment **export_segments(const dl__segments *segments) {
  size_t count = segments->count;
  dl_segment *items = calloc(count, sizeof(dl_segment) + sizeof(dl_segment *));
  if (items == NULL) return NULL;
  const dl_segment **pointers = (const dl_segment **)(items + count);
  for (size_t i = 0; i < count; i++) {
    items[i] = (dl_segment)DL_SEGMENT_INIT;
    items[i].size_bytes = segments->items[i].size_bytes;
    memcpy(items[i].sha256, segments->items[i].sha256, sizeof items[i].sha256);
    pointers[i] = &items[i];
  }
  return pointers;
}

static dl_status commit(job *j, const char *digest, dl_error *err) {
  const dl__send_request *r = j->request;
  uint8_t md5[DL__MD5_BYTES];
  if (j->survey.md5 != NULL) dl__md5_get(j->survey.md5, md5);
  const dl_segment **segments = export_segments(&j->segments);
  if (segments == NULL) return dl__fail_no_memory(err);
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  request.segments = segments;
  request.segment_count = j->segments.count;
  request.digest = digest;
  request.mtime_ns = r->source->stamp.mtime_ns;
  request.md5 = j->survey.md5 != NULL ? md5 : NULL;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_status status = dl__storage_commit(r->storage, j->parts.upload, &request, &result, err);
  free((void *)(uintptr_t)segments[0]);
  return status;
}

/* digest: that of *row, as text. */
static dl_status describe(const job *j, dl__row *row, char digest[DL__DIGEST_SIZE], dl_error *err) {
  const dl__send_request *r = j->request;
  row->stamp = r->source->stamp;
  row->settled = r->source->settled;
  dl_status status = dl__segments_identity(&j->segments, &r->reader->parts, digest, err);
  if (status != DL_OK) return status;
  row->digest = dl__digest_pack(digest);
  if (j->survey.md5 == NULL) return DL_OK;
  row->md5_saved = malloc(DL__MD5_SAVED_BYTES);
  if (row->md5_saved == NULL) return dl__fail_no_memory(err);
  dl__md5_save(j->survey.md5, row->md5_saved);
  return DL_OK;
}

/* Stamps cannot tell an append from an append and a change of what was there. A file that
 * grew meanwhile is read once more, unless its name says that it only grows. */
static dl_status check_source(job *j, dl_error *err) {
  const dl__source *source = j->request->source;
  bool grew;
  dl_status status = dl__source_grew(source, &grew, err);
  if (status == DL_OK && grew && !j->request->grows) {
    status = dl__survey_confirm(&j->survey, &j->segments, err);
  }
  return status == DL_OK ? dl__source_check(source, err) : status;
}

static dl_status upload(job *j, dl__row *row, dl_error *err) {
  char digest[DL__DIGEST_SIZE];
  dl_status status = begin(j, err);
  if (status == DL_OK) status = provide_old(j, err);
  if (status == DL_OK) status = provide_new(j, err);
  dl_status landed = dl__parts_wait(&j->parts, status == DL_OK ? err : NULL);
  if (status == DL_OK) status = landed;
  if (status == DL_OK) status = reuse_parts(j, err);
  if (status == DL_OK) status = check_source(j, err);
  if (status == DL_OK) status = describe(j, row, digest, err);
  if (status == DL_OK) status = commit(j, digest, err);
  if (j->parts.upload != NULL) dl__storage_upload_end(j->request->storage, j->parts.upload);
  return status;
}

static dl_status run(job *j, dl__row *row, dl_error *err) {
  const dl__send_request *r = j->request;
  dl_status status = get_layout(j, err);
  if (status == DL_OK) status = learn(j, err);
  if (status == DL_OK) {
    status = dl__survey_match(&j->survey, &j->layout, r->vouched, &j->segments, err);
  }
  if (status != DL_OK) return status;
  if (!dl__survey_is_equal(&j->survey, &j->layout, &j->segments)) return upload(j, row, err);
  add_reused(j, r->source->stamp.size_bytes);
  status = dl__source_check(r->source, err);
  char digest[DL__DIGEST_SIZE];
  return status == DL_OK ? describe(j, row, digest, err) : status;
}

dl_status dl__send_parts(const dl__send_request *request, dl__row *row, dl_error *err) {
  job j = {.request = request};
  j.by_content = (request->storage->slots.caps & DL_STORAGE_PARTS_BY_CONTENT) != 0;
  dl_status status = dl__parts_init(&j.parts, request, err);
  if (status != DL_OK) return status;
  status = dl__survey_init(&j.survey, request->source, request->reader, request->md5, err);
  if (status == DL_OK) status = run(&j, row, err);
  dl__survey_clear(&j.survey);
  dl__segments_clear(&j.segments);
  dl__layout_clear(&j.layout);
  dl__known_clear(&j.known);
  dl__parts_clear(&j.parts);
  return status;
}
