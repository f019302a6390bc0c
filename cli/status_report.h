/* cli/status_report.h: what `devlog status` found, told to people or programs. */
#ifndef CLI_STATUS_REPORT_H
#define CLI_STATUS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <devlog/devlog.h>

#include "json.h"
#include "term.h"
#include "where.h"

/* For people the list comes after the counts, so it is kept; for programs each file is told at
 * once. Set up the first four. */
typedef struct status_report {
  where at;
  color_when color;
  bool remote, as_json;
  json_report json;
  dl_change *items; /* paths are ours */
  size_t count, capacity;
  bool no_memory;
} status_report;

/* How it ended. */
typedef struct status_end {
  dl_status status;
  int exit_code;
  const dl_compare_result *result;
  const dl_error *err; /* valid unless status is DL_OK */
  unsigned entries_today;
} status_end;

/* config: NULL if it could not be loaded. */
void status_report_begin(status_report *t, const dl_config *config);

/* A dl_change_fn; user is the report. */
int status_report_change(const dl_change *change, void *user);

/* config may be NULL after a failure. */
void status_report_end(status_report *t, const dl_config *config, const status_end *end);

void status_report_clear(status_report *t);

#endif
