/* progress.c: everything that a push tells while it works.
 *
 * Usage: progress FOLDER URL [STOP_AFTER]
 * Each callback prints one line in its own way. With STOP_AFTER, the push is
 * cancelled when so many files are sent, to show how that is done; files that
 * are sent at the same time may still arrive. */
#include <devlog/devlog.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct screen {
  unsigned long files, done, stop_after;
} screen;

typedef unsigned long long number; /* what %llu prints */

static int on_scan_start(const dl_progress_event *e, void *user) {
  (void)user;
  printf("looking into %s\n", e->base_path);
  return 0;
}

static int on_scan_complete(const dl_progress_event *e, void *user) {
  (void)user;
  printf("found %llu files, %llu bytes together\n", (number)e->files, (number)e->size_bytes);
  return 0;
}

static int on_change_detection_start(const dl_progress_event *e, void *user) {
  (void)user;
  printf("comparing %llu files\n", (number)e->files);
  return 0;
}

static int on_change_detection_complete(const dl_progress_event *e, void *user) {
  (void)user;
  printf("%llu files changed, %llu bytes\n", (number)e->files, (number)e->size_bytes);
  return 0;
}

static int on_upload_start(const dl_progress_event *e, void *user) {
  screen *s = user;
  s->files = (unsigned long)e->files;
  printf("sending %llu bytes\n", (number)e->size_bytes);
  return 0;
}

static int on_file_upload_start(const dl_progress_event *e, void *user) {
  (void)user;
  printf("  > %s\n", e->path);
  return 0;
}

static int on_file_upload_progress(const dl_progress_event *e, void *user) {
  (void)user;
  double part = e->size_bytes > 0 ? (double)e->sent_bytes / (double)e->size_bytes : 1;
  printf("    %s %.0f %%\n", e->path, part * 100);
  return 0;
}

/* What a callback returns decides: anything but 0 cancels the push. */
static int on_file_upload_complete(const dl_progress_event *e, void *user) {
  screen *s = user;
  s->done++;
  printf("  = %s (%lu of %lu)\n", e->path, s->done, s->files);
  return s->stop_after > 0 && s->done >= s->stop_after;
}

/* A file that failed does not stop the others. */
static int on_file_upload_error(const dl_progress_event *e, void *user) {
  (void)user;
  printf("  ! %s: %s\n", e->path, e->message);
  return 0;
}

static int on_retry(const dl_progress_event *e, void *user) {
  (void)user;
  printf("  ~ %s once more: %s\n", e->path, e->message);
  return 0;
}

static int on_upload_complete(const dl_progress_event *e, void *user) {
  (void)user;
  printf("sent %llu files, %llu failed\n", (number)e->files, (number)e->result->files_failed);
  return 0;
}

static int on_file_would_upload(const dl_progress_event *e, void *user) {
  (void)user;
  printf("  ? %s (%llu bytes)\n", e->path, (number)e->size_bytes);
  return 0;
}

static int on_note(const dl_progress_event *e, void *user) {
  (void)user;
  printf("  note on %s: %s\n", e->path != NULL ? e->path : e->base_path, e->message);
  return 0;
}

/* First a dry run, then the push itself. */
static dl_status push_both(dl_sync *sync, const dl_progress *progress, dl_error *err) {
  dl_push_options options = DL_PUSH_OPTIONS_INIT;
  options.dry_run = 1;
  dl_status status = dl_push(sync, &options, progress, NULL, err);
  if (status != DL_OK) return status;
  options.dry_run = 0;
  return dl_push(sync, &options, progress, NULL, err);
}

int main(int argc, char **argv) {
  if (argc != 3 && argc != 4) {
    fprintf(stderr, "usage: %s FOLDER URL [STOP_AFTER]\n", argv[0]);
    return 2;
  }
  screen own = {0, 0, argc == 4 ? strtoul(argv[3], NULL, 10) : 0};
  dl_progress progress = DL_PROGRESS_INIT;
  progress.user = &own;
  progress.scan_start = on_scan_start;
  progress.scan_complete = on_scan_complete;
  progress.change_detection_start = on_change_detection_start;
  progress.change_detection_complete = on_change_detection_complete;
  progress.upload_start = on_upload_start;
  progress.file_upload_start = on_file_upload_start;
  progress.file_upload_progress = on_file_upload_progress;
  progress.file_upload_complete = on_file_upload_complete;
  progress.file_upload_error = on_file_upload_error;
  progress.retry = on_retry;
  progress.upload_complete = on_upload_complete;
  progress.file_would_upload = on_file_would_upload;
  progress.note = on_note;

  dl_error err = DL_ERROR_INIT;
  dl_config *config = NULL;
  dl_sync *sync = NULL;
  dl_status status = dl_config_new(&config, &err);
  if (status == DL_OK) status = dl_config_set(config, "base", argv[1], &err);
  if (status == DL_OK) status = dl_config_set(config, "remote.url", argv[2], &err);
  if (status == DL_OK) status = dl_sync_new(config, &sync, &err);
  if (status == DL_OK) status = push_both(sync, &progress, &err);
  if (status != DL_OK) fprintf(stderr, "%s: %s\n", dl_status_name(status), err.message);
  dl_sync_free(sync);
  dl_config_free(config);
  return status == DL_OK ? 0 : status == DL_ERR_CANCELLED ? 3 : 1;
}
