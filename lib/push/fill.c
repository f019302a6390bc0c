/* push/fill.c: takes an object and perhaps an older version of it, gives its content in a
 * file. What has segments is got in runs of them, each proven as it comes; what has none in one
 * piece. Memory: the reader's buffer. */
#include "push/fill.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/fs.h"

/* What one get asks for at most, unless a segment is larger: what a broken connection costs. */
#define RUN_BYTES ((uint64_t)32 << 20)

static dl_status changed(const dl__filling *f, dl_error *err) {
  return dl__fail(err, DL_ERR_SOURCE_CHANGED, f->request->remote->key,
                  "what came is not what the remote says of the object: it was changed meanwhile, "
                  "or is damaged");
}

static dl_status check_cancel(const dl__filling *f, dl_error *err) {
  if (!atomic_load(f->request->reader->cancel)) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
}

static dl_status put(const dl__filling *f, const void *data, size_t size, uint64_t offset,
                     dl_error *err) {
  if (f->fd < 0 || dl__fs_pwrite(f->fd, data, size, offset) == 0) return DL_OK;
  return dl__fail_errno(err, DL_ERR_DOWNLOAD, errno, f->request->remote->key,
                        "cannot write the file");
}

static void tell(const dl__filling *f) {
  if (f->request->progress != NULL) f->request->progress(f->request->progress_user);
}

static void count(const dl__filling *f, size_t size) {
  atomic_fetch_add(&f->request->meter->received_bytes, size);
  atomic_fetch_add(&f->request->meter->done_bytes, size);
  tell(f);
}

static dl_status take_layout(dl__filling *f, const dl__layout *layout, dl_error *err) {
  uint64_t offset = 0;
  for (size_t i = 0; i < layout->committed; i++) {
    const dl_segment *from = &layout->items[i];
    dl__segment segment = {.offset_bytes = offset, .size_bytes = from->size_bytes};
    memcpy(segment.sha256, from->sha256, sizeof segment.sha256);
    if (!dl__segments_add(&f->segments, &segment)) return dl__fail_no_memory(err);
    offset += from->size_bytes;
  }
  if (f->segments.count == 0) return DL_OK;
  const dl__remote *remote = f->request->remote;
  dl_status status =
      dl__segments_identity(&f->segments, &f->request->reader->parts, f->digest, err);
  if (status != DL_OK) return status;
  bool same = offset == remote->size_bytes &&
              (remote->digest.kind == DL__DIGEST_NONE || dl__digest_is(&remote->digest, f->digest));
  return same ? DL_OK : changed(f, err);
}

dl_status dl__fill_begin(dl__filling *filling, dl_error *err) {
  const dl__remote *remote = filling->request->remote;
  const dl__storage *storage = filling->request->storage;
  bool needed = dl__remote_needs_layout(remote) && remote->size_bytes > 0;
  if (!needed || !dl__storage_has_parts(storage)) return DL_OK;
  dl__layout layout = {0};
  dl_status status = dl__storage_layout(storage, remote->key, &layout, err);
  if (status == DL_OK) status = take_layout(filling, &layout, err);
  dl__layout_clear(&layout);
  return status;
}

void dl__fill_clear(dl__filling *filling) {
  dl__segments_clear(&filling->segments);
}

/* Reads the old file where the segment is, and writes it at the same time: if it turns out to be
 * another content, it is written over later. */
static dl_status try_old(const dl__filling *f, dl__segment *segment, dl_error *err) {
  dl__reader *reader = f->request->reader;
  dl_status status = dl__hash_begin(&reader->parts, err);
  for (uint64_t done = 0; status == DL_OK && done < segment->size_bytes;) {
    status = check_cancel(f, err);
    if (status != DL_OK) return status;
    uint64_t left = segment->size_bytes - done;
    uint64_t offset = segment->offset_bytes + done;
    size_t size = left < reader->size_bytes ? (size_t)left : reader->size_bytes;
    ssize_t got = dl__fs_pread(f->old_fd, reader->buffer, size, offset);
    if (got < 0 || (size_t)got < size) return DL_OK; /* what cannot be read is got */
    status = dl__hash_add(&reader->parts, reader->buffer, size, err);
    if (status == DL_OK) status = put(f, reader->buffer, size, offset, err);
    done += size;
  }
  uint8_t sha256[DL__SHA256_BYTES];
  if (status == DL_OK) status = dl__hash_end_raw(&reader->parts, sha256, err);
  segment->kept = status == DL_OK && memcmp(sha256, segment->sha256, sizeof sha256) == 0;
  return status;
}

dl_status dl__fill_reuse(dl__filling *filling, dl_error *err) {
  dl__filling *f = filling;
  dl_status status = DL_OK;
  for (size_t i = 0; f->old_fd >= 0 && status == DL_OK && i < f->segments.count; i++) {
    dl__segment *segment = &f->segments.items[i];
    if (segment->offset_bytes + segment->size_bytes > f->old_bytes) break;
    status = try_old(f, segment, err);
    if (status != DL_OK || !segment->kept) continue;
    if (f->same_bytes == segment->offset_bytes) f->same_bytes += segment->size_bytes;
    atomic_fetch_add(&f->request->meter->reused_bytes, segment->size_bytes);
    tell(f);
  }
  return status;
}

/* Segments that are being got, one after the other. */
typedef struct run {
  dl__filling *f;
  size_t next;    /* the segment that the next byte is of */
  size_t end;     /* the first one that is not of the run */
  uint64_t taken; /* of the segment */
} run;

