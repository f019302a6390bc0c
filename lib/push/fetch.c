/* push/fetch.c: takes an object, fills a temporary file beside the place where it is to
 * be, and gives it that place if what stands there may go. */
#include "push/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "push/fill.h"
#include "push/target.h"

/* One fetch. */
typedef struct fetch {
  const dl__fetch_request *request;
  dl__target target;
  dl__filling filling;
  bool keep; /* the file that stands there is to be kept beside */
} fetch;

static dl_status conflict(const fetch *f, const char *why, dl_error *err) {
  return dl__fail(err, DL_ERR_CONFLICT, f->target.key, "%s", why);
}

/* Whether what stands there may go, as far as can be told without its content. */
static dl_status check_place(const fetch *f, dl_error *err) {
  const dl__target *t = &f->target;
  const dl__fetch_request *r = f->request;
  if (!t->there) return DL_OK;
  if (r->over == DL__OVER_NOTHING) {
    return conflict(f, "was made here while it was pulled; pull again to compare", err);
  }
  if (r->over == DL__OVER_KNOWN && !dl__stamp_same(&t->stamp, r->known)) {
    return conflict(f, "was changed here while it was pulled; pull again to compare", err);
  }
  return DL_OK;
}

/* The file that stands there, as far as it can be read. */
static dl_status open_old(fetch *f, dl_error *err) {
  const dl__target *t = &f->target;
  if (!t->there) return DL_OK;
  int fd = openat(t->dir_fd, t->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat st;
  dl__stamp stamp;
  if (fd >= 0 && fstat(fd, &st) == 0) {
    dl__stamp_from(&stamp, &st);
    if (dl__stamp_same(&stamp, &t->stamp)) {
      f->filling.old_fd = fd;
      f->filling.old_bytes = stamp.size_bytes;
      return DL_OK;
    }
  }
  int failure = errno;
  if (fd >= 0) (void)close(fd);
  if (f->request->over != DL__OVER_PREFIX) return DL_OK; /* nothing is reused */
  if (fd >= 0) {
    return dl__fail(err, DL_ERR_SOURCE_CHANGED, t->key, "was changed here while it was pulled");
  }
  return dl__fail_errno(err, DL_ERR_DOWNLOAD, failure, t->key, "cannot read the file that is here");
}

static dl_status diverged(const fetch *f, dl_error *err) {
  return conflict(f, "differs from the remote; with --force what is here is kept beside as .orig",
                  err);
}

/* The object begins with the file that stands there. */
static dl_status check_prefix(const fetch *f, dl_error *err) {
  dl__reader *reader = f->request->reader;
  size_t half = reader->size_bytes / 2;
  unsigned char *ours = reader->buffer;
  unsigned char *theirs = reader->buffer + half;
  const dl__filling *from = &f->filling;
  if (from->old_bytes > f->request->remote->size_bytes) return diverged(f, err);
  for (uint64_t at = from->same_bytes; at < from->old_bytes;) {
    uint64_t left = from->old_bytes - at;
    size_t size = left < half ? (size_t)left : half;
    ssize_t a = dl__fs_pread(from->old_fd, ours, size, at);
    ssize_t b = dl__fs_pread(from->fd, theirs, size, at);
    if (a < 0 || b < 0) {
      return dl__fail_errno(err, DL_ERR_DOWNLOAD, errno, f->target.key, "cannot read the file");
    }
    if ((size_t)a != size || (size_t)b != size || memcmp(ours, theirs, size) != 0) {
      return diverged(f, err);
    }
    at += size;
  }
  return DL_OK;
}

/* Somebody who stored an object without a digest may have done it while it was read. */
static int same_version(const dl_object *object, void *user) {
  const dl__remote **remote = user;
  bool same = object->size_bytes == (*remote)->size_bytes &&
              (object->etag == NULL || (*remote)->etag == NULL ||
               strcmp(object->etag, (*remote)->etag) == 0);
  if (same) *remote = NULL;
  return 0;
}

static dl_status check_version(const fetch *f, dl_error *err) {
  const dl__remote *remote = f->request->remote;
  if (!f->filling.unproven) return DL_OK;
  dl_status status = dl__storage_stat(f->request->storage, remote->key, same_version, &remote, err);
  if (status != DL_OK || remote == NULL) return status;
  return dl__fail(err, DL_ERR_SOURCE_CHANGED, remote->key,
                  "was changed at the remote while it was read");
}

static dl_status fill(fetch *f, dl_error *err) {
  f->filling.fd = f->target.fd;
  f->keep = f->request->over == DL__OVER_ANY && f->target.there;
  dl_status status = open_old(f, err);
  if (status == DL_OK) status = dl__fill_begin(&f->filling, err);
  if (status == DL_OK) status = dl__fill_reuse(&f->filling, err);
  if (status == DL_OK) status = dl__fill_get(&f->filling, err);
  if (status == DL_OK) status = check_version(f, err);
  if (status != DL_OK || f->filling.old_fd < 0) return status;
  if (f->request->over == DL__OVER_PREFIX) return check_prefix(f, err);
  /* What the object begins with is not lost with the file. */
  f->keep = f->request->over == DL__OVER_ANY && check_prefix(f, NULL) != DL_OK;
  return DL_OK;
}

static dl_status publish(fetch *f, dl__fetched *out, dl_error *err) {
  const dl__remote *remote = f->request->remote;
  dl_status status = dl__target_publish(&f->target, f->keep ? DL__OLD_KEPT : DL__OLD_REPLACED,
                                        remote->mtime_ns, &out->row.stamp, err);
  if (status != DL_OK) return status;
  out->row.settled = dl__stamp_settled(&out->row.stamp, dl__clock_wall_ns());
  out->row.digest = dl__digest_pack(f->filling.digest);
  memcpy(out->kept_as, f->target.kept_as, sizeof out->kept_as);
  out->unproven = f->filling.unproven;
  return DL_OK;
}

static void start(fetch *f, const dl__fetch_request *request) {
  *f = (fetch){.request = request};
  f->filling = (dl__filling){.request = request, .fd = -1, .old_fd = -1};
}

static void end(fetch *f) {
  dl__fill_clear(&f->filling);
  if (f->filling.old_fd >= 0) (void)close(f->filling.old_fd);
  dl__target_clear(&f->target);
}

dl_status dl__fetch(const dl__fetch_request *request, dl__fetched *out, dl_error *err) {
  fetch f;
  start(&f, request);
  *out = (dl__fetched){.row = {.key = request->remote->key}};
  atomic_store(&request->meter->done_bytes, 0);
  atomic_store(&request->meter->reused_bytes, 0);
  dl_status status = dl__target_find(&f.target, request->dir_fd, request->remote->key, true, err);
  if (status == DL_OK) status = check_place(&f, err);
  if (status == DL_OK) status = dl__target_make(&f.target, err);
  if (status == DL_OK) status = fill(&f, err);
  if (status == DL_OK) status = publish(&f, out, err);
  end(&f);
  return status;
}

/* The bytes of a range of the object, compared with those of the file. */
typedef struct comparing {
  const fetch *f;
  uint64_t at;
  bool differs;
} comparing;

static dl_status compare_piece(void *user, const void *data, size_t size, dl_error *err) {
  comparing *c = user;
  dl__reader *reader = c->f->request->reader;
  const unsigned char *theirs = data;
  atomic_fetch_add(&c->f->request->meter->received_bytes, size);
  while (size > 0 && !c->differs) {
    size_t piece = size < reader->size_bytes ? size : reader->size_bytes;
    ssize_t got = dl__fs_pread(c->f->filling.old_fd, reader->buffer, piece, c->at);
    c->differs = got < 0 || (size_t)got != piece || memcmp(reader->buffer, theirs, piece) != 0;
    c->at += piece;
    theirs += piece;
    size -= piece;
  }
  if (atomic_load(reader->cancel)) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  return DL_OK;
}

static dl_status compare_range(const fetch *f, bool *same, dl_error *err) {
  comparing c = {f, f->filling.same_bytes, false};
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = f->request->remote->key;
  request.offset_bytes = c.at;
  request.length_bytes = f->filling.old_bytes - c.at;
  request.write = compare_piece;
  request.write_user = &c;
  dl_status status = DL_OK;
  if (request.length_bytes > 0) status = dl__storage_get(f->request->storage, &request, err);
  *same = status == DL_OK && !c.differs && c.at == f->filling.old_bytes;
  return status;
}

dl_status dl__fetch_is_prefix(const dl__fetch_request *request, bool *prefix, dl_error *err) {
  fetch f;
  start(&f, request);
  *prefix = false;
  dl_status status = dl__target_find(&f.target, request->dir_fd, request->remote->key, false, err);
  if (status == DL_OK) status = open_old(&f, err);
  bool may_be = f.filling.old_fd >= 0 && f.filling.old_bytes <= request->remote->size_bytes;
  if (status == DL_OK && may_be) status = dl__fill_begin(&f.filling, err);
  if (status == DL_OK && may_be) status = dl__fill_reuse(&f.filling, err);
  if (status == DL_OK && may_be) status = compare_range(&f, prefix, err);
  end(&f);
  return status;
}

/* The digest of the first bytes of the file, as many as the object has. */
static dl_status compare_begin(const fetch *f, bool *same, dl_error *err) {
  dl__reader *reader = f->request->reader;
  const dl__remote *remote = f->request->remote;
  char sha256[DL__DIGEST_SIZE];
  uint8_t md5[DL__MD5_BYTES];
  dl_status status = dl__hash_begin(&reader->hash, err);
  for (uint64_t at = 0; status == DL_OK && at < remote->size_bytes;) {
    uint64_t left = remote->size_bytes - at;
    size_t size = left < reader->size_bytes ? (size_t)left : reader->size_bytes;
    if (atomic_load(reader->cancel)) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
    ssize_t got = dl__fs_pread(f->filling.old_fd, reader->buffer, size, at);
    if (got < 0 || (size_t)got != size) return DL_OK;
    status = dl__hash_add(&reader->hash, reader->buffer, size, err);
    at += size;
  }
  if (status == DL_OK) status = dl__hash_end_md5(&reader->hash, md5, err);
  if (status == DL_OK) status = dl__hash_end(&reader->hash, sha256, err);
  if (status != DL_OK) return status;
  *same = dl__digest_is(&remote->digest, sha256) || dl__digest_is_md5(&remote->digest, md5);
  return DL_OK;
}

dl_status dl__fetch_has_grown(const dl__fetch_request *request, bool *grown, dl_error *err) {
  fetch f;
  start(&f, request);
  *grown = false;
  dl_status status = dl__target_find(&f.target, request->dir_fd, request->remote->key, false, err);
  if (status == DL_OK) status = open_old(&f, err);
  bool may_have = f.filling.old_fd >= 0 && f.filling.old_bytes > request->remote->size_bytes;
  if (status == DL_OK && may_have) status = dl__fill_begin(&f.filling, err);
  if (status == DL_OK && may_have && f.filling.segments.count > 0) {
    status = dl__fill_reuse(&f.filling, err);
    *grown = status == DL_OK && f.filling.same_bytes == request->remote->size_bytes;
  } else if (status == DL_OK && may_have) {
    status = compare_begin(&f, grown, err);
  }
  end(&f);
  return status;
}

/* The time of last change that was given to it tells: a write in the moment in which it was made
 * would have moved that to this moment, though perhaps not the ctime on. */
static bool has_settled(int dir_fd, const dl__row *row) {
  dl__target now;
  bool restored = row->stamp.mtime_ns < row->stamp.ctime_ns - DL__STAMP_WAIT_NS;
  if (!restored || !dl__stamp_settled(&row->stamp, dl__clock_wall_ns())) return false;
  bool same = dl__target_find(&now, dir_fd, row->key, false, NULL) == DL_OK && now.there &&
              dl__stamp_same(&now.stamp, &row->stamp);
  dl__target_clear(&now);
  return same;
}

void dl__fetch_settle(int dir_fd, dl__row *rows, size_t count) {
  int64_t last_ns = 0;
  for (size_t i = 0; i < count; i++) {
    if (rows[i].stamp.ctime_ns > last_ns) last_ns = rows[i].stamp.ctime_ns;
  }
  int64_t wait_ns = last_ns + DL__STAMP_WAIT_NS + 1 - dl__clock_wall_ns();
  struct timespec wait = {0, wait_ns < DL__STAMP_WAIT_NS ? (long)wait_ns : DL__STAMP_WAIT_NS};
  if (wait_ns > 0) (void)nanosleep(&wait, NULL);
  for (size_t i = 0; i < count; i++) rows[i].settled = has_settled(dir_fd, &rows[i]);
}
