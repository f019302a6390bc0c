/* push/plan.c: merges sorted lists: files with rows, then files with objects.
 * Content decides; a stamp only ever stands for a content that was read before. */
#include "push/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/vec.h"

bool dl__remote_needs_layout(const dl__remote *remote) {
  return remote->digest.kind == DL__DIGEST_NONE || remote->digest.kind == DL__DIGEST_SEGMENTS;
}

static void remote_clear(dl__remote *remote) {
  free(remote->key);
  free(remote->etag);
}

/* A listing that is being read. */
typedef struct reading {
  dl__listing *list;
  bool no_memory;
} reading;

static bool add_foreign(dl__listing *list, const char *name) {
  if (!dl__vec_grow(&list->foreign, list->foreign_count, &list->foreign_capacity,
                    sizeof *list->foreign)) {
    return false;
  }
  char *copy = strdup(name);
  if (copy != NULL) list->foreign[list->foreign_count++] = copy;
  return copy != NULL;
}

static int add_remote(const dl_object *object, void *user) {
  reading *r = user;
  dl__listing *list = r->list;
  if (object->foreign != 0) {
    r->no_memory = !add_foreign(list, object->key);
    return r->no_memory ? 1 : 0;
  }
  r->no_memory = true;
  if (!dl__vec_grow(&list->items, list->count, &list->capacity, sizeof *list->items)) return 1;
  dl__remote *item = &list->items[list->count];
  *item = (dl__remote){.size_bytes = object->size_bytes, .mtime_ns = object->mtime_ns};
  item->key = strdup(object->key);
  item->etag = object->etag != NULL ? strdup(object->etag) : NULL;
  if (item->key == NULL || (object->etag != NULL && item->etag == NULL)) {
    remote_clear(item);
    return 1;
  }
  if (object->digest != NULL) item->digest = dl__digest_pack(object->digest);
  list->count++;
  r->no_memory = false;
  return 0;
}

static int compare_remotes(const void *a, const void *b) {
  return strcmp(((const dl__remote *)a)->key, ((const dl__remote *)b)->key);
}

/* A server that lists a key twice must not break the merge. */
static void drop_doubles(dl__listing *listing) {
  size_t kept = 0;
  for (size_t i = 0; i < listing->count; i++) {
    dl__remote *item = &listing->items[i];
    if (kept > 0 && strcmp(listing->items[kept - 1].key, item->key) == 0) {
      remote_clear(item);
    } else {
      listing->items[kept++] = *item;
    }
  }
  listing->count = kept;
}

/* Most storages list in order; to sort takes memory of its own. */
static bool is_sorted(const dl__listing *listing) {
  for (size_t i = 1; i < listing->count; i++) {
    if (compare_remotes(&listing->items[i - 1], &listing->items[i]) > 0) return false;
  }
  return true;
}

static dl_status finish_reading(const reading *r, dl_status status, dl_error *err) {
  dl__listing *out = r->list;
  if (r->no_memory) status = dl__fail_no_memory(err);
  if (status != DL_OK) {
    dl__listing_clear(out);
    return status;
  }
  if (!is_sorted(out)) qsort(out->items, out->count, sizeof *out->items, compare_remotes);
  drop_doubles(out);
  return DL_OK;
}

dl_status dl__listing_read(const dl__storage *storage, dl__listing *out, dl_error *err) {
  *out = (dl__listing){0};
  reading r = {out, false};
  dl_status status = dl__storage_list(storage, "", add_remote, &r, err);
  return finish_reading(&r, status, err);
}

dl_status dl__listing_read_all(const dl__storage *storage, const char *prefix, dl__listing *out,
                               dl_error *err) {
  *out = (dl__listing){0};
  reading r = {out, false};
  dl_status status = dl__storage_list_all(storage, prefix, add_remote, &r, err);
  return finish_reading(&r, status, err);
}

dl_status dl__listing_stat(const dl__storage *storage, const char *key, dl__listing *out,
                           dl_error *err) {
  *out = (dl__listing){0};
  reading r = {out, false};
  dl_status status = dl__storage_stat(storage, key, add_remote, &r, err);
  return finish_reading(&r, status, err);
}

const dl__remote *dl__listing_find(const dl__listing *listing, const char *key) {
  dl__remote wanted = {.key = (char *)(uintptr_t)key};
  if (listing->count == 0) return NULL;
  return bsearch(&wanted, listing->items, listing->count, sizeof wanted, compare_remotes);
}

void dl__listing_clear(dl__listing *listing) {
  for (size_t i = 0; i < listing->foreign_count; i++) free(listing->foreign[i]);
  free(listing->foreign);
  for (size_t i = 0; i < listing->count; i++) remote_clear(&listing->items[i]);
  free(listing->items);
  *listing = (dl__listing){0};
}

/* The digest that was remembered for exactly this version of the file, or NULL. */
static const dl__digest *remembered_digest(const dl__action *action) {
  const dl__row *row = action->row;
  bool same = row != NULL && row->settled && dl__stamp_same(&row->stamp, &action->file->stamp);
  return same ? &row->digest : NULL;
}