static dl_status end_segment(run *r, const dl__segment *segment, dl_error *err) {
  uint8_t sha256[DL__SHA256_BYTES];
  dl_status status = dl__hash_end_raw(&r->f->request->reader->parts, sha256, err);
  if (status != DL_OK) return status;
  if (memcmp(sha256, segment->sha256, sizeof sha256) != 0) return changed(r->f, err);
  r->next++;
  r->taken = 0;
  return DL_OK;
}

static dl_status take_run(void *user, const void *data, size_t size, dl_error *err) {
  run *r = user;
  dl__hash *hash = &r->f->request->reader->parts;
  const char *at = data;
  dl_status status = check_cancel(r->f, err);
  while (status == DL_OK && size > 0) {
    if (r->next == r->end) return changed(r->f, err);
    const dl__segment *segment = &r->f->segments.items[r->next];
    uint64_t left = segment->size_bytes - r->taken;
    size_t piece = left < size ? (size_t)left : size;
    if (r->taken == 0) status = dl__hash_begin(hash, err);
    if (status == DL_OK) status = dl__hash_add(hash, at, piece, err);
    if (status == DL_OK) status = put(r->f, at, piece, segment->offset_bytes + r->taken, err);
    if (status != DL_OK) return status;
    count(r->f, piece);
    r->taken += piece;
    at += piece;
    size -= piece;
    if (r->taken == segment->size_bytes) status = end_segment(r, segment, err);
  }
  return status;
}

static dl_status get_run(dl__filling *f, size_t first, size_t end, dl_error *err) {
  run r = {f, first, end, 0};
  const dl__segment *last = &f->segments.items[end - 1];
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = f->request->remote->key;
  request.offset_bytes = f->segments.items[first].offset_bytes;
  request.length_bytes = last->offset_bytes + last->size_bytes - request.offset_bytes;
  request.write = take_run;
  request.write_user = &r;
  dl_status status = dl__storage_get(f->request->storage, &request, err);
  return status == DL_OK && r.next != end ? changed(f, err) : status;
}

static dl_status get_segments(dl__filling *f, dl_error *err) {
  dl_status status = DL_OK;
  for (size_t first = 0; status == DL_OK && first < f->segments.count;) {
    const dl__segment *items = f->segments.items;
    size_t end = first + 1;
    if (!items[first].kept) {
      uint64_t start = items[first].offset_bytes;
      while (end < f->segments.count && !items[end].kept &&
             items[end].offset_bytes + items[end].size_bytes - start <= RUN_BYTES) {
        end++;
      }
      status = get_run(f, first, end, err);
    }
    first = end;
  }
  return status;
}

/* An object in one piece. */
typedef struct whole {
  const dl__filling *f;
  uint64_t taken;
} whole;

static dl_status take_whole(void *user, const void *data, size_t size, dl_error *err) {
  whole *w = user;
  dl_status status = check_cancel(w->f, err);
  if (status != DL_OK) return status;
  if (size > w->f->request->remote->size_bytes - w->taken) return changed(w->f, err);
  status = dl__hash_add(&w->f->request->reader->hash, data, size, err);
  if (status == DL_OK) status = put(w->f, data, size, w->taken, err);
  if (status != DL_OK) return status;
  w->taken += size;
  count(w->f, size);
  return DL_OK;
}

/* Nobody has a digest of it: what a second reading gives too is taken for the object. */
static dl_status read_again(dl__filling *f, dl_error *err) {
  char digest[DL_DIGEST_SIZE];
  uint64_t size_bytes;
  const dl__remote *remote = f->request->remote;
  f->unproven = true;
  dl_status status = dl__storage_digest(f->request->storage, remote->key, digest, &size_bytes, err);
  if (status != DL_OK) return status;
  return size_bytes == remote->size_bytes && strcmp(digest, f->digest) == 0 ? DL_OK
                                                                            : changed(f, err);
}

static dl_status prove_whole(dl__filling *f, dl_error *err) {
  const dl__digest *kept = &f->request->remote->digest;
  dl__hash *hash = &f->request->reader->hash;
  uint8_t md5[DL__MD5_BYTES];
  dl_status status = dl__hash_end_md5(hash, md5, err);
  if (status == DL_OK) status = dl__hash_end(hash, f->digest, err);
  if (status != DL_OK) return status;
  if (kept->kind == DL__DIGEST_WHOLE) {
    return dl__digest_is(kept, f->digest) ? DL_OK : changed(f, err);
  }
  if (kept->kind == DL__DIGEST_MD5) {
    return dl__digest_is_md5(kept, md5) ? DL_OK : changed(f, err);
  }
  return f->request->remote->size_bytes > 0 ? read_again(f, err) : DL_OK;
}

static dl_status get_whole(dl__filling *f, dl_error *err) {
  whole w = {f, 0};
  const dl__remote *remote = f->request->remote;
  dl_status status = dl__hash_begin(&f->request->reader->hash, err);
  if (status == DL_OK && remote->size_bytes > 0) {
    dl_get_request request = DL_GET_REQUEST_INIT;
    request.key = remote->key;
    request.write = take_whole;
    request.write_user = &w;
    status = dl__storage_get(f->request->storage, &request, err);
  }
  if (status == DL_OK && w.taken != remote->size_bytes) status = changed(f, err);
  return status == DL_OK ? prove_whole(f, err) : status;
}

dl_status dl__fill_get(dl__filling *filling, dl_error *err) {
  return filling->segments.count > 0 ? get_segments(filling, err) : get_whole(filling, err);
}
