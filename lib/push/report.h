/* push/report.h: outcomes -> dl_push_result. */
#ifndef DL_PUSH_REPORT_H
#define DL_PUSH_REPORT_H

#include <devlog/sync.h>

#include "push/plan.h"
#include "push/transfer.h"

/* Counts what the plan found. */
void dl__report_plan(const dl__plan *plan, dl_push_result *result);

/* Counts a dry run's files as skipped. */
void dl__report_dry_run(const dl__plan *plan, dl_push_result *result);

/* Counts what the transfer did, and lists the files that failed. */
dl_status dl__report_outcomes(const dl__outcomes *outcomes, dl_push_result *result, dl_error *err);

/* One thing that failed; borrowed. */
typedef struct dl__failure {
  const char *path;
  dl_status status;
  const dl_error *error; /* may be NULL */
} dl__failure;

/* Makes the list of errors of a result, in one block of memory, which free gives back; none of no
 * failures. */
dl_status dl__report_errors(const dl__failure *failures, size_t count,
                            const dl_file_error *const **errors, dl_error *err);

/* The part of a host's result that both sides know. */
size_t dl__report_size(const dl_push_result *result);

/* Hands a result of our own size to the host, as far as its struct goes; frees
 * it if out is NULL. */
void dl__report_give(dl_push_result *result, dl_push_result *out);

#endif
