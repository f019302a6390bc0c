/* fuzz_event.c: any bytes as a line of events, and as the text of an entry. What is read is the
 * same when it is written and read again. */
#include "base/utf8.h"
#include "fuzz.h"
#include "journal/day.h"
#include "journal/event.h"

#define TIME "2025-09-11T10:00:00+02:00"

/* The line that was written, without its end. */
static void read_back(const dl__buf *line, dl__event *out) {
  require(line->length > 0 && line->data[line->length - 1] == '\n');
  require(memchr(line->data, '\n', line->length - 1) == NULL && dl__utf8_is_valid(line->data));
  require(dl__event_parse(line->data, line->length - 1, out) == DL__JSON_DONE);
}

static void check_names(const dl__names *a, const dl__names *b) {
  require(a->count == b->count);
  for (size_t i = 0; i < a->count; i++) require(strcmp(a->items[i], b->items[i]) == 0);
}

static void check_annotated(const dl__event *event) {
  dl__annotations names = {0};
  dl__annotations again = {0};
  dl__buf line = {0};
  dl__event back;
  require(dl__event_annotations(event, &names));
  require(dl__event_add_annotated(&line, &names, event->timestamp, NULL) == DL_OK);
  read_back(&line, &back);
  require(back.type == DL__EVENT_ANNOTATED && same(back.timestamp, event->timestamp));
  require(dl__event_annotations(&back, &again));
  check_names(&names.tags, &again.tags);
  check_names(&names.people, &again.people);
  check_names(&names.projects, &again.projects);
  dl__event_clear(&back);
  dl__annotations_clear(&names);
  dl__annotations_clear(&again);
  dl__buf_clear(&line);
}

static void check_line(const uint8_t *data, size_t size) {
  dl__event event, back;
  dl__buf line = {0};
  dl__json_end end = dl__event_parse((const char *)data, size, &event);
  require(end != DL__JSON_NO_MEMORY);
  if (end == DL__JSON_WRONG) return;
  require(event.timestamp[0] == '\0' || dl__day_is_time(event.timestamp));
  if (event.type == DL__EVENT_ANNOTATED) check_annotated(&event);
  if (event.type == DL__EVENT_CREATED || event.type == DL__EVENT_UPDATED) {
    require(dl__event_add_updated(&line, event.content, event.timestamp, NULL) == DL_OK);
    read_back(&line, &back);
    require(back.type == DL__EVENT_UPDATED && same(back.content, event.content));
    require(same(back.timestamp, event.timestamp));
    dl__event_clear(&back);
  }
  dl__event_clear(&event);
  dl__buf_clear(&line);
}

static void check_content(const char *text) {
  dl_error err = DL_ERROR_INIT;
  dl__buf line = {0};
  dl__event back;
  dl_status status = dl__event_add_created(&line, "20250911", text, TIME, &err);
  require(status == (dl__utf8_is_valid(text) ? DL_OK : DL_ERR_ARGUMENT));
  if (status == DL_OK) {
    read_back(&line, &back);
    require(back.type == DL__EVENT_CREATED && same(back.content, text));
    require(same(back.timestamp, TIME));
    dl__event_clear(&back);
  } else {
    require(line.length == 0 && err.message[0] != '\0');
  }
  dl__buf_clear(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = text_of(data, size);
  check_line(data, size);
  check_content(text);
  free(text);
  return 0;
}
