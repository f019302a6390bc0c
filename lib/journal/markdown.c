/* journal/markdown.c: takes an entry, gives the file that people read. It is written
 * beside its place, fsynced and renamed: a reader sees the old one or the new one. The
 * lock on the events keeps two writers apart, so the name of the draft is fixed, and what
 * a killed process left is taken over by the next. */
#include "journal/markdown.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"

#define NAME_SIZE sizeof "entries/YYYYMMDD.md"

static void make_name(const char *id, char name[NAME_SIZE]) {
  (void)snprintf(name, NAME_SIZE, "entries/%.8s.md", id);
}

static dl_status fail(const dl__markdown_place *place, int failure, const char *what,
                      dl_error *err) {
  char name[NAME_SIZE];
  make_name(place->id, name);
  if (failure == ELOOP || failure == ENOTDIR || failure == EISDIR || failure == ENXIO) {
    return dl__fail(err, DL_ERR_JOURNAL, name,
                    "%s/%s: a symbolic link, a folder or a special file stands there or on the "
                    "way; move it away",
                    place->base, name);
  }
  return dl__fail_errno(err, DL_ERR_JOURNAL, failure, name, "cannot %s %s/%s", what, place->base,
                        name);
}

static bool add_text(dl__buf *out, const char *key, const char *text) {
  return dl__buf_add_text(out, key) && dl__buf_add_text(out, text) && dl__buf_add_text(out, "\n");
}

/* As a JSON array, which is YAML too, whatever the names hold. */
static bool add_names(dl__buf *out, const char *key, const dl__names *names) {
  if (!dl__buf_add_text(out, key) || !dl__buf_add_text(out, "[")) return false;
  for (size_t i = 0; i < names->count; i++) {
    if (i > 0 && !dl__buf_add_text(out, ", ")) return false;
    if (dl__json_quote(out, names->items[i]) != DL__JSON_DONE) return false;
  }
  return dl__buf_add_text(out, "]\n");
}

dl_status dl__markdown_make(const char *id, const dl__entry *entry, dl__buf *out, dl_error *err) {
  const dl__annotations *a = &entry->annotations;
  size_t length = strlen(entry->content);
  bool ended = length > 0 && entry->content[length - 1] == '\n';
  bool made = dl__buf_add_text(out, "---\nid: \"") && dl__buf_add_text(out, id) &&
              add_text(out, "\"\ncreated_at: ", entry->created_at) &&
              add_text(out, "updated_at: ", entry->updated_at) &&
              add_names(out, "tags: ", &a->tags) && add_names(out, "people: ", &a->people) &&
              add_names(out, "projects: ", &a->projects) && dl__buf_add_text(out, "---\n") &&
              dl__buf_add(out, entry->content, length) && dl__buf_add_text(out, ended ? "" : "\n");
  return made ? DL_OK : dl__fail_no_memory(err);
}

static int compare(const struct timespec *a, const struct timespec *b) {
  if (a->tv_sec != b->tv_sec) return a->tv_sec < b->tv_sec ? -1 : 1;
  return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

dl_status dl__markdown_age_of(const dl__markdown_place *place, const struct timespec *events,
                              dl__markdown_age *out, dl_error *err) {
  char path[NAME_SIZE];
  const char *name;
  struct stat st;
  make_name(place->id, path);
  *out = DL__MARKDOWN_MISSING;
  DL__AUTO_CLOSE int dir = dl__fs_open_parent(place->base_fd, path, false, &name);
  if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? DL_OK : fail(place, errno, "look at", err);
  }
  if (!S_ISREG(st.st_mode)) return fail(place, ENXIO, "look at", err);
  int order = compare(&st.st_mtim, events);
  *out = order < 0 ? DL__MARKDOWN_OLDER : order == 0 ? DL__MARKDOWN_SAME : DL__MARKDOWN_NEWER;
  return DL_OK;
}

/* Whether the file that is there has this text. */
static bool has_text(int fd, const dl__buf *text) {
  struct stat st;
  char piece[4096];
  if (fstat(fd, &st) != 0 || (uint64_t)st.st_size != text->length) return false;
  for (size_t at = 0; at < text->length;) {
    size_t left = text->length - at;
    size_t want = left < sizeof piece ? left : sizeof piece;
    ssize_t got = dl__fs_pread(fd, piece, want, at);
    if (got != (ssize_t)want || memcmp(piece, text->data + at, want) != 0) return false;
    at += want;
  }
  return true;
}

bool dl__markdown_has(const dl__markdown_place *place, const dl__buf *text) {
  char path[NAME_SIZE];
  make_name(place->id, path);
  DL__AUTO_CLOSE int fd = dl__fs_open_beneath(place->base_fd, path, O_RDONLY);
  return fd >= 0 && has_text(fd, text);
}

/* A file that has the text is marked as made of these events. True: it is in order. */
static bool keep(int dir, const char *name, const dl__buf *text, const struct timespec times[2]) {
  DL__AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || !has_text(fd, text)) return false;
  struct stat st;
  if (fstat(fd, &st) == 0 && compare(&st.st_mtim, &times[1]) == 0) return true;
  return futimens(fd, times) == 0;
}

/* Writes the draft and renames it; -1 and errno. */
static int replace(int dir, const char *name, const dl__buf *text, const struct timespec times[2]) {
  char draft[NAME_SIZE + sizeof "..tmp"];
  (void)snprintf(draft, sizeof draft, ".%s.tmp", name);
  if (unlinkat(dir, draft, 0) != 0 && errno != ENOENT) return -1;
  DL__AUTO_CLOSE int fd =
      openat(dir, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (dl__fs_write(fd, text->data, text->length) != 0 || futimens(fd, times) != 0 ||
      fsync(fd) != 0 || renameat(dir, draft, dir, name) != 0) {
    int failure = errno;
    (void)unlinkat(dir, draft, 0);
    errno = failure;
    return -1;
  }
  return fsync(dir) == 0 || errno == EINVAL ? 0 : -1;
}

dl_status dl__markdown_write(const dl__markdown_place *place, const dl__buf *text,
                             const struct timespec *events, dl_error *err) {
  char path[NAME_SIZE];
  const char *name;
  dl__markdown_age age;
  dl_status status = dl__markdown_age_of(place, events, &age, err);
  if (status != DL_OK) return status;
  make_name(place->id, path);
  DL__AUTO_CLOSE int dir = dl__fs_open_parent(place->base_fd, path, true, &name);
  if (dir < 0) return fail(place, errno, "write", err);
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, *events};
  if (age != DL__MARKDOWN_MISSING && keep(dir, name, text, times)) return DL_OK;
  if (replace(dir, name, text, times) != 0) return fail(place, errno, "write", err);
  return DL_OK;
}
