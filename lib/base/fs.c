/* base/fs.c: files by descriptor; see fs.h. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

void dl__stamp_from(dl__stamp *stamp, const struct stat *st) {
  stamp->dev = (uint64_t)st->st_dev;
  stamp->ino = (uint64_t)st->st_ino;
  stamp->size_bytes = st->st_size > 0 ? (uint64_t)st->st_size : 0;
  stamp->mtime_ns = dl__clock_ns(&st->st_mtim);
  stamp->ctime_ns = dl__clock_ns(&st->st_ctim);
}

bool dl__stamp_same(const dl__stamp *a, const dl__stamp *b) {
  return a->ino == b->ino && a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns &&
         a->ctime_ns == b->ctime_ns;
}

/* Filesystems with fine stamps take them from a clock that ticks every 1 to
 * 10 ms; the others count seconds, FAT two of them. A ctime without a fraction
 * of a second is taken for one of the others. */
#define COARSE_GRANULARITY_NS INT64_C(2000000000)

bool dl__stamp_settled(const dl__stamp *stamp, int64_t now_ns) {
  bool fine = stamp->ctime_ns % 1000000000 != 0;
  int64_t granularity = fine ? DL__STAMP_TICK_NS : COARSE_GRANULARITY_NS;
  /* An mtime in the future was set by hand; a write would bring it back to now. */
  bool now = stamp->mtime_ns >= now_ns - granularity && stamp->mtime_ns <= now_ns + granularity;
  return !now && stamp->ctime_ns < now_ns - granularity;
}

/* Copies the part of path up to its end or next '/' into name. */
static int next_part(const char *path, char name[NAME_MAX + 1], const char **rest) {
  size_t length = strcspn(path, "/");
  *rest = path[length] == '/' ? path + length + 1 : NULL;
  if (length > NAME_MAX) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(name, path, length);
  name[length] = '\0';
  if (length == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
    errno = EINVAL;
    return -1;
  }
  return 0;
}

/* Makes a directory and sees to it that its entry survives a power loss. One that
 * somebody else just made is theirs to sync; journals write it before what we
 * put into it. Some network filesystems cannot fsync a folder (EINVAL). */
static int make_dir(int dir_fd, const char *name) {
  if (mkdirat(dir_fd, name, 0700) != 0) return errno == EEXIST ? 0 : -1;
  return fsync(dir_fd) == 0 || errno == EINVAL ? 0 : -1;
}

int dl__fs_open_parent(int dir_fd, const char *path, bool create, const char **name) {
  DL__AUTO_CLOSE int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  for (;;) {
    char part[NAME_MAX + 1];
    const char *rest;
    if (next_part(path, part, &rest) != 0) return -1;
    if (rest == NULL) break;
    if (create && make_dir(fd, part) != 0) return -1;
    int next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0) return -1;
    (void)close(fd);
    fd = next;
    path = rest;
  }
  *name = path;
  int parent = fd;
  fd = -1;
  return parent;
}

int dl__fs_open_beneath(int dir_fd, const char *path, int flags) {
  const char *name;
  DL__AUTO_CLOSE int parent = dl__fs_open_parent(dir_fd, path, false, &name);
  if (parent < 0) return -1;
  return openat(parent, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

ssize_t dl__fs_pread(int fd, void *buf, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    if (offset > (uint64_t)INT64_MAX - size) {
      errno = EOVERFLOW;
      return -1;
    }
    ssize_t got = pread(fd, (char *)buf + done, size - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

int dl__fs_write(int fd, const void *data, size_t size) {
  const char *at = data;
  while (size > 0) {
    ssize_t put = write(fd, at, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return -1;
    if (put == 0) {
      errno = EIO;
      return -1;
    }
    at += put;
    size -= (size_t)put;
  }
  return 0;
}

int dl__fs_pwrite(int fd, const void *data, size_t size, uint64_t offset) {
  const char *at = data;
  if (size > INT64_MAX || offset > (uint64_t)INT64_MAX - size) {
    errno = EFBIG;
    return -1;
  }
  while (size > 0) {
    ssize_t put = pwrite(fd, at, size, (off_t)offset);
    if (put < 0 && errno == EINTR) continue;
    if (put == 0) errno = EIO;
    if (put <= 0) return -1;
    at += put;
    size -= (size_t)put;
    offset += (uint64_t)put;
  }
  return 0;
}

int dl__fs_set_mtime(int fd, int64_t mtime_ns) {
  int64_t seconds = mtime_ns / 1000000000;
  int64_t rest = mtime_ns % 1000000000;
  if (rest < 0) {
    rest += 1000000000;
    seconds--;
  }
  struct timespec times[2] = {{0, UTIME_OMIT}, {(time_t)seconds, (long)rest}};
  return futimens(fd, times);
}

const char *dl__fs_last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

int dl__fs_make_dirs(const char *path) {
  if (path[0] == '\0') {
    errno = ENOENT;
    return -1;
  }
  DL__AUTO_FREE char *copy = strdup(path);
  if (copy == NULL) return -1;
  for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(copy, 0700) != 0 && errno != EEXIST && errno != EISDIR) return -1;
    *slash = '/';
  }
  if (mkdir(copy, 0700) == 0) return 0;
  struct stat st;
  if (errno != EEXIST || stat(copy, &st) != 0) return -1;
  if (S_ISDIR(st.st_mode)) return 0;
  errno = ENOTDIR;
  return -1;
}

/* The lock of a file that lost its name meanwhile protects nothing: the next one
 * would make and lock another. */
static bool is_still_there(int fd, const char *path) {
  struct stat held;
  struct stat named;
  return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

int dl__fs_lock(const char *path) {
  for (int tries = 0; tries < 16; tries++) {
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (locked && is_still_there(fd, path)) return fd;
    int failure = errno;
    (void)close(fd);
    errno = failure;
    if (!locked) return -1;
  }
  errno = EAGAIN;
  return -1;
}
