/* cli/json.c: takes the events of a push, pull or verify, the entries of a journal, or the
 * members of a line, writes each as one JSON object on a line of standard output. The only file
 * that knows jansson. */
#include "json.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define LIST_SCHEMA "devlog.list/1"

/* Which fields of dl_progress_event an event has. */
enum { PATH = 1, FILES = 2, SIZE = 4, SENT = 8, MESSAGE = 16, ERROR = 32, REUSED = 64 };

/* Takes value over; NULL for a value that could not be made. */
static void add(json_report *j, json_t *object, const char *key, json_t *value) {
  if (json_object_set_new(object, key, value) != 0) j->incomplete = true;
}

static void add_number(json_report *j, json_t *object, const char *key, uint64_t number) {
  add(j, object, key, json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number));
}

static void add_name(json_report *j, json_t *object, dl_status status) {
  add(j, object, "status", json_string(dl_status_name(status)));
}

/* The text as UTF-8: U+FFFD in the place of each byte that is none.
 * @return new memory; NULL: no memory. *valid: nothing was replaced. */
static char *to_utf8(const char *text, bool *valid) {
  char *copy = malloc(strlen(text) * 3 + 1), *to = copy;
  *valid = true;
  if (copy == NULL) return NULL;
  while (*text != '\0') {
    uint32_t code;
    size_t length = text_utf8(text, &code);
    if (length == 0) {
      memcpy(to, "\xef\xbf\xbd", 3);
      to += 3;
      *valid = false;
    } else {
      memcpy(to, text, length);
      to += length;
    }
    text += length == 0 ? 1 : length;
  }
  *to = '\0';
  return copy;
}

static char *to_base64(const char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *s = (const unsigned char *)text;
  size_t size = strlen(text);
  char *out = malloc((size + 2) / 3 * 4 + 1), *to = out;
  if (out == NULL) return NULL;
  for (size_t i = 0; i < size; i += 3) {
    size_t left = size - i;
    uint32_t bits = (uint32_t)s[i] << 16 | (left > 1 ? (uint32_t)s[i + 1] << 8 : 0) |
                    (left > 2 ? (uint32_t)s[i + 2] : 0);
    *to++ = digits[bits >> 18];
    *to++ = digits[bits >> 12 & 63];
    *to++ = left > 1 ? digits[bits >> 6 & 63] : '=';
    *to++ = left > 2 ? digits[bits & 63] : '=';
  }
  *to = '\0';
  return out;
}

static void add_text(json_report *j, json_t *object, const char *key, const char *text) {
  bool valid;
  char *utf8 = text != NULL ? to_utf8(text, &valid) : NULL;
  add(j, object, key, text != NULL ? json_string(utf8) : json_null());
  free(utf8);
}

/* A path need not be UTF-8, and a JSON string must: KEY is then for people, and
 * KEY_base64 has the bytes. */
static void add_path(json_report *j, json_t *object, const char *key, const char *path) {
  bool valid = true;
  char *utf8 = path != NULL ? to_utf8(path, &valid) : NULL;
  add(j, object, key, path != NULL ? json_string(utf8) : json_null());
  free(utf8);
  if (valid) return;
  char name[32];
  (void)snprintf(name, sizeof name, "%s_base64", key);
  char *bytes = to_base64(path);
  add(j, object, name, json_string(bytes));
  free(bytes);
}

/* A pull calls "download" what the callbacks call "upload". */
static json_t *direction(const json_report *j, const char *name) {
  const char *at = j->words == &words_pull ? strstr(name, "upload") : NULL;
  if (at == NULL) return json_string(name);
  return json_sprintf("%.*sdownload%s", (int)(at - name), name, at + strlen("upload"));
}

static json_t *new_event(json_report *j, const char *name) {
  json_t *event = json_object();
  add(j, event, "event", direction(j, name));
  return event;
}

/* Prints a line, to be seen at once, and frees the object. ASCII, as any terminal
 * and any locale can take it. */
