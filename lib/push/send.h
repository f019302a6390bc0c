/* push/send.h: sends one file, in one of two ways: whole (whole.c), or in parts
 * (multipart.c), of which those that the remote has are kept. */
#ifndef DL_PUSH_SEND_H
#define DL_PUSH_SEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <devlog/error.h>

#include "base/workq.h"
#include "push/plan.h"
#include "push/source.h"
#include "push/state.h"
#include "storage/storage.h"

/* How far a file is; workers write while the pushing thread reads. */
typedef struct dl__meter {
  atomic_ullong given_bytes;  /* handed to the storage, what was given again included */
  atomic_ullong sent_bytes;   /* the same, but each byte once */
  atomic_ullong reused_bytes; /* found at the remote */
} dl__meter;

typedef struct dl__send_request {
  const dl__storage *storage;
  const dl__source *source;
  dl__reader *reader;
  const dl__remote *remote; /* as it was listed; NULL: it was not */
  const dl__row *vouched;   /* for dl__survey_match, or NULL */
  bool grows;               /* files of this name are only ever appended to */
  bool conditional;         /* only over what was listed, and with what it has; false: send all of
                               it, whatever stands there */
  bool md5;                 /* in parts: the MD5 of the whole is to be kept beside it */
  dl__workq *q;             /* in parts: for help */
  dl__meter *meter;
  void (*progress)(void *user); /* the meter moved; called by any thread */
  void *progress_user;
} dl__send_request;

/* True if a file of this size goes in parts. */
bool dl__send_wants_parts(const dl__storage *storage, uint64_t size_bytes);

/* Both: DL_OK: the object is the file as it was opened; *row says so (its key is not set; its
 * md5_saved is the caller's, also on failure). DL_ERR_CONFLICT: changed at the remote since it
 * was listed; DL_ERR_SOURCE_CHANGED, and of parts DL_ERR_NOT_FOUND: the file, or a part at the
 * remote, is not any more what it was at the start: to be tried once more. Else the failure of
 * the storage; of parts DL_ERR_UNSUPPORTED: the object has to be put whole.
 *
 * Whole: one put; the content is read twice if it does not fit the reader's buffer.
 * In parts: several at a time, if there are threads that have nothing else to do. */
dl_status dl__send_whole(const dl__send_request *request, dl__row *row, dl_error *err);
dl_status dl__send_parts(const dl__send_request *request, dl__row *row, dl_error *err);

/* What a storage may ask for next of `total` bytes: what follows (*next; 0 begins anew); *size is
 * cut to what there is. DL_ERR_CANCELLED; DL_ERR_STORAGE: it asked for something else. */
dl_status dl__send_ask(const dl__send_request *request, uint64_t offset, uint64_t total,
                       uint64_t *next, size_t *size, dl_error *err);

/* Meters bytes that were handed to the storage: `end` is how far the piece at hand is,
 * *counted how far it was ever. */
void dl__send_count(const dl__send_request *request, size_t size, uint64_t end, uint64_t *counted);

#endif
