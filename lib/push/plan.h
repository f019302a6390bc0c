/* push/plan.h: local files + remembered state + remote listing -> actions. */
#ifndef DL_PUSH_PLAN_H
#define DL_PUSH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "push/scan.h"
#include "push/source.h"
#include "push/state.h"
#include "storage/storage.h"

/* An object that was listed, as far as the plan needs it. */
typedef struct dl__remote {
  char *key;
  char *etag; /* NULL: none */
  uint64_t size_bytes;
  int64_t mtime_ns; /* of the file when it was pushed; 0: not known */
  dl__digest digest;
} dl__remote;

/* True if its digest is not one of all its bytes: only the segments it is made of can tell what is
 * in it. */
bool dl__remote_needs_layout(const dl__remote *remote);

typedef struct dl__listing {
  dl__remote *items; /* sorted by the bytes of their keys */
  size_t count;
  size_t capacity;
  char **foreign; /* names that no file can have, as the storage told them; unsorted */
  size_t foreign_count;
  size_t foreign_capacity;
} dl__listing;

/* Lists the whole remote; one call of the list slot. */
dl_status dl__listing_read(const dl__storage *storage, dl__listing *out, dl_error *err);

/* The same for what starts with prefix, with the foreign names. */
dl_status dl__listing_read_all(const dl__storage *storage, const char *prefix, dl__listing *out,
                               dl_error *err);

/* The same for one object. DL_ERR_NOT_FOUND: there is none. */
dl_status dl__listing_stat(const dl__storage *storage, const char *key, dl__listing *out,
                           dl_error *err);

/* The object of this key, or NULL. */
const dl__remote *dl__listing_find(const dl__listing *listing, const char *key);
void dl__listing_clear(dl__listing *listing);

typedef enum dl__verdict {
  DL__UNKNOWN, /* has to be compared with the remote */
  DL__UNCHANGED,
  DL__ADDED,
  DL__MODIFIED
} dl__verdict;

/* What is to happen with one file. All pointers are borrowed from the lists
 * that the plan was made of. */
typedef struct dl__action {
  const dl__file *file;
  const dl__row *row;       /* what was remembered of it, or NULL */
  const dl__remote *remote; /* what was listed of it, or NULL */
  dl__verdict verdict;
  bool foreign; /* the object is not the one that was remembered: somebody else stored it */
} dl__action;

typedef struct dl__plan {
  dl__action *actions; /* one a file, in the order of the files */
  size_t count;
  bool listed;             /* made with a listing */
  uint64_t only_at_remote; /* objects (without a listing: rows) that no file belongs to */
} dl__plan;

/* Step 1, no I/O: what the state alone can tell. `all`: stamps do not make a
 * file unchanged. `force`: nothing does, and nothing needs comparing. */
dl_status dl__plan_local(const dl__tree *tree, const dl__rows *rows, bool all, bool force,
                         dl__plan *out, dl_error *err);
void dl__plan_clear(dl__plan *plan);

/* How many actions have this verdict, and the size of their files together. */
size_t dl__plan_count(const dl__plan *plan, dl__verdict verdict, uint64_t *size_bytes);

/* True for what has to be sent; and how many those are, with the size of their files. */
bool dl__action_wanted(const dl__action *action);
size_t dl__plan_wanted(const dl__plan *plan, uint64_t *size_bytes);

/* Step 2, no I/O: what listing and state can tell. */
void dl__plan_remote(dl__plan *plan, const dl__listing *listing);

/* Calls stale for every row that the listing contradicts: what it confirmed is
 * not at the remote any more; `there`: something else is. Stops at the first failure. */
dl_status dl__plan_stale_rows(const dl__rows *rows, const dl__listing *listing,
                              dl_status (*stale)(const dl__row *row, bool there, void *user,
                                                 dl_error *err),
                              void *user, dl_error *err);

/* Step 3: compares the content of what is still unknown, one action a call. The remote is
 * asked only if the listing does not say enough: for the segments of the object, or, if
 * nobody keeps a digest of it, for its bytes. A local file that cannot be read is left to
 * the transfer, which says why.
 * fresh: if the action turns out to be UNCHANGED, what is worth remembering (key borrowed,
 * md5_saved NULL); else its key is NULL.
 * DL_ERR_CANCELLED, or the failure of the storage. */
dl_status dl__plan_compare(dl__action *action, int dir_fd, const dl__storage *storage,
                           dl__reader *reader, dl__row *fresh, dl_error *err);

#endif
