/* sync_push.c: runs the stages of a push in order, each on what the one before made:
 * config -> scan -> plan -> transfer -> state -> report. */
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "push/config.h"
#include "push/plan.h"
#include "push/progress.h"
#include "push/report.h"
#include "push/scan.h"
#include "push/state.h"
#include "push/transfer.h"
#include "sync_begin.h"

#define COMPARE_BUFFER_BYTES ((size_t)256 * 1024)

/* One push on its way through the stages. */
typedef struct push {
  dl__session session;
  const dl_push_options *options;
  dl_push_result *result;
  dl__tree tree;
  dl__listing listing;
  dl__plan plan;
  dl__patterns append_only;
  dl__outcomes outcomes;
  dl_status state_status; /* the first failure to record an outcome */
  dl_error state_error;
} push;

static dl_status check_cancel(const push *p, dl_error *err) {
  return dl__session_check_cancel(&p->session, err);
}

/* Stage 0: the folder, the lock, what is remembered. */
static dl_status begin(push *p, dl_error *err) {
  dl_status status = dl__session_open(&p->session, err);
  if (status == DL_OK) {
    bool dry_run = p->options->dry_run != 0;
    status = dl__session_remember(&p->session, dry_run, p->options->wait != 0, err);
  }
  if (status == DL_OK) p->result->last_push_ns = dl__state_last_push_ns(p->session.state);
  return status;
}

static dl_status scan(push *p, dl_error *err) {
  p->result->stage = DL_STAGE_SCAN;
  dl_status status = dl__session_scan(&p->session, &p->tree, err);
  if (status == DL_OK || status == DL_ERR_CANCELLED) p->result->files_found = p->tree.count;
  return status;
}

/* What it confirmed is gone. If something else is there, it is remembered that it is
 * somebody else's, and compared each time. */
static dl_status doubt(const dl__row *row, bool there, void *user, dl_error *err) {
  dl__state *state = ((push *)user)->session.state;
  if (!there) return dl__state_remove(state, row->key, err);
  dl__row doubted = *row;
  doubted.settled = false;
  return dl__state_put(state, &doubted, err);
}

/* With `checksum`, nothing that was remembered counts, not even if this push fails. */
static dl_status forget_all(push *p, dl_error *err) {
  dl_status status = DL_OK;
  for (size_t i = 0; status == DL_OK && p->options->dry_run == 0 && i < p->session.rows.count;
       i++) {
    status = dl__state_remove(p->session.state, p->session.rows.items[i].key, err);
  }
  dl__rows_clear(&p->session.rows);
  if (status == DL_OK && p->options->dry_run == 0) status = dl__state_commit(p->session.state, err);
  return status;
}

/* Compares content where stamps and sizes do not decide. */
static dl_status compare(push *p, dl_error *err) {
  dl__reader reader;
  bool md5 = (p->session.sync->storage.slots.caps & DL_STORAGE_WANTS_MD5) != 0;
  dl_status status =
      dl__reader_init(&reader, COMPARE_BUFFER_BYTES, md5, &p->session.sync->cancel, err);
  for (size_t i = 0; status == DL_OK && i < p->plan.count; i++) {
    dl__action *action = &p->plan.actions[i];
    if (action->verdict != DL__UNKNOWN) continue;
    dl__row fresh;
    status = dl__plan_compare(action, p->tree.fd, &p->session.sync->storage, &reader, &fresh, err);
    if (status == DL_OK && fresh.key != NULL && p->options->dry_run == 0) {
      status = dl__state_put(p->session.state, &fresh, err);
    }
  }
  dl__reader_clear(&reader);
  return status;
}

static dl_status detect_remote(push *p, dl_error *err) {
  dl_status status = dl__listing_read(&p->session.sync->storage, &p->listing, err);
  if (status != DL_OK) return status;
  dl__plan_remote(&p->plan, &p->listing);
  if (p->options->dry_run == 0) {
    status = dl__plan_stale_rows(&p->session.rows, &p->listing, doubt, p, err);
    /* What was seen to be gone stays forgotten, whatever comes. */
    if (status == DL_OK) status = dl__state_commit(p->session.state, err);
  }
  if (status == DL_OK) status = compare(p, err);
  if (status == DL_OK && p->options->dry_run == 0) status = dl__state_commit(p->session.state, err);
  return status;
}

