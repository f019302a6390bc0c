/* sync_pull.c: runs the stages of a pull in order, each on what the one before made:
 * listing -> plan -> receive -> state -> report. A folder that is not there is made after the
 * listing, for a remote that has something. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fs.h"
#include "push/config.h"
#include "push/pull_plan.h"
#include "push/pull_report.h"
#include "push/receive.h"
#include "sync_begin.h"

#define COMPARE_BUFFER_BYTES ((size_t)256 * 1024)

/* One pull on its way through the stages. */
typedef struct pull {
  dl__session session;
  const dl_pull_options *options;
  char **keys; /* of options, without a / at the end */
  dl_pull_result *result;
  bool changes_nothing;     /* a dry run, or nothing there and nothing here */
  dl__patterns append_only; /* files that only ever grow */
  int dir_fd;               /* the folder; -1: it is not there, and nothing changes */
  dl__listing listing;
  dl__pull_plan plan;
  dl__receipts receipts;
  dl__row *young; /* of files that were got, and whose stamps cannot be trusted yet */
  size_t young_count;
  dl_status state_status; /* the first failure to record something */
  dl_error state_error;
} pull;

static dl_status check_cancel(const pull *p, dl_error *err) {
  return dl__session_check_cancel(&p->session, err);
}

static dl_status take_keys(pull *p, dl_error *err) {
  p->keys = calloc(p->options->key_count + 1, sizeof *p->keys);
  if (p->keys == NULL) return dl__fail_no_memory(err);
  for (size_t i = 0; i < p->options->key_count; i++) {
    const char *from = p->options->keys[i];
    char *key = from != NULL ? strdup(from) : NULL;
    if (from != NULL && key == NULL) return dl__fail_no_memory(err);
    p->keys[i] = key;
    size_t length = key != NULL ? strlen(key) : 0;
    if (length > 1 && key[length - 1] == '/') key[length - 1] = '\0';
    if (key == NULL || !dl__key_valid(key)) {
      return dl__fail(err, DL_ERR_ARGUMENT, from,
                      "not a path below the folder: %s; give it as push shows it, such as "
                      "events/20250911.jsonl, or a folder such as events",
                      from != NULL ? from : "NULL");
    }
  }
  return DL_OK;
}

static bool is_missing(const char *base) {
  struct stat st;
  return stat(base, &st) != 0 && errno == ENOENT;
}

