/* storage/reread.h: a get that may be tried again after it handed out a part.
 *
 * A get does not say which version of the object it read, and a stat after a failure
 * cannot say it for the bytes before. So a further try reads from the start again, and
 * the part that was handed out is compared by its SHA-256: what the caller has seen in
 * the end is what the last try read, and so one version. A get that does not fail costs
 * a digest of its bytes, and no request. */
#ifndef DL_STORAGE_REREAD_H
#define DL_STORAGE_REREAD_H

#include <stdbool.h>

#include "base/hash.h"
#include "storage/storage.h"

typedef struct dl__reread {
  dl_get_request request; /* as the storage gets it */
  dl_write_fn write;      /* the caller's */
  void *write_user;
  bool final;                   /* failed for a reason that is not the storage's */
  uint64_t seen;                /* bytes of this try */
  uint64_t handed;              /* bytes that earlier tries handed out */
  dl__hash all;                 /* of the bytes of this try */
  dl__hash again;               /* of the first `handed` of them */
  char digest[DL__DIGEST_SIZE]; /* what that has to become */
} dl__reread;

/* *reread is cleared by the caller, also on failure. request is borrowed. */
dl_status dl__reread_init(dl__reread *reread, const dl_get_request *request, dl_error *err);
void dl__reread_clear(dl__reread *reread);

/* One try. Hands out what no earlier one did. DL_ERR_CONFLICT: the object does not begin
 * any more with what was handed out. Not to be called again after a failure with
 * reread->final set, nor after DL_OK. */
dl_status dl__reread_try(dl__reread *reread, const dl__storage *storage, dl_error *err);

#endif
