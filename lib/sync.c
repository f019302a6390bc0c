/* sync.c: the public calls, and the only file that sees all stages of a push and
 * runs them in order: config -> scan -> plan -> transfer -> state -> report. */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <devlog/devlog.h>

#include "base/clock.h"
#include "base/error.h"
#include "push/config.h"
#include "push/plan.h"
#include "push/progress.h"
#include "push/report.h"
#include "push/scan.h"
#include "push/state.h"
#include "push/statedir.h"
#include "push/transfer.h"
#include "storage/storage.h"

/* The size of dl_push_options in version 0.1; a struct_size of 0 means this one. */
#define OPTIONS_SIZE_0_1 (offsetof(dl_push_options, reserved) + sizeof(uint32_t))

#define COMPARE_BUFFER_BYTES ((size_t)256 * 1024)

struct dl_sync {
  dl_config *config;
  dl__storage storage;
  atomic_bool cancel;
  atomic_flag busy; /* set while dl_push runs */
};

/* One push on its way through the stages. */
typedef struct push {
  dl_sync *sync;
  dl_push_options options;
  dl__progress progress;
  dl_push_result result;
  char *base; /* real path */
  dl__statedir statedir;
  dl__state *state;
  dl__rows rows;
  dl__tree tree;
  dl__listing listing;
  dl__plan plan;
  dl__outcomes outcomes;
  dl_status state_status; /* the first failure to record an outcome */
  dl_error state_error;
} push;

const char *dl_version(void) {
  return DL_VERSION_STRING;
}

static int is_cancelled(void *user) {
  return atomic_load(&((dl_sync *)user)->cancel);
}

dl_status dl_sync_new(const dl_config *config, dl_sync **out, dl_error *err) {
  if (out == NULL || config == NULL) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_sync_new needs config and out");
  }
  *out = NULL;
  dl_status status = dl_config_validate(config, err);
  if (status != DL_OK) return status;
  dl_sync *sync = calloc(1, sizeof *sync);
  if (sync == NULL) return dl__fail_no_memory(err);
  atomic_init(&sync->cancel, false);
  atomic_flag_clear(&sync->busy);
  status = dl__config_copy(config, &sync->config, err);
  if (status == DL_OK) status = dl__storage_open(sync->config, &sync->storage, err);
  if (status != DL_OK) {
    dl_sync_free(sync);
    return status;
  }
  *out = sync;
  return DL_OK;
}

void dl_sync_free(dl_sync *sync) {
  if (sync == NULL) return;
  dl__storage_close(&sync->storage);
  dl_config_free(sync->config);
  free(sync);
}

void dl_cancel(dl_sync *sync) {
  if (sync != NULL) atomic_store(&sync->cancel, true);
}

static dl_status check_cancel(const push *p, dl_error *err) {
  if (!atomic_load(&p->sync->cancel)) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
}

static void tell_note(const push *p, const char *path, const char *message) {
  dl_progress_event event = {.path = path, .message = message};
  dl__progress_tell(&p->progress, p->progress.calls.note, event);
}

/* Stage 0: the folder, the lock, what is remembered. */
static dl_status begin(push *p, dl_error *err) {
  const dl_config *config = p->sync->config;
  const char *base = dl_config_get(config, "base");
  p->base = realpath(base, NULL);
  if (p->base == NULL && errno == ENOMEM) return dl__fail_no_memory(err);
  if (p->base == NULL && errno == ENOENT) {
    return dl__fail(err, DL_ERR_CONFIG, base,
                    "the folder %s does not exist; create it, or name another one", base);
  }
  if (p->base == NULL) {
    return dl__fail_errno(err, DL_ERR_CONFIG, errno, base, "cannot use the folder %s", base);
  }
  p->progress.base_path = p->base;
  char *remote = NULL;
  dl_status status = dl__statedir_remote(config, &remote, err);
  if (status == DL_OK) {
    status =
        dl__statedir_init(&p->statedir, dl_config_get(config, "state_dir"), p->base, remote, err);
  }
  free(remote);
  bool dry_run = p->options.dry_run != 0;
  if (status == DL_OK && !dry_run) status = dl__statedir_lock(&p->statedir, err);
  if (status != DL_OK) return status;
  const char *note;
  status = dl__state_open(p->statedir.database, dry_run, &p->state, &note, err);
  if (status != DL_OK) return status;
  if (note != NULL) tell_note(p, p->statedir.database, note);
  dl__state_take_rows(p->state, &p->rows);
  if ((p->sync->storage.slots.caps & DL_STORAGE_VOLATILE) != 0) dl__rows_clear(&p->rows);
  p->result.last_push_ns = dl__state_last_push_ns(p->state);
  return DL_OK;
}

