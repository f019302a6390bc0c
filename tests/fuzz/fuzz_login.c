/* fuzz_login.c: any bytes as a connection string, a SAS or a key in the environment (the first
 * byte says which). What is taken is fit to be sent, and no message shows what was given. */
#define _GNU_SOURCE
#include <unistd.h>

#include "base/hash.h"
#include "fuzz.h"
#include "storage/azure_find.h"

#define CANARY "c4n4ryS3cr3t"

/* environ itself: setenv keeps every value that there ever was. */
static dl_status find(const char *name, const char *value, dl__azure_found *found, dl_error *err) {
  static char account[] = "acct";
  const dl__azure_url url = {.account = account};
  char *start = joined(name, "=");
  char *variable = joined(start, value);
  char *only[] = {variable, NULL};
  char **before = environ;
  dl_config *config = NULL;
  environ = only;
  require(dl_config_new(&config, NULL) == DL_OK);
  dl_status status = dl__azure_find(config, &url, found, err);
  environ = before;
  dl_config_free(config);
  free(start);
  free(variable);
  return status;
}

static void check_found(const char *value, const dl__azure_found *found) {
  const dl__secret *secret = &found->secret;
  require(found->where != NULL && secret->data != NULL && secret->data[secret->size] == '\0');
  if (found->kind == DL__AZURE_SAS) {
    require(strlen(secret->data) == secret->size && strstr(secret->data, "sig=") != NULL);
    require(strpbrk(secret->data, "\r\n\t \"#<>") == NULL && strstr(value, secret->data) != NULL);
  } else {
    dl__buf key = {0};
    require(found->kind == DL__AZURE_SHARED_KEY && secret->size > 0);
    require(dl__base64_add(&key, secret->data, secret->size) && strstr(value, key.data) != NULL);
    dl__buf_clear(&key);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[] = {"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN",
                                      "AZURE_STORAGE_KEY"};
  if (size == 0) return 0;
  char *value = text_of(data + 1, size - 1);
  char *longer = joined(value, CANARY);
  const char *name = names[data[0] % 3];
  dl_error err = DL_ERROR_INIT;
  dl__azure_found found = {0};
  dl_status status = find(name, value, &found, &err);
  require(status == DL_OK || (status == DL_ERR_CONFIG && err.message[0] != '\0'));
  require(status != DL_OK || (found.where == NULL) == (value[0] == '\0'));
  if (status == DL_OK && value[0] != '\0') check_found(value, &found);
  dl__secret_clear(&found.secret);
  found = (dl__azure_found){0};
  err = (dl_error)DL_ERROR_INIT;
  (void)find(name, longer, &found, &err);
  require(strstr(err.message, CANARY) == NULL);
  dl__secret_clear(&found.secret);
  free(value);
  free(longer);
  return 0;
}
