/* push/config.h: the inside of a dl_config, for the files config*.c, and what the
 * other stages need of it besides devlog/config.h. */
#ifndef DL_PUSH_CONFIG_H
#define DL_PUSH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/config.h>

#define DL__CONFIG_JOBS_MAX 256

/* A copy that shares nothing with its original; freed with dl_config_free. */
dl_status dl__config_copy(const dl_config *from, dl_config **out, dl_error *err);

/* "sync.jobs" as a number. */
unsigned dl__config_jobs(const dl_config *config);

/* "sync.memory", which is in MiB, in bytes. */
uint64_t dl__config_memory_bytes(const dl_config *config);

/* True if the value of that name is "yes". */
bool dl__config_yes(const dl_config *config, const char *name);

/* Patterns one by one. Set it up with {0}. */
typedef struct dl__patterns {
  char **items; /* NULL-terminated */
  size_t count;
  char *text; /* what items point into */
} dl__patterns;

/* Takes apart "sync.include", "sync.exclude" or "sync.append_only"; no value gives no
 * patterns. DL_ERR_ARGUMENT: another name. *out is cleared with dl__patterns_clear. */
dl_status dl__config_patterns(const dl_config *config, const char *name, dl__patterns *out,
                              dl_error *err);
void dl__patterns_clear(dl__patterns *patterns);

/* True if one of them matches: one with a / the whole key, another the last part of it. */
bool dl__patterns_match(const dl__patterns *patterns, const char *key);

/* From here on: for config*.c only. */

typedef enum dl__config_key {
  DL__CONFIG_BASE,
  DL__CONFIG_FILE,
  DL__CONFIG_STATE_DIR,
  DL__CONFIG_URL,
  DL__CONFIG_PROVIDER,
  DL__CONFIG_KEY_FILE,
  DL__CONFIG_CA_FILE,
  DL__CONFIG_CREATE,
  DL__CONFIG_INCLUDE,
  DL__CONFIG_EXCLUDE,
  DL__CONFIG_APPEND_ONLY,
  DL__CONFIG_JOBS,
  DL__CONFIG_MEMORY,
  DL__CONFIG_CONTENT_MD5,
  DL__CONFIG_TIMEOUT,
  DL__CONFIG_RETRIES,
  DL__CONFIG_KEYS
} dl__config_key;

/* Where a value came from; a lower rank wins. */
typedef enum dl__config_rank {
  DL__RANK_SET,
  DL__RANK_ENVIRONMENT,
  DL__RANK_FILE,
  DL__RANK_DEFAULT,
  DL__RANKS
} dl__config_rank;

/* Says whether one value, by itself, is allowed. `where` starts the message. */
typedef dl_status (*dl__config_check)(const char *where, const char *value, dl_error *err);

typedef struct dl__config_name {
  const char *name;
  const char *environment; /* variable that sets it, or NULL */
  const char *fallback;    /* default, or NULL: none, or made by config.c */
  dl__config_check check;
  bool in_file; /* may stand in a config file */
  bool is_path; /* a leading ~/ is the home folder */
} dl__config_name;

extern const dl__config_name dl__config_names[DL__CONFIG_KEYS];

struct dl_config {
  char *home; /* $HOME, or NULL */
  char *values[DL__CONFIG_KEYS][DL__RANKS];
  char *file;                      /* the config file that was read, or NULL */
  unsigned lines[DL__CONFIG_KEYS]; /* line in file of the value of DL__RANK_FILE; 0: none */
  char **notes;
  size_t note_count, note_capacity;
};

/* Checks a value, expands its ~/ and gives it a rank. NULL takes the rank's value away. */
dl_status dl__config_put(dl_config *config, dl__config_key key, dl__config_rank rank,
                         const char *where, const char *value, dl_error *err);

/* Adds a remark for dl_config_note, which becomes config's. False: no memory; note is freed. */
bool dl__config_add_note(dl_config *config, char *note);

/* The rank that has the value in force, or DL__RANKS. */
dl__config_rank dl__config_rank_of(const dl_config *config, dl__config_key key);

/* Reads the file that config names ("config") into DL__RANK_FILE. A missing file is no error
 * unless it was named by somebody. */
dl_status dl__config_read_file(dl_config *config, dl_error *err);

/* The same for text that was read from path already. text[size] must be NUL. */
dl_status dl__config_parse(dl_config *config, const char *path, const char *text, size_t size,
                           dl_error *err);

/* Puts home (NULL: not known) in the place of the ~ in ~/... and file://~/... */
dl_status dl__config_expand(const char *home, const char *where, const char *value, char **out,
                            dl_error *err);

dl_status dl__check_folder(const char *where, const char *value, dl_error *err);
dl_status dl__check_url(const char *where, const char *value, dl_error *err);
dl_status dl__check_provider(const char *where, const char *value, dl_error *err);
dl_status dl__check_key_file(const char *where, const char *value, dl_error *err);
dl_status dl__check_include(const char *where, const char *value, dl_error *err);
dl_status dl__check_patterns(const char *where, const char *value, dl_error *err);
dl_status dl__check_jobs(const char *where, const char *value, dl_error *err);
dl_status dl__check_memory(const char *where, const char *value, dl_error *err);
dl_status dl__check_timeout(const char *where, const char *value, dl_error *err);
dl_status dl__check_retries(const char *where, const char *value, dl_error *err);
dl_status dl__check_yes_no(const char *where, const char *value, dl_error *err);

#endif
