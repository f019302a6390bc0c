/* push/pull_report.c: takes the plan and the receipts, gives the counts and one error for
 * each file that was refused or failed. */
#include "push/pull_report.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "push/report.h"

/* The size of dl_pull_result in version 0.1; a struct_size of 0 means this one. */
#define RESULT_SIZE_0_1 (offsetof(dl_pull_result, errors) + sizeof(((dl_pull_result *)0)->errors))

static int compare_failures(const void *a, const void *b) {
  return strcmp(((const dl__failure *)a)->path, ((const dl__failure *)b)->path);
}

static dl_status list_failures(const dl__pull_plan *plan, const dl__receipts *receipts,
                               dl_pull_result *result, dl_error *err) {
  size_t count = 0;
  dl__failure *failures = calloc(plan->count + 1, sizeof *failures);
  if (failures == NULL) return dl__fail_no_memory(err);
  for (size_t i = 0; i < plan->count; i++) {
    const dl__pull_action *action = &plan->actions[i];
    if (action->verdict != DL__PULL_REFUSED) continue;
    const dl_error *why = action->error;
    dl_status status = why != NULL ? (dl_status)why->status : DL_ERR_NO_MEMORY;
    failures[count++] = (dl__failure){action->key, status, why};
  }
  for (size_t i = 0; i < receipts->count; i++) {
    const dl__receipt *r = &receipts->items[i];
    if (r->status == DL_OK || r->status == DL_ERR_CANCELLED) continue;
    failures[count++] = (dl__failure){r->action->key, r->status, r->error};
  }
  if (count > 1) qsort(failures, count, sizeof *failures, compare_failures);
  dl_status status = dl__report_errors(failures, count, &result->errors, err);
  if (status == DL_OK) result->error_count = count;
  result->files_failed = count;
  free(failures);
  return status;
}

dl_status dl__pull_report(const dl__pull_plan *plan, const dl__receipts *receipts,
                          dl_pull_result *result, dl_error *err) {
  for (size_t i = 0; i < receipts->count; i++) {
    const dl__receipt *r = &receipts->items[i];
    result->bytes_received += atomic_load(&r->meter.received_bytes);
    if (r->status == DL_ERR_CANCELLED) result->files_skipped++;
    if (r->status != DL_OK) continue;
    result->files_downloaded++;
    result->files_kept += r->kept ? 1 : 0;
    result->total_bytes += r->size_bytes;
    result->bytes_reused += atomic_load(&r->meter.reused_bytes);
  }
  return list_failures(plan, receipts, result, err);
}

/* The part of a host's result that both sides know. */
static size_t result_size(const dl_pull_result *result) {
  size_t size = result->struct_size != 0 ? result->struct_size : RESULT_SIZE_0_1;
  return size < sizeof *result ? size : sizeof *result;
}

void dl__pull_report_give(dl_pull_result *result, dl_pull_result *out) {
  if (out == NULL || result_size(out) < RESULT_SIZE_0_1) free((void *)(uintptr_t)result->errors);
  if (out == NULL) return;
  uint32_t struct_size = out->struct_size;
  memcpy(out, result, result_size(out));
  out->struct_size = struct_size;
}

void dl_pull_result_clear(dl_pull_result *result) {
  if (result == NULL) return;
  if (result_size(result) >= RESULT_SIZE_0_1) free((void *)(uintptr_t)result->errors);
  uint32_t struct_size = result->struct_size;
  memset(result, 0, result_size(result));
  result->struct_size = struct_size;
}
