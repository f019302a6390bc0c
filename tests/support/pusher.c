/* tests/support/pusher.c: see pusher.h. */
#include "support/pusher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/support.h"

dl_sync *pusher_another(const pusher *p, const char *url) {
  dl_config *config;
  dl_error err = DL_ERROR_INIT;
  dl_sync *sync = NULL;
  char *state = support_path(p->root, "state");
  char *remote = support_path(p->root, "remote");
  char own[4096];
  (void)snprintf(own, sizeof own, "file://%s", remote);
  ck_assert_int_eq(DL_OK, dl_config_new(&config, &err));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "base", p->src, &err));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "state_dir", state, &err));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "remote.url", url != NULL ? url : own, &err));
  ck_assert_msg(dl_sync_new(config, &sync, &err) == DL_OK, "%s", err.message);
  dl_config_free(config);
  free(state);
  free(remote);
  return sync;
}

void pusher_open(pusher *p, const char *url) {
  memset(p, 0, sizeof *p);
  p->root = support_tmpdir();
  p->src = support_path(p->root, "src");
  ck_assert_int_eq(0, mkdir(p->src, 0777));
  p->options = (dl_push_options)DL_PUSH_OPTIONS_INIT;
  p->result = (dl_push_result)DL_PUSH_RESULT_INIT;
  p->sync = pusher_another(p, url);
}

void pusher_close(pusher *p) {
  dl_push_result_clear(&p->result);
  dl_sync_free(p->sync);
  free(p->src);
  support_rmdir(p->root);
}

static int called(pusher *p, int *counter) {
  (*counter)++;
  p->calls++;
  if (p->on_event != NULL) p->on_event(p);
  return p->calls == p->cancel_at;
}

static int note_path(pusher *p, const dl_progress_event *event, int *counter) {
  ck_assert_ptr_nonnull(event->path);
  (void)snprintf(p->last_path, sizeof p->last_path, "%s", event->path);
  const char *message = event->message != NULL ? event->message : "";
  (void)snprintf(p->last_message, sizeof p->last_message, "%s", message);
  return called(p, counter);
}

static int on_scan_start(const dl_progress_event *event, void *user) {
  ck_assert_ptr_nonnull(event->base_path);
  return called(user, &((pusher *)user)->scan_start);
}

static int on_scan_complete(const dl_progress_event *event, void *user) {
  (void)event;
  return called(user, &((pusher *)user)->scan_complete);
}

static int on_detect_start(const dl_progress_event *event, void *user) {
  (void)event;
  return called(user, &((pusher *)user)->detect_start);
}

static int on_detect_complete(const dl_progress_event *event, void *user) {
  (void)event;
  return called(user, &((pusher *)user)->detect_complete);
}

static int on_upload_start(const dl_progress_event *event, void *user) {
  ck_assert_uint_gt(event->files, 0);
  return called(user, &((pusher *)user)->upload_start);
}

static int on_upload_complete(const dl_progress_event *event, void *user) {
  ck_assert_ptr_nonnull(event->result);
  return called(user, &((pusher *)user)->upload_complete);
}

static int on_started(const dl_progress_event *event, void *user) {
  ck_assert_ptr_nonnull(event->path);
  return called(user, &((pusher *)user)->started);
}

static int on_progressed(const dl_progress_event *event, void *user) {
  ck_assert_uint_le(event->sent_bytes, event->size_bytes);
  return called(user, &((pusher *)user)->progressed);
}

static int on_completed(const dl_progress_event *event, void *user) {
  return note_path(user, event, &((pusher *)user)->completed);
}

static int on_failed(const dl_progress_event *event, void *user) {
  ck_assert_ptr_nonnull(event->error);
  return note_path(user, event, &((pusher *)user)->failed);
}

static int on_retried(const dl_progress_event *event, void *user) {
  return note_path(user, event, &((pusher *)user)->retried);
}

static int on_would_upload(const dl_progress_event *event, void *user) {
  return note_path(user, event, &((pusher *)user)->would_upload);
}

static int on_note(const dl_progress_event *event, void *user) {
  return note_path(user, event, &((pusher *)user)->notes);
}

static void reset(pusher *p) {
  dl_push_result_clear(&p->result);
  p->err = (dl_error)DL_ERROR_INIT;
  p->scan_start = p->scan_complete = p->detect_start = p->detect_complete = 0;
  p->upload_start = p->upload_complete = p->started = p->progressed = p->completed = 0;
  p->failed = p->retried = p->would_upload = p->notes = p->calls = 0;
  p->last_path[0] = p->last_message[0] = '\0';
}

dl_status pusher_push(pusher *p) {
  reset(p);
  dl_progress progress = DL_PROGRESS_INIT;
  progress.user = p;
  progress.scan_start = on_scan_start;
  progress.scan_complete = on_scan_complete;
  progress.change_detection_start = on_detect_start;
  progress.change_detection_complete = on_detect_complete;
  progress.upload_start = on_upload_start;
  progress.file_upload_start = on_started;
  progress.file_upload_progress = on_progressed;
  progress.file_upload_complete = on_completed;
  progress.file_upload_error = on_failed;
  progress.retry = on_retried;
  progress.upload_complete = on_upload_complete;
  progress.file_would_upload = on_would_upload;
  progress.note = on_note;
  return dl_push(p->sync, &p->options, &progress, &p->result, &p->err);
}
