/* cli/json.h: the report of a push for programs; `devlog help push` describes it. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>

#include "options.h"
#include "reporter.h"

typedef struct json_report {
  bool incomplete; /* a line could not be made or written */
} json_report;

/* Fills in a reporter that writes to j, which must live as long. */
void json_init(json_report *j, const push_options *options, reporter *out);

#endif
