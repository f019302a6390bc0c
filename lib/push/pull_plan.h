/* push/pull_plan.h: remote listing + remembered state + local files -> what a pull is to do. */
#ifndef DL_PUSH_PULL_PLAN_H
#define DL_PUSH_PULL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "push/fetch.h"
#include "push/plan.h"
#include "push/scan.h"
#include "push/state.h"
#include "storage/storage.h"

typedef enum dl__pull_verdict {
  DL__PULL_UNKNOWN, /* has to be compared with the local file */
  DL__PULL_SAME,    /* is here already */
  DL__PULL_FETCH,   /* is to be got */
  DL__PULL_REFUSED, /* must not be got: see error */
  DL__PULL_LEFT_OUT /* is not got, and that is no failure: see note */
} dl__pull_verdict;

/* What is to happen with one object. Pointers are borrowed of the listing and the rows. */
typedef struct dl__pull_action {
  const char *key;
  const dl__remote *remote; /* NULL: refused for its name */
  const dl__row *row;       /* what was remembered of it, or NULL */
  dl__pull_verdict verdict;
  dl__fetch_over over; /* FETCH */
  dl__stamp known;     /* DL__OVER_KNOWN */
  dl_error *error;     /* REFUSED: why; NULL: no memory for it */
  const char *note;    /* LEFT_OUT: why */
} dl__pull_action;

typedef struct dl__pull_plan {
  dl__pull_action *actions;
  size_t count;
} dl__pull_plan;

typedef struct dl__pull_request {
  const dl__storage *storage;
  const dl__listing *listing; /* its foreign names are sorted by the plan */
  const dl__rows *rows;
  const dl__patterns *append_only; /* files that only ever grow; NULL: none */
  const char *const *keys;  /* what was asked for: objects, and folders with all below them */
  size_t key_count;         /* 0: everything */
  const dl__file_id *avoid; /* folders and files that nothing is written to */
  size_t avoid_count;
  int dir_fd; /* the folder; -1: it is not there yet */
  bool force; /* what must not be replaced is kept beside */
  bool dry_run;
  dl__reader *reader; /* its digests have an MD5 */
} dl__pull_request;

/* Step 1, no I/O: one action for each object that was asked for; then one, refused, for each name
 * that no file can have, and for each key that means nothing. The caller clears *out, also on
 * failure. */
dl_status dl__pull_plan_make(const dl__pull_request *request, dl__pull_plan *out, dl_error *err);
void dl__pull_plan_clear(dl__pull_plan *plan);

/* Step 2: looks at the local file of one action that is still UNKNOWN.
 * fresh: if it is the SAME, and that was found out by reading, what is worth remembering (key
 * borrowed); else its key is NULL. A failure that is about this object alone refuses it.
 * DL_ERR_CANCELLED, DL_ERR_NO_MEMORY, DL_ERR_AUTH, DL_ERR_NETWORK. */
dl_status dl__pull_plan_compare(const dl__pull_request *request, dl__pull_action *action,
                                dl__row *fresh, dl_error *err);

#endif
