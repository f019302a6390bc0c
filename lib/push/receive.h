/* push/receive.h: what is to be pulled -> local files, several at a time. */
#ifndef DL_PUSH_RECEIVE_H
#define DL_PUSH_RECEIVE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "push/fetch.h"
#include "push/pull_plan.h"
#include "storage/storage.h"

/* How one object ended. */
typedef struct dl__receipt {
  const dl__pull_action *action;
  dl_status status;      /* DL_ERR_CANCELLED: not got, because the pull was cancelled */
  dl_error *error;       /* NULL: none, or no memory for it */
  dl_error *first_error; /* why it was tried again; else NULL */
  dl__fetch_meter meter;
  dl__fetched *fetched; /* status DL_OK: what is here now. Only while `end` is told. */
  uint64_t size_bytes;  /* status DL_OK: of the file */
  bool kept;            /* the file that was here is kept beside */
} dl__receipt;

typedef struct dl__receipts {
  dl__receipt *items;
  size_t count;
} dl__receipts;

void dl__receipts_clear(dl__receipts *receipts);

/* What is told; all on the thread that called dl__receive. */
typedef struct dl__receive_events {
  void (*start)(const dl__receipt *receipt, void *user);
  void (*progress)(const dl__receipt *receipt, void *user); /* its meter moved */
  void (*retry)(const dl__receipt *receipt, void *user);
  void (*end)(const dl__receipt *receipt, void *user);
  void *user;
} dl__receive_events;

typedef struct dl__receive_request {
  const dl__storage *storage;
  const dl__pull_plan *plan;
  int dir_fd;            /* the folder */
  size_t jobs;           /* threads at most, 1 at least */
  uint64_t memory_bytes; /* for all of them together */
  const atomic_bool *cancel;
  const dl__receive_events *events;
} dl__receive_request;

/* Gets every object whose verdict is FETCH. One that fails does not stop the others. DL_OK: *out
 * says how each ended; DL_ERR_NO_MEMORY: nothing was got. The caller clears *out. */
dl_status dl__receive(const dl__receive_request *request, dl__receipts *out, dl_error *err);

#endif
