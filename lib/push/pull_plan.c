/* push/pull_plan.c: takes what is listed, looks at what is here, says what a pull may do.
 *
 * A file may be replaced without a loss if it is what the last push or pull left here (then
 * only the remote has changed), or if the object begins with it (then a log has grown
 * elsewhere). Anything else that differs was changed here, and is not touched. */
#include "push/pull_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "push/target.h"

/* So much older than its ctime is the mtime of a file that was pulled: a write since would have
 * moved it to the time of the write. */
#define RESTORED_NS INT64_C(2000000000)

static void refuse(dl__pull_action *action, const dl_error *why) {
  action->verdict = DL__PULL_REFUSED;
  if (action->error == NULL) action->error = malloc(sizeof *action->error);
  if (action->error != NULL) *action->error = *why;
}

static void refuse_as(dl__pull_action *action, dl_status status, const char *why) {
  dl_error error = DL_ERROR_INIT;
  (void)dl__fail(&error, status, action->key, "%s", why);
  refuse(action, &error);
}

static const char *last_part(const char *key) {
  const char *slash = strrchr(key, '/');
  return slash != NULL ? slash + 1 : key;
}

static bool covers(const char *wanted, const char *key) {
  size_t length = strlen(wanted);
  return strncmp(wanted, key, length) == 0 && (key[length] == '\0' || key[length] == '/');
}

static bool is_wanted(const dl__pull_request *r, const char *key) {
  for (size_t i = 0; i < r->key_count; i++) {
    if (covers(r->keys[i], key)) return true;
  }
  return r->key_count == 0;
}

