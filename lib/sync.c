/* sync.c: the public calls on a dl_sync; what runs the stages of a push is sync_push.c, those of
 * a pull sync_pull.c. (dl_verify stands whole in sync_verify.c.) */
#include "sync.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "push/config.h"
#include "push/pull_report.h"
#include "push/report.h"

/* The sizes in version 0.1; a struct_size of 0 means these. */
#define OPTIONS_SIZE_0_1      (offsetof(dl_push_options, reserved) + sizeof(uint32_t))
#define PULL_OPTIONS_SIZE_0_1 (offsetof(dl_pull_options, key_count) + sizeof(size_t))

const char *dl_version(void) {
  return DL_VERSION_STRING;
}

int dl__sync_cancelled(void *user) {
  return atomic_load(&((dl_sync *)user)->cancel);
}

dl_status dl_sync_new(const dl_config *config, dl_sync **out, dl_error *err) {
  if (out == NULL || config == NULL) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_sync_new needs config and out");
  }
  *out = NULL;
  dl_status status = dl_config_validate(config, err);
  if (status != DL_OK) return status;
  dl_sync *sync = calloc(1, sizeof *sync);
  if (sync == NULL) return dl__fail_no_memory(err);
  atomic_init(&sync->cancel, false);
  atomic_flag_clear(&sync->busy);
  status = dl__config_copy(config, &sync->config, err);
  if (status == DL_OK) status = dl__storage_open(sync->config, &sync->storage, err);
  if (status != DL_OK) {
    dl_sync_free(sync);
    return status;
  }
  *out = sync;
  return DL_OK;
}

void dl_sync_free(dl_sync *sync) {
  if (sync == NULL) return;
  dl__storage_close(&sync->storage);
  dl_config_free(sync->config);
  free(sync);
}

void dl_cancel(dl_sync *sync) {
  if (sync != NULL) atomic_store(&sync->cancel, true);
}

dl_status dl__sync_enter(dl_sync *sync, dl_error *err) {
  if (atomic_flag_test_and_set(&sync->busy)) {
    return dl__fail(err, DL_ERR_BUSY, NULL, "another call with this handle is running");
  }
  dl__storage_watch(&sync->storage, dl__sync_cancelled, sync);
  return DL_OK;
}

void dl__sync_leave(dl_sync *sync) {
  atomic_store(&sync->cancel, false);
  atomic_flag_clear(&sync->busy);
}

static dl_status check_jobs(uint32_t jobs, dl_error *err) {
  if (jobs <= DL__CONFIG_JOBS_MAX) return DL_OK;
  return dl__fail(err, DL_ERR_ARGUMENT, NULL, "jobs must be at most %d", DL__CONFIG_JOBS_MAX);
}

static dl_status take_options(const dl_push_options *from, dl_push_options *out, dl_error *err) {
  *out = (dl_push_options)DL_PUSH_OPTIONS_INIT;
  if (from == NULL) return DL_OK;
  size_t size = from->struct_size;
  if (size == 0) size = OPTIONS_SIZE_0_1;
  memcpy(out, from, size < sizeof *out ? size : sizeof *out);
  if (out->mode != DL_MODE_INCREMENTAL && out->mode != DL_MODE_ALL) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "no such mode: %d", (int)out->mode);
  }
  return check_jobs(out->jobs, err);
}

dl_status dl_push(dl_sync *sync, const dl_push_options *options, const dl_progress *progress,
                  dl_push_result *result, dl_error *err) {
  if (sync == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_push needs a dl_sync");
  uint64_t start_ms = dl__clock_mono_ms();
  dl_push_options taken;
  dl_push_result own_result = DL_PUSH_RESULT_INIT;
  dl_error own = DL_ERROR_INIT;
  dl_status status = take_options(options, &taken, &own);
  if (status == DL_OK) status = dl__sync_enter(sync, &own);
  if (status == DL_OK) {
    status = dl__sync_push(sync, &taken, progress, &own_result, &own);
    dl__sync_leave(sync);
  }
  own_result.duration_ms = dl__clock_mono_ms() - start_ms;
  dl__report_give(&own_result, result);
  if (status != DL_OK) dl__error_copy(err, &own);
  return status;
}

static dl_status take_pull_options(const dl_pull_options *from, dl_pull_options *out,
                                   dl_error *err) {
  *out = (dl_pull_options)DL_PULL_OPTIONS_INIT;
  if (from == NULL) return DL_OK;
  size_t size = from->struct_size != 0 ? from->struct_size : PULL_OPTIONS_SIZE_0_1;
  memcpy(out, from, size < sizeof *out ? size : sizeof *out);
  dl_status status = check_jobs(out->jobs, err);
  if (status != DL_OK) return status;
  if (out->key_count == 0 || out->keys != NULL) return DL_OK;
  return dl__fail(err, DL_ERR_ARGUMENT, NULL, "key_count without keys");
}

dl_status dl_pull(dl_sync *sync, const dl_pull_options *options, const dl_progress *progress,
                  dl_pull_result *result, dl_error *err) {
  if (sync == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_pull needs a dl_sync");
  uint64_t start_ms = dl__clock_mono_ms();
  dl_pull_options taken;
  dl_pull_result own_result = DL_PULL_RESULT_INIT;
  dl_error own = DL_ERROR_INIT;
  dl_status status = take_pull_options(options, &taken, &own);
  if (status == DL_OK) status = dl__sync_enter(sync, &own);
  if (status == DL_OK) {
    status = dl__sync_pull(sync, &taken, progress, &own_result, &own);
    dl__sync_leave(sync);
  }
  own_result.duration_ms = dl__clock_mono_ms() - start_ms;
  dl__pull_report_give(&own_result, result);
  if (status != DL_OK) dl__error_copy(err, &own);
  return status;
}
