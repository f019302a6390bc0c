/* cli/console.c: takes the events of a push, pull or verify, writes them as lines for people on
 * standard output, with a live bar where the screen can show one. */
#include "console.h"

#include <inttypes.h>
#include <stdio.h>

#include "lines.h"
#include "text.h"

/* Lets what was printed be seen; while there is a bar, that is its business. */
static int shown(console *c) {
  if (!c->live.on) (void)fflush(stdout);
  return 0; /* also if it cannot be written: the push goes on, the exit code tells */
}

static int on_scan_start(const dl_progress_event *event, void *user) {
  console *c = user;
  c->scanning = true;
  if (c->verbose && event->message != NULL) line_value(c->screen, "Access", event->message);
  (void)fputc('\n', stdout);
  line_quoted(c->screen, MARK_SCAN, c->words->scanning, event->base_path, "...");
  return shown(c);
}

static int on_scan_complete(const dl_progress_event *event, void *user) {
  console *c = user;
  c->scanning = false;
  line(c->screen, MARK_FOUND, NULL, "Found %" PRIu64 " file%s%s", event->files,
       event->files == 1 ? "" : "s", c->words->found);
  if (c->skipped > 0 && !c->verbose) {
    line(c->screen, MARK_NOTE, NULL, "%" PRIu64 " file%s skipped (see --verbose)", c->skipped,
         text_plural(c->skipped));
  }
  return shown(c);
}

static int on_change_detection_start(const dl_progress_event *event, void *user) {
  console *c = user;
  (void)event;
  line(c->screen, MARK_PUSH, NULL, "Detecting changes...");
  return shown(c);
}

static int on_change_detection_complete(const dl_progress_event *event, void *user) {
  console *c = user;
  uint64_t files = event->files;
  if (c->words->nothing == NULL) return 0;
  if (files == 0 && c->refused > 0) return shown(c);
  if (files == 0) {
    line(c->screen, MARK_NOTHING, GREEN, "%s", c->words->nothing);
    return shown(c);
  }
  line(c->screen, MARK_NEED, NULL, "%" PRIu64 " file(s) need to be %s", files, c->words->need);
  if (c->dry_run) {
    line(c->screen, MARK_SCAN, NULL, "%s %" PRIu64 " file(s):", c->words->dry_run, files);
  }
  return shown(c);
}

static int on_upload_start(const dl_progress_event *event, void *user) {
  console *c = user;
  c->uploading = true;
  line(c->screen, c->words->doing_mark, NULL, "%s %" PRIu64 " file(s) (%" PRIu64 " bytes)...",
       c->words->doing, event->files, event->size_bytes);
  (void)shown(c);
  if (c->screen.live) bar_start(&c->live, c->screen.utf8, event->files, event->size_bytes);
  return 0;
}

static int on_file_start(const dl_progress_event *event, void *user) {
  console *c = user;
  bar_progress(&c->live, event->path, 0, 0);
  return 0;
}

static int on_file_progress(const dl_progress_event *event, void *user) {
  console *c = user;
  bar_progress(&c->live, event->path, event->sent_bytes, event->reused_bytes);
  return 0;
}

/* Files are sent at the same time: both lines of one are printed when it is done,
 * so that they stay together. */
static int on_file_complete(const dl_progress_event *event, void *user) {
  console *c = user;
  bar_file_done(&c->live, event->path, event->size_bytes, event->reused_bytes);
  bar_hold(&c->live);
  line_file(c->screen, c->words->file_mark, event->path, event->size_bytes);
  if (c->verbose && event->reused_bytes > 0) {
    line_file_reused(c->screen, event->path, c->words->moved_small, event->sent_bytes,
                     event->size_bytes);
  } else {
    line_file_ok(c->screen, event->path);
  }
  bar_release(&c->live);
  return shown(c);
}

static int on_file_error(const dl_progress_event *event, void *user) {
  console *c = user;
  bar_file_failed(&c->live, event->path, event->size_bytes);
  bar_hold(&c->live);
  if (c->uploading) {
    line_file(c->screen, c->words->file_mark, event->path, event->size_bytes);
  } else {
    c->refused++; /* before it was tried */
  }
  line_about(c->screen, MARK_FILE_FAILED, RED, event->path, event->message);
  bar_release(&c->live);
  return shown(c);
}

static int on_retry(const dl_progress_event *event, void *user) {
  console *c = user;
  if (!c->verbose) return 0;
  bar_hold(&c->live);
  line_about(c->screen, MARK_FILE_RETRY, YELLOW, event->path, event->message);
  bar_release(&c->live);
  return shown(c);
}

static int on_would_upload(const dl_progress_event *event, void *user) {
  console *c = user;
  line_file(c->screen, c->words->file_mark, event->path, event->size_bytes);
  return shown(c);
}

/* The scan notes what it skips, which may be much and the same every day: that is
 * counted. Any other note is rare and worth a line. */
static int on_note(const dl_progress_event *event, void *user) {
  console *c = user;
  bar_hold(&c->live);
  if (c->scanning) c->skipped++;
  mark m = c->scanning || c->uploading ? MARK_FILE_NOTE : MARK_NOTE;
  if (!c->scanning || c->verbose) line_about(c->screen, m, NULL, event->path, event->message);
  bar_release(&c->live);
  return shown(c);
}

static void put_setting(const console *c, const char *name, const dl_config *config,
                        const char *key) {
  const char *value = dl_config_get(config, key);
  if (value != NULL) line_value(c->screen, name, value);
}

