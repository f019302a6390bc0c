/* push/report.c: takes the plan and the outcomes, gives the counts and one error
 * for each failed file. */
#include "push/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The size of dl_push_result in version 0.1; a struct_size of 0 means this one. */
#define RESULT_SIZE_0_1 (offsetof(dl_push_result, errors) + sizeof(((dl_push_result *)0)->errors))

void dl__report_plan(const dl__plan *plan, dl_push_result *result) {
  uint64_t bytes;
  result->files_added = dl__plan_count(plan, DL__ADDED, &bytes);
  result->files_modified = dl__plan_count(plan, DL__MODIFIED, &bytes);
  result->files_unchanged = dl__plan_count(plan, DL__UNCHANGED, &bytes);
  result->files_deleted_locally = plan->only_at_remote;
}

void dl__report_dry_run(const dl__plan *plan, dl_push_result *result) {
  result->files_skipped = dl__plan_wanted(plan, &result->total_bytes);
}

static const char *message_of(const dl__failure *failure) {
  return failure->error != NULL ? failure->error->message : dl_status_name(failure->status);
}

static bool failed(const dl__outcome *outcome) {
  return outcome->status != DL_OK && outcome->status != DL_ERR_CANCELLED;
}

static char *put_text(char **at, const char *text) {
  char *start = *at;
  size_t size = strlen(text) + 1;
  memcpy(start, text, size);
  *at += size;
  return start;
}

static void fill_file_error(const dl__failure *failure, dl_file_error *e, char **text) {
  *e = (dl_file_error){.struct_size = sizeof *e, .status = (int32_t)failure->status};
  e->path = put_text(text, failure->path);
  e->message = put_text(text, message_of(failure));
  if (failure->error == NULL) return;
  e->errno_value = failure->error->errno_value;
  e->http_status = failure->error->http_status;
  e->retryable = failure->error->retryable;
}

/* The pointers, what they point to, and the texts of that: a host frees it whatever version
 * of the structs it knows. */
dl_status dl__report_errors(const dl__failure *failures, size_t count,
                            const dl_file_error *const **errors, dl_error *err) {
  *errors = NULL;
  if (count == 0) return DL_OK;
  size_t size = count * (sizeof(dl_file_error *) + sizeof(dl_file_error));
  for (size_t i = 0; i < count; i++) {
    size += strlen(failures[i].path) + strlen(message_of(&failures[i])) + 2;
  }
  const dl_file_error **pointers = malloc(size);
  if (pointers == NULL) return dl__fail_no_memory(err);
  dl_file_error *items = (dl_file_error *)(pointers + count);
  char *text = (char *)(items + count);
  for (size_t i = 0; i < count; i++) {
    fill_file_error(&failures[i], &items[i], &text);
    pointers[i] = &items[i];
  }
  *errors = pointers;
  return DL_OK;
}

static dl_status list_errors(const dl__outcomes *outcomes, dl_push_result *result, dl_error *err) {
  size_t count = 0;
  dl__failure *failures = calloc((size_t)result->files_failed + 1, sizeof *failures);
  if (failures == NULL) return dl__fail_no_memory(err);
  for (size_t i = 0; i < outcomes->count; i++) {
    const dl__outcome *o = &outcomes->items[i];
    if (failed(o)) failures[count++] = (dl__failure){o->action->file->key, o->status, o->error};
  }
  dl_status status = dl__report_errors(failures, count, &result->errors, err);
  if (status == DL_OK) result->error_count = count;
  free(failures);
  return status;
}

dl_status dl__report_outcomes(const dl__outcomes *outcomes, dl_push_result *result, dl_error *err) {
  for (size_t i = 0; i < outcomes->count; i++) {
    const dl__outcome *o = &outcomes->items[i];
    result->bytes_sent += atomic_load(&o->meter.given_bytes);
    if (o->status == DL_OK) {
      result->files_uploaded++;
      result->total_bytes += o->size_bytes;
      result->bytes_reused += atomic_load(&o->meter.reused_bytes);
    } else if (failed(o)) {
      result->files_failed++;
    } else {
      result->files_skipped++;
    }
  }
  return result->files_failed == 0 ? DL_OK : list_errors(outcomes, result, err);
}

size_t dl__report_size(const dl_push_result *result) {
  size_t size = result->struct_size != 0 ? result->struct_size : RESULT_SIZE_0_1;
  return size < sizeof *result ? size : sizeof *result;
}

void dl__report_give(dl_push_result *result, dl_push_result *out) {
  if (out == NULL) {
    dl_push_result_clear(result);
    return;
  }
  if (dl__report_size(out) < RESULT_SIZE_0_1) free((void *)(uintptr_t)result->errors);
  uint32_t struct_size = out->struct_size;
  memcpy(out, result, dl__report_size(out));
  out->struct_size = struct_size;
}

void dl_push_result_clear(dl_push_result *result) {
  if (result == NULL) return;
  if (dl__report_size(result) >= RESULT_SIZE_0_1) free((void *)(uintptr_t)result->errors);
  uint32_t struct_size = result->struct_size;
  memset(result, 0, dl__report_size(result));
  result->struct_size = struct_size;
}
