/* storage/directory_put.c: writes one object of a folder; and the steps of that, for
 * directory_parts.c.
 *
 * A put in steps, so that a crash between any two leaves the old object or the
 * new one, and never a third thing:
 *   1. .devlog-RANDOM.tmp is made beside the target and locked with flock
 *   2. the bytes, the time of last change, and the digest go into it
 *   3. fsync of the file: the content is safe before the name
 *   4. rename over the target, with the folder locked: the condition of a
 *      conditional put holds at that moment among all who use this provider
 *   5. fsync of the folder: the name is safe
 * A .tmp whose lock is free belongs to a dead process; listing notes it, and the
 * next put removes it. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "storage/directory.h"

void dl__draft_clear(dl__draft *draft) {
  if (draft->temp[0] != '\0') (void)unlinkat(draft->dir_fd, draft->temp, 0);
  if (draft->fd >= 0) (void)close(draft->fd);
  if (draft->dir_fd >= 0) (void)close(draft->dir_fd);
}

/* Makes the folder of the remote itself, and its name safe. */
static dl_status make_root(const dl__directory *d, dl_error *err) {
  if (mkdir(d->root, 0700) != 0) {
    int failure = errno;
    if (failure == EEXIST) return DL_OK;
    dl_status status = failure == ENOENT ? dl__directory_check_parent(d, err) : DL_OK;
    return status != DL_OK ? status : dl__directory_fail(d, failure, "", "make the folder", err);
  }
  DL__AUTO_CLOSE int root = dl__directory_open_root(d);
  DL__AUTO_CLOSE int parent =
      root >= 0 ? openat(root, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (parent >= 0 && dl__directory_sync(parent) == 0) return DL_OK;
  return dl__directory_fail(d, errno, "", "make the folder", err);
}

/* Somebody who removes objects may remove a folder that was just made, because it
 * is empty; then it is made again. */
static dl_status open_draft(const dl__directory *d, const char *key, dl__draft *p, dl_error *err) {
  for (int tries = 0;; tries++) {
    dl_status status = make_root(d, err);
    if (status != DL_OK) return status;
    DL__AUTO_CLOSE int root = dl__directory_open_root(d);
    if (root >= 0) p->dir_fd = dl__fs_open_parent(root, key, true, &p->name);
    if (p->dir_fd >= 0) p->fd = dl__temp_open(p->dir_fd, p->temp);
    if (p->fd >= 0) return DL_OK;
    if (errno != ENOENT || tries >= 16) return dl__directory_fail(d, errno, key, "write", err);
    if (p->dir_fd >= 0) (void)close(p->dir_fd);
    p->dir_fd = -1;
  }
}

dl_status dl__draft_open(dl__directory *d, const char *key, dl__draft *draft, dl_error *err) {
  dl__directory_sweep(d);
  dl_status status = open_draft(d, key, draft, err);
  if (status == DL_OK && dl__temp_is(draft->name)) {
    return dl__fail(err, DL_ERR_ARGUMENT, key,
                    "names of the form " DL__TEMP_PREFIX "*" DL__TEMP_SUFFIX
                    " are kept for this program");
  }
  return status;
}

dl_status dl__draft_write(const dl__directory *d, const char *key, const dl__draft *draft,
                          const dl_part *part, dl_error *err) {
  if (part->size_bytes > INT64_MAX || part->offset_bytes > INT64_MAX - part->size_bytes) {
    return dl__directory_fail(d, EFBIG, key, "write", err);
  }
  DL__AUTO_FREE unsigned char *piece = malloc(DL__DIRECTORY_PIECE);
  if (piece == NULL) return dl__fail_no_memory(err);
  uint64_t done = 0;
  while (done < part->size_bytes) {
    uint64_t left = part->size_bytes - done;
    size_t want = left < DL__DIRECTORY_PIECE ? (size_t)left : DL__DIRECTORY_PIECE;
    size_t got = 0;
    dl_status status = part->read(part->read_user, done, piece, want, &got, err);
    if (status != DL_OK) return status;
    if (got == 0 || got > want) {
      return dl__fail(err, DL_ERR_STORAGE, key, "not the number of bytes that was promised");
    }
    if (dl__fs_pwrite(draft->fd, piece, got, part->offset_bytes + done) != 0) {
      return dl__directory_fail(d, errno, key, "write", err);
    }
    done += got;
  }
  return DL_OK;
}

int dl__draft_seal(const dl__draft *draft, const dl_commit_request *about) {
  if (about->mtime_ns != 0 && dl__fs_set_mtime(draft->fd, about->mtime_ns) != 0) return -1;
  struct stat st;
  if (fstat(draft->fd, &st) != 0) return -1;
  if (about->digest != NULL) dl__directory_write_digest(draft->fd, &st, about->digest);
  if (about->segment_count > 0) dl__directory_write_segments(draft->fd, &st, about);
  return fsync(draft->fd);
}

static dl_status check_condition(const dl_upload_request *target, const dl__draft *draft,
                                 dl_error *err) {
  if (target->if_absent == 0 && target->if_match == NULL) return DL_OK;
  struct stat st;
  bool there = fstatat(draft->dir_fd, draft->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (!there && errno != ENOENT) {
    return dl__fail_errno(err, DL_ERR_STORAGE, errno, target->key, "cannot check the object");
  }
  if (there && !S_ISREG(st.st_mode)) {
    return dl__fail(err, DL_ERR_STORAGE, target->key,
                    "a folder, link or special file is where the file has to be; move it away");
  }
  if (target->if_absent != 0 && there) {
    return dl__fail_conflict(err, target->key, "stored");
  }
  char etag[DL_ETAG_SIZE];
  if (there) dl__directory_etag(&st, etag);
  if (target->if_match != NULL && (!there || strcmp(etag, target->if_match) != 0)) {
    return dl__fail_conflict(err, target->key, "changed");
  }
  return DL_OK;
}

/* With the folder locked, if it can be. */
static dl_status rename_in(const dl__directory *d, const dl_upload_request *target,
                           dl__draft *draft, dl_error *err) {
  dl_status status = check_condition(target, draft, err);
  if (status != DL_OK) return status;
  if (renameat(draft->dir_fd, draft->temp, draft->dir_fd, draft->name) != 0) {
    return dl__directory_fail(d, errno, target->key, "write", err);
  }
  draft->temp[0] = '\0';
  return DL_OK;
}

dl_status dl__draft_publish(const dl__directory *d, const dl_upload_request *target,
                            dl__draft *draft, dl_put_result *result, dl_error *err) {
  bool conditional = target->if_absent != 0 || target->if_match != NULL;
  if (flock(draft->dir_fd, LOCK_EX) != 0 && conditional) {
    return dl__directory_fail(d, errno, target->key, "lock the folder of", err);
  }
  dl_status status = rename_in(d, target, draft, err);
  (void)flock(draft->dir_fd, LOCK_UN);
  if (status != DL_OK) return status;
  struct stat st;
  if (dl__directory_sync(draft->dir_fd) != 0 || fstat(draft->fd, &st) != 0) {
    return dl__directory_fail(d, errno, target->key, "make durable", err);
  }
  dl__directory_etag(&st, result->etag);
  return DL_OK;
}

dl_status dl__directory_put(void *self, const dl_put_request *request, dl_put_result *result,
                            dl_error *err) {
  dl__directory *d = self;
  dl__draft draft DL__CLEANUP(dl__draft_clear) = DL__DRAFT_INIT;
  dl_status status = dl__draft_open(d, request->key, &draft, err);
  if (status != DL_OK) return status;
  dl_part all = DL_PART_INIT;
  all.size_bytes = request->size_bytes;
  all.read = request->read;
  all.read_user = request->read_user;
  status = dl__draft_write(d, request->key, &draft, &all, err);
  if (status != DL_OK) return status;
  dl_commit_request about = DL_COMMIT_REQUEST_INIT;
  about.digest = request->digest;
  about.mtime_ns = request->mtime_ns;
  if (dl__draft_seal(&draft, &about) != 0) {
    return dl__directory_fail(d, errno, request->key, "write", err);
  }
  dl_upload_request target = DL_UPLOAD_REQUEST_INIT;
  target.key = request->key;
  target.if_absent = request->if_absent;
  target.if_match = request->if_match;
  return dl__draft_publish(d, &target, &draft, result, err);
}
