/* push/config.c: the values of a dl_config, their names and their ranks. Takes
 * them from dl_config_set, the environment and config_file.c, and gives for each
 * name the one of the strongest rank.
 *
 * The environment is read by dl_config_load. Only HOME and XDG_STATE_HOME, which the
 * built-in defaults are made of, are read by dl_config_new as well, so that a program
 * that sets everything itself has them too. */
#include "push/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/vec.h"

/* Far more than anybody needs, and a bound for all that is made of a value. */
#define VALUE_SIZE_MAX 16384

const dl__config_name dl__config_names[DL__CONFIG_KEYS] = {
    [DL__CONFIG_BASE] = {"base", "DEVLOG_HOME", NULL, dl__check_folder, false, true},
    [DL__CONFIG_FILE] = {"config", "DEVLOG_CONFIG", NULL, dl__check_folder, false, true},
    [DL__CONFIG_STATE_DIR] = {"state_dir", NULL, NULL, dl__check_folder, false, true},
    [DL__CONFIG_URL] = {"remote.url", NULL, NULL, dl__check_url, true, true},
    [DL__CONFIG_PROVIDER] = {"remote.provider", NULL, NULL, dl__check_provider, true, false},
    [DL__CONFIG_KEY_FILE] = {"remote.account_key_file", NULL, NULL, dl__check_key_file, true, true},
    [DL__CONFIG_CA_FILE] = {"remote.ca_file", NULL, NULL, dl__check_folder, true, true},
    [DL__CONFIG_CREATE] = {"remote.create", NULL, "no", dl__check_yes_no, true, false},
    [DL__CONFIG_INCLUDE] = {"sync.include", NULL, "*.jsonl *.toml *.md config.ini",
                            dl__check_include, true, false},
    [DL__CONFIG_EXCLUDE] = {"sync.exclude", NULL, NULL, dl__check_patterns, true, false},
    [DL__CONFIG_APPEND_ONLY] = {"sync.append_only", NULL, "events/*.jsonl", dl__check_patterns,
                                true, false},
    [DL__CONFIG_JOBS] = {"sync.jobs", NULL, "64", dl__check_jobs, true, false},
    [DL__CONFIG_MEMORY] = {"sync.memory", NULL, "64", dl__check_memory, true, false},
    [DL__CONFIG_CONTENT_MD5] = {"sync.content_md5", NULL, "yes", dl__check_yes_no, true, false},
    [DL__CONFIG_TIMEOUT] = {"sync.timeout", NULL, "60", dl__check_timeout, true, false},
    [DL__CONFIG_RETRIES] = {"sync.retries", NULL, "5", dl__check_retries, true, false},
};

dl__config_rank dl__config_rank_of(const dl_config *config, dl__config_key key) {
  unsigned rank = 0;
  while (rank < DL__RANKS && config->values[key][rank] == NULL) rank++;
  return (dl__config_rank)rank;
}

static const char *value_of(const dl_config *config, dl__config_key key) {
  dl__config_rank rank = dl__config_rank_of(config, key);
  return rank == DL__RANKS ? NULL : config->values[key][rank];
}

static void replace(char **slot, char *value) {
  free(*slot);
  *slot = value;
}

/* FOLDER/NAME, or NULL: no memory. */
static char *join(const char *folder, const char *name) {
  size_t length = strlen(folder);
  bool has_slash = length > 0 && folder[length - 1] == '/';
  return dl__format("%s%s%s", folder, has_slash ? "" : "/", name);
}

/* One folder, one spelling: messages and the state are about the same one. */
static void strip_slashes(char *folder) {
  size_t length = strlen(folder);
  while (length > 1 && folder[length - 1] == '/') folder[--length] = '\0';
}

/* Gives a slot a value that it then owns. The default of "config" follows "base". */
static dl_status place(dl_config *config, dl__config_key key, dl__config_rank rank, char *value,
                       dl_error *err) {
  char **slot = &config->values[key][rank];
  char *old = *slot;
  *slot = value;
  if (key == DL__CONFIG_BASE) {
    const char *base = value_of(config, DL__CONFIG_BASE);
    char *file = base != NULL ? join(base, "config.ini") : NULL;
    if (base != NULL && file == NULL) {
      *slot = old;
      free(value);
      return dl__fail_no_memory(err);
    }
    replace(&config->values[DL__CONFIG_FILE][DL__RANK_DEFAULT], file);
  }
  free(old);
  return DL_OK;
}