static dl_status detect(push *p, dl_error *err) {
  p->result->stage = DL_STAGE_CHANGE_DETECTION;
  dl_progress_event event = {.files = p->tree.count};
  dl__progress_tell(&p->session.progress, p->session.progress.calls.change_detection_start, event);
  bool all = p->options->mode == DL_MODE_ALL || p->options->checksum != 0;
  bool force = p->options->force != 0;
  dl_status status = p->options->checksum != 0 ? forget_all(p, err) : DL_OK;
  if (status == DL_OK) {
    status = dl__plan_local(&p->tree, &p->session.rows, all, force, &p->plan, err);
  }
  if (status != DL_OK) return status;
  uint64_t bytes;
  bool need_remote = (all && !force) || dl__plan_count(&p->plan, DL__UNKNOWN, &bytes) > 0;
  if (need_remote) status = detect_remote(p, err);
  if (status == DL_OK) status = check_cancel(p, err);
  if (status != DL_OK) return status;
  dl__report_plan(&p->plan, p->result);
  event = (dl_progress_event){.files = dl__plan_wanted(&p->plan, &bytes)};
  event.size_bytes = bytes;
  dl__progress_tell(&p->session.progress, p->session.progress.calls.change_detection_complete,
                    event);
  return check_cancel(p, err);
}

static dl_progress_event file_event(const dl__outcome *outcome) {
  const dl__file *file = outcome->action->file;
  return (dl_progress_event){.path = file->key, .size_bytes = file->stamp.size_bytes};
}

static void on_start(const dl__outcome *outcome, void *user) {
  const push *p = user;
  dl__progress_tell(&p->session.progress, p->session.progress.calls.file_upload_start,
                    file_event(outcome));
}

/* The file may have grown since the scan. */
static void on_progress(const dl__outcome *outcome, void *user) {
  const push *p = user;
  dl_progress_event event = file_event(outcome);
  event.sent_bytes = atomic_load(&outcome->meter.sent_bytes);
  event.reused_bytes = atomic_load(&outcome->meter.reused_bytes);
  uint64_t done = event.sent_bytes + event.reused_bytes;
  if (done > event.size_bytes) event.size_bytes = done;
  dl__progress_tell(&p->session.progress, p->session.progress.calls.file_upload_progress, event);
}

static void on_retry(const dl__outcome *outcome, void *user) {
  const push *p = user;
  dl_progress_event event = file_event(outcome);
  event.error = outcome->first_error;
  event.message = event.error != NULL ? event.error->message : NULL;
  dl__progress_tell(&p->session.progress, p->session.progress.calls.retry, event);
}

/* A confirmed object is recorded before anybody hears of it. */
static void on_end(const dl__outcome *outcome, void *user) {
  push *p = user;
  dl_progress_event event = file_event(outcome);
  if (outcome->status == DL_ERR_CANCELLED) return;
  if (outcome->status != DL_OK) {
    event.error = outcome->error;
    event.message = event.error != NULL ? event.error->message : NULL;
    dl__progress_tell(&p->session.progress, p->session.progress.calls.file_upload_error, event);
    return;
  }
  if (p->state_status == DL_OK) {
    p->state_status = dl__state_put(p->session.state, outcome->row, &p->state_error);
    if (p->state_status != DL_OK) atomic_store(&p->session.sync->cancel, true);
  }
  event.size_bytes = outcome->size_bytes;
  event.sent_bytes = atomic_load(&outcome->meter.given_bytes);
  event.reused_bytes = atomic_load(&outcome->meter.reused_bytes);
  dl__progress_tell(&p->session.progress, p->session.progress.calls.file_upload_complete, event);
}

static dl_status transfer(push *p, dl_error *err) {
  const dl__storage *storage = &p->session.sync->storage;
  bool conditional = (storage->slots.caps & DL_STORAGE_CONDITIONAL) != 0;
  const dl_config *config = p->session.sync->config;
  bool wants_md5 = (storage->slots.caps & DL_STORAGE_WANTS_MD5) != 0;
  dl_status status = dl__config_patterns(config, "sync.append_only", &p->append_only, err);
  if (status != DL_OK) return status;
  dl__transfer_events events = {on_start, on_progress, on_retry, on_end, p};
  dl__transfer_request request = {
      .storage = storage,
      .plan = &p->plan,
      .dir_fd = p->tree.fd,
      .jobs = dl__session_jobs(&p->session, p->options->jobs),
      .memory_bytes = dl__config_memory_bytes(config),
      .conditional = conditional && p->plan.listed,
      .keep_md5 = wants_md5 && dl__config_yes(config, "sync.content_md5"),
      .append_only = &p->append_only,
      .cancel = &p->session.sync->cancel,
      .events = &events,
  };
  return dl__transfer(&request, &p->outcomes, err);
}

