/* fuzz_config.c: any bytes as a config file. What is taken gives the same values when it is
 * written down and read again; what is refused is refused with file and line, and no message shows
 * what may be a secret. */

#include "base/buf.h"
#include "fuzz.h"
#include "push/config.h"

#define NAME     "config.ini"
#define CANARY   "c4n4ryS3cr3t"
#define LINE_MAX 190

static dl_config *parse(const char *text, size_t size, dl_status *status, dl_error *err) {
  dl_config *config = NULL;
  require(dl_config_new(&config, NULL) == DL_OK);
  *status = dl__config_parse(config, NAME, text, size, err);
  return config;
}

static unsigned lines_of(const char *text, size_t size) {
  unsigned lines = 1;
  for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
  return lines;
}

static void check_refused(const char *text, size_t size, dl_status status, const dl_error *err) {
  unsigned line = 0;
  require(status == DL_ERR_CONFIG && (dl_status)err->status == status);
  require(sscanf(err->message, NAME ":%u: ", &line) == 1 && line >= 1 &&
          line <= lines_of(text, size));
}

/* A value with both kinds of quotes stood there without any around it. False: too long. */
static bool add_line(dl__buf *out, const char *name, const char *value) {
  const char *quote = strchr(value, '"') == NULL ? "\"" : strchr(value, '\'') == NULL ? "'" : "";
  if (strlen(name) + strlen(value) > LINE_MAX) return false;
  require(dl__buf_add_text(out, name) && dl__buf_add_text(out, " = ") &&
          dl__buf_add_text(out, quote) && dl__buf_add_text(out, value) &&
          dl__buf_add_text(out, quote) && dl__buf_add_text(out, "\n"));
  return true;
}

static bool add_section(dl__buf *out, const dl_config *config, const char *section) {
  size_t length = strlen(section);
  require(dl__buf_add_text(out, "[") && dl__buf_add_text(out, section) &&
          dl__buf_add_text(out, "]\n"));
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    const char *name = dl__config_names[key].name;
    const char *value = config->values[key][DL__RANK_FILE];
    if (value == NULL || strncmp(name, section, length) != 0) continue;
    require(dl__config_names[key].in_file);
    if (!add_line(out, name + length + 1, value)) return false;
  }
  return true;
}

static void check_taken(const dl_config *config, unsigned lines) {
  dl__buf text = {0};
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    bool given = config->values[key][DL__RANK_FILE] != NULL;
    require((config->lines[key] > 0) == given && config->lines[key] <= lines);
  }
  if (add_section(&text, config, "remote") && add_section(&text, config, "sync")) {
    dl_status status;
    dl_config *back = parse(text.data, text.length, &status, NULL);
    require(status == DL_OK);
    for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
      require(same(config->values[key][DL__RANK_FILE], back->values[key][DL__RANK_FILE]));
    }
    dl_config_free(back);
  }
  dl__buf_clear(&text);
}

/* What is put at the end has no = behind it: it can be of a value only. */
static void check_shown(char *text, size_t size) {
  dl_status status;
  dl_error err = DL_ERROR_INIT;
  memcpy(text + size, CANARY, sizeof CANARY);
  dl_config_free(parse(text, size + sizeof CANARY - 1, &status, &err));
  require(strstr(err.message, CANARY) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  dl_status status;
  dl_error err = DL_ERROR_INIT;
  char *text = malloc(size + sizeof CANARY);
  require(text != NULL && setenv("HOME", "/home/me", 0) == 0);
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  dl_config *config = parse(text, size, &status, &err);
  if (status == DL_OK)
    check_taken(config, lines_of(text, size));
  else
    check_refused(text, size, status, &err);
  dl_config_free(config);
  if (strstr(text, CANARY) == NULL) check_shown(text, size);
  free(text);
  return 0;
}
