/* push/scan.c: takes a folder and patterns, looks at every name below it (stat
 * only, nothing is opened but folders), gives the files to consider. */
#include "push/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <devlog/storage.h>

#include "base/error.h"
#include "base/vec.h"
#include "base/walk.h"

static const char *const ignored_dirs[] = {"target", "node_modules", "cache"};
static const char *const ignored_files[] = {"*.tmp", "*.lock"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct scan {
  const dl__scan_request *request;
  dl__tree *tree;
} scan;

static bool is_ignored(const char *name, bool is_dir) {
  if (name[0] == '.') return true;
  if (is_dir) {
    for (size_t i = 0; i < COUNT(ignored_dirs); i++) {
      if (strcmp(name, ignored_dirs[i]) == 0) return true;
    }
    return false;
  }
  for (size_t i = 0; i < COUNT(ignored_files); i++) {
    if (fnmatch(ignored_files[i], name, 0) == 0) return true;
  }
  return false;
}

bool dl__scan_takes(const char *key) {
  char folders[DL_KEY_MAX + 1];
  if (strlen(key) > DL_KEY_MAX) return false;
  (void)strcpy(folders, key);
  char *part = folders;
  for (char *slash; (slash = strchr(part, '/')) != NULL; part = slash + 1) {
    *slash = '\0';
    if (is_ignored(part, true)) return false;
  }
  return !is_ignored(part, false);
}

static bool is_avoided(const dl__scan_request *request, const struct stat *st) {
  for (size_t i = 0; i < request->avoid_count; i++) {
    const dl__file_id *id = &request->avoid[i];
    if (id->dev == (uint64_t)st->st_dev && id->ino == (uint64_t)st->st_ino) return true;
  }
  return false;
}

static dl_status add_note(dl__tree *tree, const char *path, const char *message, dl_error *err) {
  char *copy = strdup(path);
  if (copy == NULL ||
      !dl__vec_grow(&tree->notes, tree->note_count, &tree->note_capacity, sizeof *tree->notes)) {
    free(copy);
    return dl__fail_no_memory(err);
  }
  tree->notes[tree->note_count++] = (dl__scan_note){copy, message};
  return DL_OK;
}

static dl_status add_file(dl__tree *tree, const dl__walk_entry *entry, dl_error *err) {
  char *copy = strdup(entry->key);
  if (copy == NULL ||
      !dl__vec_grow(&tree->files, tree->count, &tree->capacity, sizeof *tree->files)) {
    free(copy);
    return dl__fail_no_memory(err);
  }
  dl__file *file = &tree->files[tree->count++];
  file->key = copy;
  dl__stamp_from(&file->stamp, entry->st);
  tree->total_bytes += file->stamp.size_bytes;
  return DL_OK;
}

static dl_status scan_entry(const dl__walk_entry *entry, bool *enter, void *user, dl_error *err) {
  scan *s = user;
  if (is_ignored(entry->name, S_ISDIR(entry->st->st_mode)) || is_avoided(s->request, entry->st))
    return DL_OK;
  if (dl__patterns_match(s->request->exclude, entry->key)) return DL_OK;
  if (S_ISDIR(entry->st->st_mode)) {
    *enter = true;
    return DL_OK;
  }
  if (S_ISLNK(entry->st->st_mode)) {
    return add_note(s->tree, entry->key, "symbolic link, not followed", err);
  }
  if (!dl__patterns_match(s->request->include, entry->key)) {
    if (S_ISREG(entry->st->st_mode)) s->tree->left_out++;
    return DL_OK;
  }
  if (!S_ISREG(entry->st->st_mode)) {
    return add_note(s->tree, entry->key, "not a regular file, left out", err);
  }
  return add_file(s->tree, entry, err);
}

dl_status dl__scan(const dl__scan_request *request, dl__tree *out, dl_error *err) {
  *out = (dl__tree){.fd = -1};
  out->fd = open(request->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (out->fd < 0) {
    dl_status status = errno == ENOENT || errno == ENOTDIR ? DL_ERR_CONFIG : DL_ERR_SCAN;
    return dl__fail_errno(err, status, errno, request->base, "cannot open the folder %s",
                          request->base);
  }
  scan s = {request, out};
  return dl__walk(out->fd, request->base, DL_ERR_SCAN, scan_entry, &s, err);
}

void dl__tree_clear(dl__tree *tree) {
  for (size_t i = 0; i < tree->count; i++) free(tree->files[i].key);
  for (size_t i = 0; i < tree->note_count; i++) free(tree->notes[i].path);
  free(tree->files);
  free(tree->notes);
  if (tree->fd >= 0) (void)close(tree->fd);
  *tree = (dl__tree){.fd = -1};
}
