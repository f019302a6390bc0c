/* storage/directory_put.c: writes one object of a folder.
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
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "storage/directory.h"

#define TEMP_SIZE (sizeof DL__DIRECTORY_TEMP_PREFIX + 16 + sizeof DL__DIRECTORY_TEMP_SUFFIX)

/* A put on its way. */
typedef struct draft {
  int dir_fd;
  int fd;
  char temp[TEMP_SIZE]; /* "" when there is none to remove */
} draft;

static void draft_clear(draft *p) {
  if (p->temp[0] != '\0') (void)unlinkat(p->dir_fd, p->temp, 0);
  if (p->fd >= 0) (void)close(p->fd);
  if (p->dir_fd >= 0) (void)close(p->dir_fd);
}

/* Makes and locks the temporary file. Between the two somebody who lists may
 * have taken it for a dead one: then it has no name any more, and another is made. */
static int open_temp(draft *p) {
  for (int tries = 0; tries < 16; tries++) {
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return -1;
    char name[TEMP_SIZE];
    (void)snprintf(name, sizeof name,
                   DL__DIRECTORY_TEMP_PREFIX "%016" PRIx64 DL__DIRECTORY_TEMP_SUFFIX, number);
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    p->fd = openat(p->dir_fd, name, flags, 0600);
    if (p->fd < 0) return -1;
    struct stat st;
    bool locked = flock(p->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (locked && fstat(p->fd, &st) == 0 && st.st_nlink > 0) {
      memcpy(p->temp, name, sizeof name);
      return 0;
    }
    (void)close(p->fd);
    p->fd = -1;
  }
  errno = EAGAIN;
  return -1;
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
static dl_status open_draft(const dl__directory *d, const char *key, draft *p, const char **name,
                            dl_error *err) {
  for (int tries = 0;; tries++) {
    dl_status status = make_root(d, err);
    if (status != DL_OK) return status;
    DL__AUTO_CLOSE int root = dl__directory_open_root(d);
    if (root >= 0) p->dir_fd = dl__fs_open_parent(root, key, true, name);
    if (p->dir_fd >= 0 && open_temp(p) == 0) return DL_OK;
    if (errno != ENOENT || tries >= 16) return dl__directory_fail(d, errno, key, "write", err);
    if (p->dir_fd >= 0) (void)close(p->dir_fd);
    p->dir_fd = -1;
  }
}

static dl_status copy_in(const dl__directory *d, const dl_put_request *request, int fd,
                         dl_error *err) {
  DL__AUTO_FREE unsigned char *piece = malloc(DL__DIRECTORY_PIECE);
  if (piece == NULL) return dl__fail_no_memory(err);
  uint64_t done = 0;
  while (done < request->size_bytes) {
    uint64_t left = request->size_bytes - done;
    size_t want = left < DL__DIRECTORY_PIECE ? (size_t)left : DL__DIRECTORY_PIECE;
    size_t got = 0;
    dl_status status = request->read(request->read_user, done, piece, want, &got, err);
    if (status != DL_OK) return status;
    if (got == 0 || got > want) {
      return dl__fail(err, DL_ERR_STORAGE, request->key,
                      "not the number of bytes that was promised");
    }
    if (dl__fs_write(fd, piece, got) != 0)
      return dl__directory_fail(d, errno, request->key, "write", err);
    done += got;
  }
  return DL_OK;
}

/* Time, digest, and the content safe on the disk. */
static int seal(const dl_put_request *request, int fd) {
  if (request->mtime_ns != 0) {
    int64_t seconds = request->mtime_ns / 1000000000;
    int64_t rest = request->mtime_ns % 1000000000;
    if (rest < 0) {
      rest += 1000000000;
      seconds--;
    }
    struct timespec times[2] = {{0, UTIME_OMIT}, {(time_t)seconds, (long)rest}};
    if (futimens(fd, times) != 0) return -1;
  }
  struct stat st;
  if (fstat(fd, &st) != 0) return -1;
  if (request->digest != NULL) dl__directory_write_digest(fd, &st, request->digest);
  return fsync(fd);
}

static dl_status check_condition(const dl_put_request *request, int dir_fd, const char *name,
                                 dl_error *err) {
  if (request->if_absent == 0 && request->if_match == NULL) return DL_OK;
  struct stat st;
  bool there = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (!there && errno != ENOENT) {
    return dl__fail_errno(err, DL_ERR_STORAGE, errno, request->key, "cannot check the object");
  }
  if (there && !S_ISREG(st.st_mode)) {
    return dl__fail(err, DL_ERR_STORAGE, request->key,
                    "a folder, link or special file is where the file has to be; move it away");
  }
  if (request->if_absent != 0 && there) {
    return dl__fail(err, DL_ERR_CONFLICT, request->key,
                    "somebody else stored it meanwhile; push again to compare anew");
  }
  char etag[DL_ETAG_SIZE];
  if (there) dl__directory_etag(&st, etag);
  if (request->if_match != NULL && (!there || strcmp(etag, request->if_match) != 0)) {
    return dl__fail(err, DL_ERR_CONFLICT, request->key,
                    "somebody else changed it meanwhile; push again to compare anew");
  }
  return DL_OK;
}

static dl_status publish(const dl__directory *d, const dl_put_request *request, draft *p,
                         const char *name, dl_put_result *result, dl_error *err) {
  bool conditional = request->if_absent != 0 || request->if_match != NULL;
  if (flock(p->dir_fd, LOCK_EX) != 0 && conditional) {
    return dl__directory_fail(d, errno, request->key, "lock the folder of", err);
  }
  dl_status status = check_condition(request, p->dir_fd, name, err);
  if (status != DL_OK) return status;
  if (renameat(p->dir_fd, p->temp, p->dir_fd, name) != 0) {
    return dl__directory_fail(d, errno, request->key, "write", err);
  }
  p->temp[0] = '\0';
  (void)flock(p->dir_fd, LOCK_UN);
  struct stat st;
  if (dl__directory_sync(p->dir_fd) != 0 || fstat(p->fd, &st) != 0) {
    return dl__directory_fail(d, errno, request->key, "make durable", err);
  }
  dl__directory_etag(&st, result->etag);
  return DL_OK;
}

dl_status dl__directory_put(void *self, const dl_put_request *request, dl_put_result *result,
                            dl_error *err) {
  dl__directory *d = self;
  dl__directory_sweep(d);
  draft p DL__CLEANUP(draft_clear) = {-1, -1, ""};
  const char *name;
  dl_status status = open_draft(d, request->key, &p, &name, err);
  if (status != DL_OK) return status;
  if (dl__directory_is_temp(name)) {
    return dl__fail(err, DL_ERR_ARGUMENT, request->key,
                    "names of the form " DL__DIRECTORY_TEMP_PREFIX "*" DL__DIRECTORY_TEMP_SUFFIX
                    " are kept for this program");
  }
  status = copy_in(d, request, p.fd, err);
  if (status != DL_OK) return status;
  if (seal(request, p.fd) != 0) return dl__directory_fail(d, errno, request->key, "write", err);
  return publish(d, request, &p, name, result, err);
}
