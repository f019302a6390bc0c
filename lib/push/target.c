/* push/target.c: takes the place of a local file, gives a temporary file beside it, and
 * puts that in its place. See target.h.
 *
 * The old file is locked (flock) while it loses its name, and the new one from the beginning: who
 * writes with that lock, as the journal does, has either written before, or finds that the
 * name means another file now. */
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
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

#define ORIG_MAX 1000

/* How long somebody else may have the old file locked, and how often it is tried. */
#define LOCK_WAIT_MS  3000
#define LOCK_PAUSE_NS 10000000

/* .devlog-old-RANDOM.NAME: the second name of a file that is being replaced. A NAME that would
 * make it too long is cut off. */
#define OLD_PREFIX   DL__TEMP_PREFIX "old-"
#define OLD_DIGITS   16
#define OLD_NAME_MAX (NAME_MAX - (int)(sizeof OLD_PREFIX - 1) - OLD_DIGITS - 1)

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

static int old_name(const char *name, char old[NAME_MAX + 1]) {
  uint64_t number;
  if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return -1;
  (void)snprintf(old, NAME_MAX + 1, OLD_PREFIX "%016" PRIx64 ".%.*s", number, OLD_NAME_MAX, name);
  return 0;
}

/* NAME of such a name; NULL for others. */
static const char *name_of_old(const char *old) {
  size_t prefix = sizeof OLD_PREFIX - 1;
  bool is_old = strncmp(old, OLD_PREFIX, prefix) == 0 &&
                strspn(old + prefix, "0123456789abcdef") == OLD_DIGITS &&
                old[prefix + OLD_DIGITS] == '.' && old[prefix + OLD_DIGITS + 1] != '\0';
  return is_old ? old + prefix + OLD_DIGITS + 1 : NULL;
}

dl_status dl__target_make(dl__target *target, dl_error *err) {
  target->fd = dl__temp_open(target->dir_fd, target->temp);
  return target->fd >= 0 ? DL_OK : fail(target, errno, "write", err);
}

/* Such a failure of link(2) is about the filesystem, and no reason not to go on without. */
static bool has_no_links(int errnum) {
  return errnum == EPERM || errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == EMLINK ||
         errnum == EINVAL;
}