static void put_settings(const console *c, const dl_config *config) {
  put_setting(c, "Folder", config, "base");
  put_setting(c, "Config", config, "config");
  put_setting(c, "Remote", config, "remote.url");
  put_setting(c, "State", config, "state_dir");
  const char *note;
  for (size_t i = 0; (note = dl_config_note(config, i)) != NULL; i++) {
    line_about(c->screen, MARK_FILE_NOTE, NULL, NULL, note);
  }
}

static void begin(void *user, const dl_config *config, const push_options *options) {
  console *c = user;
  (void)options;
  if (c->quiet || config == NULL) return;
  line(c->screen, MARK_PUSH, BOLD, "%s", c->words->title);
  if (c->verbose) put_settings(c, config);
  (void)shown(c);
}

static void put_duration(uint64_t duration_ms) {
  uint64_t hundredths = (duration_ms + 5) / 10;
  (void)printf("   Duration: %" PRIu64 ".%02us\n", hundredths / 100, (unsigned)(hundredths % 100));
}

static void put_summary(const console *c, const outcome *end) {
  const dl_push_result *r = end->result;
  (void)fputc('\n', stdout);
  if (end->status == DL_OK) {
    line(c->screen, MARK_COMPLETE, GREEN, "%s", c->words->complete);
  } else {
    line(c->screen, MARK_INCOMPLETE, RED, "%s", c->words->incomplete);
  }
  line_count(c->words->done, r->files_uploaded, "");
  if (r->files_failed > 0) line_count("Files failed", r->files_failed, "");
  if (r->files_skipped > 0) line_count(c->words->not_done, r->files_skipped, "");
  line_count("Total size", r->total_bytes, " bytes");
  if (r->bytes_reused > 0) line_part(c->words->moved, r->bytes_sent, r->total_bytes);
  put_duration(r->duration_ms);
}

static void put_errors(const console *c, const dl_push_result *result) {
  (void)fputc('\n', stdout);
  line(c->screen, MARK_WARNING, YELLOW, "%zu error(s) occurred:", result->error_count);
  for (size_t i = 0; i < result->error_count; i++) {
    (void)fputs("   ", stdout);
    text_print(stdout, result->errors[i]->path, c->screen.utf8);
    (void)fputs(": ", stdout);
    text_print(stdout, result->errors[i]->message, c->screen.utf8);
    (void)fputc('\n', stdout);
  }
}

static void complain_of_files(const dl_push_result *result) {
  for (size_t i = 0; i < result->error_count; i++) {
    complain("%s: %s", result->errors[i]->path, result->errors[i]->message);
  }
}

/* What --verbose adds. */
static void put_counts(const console *c, const outcome *end) {
  const dl_push_result *r = end->result;
  if (r->bytes_reused > 0) {
    line_count(c->words->bytes_moved, r->bytes_sent, "");
    line_count("Bytes reused", r->bytes_reused, "");
  } else {
    line_count(c->words->moved, r->bytes_sent, " bytes");
  }
  line_count("Files unchanged", r->files_unchanged, "");
  if (end->pulled != NULL) {
    line_count("Files kept as .orig", end->pulled->files_kept, "");
  } else {
    line_count("Files deleted locally", r->files_deleted_locally,
               r->files_deleted_locally > 0 ? " (left alone at the remote)" : "");
  }
}

static void put_differences(const console *c, const outcome *end) {
  const dl_verify_result *r = end->verified;
  for (size_t i = 0; i < r->difference_count; i++) {
    const dl_difference *each = r->differences[i];
    if (c->quiet) {
      complain("%s: %s", each->path, each->message);
    } else {
      line_about(c->screen, MARK_FILE_FAILED, RED, each->path, each->message);
    }
  }
  if (c->quiet || r->stage != DL_STAGE_DONE) return;
  (void)fputc('\n', stdout);
  if (r->difference_count == 0) {
    line(c->screen, MARK_COMPLETE, GREEN, "Folder and remote are equal");
  } else {
    line(c->screen, MARK_INCOMPLETE, RED, "%zu difference%s", r->difference_count,
         text_plural(r->difference_count));
  }
  line_count("Files equal", r->files_equal, "");
  line_count("Total size", r->total_bytes, " bytes");
  put_duration(r->duration_ms);
}

static void finish(void *user, const outcome *end) {
  console *c = user;
  const dl_push_result *r = end->result;
  bar_stop(&c->live);
  if (end->verified != NULL) put_differences(c, end);
  if (c->quiet) {
    complain_of_files(r);
    return;
  }
  if (c->uploading) put_summary(c, end);
  if (c->verbose && r->stage >= DL_STAGE_UPLOAD) put_counts(c, end);
  if (r->error_count > 0) put_errors(c, r);
  (void)fflush(stdout);
}

void console_init(console *c, const push_options *options, reporter *out) {
  *c = (console){.screen = term_probe(options->color),
                 .quiet = options->quiet,
                 .verbose = options->verbose,
                 .dry_run = options->dry_run,
                 .words = options->words != NULL ? options->words : &words_push};
  *out = (reporter){.progress = DL_PROGRESS_INIT, .begin = begin, .finish = finish};
  dl_progress *p = &out->progress;
  p->user = c;
  if (c->quiet) return;
  p->scan_start = on_scan_start;
  p->scan_complete = on_scan_complete;
  p->change_detection_start = on_change_detection_start;
  p->change_detection_complete = on_change_detection_complete;
  p->upload_start = on_upload_start;
  p->file_upload_start = on_file_start;
  p->file_upload_progress = on_file_progress;
  p->file_upload_complete = on_file_complete;
  p->file_upload_error = on_file_error;
  p->retry = on_retry;
  p->file_would_upload = on_would_upload;
  p->note = on_note;
}
