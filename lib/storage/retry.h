/* storage/retry.h: a storage that tries again: a wrapper round any other. */
#ifndef DL_STORAGE_RETRY_H
#define DL_STORAGE_RETRY_H

#include <devlog/storage.h>

#include "net/backoff.h"

/* Where time and chance come from; tests bring their own. */
typedef struct dl__retry_clock {
  uint64_t (*now_ms)(void *user);            /* monotonic */
  void (*sleep_ms)(void *user, uint32_t ms); /* short ones: a long wait asks for many */
  uint64_t (*random)(void *user);
  void *user;
} dl__retry_clock;

extern const dl__retry_clock dl__retry_real_clock;

typedef struct dl__retry_policy {
  dl__backoff backoff;
  uint32_t retries;     /* of one call at most */
  uint32_t budget;      /* of all calls of this storage together, so that a remote that is
                           down does not cost every file its retries; each success gives
                           back a tenth of one */
  uint64_t give_up_ms;  /* when all tries of so long a time failed, 8 at least, later calls fail
                           at once, so that a remote that only keeps silent does not cost every
                           file its time-out; 0: never */
  uint64_t deadline_ms; /* one call with all its retries takes no longer to begin a try */
  const dl__retry_clock *clock; /* borrowed */
} dl__retry_policy;

/* Wraps inner, which belongs to the new storage from then on, also on failure. Its
 * slots call those of inner, and call them again when they fail with err->retryable set;
 * what the last try said is returned, with the number of tries in its message. A slot
 * that inner has not is not there, but watch is: the waits need it. A put is tried again
 * with its read starting over at offset 0; a get goes on behind the bytes that were handed
 * out already (DL_ERR_CONFLICT if the object does not begin with them any more, see
 * storage/reread.h); a stat is tried again only while it has handed out nothing; a list
 * starts over, and hands out again what came before. A layout starts over and is handed out
 * when it is whole; the slots of an upload are called again as they were, a put_part with its
 * read starting over at offset 0, and upload_end once. watch and describe reach inner; a
 * call of watch begins a new run: the budget is full, nothing is given up. Waits end
 * early when the push is cancelled. */
dl_status dl__retry_new(const dl_storage *inner, const dl__retry_policy *policy,
                        const dl_storage **out, dl_error *err);

#endif
