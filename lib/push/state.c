/* push/state.c: one SQLite file for each pair of folder and remote: rows in and
 * out. Used by one thread, under the lock that a push holds.
 *
 * A rollback journal, not WAL: with commits in batches it costs nothing that
 * shows, a read-only look (dry run) leaves no files behind, and a filesystem
 * whose locks fail cannot stall it. A write transaction is open from the opening
 * to the close: a second push is refused by SQLite too, should somebody have
 * deleted the lock file. */
#include "push/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "push/state_db.h"

#define BATCH_ROWS 1000
#define BATCH_MS   2000

static const char put_text[] =
    "INSERT OR REPLACE INTO object"
    " (key, size_bytes, mtime_ns, ctime_ns, inode, settled, digest, md5_saved)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char remove_text[] = "DELETE FROM object WHERE key = ?1";
static const char last_push_text[] =
    "INSERT OR REPLACE INTO push (id, last_push_ns) VALUES (1, ?1)";
static const char *const statement_texts[DL__STATE_STATEMENTS] = {put_text, remove_text,
                                                                  last_push_text};

void dl__rows_clear(dl__rows *rows) {
  for (size_t i = 0; i < rows->count; i++) {
    free(rows->items[i].key);
    free(rows->items[i].md5_saved);
  }
  free(rows->items);
  *rows = (dl__rows){0};
}

dl_status dl__state_fail(const dl__state *state, dl_error *err) {
  int code = state->db != NULL ? sqlite3_errcode(state->db) : SQLITE_NOMEM;
  if ((code & 0xff) == SQLITE_NOMEM) return dl__fail_no_memory(err);
  return dl__fail(err, DL_ERR_STATE, state->path,
                  "the local state %s cannot be used: %s; free some space or mend its permissions, "
                  "or delete it: the next push rebuilds it",
                  state->path, sqlite3_errmsg(state->db));
}

bool dl__state_run(const dl__state *state, const char *sql) {
  return sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static dl_status prepare(dl__state *state, dl_error *err) {
  for (size_t i = 0; i < DL__STATE_STATEMENTS; i++) {
    if (sqlite3_prepare_v2(state->db, statement_texts[i], -1, &state->statements[i], NULL) !=
        SQLITE_OK) {
      return dl__state_fail(state, err);
    }
  }
  return DL_OK;
}

dl_status dl__state_open(const char *path, bool read_only, dl__state **out, const char **note,
                         dl_error *err) {
  *out = NULL;
  *note = NULL;
  dl_error own = DL_ERROR_INIT;
  dl__state *state = calloc(1, sizeof *state);
  if (state == NULL) return dl__fail_no_memory(err);
  state->path = strdup(path);
  dl_status status =
      state->path != NULL ? dl__state_load(state, read_only, note, &own) : dl__fail_no_memory(&own);
  if (status == DL_OK && !read_only) status = prepare(state, &own);
  if (status != DL_OK) {
    dl__error_copy(err, &own);
    dl__state_close(state);
    return status;
  }
  *out = state;
  return DL_OK;
}

void dl__state_unload(dl__state *state) {
  for (size_t i = 0; i < DL__STATE_STATEMENTS; i++) {
    (void)sqlite3_finalize(state->statements[i]);
    state->statements[i] = NULL;
  }
  (void)sqlite3_close(state->db);
  state->db = NULL;
  dl__rows_clear(&state->rows);
}

void dl__state_close(dl__state *state) {
  if (state == NULL) return;
  dl__state_unload(state);
  free(state->path);
  free(state);
}

void dl__state_take_rows(dl__state *state, dl__rows *out) {
  *out = state->rows;
  state->rows = (dl__rows){0};
}

int64_t dl__state_last_push_ns(const dl__state *state) {
  return state->last_push_ns;
}

/* Runs a prepared change within the transaction that is always open. */
static dl_status change(dl__state *state, sqlite3_stmt *stmt, dl_error *err) {
  if (state->pending == 0) state->pending_since_ms = dl__clock_mono_ms();
  state->pending++;
  (void)sqlite3_step(stmt);
  bool done = sqlite3_reset(stmt) == SQLITE_OK;
  dl_status status = done ? DL_OK : dl__state_fail(state, err);
  (void)sqlite3_clear_bindings(stmt);
  bool due =
      state->pending >= BATCH_ROWS || dl__clock_mono_ms() - state->pending_since_ms >= BATCH_MS;
  return status == DL_OK && due ? dl__state_commit(state, err) : status;
}

/* NULL: bound as NULL. */
static bool bind_md5(sqlite3_stmt *stmt, const uint8_t *md5_saved) {
  return sqlite3_bind_blob(stmt, 8, md5_saved, DL__MD5_SAVED_BYTES, SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_key(sqlite3_stmt *stmt, const char *key) {
  return sqlite3_bind_blob(stmt, 1, key, (int)strlen(key), SQLITE_STATIC) == SQLITE_OK;
}

dl_status dl__state_put(dl__state *state, const dl__row *row, dl_error *err) {
  sqlite3_stmt *stmt = state->statements[DL__STATE_PUT];
  char digest[DL__DIGEST_SIZE];
  dl__digest_unpack(&row->digest, digest);
  bool bound = bind_key(stmt, row->key) &&
               sqlite3_bind_int64(stmt, 2, (int64_t)row->stamp.size_bytes) == SQLITE_OK &&
               sqlite3_bind_int64(stmt, 3, row->stamp.mtime_ns) == SQLITE_OK &&
               sqlite3_bind_int64(stmt, 4, row->stamp.ctime_ns) == SQLITE_OK &&
               sqlite3_bind_int64(stmt, 5, (int64_t)row->stamp.ino) == SQLITE_OK &&
               sqlite3_bind_int(stmt, 6, row->settled ? 1 : 0) == SQLITE_OK &&
               sqlite3_bind_text(stmt, 7, digest, -1, SQLITE_TRANSIENT) == SQLITE_OK &&
               bind_md5(stmt, row->md5_saved);
  return bound ? change(state, stmt, err) : dl__state_fail(state, err);
}

dl_status dl__state_remove(dl__state *state, const char *key, dl_error *err) {
  sqlite3_stmt *stmt = state->statements[DL__STATE_REMOVE];
  return bind_key(stmt, key) ? change(state, stmt, err) : dl__state_fail(state, err);
}

dl_status dl__state_set_last_push(dl__state *state, int64_t time_ns, dl_error *err) {
  sqlite3_stmt *stmt = state->statements[DL__STATE_LAST_PUSH];
  if (sqlite3_bind_int64(stmt, 1, time_ns) != SQLITE_OK) return dl__state_fail(state, err);
  dl_status status = change(state, stmt, err);
  if (status == DL_OK) state->last_push_ns = time_ns;
  return status;
}

/* The next transaction begins at once: see dl__state_load. */
dl_status dl__state_commit(dl__state *state, dl_error *err) {
  if (state->pending == 0) return DL_OK;
  if (!dl__state_run(state, "COMMIT") || !dl__state_begin(state)) {
    return dl__state_fail(state, err);
  }
  state->pending = 0;
  return DL_OK;
}
