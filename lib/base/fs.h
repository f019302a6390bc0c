/* base/fs.h: files by descriptor, never by a path that somebody could swap for
 * a symbolic link on the way. Functions that return an int give -1 and errno. */
#ifndef DL_BASE_FS_H
#define DL_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* What tells one version of a file from another without reading it. */
typedef struct dl__stamp {
  uint64_t dev;
  uint64_t ino;
  uint64_t size_bytes;
  int64_t mtime_ns;
  int64_t ctime_ns;
} dl__stamp;

void dl__stamp_from(dl__stamp *stamp, const struct stat *st);

/* True if nothing differs; dev is not compared: it may change with every mount. */
bool dl__stamp_same(const dl__stamp *a, const dl__stamp *b);

/* How long a stamp of a filesystem with fine stamps may stay the same, in ns. */
#define DL__STAMP_TICK_NS INT64_C(20000000)

/* After so long it has moved on; with a little more, as nobody looks at the very moment. */
#define DL__STAMP_WAIT_NS (DL__STAMP_TICK_NS + 1000000)

/* True if a write after now_ns cannot have left the stamp as it is: its ctime is
 * older than now_ns by more than the granularity of the filesystem's stamps, and
 * its mtime is not of this moment. */
bool dl__stamp_settled(const dl__stamp *stamp, int64_t now_ns);

/* Opens path (relative, '/'-separated) below the directory dir_fd. No part of it
 * may be a symbolic link or ".."; a FIFO does not block. */
int dl__fs_open_beneath(int dir_fd, const char *path, int flags);

/* Opens the directory that holds the last part of path, below dir_fd; *name
 * then points at that part within path. create: missing directories are made
 * (mode 0700) and made durable. */
int dl__fs_open_parent(int dir_fd, const char *path, bool create, const char **name);

/* Reads until size bytes or the end of the file; gives the number of bytes. */
ssize_t dl__fs_pread(int fd, void *buf, size_t size, uint64_t offset);

/* Writes all of it, or fails. */
int dl__fs_write(int fd, const void *data, size_t size);

/* The same at a place of the file, which need not have grown so far yet. */
int dl__fs_pwrite(int fd, const void *data, size_t size, uint64_t offset);

/* Sets the time of last change, as it is counted in a stamp. */
int dl__fs_set_mtime(int fd, int64_t mtime_ns);

/* The part of path behind its last '/', or all of it. */
const char *dl__fs_last_part(const char *path);

/* mkdir -p with mode 0700 for what is new. */
int dl__fs_make_dirs(const char *path);

/* Opens or makes a lock file and locks it for this descriptor, without waiting:
 * errno EWOULDBLOCK if another one holds it. The lock ends with the descriptor,
 * so also with the process. */
int dl__fs_lock(const char *path);

#endif