static void print(json_report *j, json_t *event) {
  if (event == NULL || json_dumpf(event, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0 ||
      fputc('\n', stdout) == EOF || fflush(stdout) != 0) {
    j->incomplete = true;
  }
  json_decref(event);
}

static int emit(const dl_progress_event *event, void *user, const char *name, unsigned fields) {
  json_report *j = user;
  json_t *object = new_event(j, name);
  if (fields & PATH) add_path(j, object, "path", event->path);
  if (fields & FILES) add_number(j, object, "files", event->files);
  if (fields & SIZE) add_number(j, object, "size_bytes", event->size_bytes);
  const char *sent = j->words == &words_pull ? "received_bytes" : "sent_bytes";
  if (fields & SENT) add_number(j, object, sent, event->sent_bytes);
  if (fields & REUSED) add_number(j, object, "reused_bytes", event->reused_bytes);
  if ((fields & ERROR) && event->error != NULL) {
    add_name(j, object, (dl_status)event->error->status);
  }
  if (fields & MESSAGE) add_text(j, object, "message", event->message);
  print(j, object);
  return 0; /* also if it cannot be written: the push goes on, the exit code tells */
}

#define CALLBACK(name, fields)                                                                     \
  static int name(const dl_progress_event *event, void *user) {                                    \
    return emit(event, user, #name, fields);                                                       \
  }

CALLBACK(scan_start, MESSAGE)
CALLBACK(scan_complete, FILES | SIZE)
CALLBACK(change_detection_start, FILES)
CALLBACK(change_detection_complete, FILES | SIZE)
CALLBACK(upload_start, FILES | SIZE)
CALLBACK(file_upload_start, PATH | SIZE)
CALLBACK(file_upload_progress, PATH | SIZE | SENT | REUSED)
CALLBACK(file_upload_complete, PATH | SIZE | SENT | REUSED)
CALLBACK(file_upload_error, PATH | SIZE | ERROR | MESSAGE)
CALLBACK(retry, PATH | ERROR | MESSAGE)
CALLBACK(upload_complete, FILES | SIZE)
CALLBACK(file_would_upload, PATH | SIZE)
CALLBACK(note, PATH | MESSAGE)

static const char *setting(const dl_config *config, const char *name) {
  return config != NULL ? dl_config_get(config, name) : NULL;
}

static void add_settings(json_report *j, json_t *object, const push_options *options) {
  if (j->words == &words_verify) {
    add(j, object, "download", json_boolean(options->download));
    return;
  }
  add(j, object, "force", json_boolean(options->force));
  add(j, object, "dry_run", json_boolean(options->dry_run));
  if (j->words == &words_pull) return;
  add(j, object, "mode", json_string(options->mode == DL_MODE_ALL ? "all" : "incremental"));
  add(j, object, "checksum", json_boolean(options->checksum));
}

static void begin(void *user, const dl_config *config, const push_options *options) {
  json_report *j = user;
  json_t *object = json_object();
  add(j, object, "schema", json_string(j->words->schema));
  add(j, object, "event", json_string("start"));
  add(j, object, "version", json_string(dl_version()));
  add_settings(j, object, options);
  add_path(j, object, "base", setting(config, "base"));
  add_path(j, object, "config", setting(config, "config"));
  add_path(j, object, "remote", setting(config, "remote.url"));
  print(j, object);
  const char *text;
  for (size_t i = 0; config != NULL && (text = dl_config_note(config, i)) != NULL; i++) {
    (void)note(&(dl_progress_event){.struct_size = sizeof(dl_progress_event), .message = text}, j);
  }
}

static json_t *file_errors(json_report *j, const dl_push_result *result) {
  json_t *list = json_array();
  for (size_t i = 0; i < result->error_count; i++) {
    const dl_file_error *error = result->errors[i];
    json_t *object = json_object();
    add_path(j, object, "path", error->path);
    add_name(j, object, (dl_status)error->status);
    add_text(j, object, "message", error->message);
    add_number(j, object, "errno", (uint64_t)error->errno_value);
    add_number(j, object, "http_status", (uint64_t)error->http_status);
    add(j, object, "retryable", json_boolean(error->retryable != 0));
    if (json_array_append_new(list, object) != 0) j->incomplete = true;
  }
  return list;
}

static json_t *whole_error(json_report *j, const dl_error *err) {
  json_t *object = json_object();
  add_path(j, object, "path", err->path);
  add_text(j, object, "message", err->message);
  add_number(j, object, "errno", (uint64_t)err->errno_value);
  add_number(j, object, "http_status", (uint64_t)err->http_status);
  add_text(j, object, "provider_code", err->provider_code);
  add_text(j, object, "request_id", err->request_id);
  add(j, object, "retryable", json_boolean(err->retryable != 0));
  return object;
}

static const char *stage_name(int32_t stage) {
  static const char *const names[] = {"start", "scan", "change_detection", "upload", "done"};
  return stage >= 0 && (size_t)stage < sizeof names / sizeof names[0] ? names[stage] : "unknown";
}

static void add_push(json_report *j, json_t *object, const dl_push_result *r) {
  add_number(j, object, "files_found", r->files_found);
  add_number(j, object, "files_added", r->files_added);
  add_number(j, object, "files_modified", r->files_modified);
  add_number(j, object, "files_unchanged", r->files_unchanged);
  add_number(j, object, "files_deleted_locally", r->files_deleted_locally);
  add_number(j, object, "files_uploaded", r->files_uploaded);
  add_number(j, object, "files_skipped", r->files_skipped);
  add_number(j, object, "files_failed", r->files_failed);
  add_number(j, object, "total_bytes", r->total_bytes);
  add_number(j, object, "bytes_sent", r->bytes_sent);
  add_number(j, object, "bytes_reused", r->bytes_reused);
  add_number(j, object, "duration_ms", r->duration_ms);
  add(j, object, "last_push_ns", json_integer(r->last_push_ns));
}

static void add_pull(json_report *j, json_t *object, const dl_pull_result *r) {
  add_number(j, object, "files_found", r->files_found);
  add_number(j, object, "files_unchanged", r->files_unchanged);
  add_number(j, object, "files_downloaded", r->files_downloaded);
  add_number(j, object, "files_kept", r->files_kept);
  add_number(j, object, "files_skipped", r->files_skipped);
  add_number(j, object, "files_failed", r->files_failed);
  add_number(j, object, "total_bytes", r->total_bytes);
  add_number(j, object, "bytes_received", r->bytes_received);
  add_number(j, object, "bytes_reused", r->bytes_reused);
  add_number(j, object, "duration_ms", r->duration_ms);
}

static const char *kind_name(int32_t kind) {
  static const char *const names[] = {"unknown", "not_remote", "not_local", "content",
                                      "unreadable"};
  return kind > 0 && (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : names[0];
}

static void add_verify(json_report *j, json_t *object, const dl_verify_result *r) {
  add_number(j, object, "files_found", r->files_found);
  add_number(j, object, "objects_found", r->objects_found);
  add_number(j, object, "files_equal", r->files_equal);
  add_number(j, object, "total_bytes", r->total_bytes);
  add_number(j, object, "duration_ms", r->duration_ms);
  json_t *list = json_array();
  for (size_t i = 0; i < r->difference_count; i++) {
    json_t *each = json_object();
    add(j, each, "kind", json_string(kind_name(r->differences[i]->kind)));
    add_path(j, each, "path", r->differences[i]->path);
    add_text(j, each, "message", r->differences[i]->message);
    if (json_array_append_new(list, each) != 0) j->incomplete = true;
  }
  add(j, object, "differences", list);
}

static void finish(void *user, const outcome *end) {
  json_report *j = user;
  json_t *object = new_event(j, "result");
  add_name(j, object, end->status);
  add_number(j, object, "exit_code", (uint64_t)end->exit_code);
  add(j, object, "error", end->status != DL_OK ? whole_error(j, end->err) : json_null());
  int32_t stage = end->verified != NULL ? end->verified->stage : end->result->stage;
  add(j, object, "stage", direction(j, stage_name(stage)));
  if (end->verified != NULL) {
    add_verify(j, object, end->verified);
  } else if (end->pulled != NULL) {
    add_pull(j, object, end->pulled);
  } else {
    add_push(j, object, end->result);
  }
  if (end->verified == NULL) add(j, object, "errors", file_errors(j, end->result));
  print(j, object);
}

void json_init(json_report *j, const push_options *options, reporter *out) {
  *j = (json_report){.words = options->words != NULL ? options->words : &words_push};
  *out = (reporter){.progress = DL_PROGRESS_INIT, .begin = begin, .finish = finish};
  dl_progress *p = &out->progress;
  p->user = j;
  if (options->quiet) return;
  p->scan_start = scan_start;
  p->scan_complete = scan_complete;
  p->change_detection_start = change_detection_start;
  p->change_detection_complete = change_detection_complete;
  p->upload_start = upload_start;
  p->file_upload_start = file_upload_start;
  p->file_upload_progress = file_upload_progress;
  p->file_upload_complete = file_upload_complete;
  p->file_upload_error = file_upload_error;
  p->retry = retry;
  p->upload_complete = upload_complete;
  p->file_would_upload = file_would_upload;
  p->note = note;
}

void json_list_begin(json_report *j, const char *base) {
  json_t *object = json_object();
  add(j, object, "schema", json_string(LIST_SCHEMA));
  add(j, object, "event", json_string("start"));
  add(j, object, "version", json_string(dl_version()));
  add_path(j, object, "base", base);
  print(j, object);
}

static void add_names(json_report *j, json_t *object, const char *key, const char *const *names,
                      size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    if (json_array_append_new(list, json_string(names[i])) != 0) j->incomplete = true;
  }
  add(j, object, key, list);
}

void json_list_entry(json_report *j, const dl_entry *entry) {
  json_t *object = new_event(j, "entry");
  add_text(j, object, "id", entry->id);
  add_text(j, object, "created_at", entry->created_at);
  add_text(j, object, "updated_at", entry->updated_at);
  add_names(j, object, "tags", entry->tags, entry->tag_count);
  add_names(j, object, "people", entry->people, entry->people_count);
  add_names(j, object, "projects", entry->projects, entry->project_count);
  add_number(j, object, "event_count", entry->event_count);
  add_number(j, object, "lines_damaged", entry->lines_damaged);
  add_text(j, object, "content", entry->content);
  print(j, object);
}

void json_list_end(json_report *j, size_t entries, dl_status status, int exit_code,
                   const dl_error *err) {
  json_t *object = new_event(j, "result");
  add_name(j, object, status);
  add_number(j, object, "exit_code", (uint64_t)exit_code);
  add(j, object, "error", status != DL_OK ? whole_error(j, err) : json_null());
  add_number(j, object, "entries", entries);
  print(j, object);
}

json_line json_line_new(json_report *report, const char *schema, const char *event) {
  json_line l = {report, json_object()};
  if (schema != NULL) add(report, l.object, "schema", json_string(schema));
  add(report, l.object, "event", json_string(event));
  return l;
}

void json_line_text(const json_line *l, const char *name, const char *text) {
  add_text(l->report, l->object, name, text);
}

void json_line_path(const json_line *l, const char *name, const char *path) {
  add_path(l->report, l->object, name, path);
}

void json_line_number(const json_line *l, const char *name, int64_t number) {
  add(l->report, l->object, name, json_integer(number));
}

void json_line_flag(const json_line *l, const char *name, bool flag) {
  add(l->report, l->object, name, json_boolean(flag));
}

void json_line_end(const json_line *l, dl_status status, int exit_code, const dl_error *err) {
  add_name(l->report, l->object, status);
  json_line_number(l, "exit_code", exit_code);
  add(l->report, l->object, "error", status != DL_OK ? whole_error(l->report, err) : json_null());
}

void json_line_print(const json_line *l) {
  print(l->report, l->object);
}
