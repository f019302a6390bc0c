/* storage/partlist.h: which parts of a new object are there; for storages that write every
 * part to its place. A commit is checked against it, so that no object has a gap, or bytes
 * of a part that failed half-way. */
#ifndef DL_STORAGE_PARTLIST_H
#define DL_STORAGE_PARTLIST_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/storage.h>

typedef struct dl__partlist {
  const char *key;     /* borrowed */
  uint64_t size_bytes; /* of the whole object */
  struct {
    pthread_mutex_t mutex;
    struct dl__placed *items; /* in the order in which they were begun */
    size_t count;
    size_t capacity;
  } locked;
} dl__partlist;

/* To be cleared only after DL_OK. */
dl_status dl__partlist_init(dl__partlist *list, const dl_upload_request *request, dl_error *err);
void dl__partlist_clear(dl__partlist *list);

/* Before a byte of a part is written: *at is its number, for dl__partlist_done once all of
 * them are. What stood in its place counts no more. DL_ERR_ARGUMENT: it ends beyond the
 * object. Any thread. */
dl_status dl__partlist_begin(dl__partlist *list, const dl_part *part, size_t *at, dl_error *err);
void dl__partlist_done(dl__partlist *list, size_t at);

/* DL_OK if the segments make up the object, and the parts that are there are just these.
 * While no part is on its way. */
dl_status dl__partlist_check(dl__partlist *list, const dl_commit_request *request, dl_error *err);

#endif
