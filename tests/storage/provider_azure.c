/* Azure Blob Storage, as its emulator has it; a container of its own for each
 * case. tests/support/azurite.sh starts the emulator and says where it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remote.h"

static const char *missing(void) {
  return getenv("AZURITE_ENDPOINT") == NULL ? "no AZURITE_ENDPOINT: run it by azurite.sh" : NULL;
}

/* The first put makes the container, with remote.create set. */
static void make(remote *r) {
  static int number;
  char url[256];
  (void)snprintf(url, sizeof url, "%s/case-%ld-%d", getenv("AZURITE_ENDPOINT"), (long)getpid(),
                 number++);
  r->url = strdup(url);
  ck_assert_ptr_nonnull(r->url);
  ck_assert_int_eq(0, setenv("AZURE_STORAGE_KEY", getenv("AZURITE_KEY"), 1));
  dl_config *config;
  const dl_storage *storage_made;
  ck_assert_int_eq(DL_OK, dl_config_new(&config, NULL));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "remote.url", url, NULL));
  ck_assert_int_eq(DL_OK, dl_config_set(config, "remote.create", "yes", NULL));
  ck_assert_int_eq(DL_OK, dl_storage_create(config, &storage_made, NULL));
  dl_put_request request = DL_PUT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  request.key = "made";
  ck_assert_int_eq(DL_OK, storage_made->put(storage_made->self, &request, &result, NULL));
  ck_assert_int_eq(DL_OK, storage_made->remove(storage_made->self, "made", NULL));
  dl_storage_close(storage_made);
  dl_config_free(config);
}

static void unmake(remote *r) {
  free(r->url);
}

const provider tested = {
    .name = "azure",
    .caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL | DL_STORAGE_WANTS_MD5 |
            DL_STORAGE_CHECKS_CRC64 | DL_STORAGE_PARTS_BY_CONTENT,
    .can = CAN_NEST | CAN_DIGEST | CAN_ETAG | CAN_MTIME | CAN_REMOVE | CAN_PERSIST | CAN_SUM |
           CAN_PARTS | CAN_LAYOUT,
    .depth_max = 254,
    .missing = missing,
    .make = make,
    .unmake = unmake,
};
