/* base/walk.c: reads a directory whole, sorts it, visits its entries, and goes
 * down relative to its descriptor. Symbolic links are never followed. Nesting
 * costs one descriptor a level. */
#include "base/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/vec.h"

typedef struct walk {
  const char *root_name;
  dl_status failed;
  dl__walk_fn fn;
  void *user;
  dl_error *err;
  dl__buf key; /* of the entry being visited */
} walk;

/* A directory on the way down: to see a loop, which a bind mount can make. */
typedef struct level {
  const struct level *parent;
  dev_t dev;
  ino_t ino;
} level;

/* No more: there may be very many, and each list is kept until its end. */
typedef struct item {
  char *name;
  bool is_dir;
} item;

typedef struct listing {
  item *items;
  size_t count;
  size_t capacity;
} listing;

static dl_status fail(walk *w, int errnum, const char *what) {
  if (errnum == ENOMEM) return dl__fail_no_memory(w->err);
  const char *key = w->key.length > 0 ? w->key.data : "";
  return dl__fail_errno(w->err, w->failed, errnum, w->key.length > 0 ? key : w->root_name,
                        "cannot read %s %s%s%s", what, w->root_name, key[0] != '\0' ? "/" : "",
                        key);
}

static void listing_clear(listing *list) {
  for (size_t i = 0; i < list->count; i++) free(list->items[i].name);
  free(list->items);
}

/* By the bytes of the keys: a directory counts as its name with a '/' behind. */
static int compare_items(const void *a, const void *b) {
  const item *x = a;
  const item *y = b;
  size_t i = 0;
  while (x->name[i] != '\0' && x->name[i] == y->name[i]) i++;
  unsigned char cx = (unsigned char)x->name[i];
  unsigned char cy = (unsigned char)y->name[i];
  if (cx == '\0' && x->is_dir) cx = '/';
  if (cy == '\0' && y->is_dir) cy = '/';
  return cx < cy ? -1 : cx > cy;
}

/* *there is false for an entry that has vanished. */
static dl_status look(walk *w, int dir_fd, const char *name, struct stat *st, bool *there) {
  *there = fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) == 0;
  if (*there || errno == ENOENT) return DL_OK;
  int failure = errno;
  char what[NAME_MAX + 32];
  (void)snprintf(what, sizeof what, "the entry %s of the folder", name);
  return fail(w, failure, what);
}

static dl_status add_item(walk *w, int dir_fd, const struct dirent *entry, listing *list) {
  item it = {.is_dir = entry->d_type == DT_DIR};
  if (entry->d_type == DT_UNKNOWN) {
    struct stat st;
    bool there;
    dl_status status = look(w, dir_fd, entry->d_name, &st, &there);
    if (status != DL_OK || !there) return status;
    it.is_dir = S_ISDIR(st.st_mode);
  }
  if (!dl__vec_grow(&list->items, list->count, &list->capacity, sizeof *list->items)) {
    return fail(w, ENOMEM, "");
  }
  it.name = strdup(entry->d_name);
  if (it.name == NULL) return fail(w, ENOMEM, "");
  list->items[list->count++] = it;
  return DL_OK;
}

/* readdir answers NULL for the end and for a failure alike; errno tells. */
static dl_status read_entries(walk *w, DIR *dir, listing *list) {
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir(dir);
    if (entry == NULL && errno == 0) break;
    if (entry == NULL) return fail(w, errno, "the folder");
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    dl_status status = add_item(w, dirfd(dir), entry, list);
    if (status != DL_OK) return status;
  }
  if (list->count > 1) qsort(list->items, list->count, sizeof *list->items, compare_items);
  return DL_OK;
}

static dl_status walk_dir(walk *w, DIR *dir, const level *here);

static bool is_loop(const level *here, const struct stat *st) {
  for (; here != NULL; here = here->parent) {
    if (here->dev == st->st_dev && here->ino == st->st_ino) return true;
  }
  return false;
}

static dl_status enter_dir(walk *w, int dir_fd, const char *name, const level *parent) {
  int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? DL_OK : fail(w, errno, "the folder");
  struct stat st;
  DIR *dir = fstat(fd, &st) == 0 ? fdopendir(fd) : NULL;
  if (dir == NULL) {
    int failure = errno;
    (void)close(fd);
    return fail(w, failure, "the folder");
  }
  level here = {parent, st.st_dev, st.st_ino};
  dl_status status = is_loop(parent, &st) ? fail(w, ELOOP, "the folder") : walk_dir(w, dir, &here);
  (void)closedir(dir);
  return status;
}

/* One that is not the kind of thing any more that it was sorted as would be at the wrong place. */
static dl_status visit(walk *w, int dir_fd, const item *it, const level *here) {
  struct stat st;
  bool there;
  dl_status status = look(w, dir_fd, it->name, &st, &there);
  if (status != DL_OK || !there || S_ISDIR(st.st_mode) != it->is_dir) return status;
  size_t length = w->key.length;
  bool added =
      (length == 0 || dl__buf_add_text(&w->key, "/")) && dl__buf_add_text(&w->key, it->name);
  if (!added) return fail(w, ENOMEM, "");
  dl__walk_entry entry = {w->key.data, it->name, dir_fd, &st};
  bool enter = false;
  status = w->fn(&entry, &enter, w->user, w->err);
  if (status == DL_OK && enter && it->is_dir) status = enter_dir(w, dir_fd, it->name, here);
  dl__buf_cut(&w->key, length);
  return status;
}

static dl_status walk_dir(walk *w, DIR *dir, const level *here) {
  listing list = {0};
  dl_status status = read_entries(w, dir, &list);
  for (size_t i = 0; status == DL_OK && i < list.count; i++) {
    status = visit(w, dirfd(dir), &list.items[i], here);
  }
  listing_clear(&list);
  return status;
}

dl_status dl__walk(int root_fd, const char *root_name, dl_status failed, dl__walk_fn fn, void *user,
                   dl_error *err) {
  walk w = {root_name, failed, fn, user, err, {0}};
  dl_status status = enter_dir(&w, root_fd, ".", NULL);
  dl__buf_clear(&w.key);
  return status;
}
