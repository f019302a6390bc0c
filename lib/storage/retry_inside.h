/* storage/retry_inside.h: what the files retry*.c share. */
#ifndef DL_STORAGE_RETRY_INSIDE_H
#define DL_STORAGE_RETRY_INSIDE_H

#include <pthread.h>
#include <stdbool.h>

#include "storage/reread.h"
#include "storage/retry.h"
#include "storage/storage.h"

typedef struct dl__retry {
  dl_storage storage;
  dl__storage inner;
  dl__retry_policy policy;
  dl_cancelled_fn cancelled; /* or NULL */
  void *cancelled_user;
  struct {
    pthread_mutex_t mutex;
    uint64_t budget;
    uint64_t failing_since_ms; /* start of the first of the failures in a row */
    uint32_t failures;         /* tries in a row that found no remote */
  } locked;
} dl__retry;

/* One call of a slot, made once or more often. What its slot does not need is 0. */
typedef struct dl__retry_call {
  dl_status (*once)(struct dl__retry_call *c, dl_error *err);
  const dl__storage *inner;
  const char *key; /* of list: the prefix */
  bool final;      /* the caller got something, or said no: not to be tried again */
  dl_object_fn each;
  void *user;
  const dl_put_request *put;
  dl_put_result *result;
  dl__reread *reread;
  dl__layout *layout;
  const dl_upload_request *begin;
  dl_upload *upload; /* of the storage inside */
  const dl_part *part;
  const dl_commit_request *commit;
} dl__retry_call;

/* Makes the call as often as the policy says; gives what the last try said. */
dl_status dl__retry_run(dl__retry *r, dl__retry_call *c, dl_error *err);

/* Fills the slots for parts. */
void dl__retry_add_parts(dl__retry *r);

#endif
