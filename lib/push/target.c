/* push/target.c: takes the place of a local file, gives a temporary file beside it, and
 * puts that in its place. See target.h. */
#include "push/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

#define TRIES    16
#define ORIG_MAX 1000

static dl_status fail(const dl__target *t, int errnum, const char *verb, dl_error *err) {
  if (errnum == ENOMEM) return dl__fail_no_memory(err);
  if (errnum == ELOOP || errnum == ENOTDIR) {
    return dl__fail(err, DL_ERR_DOWNLOAD, t->key,
                    "a symbolic link or a file is where a folder has to be; move it away");
  }
  return dl__fail_errno(err, DL_ERR_DOWNLOAD, errnum, t->key, "cannot %s the file", verb);
}

static dl_status changed(const dl__target *t, dl_error *err) {
  return dl__fail(err, DL_ERR_SOURCE_CHANGED, t->key, "was changed here while it was pulled");
}

/* What stands at the name. */
static dl_status look(dl__target *t, dl_error *err) {
  struct stat st;
  t->there = fstatat(t->dir_fd, t->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (!t->there) return errno == ENOENT ? DL_OK : fail(t, errno, "look at", err);
  if (!S_ISREG(st.st_mode)) {
    const char *what = S_ISDIR(st.st_mode)   ? "a folder"
                       : S_ISLNK(st.st_mode) ? "a symbolic link"
                                             : "a special file";
    return dl__fail(err, DL_ERR_DOWNLOAD, t->key, "%s is where the file has to be; move it away",
                    what);
  }
  t->mode = st.st_mode & 0777;
  dl__stamp_from(&t->stamp, &st);
  return DL_OK;
}

dl_status dl__target_find(dl__target *target, int dir_fd, const char *key, bool create,
                          dl_error *err) {
  *target = (dl__target){.key = key, .dir_fd = -1, .fd = -1};
  target->dir_fd = dl__fs_open_parent(dir_fd, key, create, &target->name);
  if (target->dir_fd >= 0) return look(target, err);
  if (errno == ENOENT && !create) return DL_OK;
  return fail(target, errno, "make the folder of", err);
}

void dl__target_clear(dl__target *target) {
  if (target->temp[0] != '\0') (void)unlinkat(target->dir_fd, target->temp, 0);
  if (target->fd >= 0) (void)close(target->fd);
  if (target->dir_fd >= 0) (void)close(target->dir_fd);
  target->temp[0] = '\0';
  target->fd = target->dir_fd = -1;
}

static int random_name(char name[DL__TARGET_SIZE]) {
  uint64_t number;
  if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return -1;
  (void)snprintf(name, DL__TARGET_SIZE, DL__TARGET_PREFIX "%016" PRIx64 DL__TARGET_SUFFIX, number);
  return 0;
}

/* Between making and locking it, somebody who sweeps may have taken it for a dead one: then it
 * has no name any more, and another is made. */
static int open_temp(dl__target *t) {
  for (int tries = 0; tries < TRIES; tries++) {
    char name[DL__TARGET_SIZE];
    if (random_name(name) != 0) return -1;
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    t->fd = openat(t->dir_fd, name, flags, 0600);
    if (t->fd < 0) return -1;
    struct stat st;
    bool locked = flock(t->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (locked && fstat(t->fd, &st) == 0 && st.st_nlink > 0) {
      memcpy(t->temp, name, sizeof name);
      return 0;
    }
    (void)close(t->fd);
    t->fd = -1;
  }
  errno = EAGAIN;
  return -1;
}

dl_status dl__target_make(dl__target *target, dl_error *err) {
  return open_temp(target) == 0 ? DL_OK : fail(target, errno, "write", err);
}

static int set_mtime(int fd, int64_t mtime_ns) {
  int64_t seconds = mtime_ns / 1000000000;
  int64_t rest = mtime_ns % 1000000000;
  if (rest < 0) {
    rest += 1000000000;
    seconds--;
  }
  struct timespec times[2] = {{0, UTIME_OMIT}, {(time_t)seconds, (long)rest}};
  return futimens(fd, times);
}

/* Such a failure of link(2) is about the filesystem, and no reason not to go on without. */
static bool has_no_links(int errnum) {
  return errnum == EPERM || errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == EMLINK ||
         errnum == EINVAL;
}

/* A second name for an old file, which must be free. Without links: the old one's only name. */
static int set_aside(const dl__target *t, const char *aside) {
  if (linkat(t->dir_fd, t->name, t->dir_fd, aside, 0) == 0) return 0;
  if (!has_no_links(errno)) return -1;
  struct stat st;
  if (fstatat(t->dir_fd, aside, &st, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return errno == ENOENT ? renameat(t->dir_fd, t->name, t->dir_fd, aside) : -1;
}

static dl_status keep_beside(dl__target *t, dl_error *err) {
  for (int number = 0; number < ORIG_MAX; number++) {
    char *aside = t->kept_as;
    size_t size = sizeof t->kept_as;
    int length = number == 0 ? snprintf(aside, size, "%s.orig", t->name)
                             : snprintf(aside, size, "%s.orig.%d", t->name, number);
    errno = ENAMETOOLONG;
    if (length > 0 && length <= NAME_MAX && set_aside(t, aside) == 0) return DL_OK;
    if (errno != EEXIST) break;
  }
  int failure = errno;
  t->kept_as[0] = '\0';
  return fail(t, failure, "keep beside", err);
}

static bool is_as_found(const dl__target *t, const char *name) {
  struct stat st;
  if (fstatat(t->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
  dl__stamp now;
  dl__stamp_from(&now, &st);
  now.ctime_ns = t->stamp.ctime_ns; /* a link moves it on */
  return S_ISREG(st.st_mode) && dl__stamp_same(&now, &t->stamp);
}

static int take_name(dl__target *t) {
  if (renameat(t->dir_fd, t->temp, t->dir_fd, t->name) != 0) return -1;
  t->temp[0] = '\0';
  return 0;
}

/* The name is free: nobody else may take it meanwhile. */
static dl_status take_free_name(dl__target *t, dl_error *err) {
  if (linkat(t->dir_fd, t->temp, t->dir_fd, t->name, 0) == 0) {
    (void)unlinkat(t->dir_fd, t->temp, 0);
    t->temp[0] = '\0';
    return DL_OK;
  }
  if (errno == EEXIST) return changed(t, err);
  struct stat st;
  bool free_still = has_no_links(errno) &&
                    fstatat(t->dir_fd, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
  return free_still && take_name(t) == 0 ? DL_OK : fail(t, errno, "name", err);
}

/* The old file keeps a second name until it is sure that nobody wrote to it before it lost the
 * first one; else it gets that back. */
static dl_status replace(dl__target *t, dl_error *err) {
  char aside[DL__TARGET_SIZE];
  if (!is_as_found(t, t->name)) return changed(t, err);
  if (random_name(aside) != 0) return fail(t, errno, "replace", err);
  bool linked = linkat(t->dir_fd, t->name, t->dir_fd, aside, 0) == 0;
  if (!linked && errno == ENOENT) return changed(t, err);
  if (!linked && !has_no_links(errno)) return fail(t, errno, "replace", err);
  if (take_name(t) != 0) {
    dl_status status = fail(t, errno, "replace", err);
    if (linked) (void)unlinkat(t->dir_fd, aside, 0);
    return status;
  }
  if (!linked) return DL_OK;
  if (is_as_found(t, aside)) {
    (void)unlinkat(t->dir_fd, aside, 0);
    return DL_OK;
  }
  return renameat(t->dir_fd, aside, t->dir_fd, t->name) == 0 ? changed(t, err)
                                                             : fail(t, errno, "replace", err);
}

static dl_status take_place(dl__target *t, dl__target_old old, dl_error *err) {
  if (!t->there) return take_free_name(t, err);
  if (old == DL__OLD_REPLACED) return replace(t, err);
  dl_status status = keep_beside(t, err);
  if (status != DL_OK) return status;
  return take_name(t) == 0 ? DL_OK : fail(t, errno, "replace", err);
}

/* Some network filesystems cannot fsync a folder, and say so with EINVAL. */
static bool sync_dir(int dir_fd) {
  return fsync(dir_fd) == 0 || errno == EINVAL;
}

dl_status dl__target_publish(dl__target *target, dl__target_old old, int64_t mtime_ns,
                             dl__stamp *stamp, dl_error *err) {
  dl__target *t = target;
  struct stat st;
  if (t->there && fchmod(t->fd, t->mode) != 0) return fail(t, errno, "write", err);
  if (mtime_ns != 0 && set_mtime(t->fd, mtime_ns) != 0) return fail(t, errno, "write", err);
  if (fsync(t->fd) != 0) return fail(t, errno, "write", err);
  dl_status status = take_place(t, old, err);
  if (status != DL_OK) return status;
  if (!sync_dir(t->dir_fd) || fstat(t->fd, &st) != 0) return fail(t, errno, "make durable", err);
  dl__stamp_from(stamp, &st);
  return DL_OK;
}

bool dl__target_is_temp(const char *name) {
  size_t prefix = sizeof DL__TARGET_PREFIX - 1;
  return strncmp(name, DL__TARGET_PREFIX, prefix) == 0 &&
         strspn(name + prefix, "0123456789abcdef") == 16 &&
         strcmp(name + prefix + 16, DL__TARGET_SUFFIX) == 0;
}

static void sweep_one(int dir_fd, const char *name) {
  DL__AUTO_CLOSE int fd = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) (void)unlinkat(dir_fd, name, 0);
}

void dl__target_sweep(int dir_fd, const char *key) {
  const char *name;
  int fd = dl__fs_open_parent(dir_fd, key, false, &name);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  if (dir == NULL) {
    if (fd >= 0) (void)close(fd);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (dl__target_is_temp(entry->d_name)) sweep_one(fd, entry->d_name);
  }
  (void)closedir(dir);
}
