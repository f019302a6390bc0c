/* push.c: sends what changed in a folder. Usage: push FOLDER URL */
#include <devlog/devlog.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: %s FOLDER URL\n", argv[0]), 2;
  dl_error err = DL_ERROR_INIT;
  dl_push_result result = DL_PUSH_RESULT_INIT;
  dl_config *config = NULL;
  dl_sync *sync = NULL;
  dl_status status = dl_config_new(&config, &err);
  if (status == DL_OK) status = dl_config_set(config, "base", argv[1], &err);
  if (status == DL_OK) status = dl_config_set(config, "remote.url", argv[2], &err);
  if (status == DL_OK) status = dl_sync_new(config, &sync, &err);
  if (status == DL_OK) status = dl_push(sync, NULL, NULL, &result, &err);
  if (status == DL_OK)
    printf("%d of %d files sent\n", (int)result.files_uploaded, (int)result.files_found);
  if (status != DL_OK) fprintf(stderr, "%s: %s\n", dl_status_name(status), err.message);
  for (size_t i = 0; i < result.error_count; i++)
    fprintf(stderr, "%s: %s\n", result.errors[i]->path, result.errors[i]->message);
  dl_push_result_clear(&result);
  dl_sync_free(sync);
  dl_config_free(config);
  return status == DL_OK ? 0 : 1;
}
