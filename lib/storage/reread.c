/* storage/reread.c: takes a get and a storage, reads as often as it is told to, and
 * hands out every byte once. */
#include "storage/reread.h"

#include <string.h>

#include "base/error.h"

static dl_status changed(const dl__reread *r, dl_error *err) {
  return dl__fail(err, DL_ERR_CONFLICT, r->request.key,
                  "the object was changed at the remote while it was read");
}

/* Takes the part of a piece that was handed out before. */
static dl_status compare(dl__reread *r, const void *data, size_t size, dl_error *err) {
  dl_status status = dl__hash_add(&r->again, data, size, err);
  if (status != DL_OK || r->seen + size < r->handed) return status;
  char digest[DL__DIGEST_SIZE];
  status = dl__hash_end(&r->again, digest, err);
  if (status != DL_OK) return status;
  return strcmp(digest, r->digest) == 0 ? DL_OK : changed(r, err);
}

static dl_status take(void *user, const void *data, size_t size, dl_error *err) {
  dl__reread *r = user;
  size_t known = 0;
  if (r->seen < r->handed) {
    uint64_t left = r->handed - r->seen;
    known = left < size ? (size_t)left : size;
  }
  dl_status status = dl__hash_add(&r->all, data, size, err);
  if (status == DL_OK && known > 0) status = compare(r, data, known, err);
  if (status == DL_OK && size > known) {
    status = r->write(r->write_user, (const char *)data + known, size - known, err);
  }
  r->seen += size;
  if (status != DL_OK) r->final = true;
  return status;
}

dl_status dl__reread_init(dl__reread *reread, const dl_get_request *request, dl_error *err) {
  *reread =
      (dl__reread){.request = *request, .write = request->write, .write_user = request->write_user};
  reread->request.struct_size = sizeof reread->request;
  reread->request.write = take;
  reread->request.write_user = reread;
  dl_status status = dl__hash_init(&reread->all, false, err);
  return status == DL_OK ? dl__hash_init(&reread->again, false, err) : status;
}

void dl__reread_clear(dl__reread *reread) {
  dl__hash_clear(&reread->all);
  dl__hash_clear(&reread->again);
}

dl_status dl__reread_try(dl__reread *reread, const dl__storage *storage, dl_error *err) {
  dl__reread *r = reread;
  dl_status status = DL_OK;
  /* A try that broke off before it came to anything new leaves the old digest as it is. */
  if (r->seen > r->handed) {
    status = dl__hash_end(&r->all, r->digest, err);
    r->handed = r->seen;
  }
  r->seen = 0;
  if (status == DL_OK) status = dl__hash_begin(&r->all, err);
  if (status == DL_OK) status = dl__hash_begin(&r->again, err);
  if (status != DL_OK) return status;
  status = dl__storage_get(storage, &r->request, err);
  return status == DL_OK && r->seen < r->handed ? changed(r, err) : status;
}
