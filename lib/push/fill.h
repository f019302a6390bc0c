/* push/fill.h: the content of an object, brought into an open file and proven there. */
#ifndef DL_PUSH_FILL_H
#define DL_PUSH_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include <devlog/error.h>

#include "push/fetch.h"
#include "push/segment.h"

typedef struct dl__filling {
  const dl__fetch_request *request;
  int fd;                /* what is filled; -1: nothing, only looked at */
  int old_fd;            /* a file that may have some of it already; -1: none */
  uint64_t old_bytes;    /* its size */
  dl__segments segments; /* of the object; empty: not known */
  uint64_t same_bytes;   /* so far the old file is known to begin as the object does */
  bool unproven;         /* nobody keeps a digest that could be compared */
  char digest[DL__DIGEST_SIZE];
} dl__filling;

/* Asks what the object is made of, if that is needed to prove or to save anything. *filling has its
 * first fields; the caller clears it, also on failure. */
dl_status dl__fill_begin(dl__filling *filling, dl_error *err);
void dl__fill_clear(dl__filling *filling);

/* Finds the segments that the old file has at the same place, and takes them over. */
dl_status dl__fill_reuse(dl__filling *filling, dl_error *err);

/* Gets the rest and proves the whole; digest is set. DL_ERR_SOURCE_CHANGED: it is not what was
 * listed. */
dl_status dl__fill_get(dl__filling *filling, dl_error *err);

#endif