dl_status dl__config_put(dl_config *config, dl__config_key key, dl__config_rank rank,
                         const char *where, const char *value, dl_error *err) {
  const dl__config_name *name = &dl__config_names[key];
  if (value == NULL) return place(config, key, rank, NULL, err);
  if (strlen(value) > VALUE_SIZE_MAX) {
    return dl__fail(err, DL_ERR_CONFIG, NULL, "%s: longer than %d bytes: shorten it", where,
                    VALUE_SIZE_MAX);
  }
  DL__AUTO_FREE char *text = NULL;
  dl_status status = DL_OK;
  if (name->is_path) {
    status = dl__config_expand(config->home, where, value, &text, err);
  } else if ((text = strdup(value)) == NULL) {
    status = dl__fail_no_memory(err);
  }
  if (status == DL_OK) status = name->check(where, text, err);
  if (status != DL_OK) return status;
  if (key == DL__CONFIG_BASE || key == DL__CONFIG_STATE_DIR) strip_slashes(text);
  char *owned = text;
  text = NULL;
  return place(config, key, rank, owned, err);
}

/* The variable's value; one that is empty counts as not set. */
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The same for a folder, which has to be a whole path. The XDG Base Directory Specification
 * asks to ignore others. */
static const char *folder_variable(const char *name) {
  const char *value = variable(name);
  return value != NULL && value[0] == '/' ? value : NULL;
}

/* Sets a default that is made of a folder; no folder, no default. */
static dl_status place_default(dl_config *config, dl__config_key key, const char *folder,
                               const char *name, dl_error *err) {
  char *value = folder != NULL ? join(folder, name) : NULL;
  if (folder != NULL && value == NULL) return dl__fail_no_memory(err);
  return place(config, key, DL__RANK_DEFAULT, value, err);
}

static dl_status read_defaults(dl_config *config, dl_error *err) {
  const char *home = folder_variable("HOME");
  const char *state = folder_variable("XDG_STATE_HOME");
  replace(&config->home, home != NULL ? strdup(home) : NULL);
  if (home != NULL && config->home == NULL) return dl__fail_no_memory(err);
  dl_status status = place_default(config, DL__CONFIG_BASE, home, ".devlog", err);
  if (status != DL_OK) return status;
  if (state != NULL) return place_default(config, DL__CONFIG_STATE_DIR, state, "devlog", err);
  return place_default(config, DL__CONFIG_STATE_DIR, home, ".local/state/devlog", err);
}

static dl_status read_environment(dl_config *config, dl_error *err) {
  dl_status status = read_defaults(config, err);
  for (unsigned key = 0; key < DL__CONFIG_KEYS && status == DL_OK; key++) {
    const char *name = dl__config_names[key].environment;
    const char *value = name != NULL ? variable(name) : NULL;
    status = dl__config_put(config, key, DL__RANK_ENVIRONMENT, name, value, err);
  }
  return status;
}

dl_status dl_config_new(dl_config **out, dl_error *err) {
  if (out == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_config_new: out is NULL");
  *out = NULL;
  dl_config *config = calloc(1, sizeof *config);
  if (config == NULL) return dl__fail_no_memory(err);
  dl_status status = read_defaults(config, err);
  for (unsigned key = 0; key < DL__CONFIG_KEYS && status == DL_OK; key++) {
    const dl__config_name *name = &dl__config_names[key];
    if (name->fallback == NULL) continue;
    status = dl__config_put(config, key, DL__RANK_DEFAULT, name->name, name->fallback, err);
  }
  if (status != DL_OK) {
    dl_config_free(config);
    return status;
  }
  *out = config;
  return DL_OK;
}

static void clear_notes(dl_config *config) {
  for (size_t i = 0; i < config->note_count; i++) free(config->notes[i]);
  config->note_count = 0;
}

void dl_config_free(dl_config *config) {
  if (config == NULL) return;
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    for (unsigned rank = 0; rank < DL__RANKS; rank++) free(config->values[key][rank]);
  }
  clear_notes(config);
  free(config->notes);
  free(config->file);
  free(config->home);
  free(config);
}

