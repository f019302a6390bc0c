/* push/pull_report.h: plan and receipts -> dl_pull_result. */
#ifndef DL_PUSH_PULL_REPORT_H
#define DL_PUSH_PULL_REPORT_H

#include <devlog/pull.h>

#include "push/pull_plan.h"
#include "push/receive.h"

/* Counts what was got, and lists what was refused and what failed, in the order of the paths. */
dl_status dl__pull_report(const dl__pull_plan *plan, const dl__receipts *receipts,
                          dl_pull_result *result, dl_error *err);

/* Hands a result of our own size to the host, as far as its struct goes; frees what the host
 * does not get. */
void dl__pull_report_give(dl_pull_result *result, dl_pull_result *out);

#endif
