/* push/source.c: opens a file below the folder, reads it up to the size it had
 * then, and tells whether anything but growth happened to it meanwhile. */
#include "push/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

/* A store to a page that is mapped and dirty already moves no stamp. The kernel writes
 * such pages back after some 30 s; while a file may have one, fsync makes sure that
 * the next store is seen. Its failure costs only that. */
#define DIRTY_NS INT64_C(60000000000)

dl_status dl__reader_init(dl__reader *reader, size_t size_bytes, bool with_md5,
                          const atomic_bool *cancel, dl_error *err) {
  *reader = (dl__reader){.size_bytes = size_bytes, .cancel = cancel};
  dl_status status = dl__hash_init(&reader->hash, with_md5, err);
  if (status == DL_OK) status = dl__hash_init(&reader->parts, false, err);
  if (status != DL_OK) return status;
  reader->buffer = malloc(size_bytes);
  return reader->buffer != NULL ? DL_OK : dl__fail_no_memory(err);
}

void dl__reader_clear(dl__reader *reader) {
  dl__hash_clear(&reader->hash);
  dl__hash_clear(&reader->parts);
  free(reader->buffer);
  reader->buffer = NULL;
}

static dl_status fail(int errnum, const char *key, const char *what, dl_error *err) {
  if (errnum == ENOENT) {
    return dl__fail_errno(err, DL_ERR_UPLOAD, errnum, key, "vanished during the push");
  }
  if (errnum == ELOOP || errnum == ENOTDIR) {
    return dl__fail_errno(err, DL_ERR_UPLOAD, errnum, key,
                          "not followed: a symbolic link or a file took the place of the path");
  }
  dl_status status = dl__fail_errno(err, DL_ERR_UPLOAD, errnum, key, "cannot be %s", what);
  if (errnum == EACCES) {
    dl__error_append(err, "; mend its permissions, or leave it out with exclude");
  }
  return status;
}

static dl_status changed(const dl__source *source, const char *how, dl_error *err) {
  return dl__fail(err, DL_ERR_SOURCE_CHANGED, source->key, "%s while it was read", how);
}

/* A file that was written in this very moment is read a moment later, when its stamp can be
 * trusted: else every later push had to read it again, and a pull could not know it. */
static void wait_for_tick(int fd) {
  struct stat st;
  dl__stamp stamp;
  if (fstat(fd, &st) != 0) return;
  dl__stamp_from(&stamp, &st);
  int64_t age = dl__clock_wall_ns() - stamp.ctime_ns;
  if (age < 0 || age > DL__STAMP_TICK_NS) return;
  struct timespec rest = {0, (long)(DL__STAMP_WAIT_NS - age)};
  (void)nanosleep(&rest, NULL);
}

dl_status dl__source_open(dl__source *source, int dir_fd, const char *key, dl_error *err) {
  *source = (dl__source){.dir_fd = dir_fd, .key = key, .fd = -1};
  source->fd = dl__fs_open_beneath(dir_fd, key, O_RDONLY);
  if (source->fd < 0) return fail(errno, key, "opened", err);
  wait_for_tick(source->fd);
  int64_t now = dl__clock_wall_ns();
  struct stat st;
  if (fstat(source->fd, &st) != 0) return fail(errno, key, "read", err);
  if (!S_ISREG(st.st_mode)) {
    return dl__fail(err, DL_ERR_UPLOAD, key, "not a regular file any more");
  }
  dl__stamp_from(&source->stamp, &st);
  if (now - source->stamp.mtime_ns < DIRTY_NS && source->stamp.mtime_ns <= now) {
    (void)fsync(source->fd);
    if (fstat(source->fd, &st) != 0) return fail(errno, key, "read", err);
    dl__stamp_from(&source->stamp, &st);
  }
  source->settled = dl__stamp_settled(&source->stamp, now);
  return DL_OK;
}

void dl__source_close(dl__source *source) {
  if (source->fd >= 0) (void)close(source->fd);
  source->fd = -1;
}

dl_status dl__source_read(const dl__source *source, uint64_t offset, void *buf, size_t size,
                          dl_error *err) {
  ssize_t got = dl__fs_pread(source->fd, buf, size, offset);
  if (got < 0) return fail(errno, source->key, "read", err);
  if ((size_t)got < size) return changed(source, "became shorter", err);
  return DL_OK;
}

dl_status dl__source_digest(const dl__source *source, dl__reader *reader, dl__digests *digests,
                            dl_error *err) {
  dl_status status = dl__hash_begin(&reader->hash, err);
  uint64_t offset = 0;
  while (status == DL_OK && offset < source->stamp.size_bytes) {
    if (atomic_load(reader->cancel)) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
    uint64_t left = source->stamp.size_bytes - offset;
    size_t size = left < reader->size_bytes ? (size_t)left : reader->size_bytes;
    status = dl__source_read(source, offset, reader->buffer, size, err);
    if (status == DL_OK) status = dl__hash_add(&reader->hash, reader->buffer, size, err);
    offset += size;
  }
  if (status == DL_OK) status = dl__hash_end(&reader->hash, digests->sha256, err);
  digests->has_md5 = reader->hash.md5 != NULL;
  if (status != DL_OK || !digests->has_md5) return status;
  return dl__hash_end_md5(&reader->hash, digests->md5, err);
}

dl_status dl__source_grew(const dl__source *source, bool *grew, dl_error *err) {
  struct stat st;
  if (fstat(source->fd, &st) != 0) return fail(errno, source->key, "read", err);
  *grew = (uint64_t)st.st_size > source->stamp.size_bytes;
  return DL_OK;
}

dl_status dl__source_check(const dl__source *source, dl_error *err) {
  struct stat st;
  if (fstat(source->fd, &st) != 0) return fail(errno, source->key, "read", err);
  dl__stamp now;
  dl__stamp_from(&now, &st);
  if (now.size_bytes < source->stamp.size_bytes) return changed(source, "became shorter", err);
  if (now.size_bytes == source->stamp.size_bytes && !dl__stamp_same(&now, &source->stamp)) {
    return changed(source, "was changed", err);
  }
  const char *name;
  DL__AUTO_CLOSE int parent = dl__fs_open_parent(source->dir_fd, source->key, false, &name);
  bool there = parent >= 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (!there) return changed(source, "was deleted or moved", err);
  if ((uint64_t)st.st_dev != source->stamp.dev || (uint64_t)st.st_ino != source->stamp.ino) {
    return changed(source, "was replaced by another file", err);
  }
  return DL_OK;
}
