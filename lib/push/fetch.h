/* push/fetch.h: one object -> one local file. */
#ifndef DL_PUSH_FETCH_H
#define DL_PUSH_FETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "push/plan.h"
#include "push/source.h"
#include "push/state.h"
#include "push/target.h"
#include "storage/storage.h"

/* What may stand in the place of the file. */
typedef enum dl__fetch_over {
  DL__OVER_NOTHING, /* no file */
  DL__OVER_KNOWN,   /* the file with this stamp */
  DL__OVER_PREFIX,  /* a file that the object begins with */
  DL__OVER_ANY      /* any file; it is kept beside, unless the object begins with it */
} dl__fetch_over;

/* How far a file is; a worker writes while the pulling thread reads. */
typedef struct dl__fetch_meter {
  atomic_ullong received_bytes; /* got from the remote, what was got again included */
  atomic_ullong done_bytes;     /* of the file, got in this try */
  atomic_ullong reused_bytes;   /* of the file, taken from the one that was there in this try */
} dl__fetch_meter;

typedef struct dl__fetch_request {
  const dl__storage *storage;
  int dir_fd;
  const dl__remote *remote;
  dl__fetch_over over;
  const dl__stamp *known; /* DL__OVER_KNOWN */
  dl__reader *reader;     /* its digests have an MD5 */
  dl__fetch_meter *meter;
  void (*progress)(void *user); /* the meter moved; NULL: nobody asks */
  void *progress_user;
} dl__fetch_request;

typedef struct dl__fetched {
  dl__row row;                        /* what is here and there now; its key is borrowed */
  char kept_as[DL__TARGET_KEPT_SIZE]; /* the file that was here has this name now; "": none had to
                                         be kept */
  bool unproven; /* nobody keeps a digest of the object: it was read twice, and was the same */
} dl__fetched;

/* Makes the file. Its content is proven before it gets its name: by the digest that was listed, by
 * those of its segments, or by a second reading; what the file that stands there has of it already
 * is not got again.
 * DL_OK, and *out says how. DL_ERR_SOURCE_CHANGED: the object is not, or not any more, what was
 * listed, or the file here was changed meanwhile: to be tried once more with a new look.
 * DL_ERR_CONFLICT: what stands there may not be replaced; DL_ERR_DOWNLOAD: see
 * dl__target_find, or it cannot be written. Else the failure of the storage. */
dl_status dl__fetch(const dl__fetch_request *request, dl__fetched *out, dl_error *err);

/* True in *prefix if the object begins with the local file of its key; nothing is written. */
dl_status dl__fetch_is_prefix(const dl__fetch_request *request, bool *prefix, dl_error *err);

/* True in *grown if the local file, which is larger, is known to begin with the object: by its
 * digests, without its bytes. */
dl_status dl__fetch_has_grown(const dl__fetch_request *request, bool *grown, dl_error *err);

/* Waits until the stamps of files that were just made may be trusted, a moment at most; then those
 * rows are `settled` whose file is still as it was made, if any write would have shown. */
void dl__fetch_settle(int dir_fd, dl__row *rows, size_t count);

#endif
