/* push/state.c: one SQLite file for each pair of folder and remote; the only
 * file with SQLite. Used by one thread, under the lock that a push holds.
 *
 * A rollback journal, not WAL: with commits in batches it costs nothing that
 * shows, a read-only look (dry run) leaves no files behind, and a filesystem
 * whose locks fail cannot stall it. */
#include "push/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <devlog/storage.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/vec.h"

#define APPLICATION_ID  0x646c7374 /* "dlst" */
#define SCHEMA_VERSION  1
#define BUSY_TIMEOUT_MS 5000
#define BATCH_ROWS      1000
#define BATCH_MS        2000

enum { PUT, REMOVE, SET_LAST_PUSH, STATEMENTS };

struct dl__state {
  sqlite3 *db; /* NULL: read-only and nothing there */
  sqlite3_stmt *statements[STATEMENTS];
  char *path;
  dl__rows rows;
  int64_t last_push_ns;
  size_t pending; /* changes since the last commit */
  uint64_t pending_since_ms;
};

static const char schema[] = "PRAGMA application_id = 0x646c7374;"
                             "PRAGMA user_version = 1;"
                             "CREATE TABLE object ("
                             "  key BLOB PRIMARY KEY,"
                             "  size_bytes INTEGER NOT NULL,"
                             "  mtime_ns INTEGER NOT NULL,"
                             "  ctime_ns INTEGER NOT NULL,"
                             "  inode INTEGER NOT NULL,"
                             "  settled INTEGER NOT NULL,"
                             "  digest TEXT NOT NULL"
                             ") WITHOUT ROWID;"
                             "CREATE TABLE push (id INTEGER PRIMARY KEY CHECK (id = 1),"
                             "  last_push_ns INTEGER NOT NULL);";

static const char *const statement_texts[STATEMENTS] = {
    "INSERT OR REPLACE INTO object (key, size_bytes, mtime_ns, ctime_ns, inode, settled, digest)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "DELETE FROM object WHERE key = ?1",
    "INSERT OR REPLACE INTO push (id, last_push_ns) VALUES (1, ?1)",
};

void dl__rows_clear(dl__rows *rows) {
  for (size_t i = 0; i < rows->count; i++) free(rows->items[i].key);
  free(rows->items);
  *rows = (dl__rows){0};
}

static dl_status fail(const dl__state *state, dl_error *err) {
  int code = state->db != NULL ? sqlite3_errcode(state->db) : SQLITE_NOMEM;
  if ((code & 0xff) == SQLITE_NOMEM) return dl__fail_no_memory(err);
  return dl__fail(err, DL_ERR_STATE, state->path,
                  "the local state %s cannot be used: %s; free some space or mend its permissions, "
                  "or delete it: the next push rebuilds it",
                  state->path, sqlite3_errmsg(state->db));
}

