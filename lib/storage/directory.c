/* storage/directory.c: objects as plain files below a local or mounted folder:
 * file:///FOLDER. What it stores, any other program can read. This file lists,
 * reads and removes; directory_put.c writes, directory_parts.c in parts;
 * directory_attr.c keeps what the bytes do not say. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/url.h"
#include "base/vec.h"
#include "base/walk.h"
#include "storage/directory.h"
#include "storage/providers.h"

dl_status dl__directory_fail(const dl__directory *d, int errnum, const char *key, const char *verb,
                             dl_error *err) {
  dl_status status = DL_ERR_STORAGE;
  if (errnum == ENOMEM) return dl__fail_no_memory(err);
  if (errnum == EACCES || errnum == EPERM || errnum == EROFS) status = DL_ERR_AUTH;
  const char *hint = "";
  if (errnum == ELOOP) hint = " (symbolic links are not followed)";
  if (errnum == ENOTDIR) hint = " (a file is where a folder has to be)";
  if (errnum == EISDIR) hint = " (a folder is where the file has to be)";
  return dl__fail_errno(err, status, errnum, key, "cannot %s %s/%s%s", verb, d->root, key, hint);
}

static dl_status not_found(const dl__directory *d, const char *key, dl_error *err) {
  return dl__fail(err, DL_ERR_NOT_FOUND, key, "there is no %s/%s", d->root, key);
}

int dl__directory_open_root(const dl__directory *d) {
  return open(d->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The folder is made by the first put if its parent is there: a mount point that
 * is not mounted, or a typing error further up, must not be filled silently. */
dl_status dl__directory_check_parent(const dl__directory *d, dl_error *err) {
  DL__AUTO_FREE char *parent = strdup(d->root);
  if (parent == NULL) return dl__fail_no_memory(err);
  char *slash = strrchr(parent, '/');
  slash[slash == parent ? 1 : 0] = '\0';
  struct stat st;
  if (stat(parent, &st) == 0 && S_ISDIR(st.st_mode)) return DL_OK;
  return dl__fail(err, DL_ERR_CONFIG, d->root,
                  "cannot make the folder %s: there is no folder %s; make it, or mount it, and try "
                  "again",
                  d->root, parent);
}

/* What a file is known by, in text: the ETag. */
void dl__directory_etag(const struct stat *st, char etag[DL_ETAG_SIZE]) {
  dl__stamp stamp;
  dl__stamp_from(&stamp, st);
  (void)snprintf(etag, DL_ETAG_SIZE, "%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64, stamp.ino,
                 stamp.size_bytes, (uint64_t)stamp.mtime_ns, (uint64_t)stamp.ctime_ns);
}

/* Calls each for a regular file; fd may be -1 if it cannot be opened. */
static int give(int fd, const struct stat *st, const char *key, dl_object_fn each, void *user) {
  dl__stamp stamp;
  dl__stamp_from(&stamp, st);
  char digest[DL_DIGEST_SIZE];
  char etag[DL_ETAG_SIZE];
  dl__directory_etag(st, etag);
  dl_object object = DL_OBJECT_INIT;
  object.key = key;
  object.size_bytes = stamp.size_bytes;
  object.digest = fd >= 0 && dl__directory_read_digest(fd, st, digest) ? digest : NULL;
  object.etag = etag;
  object.mtime_ns = stamp.mtime_ns;
  return each(&object, user);
}

static void sweep_one(const dl__directory *d, const char *key) {
  const char *name;
  DL__AUTO_CLOSE int root = dl__directory_open_root(d);
  DL__AUTO_CLOSE int parent = root >= 0 ? dl__fs_open_parent(root, key, false, &name) : -1;
  if (parent < 0) return;
  DL__AUTO_CLOSE int fd = openat(parent, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) (void)unlinkat(parent, name, 0);
}

void dl__directory_sweep(dl__directory *d) {
  (void)pthread_mutex_lock(&d->locked.mutex);
  char **keys = d->locked.leftovers;
  size_t count = d->locked.count;
  d->locked.leftovers = NULL;
  d->locked.count = d->locked.capacity = 0;
  (void)pthread_mutex_unlock(&d->locked.mutex);
  for (size_t i = 0; i < count; i++) {
    sweep_one(d, keys[i]);
    free(keys[i]);
  }
  free(keys);
}

