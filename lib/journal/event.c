/* journal/event.c: takes a line, gives the event; takes an event, gives the line.
 * Pure. */
#include "journal/event.h"

#include <string.h>

#include "base/error.h"
#include "journal/day.h"

static dl__event_type type_of(const char *name) {
  if (strcmp(name, "Created") == 0) return DL__EVENT_CREATED;
  if (strcmp(name, "ContentUpdated") == 0) return DL__EVENT_UPDATED;
  if (strcmp(name, "AnnotationParsed") == 0) return DL__EVENT_ANNOTATED;
  return DL__EVENT_OTHER;
}

dl__json_end dl__event_parse(const char *line, size_t size, dl__event *out) {
  *out = (dl__event){.timestamp = ""};
  dl__json_end end = dl__json_parse(line, size, &out->json);
  if (end != DL__JSON_DONE) return end;
  const char *name = dl__json_text(out->json, "type");
  out->data = dl__json_inner(out->json, "data");
  if (name == NULL || out->data == NULL) return DL__JSON_DONE;
  out->content = dl__json_text(out->data, "content");
  const char *timestamp = dl__json_text(out->data, "timestamp");
  if (timestamp != NULL && dl__day_is_time(timestamp)) out->timestamp = timestamp;
  dl__event_type type = type_of(name);
  if (type == DL__EVENT_ANNOTATED || out->content != NULL) out->type = type;
  return DL__JSON_DONE;
}

void dl__event_clear(dl__event *event) {
  dl__json_free(event->json);
  *event = (dl__event){.timestamp = ""};
}

static bool add_names(const dl__event *event, const char *key, dl__names *out) {
  size_t count = dl__json_count(event->data, key);
  for (size_t i = 0; i < count; i++) {
    const char *name = dl__json_item(event->data, key, i);
    if (name != NULL && !dl__names_add(out, name, strlen(name))) return false;
  }
  return true;
}

bool dl__event_annotations(const dl__event *event, dl__annotations *out) {
  return add_names(event, "tags", &out->tags) && add_names(event, "people", &out->people) &&
         add_names(event, "projects", &out->projects);
}

/* A line that is being made: what goes wrong in it is told at its end. */
typedef struct draft {
  dl__buf *lines;
  size_t start;
  dl__json_end end;
} draft;

static draft begin(dl__buf *lines, const char *type) {
  draft d = {lines, lines->length, DL__JSON_DONE};
  if (!dl__buf_add_text(lines, "{\"type\":\"") || !dl__buf_add_text(lines, type) ||
      !dl__buf_add_text(lines, "\",\"data\":{")) {
    d.end = DL__JSON_NO_MEMORY;
  }
  return d;
}

static void add_raw(draft *d, const char *text) {
  if (d->end == DL__JSON_DONE && !dl__buf_add_text(d->lines, text)) d->end = DL__JSON_NO_MEMORY;
}

static void add_quoted(draft *d, const char *text) {
  if (d->end == DL__JSON_DONE) d->end = dl__json_quote(d->lines, text);
}

static void add_text(draft *d, const char *key, const char *text) {
  add_raw(d, key);
  add_quoted(d, text);
}

static void add_list(draft *d, const char *key, const dl__names *names) {
  add_raw(d, key);
  for (size_t i = 0; i < names->count; i++) {
    add_raw(d, i == 0 ? "[" : ",");
    add_quoted(d, names->items[i]);
  }
  add_raw(d, names->count == 0 ? "[]" : "]");
}

static dl_status finish(draft *d, const char *timestamp, dl_error *err) {
  add_text(d, ",\"timestamp\":", timestamp);
  add_raw(d, "}}\n");
  if (d->end == DL__JSON_DONE && d->lines->length - d->start <= DL__EVENT_LINE_MAX) return DL_OK;
  dl__buf_cut(d->lines, d->start);
  if (d->end == DL__JSON_NO_MEMORY) return dl__fail_no_memory(err);
  if (d->end == DL__JSON_WRONG) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL,
                    "the text is not UTF-8: convert it first, for example with iconv");
  }
  return dl__fail(err, DL_ERR_ARGUMENT, NULL,
                  "the text makes an event of more than %zu bytes: shorten it", DL__EVENT_LINE_MAX);
}

dl_status dl__event_add_created(dl__buf *lines, const char *id, const char *content,
                                const char *timestamp, dl_error *err) {
  draft d = begin(lines, "Created");
  add_text(&d, "\"id\":", id);
  add_text(&d, ",\"content\":", content);
  return finish(&d, timestamp, err);
}

dl_status dl__event_add_updated(dl__buf *lines, const char *content, const char *timestamp,
                                dl_error *err) {
  draft d = begin(lines, "ContentUpdated");
  add_text(&d, "\"content\":", content);
  return finish(&d, timestamp, err);
}

dl_status dl__event_add_annotated(dl__buf *lines, const dl__annotations *annotations,
                                  const char *timestamp, dl_error *err) {
  draft d = begin(lines, "AnnotationParsed");
  add_list(&d, "\"tags\":", &annotations->tags);
  add_list(&d, ",\"people\":", &annotations->people);
  add_list(&d, ",\"projects\":", &annotations->projects);
  return finish(&d, timestamp, err);
}