static bool run(const dl__state *state, const char *sql) {
  return sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* The single number that a query gives. */
static bool query_int(const dl__state *state, const char *sql, int64_t *value) {
  sqlite3_stmt *stmt;
  if (sqlite3_prepare_v2(state->db, sql, -1, &stmt, NULL) != SQLITE_OK) return false;
  bool row = sqlite3_step(stmt) == SQLITE_ROW;
  if (row) *value = sqlite3_column_int64(stmt, 0);
  return sqlite3_finalize(stmt) == SQLITE_OK && row;
}

/* What the file turned out to be. */
typedef enum verdict { GOOD, DAMAGED, REFUSED } verdict;

static verdict judge_failure(const dl__state *state, dl_error *err) {
  int code = sqlite3_errcode(state->db) & 0xff;
  (void)fail(state, err);
  return code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? DAMAGED : REFUSED;
}

static verdict check_identity(const dl__state *state, bool read_only, dl_error *err) {
  int64_t application = 0;
  int64_t version = 0;
  int64_t tables = 0;
  if (!query_int(state, "PRAGMA application_id", &application) ||
      !query_int(state, "PRAGMA user_version", &version) ||
      !query_int(state, "SELECT count(*) FROM sqlite_schema", &tables)) {
    return judge_failure(state, err);
  }
  if (application == 0 && version == 0 && tables == 0) {
    if (read_only ||
        (run(state, "BEGIN IMMEDIATE") && run(state, schema) && run(state, "COMMIT"))) {
      return GOOD;
    }
    return judge_failure(state, err);
  }
  if (application != APPLICATION_ID) {
    (void)dl__fail(err, DL_ERR_STATE, state->path,
                   "%s is not a state of this program; move it away", state->path);
    return REFUSED;
  }
  if (version == SCHEMA_VERSION) return GOOD;
  (void)dl__fail(err, DL_ERR_STATE, state->path,
                 "the local state %s is from a newer version; update this program, or delete the "
                 "file: the next push rebuilds it",
                 state->path);
  return version > SCHEMA_VERSION ? REFUSED : DAMAGED;
}

static verdict check_pages(const dl__state *state, dl_error *err) {
  sqlite3_stmt *stmt;
  if (sqlite3_prepare_v2(state->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) != SQLITE_OK) {
    return judge_failure(state, err);
  }
  bool row = sqlite3_step(stmt) == SQLITE_ROW;
  const unsigned char *text = row ? sqlite3_column_text(stmt, 0) : NULL;
  bool good = text != NULL && strcmp((const char *)text, "ok") == 0;
  if (sqlite3_finalize(stmt) != SQLITE_OK) return judge_failure(state, err);
  return good ? GOOD : DAMAGED;
}

/* A row that does not hold together is left out: its file is compared anew. */
static bool read_row(sqlite3_stmt *stmt, dl__row *row) {
  const void *key = sqlite3_column_blob(stmt, 0);
  int length = sqlite3_column_bytes(stmt, 0);
  const unsigned char *digest = sqlite3_column_text(stmt, 6);
  if (key == NULL || length <= 0 || length > DL_KEY_MAX ||
      memchr(key, '\0', (size_t)length) != NULL || digest == NULL ||
      !dl__digest_valid((const char *)digest)) {
    return false;
  }
  *row = (dl__row){0};
  row->key = strndup(key, (size_t)length);
  row->stamp.size_bytes = (uint64_t)sqlite3_column_int64(stmt, 1);
  row->stamp.mtime_ns = sqlite3_column_int64(stmt, 2);
  row->stamp.ctime_ns = sqlite3_column_int64(stmt, 3);
  row->stamp.ino = (uint64_t)sqlite3_column_int64(stmt, 4);
  row->settled = sqlite3_column_int(stmt, 5) == 1;
  memcpy(row->digest, digest, sizeof row->digest);
  return true;
}

static verdict load_rows(dl__state *state, dl_error *err) {
  static const char sql[] = "SELECT key, size_bytes, mtime_ns, ctime_ns, inode, settled, digest"
                            " FROM object ORDER BY key";
  sqlite3_stmt *stmt;
  if (sqlite3_prepare_v2(state->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
    return judge_failure(state, err);
  }
  dl__rows *rows = &state->rows;
  bool memory = true;
  while (memory && sqlite3_step(stmt) == SQLITE_ROW) {
    dl__row row;
    if (!read_row(stmt, &row)) continue;
    memory = row.key != NULL &&
             dl__vec_grow(&rows->items, rows->count, &rows->capacity, sizeof *rows->items);
    if (memory) rows->items[rows->count++] = row;
    if (!memory) free(row.key);
  }
  bool read = sqlite3_finalize(stmt) == SQLITE_OK;
  if (!memory) {
    (void)dl__fail_no_memory(err);
    return REFUSED;
  }
  return read ? GOOD : judge_failure(state, err);
}

static verdict load(dl__state *state, bool read_only, dl_error *err) {
  int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(state->path, &state->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
    return judge_failure(state, err);
  }
  (void)sqlite3_busy_timeout(state->db, BUSY_TIMEOUT_MS);
  verdict result = check_identity(state, read_only, err);
  if (result == GOOD) result = check_pages(state, err);
  int64_t tables = 0;
  if (result == GOOD && !query_int(state, "SELECT count(*) FROM sqlite_schema", &tables)) {
    return judge_failure(state, err);
  }
  if (result != GOOD || tables == 0) return result;
  result = load_rows(state, err);
  if (result == GOOD &&
      !query_int(state, "SELECT coalesce(max(last_push_ns), 0) FROM push", &state->last_push_ns)) {
    result = judge_failure(state, err);
  }
  return result;
}

static void unload(dl__state *state) {
  for (size_t i = 0; i < STATEMENTS; i++) {
    (void)sqlite3_finalize(state->statements[i]);
    state->statements[i] = NULL;
  }
  (void)sqlite3_close(state->db);
  state->db = NULL;
  dl__rows_clear(&state->rows);
}

static dl_status remove_file(const char *path, dl_error *err) {
  if (unlink(path) == 0 || errno == ENOENT) return DL_OK;
  return dl__fail_errno(err, DL_ERR_STATE, errno, path, "cannot remove the damaged state %s", path);
}

/* Throws a damaged state away and starts an empty one. */
static dl_status rebuild(dl__state *state, dl_error *err) {
  unload(state);
  DL__AUTO_FREE char *journal = dl__format("%s-journal", state->path);
  if (journal == NULL) return dl__fail_no_memory(err);
  dl_status status = remove_file(journal, err);
  if (status == DL_OK) status = remove_file(state->path, err);
  if (status != DL_OK) return status;
  return load(state, false, err) == GOOD ? DL_OK : DL_ERR_STATE;
}

static dl_status prepare(dl__state *state, dl_error *err) {
  for (size_t i = 0; i < STATEMENTS; i++) {
    if (sqlite3_prepare_v2(state->db, statement_texts[i], -1, &state->statements[i], NULL) !=
        SQLITE_OK) {
      return fail(state, err);
    }
  }
  return DL_OK;
}

/* True if there is a file to open or to make; a folder, FIFO or symbolic link
 * in its place is refused. */
static dl_status look(const char *path, bool *there, dl_error *err) {
  struct stat st;
  *there = lstat(path, &st) == 0;
  if (!*there && errno != ENOENT && errno != ENOTDIR) {
    return dl__fail_errno(err, DL_ERR_STATE, errno, path, "cannot open the local state %s", path);
  }
  if (*there && !S_ISREG(st.st_mode)) {
    return dl__fail(err, DL_ERR_STATE, path, "%s is not a regular file; move it away", path);
  }
  return DL_OK;
}

static dl_status open_state(dl__state *state, bool read_only, const char **note, dl_error *err) {
  bool there;
  dl_status status = look(state->path, &there, err);
  if (status != DL_OK || (read_only && !there)) return status;
  verdict result = load(state, read_only, err);
  if (result == REFUSED) return err != NULL ? (dl_status)err->status : DL_ERR_STATE;
  if (result == DAMAGED) {
    *note = "the local state was damaged; every file is compared with the remote";
    if (read_only) {
      unload(state);
      return DL_OK;
    }
    status = rebuild(state, err);
  }
  return status == DL_OK && !read_only ? prepare(state, err) : status;
}

dl_status dl__state_open(const char *path, bool read_only, dl__state **out, const char **note,
                         dl_error *err) {
  *out = NULL;
  *note = NULL;
  dl__state *state = calloc(1, sizeof *state);
  if (state == NULL) return dl__fail_no_memory(err);
  state->path = strdup(path);
  dl_status status =
      state->path != NULL ? open_state(state, read_only, note, err) : dl__fail_no_memory(err);
  if (status != DL_OK) {
    dl__state_close(state);
    return status;
  }
  *out = state;
  return DL_OK;
}

void dl__state_close(dl__state *state) {
  if (state == NULL) return;
  unload(state);
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

/* Runs a prepared change; the first one after a commit opens the transaction. */
static dl_status change(dl__state *state, sqlite3_stmt *stmt, dl_error *err) {
  if (state->pending == 0) {
    state->pending_since_ms = dl__clock_mono_ms();
    if (!run(state, "BEGIN IMMEDIATE")) {
      (void)sqlite3_clear_bindings(stmt);
      return fail(state, err);
    }
  }
  state->pending++;
  (void)sqlite3_step(stmt);
  bool done = sqlite3_reset(stmt) == SQLITE_OK;
  dl_status status = done ? DL_OK : fail(state, err);
  (void)sqlite3_clear_bindings(stmt);
  bool due =
      state->pending >= BATCH_ROWS || dl__clock_mono_ms() - state->pending_since_ms >= BATCH_MS;
  return status == DL_OK && due ? dl__state_commit(state, err) : status;
}

static bool bind_key(sqlite3_stmt *stmt, const char *key) {
  return sqlite3_bind_blob(stmt, 1, key, (int)strlen(key), SQLITE_STATIC) == SQLITE_OK;
}

dl_status dl__state_put(dl__state *state, const dl__row *row, dl_error *err) {
  sqlite3_stmt *stmt = state->statements[PUT];
  bool bound = bind_key(stmt, row->key) &&
               sqlite3_bind_int64(stmt, 2, (int64_t)row->stamp.size_bytes) == SQLITE_OK &&
               sqlite3_bind_int64(stmt, 3, row->stamp.mtime_ns) == SQLITE_OK &&
               sqlite3_bind_int64(stmt, 4, row->stamp.ctime_ns) == SQLITE_OK &&
               sqlite3_bind_int64(stmt, 5, (int64_t)row->stamp.ino) == SQLITE_OK &&
               sqlite3_bind_int(stmt, 6, row->settled ? 1 : 0) == SQLITE_OK &&
               sqlite3_bind_text(stmt, 7, row->digest, -1, SQLITE_STATIC) == SQLITE_OK;
  return bound ? change(state, stmt, err) : fail(state, err);
}

dl_status dl__state_remove(dl__state *state, const char *key, dl_error *err) {
  sqlite3_stmt *stmt = state->statements[REMOVE];
  return bind_key(stmt, key) ? change(state, stmt, err) : fail(state, err);
}

dl_status dl__state_set_last_push(dl__state *state, int64_t time_ns, dl_error *err) {
  sqlite3_stmt *stmt = state->statements[SET_LAST_PUSH];
  if (sqlite3_bind_int64(stmt, 1, time_ns) != SQLITE_OK) return fail(state, err);
  dl_status status = change(state, stmt, err);
  if (status == DL_OK) state->last_push_ns = time_ns;
  return status;
}

dl_status dl__state_commit(dl__state *state, dl_error *err) {
  if (state->pending == 0) return DL_OK;
  if (!run(state, "COMMIT")) return fail(state, err);
  state->pending = 0;
  return DL_OK;
}