static dl_status scan_with(push *p, const dl__patterns *include, const dl__patterns *exclude,
                           dl_error *err) {
  dl__file_id avoid[DL__STATEDIR_IDS];
  dl__scan_request request = {p->base, include, exclude, avoid, 0};
  request.avoid_count = dl__statedir_ids(&p->statedir, avoid);
  return dl__scan(&request, &p->tree, err);
}

static dl_status scan(push *p, dl_error *err) {
  p->result.stage = DL_STAGE_SCAN;
  dl_progress_event start = {.message = dl__storage_describe(&p->sync->storage)};
  dl__progress_tell(&p->progress, p->progress.calls.scan_start, start);
  dl__patterns include = {0};
  dl__patterns exclude = {0};
  dl_status status = dl__config_patterns(p->sync->config, "sync.include", &include, err);
  if (status == DL_OK) {
    status = dl__config_patterns(p->sync->config, "sync.exclude", &exclude, err);
  }
  if (status == DL_OK) status = scan_with(p, &include, &exclude, err);
  dl__patterns_clear(&include);
  dl__patterns_clear(&exclude);
  if (status != DL_OK) return status;
  for (size_t i = 0; i < p->tree.note_count; i++) {
    tell_note(p, p->tree.notes[i].path, p->tree.notes[i].message);
  }
  p->result.files_found = p->tree.count;
  dl_progress_event event = {.files = p->tree.count, .size_bytes = p->tree.total_bytes};
  dl__progress_tell(&p->progress, p->progress.calls.scan_complete, event);
  if (p->tree.count == 0 && p->tree.left_out > 0) {
    tell_note(p, p->base, "it has files, but none that sync.include takes; see its patterns");
  }
  return check_cancel(p, err);
}

static dl_status forget(const dl__row *row, void *user, dl_error *err) {
  return dl__state_remove(((push *)user)->state, row->key, err);
}

/* Compares content where stamps and sizes do not decide. */
static dl_status compare(push *p, dl_error *err) {
  dl__reader reader;
  bool md5 = (p->sync->storage.slots.caps & DL_STORAGE_WANTS_MD5) != 0;
  dl_status status = dl__reader_init(&reader, COMPARE_BUFFER_BYTES, md5, &p->sync->cancel, err);
  for (size_t i = 0; status == DL_OK && i < p->plan.count; i++) {
    dl__action *action = &p->plan.actions[i];
    if (action->verdict != DL__UNKNOWN) continue;
    status = dl__plan_compare(action, p->tree.fd, &p->sync->storage, &reader, err);
    if (status == DL_OK && action->confirmed && p->options.dry_run == 0) {
      status = dl__state_put(p->state, &action->fresh, err);
    }
  }
  dl__reader_clear(&reader);
  return status;
}

static dl_status detect_remote(push *p, dl_error *err) {
  dl_status status = dl__listing_read(&p->sync->storage, &p->listing, err);
  if (status != DL_OK) return status;
  dl__plan_remote(&p->plan, &p->listing);
  if (p->options.dry_run == 0) {
    status = dl__plan_stale_rows(&p->rows, &p->listing, forget, p, err);
  }
  if (status == DL_OK) status = compare(p, err);
  if (status == DL_OK && p->options.dry_run == 0) status = dl__state_commit(p->state, err);
  return status;
}

static dl_status detect(push *p, dl_error *err) {
  p->result.stage = DL_STAGE_CHANGE_DETECTION;
  dl_progress_event event = {.files = p->tree.count};
  dl__progress_tell(&p->progress, p->progress.calls.change_detection_start, event);
  bool all = p->options.mode == DL_MODE_ALL;
  dl_status status = dl__plan_local(&p->tree, &p->rows, all, p->options.force != 0, &p->plan, err);
  if (status != DL_OK) return status;
  uint64_t bytes;
  bool need_remote =
      (all && p->options.force == 0) || dl__plan_count(&p->plan, DL__UNKNOWN, &bytes) > 0;
  if (need_remote) status = detect_remote(p, err);
  if (status == DL_OK) status = check_cancel(p, err);
  if (status != DL_OK) return status;
  dl__report_plan(&p->plan, &p->result);
  event = (dl_progress_event){.files = dl__plan_wanted(&p->plan, &bytes)};
  event.size_bytes = bytes;
  dl__progress_tell(&p->progress, p->progress.calls.change_detection_complete, event);
  return check_cancel(p, err);
}