/* Stage 3. What came through is committed, also when others failed. */
static dl_status upload(push *p, uint64_t files, uint64_t size_bytes, dl_error *err) {
  p->result->stage = DL_STAGE_UPLOAD;
  dl_progress_event event = {.files = files, .size_bytes = size_bytes};
  dl__progress_tell(&p->session.progress, p->session.progress.calls.upload_start, event);
  dl_status status = transfer(p, err);
  if (status != DL_OK) return status;
  status = dl__report_outcomes(&p->outcomes, p->result, err);
  if (status != DL_OK) return status;
  if (p->state_status == DL_OK)
    p->state_status = dl__state_commit(p->session.state, &p->state_error);
  if (p->state_status != DL_OK) {
    dl__error_copy(err, &p->state_error);
    return p->state_status;
  }
  event = (dl_progress_event){.files = p->result->files_uploaded,
                              .size_bytes = p->result->total_bytes,
                              .result = p->result};
  dl__progress_tell(&p->session.progress, p->session.progress.calls.upload_complete, event);
  if (p->result->files_skipped > 0) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  if (p->result->files_failed == 0) return DL_OK;
  return dl__fail(err, DL_ERR_PARTIAL,
                  p->result->error_count == 1 ? p->result->errors[0]->path : NULL,
                  "%llu file(s) could not be pushed", (unsigned long long)p->result->files_failed);
}

static void tell_dry_run(push *p) {
  dl__report_dry_run(&p->plan, p->result);
  for (size_t i = 0; i < p->plan.count; i++) {
    const dl__action *action = &p->plan.actions[i];
    if (!dl__action_wanted(action)) continue;
    dl_progress_event event = {.path = action->file->key,
                               .size_bytes = action->file->stamp.size_bytes};
    dl__progress_tell(&p->session.progress, p->session.progress.calls.file_would_upload, event);
  }
}

static dl_status finish(push *p, dl_error *err) {
  p->result->stage = DL_STAGE_DONE;
  if (p->options->dry_run != 0) return DL_OK;
  dl_status status = dl__state_set_last_push(p->session.state, dl__clock_wall_ns(), err);
  if (status == DL_OK) status = dl__state_commit(p->session.state, err);
  if (status == DL_OK) p->result->last_push_ns = dl__state_last_push_ns(p->session.state);
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
  if (p->options->dry_run != 0) {
    tell_dry_run(p);
    status = check_cancel(p, err);
  } else if (files > 0) {
    status = upload(p, files, bytes, err);
  }
  if (status == DL_ERR_PARTIAL) p->result->stage = DL_STAGE_DONE;
  return status == DL_OK ? finish(p, err) : status;
}

static void push_clear(push *p) {
  dl__outcomes_clear(&p->outcomes);
  dl__patterns_clear(&p->append_only);
  dl__plan_clear(&p->plan);
  dl__listing_clear(&p->listing);
  dl__tree_clear(&p->tree);
  dl__session_clear(&p->session);
}

static void push_init(push *p, dl_sync *sync, const dl_push_options *options,
                      const dl_progress *progress, dl_push_result *result) {
  *p = (push){.options = options, .result = result, .state_error = DL_ERROR_INIT};
  dl__session_init(&p->session, sync, progress);
  p->tree.fd = -1;
}

dl_status dl__sync_push(dl_sync *sync, const dl_push_options *options, const dl_progress *progress,
                        dl_push_result *result, dl_error *err) {
  push p;
  push_init(&p, sync, options, progress, result);
  dl_status status = run_stages(&p, err);
  push_clear(&p);
  return status;
}

dl_status dl__sync_look(dl_sync *sync, bool remote,
                        dl_status (*found)(const dl__sync_view *view, void *user, dl_error *err),
                        void *user, dl_error *err) {
  dl_push_options options = DL_PUSH_OPTIONS_INIT;
  dl_push_result result = DL_PUSH_RESULT_INIT;
  options.mode = remote ? DL_MODE_ALL : DL_MODE_INCREMENTAL;
  options.dry_run = 1;
  push p;
  push_init(&p, sync, &options, NULL, &result);
  dl_status status = check_cancel(&p, err);
  if (status == DL_OK) status = begin(&p, err);
  if (status == DL_OK) status = scan(&p, err);
  if (status == DL_OK && remote) status = detect(&p, err);
  if (status == DL_OK && !remote) {
    status = dl__plan_local(&p.tree, &p.session.rows, false, false, &p.plan, err);
  }
  if (status == DL_OK) {
    const dl__sync_view view = {&p.plan, p.tree.fd, result.last_push_ns};
    status = found(&view, user, err);
  }
  push_clear(&p);
  return status;
}
