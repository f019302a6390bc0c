/* sync_verify.c: runs the stages of a verify: scan -> plan -> comparison -> report. */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/vec.h"
#include "push/plan.h"
#include "push/source.h"
#include "sync_begin.h"

#define BUFFER_BYTES ((size_t)1024 * 1024)

/* The sizes in version 0.1; a struct_size of 0 means this one. */
#define OPTIONS_SIZE_0_1 (offsetof(dl_verify_options, download) + sizeof(uint32_t))
#define RESULT_SIZE_0_1                                                                            \
  (offsetof(dl_verify_result, differences) + sizeof(((dl_verify_result *)0)->differences))

/* A difference; its texts are its own. */
typedef struct found {
  dl_difference_kind kind;
  const char *path; /* borrowed of the lists */
  char *message;
} found;

/* One verify on its way through the stages. */
typedef struct verify {
  dl__session session;
  bool download;
  dl_verify_result *result;
  dl__tree tree;
  dl__listing listing;
  dl__plan plan;
  dl__reader reader;
  found *items;
  size_t count;
  size_t capacity;
} verify;

static dl_status add(verify *v, dl_difference_kind kind, const char *path, const char *message,
                     dl_error *err) {
  char *copy = strdup(message);
  if (copy == NULL || !dl__vec_grow(&v->items, v->count, &v->capacity, sizeof *v->items)) {
    free(copy);
    return dl__fail_no_memory(err);
  }
  v->items[v->count++] = (found){kind, path, copy};
  return DL_OK;
}

/* A failure that is about one file. */
static dl_status settle(verify *v, const char *path, const dl_error *why, dl_error *err) {
  if (dl__status_is_about_all((dl_status)why->status)) {
    dl__error_copy(err, why);
    return (dl_status)why->status;
  }
  bool moved = why->status == DL_ERR_SOURCE_CHANGED;
  return add(v, moved ? DL_DIFFERENCE_CONTENT : DL_DIFFERENCE_UNREADABLE, path, why->message, err);
}

/* Whole against whole, byte by byte as far as a digest can tell. */
static dl_status compare_bytes(verify *v, const dl__source *source, bool *equal, dl_error *err) {
  dl__digests ours;
  char theirs[DL_DIGEST_SIZE];
  uint64_t size_bytes;
  dl_status status = dl__source_digest(source, &v->reader, &ours, err);
  if (status == DL_OK) status = dl__source_check(source, err);
  if (status == DL_OK) {
    status = dl__storage_digest(&v->session.sync->storage, source->key, theirs, &size_bytes, err);
  }
  *equal =
      status == DL_OK && size_bytes == source->stamp.size_bytes && strcmp(theirs, ours.sha256) == 0;
  return status;
}

static dl_status compare_content(verify *v, dl__action *action, bool *equal, dl_error *err) {
  dl__source source;
  dl__row fresh;
  const dl__storage *storage = &v->session.sync->storage;
  dl_status status = dl__source_open(&source, v->tree.fd, action->file->key, err);
  if (status == DL_OK && v->download) {
    status = compare_bytes(v, &source, equal, err);
  } else if (status == DL_OK) {
    status = dl__plan_compare(action, v->tree.fd, storage, &v->reader, &fresh, err);
    *equal = status == DL_OK && action->verdict == DL__UNCHANGED;
  }
  dl__source_close(&source);
  return status;
}

static dl_status drop(void *user, const void *data, size_t size, dl_error *err) {
  (void)user;
  (void)data;
  (void)size;
  (void)err;
  return DL_OK;
}

/* An object without a digest that was listed counts as another one if it cannot be read (it may
 * be archived): a look at its first byte tells that. */
static dl_status check_readable(const verify *v, const dl__remote *remote, dl_error *err) {
  bool decided = remote->digest.kind == DL__DIGEST_WHOLE;
  if (decided || remote->size_bytes == 0) return DL_OK;
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = remote->key;
  request.length_bytes = 1;
  request.write = drop;
  return dl__storage_get(&v->session.sync->storage, &request, err);
}

