/* push/state.h: what was confirmed to be at the remote, kept between pushes.
 *
 * A cache: a row only ever saves a comparison. Without it, or with an old one,
 * the next push compares more and ends the same. */
#ifndef DL_PUSH_STATE_H
#define DL_PUSH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "base/fs.h"
#include "base/hash.h"

/* One confirmed object: the file had this stamp when these bytes were read. */
typedef struct dl__row {
  char *key;
  dl__stamp stamp; /* dev is 0: it is not kept */
  bool settled;    /* the stamp may be trusted: see dl__stamp_settled */
  dl__digest digest;
  uint8_t *md5_saved; /* DL__MD5_SAVED_BYTES: the MD5 of the whole content, at stamp.size_bytes,
                         as dl__md5_save keeps it; NULL: not known */
} dl__row;

typedef struct dl__rows {
  dl__row *items; /* sorted by the bytes of their keys */
  size_t count;
  size_t capacity;
} dl__rows;

/* Frees the rows with their keys and saved MD5s, which are theirs. */
void dl__rows_clear(dl__rows *rows);

typedef struct dl__state dl__state;

/* Opens the state kept in the file `path`.
 * read_only: nothing is made or changed; a file that is not there is an empty state.
 * A damaged file is replaced (read_only: ignored), and *note says so (a constant; else NULL).
 * DL_ERR_LOCKED: another process writes it; DL_ERR_STATE: the file is not ours, is from a newer
 * version, or cannot be used. */
dl_status dl__state_open(const char *path, bool read_only, dl__state **out, const char **note,
                         dl_error *err);

/* Closes it; what was not committed is dropped. NULL: nothing happens. */
void dl__state_close(dl__state *state);

/* The rows as they were at the opening, now the caller's. */
void dl__state_take_rows(dl__state *state, dl__rows *out);
int64_t dl__state_last_push_ns(const dl__state *state);

/* Remember and forget; durable with the next commit, which comes by itself
 * after a while. */
dl_status dl__state_put(dl__state *state, const dl__row *row, dl_error *err);
dl_status dl__state_remove(dl__state *state, const char *key, dl_error *err);
dl_status dl__state_set_last_push(dl__state *state, int64_t time_ns, dl_error *err);
dl_status dl__state_commit(dl__state *state, dl_error *err);

#endif