/* A second name for an old file, which must be free. Without links: the old one's only name. */
static int set_aside(int dir_fd, const char *from, const char *aside) {
  if (linkat(dir_fd, from, dir_fd, aside, 0) == 0) return 0;
  if (!has_no_links(errno)) return -1;
  struct stat st;
  if (fstatat(dir_fd, aside, &st, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return errno == ENOENT ? renameat(dir_fd, from, dir_fd, aside) : -1;
}

/* Gives the file `from` the name NAME.orig, or the next one that is free. -1 and errno. */
static int keep_as_orig(int dir_fd, const char *from, const char *name,
                        char kept[DL__TARGET_KEPT_SIZE]) {
  for (int number = 0; number < ORIG_MAX; number++) {
    size_t size = DL__TARGET_KEPT_SIZE;
    int length = number == 0 ? snprintf(kept, size, "%s.orig", name)
                             : snprintf(kept, size, "%s.orig.%d", name, number);
    errno = ENAMETOOLONG;
    if (length > 0 && length <= NAME_MAX && set_aside(dir_fd, from, kept) == 0) return 0;
    if (errno != EEXIST) break;
  }
  return -1;
}

static dl_status keep_beside(dl__target *t, dl_error *err) {
  if (keep_as_orig(t->dir_fd, t->name, t->name, t->kept_as) == 0) return DL_OK;
  int failure = errno;
  t->kept_as[0] = '\0';
  return fail(t, failure, "keep beside", err);
}

/* linked: it was given a second name since, which moves its ctime on. */
static bool is_as_found(const dl__target *t, const char *name, bool linked) {
  struct stat st;
  if (fstatat(t->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
  dl__stamp now;
  dl__stamp_from(&now, &st);
  if (linked) now.ctime_ns = t->stamp.ctime_ns;
  return S_ISREG(st.st_mode) && dl__stamp_same(&now, &t->stamp);
}

static bool is_named(int dir_fd, const char *name, const struct stat *held) {
  struct stat named;
  return fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == held->st_dev &&
         named.st_ino == held->st_ino;
}

/* Some filesystems lock only what is open for writing. */
static int open_to_lock(int dir_fd, const char *name) {
  int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int fd = openat(dir_fd, name, O_RDWR | flags);
  return fd >= 0 ? fd : openat(dir_fd, name, O_RDONLY | flags);
}

/* The old file, until *fd is closed. One that cannot be opened, nobody of us can write to either;
 * and a filesystem without locks has none to respect. */
static dl_status lock_old(const dl__target *t, int *fd, dl_error *err) {
  *fd = open_to_lock(t->dir_fd, t->name);
  if (*fd < 0) return errno == ENOENT ? changed(t, err) : DL_OK;
  uint64_t end_ms = dl__clock_mono_ms() + LOCK_WAIT_MS;
  while (flock(*fd, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR)) {
    if (dl__clock_mono_ms() >= end_ms) {
      return dl__fail(err, DL_ERR_DOWNLOAD, t->key,
                      "another program keeps the file locked; pull again when it has finished");
    }
    const struct timespec pause = {0, LOCK_PAUSE_NS};
    (void)nanosleep(&pause, NULL);
  }
  struct stat held;
  return fstat(*fd, &held) == 0 && is_named(t->dir_fd, t->name, &held) ? DL_OK : changed(t, err);
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
 * first one; else it gets that back. Who is killed in between leaves it to dl__target_sweep. */
static dl_status replace(dl__target *t, dl_error *err) {
  char aside[NAME_MAX + 1];
  if (!is_as_found(t, t->name, false)) return changed(t, err);
  if (old_name(t->name, aside) != 0) return fail(t, errno, "replace", err);
  bool linked = linkat(t->dir_fd, t->name, t->dir_fd, aside, 0) == 0;
  if (!linked && errno == ENOENT) return changed(t, err);
  if (!linked && !has_no_links(errno)) return fail(t, errno, "replace", err);
  if (take_name(t) != 0) {
    dl_status status = fail(t, errno, "replace", err);
    if (linked) (void)unlinkat(t->dir_fd, aside, 0);
    return status;
  }
  if (!linked) return DL_OK;
  if (is_as_found(t, aside, true)) {
    (void)unlinkat(t->dir_fd, aside, 0);
    return DL_OK;
  }
  return renameat(t->dir_fd, aside, t->dir_fd, t->name) == 0 ? changed(t, err)
                                                             : fail(t, errno, "replace", err);
}

static dl_status take_place(dl__target *t, dl__target_old old, dl_error *err) {
  if (!t->there) return take_free_name(t, err);
  DL__AUTO_CLOSE int old_fd = -1;
  dl_status status = lock_old(t, &old_fd, err);
  if (status != DL_OK) return status;
  if (old == DL__OLD_REPLACED) return replace(t, err);
  status = keep_beside(t, err);
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
  if (mtime_ns != 0 && dl__fs_set_mtime(t->fd, mtime_ns) != 0) return fail(t, errno, "write", err);
  if (fsync(t->fd) != 0) return fail(t, errno, "write", err);
  dl_status status = take_place(t, old, err);
  if (status != DL_OK) return status;
  if (!sync_dir(t->dir_fd) || fstat(t->fd, &st) != 0) return fail(t, errno, "make durable", err);
  dl__stamp_from(stamp, &st);
  return DL_OK;
}

/* A file that somebody was replacing: this may be its only name. */
static void recover(int dir_fd, const char *old, const struct stat *held) {
  const char *name = name_of_old(old);
  char kept[DL__TARGET_KEPT_SIZE];
  bool cut_off = strlen(old) == NAME_MAX;
  bool has_another = is_named(dir_fd, name, held) || (cut_off && held->st_nlink > 1);
  if (has_another || keep_as_orig(dir_fd, old, name, kept) == 0) (void)unlinkat(dir_fd, old, 0);
}

static void sweep_one(int dir_fd, const char *name) {
  DL__AUTO_CLOSE int fd = open_to_lock(dir_fd, name);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_named(dir_fd, name, &st)) return;
  if (dl__temp_is(name)) {
    (void)unlinkat(dir_fd, name, 0);
  } else {
    recover(dir_fd, name, &st);
  }
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
    const char *found = entry->d_name;
    if (dl__temp_is(found) || name_of_old(found) != NULL) sweep_one(fd, found);
  }
  (void)closedir(dir);
}
