/* push/transfer.h: actions -> outcomes: sends files, several at a time. */
#ifndef DL_PUSH_TRANSFER_H
#define DL_PUSH_TRANSFER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "push/config.h"
#include "push/plan.h"
#include "push/scan.h"
#include "push/send.h"
#include "storage/storage.h"

/* How one file ended. */
typedef struct dl__outcome {
  dl__action *action;
  dl_status status;      /* DL_ERR_CANCELLED: not sent, because the push was cancelled */
  dl_error *error;       /* NULL: none, or no memory for it */
  dl_error *first_error; /* why it was tried again; else NULL */
  dl__meter meter;       /* both tries together */
  dl__row *row;          /* status DL_OK: what is confirmed; key borrowed. Only while `end` is told:
                            there may be very many files. */
  uint64_t size_bytes;   /* status DL_OK: of the object */
} dl__outcome;

typedef struct dl__outcomes {
  dl__outcome *items;
  size_t count;
} dl__outcomes;

void dl__outcomes_clear(dl__outcomes *outcomes);

/* What a transfer tells; all on the thread that called dl__transfer. */
typedef struct dl__transfer_events {
  void (*start)(const dl__outcome *outcome, void *user);
  void (*progress)(const dl__outcome *outcome, void *user); /* its meter moved */
  void (*retry)(const dl__outcome *outcome, void *user);
  void (*end)(const dl__outcome *outcome, void *user);
  void *user;
} dl__transfer_events;

typedef struct dl__transfer_request {
  const dl__storage *storage;
  const dl__plan *plan;
  int dir_fd;                      /* the folder */
  size_t jobs;                     /* threads at most */
  uint64_t memory_bytes;           /* for all of them together */
  bool conditional;                /* send only over what was listed */
  bool keep_md5;                   /* objects in parts get the MD5 of the whole */
  const dl__patterns *append_only; /* names of files that only ever grow */
  const atomic_bool *cancel;
  const dl__transfer_events *events;
} dl__transfer_request;

/* Sends every file whose verdict is ADDED or MODIFIED; small files first, so that none waits
 * for a large one, whose parts are shared among the threads in the end. A file that fails does
 * not stop the others. DL_OK: *out says how each ended; DL_ERR_NO_MEMORY: nothing was sent.
 * The caller clears *out. */
dl_status dl__transfer(const dl__transfer_request *request, dl__outcomes *out, dl_error *err);

#endif
