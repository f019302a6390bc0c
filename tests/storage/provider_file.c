/* file:///FOLDER, in a folder that is not there yet. Whether digests and segments are kept
 * depends on the filesystem: test_directory.c looks at that. */
#include <stdlib.h>

#include "base/buf.h"
#include "remote.h"

static void make(remote *r) {
  r->own = support_tmpdir();
  r->url = dl__format("file://%s/remote", (const char *)r->own);
  ck_assert_ptr_nonnull(r->url);
}

static void unmake(remote *r) {
  support_rmdir(r->own);
  free(r->url);
}

const provider tested = {
    .name = "file",
    .caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL,
    .can = CAN_ETAG | CAN_MTIME | CAN_REMOVE | CAN_PERSIST | CAN_PARTS,
    .part_max = 255,
    .make = make,
    .unmake = unmake,
};
