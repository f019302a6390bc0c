/* cli/json.h: the report of a push, pull or verify for programs, `devlog help push` and the
 * help of the others describe it; and single lines for the other commands. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "reporter.h"
#include "words.h"

typedef struct json_report {
  const wording *words;
  bool incomplete; /* a line could not be made or written */
} json_report;

/* The lines of `devlog list --json`: one at the start, one for each entry, one at the end.
 * base: of the journal; NULL: not known. err: of a status that is not DL_OK. */
void json_list_begin(json_report *j, const char *base);
void json_list_entry(json_report *j, const dl_entry *entry);
void json_list_end(json_report *j, size_t entries, dl_status status, int exit_code,
                   const dl_error *err);

/* Fills in a reporter that writes to j, which must live as long. */
void json_init(json_report *j, const push_options *options, reporter *out);

/* One line, put together member by member: an object that starts with "schema" (NULL: none) and
 * "event". What cannot be made or written shows in report->incomplete. */
typedef struct json_line {
  json_report *report;
  void *object;
} json_line;

json_line json_line_new(json_report *report, const char *schema, const char *event);
void json_line_text(const json_line *l, const char *name, const char *text); /* NULL: null */
void json_line_path(const json_line *l, const char *name, const char *path); /* the same */
void json_line_number(const json_line *l, const char *name, int64_t number);
void json_line_flag(const json_line *l, const char *name, bool flag);

/* "status", "exit_code", and "error" with the details, or null. */
void json_line_end(const json_line *l, dl_status status, int exit_code, const dl_error *err);

/* Prints it and ends it. */
void json_line_print(const json_line *l);

#endif