static dl__verdict judge_local(const dl__action *action, bool all, bool force) {
  if (force) return action->row != NULL ? DL__MODIFIED : DL__ADDED;
  return !all && remembered_digest(action) != NULL ? DL__UNCHANGED : DL__UNKNOWN;
}

dl_status dl__plan_local(const dl__tree *tree, const dl__rows *rows, bool all, bool force,
                         dl__plan *out, dl_error *err) {
  *out = (dl__plan){0};
  out->actions = calloc(tree->count + 1, sizeof *out->actions);
  if (out->actions == NULL) return dl__fail_no_memory(err);
  out->count = tree->count;
  size_t r = 0;
  for (size_t i = 0; i < tree->count; i++) {
    dl__action *action = &out->actions[i];
    action->file = &tree->files[i];
    int order = -1;
    while (r < rows->count && (order = strcmp(rows->items[r].key, action->file->key)) < 0) {
      out->only_at_remote++;
      r++;
    }
    if (r < rows->count && order == 0) action->row = &rows->items[r++];
    action->verdict = judge_local(action, all, force);
  }
  out->only_at_remote += rows->count - r;
  return DL_OK;
}

void dl__plan_clear(dl__plan *plan) {
  free(plan->actions);
  *plan = (dl__plan){0};
}

size_t dl__plan_count(const dl__plan *plan, dl__verdict verdict, uint64_t *size_bytes) {
  size_t count = 0;
  *size_bytes = 0;
  for (size_t i = 0; i < plan->count; i++) {
    if (plan->actions[i].verdict != verdict) continue;
    count++;
    *size_bytes += plan->actions[i].file->stamp.size_bytes;
  }
  return count;
}

bool dl__action_wanted(const dl__action *action) {
  return action->verdict == DL__ADDED || action->verdict == DL__MODIFIED;
}

size_t dl__plan_wanted(const dl__plan *plan, uint64_t *size_bytes) {
  uint64_t added;
  uint64_t modified;
  size_t count =
      dl__plan_count(plan, DL__ADDED, &added) + dl__plan_count(plan, DL__MODIFIED, &modified);
  *size_bytes = added + modified;
  return count;
}

static dl__verdict judge_remote(const dl__action *action) {
  const dl__remote *remote = action->remote;
  if (remote == NULL) return DL__ADDED;
  if (remote->size_bytes != action->file->stamp.size_bytes) return DL__MODIFIED;
  const dl__digest *digest = remembered_digest(action);
  if (digest == NULL || !dl__digest_is_sha256(&remote->digest)) return DL__UNKNOWN;
  return dl__digest_same(digest, &remote->digest) ? DL__UNCHANGED : DL__MODIFIED;
}

/* A file that the state vouches for is left alone unless the listing, now that it
 * is there, says otherwise. */
static dl__verdict judge_trusted(const dl__action *action) {
  dl__verdict verdict = judge_remote(action);
  return verdict == DL__UNKNOWN ? DL__UNCHANGED : verdict;
}

static bool contradicts(const dl__row *row, const dl__remote *remote) {
  return row->stamp.size_bytes != remote->size_bytes ||
         (dl__digest_is_sha256(&remote->digest) && !dl__digest_same(&row->digest, &remote->digest));
}

void dl__plan_remote(dl__plan *plan, const dl__listing *listing) {
  plan->listed = true;
  plan->only_at_remote = 0;
  size_t r = 0;
  for (size_t i = 0; i < plan->count; i++) {
    dl__action *action = &plan->actions[i];
    int order = -1;
    while (r < listing->count && (order = strcmp(listing->items[r].key, action->file->key)) < 0) {
      plan->only_at_remote++;
      r++;
    }
    if (r < listing->count && order == 0) action->remote = &listing->items[r++];
    action->foreign =
        action->row != NULL && action->remote != NULL && contradicts(action->row, action->remote);
    if (action->verdict == DL__UNKNOWN) action->verdict = judge_remote(action);
    if (action->verdict == DL__UNCHANGED) action->verdict = judge_trusted(action);
  }
  plan->only_at_remote += listing->count - r;
}

dl_status dl__plan_stale_rows(const dl__rows *rows, const dl__listing *listing,
                              dl_status (*stale)(const dl__row *row, bool there, void *user,
                                                 dl_error *err),
                              void *user, dl_error *err) {
  size_t r = 0;
  dl_status status = DL_OK;
  for (size_t i = 0; status == DL_OK && i < rows->count; i++) {
    const dl__row *row = &rows->items[i];
    while (r < listing->count && strcmp(listing->items[r].key, row->key) < 0) r++;
    bool there = r < listing->count && strcmp(listing->items[r].key, row->key) == 0;
    if (!there || contradicts(row, &listing->items[r])) status = stale(row, there, user, err);
  }
  return status;
}
