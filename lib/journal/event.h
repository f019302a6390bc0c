/* journal/event.h: one line of events/YYYYMMDD.jsonl. */
#ifndef DL_JOURNAL_EVENT_H
#define DL_JOURNAL_EVENT_H

#include "base/buf.h"
#include "base/json.h"
#include "journal/annotation.h"

/* The longest line that is written or read, in bytes. */
#define DL__EVENT_LINE_MAX ((size_t)32 * 1024 * 1024)

typedef enum dl__event_type {
  DL__EVENT_OTHER, /* of a newer program, or without what it needs: no concern of ours */
  DL__EVENT_CREATED,
  DL__EVENT_UPDATED,
  DL__EVENT_ANNOTATED
} dl__event_type;

/* Its texts are borrowed from json. */
typedef struct dl__event {
  dl__event_type type;
  const char *content;   /* of Created and ContentUpdated */
  const char *timestamp; /* of RFC 3339's form, or "" */
  const dl__json *data;
  dl__json *json;
} dl__event;

/* Reads a line, without its end. WRONG: it is damaged. */
dl__json_end dl__event_parse(const char *line, size_t size, dl__event *out);
void dl__event_clear(dl__event *event);

/* Adds the names that an AnnotationParsed holds. False: no memory. */
bool dl__event_annotations(const dl__event *event, dl__annotations *out);

/* Append an event as a whole line. DL_ERR_ARGUMENT: content is not UTF-8, or too long. */
dl_status dl__event_add_created(dl__buf *lines, const char *id, const char *content,
                                const char *timestamp, dl_error *err);
dl_status dl__event_add_updated(dl__buf *lines, const char *content, const char *timestamp,
                                dl_error *err);
dl_status dl__event_add_annotated(dl__buf *lines, const dl__annotations *annotations,
                                  const char *timestamp, dl_error *err);

#endif