/* Stage 0: the folder, the lock, what is remembered. */
static dl_status begin(pull *p, dl_error *err) {
  const dl_config *config = p->session.sync->config;
  const char *base = dl_config_get(config, "base");
  dl_status status = dl__config_patterns(config, "sync.append_only", &p->append_only, err);
  if (status != DL_OK) return status;
  if (is_missing(base)) {
    if (p->changes_nothing) return DL_OK;
    if (dl__fs_make_dirs(base) != 0) {
      return dl__fail_errno(err, DL_ERR_CONFIG, errno, base, "cannot make the folder %s", base);
    }
  }
  status = dl__session_open(&p->session, err);
  if (status == DL_OK) {
    status = dl__session_remember(&p->session, p->changes_nothing, p->options->wait != 0, err);
  }
  if (status != DL_OK) return status;
  p->dir_fd = open(p->session.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (p->dir_fd >= 0) return DL_OK;
  return dl__fail_errno(err, DL_ERR_CONFIG, errno, base, "cannot open the folder %s", base);
}

/* Stage 1. A single key need not have all listed. */
static dl_status list(pull *p, dl_error *err) {
  const dl__progress *progress = &p->session.progress;
  const dl__storage *storage = &p->session.sync->storage;
  p->result->stage = DL_STAGE_SCAN;
  dl_progress_event event = {.message = dl__storage_describe(storage)};
  dl__progress_tell(progress, progress->calls.scan_start, event);
  dl_status status = check_cancel(p, err);
  const char *prefix = p->options->key_count == 1 ? p->keys[0] : "";
  if (status == DL_OK) status = dl__listing_read_all(storage, prefix, &p->listing, err);
  if (status != DL_OK || p->listing.count > 0 || p->listing.foreign_count > 0) return status;
  /* Single keys that are not there are told one by one. */
  if (p->options->key_count > 0) return DL_OK;
  return dl__fail(err, DL_ERR_NOT_FOUND, NULL, "the remote has no files; is its URL right?");
}

/* Stages 0 and 1. */
static dl_status begin_and_list(pull *p, dl_error *err) {
  bool missing = is_missing(dl_config_get(p->session.sync->config, "base"));
  dl_status status = missing ? list(p, err) : DL_OK;
  if (missing && p->listing.count == 0) p->changes_nothing = true;
  if (status == DL_OK) status = begin(p, err);
  return status == DL_OK && !missing ? list(p, err) : status;
}

static dl__pull_request request_of(pull *p, dl__reader *reader) {
  return (dl__pull_request){
      .storage = &p->session.sync->storage,
      .listing = &p->listing,
      .rows = &p->session.rows,
      .append_only = &p->append_only,
      .keys = (const char *const *)p->keys,
      .key_count = p->options->key_count,
      .dir_fd = p->dir_fd,
      .force = p->options->force != 0,
      .dry_run = p->options->dry_run != 0,
      .reader = reader,
  };
}

static dl_status make_plan(pull *p, dl_error *err) {
  dl__pull_request request = request_of(p, NULL);
  dl_status status = dl__pull_plan_make(&request, &p->plan, err);
  if (status != DL_OK) return status;
  dl_progress_event event = {0};
  for (size_t i = 0; i < p->plan.count; i++) {
    const dl__pull_action *action = &p->plan.actions[i];
    if (action->remote == NULL || action->verdict == DL__PULL_LEFT_OUT) continue;
    event.files++;
    event.size_bytes += action->remote->size_bytes;
  }
  p->result->files_found = event.files;
  dl__progress_tell(&p->session.progress, p->session.progress.calls.scan_complete, event);
  return check_cancel(p, err);
}

/* What is found to be equal is worth remembering, as after a push. */
static dl_status compare(pull *p, dl_error *err) {
  dl__reader reader;
  dl__file_id avoid[DL__STATEDIR_IDS];
  const atomic_bool *cancel = &p->session.sync->cancel;
  dl__pull_request request = request_of(p, &reader);
  request.avoid = avoid;
  if (p->session.state != NULL) request.avoid_count = dl__statedir_ids(&p->session.statedir, avoid);
  dl_status status = dl__reader_init(&reader, COMPARE_BUFFER_BYTES, true, cancel, err);
  for (size_t i = 0; status == DL_OK && i < p->plan.count; i++) {
    dl__row fresh;
    if (p->plan.actions[i].verdict != DL__PULL_UNKNOWN) continue;
    status = check_cancel(p, err);
    if (status == DL_OK) {
      status = dl__pull_plan_compare(&request, &p->plan.actions[i], &fresh, err);
    }
    if (status == DL_OK && fresh.key != NULL && !p->changes_nothing) {
      status = dl__state_put(p->session.state, &fresh, err);
    }
  }
  dl__reader_clear(&reader);
  if (status == DL_OK && !p->changes_nothing) status = dl__state_commit(p->session.state, err);
  return status;
}

/* Nobody has to wait for the others to hear of those. */
static void tell_refused(const pull *p) {
  for (size_t i = 0; i < p->plan.count; i++) {
    const dl__pull_action *action = &p->plan.actions[i];
    if (action->verdict == DL__PULL_LEFT_OUT) {
      dl__session_note(&p->session, action->key, action->note);
    }
    if (action->verdict != DL__PULL_REFUSED) continue;
    dl_progress_event event = {.path = action->key, .error = action->error};
    event.size_bytes = action->remote != NULL ? action->remote->size_bytes : 0;
    event.message = action->error != NULL ? action->error->message : NULL;
    dl__progress_tell(&p->session.progress, p->session.progress.calls.file_upload_error, event);
  }
}

/* Stage 2. */
static dl_status detect(pull *p, dl_progress_event *wanted, dl_error *err) {
  const dl__progress *progress = &p->session.progress;
  p->result->stage = DL_STAGE_CHANGE_DETECTION;
  dl_progress_event event = {.files = p->result->files_found};
  dl__progress_tell(progress, progress->calls.change_detection_start, event);
  dl_status status = compare(p, err);
  if (status != DL_OK) return status;
  tell_refused(p);
  *wanted = (dl_progress_event){0};
  for (size_t i = 0; i < p->plan.count; i++) {
    const dl__pull_action *action = &p->plan.actions[i];
    if (action->verdict == DL__PULL_SAME) p->result->files_unchanged++;
    /* Those of a name that no push sends were not counted as found. */
    bool left = action->verdict == DL__PULL_LEFT_OUT && dl__scan_takes(action->key);
    if (left) p->result->files_skipped++;
    if (action->verdict != DL__PULL_FETCH) continue;
    wanted->files++;
    wanted->size_bytes += action->remote->size_bytes;
  }
  dl__progress_tell(progress, progress->calls.change_detection_complete, *wanted);
  return check_cancel(p, err);
}

static dl_progress_event file_event(const dl__receipt *receipt) {
  const dl__pull_action *action = receipt->action;
  return (dl_progress_event){.path = action->key, .size_bytes = action->remote->size_bytes};
}

static void on_start(const dl__receipt *receipt, void *user) {
  const dl__progress *progress = &((pull *)user)->session.progress;
  dl__progress_tell(progress, progress->calls.file_upload_start, file_event(receipt));
}

static void on_progress(const dl__receipt *receipt, void *user) {
  const dl__progress *progress = &((pull *)user)->session.progress;
  dl_progress_event event = file_event(receipt);
  event.sent_bytes = atomic_load(&receipt->meter.done_bytes);
  event.reused_bytes = atomic_load(&receipt->meter.reused_bytes);
  uint64_t done = event.sent_bytes + event.reused_bytes;
  if (done > event.size_bytes) event.size_bytes = done;
  dl__progress_tell(progress, progress->calls.file_upload_progress, event);
}

static void on_retry(const dl__receipt *receipt, void *user) {
  const dl__progress *progress = &((pull *)user)->session.progress;
  dl_progress_event event = file_event(receipt);
  event.error = receipt->first_error;
  event.message = event.error != NULL ? event.error->message : NULL;
  dl__progress_tell(progress, progress->calls.retry, event);
}

static void tell_failure(const pull *p, const dl__receipt *receipt) {
  dl_progress_event event = file_event(receipt);
  event.error = receipt->error;
  event.message = event.error != NULL ? event.error->message : NULL;
  dl__progress_tell(&p->session.progress, p->session.progress.calls.file_upload_error, event);
}

static void tell_notes(const pull *p, const dl__receipt *receipt) {
  const char *key = receipt->action->key;
  if (receipt->fetched->unproven) {
    dl__session_note(&p->session, key,
                     "the remote keeps no digest of it: it was read twice, and was the same");
  }
  if (!receipt->kept) return;
  bool grows = dl__patterns_match(&p->append_only, key);
  const char *advice = grows ? "; append the lines of it that are missing here" : "";
  char *text =
      dl__format("what was here is kept beside it as %s%s", receipt->fetched->kept_as, advice);
  dl__session_note(&p->session, key, text != NULL ? text : "what was here is kept beside it");
  free(text);
}

/* What is here is recorded before anybody hears of it. */
static void on_end(const dl__receipt *receipt, void *user) {
  pull *p = user;
  if (receipt->status == DL_ERR_CANCELLED) return;
  if (receipt->status != DL_OK) {
    tell_failure(p, receipt);
    return;
  }
  if (p->state_status == DL_OK) {
    p->state_status = dl__state_put(p->session.state, &receipt->fetched->row, &p->state_error);
    if (p->state_status != DL_OK) atomic_store(&p->session.sync->cancel, true);
    if (!receipt->fetched->row.settled) p->young[p->young_count++] = receipt->fetched->row;
  }
  dl_progress_event event = file_event(receipt);
  event.size_bytes = receipt->size_bytes;
  event.sent_bytes = atomic_load(&receipt->meter.received_bytes);
  event.reused_bytes = atomic_load(&receipt->meter.reused_bytes);
  dl__progress_tell(&p->session.progress, p->session.progress.calls.file_upload_complete, event);
  tell_notes(p, receipt);
}

static dl_status receive(pull *p, dl_error *err) {
  const dl_sync *sync = p->session.sync;
  dl__receive_events events = {on_start, on_progress, on_retry, on_end, p};
  dl__receive_request request = {
      .storage = &sync->storage,
      .plan = &p->plan,
      .dir_fd = p->dir_fd,
      .jobs = dl__session_jobs(&p->session, p->options->jobs),
      .memory_bytes = dl__config_memory_bytes(sync->config),
      .cancel = &sync->cancel,
      .events = &events,
  };
  return dl__receive(&request, &p->receipts, err);
}

static void tell_dry_run(pull *p) {
  const dl__progress *progress = &p->session.progress;
  for (size_t i = 0; i < p->plan.count; i++) {
    const dl__pull_action *action = &p->plan.actions[i];
    if (action->verdict != DL__PULL_FETCH) continue;
    p->result->files_skipped++;
    p->result->total_bytes += action->remote->size_bytes;
    dl_progress_event event = {.path = action->key, .size_bytes = action->remote->size_bytes};
    dl__progress_tell(progress, progress->calls.file_would_upload, event);
  }
}

/* What was just made may be replaced by the next pull, if it is known to be that still. */
static void settle(pull *p) {
  dl__fetch_settle(p->dir_fd, p->young, p->young_count);
  for (size_t i = 0; i < p->young_count && p->state_status == DL_OK; i++) {
    if (!p->young[i].settled) continue;
    p->state_status = dl__state_put(p->session.state, &p->young[i], &p->state_error);
  }
}

static dl_status commit(pull *p, dl_error *err) {
  if (p->changes_nothing) return DL_OK;
  settle(p);
  if (p->state_status == DL_OK) {
    p->state_status = dl__state_commit(p->session.state, &p->state_error);
  }
  if (p->state_status != DL_OK) dl__error_copy(err, &p->state_error);
  return p->state_status;
}

/* Stage 3. */
static dl_status download(pull *p, const dl_progress_event *wanted, dl_error *err) {
  const dl__progress *progress = &p->session.progress;
  p->result->stage = DL_STAGE_UPLOAD;
  dl__progress_tell(progress, progress->calls.upload_start, *wanted);
  p->young = calloc(p->plan.count + 1, sizeof *p->young);
  return p->young != NULL ? receive(p, err) : dl__fail_no_memory(err);
}

/* What came through is committed, also when others failed. */
static dl_status finish(pull *p, bool downloaded, dl_error *err) {
  const dl__progress *progress = &p->session.progress;
  dl_pull_result *result = p->result;
  uint64_t left_out = result->files_skipped; /* of a dry run: all that it would get, too */
  dl_status status = dl__pull_report(&p->plan, &p->receipts, result, err);
  if (status == DL_OK) status = commit(p, err);
  if (status != DL_OK) return status;
  if (downloaded) {
    dl_progress_event event = {.files = result->files_downloaded,
                               .size_bytes = result->total_bytes};
    dl__progress_tell(progress, progress->calls.upload_complete, event);
    if (result->files_skipped > left_out) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  }
  result->stage = DL_STAGE_DONE;
  if (result->files_failed == 0) return DL_OK;
  return dl__fail(err, DL_ERR_PARTIAL, result->error_count == 1 ? result->errors[0]->path : NULL,
                  "%llu file(s) could not be pulled", (unsigned long long)result->files_failed);
}

static dl_status run_stages(pull *p, dl_error *err) {
  dl_progress_event wanted = {0};
  bool dry_run = p->options->dry_run != 0;
  dl_status status = check_cancel(p, err);
  if (status == DL_OK) status = take_keys(p, err);
  if (status == DL_OK) status = begin_and_list(p, err);
  if (status == DL_OK) status = make_plan(p, err);
  if (status == DL_OK) status = detect(p, &wanted, err);
  if (status != DL_OK) return status;
  bool downloads = wanted.files > 0 && !dry_run;
  if (dry_run) tell_dry_run(p);
  if (downloads) status = download(p, &wanted, err);
  return status == DL_OK ? finish(p, downloads, err) : status;
}

dl_status dl__sync_pull(dl_sync *sync, const dl_pull_options *options, const dl_progress *progress,
                        dl_pull_result *result, dl_error *err) {
  pull p = {.options = options,
            .result = result,
            .changes_nothing = options->dry_run != 0,
            .dir_fd = -1,
            .state_error = DL_ERROR_INIT};
  dl__session_init(&p.session, sync, progress);
  dl_status status = run_stages(&p, err);
  dl__receipts_clear(&p.receipts);
  dl__pull_plan_clear(&p.plan);
  dl__listing_clear(&p.listing);
  dl__patterns_clear(&p.append_only);
  free(p.young);
  if (p.dir_fd >= 0) (void)close(p.dir_fd);
  dl__session_clear(&p.session);
  for (size_t i = 0; p.keys != NULL && i < options->key_count; i++) free(p.keys[i]);
  free(p.keys);
  return status;
}
