/* journal/log.c: takes the folder and the day, opens and locks the file with the
 * events; gives them one by one, and appends new ones.
 *
 * The lock is flock on the file itself: it ends with its process. A file that was
 * replaced while we waited is opened anew. Lines go in by one write at the end of
 * the file, so that also a program that knows no lock does no harm. */
#include "journal/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"

#define PIECE_SIZE ((size_t)64 * 1024)
#define TRIES_MAX  16

static dl_status fail(const dl__log *log, int failure, const char *what, dl_error *err) {
  if (failure == ELOOP || failure == ENOTDIR || failure == EISDIR || failure == ENXIO) {
    return dl__fail(err, DL_ERR_JOURNAL, log->name,
                    "%s/%s: a symbolic link, a folder or a special file stands there or on the "
                    "way; move it away",
                    log->base, log->name);
  }
  return dl__fail_errno(err, DL_ERR_JOURNAL, failure, log->name, "cannot %s %s/%s", what, log->base,
                        log->name);
}

static const char *name_of(const dl__log *log) {
  return strchr(log->name, '/') + 1;
}

/* Opens without the lock; -1 and errno. */
static int open_file(dl__log *log, int base_fd, dl__log_mode mode) {
  const char *name;
  log->dir_fd = dl__fs_open_parent(base_fd, log->name, mode == DL__LOG_CREATE, &name);
  if (log->dir_fd < 0) return -1;
  int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  flags |= mode == DL__LOG_READ ? O_RDONLY : O_RDWR | O_APPEND;
  if (mode == DL__LOG_CREATE) flags |= O_CREAT;
  log->fd = openat(log->dir_fd, name, flags, 0600);
  if (log->fd < 0) return -1;
  struct stat st;
  if (fstat(log->fd, &st) != 0) return -1;
  if (S_ISREG(st.st_mode)) return 0;
  errno = ENXIO;
  return -1;
}

/* A filesystem without locks may be read all the same, but not written. */
static int lock(const dl__log *log, dl__log_mode mode) {
  for (;;) {
    if (flock(log->fd, mode == DL__LOG_READ ? LOCK_SH : LOCK_EX) == 0) return 0;
    if (errno != EINTR) return mode == DL__LOG_READ ? 0 : -1;
  }
}

