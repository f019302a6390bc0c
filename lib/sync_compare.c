/* sync_compare.c: dl_compare: takes the plan that a dry run made, says of each file that a push
 * would send why, and counts them. */
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "push/plan.h"
#include "push/source.h"
#include "sync.h"

#define BUFFER_BYTES ((size_t)128 * 1024)

/* The size of dl_compare_result in version 0.1; a struct_size of 0 means this one. */
#define RESULT_SIZE_0_1 sizeof(dl_compare_result)

enum { UNCHANGED = 0 }; /* beside the values of dl_change_kind */

/* One dl_compare. */
typedef struct comparing {
  dl_sync *sync;
  bool remote;
  dl_change_fn each;
  void *user;
  dl_compare_result result;
  dl__reader reader;
} comparing;

/* The stamps say nothing, the sizes are equal: the content of the file against the digest that is
 * remembered. A file that cannot be read counts as different: the push will say why. */
static dl_status compare_content(comparing *c, const dl__action *action, int dir_fd, int *kind,
                                 dl_error *err) {
  dl__source source;
  dl__digests digests;
  *kind = DL_CHANGE_CHANGED;
  dl_status status = dl__source_open(&source, dir_fd, action->file->key, err);
  bool same_size = status == DL_OK && source.stamp.size_bytes == action->row->stamp.size_bytes;
  if (same_size) {
    status = dl__source_digest(&source, &c->reader, &digests, err);
    if (status == DL_OK) status = dl__source_check(&source, err);
  }
  dl__source_close(&source);
  if (status == DL_ERR_CANCELLED || status == DL_ERR_NO_MEMORY) return status;
  if (!same_size || status != DL_OK) return DL_OK;
  if (dl__digest_is(&action->row->digest, digests.sha256)) *kind = UNCHANGED;
  return DL_OK;
}

/* What is remembered decides, and where it does not, the content: of a file in parts, the digest
 * is that of its parts, which only the remote knows. */
static dl_status judge_local(comparing *c, const dl__action *action, int dir_fd, int *kind,
                             dl_error *err) {
  const dl__row *row = action->row;
  const dl__stamp *now = &action->file->stamp;
  *kind = UNCHANGED;
  if (action->verdict == DL__UNCHANGED) return DL_OK;
  if (row == NULL) {
    *kind = DL_CHANGE_NEW;
  } else if (now->size_bytes > row->stamp.size_bytes && now->ino == row->stamp.ino) {
    *kind = DL_CHANGE_GROWN;
  } else if (now->size_bytes != row->stamp.size_bytes) {
    *kind = DL_CHANGE_CHANGED;
  } else if (row->digest.kind != DL__DIGEST_WHOLE) {
    *kind = DL_CHANGE_TOUCHED;
  } else {
    return compare_content(c, action, dir_fd, kind, err);
  }
  return DL_OK;
}

/* The comparison with the remote was made; what is left is why it came out so. */
static int judge_remote(const dl__action *action) {
  const dl__file *file = action->file;
  if (!dl__action_wanted(action)) return UNCHANGED;
  if (action->remote == NULL) return action->row != NULL ? DL_CHANGE_MISSING : DL_CHANGE_NEW;
  bool same_file = action->row == NULL || action->row->stamp.ino == file->stamp.ino;
  bool larger = file->stamp.size_bytes > action->remote->size_bytes;
  return larger && same_file ? DL_CHANGE_GROWN : DL_CHANGE_CHANGED;
}

static void count(dl_compare_result *result, int kind, uint64_t size_bytes) {
  uint64_t *const counts[] = {
      [UNCHANGED] = &result->files_unchanged,       [DL_CHANGE_NEW] = &result->files_new,
      [DL_CHANGE_GROWN] = &result->files_grown,     [DL_CHANGE_CHANGED] = &result->files_changed,
      [DL_CHANGE_TOUCHED] = &result->files_touched, [DL_CHANGE_MISSING] = &result->files_missing};
  (*counts[kind])++;
  if (kind != UNCHANGED && kind != DL_CHANGE_TOUCHED) result->total_bytes += size_bytes;
}

static uint64_t before_bytes(const comparing *c, const dl__action *action) {
  if (c->remote) return action->remote != NULL ? action->remote->size_bytes : 0;
  return action->row != NULL ? action->row->stamp.size_bytes : 0;
}

static dl_status check_cancel(const comparing *c, dl_error *err) {
  if (!atomic_load(&c->sync->cancel)) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
}

static dl_status tell(const comparing *c, const dl__action *action, int kind, dl_error *err) {
  if (kind == UNCHANGED || c->each == NULL) return DL_OK;
  dl_change change = DL_CHANGE_INIT;
  change.kind = kind;
  change.path = action->file->key;
  change.size_bytes = action->file->stamp.size_bytes;
  change.before_bytes = before_bytes(c, action);
  if (c->each(&change, c->user) == 0) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
}

/* One file after the other: what a file is decided to be is told at once. */
static dl_status look(const dl__sync_view *view, void *user, dl_error *err) {
  comparing *c = user;
  const dl__plan *plan = view->plan;
  dl_status status = dl__reader_init(&c->reader, BUFFER_BYTES, false, &c->sync->cancel, err);
  for (size_t i = 0; status == DL_OK && i < plan->count; i++) {
    const dl__action *action = &plan->actions[i];
    int kind = UNCHANGED;
    if (c->remote) {
      kind = judge_remote(action);
    } else {
      status = judge_local(c, action, view->dir_fd, &kind, err);
    }
    if (status == DL_OK) status = check_cancel(c, err);
    if (status != DL_OK) break;
    count(&c->result, kind, action->file->stamp.size_bytes);
    status = tell(c, action, kind, err);
  }
  dl__reader_clear(&c->reader);
  c->result.files_found = plan->count;
  c->result.files_deleted_locally = plan->only_at_remote;
  c->result.last_push_ns = view->last_push_ns;
  return status;
}

/* As far as the host's struct goes. */
static void give(const dl_compare_result *result, dl_compare_result *out) {
  if (out == NULL) return;
  uint32_t struct_size = out->struct_size;
  size_t size = struct_size != 0 ? struct_size : RESULT_SIZE_0_1;
  memcpy(out, result, size < sizeof *result ? size : sizeof *result);
  out->struct_size = struct_size;
}

static bool wants_remote(const dl_compare_options *options) {
  if (options == NULL) return false;
  size_t end = offsetof(dl_compare_options, remote) + sizeof options->remote;
  return (options->struct_size == 0 || options->struct_size >= end) && options->remote != 0;
}

dl_status dl_compare(dl_sync *sync, const dl_compare_options *options, dl_change_fn each,
                     void *user, dl_compare_result *result, dl_error *err) {
  if (sync == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_compare needs a dl_sync");
  comparing c = {sync, wants_remote(options), each, user, DL_COMPARE_RESULT_INIT, {0}};
  dl_error own = DL_ERROR_INIT;
  dl_status status = dl__sync_enter(sync, &own);
  if (status == DL_OK) {
    status = dl__sync_look(sync, c.remote, look, &c, &own);
    dl__sync_leave(sync);
  }
  if (status != DL_OK) c.result = (dl_compare_result)DL_COMPARE_RESULT_INIT;
  give(&c.result, result);
  if (status != DL_OK) dl__error_copy(err, &own);
  return status;
}