static dl_progress_event file_event(const dl__outcome *outcome) {
  const dl__file *file = outcome->action->file;
  return (dl_progress_event){.path = file->key, .size_bytes = file->stamp.size_bytes};
}

static void on_start(const dl__outcome *outcome, void *user) {
  const push *p = user;
  dl__progress_tell(&p->progress, p->progress.calls.file_upload_start, file_event(outcome));
}

static void on_progress(const dl__outcome *outcome, uint64_t sent_bytes, void *user) {
  const push *p = user;
  dl_progress_event event = file_event(outcome);
  event.sent_bytes = sent_bytes;
  if (sent_bytes > event.size_bytes) event.size_bytes = sent_bytes;
  dl__progress_tell(&p->progress, p->progress.calls.file_upload_progress, event);
}

static void on_retry(const dl__outcome *outcome, void *user) {
  const push *p = user;
  dl_progress_event event = file_event(outcome);
  event.error = outcome->first_error;
  event.message = event.error != NULL ? event.error->message : NULL;
  dl__progress_tell(&p->progress, p->progress.calls.retry, event);
}

/* A confirmed object is recorded before anybody hears of it. */
static void on_end(const dl__outcome *outcome, void *user) {
  push *p = user;
  dl_progress_event event = file_event(outcome);
  if (outcome->status == DL_ERR_CANCELLED) return;
  if (outcome->status != DL_OK) {
    event.error = outcome->error;
    event.message = event.error != NULL ? event.error->message : NULL;
    dl__progress_tell(&p->progress, p->progress.calls.file_upload_error, event);
    return;
  }
  if (p->state_status == DL_OK) {
    p->state_status = dl__state_put(p->state, &outcome->row, &p->state_error);
    if (p->state_status != DL_OK) atomic_store(&p->sync->cancel, true);
  }
  event.size_bytes = outcome->row.stamp.size_bytes;
  event.sent_bytes = outcome->sent_bytes;
  dl__progress_tell(&p->progress, p->progress.calls.file_upload_complete, event);
}

static dl_status transfer(push *p, dl_error *err) {
  const dl__storage *storage = &p->sync->storage;
  bool thread_safe = (storage->slots.caps & DL_STORAGE_THREAD_SAFE) != 0;
  bool conditional = (storage->slots.caps & DL_STORAGE_CONDITIONAL) != 0;
  uint32_t jobs = p->options.jobs != 0 ? p->options.jobs : dl__config_jobs(p->sync->config);
  dl__transfer_events events = {on_start, on_progress, on_retry, on_end, p};
  dl__transfer_request request = {
      .storage = storage,
      .plan = &p->plan,
      .dir_fd = p->tree.fd,
      .jobs = thread_safe ? jobs : 1,
      .conditional = conditional && p->plan.listed,
      .cancel = &p->sync->cancel,
      .events = &events,
  };
  return dl__transfer(&request, &p->outcomes, err);
}

/* Stage 3. What came through is committed, also when others failed. */
static dl_status upload(push *p, uint64_t files, uint64_t size_bytes, dl_error *err) {
  p->result.stage = DL_STAGE_UPLOAD;
  dl_progress_event event = {.files = files, .size_bytes = size_bytes};
  dl__progress_tell(&p->progress, p->progress.calls.upload_start, event);
  dl_status status = transfer(p, err);
  if (status != DL_OK) return status;
  status = dl__report_outcomes(&p->outcomes, &p->result, err);
  if (status != DL_OK) return status;
  if (p->state_status == DL_OK) p->state_status = dl__state_commit(p->state, &p->state_error);
  if (p->state_status != DL_OK) {
    dl__error_copy(err, &p->state_error);
    return p->state_status;
  }
  event = (dl_progress_event){
      .files = p->result.files_uploaded, .size_bytes = p->result.total_bytes, .result = &p->result};
  dl__progress_tell(&p->progress, p->progress.calls.upload_complete, event);
  if (p->result.files_skipped > 0) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  if (p->result.files_failed == 0) return DL_OK;
  return dl__fail(err, DL_ERR_PARTIAL,
                  p->result.error_count == 1 ? p->result.errors[0]->path : NULL,
                  "%llu file(s) could not be pushed", (unsigned long long)p->result.files_failed);
}