/* The file still has its name: else nobody will ever read what is appended to it. */
static bool is_still_there(const dl__log *log) {
  struct stat held, named;
  return fstat(log->fd, &held) == 0 &&
         fstatat(log->dir_fd, name_of(log), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

dl_status dl__log_open(dl__log *log, const char *base, int base_fd, const char *id,
                       dl__log_mode mode, dl_error *err) {
  *log = (dl__log)DL__LOG_INIT;
  log->base = base;
  (void)snprintf(log->name, sizeof log->name, "events/%.8s.jsonl", id);
  for (int tries = 0; tries < TRIES_MAX; tries++) {
    if (open_file(log, base_fd, mode) != 0) {
      if (errno == ENOENT) {
        return dl__fail(err, DL_ERR_NOT_FOUND, log->name, "%s/%s is not there", base, log->name);
      }
      return fail(log, errno, "open", err);
    }
    if (lock(log, mode) != 0) return fail(log, errno, "lock", err);
    if (is_still_there(log)) return DL_OK;
    (void)close(log->fd);
    (void)close(log->dir_fd);
    log->fd = log->dir_fd = -1;
  }
  return fail(log, EAGAIN, "lock", err);
}

void dl__log_close(dl__log *log) {
  if (log->fd >= 0) (void)close(log->fd);
  if (log->dir_fd >= 0) (void)close(log->dir_fd);
  log->fd = log->dir_fd = -1;
}

/* A reading on its way. */
typedef struct reading {
  dl__log *log;
  dl__event_fn each;
  void *user;
  dl__buf line;  /* what was read of the line so far */
  bool too_long; /* and is not kept */
} reading;

static bool is_blank(const dl__buf *line) {
  return line->length == 0 || strspn(line->data, " \t\r") == line->length;
}

/* The line has ended, by its end or by that of the file. */
static dl_status take_line(reading *r, bool ended, dl_error *err) {
  dl__log *log = r->log;
  dl__event event;
  dl__json_end end = DL__JSON_WRONG;
  if (is_blank(&r->line) && !r->too_long) return DL_OK;
  if (!r->too_long) end = dl__event_parse(r->line.data, r->line.length, &event);
  dl__buf_cut(&r->line, 0);
  r->too_long = false;
  if (end == DL__JSON_NO_MEMORY) return dl__fail_no_memory(err);
  if (end == DL__JSON_WRONG) {
    if (ended) log->damaged++;
    log->torn = !ended;
    return DL_OK;
  }
  log->events++;
  dl_status status = r->each(&event, r->user, err);
  dl__event_clear(&event);
  return status;
}

static dl_status take_piece(reading *r, const char *piece, size_t size, dl_error *err) {
  for (size_t at = 0; at < size;) {
    const char *end = memchr(piece + at, '\n', size - at);
    size_t length = end != NULL ? (size_t)(end - (piece + at)) : size - at;
    if (r->too_long || length > DL__EVENT_LINE_MAX - r->line.length) {
      r->too_long = true;
      dl__buf_cut(&r->line, 0);
    } else if (!dl__buf_add(&r->line, piece + at, length)) {
      return dl__fail_no_memory(err);
    }
    r->log->ended = end != NULL;
    dl_status status = end != NULL ? take_line(r, true, err) : DL_OK;
    if (status != DL_OK) return status;
    at += length + (end != NULL ? 1 : 0);
  }
  return DL_OK;
}

static dl_status read_all(reading *r, dl_error *err) {
  struct stat st;
  DL__AUTO_FREE char *piece = malloc(PIECE_SIZE);
  if (piece == NULL) return dl__fail_no_memory(err);
  for (uint64_t offset = 0;;) {
    ssize_t got = dl__fs_pread(r->log->fd, piece, PIECE_SIZE, offset);
    if (got < 0) return fail(r->log, errno, "read", err);
    dl_status status = take_piece(r, piece, (size_t)got, err);
    if (status != DL_OK) return status;
    offset += (uint64_t)got;
    if ((size_t)got < PIECE_SIZE) break;
  }
  if (fstat(r->log->fd, &st) != 0) return fail(r->log, errno, "read", err);
  r->log->mtime = st.st_mtim;
  return take_line(r, false, err);
}

dl_status dl__log_read(dl__log *log, dl__event_fn each, void *user, dl_error *err) {
  log->events = log->damaged = 0;
  log->ended = true;
  log->torn = false;
  reading r = {log, each, user, {0}, false};
  dl_status status = read_all(&r, err);
  dl__buf_clear(&r.line);
  return status;
}

/* Writes in one go; where the disk is full or a limit is reached, the rest gives the
 * reason. What was written of it is taken back, if nobody wrote behind it. */
static int append(int fd, const char *data, size_t size) {
  struct stat st;
  if (fstat(fd, &st) != 0) return -1;
  size_t done = 0;
  while (done < size) {
    ssize_t put = write(fd, data + done, size - done);
    if (put > 0) done += (size_t)put;
    if (put > 0 || (put < 0 && errno == EINTR)) continue;
    int failure = put < 0 ? errno : EIO;
    struct stat now;
    if (done > 0 && fstat(fd, &now) == 0 && now.st_size == st.st_size + (off_t)done) {
      /* If this fails, a torn line is left, which the next reading sets aside. */
      int taken_back = ftruncate(fd, st.st_size);
      (void)taken_back;
    }
    errno = failure;
    return -1;
  }
  return 0;
}

/* Some network filesystems cannot fsync a folder (EINVAL). The folder each time: who
 * made the file may have been killed before its name was safe. */
static int make_durable(const dl__log *log) {
  if (fdatasync(log->fd) != 0) return -1;
  return fsync(log->dir_fd) == 0 || errno == EINVAL ? 0 : -1;
}

dl_status dl__log_append(dl__log *log, const dl__buf *lines, dl_error *err) {
  dl__buf all = {0};
  if ((!log->ended && !dl__buf_add_text(&all, "\n")) ||
      !dl__buf_add(&all, lines->data, lines->length)) {
    dl__buf_clear(&all);
    return dl__fail_no_memory(err);
  }
  int failed = append(log->fd, all.data, all.length);
  dl__buf_clear(&all);
  if (failed != 0) return fail(log, errno, "write", err);
  if (log->torn) log->damaged++;
  log->ended = true;
  log->torn = false;
  struct stat st;
  if (make_durable(log) != 0 || fstat(log->fd, &st) != 0) {
    return dl__fail_errno(err, DL_ERR_JOURNAL, errno, log->name,
                          "%s/%s: written, but not known to be safe on the disk; look at the entry "
                          "before you try again",
                          log->base, log->name);
  }
  log->mtime = st.st_mtim;
  return DL_OK;
}
