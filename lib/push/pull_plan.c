/* push/pull_plan.c: takes what is listed, looks at what is here, says what a pull may do.
 *
 * A file may be replaced if it is what the last push or pull left here (then only the remote
 * has changed), or if the object begins with it (then a log has grown
 * elsewhere). Anything else that differs was changed here, and is not touched. Of a file that only
 * ever grows the object has to begin with it in any case: else some machine has put another file
 * over what was pushed from here. */
#include "push/pull_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fs.h"
#include "base/temp.h"

/* So much older than its ctime is the mtime of a file that was pulled: a write since would have
 * moved it to the time of the write. */
#define RESTORED_NS INT64_C(2000000000)

static void refuse(dl__pull_action *action, const dl_error *why) {
  action->verdict = DL__PULL_REFUSED;
  free(action->error);
  action->error = dl__error_keep(why);
}

static void refuse_as(dl__pull_action *action, dl_status status, const char *why) {
  dl_error error = DL_ERROR_INIT;
  (void)dl__fail(&error, status, action->key, "%s", why);
  refuse(action, &error);
}

static void leave_out(dl__pull_action *action, const char *why) {
  action->verdict = DL__PULL_LEFT_OUT;
  action->note = why;
  free(action->error);
  action->error = NULL;
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
    if (dl__temp_is(dl__fs_last_part(remote->key)) || !is_wanted(r, remote->key)) continue;
    dl__pull_action *action = &out->actions[out->count++];
    *action = (dl__pull_action){.key = remote->key, .remote = remote};
    int order = -1;
    while (row < r->rows->count && (order = strcmp(r->rows->items[row].key, remote->key)) < 0) {
      row++;
    }
    if (row < r->rows->count && order == 0) action->row = &r->rows->items[row];
    if (!dl__scan_takes(remote->key)) {
      leave_out(action, "not pulled: a push never sends such a name");
    } else if (is_below_object(r->listing, remote->key)) {
      refuse_as(action, DL_ERR_DOWNLOAD,
                "the remote has a file of the same name as one of its folders");
    }
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

/* What it takes to look at the content without getting the object. */
static dl__fetch_request look_at(const dl__pull_request *r, const dl__pull_action *action,
                                 dl__fetch_meter *meter) {
  atomic_init(&meter->received_bytes, 0);
  atomic_init(&meter->done_bytes, 0);
  atomic_init(&meter->reused_bytes, 0);
  return (dl__fetch_request){.storage = r->storage,
                             .dir_fd = r->dir_fd,
                             .remote = action->remote,
                             .reader = r->reader,
                             .meter = meter};
}

static bool was_pushed(const dl__pull_action *action) {
  const dl__digest *digest = &action->remote->digest;
  return action->row != NULL && dl__digest_is_sha256(digest) &&
         dl__digest_same(&action->row->digest, digest);
}

/* What is here is not to be replaced. */
static dl_status settle_changed(const dl__pull_request *r, dl__pull_action *action,
                                const dl__stamp *stamp, memory known, dl_error *err) {
  const char *why = "was changed here and at the remote; with --force what is here is kept beside "
                    "as .orig";
  bool grown = false;
  if (r->force) {
    fetch(action, DL__OVER_ANY);
    return DL_OK;
  }
  if (!was_pushed(action) && stamp->size_bytes > action->remote->size_bytes) {
    dl__fetch_meter meter;
    dl__fetch_request request = look_at(r, action, &meter);
    dl_status status = dl__fetch_has_grown(&request, &grown, err);
    if (status != DL_OK) return status;
  }
  if (grown) {
    why = "has more here than at the remote: push it; or pull with --force, which keeps it beside "
          "as .orig";
  } else if (was_pushed(action)) {
    why = "was changed here, and not at the remote: push it; or pull with --force, which keeps it "
          "beside as .orig";
  } else if (known != NOTHING) {
    why = "the remote has another file now, without all that is here; with --force what is here is "
          "kept beside as .orig";
  } else if (action->row == NULL) {
    why = "differs from the remote; with --force what is here is kept beside as .orig";
  }
  refuse_as(action, DL_ERR_CONFLICT, why);
  return DL_OK;
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
                                 const dl__stamp *stamp, memory known, dl_error *err) {
  fetch(action, r->force ? DL__OVER_ANY : DL__OVER_PREFIX);
  if (r->force || !r->dry_run) return DL_OK;
  dl__fetch_meter meter;
  dl__fetch_request request = look_at(r, action, &meter);
  bool prefix;
  dl_status status = dl__fetch_is_prefix(&request, &prefix, err);
  return status != DL_OK || prefix ? status : settle_changed(r, action, stamp, known, err);
}

static bool only_grows(const dl__pull_request *r, const dl__pull_action *action) {
  return r->append_only != NULL && dl__patterns_match(r->append_only, action->key);
}

static dl_status compare_file(const dl__pull_request *r, dl__pull_action *action,
                              const dl__stamp *stamp, dl__row *fresh, dl_error *err) {
  const dl__remote *remote = action->remote;
  memory known = remembers(action, stamp);
  bool has_digest = dl__digest_is_sha256(&remote->digest);
  if (known == SURELY && has_digest && dl__digest_same(&remote->digest, &action->row->digest)) {
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
  if (known != NOTHING && !only_grows(r, action)) {
    fetch_known(action, stamp);
    return DL_OK;
  }
  if (stamp->size_bytes < remote->size_bytes && !was_pushed(action)) {
    return compare_shorter(r, action, stamp, known, err);
  }
  return settle_changed(r, action, stamp, known, err);
}

/* The next push goes to where the settings say: no remote may change that unasked. */
static bool keeps_settings(const dl__pull_request *r, const dl__pull_action *action) {
  if (r->force || strcmp(action->key, "config.ini") != 0) return false;
  for (size_t i = 0; i < r->key_count; i++) {
    if (strcmp(r->keys[i], action->key) == 0) return false;
  }
  return true;
}

/* There is a file in its place. */
static dl_status compare_there(const dl__pull_request *r, dl__pull_action *action,
                               const dl__stamp *stamp, dl__row *fresh, dl_error *err) {
  dl_error why = DL_ERROR_INIT;
  dl_status status = compare_file(r, action, stamp, fresh, &why);
  if (dl__status_is_about_all(status)) {
    dl__error_copy(err, &why);
    return status;
  }
  if (status != DL_OK) refuse(action, &why);
  if (action->verdict != DL__PULL_SAME && keeps_settings(r, action)) {
    leave_out(action, "not pulled: the settings here are others, and stay; to replace them, name "
                      "config.ini as a KEY, or pull with --force");
  }
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
    status = compare_there(request, action, &target.stamp, fresh, err);
  }
  dl__target_clear(&target);
  return status;
}
