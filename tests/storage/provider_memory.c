/* memory://NAME: gone with the last handle. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote.h"

static void make(remote *r) {
  static int number;
  char url[64];
  (void)snprintf(url, sizeof url, "memory://conformance-%d", number++);
  r->url = strdup(url);
  ck_assert_ptr_nonnull(r->url);
}

static void unmake(remote *r) {
  free(r->url);
}

const provider tested = {
    .name = "memory",
    .caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL | DL_STORAGE_VOLATILE,
    .can = CAN_NEST | CAN_DIGEST | CAN_ETAG | CAN_MTIME | CAN_REMOVE | CAN_PARTS | CAN_LAYOUT,
    .make = make,
    .unmake = unmake,
};