static dl_status compare(verify *v, dl__action *action, dl_error *err) {
  const char *key = action->file->key;
  if (action->verdict == DL__ADDED) {
    return add(v, DL_DIFFERENCE_NOT_REMOTE, key, "is not at the remote", err);
  }
  bool equal = false;
  dl_error why = DL_ERROR_INIT;
  dl_status status = compare_content(v, action, &equal, &why);
  if (status == DL_OK && !equal) status = check_readable(v, action->remote, &why);
  if (status != DL_OK) return settle(v, key, &why, err);
  if (!equal) {
    return add(v, DL_DIFFERENCE_CONTENT, key, "is not the same here and at the remote", err);
  }
  v->result->files_equal++;
  v->result->total_bytes += action->remote->size_bytes;
  return DL_OK;
}

static bool is_here(const verify *v, const char *key) {
  const char *name;
  struct stat st;
  DL__AUTO_CLOSE int fd = dl__fs_open_parent(v->tree.fd, key, false, &name);
  return fd >= 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* Both lists are sorted by their keys. */
static dl_status add_only_remote(verify *v, dl_error *err) {
  dl_status status = DL_OK;
  size_t f = 0;
  for (size_t i = 0; status == DL_OK && i < v->listing.count; i++) {
    const char *key = v->listing.items[i].key;
    int order = 1;
    while (f < v->tree.count && (order = strcmp(v->tree.files[f].key, key)) < 0) f++;
    if (f < v->tree.count && order == 0) continue;
    if (!dl__scan_takes(key) && is_here(v, key)) {
      dl__session_note(&v->session, key, "not compared: a push never sends such a name");
      continue;
    }
    status = add(v, DL_DIFFERENCE_NOT_LOCAL, key, "is only at the remote", err);
  }
  for (size_t i = 0; status == DL_OK && i < v->listing.foreign_count; i++) {
    status = add(v, DL_DIFFERENCE_NOT_LOCAL, v->listing.foreign[i],
                 "is only at the remote, under a name that no file can have", err);
  }
  return status;
}

static int compare_found(const void *a, const void *b) {
  return strcmp(((const found *)a)->path, ((const found *)b)->path);
}

static dl_status detect(verify *v, dl_error *err) {
  const dl__rows none = {0};
  const dl__storage *storage = &v->session.sync->storage;
  v->result->stage = DL_STAGE_CHANGE_DETECTION;
  const dl__progress *progress = &v->session.progress;
  dl_progress_event event = {.files = v->tree.count};
  dl__progress_tell(progress, progress->calls.change_detection_start, event);
  dl_status status = dl__listing_read_all(storage, "", &v->listing, err);
  if (status == DL_OK) status = dl__plan_local(&v->tree, &none, true, false, &v->plan, err);
  if (status != DL_OK) return status;
  v->result->objects_found = v->listing.count;
  if (v->tree.count == 0 && v->listing.count == 0 && v->listing.foreign_count == 0) {
    dl__session_note(&v->session, v->session.base,
                     "nothing to compare: neither the folder nor the remote has files; are both "
                     "right?");
  }
  dl__plan_remote(&v->plan, &v->listing);
  for (size_t i = 0; status == DL_OK && i < v->plan.count; i++) {
    status = dl__session_check_cancel(&v->session, err);
    if (status == DL_OK) status = compare(v, &v->plan.actions[i], err);
  }
  if (status == DL_OK) status = add_only_remote(v, err);
  if (status != DL_OK) return status;
  if (v->count > 1) qsort(v->items, v->count, sizeof *v->items, compare_found);
  event = (dl_progress_event){.files = v->count};
  dl__progress_tell(progress, progress->calls.change_detection_complete, event);
  return DL_OK;
}

/* The pointers, what they point to, and the texts of that, in one block of memory. */
static dl_status report(verify *v, dl_error *err) {
  if (v->count == 0) return DL_OK;
  size_t size = v->count * (sizeof(dl_difference *) + sizeof(dl_difference));
  for (size_t i = 0; i < v->count; i++) {
    size += strlen(v->items[i].path) + strlen(v->items[i].message) + 2;
  }
  const dl_difference **pointers = malloc(size);
  if (pointers == NULL) return dl__fail_no_memory(err);
  dl_difference *items = (dl_difference *)(pointers + v->count);
  char *text = (char *)(items + v->count);
  for (size_t i = 0; i < v->count; i++) {
    size_t path = strlen(v->items[i].path) + 1;
    size_t message = strlen(v->items[i].message) + 1;
    memcpy(text, v->items[i].path, path);
    memcpy(text + path, v->items[i].message, message);
    items[i] = (dl_difference){sizeof(dl_difference), v->items[i].kind, text, text + path};
    pointers[i] = &items[i];
    text += path + message;
  }
  v->result->differences = pointers;
  v->result->difference_count = v->count;
  return dl__fail(err, DL_ERR_PARTIAL, v->count == 1 ? pointers[0]->path : NULL,
                  "%zu difference(s) between folder and remote", v->count);
}

static dl_status run_stages(verify *v, dl_error *err) {
  bool md5 = (v->session.sync->storage.slots.caps & DL_STORAGE_WANTS_MD5) != 0;
  dl_status status = dl__session_check_cancel(&v->session, err);
  if (status == DL_OK) status = dl__session_open(&v->session, err);
  if (status != DL_OK) return status;
  v->result->stage = DL_STAGE_SCAN;
  status = dl__session_scan(&v->session, &v->tree, err);
  if (status != DL_OK) return status;
  v->result->files_found = v->tree.count;
  status = dl__reader_init(&v->reader, BUFFER_BYTES, md5, &v->session.sync->cancel, err);
  if (status == DL_OK) status = detect(v, err);
  dl__reader_clear(&v->reader);
  if (status != DL_OK) return status;
  v->result->stage = DL_STAGE_DONE;
  return report(v, err);
}

static dl_status run(dl_sync *sync, const dl_verify_options *options, const dl_progress *progress,
                     dl_verify_result *result, dl_error *err) {
  verify v = {.download = options->download != 0, .result = result, .tree = {.fd = -1}};
  dl__session_init(&v.session, sync, progress);
  dl_status status = run_stages(&v, err);
  for (size_t i = 0; i < v.count; i++) free(v.items[i].message);
  free(v.items);
  dl__plan_clear(&v.plan);
  dl__listing_clear(&v.listing);
  dl__tree_clear(&v.tree);
  dl__session_clear(&v.session);
  return status;
}

/* The part of a host's result that both sides know. */
static size_t result_size(const dl_verify_result *result) {
  size_t size = result->struct_size != 0 ? result->struct_size : RESULT_SIZE_0_1;
  return size < sizeof *result ? size : sizeof *result;
}

static void give(dl_verify_result *result, dl_verify_result *out) {
  if (out == NULL || result_size(out) < RESULT_SIZE_0_1) {
    free((void *)(uintptr_t)result->differences);
  }
  if (out == NULL) return;
  uint32_t struct_size = out->struct_size;
  memcpy(out, result, result_size(out));
  out->struct_size = struct_size;
}

dl_status dl_verify(dl_sync *sync, const dl_verify_options *options, const dl_progress *progress,
                    dl_verify_result *result, dl_error *err) {
  if (sync == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_verify needs a dl_sync");
  uint64_t start_ms = dl__clock_mono_ms();
  dl_verify_options taken = DL_VERIFY_OPTIONS_INIT;
  if (options != NULL) {
    size_t size = options->struct_size != 0 ? options->struct_size : OPTIONS_SIZE_0_1;
    memcpy(&taken, options, size < sizeof taken ? size : sizeof taken);
  }
  dl_verify_result own_result = DL_VERIFY_RESULT_INIT;
  dl_error own = DL_ERROR_INIT;
  dl_status status = dl__sync_enter(sync, &own);
  if (status == DL_OK) {
    status = run(sync, &taken, progress, &own_result, &own);
    dl__sync_leave(sync);
  }
  own_result.duration_ms = dl__clock_mono_ms() - start_ms;
  give(&own_result, result);
  if (status != DL_OK) dl__error_copy(err, &own);
  return status;
}

void dl_verify_result_clear(dl_verify_result *result) {
  if (result == NULL) return;
  if (result_size(result) >= RESULT_SIZE_0_1) free((void *)(uintptr_t)result->differences);
  uint32_t struct_size = result->struct_size;
  memset(result, 0, result_size(result));
  result->struct_size = struct_size;
}