static void tell_dry_run(push *p) {
  dl__report_dry_run(&p->plan, &p->result);
  for (size_t i = 0; i < p->plan.count; i++) {
    const dl__action *action = &p->plan.actions[i];
    if (!dl__action_wanted(action)) continue;
    dl_progress_event event = {.path = action->file->key,
                               .size_bytes = action->file->stamp.size_bytes};
    dl__progress_tell(&p->progress, p->progress.calls.file_would_upload, event);
  }
}

static dl_status finish(push *p, dl_error *err) {
  p->result.stage = DL_STAGE_DONE;
  if (p->options.dry_run != 0) return DL_OK;
  dl_status status = dl__state_set_last_push(p->state, dl__clock_wall_ns(), err);
  if (status == DL_OK) status = dl__state_commit(p->state, err);
  if (status == DL_OK) p->result.last_push_ns = dl__state_last_push_ns(p->state);
  return status;
}

static dl_status run_stages(push *p, dl_error *err) {
  dl_status status = check_cancel(p, err);
  if (status == DL_OK) status = begin(p, err);
  if (status == DL_OK) status = scan(p, err);
  if (status == DL_OK) status = detect(p, err);
  if (status != DL_OK) return status;
  uint64_t bytes;
  uint64_t files = dl__plan_wanted(&p->plan, &bytes);
  if (p->options.dry_run != 0) {
    tell_dry_run(p);
    status = check_cancel(p, err);
  } else if (files > 0) {
    status = upload(p, files, bytes, err);
  }
  if (status == DL_ERR_PARTIAL) p->result.stage = DL_STAGE_DONE;
  return status == DL_OK ? finish(p, err) : status;
}

static void push_clear(push *p) {
  dl__outcomes_clear(&p->outcomes);
  dl__plan_clear(&p->plan);
  dl__listing_clear(&p->listing);
  dl__tree_clear(&p->tree);
  dl__rows_clear(&p->rows);
  dl__state_close(p->state);
  dl__statedir_clear(&p->statedir);
  free(p->base);
}

static dl_status take_options(const dl_push_options *from, dl_push_options *out, dl_error *err) {
  *out = (dl_push_options)DL_PUSH_OPTIONS_INIT;
  if (from == NULL) return DL_OK;
  size_t size = from->struct_size;
  if (size == 0) size = OPTIONS_SIZE_0_1;
  memcpy(out, from, size < sizeof *out ? size : sizeof *out);
  if (out->mode != DL_MODE_INCREMENTAL && out->mode != DL_MODE_ALL) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "no such mode: %d", (int)out->mode);
  }
  if (out->jobs > DL__CONFIG_JOBS_MAX) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "jobs must be at most %d", DL__CONFIG_JOBS_MAX);
  }
  return DL_OK;
}

dl_status dl_push(dl_sync *sync, const dl_push_options *options, const dl_progress *progress,
                  dl_push_result *result, dl_error *err) {
  if (sync == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_push needs a dl_sync");
  uint64_t start_ms = dl__clock_mono_ms();
  push p = {.sync = sync, .result = DL_PUSH_RESULT_INIT, .state_error = DL_ERROR_INIT};
  p.statedir.lock_fd = -1;
  p.tree.fd = -1;
  dl_error own = DL_ERROR_INIT;
  dl_status status = take_options(options, &p.options, &own);
  if (status == DL_OK && atomic_flag_test_and_set(&sync->busy)) {
    status = dl__fail(&own, DL_ERR_BUSY, NULL, "a push with this handle is running");
  } else if (status == DL_OK) {
    dl__storage_watch(&sync->storage, is_cancelled, sync);
    dl__progress_init(&p.progress, progress, dl_config_get(sync->config, "base"), &sync->cancel);
    status = run_stages(&p, &own);
    push_clear(&p);
    atomic_store(&sync->cancel, false);
    atomic_flag_clear(&sync->busy);
  }
  p.result.duration_ms = dl__clock_mono_ms() - start_ms;
  dl__report_give(&p.result, result);
  if (status != DL_OK) dl__error_copy(err, &own);
  return status;
}
