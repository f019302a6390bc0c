/* push/statedir.c: names state files by a digest of folder and remote, so that
 * each pair has its own, and locks them with flock on a file that nothing else
 * opens: a dead owner's lock is free at once. */
#include "push/statedir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/url.h"
#include "storage/storage.h"

#define STEM_DIGITS 32

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

dl_status dl__statedir_lock(dl__statedir *statedir, dl_error *err) {
  if (dl__fs_make_dirs(statedir->dir) != 0) {
    return dl__fail_errno(err, DL_ERR_STATE, errno, statedir->dir,
                          "cannot make the folder %s for the local state; mend its permissions or "
                          "set XDG_STATE_HOME to a folder of yours",
                          statedir->dir);
  }
  statedir->lock_fd = dl__fs_lock(statedir->lock);
  if (statedir->lock_fd >= 0) return DL_OK;
  if (errno == EWOULDBLOCK) {
    return dl__fail(err, DL_ERR_LOCKED, statedir->lock,
                    "another push of this folder to this remote is running; let it end first");
  }
  return dl__fail_errno(err, DL_ERR_STATE, errno, statedir->lock, "cannot lock %s", statedir->lock);
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