/* What cannot be remembered is left to the next listing. */
static void remember_leftover(dl__directory *d, const char *key) {
  char *copy = strdup(key);
  (void)pthread_mutex_lock(&d->locked.mutex);
  bool room = copy != NULL && dl__vec_grow(&d->locked.leftovers, d->locked.count,
                                           &d->locked.capacity, sizeof *d->locked.leftovers);
  if (room) d->locked.leftovers[d->locked.count++] = copy;
  (void)pthread_mutex_unlock(&d->locked.mutex);
  if (!room) free(copy);
}

typedef struct lister {
  dl__directory *d;
  const char *prefix;
  dl_object_fn each;
  void *user;
} lister;

static dl_status list_entry(const dl__walk_entry *entry, bool *enter, void *user, dl_error *err) {
  lister *l = user;
  size_t prefix_length = strlen(l->prefix);
  size_t key_length = strlen(entry->key);
  if (S_ISDIR(entry->st->st_mode)) {
    /* Filesystems keep a folder of this name at their root, for root only. */
    bool reserved = strcmp(entry->key, "lost+found") == 0 &&
                    faccessat(entry->dir_fd, entry->name, R_OK | X_OK, AT_EACCESS) != 0;
    size_t common = key_length < prefix_length ? key_length : prefix_length;
    *enter = !reserved && strncmp(entry->key, l->prefix, common) == 0;
    return DL_OK;
  }
  if (!S_ISREG(entry->st->st_mode)) return DL_OK;
  if (dl__temp_is(entry->name)) {
    remember_leftover(l->d, entry->key);
    return DL_OK;
  }
  if (strncmp(entry->key, l->prefix, prefix_length) != 0) return DL_OK;
  DL__AUTO_CLOSE int fd =
      openat(entry->dir_fd, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat st = *entry->st;
  if (fd >= 0 && fstat(fd, &st) != 0) {
    return dl__fail_errno(err, DL_ERR_STORAGE, errno, entry->key, "cannot read the file");
  }
  if (give(fd, &st, entry->key, l->each, l->user) == 0) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
}

static dl_status directory_list(void *self, const char *prefix, dl_object_fn each, void *user,
                                dl_error *err) {
  dl__directory *d = self;
  DL__AUTO_CLOSE int root = dl__directory_open_root(d);
  if (root < 0 && errno == ENOENT) return dl__directory_check_parent(d, err);
  if (root < 0) return dl__directory_fail(d, errno, "", "open", err);
  lister l = {d, prefix, each, user};
  dl_error full = DL_ERROR_INIT;
  dl_status status = dl__walk(root, d->root, DL_ERR_STORAGE, list_entry, &l, &full);
  if (status == DL_ERR_STORAGE && (full.errno_value == EACCES || full.errno_value == EPERM)) {
    status = DL_ERR_AUTH;
    full.status = DL_ERR_AUTH;
  }
  if (status != DL_OK) dl__error_copy(err, &full);
  return status;
}

static bool cannot_exist(int errnum) {
  return errnum == ENOENT || errnum == ENOTDIR || errnum == EISDIR || errnum == ENAMETOOLONG;
}

dl_status dl__directory_open_object(const dl__directory *d, const char *key, int *fd,
                                    struct stat *st, dl_error *err) {
  if (dl__temp_is(dl__fs_last_part(key))) return not_found(d, key, err);
  DL__AUTO_CLOSE int root = dl__directory_open_root(d);
  DL__AUTO_CLOSE int found = root >= 0 ? dl__fs_open_beneath(root, key, O_RDONLY) : -1;
  if (found < 0 && cannot_exist(errno)) return not_found(d, key, err);
  if (found < 0 || fstat(found, st) != 0) return dl__directory_fail(d, errno, key, "open", err);
  if (!S_ISREG(st->st_mode)) return not_found(d, key, err);
  *fd = found;
  found = -1;
  return DL_OK;
}

static dl_status directory_stat(void *self, const char *key, dl_object_fn each, void *user,
                                dl_error *err) {
  DL__AUTO_CLOSE int fd = -1;
  struct stat st;
  dl_status status = dl__directory_open_object(self, key, &fd, &st, err);
  if (status != DL_OK) return status;
  if (give(fd, &st, key, each, user) == 0) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
}

static dl_status directory_get(void *self, const dl_get_request *request, dl_error *err) {
  const dl__directory *d = self;
  DL__AUTO_CLOSE int fd = -1;
  struct stat st;
  dl_status status = dl__directory_open_object(d, request->key, &fd, &st, err);
  if (status != DL_OK) return status;
  DL__AUTO_FREE unsigned char *piece = malloc(DL__DIRECTORY_PIECE);
  if (piece == NULL) return dl__fail_no_memory(err);
  uint64_t left = request->length_bytes > 0 ? request->length_bytes : UINT64_MAX;
  uint64_t offset = request->offset_bytes;
  while (left > 0 && offset < (uint64_t)INT64_MAX - DL__DIRECTORY_PIECE) {
    size_t want = left < DL__DIRECTORY_PIECE ? (size_t)left : DL__DIRECTORY_PIECE;
    ssize_t got = dl__fs_pread(fd, piece, want, offset);
    if (got < 0) return dl__directory_fail(d, errno, request->key, "read", err);
    if (got == 0) break;
    status = request->write(request->write_user, piece, (size_t)got, err);
    if (status != DL_OK) return status;
    offset += (uint64_t)got;
    left -= (uint64_t)got;
  }
  return DL_OK;
}

/* Some network filesystems cannot fsync a folder, and say so with EINVAL. */
int dl__directory_sync(int dir_fd) {
  return fsync(dir_fd) == 0 || errno == EINVAL ? 0 : -1;
}

/* Removes the folders on the way to key that are empty now: no object has such a
 * name, but one could be put in their place. Each fails if the folder is in use. */
static void remove_empty_parents(int root, const char *key) {
  dl__buf path = {0};
  if (!dl__buf_add_text(&path, key)) return;
  for (char *slash; (slash = strrchr(path.data, '/')) != NULL;) {
    *slash = '\0';
    const char *name;
    DL__AUTO_CLOSE int parent = dl__fs_open_parent(root, path.data, false, &name);
    if (parent < 0 || unlinkat(parent, name, AT_REMOVEDIR) != 0) break;
  }
  dl__buf_clear(&path);
}

/* With the folder locked, as a conditional put needs it. */
static dl_status directory_remove(void *self, const char *key, dl_error *err) {
  const dl__directory *d = self;
  if (dl__temp_is(dl__fs_last_part(key))) return not_found(d, key, err);
  DL__AUTO_CLOSE int root = dl__directory_open_root(d);
  const char *name = NULL;
  DL__AUTO_CLOSE int parent = root >= 0 ? dl__fs_open_parent(root, key, false, &name) : -1;
  if (parent >= 0) (void)flock(parent, LOCK_EX);
  if (parent < 0 || unlinkat(parent, name, 0) != 0) {
    if (cannot_exist(errno)) return not_found(d, key, err);
    return dl__directory_fail(d, errno, key, "remove", err);
  }
  if (dl__directory_sync(parent) != 0) return dl__directory_fail(d, errno, key, "remove", err);
  remove_empty_parents(root, key);
  return DL_OK;
}

static void directory_close(void *self) {
  dl__directory *d = self;
  for (size_t i = 0; i < d->locked.count; i++) free(d->locked.leftovers[i]);
  free(d->locked.leftovers);
  (void)pthread_mutex_destroy(&d->locked.mutex);
  free(d->root);
  free(d);
}

dl_status dl__directory_new(const dl_config *config, void *user, const dl_storage **out,
                            dl_error *err) {
  (void)user;
  dl__directory *d = calloc(1, sizeof *d);
  if (d == NULL) return dl__fail_no_memory(err);
  dl_status status = dl__url_file_path(dl_config_get(config, "remote.url"), &d->root, err);
  if (status == DL_OK && pthread_mutex_init(&d->locked.mutex, NULL) != 0) {
    status = dl__fail_no_memory(err);
  }
  if (status != DL_OK) {
    free(d->root);
    free(d);
    return status;
  }
  d->storage = (dl_storage){
      .struct_size = sizeof d->storage,
      .caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL,
      .self = d,
      .list = directory_list,
      .stat = directory_stat,
      .put = dl__directory_put,
      .get = directory_get,
      .close = directory_close,
      .remove = directory_remove,
      .layout = dl__directory_layout,
      .upload_begin = dl__directory_upload_begin,
      .put_part = dl__directory_put_part,
      .reuse_part = dl__directory_reuse_part,
      .commit = dl__directory_commit,
      .upload_end = dl__directory_upload_end,
  };
  *out = &d->storage;
  return DL_OK;
}
