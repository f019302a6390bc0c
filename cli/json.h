/* cli/json.h: what programs read; `devlog help push` and `devlog help list` describe it. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "reporter.h"

typedef struct json_report {
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

#endif