/* Some storages can have both "a" and "a/b"; a folder cannot. */
static bool is_below_object(const dl__listing *listing, const char *key) {
  char folder[DL_KEY_MAX + 1];
  for (const char *slash = strchr(key, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    size_t length = (size_t)(slash - key);
    memcpy(folder, key, length);
    folder[length] = '\0';
    if (dl__listing_find(listing, folder) != NULL) return true;
  }
  return false;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_objects(const dl__pull_request *r, dl__pull_plan *out) {
  size_t row = 0;
  for (size_t i = 0; i < r->listing->count; i++) {
    const dl__remote *remote = &r->listing->items[i];
    if (dl__target_is_temp(last_part(remote->key)) || !is_wanted(r, remote->key)) continue;
    dl__pull_action *action = &out->actions[out->count++];
    *action = (dl__pull_action){.key = remote->key, .remote = remote};
    int order = -1;
    while (row < r->rows->count && (order = strcmp(r->rows->items[row].key, remote->key)) < 0) {
      row++;
    }
    if (row < r->rows->count && order == 0) action->row = &r->rows->items[row];
    if (!is_below_object(r->listing, remote->key)) continue;
    refuse_as(action, DL_ERR_DOWNLOAD,
              "the remote has a file of the same name as one of its folders");
  }
}

static void add_foreign(const dl__pull_request *r, dl__pull_plan *out) {
  char **names = r->listing->foreign;
  size_t count = r->listing->foreign_count;
  if (count > 1) qsort(names, count, sizeof *names, compare_names);
  for (size_t i = 0; i < count; i++) {
    if (i > 0 && strcmp(names[i - 1], names[i]) == 0) continue;
    if (!is_wanted(r, names[i])) continue;
    dl__pull_action *action = &out->actions[out->count++];
    *action = (dl__pull_action){.key = names[i]};
    refuse_as(action, DL_ERR_DOWNLOAD, "refused: not a name that a file in the folder can have");
  }
}

static void add_missing(const dl__pull_request *r, dl__pull_plan *out) {
  size_t listed = out->count;
  for (size_t i = 0; i < r->key_count; i++) {
    bool found = false;
    for (size_t k = 0; k < listed && !found; k++) found = covers(r->keys[i], out->actions[k].key);
    if (found) continue;
    dl__pull_action *action = &out->actions[out->count++];
    *action = (dl__pull_action){.key = r->keys[i]};
    refuse_as(action, DL_ERR_NOT_FOUND, "the remote has no such file or folder");
  }
}

dl_status dl__pull_plan_make(const dl__pull_request *request, dl__pull_plan *out, dl_error *err) {
  const dl__listing *listing = request->listing;
  size_t room = listing->count + listing->foreign_count + request->key_count + 1;
  *out = (dl__pull_plan){calloc(room, sizeof *out->actions), 0};
  if (out->actions == NULL) return dl__fail_no_memory(err);
  add_objects(request, out);
  add_foreign(request, out);
  add_missing(request, out);
  return DL_OK;
}

void dl__pull_plan_clear(dl__pull_plan *plan) {
  for (size_t i = 0; i < plan->count; i++) free(plan->actions[i].error);
  free(plan->actions);
  *plan = (dl__pull_plan){0};
}

static void fetch(dl__pull_action *action, dl__fetch_over over) {
  action->verdict = DL__PULL_FETCH;
  action->over = over;
}

/* What the state says of the file that is here. */
typedef enum memory {
  NOTHING, /* another file, or an older one */
  LIKELY,  /* the one that was remembered, unless somebody wrote to it and put back its time, all in
              the moment in which it was made */
  SURELY
} memory;

static memory remembers(const dl__pull_action *action, const dl__stamp *stamp) {
  const dl__row *row = action->row;
  if (row == NULL || !dl__stamp_same(&row->stamp, stamp)) return NOTHING;
  if (row->settled) return SURELY;
  return stamp->mtime_ns < stamp->ctime_ns - RESTORED_NS ? LIKELY : NOTHING;
}

/* Only the remote has changed. */
static void fetch_known(dl__pull_action *action, const dl__stamp *stamp) {
  fetch(action, DL__OVER_KNOWN);
  action->known = *stamp;
}

static void settle_changed(const dl__pull_request *r, dl__pull_action *action, bool was_pushed) {
  if (r->force) {
    fetch(action, DL__OVER_ANY);
  } else if (was_pushed) {
    refuse_as(action, DL_ERR_CONFLICT,
              "was changed here, and not at the remote: push it; or pull with --force, which keeps "
              "it beside as .orig");
  } else {
    refuse_as(action, DL_ERR_CONFLICT,
              "was changed here and at the remote; with --force what is here is kept beside as "
              ".orig");
  }
}

/* True: the local file can be read; else the action is refused. */
static bool can_read(const dl__pull_request *r, dl__pull_action *action) {
  dl__source source;
  dl_error why = DL_ERROR_INIT;
  dl_status status = dl__source_open(&source, r->dir_fd, action->key, &why);
  dl__source_close(&source);
  if (status == DL_OK || r->force) return true;
  why.status = DL_ERR_DOWNLOAD;
  refuse(action, &why);
  return false;
}

/* Both have the same size: their content decides. */
static dl_status compare_content(const dl__pull_request *r, dl__pull_action *action, dl__row *fresh,
                                 dl_error *err) {
  dl__file file = {.key = action->remote->key};
  dl__action same = {.file = &file, .remote = action->remote};
  dl_status status = dl__plan_compare(&same, r->dir_fd, r->storage, r->reader, fresh, err);
  if (status == DL_OK && same.verdict == DL__UNCHANGED) {
    action->verdict = DL__PULL_SAME;
    fresh->key = action->remote->key;
  }
  return status;
}

/* A shorter file: the fetch finds out whether the object begins with it; a dry run by looking. */
static dl_status compare_shorter(const dl__pull_request *r, dl__pull_action *action,
                                 dl_error *err) {
  dl__fetch_meter meter;
  atomic_init(&meter.received_bytes, 0);
  atomic_init(&meter.done_bytes, 0);
  atomic_init(&meter.reused_bytes, 0);
  fetch(action, r->force ? DL__OVER_ANY : DL__OVER_PREFIX);
  if (r->force || !r->dry_run) return DL_OK;
  dl__fetch_request request = {.storage = r->storage,
                               .dir_fd = r->dir_fd,
                               .remote = action->remote,
                               .reader = r->reader,
                               .meter = &meter};
  bool prefix;
  dl_status status = dl__fetch_is_prefix(&request, &prefix, err);
  if (status == DL_OK && !prefix) settle_changed(r, action, false);
  return status;
}

static dl_status compare_file(const dl__pull_request *r, dl__pull_action *action,
                              const dl__stamp *stamp, dl__row *fresh, dl_error *err) {
  const dl__remote *remote = action->remote;
  memory known = remembers(action, stamp);
  bool has_digest = dl__digest_valid(remote->digest);
  if (known == SURELY && has_digest && strcmp(remote->digest, action->row->digest) == 0) {
    action->verdict = DL__PULL_SAME;
    return DL_OK;
  }
  dl_status status = DL_OK;
  bool settled = known == SURELY && has_digest; /* and so they differ */
  if (!settled && remote->size_bytes == stamp->size_bytes) {
    if (!can_read(r, action)) return DL_OK;
    status = compare_content(r, action, fresh, err);
  }
  if (status != DL_OK || action->verdict == DL__PULL_SAME) return status;
  if (known != NOTHING) {
    fetch_known(action, stamp);
    return DL_OK;
  }
  const dl__row *row = action->row;
  bool was_pushed = row != NULL && has_digest && strcmp(row->digest, remote->digest) == 0;
  if (stamp->size_bytes < remote->size_bytes && !was_pushed) {
    return compare_shorter(r, action, err);
  }
  settle_changed(r, action, was_pushed);
  return DL_OK;
}

/* The state of this very program may lie in the folder. */
static bool is_avoided(const dl__pull_request *r, const dl__target *target) {
  struct stat st;
  if (target->dir_fd < 0) return false;
  if (fstat(target->dir_fd, &st) != 0) return true;
  for (size_t i = 0; i < r->avoid_count; i++) {
    const dl__file_id *id = &r->avoid[i];
    bool folder = id->dev == (uint64_t)st.st_dev && id->ino == (uint64_t)st.st_ino;
    bool file = target->there && id->dev == target->stamp.dev && id->ino == target->stamp.ino;
    if (folder || file) return true;
  }
  return false;
}

dl_status dl__pull_plan_compare(const dl__pull_request *request, dl__pull_action *action,
                                dl__row *fresh, dl_error *err) {
  *fresh = (dl__row){0};
  if (request->dir_fd < 0) {
    fetch(action, DL__OVER_NOTHING);
    return DL_OK;
  }
  dl__target target;
  dl_error why = DL_ERROR_INIT;
  dl_status status = dl__target_find(&target, request->dir_fd, action->key, false, &why);
  if (status == DL_ERR_NO_MEMORY) {
    dl__error_copy(err, &why);
  } else if (status != DL_OK) {
    refuse(action, &why);
    status = DL_OK;
  } else if (is_avoided(request, &target)) {
    refuse_as(action, DL_ERR_DOWNLOAD, "refused: this program keeps its state there");
  } else if (!target.there) {
    fetch(action, DL__OVER_NOTHING);
  } else {
    status = compare_file(request, action, &target.stamp, fresh, err);
  }
  dl__target_clear(&target);
  return status;
}
