/* push/statedir.c: names state files by a digest of folder and remote, so that
 * each pair has its own, and locks them with flock on a file that nothing else
 * opens: a dead owner's lock is free at once. Who has the lock is written into that
 * file, for the message to the others; nothing is decided by it. */
#include "push/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/url.h"
#include "storage/storage.h"

#define STEM_DIGITS 32

#define POLL_MS    100 /* a flock that waits could not be cancelled */
#define PID_DIGITS 10
#define HOST_MAX   64
/* "PID HOST\n" */
#define HOLDER_MAX (PID_DIGITS + 1 + HOST_MAX + 1)

static dl_status make_stem(const char *base, const char *remote, char stem[STEM_DIGITS + 1],
                           dl_error *err) {
  dl__hash hash;
  char digest[DL__DIGEST_SIZE];
  dl_status status = dl__hash_init(&hash, false, err);
  if (status != DL_OK) return status;
  status = dl__hash_add(&hash, base, strlen(base) + 1, err);
  if (status == DL_OK) status = dl__hash_add(&hash, remote, strlen(remote) + 1, err);
  if (status == DL_OK) status = dl__hash_end(&hash, digest, err);
  dl__hash_clear(&hash);
  if (status != DL_OK) return status;
  memcpy(stem, digest + sizeof DL__DIGEST_PREFIX - 1, STEM_DIGITS);
  stem[STEM_DIGITS] = '\0';
  return DL_OK;
}

dl_status dl__statedir_remote(const dl_config *config, char **out, dl_error *err) {
  const char *url = dl_config_get(config, "remote.url");
  const char *provider = dl_config_get(config, "remote.provider");
  char scheme[32];
  if (provider == NULL && dl__storage_scheme(url, scheme, sizeof scheme)) provider = scheme;
  if (provider == NULL) provider = "";
  char *path = NULL;
  dl_status status = strcmp(provider, "file") == 0 ? dl__url_file_path(url, &path, err) : DL_OK;
  if (status != DL_OK) return status;
  *out = dl__format("%s %s", provider, path != NULL ? path : url);
  free(path);
  return *out != NULL ? DL_OK : dl__fail_no_memory(err);
}

dl_status dl__statedir_init(dl__statedir *out, const char *dir, const char *base,
                            const char *remote, dl_error *err) {
  *out = (dl__statedir){.lock_fd = -1};
  if (dir == NULL) {
    return dl__fail(
        err, DL_ERR_CONFIG, NULL,
        "no folder for the local state: set HOME or XDG_STATE_HOME to a folder of yours");
  }
  char stem[STEM_DIGITS + 1];
  dl_status status = make_stem(base, remote, stem, err);
  if (status != DL_OK) return status;
  out->dir = strdup(dir);
  out->database = dl__format("%s/%s.db", dir, stem);
  out->lock = dl__format("%s/%s.lock", dir, stem);
  bool made = out->dir != NULL && out->database != NULL && out->lock != NULL;
  return made ? DL_OK : dl__fail_no_memory(err);
}

static bool is_plain(char c) {
  return c > ' ' && c <= '~';
}

/* Writes who we are into the locked file. It is only a hint: one that cannot be written,
 * on a full disk say, is none. */
static void leave_note(int fd) {
  char host[HOST_MAX + 1] = "";
  char text[HOLDER_MAX + 1];
  if (gethostname(host, HOST_MAX) != 0 && errno != ENAMETOOLONG) return;
  host[HOST_MAX] = '\0'; /* a name that was cut need not have an end */
  for (char *c = host; *c != '\0'; c++) {
    if (!is_plain(*c)) *c = '?';
  }
  int length = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), host);
  if (length < 0 || ftruncate(fd, 0) != 0) return;
  (void)dl__fs_write(fd, text, (size_t)length);
}

/* The host of a note, with its end put behind it; the digits of the process are
 * before it. NULL: it is not one of ours, or not whole. */
static char *take_host(char *text) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > PID_DIGITS || text[digits] != ' ') return NULL;
  text[digits] = '\0';
  char *host = text + digits + 1;
  size_t length = 0;
  while (is_plain(host[length])) length++;
  if (length == 0 || length > HOST_MAX || strcmp(host + length, "\n") != 0) return NULL;
  host[length] = '\0';
  return host;
}

void dl__statedir_holder(const dl__statedir *statedir, char *out, size_t size) {
  char text[HOLDER_MAX + 2]; /* one more than a note, so that a longer one shows */
  out[0] = '\0';
  DL__AUTO_CLOSE int fd = open(statedir->lock, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  ssize_t length = fd >= 0 ? dl__fs_pread(fd, text, sizeof text - 1, 0) : -1;
  if (length < 0) return;
  text[length] = '\0';
  const char *host = strlen(text) == (size_t)length ? take_host(text) : NULL;
  if (host != NULL) (void)snprintf(out, size, " (process %s on %s)", text, host);
}

/* Waits a little; a signal may end that early. */
static dl_status wait_for_end(dl_cancelled_fn cancelled, void *user, dl_error *err) {
  if (cancelled != NULL && cancelled(user) != 0) {
    return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  }
  const struct timespec pause = {0, POLL_MS * 1000000L};
  (void)nanosleep(&pause, NULL);
  return DL_OK;
}

dl_status dl__statedir_lock(dl__statedir *statedir, bool wait, dl_cancelled_fn cancelled,
                            void *user, dl_error *err) {
  const char *path = statedir->lock;
  if (dl__fs_make_dirs(statedir->dir) != 0) {
    return dl__fail_errno(err, DL_ERR_STATE, errno, statedir->dir,
                          "cannot make the folder %s for the local state; mend its permissions or "
                          "set XDG_STATE_HOME to a folder of yours",
                          statedir->dir);
  }
  while ((statedir->lock_fd = dl__fs_lock(path)) < 0) {
    if (errno != EWOULDBLOCK) {
      return dl__fail_errno(err, DL_ERR_STATE, errno, path, "cannot lock %s", path);
    }
    if (!wait) {
      char holder[DL__STATEDIR_HOLDER_MAX];
      dl__statedir_holder(statedir, holder, sizeof holder);
      return dl__fail(err, DL_ERR_LOCKED, path, DL__STATEDIR_LOCKED, holder);
    }
    dl_status status = wait_for_end(cancelled, user, err);
    if (status != DL_OK) return status;
  }
  leave_note(statedir->lock_fd);
  return DL_OK;
}

void dl__statedir_clear(dl__statedir *statedir) {
  if (statedir->lock_fd >= 0) (void)close(statedir->lock_fd);
  free(statedir->dir);
  free(statedir->database);
  free(statedir->lock);
  *statedir = (dl__statedir){.lock_fd = -1};
}

size_t dl__statedir_ids(const dl__statedir *statedir, dl__file_id ids[DL__STATEDIR_IDS]) {
  DL__AUTO_FREE char *journal = dl__format("%s-journal", statedir->database);
  const char *const paths[DL__STATEDIR_IDS] = {statedir->dir, statedir->database, statedir->lock,
                                               journal};
  size_t count = 0;
  for (size_t i = 0; i < DL__STATEDIR_IDS; i++) {
    struct stat st;
    if (paths[i] == NULL || stat(paths[i], &st) != 0) continue;
    ids[count++] = (dl__file_id){(uint64_t)st.st_dev, (uint64_t)st.st_ino};
  }
  return count;
}
