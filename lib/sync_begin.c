/* sync_begin.c: takes a dl_sync, finds its folder, takes the lock, reads what is remembered,
 * and scans: the beginning of every call that compares folder and remote. */
#include "sync_begin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "push/config.h"

void dl__session_init(dl__session *session, dl_sync *sync, const dl_progress *progress) {
  *session = (dl__session){.sync = sync};
  session->statedir.lock_fd = -1;
  dl__progress_init(&session->progress, progress, dl_config_get(sync->config, "base"),
                    &sync->cancel);
}

void dl__session_clear(dl__session *session) {
  dl__rows_clear(&session->rows);
  dl__state_close(session->state);
  dl__statedir_clear(&session->statedir);
  free(session->base);
}

dl_status dl__session_check_cancel(const dl__session *session, dl_error *err) {
  if (!atomic_load(&session->sync->cancel)) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
}

void dl__session_note(const dl__session *session, const char *path, const char *message) {
  dl_progress_event event = {.path = path, .message = message};
  dl__progress_tell(&session->progress, session->progress.calls.note, event);
}

uint32_t dl__session_jobs(const dl__session *session, uint32_t asked) {
  const dl_sync *sync = session->sync;
  if ((sync->storage.slots.caps & DL_STORAGE_THREAD_SAFE) == 0) return 1;
  return asked != 0 ? asked : dl__config_jobs(sync->config);
}

static dl_status find_base(dl__session *s, dl_error *err) {
  const char *base = dl_config_get(s->sync->config, "base");
  s->base = realpath(base, NULL);
  if (s->base == NULL && errno == ENOMEM) return dl__fail_no_memory(err);
  if (s->base == NULL && errno == ENOENT) {
    return dl__fail(err, DL_ERR_CONFIG, base,
                    "the folder %s does not exist; create it, or name another one", base);
  }
  if (s->base == NULL) {
    return dl__fail_errno(err, DL_ERR_CONFIG, errno, base, "cannot use the folder %s", base);
  }
  s->progress.base_path = s->base;
  return DL_OK;
}

dl_status dl__session_open(dl__session *session, dl_error *err) {
  const dl_config *config = session->sync->config;
  dl_status status = find_base(session, err);
  char *remote = NULL;
  if (status == DL_OK) status = dl__statedir_remote(config, &remote, err);
  if (status == DL_OK) {
    status = dl__statedir_init(&session->statedir, dl_config_get(config, "state_dir"),
                               session->base, remote, err);
  }
  free(remote);
  return status;
}

static void tell_wait(const dl__session *s) {
  char holder[DL__STATEDIR_HOLDER_MAX];
  char message[DL__STATEDIR_HOLDER_MAX + 64];
  dl__statedir_holder(&s->statedir, holder, sizeof holder);
  (void)snprintf(message, sizeof message, "waiting for a push or pull of this folder%s to end",
                 holder);
  dl__session_note(s, NULL, message);
}

/* With `wait`, whom it waits for is told before. */
static dl_status lock(dl__session *s, bool wait, dl_error *err) {
  dl_error who = DL_ERROR_INIT;
  dl_status status = dl__statedir_lock(&s->statedir, false, NULL, NULL, &who);
  if (status == DL_ERR_LOCKED && wait) {
    tell_wait(s);
    return dl__statedir_lock(&s->statedir, true, dl__sync_cancelled, s->sync, err);
  }
  if (status != DL_OK) dl__error_copy(err, &who);
  return status;
}

dl_status dl__session_remember(dl__session *session, bool read_only, bool wait, dl_error *err) {
  dl_status status = read_only ? DL_OK : lock(session, wait, err);
  if (status != DL_OK) return status;
  const char *note;
  const char *path = session->statedir.database;
  status = dl__state_open(path, read_only, &session->state, &note, err);
  if (status != DL_OK) return status;
  if (note != NULL) dl__session_note(session, path, note);
  dl__state_take_rows(session->state, &session->rows);
  if ((session->sync->storage.slots.caps & DL_STORAGE_VOLATILE) != 0) {
    dl__rows_clear(&session->rows);
  }
  return DL_OK;
}

static dl_status scan_with(const dl__session *s, const dl__patterns *include,
                           const dl__patterns *exclude, dl__tree *out, dl_error *err) {
  dl__file_id avoid[DL__STATEDIR_IDS];
  dl__scan_request request = {s->base, include, exclude, avoid, 0};
  request.avoid_count = dl__statedir_ids(&s->statedir, avoid);
  return dl__scan(&request, out, err);
}

static void tell_scan(const dl__session *s, const dl__tree *tree) {
  for (size_t i = 0; i < tree->note_count; i++) {
    dl__session_note(s, tree->notes[i].path, tree->notes[i].message);
  }
  dl_progress_event event = {.files = tree->count, .size_bytes = tree->total_bytes};
  dl__progress_tell(&s->progress, s->progress.calls.scan_complete, event);
  if (tree->count == 0 && tree->left_out > 0) {
    dl__session_note(s, s->base,
                     "it has files, but none that sync.include takes; see its patterns");
  }
}

dl_status dl__session_scan(dl__session *session, dl__tree *out, dl_error *err) {
  const dl_config *config = session->sync->config;
  dl_progress_event start = {.message = dl__storage_describe(&session->sync->storage)};
  dl__progress_tell(&session->progress, session->progress.calls.scan_start, start);
  dl__patterns include = {0};
  dl__patterns exclude = {0};
  dl_status status = dl__config_patterns(config, "sync.include", &include, err);
  if (status == DL_OK) status = dl__config_patterns(config, "sync.exclude", &exclude, err);
  if (status == DL_OK) status = scan_with(session, &include, &exclude, out, err);
  dl__patterns_clear(&include);
  dl__patterns_clear(&exclude);
  if (status != DL_OK) return status;
  tell_scan(session, out);
  return dl__session_check_cancel(session, err);
}
