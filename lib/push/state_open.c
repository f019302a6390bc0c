/* push/state_open.c: takes a file that should be a state, and finds out what it
 * is: ours and whole (loaded), damaged (thrown away, for it is only a cache), or
 * somebody else's, or not to be written (refused, and left alone). */
#include "push/state_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <devlog/storage.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/vec.h"
#include "push/statedir.h"

#define APPLICATION_ID  0x646c7374 /* "dlst" */
#define SCHEMA_VERSION  2
#define BUSY_TIMEOUT_MS 1000

static const char schema[] = "PRAGMA application_id = 0x646c7374;"
                             "PRAGMA user_version = 2;"
                             "CREATE TABLE object ("
                             "  key BLOB PRIMARY KEY,"
                             "  size_bytes INTEGER NOT NULL,"
                             "  mtime_ns INTEGER NOT NULL,"
                             "  ctime_ns INTEGER NOT NULL,"
                             "  inode INTEGER NOT NULL,"
                             "  settled INTEGER NOT NULL,"
                             "  digest TEXT NOT NULL,"
                             "  md5_saved BLOB"
                             ") WITHOUT ROWID;"
                             "CREATE TABLE push (id INTEGER PRIMARY KEY CHECK (id = 1),"
                             "  last_push_ns INTEGER NOT NULL);";

/* OUTDATED: whole, and of an older version of this program. */
typedef enum verdict { GOOD, DAMAGED, OUTDATED, REFUSED } verdict;

bool dl__state_begin(const dl__state *state) {
  return dl__state_run(state, "BEGIN IMMEDIATE") && dl__state_run(state, "PRAGMA user_version = 2");
}

/* Failures of the file's content; all others are of the world around it. */
static bool is_damage(const dl__state *state) {
  int code = sqlite3_errcode(state->db) & 0xff;
  return code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR ||
         code == SQLITE_SCHEMA || code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH ||
         code == SQLITE_FORMAT;
}

static verdict judge_failure(const dl__state *state, dl_error *err) {
  if ((sqlite3_errcode(state->db) & 0xff) == SQLITE_BUSY) {
    (void)dl__fail(err, DL_ERR_LOCKED, state->path, DL__STATEDIR_LOCKED, "");
    return REFUSED;
  }
  (void)dl__state_fail(state, err);
  return is_damage(state) ? DAMAGED : REFUSED;
}

/* The single number that a query gives. */
static bool query_int(const dl__state *state, const char *sql, int64_t *value) {
  sqlite3_stmt *stmt;
  if (sqlite3_prepare_v2(state->db, sql, -1, &stmt, NULL) != SQLITE_OK) return false;
  bool row = sqlite3_step(stmt) == SQLITE_ROW;
  if (row) *value = sqlite3_column_int64(stmt, 0);
  return sqlite3_finalize(stmt) == SQLITE_OK && row;
}