bool dl__config_add_note(dl_config *config, char *note) {
  if (note == NULL || !dl__vec_grow(&config->notes, config->note_count, &config->note_capacity,
                                    sizeof *config->notes)) {
    free(note);
    return false;
  }
  config->notes[config->note_count++] = note;
  return true;
}

static bool copy_text(char **to, const char *from) {
  if (from == NULL) return true;
  *to = strdup(from);
  return *to != NULL;
}

static bool copy_fields(dl_config *to, const dl_config *from) {
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    for (unsigned rank = 0; rank < DL__RANKS; rank++) {
      if (!copy_text(&to->values[key][rank], from->values[key][rank])) return false;
    }
  }
  memcpy(to->lines, from->lines, sizeof to->lines);
  for (size_t i = 0; i < from->note_count; i++) {
    if (!dl__config_add_note(to, strdup(from->notes[i]))) return false;
  }
  return copy_text(&to->file, from->file) && copy_text(&to->home, from->home);
}

dl_status dl__config_copy(const dl_config *from, dl_config **out, dl_error *err) {
  *out = NULL;
  dl_config *copy = calloc(1, sizeof *copy);
  if (copy == NULL) return dl__fail_no_memory(err);
  if (!copy_fields(copy, from)) {
    dl_config_free(copy);
    return dl__fail_no_memory(err);
  }
  *out = copy;
  return DL_OK;
}

dl_status dl_config_set(dl_config *config, const char *name, const char *value, dl_error *err) {
  if (config == NULL || name == NULL) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_config_set: config or name is NULL");
  }
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    if (strcmp(dl__config_names[key].name, name) == 0) {
      return dl__config_put(config, key, DL__RANK_SET, name, value, err);
    }
  }
  return dl__fail(err, DL_ERR_CONFIG, NULL,
                  "no setting is called \"%.40s\"; the names are base, config, state_dir, "
                  "remote.url, remote.provider, remote.account_key_file, remote.ca_file, "
                  "remote.create, sync.include, sync.exclude, sync.append_only, sync.jobs, "
                  "sync.memory, sync.content_md5, sync.timeout and sync.retries",
                  name);
}

const char *dl_config_get(const dl_config *config, const char *name) {
  if (config == NULL || name == NULL) return NULL;
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    if (strcmp(dl__config_names[key].name, name) == 0) return value_of(config, key);
  }
  return NULL;
}

unsigned dl__config_jobs(const dl_config *config) {
  return (unsigned)strtoul(value_of(config, DL__CONFIG_JOBS), NULL, 10);
}

uint64_t dl__config_memory_bytes(const dl_config *config) {
  const char *mebibytes = dl_config_get(config, "sync.memory");
  return (mebibytes != NULL ? strtoull(mebibytes, NULL, 10) : 64) << 20;
}

bool dl__config_yes(const dl_config *config, const char *name) {
  const char *value = dl_config_get(config, name);
  return value != NULL && strcmp(value, "yes") == 0;
}

const char *dl_config_note(const dl_config *config, size_t index) {
  return config != NULL && index < config->note_count ? config->notes[index] : NULL;
}

static dl_status load_into(dl_config *config, dl_error *err) {
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    replace(&config->values[key][DL__RANK_FILE], NULL);
    config->lines[key] = 0;
  }
  clear_notes(config);
  dl_status status = read_environment(config, err);
  if (status == DL_OK) status = dl__config_read_file(config, err);
  return status == DL_OK ? dl_config_validate(config, err) : status;
}

/* Loads into a copy, so that a load that fails changes nothing. */
dl_status dl_config_load(dl_config *config, dl_error *err) {
  if (config == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_config_load: no config");
  dl_config *next;
  dl_status status = dl__config_copy(config, &next, err);
  if (status != DL_OK) return status;
  status = load_into(next, err);
  if (status == DL_OK) {
    dl_config old = *config;
    *config = *next;
    *next = old;
  }
  dl_config_free(next);
  return status;
}
