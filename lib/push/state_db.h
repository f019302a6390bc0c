/* push/state_db.h: the inside of a dl__state, for state.c and state_open.c, the
 * only files with SQLite. */
#ifndef DL_PUSH_STATE_DB_H
#define DL_PUSH_STATE_DB_H

#include <stdbool.h>

#include <sqlite3.h>

#include "push/state.h"

enum { DL__STATE_PUT, DL__STATE_REMOVE, DL__STATE_LAST_PUSH, DL__STATE_STATEMENTS };

struct dl__state {
  sqlite3 *db; /* NULL: read-only and nothing there */
  sqlite3_stmt *statements[DL__STATE_STATEMENTS];
  char *path;
  dl__rows rows;
  int64_t last_push_ns;
  size_t pending; /* changes since the last commit */
  uint64_t pending_since_ms;
};

/* Opens state->path, checks that it is a whole state of ours, and loads it; as
 * dl__state_open. Not read-only: a transaction is open when it returns, so that no
 * other process can begin one. */
dl_status dl__state_load(dl__state *state, bool read_only, const char **note, dl_error *err);

/* Closes the database; what was loaded is freed. */
void dl__state_unload(dl__state *state);

/* The error of the last call of SQLite. */
dl_status dl__state_fail(const dl__state *state, dl_error *err);

/* Runs statements that give no rows. */
bool dl__state_run(const dl__state *state, const char *sql);

/* Begins a transaction and makes sure that it could be committed: its journal is
 * made now, so that a folder or disk that takes no writing shows at once. */
bool dl__state_begin(const dl__state *state);

#endif