/* empty: a new file, without anything in it. */
static verdict check_identity(const dl__state *state, bool *empty, dl_error *err) {
  int64_t application = 0;
  int64_t version = 0;
  int64_t tables = 0;
  if (!query_int(state, "PRAGMA application_id", &application) ||
      !query_int(state, "PRAGMA user_version", &version) ||
      !query_int(state, "SELECT count(*) FROM sqlite_schema", &tables)) {
    return judge_failure(state, err);
  }
  *empty = application == 0 && version == 0 && tables == 0;
  if (*empty) return GOOD;
  if (application != APPLICATION_ID) {
    (void)dl__fail(err, DL_ERR_STATE, state->path,
                   "%s is not a state of this program; move it away", state->path);
    return REFUSED;
  }
  if (version == SCHEMA_VERSION) return GOOD;
  if (version < SCHEMA_VERSION) return OUTDATED;
  (void)dl__fail(err, DL_ERR_STATE, state->path,
                 "the local state %s is from a newer version; update this program, or delete the "
                 "file: the next push rebuilds it",
                 state->path);
  return REFUSED;
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

/* A saved MD5 of another form is none. False: no memory. */
static bool read_md5(sqlite3_stmt *stmt, uint8_t **md5_saved) {
  bool is_blob = sqlite3_column_type(stmt, 7) == SQLITE_BLOB;
  const void *blob = is_blob ? sqlite3_column_blob(stmt, 7) : NULL;
  *md5_saved = NULL;
  if (blob == NULL || sqlite3_column_bytes(stmt, 7) != DL__MD5_SAVED_BYTES) return true;
  *md5_saved = malloc(DL__MD5_SAVED_BYTES);
  if (*md5_saved != NULL) memcpy(*md5_saved, blob, DL__MD5_SAVED_BYTES);
  return *md5_saved != NULL;
}

/* A row that does not hold together is left out: its file is compared anew. True, and no
 * key: no memory. */
static bool read_row(sqlite3_stmt *stmt, dl__row *row) {
  const void *key = sqlite3_column_blob(stmt, 0);
  int length = sqlite3_column_bytes(stmt, 0);
  const unsigned char *digest = sqlite3_column_text(stmt, 6);
  if (key == NULL || length <= 0 || length > DL_KEY_MAX ||
      memchr(key, '\0', (size_t)length) != NULL || digest == NULL) {
    return false;
  }
  *row = (dl__row){.digest = dl__digest_pack((const char *)digest)};
  if (!dl__digest_is_sha256(&row->digest)) return false;
  if (!read_md5(stmt, &row->md5_saved)) return true;
  row->key = strndup(key, (size_t)length);
  row->stamp.size_bytes = (uint64_t)sqlite3_column_int64(stmt, 1);
  row->stamp.mtime_ns = sqlite3_column_int64(stmt, 2);
  row->stamp.ctime_ns = sqlite3_column_int64(stmt, 3);
  row->stamp.ino = (uint64_t)sqlite3_column_int64(stmt, 4);
  row->settled = sqlite3_column_int64(stmt, 5) == 1;
  return true;
}

/* What is out of order did not come from us. */
static verdict add_row(dl__rows *rows, dl__row *row, dl_error *err) {
  bool ordered = rows->count == 0 || row->key == NULL ||
                 strcmp(rows->items[rows->count - 1].key, row->key) < 0;
  bool room = row->key != NULL &&
              dl__vec_grow(&rows->items, rows->count, &rows->capacity, sizeof *rows->items);
  if (ordered && room) {
    rows->items[rows->count++] = *row;
    return GOOD;
  }
  free(row->key);
  free(row->md5_saved);
  if (!ordered) return DAMAGED;
  (void)dl__fail_no_memory(err);
  return REFUSED;
}

static verdict load_rows(dl__state *state, dl_error *err) {
  static const char sql[] = "SELECT key, size_bytes, mtime_ns, ctime_ns, inode, settled, digest,"
                            " md5_saved FROM object ORDER BY key";
  sqlite3_stmt *stmt;
  if (sqlite3_prepare_v2(state->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
    return judge_failure(state, err);
  }
  verdict result = GOOD;
  dl__row row;
  while (result == GOOD && sqlite3_step(stmt) == SQLITE_ROW) {
    if (read_row(stmt, &row)) result = add_row(&state->rows, &row, err);
  }
  bool read = sqlite3_finalize(stmt) == SQLITE_OK;
  return read || result != GOOD ? result : judge_failure(state, err);
}

/* "file:PATH?immutable=1": SQLite looks at the file as it is, and neither locks it
 * nor makes or uses another one beside it. */
static char *immutable_uri(const char *path) {
  dl__buf uri = {0};
  /* Two slashes would begin the name of a host. */
  while (path[0] == '/' && path[1] == '/') path++;
  bool done = dl__buf_add_text(&uri, "file:");
  for (; done && *path != '\0'; path++) {
    const char *escape = *path == '%' ? "%25" : *path == '?' ? "%3f" : *path == '#' ? "%23" : NULL;
    done = escape != NULL ? dl__buf_add_text(&uri, escape) : dl__buf_add(&uri, path, 1);
  }
  done = done && dl__buf_add_text(&uri, "?immutable=1");
  if (!done) dl__buf_clear(&uri);
  return uri.data;
}

static int open_database(dl__state *state, bool read_only) {
  if (!read_only) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    return sqlite3_open_v2(state->path, &state->db, flags, NULL);
  }
  DL__AUTO_FREE char *uri = immutable_uri(state->path);
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  return uri != NULL ? sqlite3_open_v2(uri, &state->db, flags, NULL) : SQLITE_NOMEM;
}

/* SQLite opens a file read-only if its header says that a newer SQLite wrote it. */
static verdict check_writable(const dl__state *state, dl_error *err) {
  if (sqlite3_db_readonly(state->db, "main") == 0) return GOOD;
  if (faccessat(AT_FDCWD, state->path, W_OK, AT_EACCESS) == 0) return DAMAGED;
  (void)dl__fail_errno(err, DL_ERR_STATE, errno, state->path,
                       "the local state %s cannot be written; mend its permissions", state->path);
  return REFUSED;
}

static verdict start_writing(dl__state *state, bool empty, dl_error *err) {
  if (!dl__state_run(state, "PRAGMA journal_mode = DELETE")) return judge_failure(state, err);
  verdict result = check_writable(state, err);
  if (result != GOOD) return result;
  if (empty && !(dl__state_run(state, "BEGIN IMMEDIATE") && dl__state_run(state, schema) &&
                 dl__state_run(state, "COMMIT"))) {
    return judge_failure(state, err);
  }
  return dl__state_begin(state) ? GOOD : judge_failure(state, err);
}

static verdict load(dl__state *state, bool read_only, dl_error *err) {
  if (open_database(state, read_only) != SQLITE_OK) return judge_failure(state, err);
  (void)sqlite3_busy_timeout(state->db, BUSY_TIMEOUT_MS);
  bool empty = false;
  verdict result = check_identity(state, &empty, err);
  if (result == GOOD && !read_only) result = start_writing(state, empty, err);
  if (result == GOOD) result = check_pages(state, err);
  if (result != GOOD || (empty && read_only)) return result;
  result = load_rows(state, err);
  if (result == GOOD &&
      !query_int(state, "SELECT coalesce(max(last_push_ns), 0) FROM push", &state->last_push_ns)) {
    result = judge_failure(state, err);
  }
  return result;
}

/* A folder, FIFO or symbolic link where one of SQLite's files should be is refused,
 * before SQLite would follow it or wait for it. */
static dl_status look(const char *path, const char *suffix, bool *there, dl_error *err) {
  DL__AUTO_FREE char *name = dl__format("%s%s", path, suffix);
  if (name == NULL) return dl__fail_no_memory(err);
  struct stat st;
  *there = lstat(name, &st) == 0;
  if (!*there && errno != ENOENT && errno != ENOTDIR) {
    return dl__fail_errno(err, DL_ERR_STATE, errno, name, "cannot open the local state %s", name);
  }
  if (*there && !S_ISREG(st.st_mode)) {
    return dl__fail(err, DL_ERR_STATE, name, "%s is not a regular file; move it away", name);
  }
  return DL_OK;
}

static dl_status remove_file(const char *path, const char *suffix, dl_error *err) {
  DL__AUTO_FREE char *name = dl__format("%s%s", path, suffix);
  if (name == NULL) return dl__fail_no_memory(err);
  if (unlink(name) == 0 || errno == ENOENT) return DL_OK;
  return dl__fail_errno(err, DL_ERR_STATE, errno, name, "cannot remove the damaged state %s", name);
}

/* Throws a damaged state away and starts an empty one. */
static dl_status rebuild(dl__state *state, dl_error *err) {
  static const char *const suffixes[] = {"-journal", "-wal", "-shm", ""};
  dl__state_unload(state);
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    dl_status status = remove_file(state->path, suffixes[i], err);
    if (status != DL_OK) return status;
  }
  verdict result = load(state, false, err);
  if (result == GOOD) return DL_OK;
  if (result == REFUSED) return (dl_status)err->status;
  return dl__fail(err, DL_ERR_STATE, state->path,
                  "a new local state %s is damaged at once; check the disk", state->path);
}

dl_status dl__state_load(dl__state *state, bool read_only, const char **note, dl_error *err) {
  bool there;
  dl_status status = look(state->path, "-journal", &there, err);
  if (status == DL_OK) status = look(state->path, "-wal", &there, err);
  if (status == DL_OK) status = look(state->path, "", &there, err);
  if (status != DL_OK || (read_only && !there)) return status;
  verdict result = load(state, read_only, err);
  if (result == GOOD) return DL_OK;
  if (result == REFUSED) return (dl_status)err->status;
  *note = result == OUTDATED
              ? "the local state is from an older version; every file is compared with the remote"
              : "the local state was damaged; every file is compared with the remote";
  if (!read_only) return rebuild(state, err);
  dl__state_unload(state);
  return DL_OK;
}
