/* push/config_value.c: single values. Takes the text of one, says whether it is
 * allowed by itself, expands its ~/ or takes its patterns apart. No message shows
 * a value: what was meant to be a URL or a number may be a pasted secret. */
#include "push/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/url.h"

#define PROVIDER_SIZE_MAX 31
#define SEPARATORS        " \t,"

/* Appends text; what has a meaning of its own in a URL as percent escapes. */
static bool add_escaped(dl__buf *buf, const char *text) {
  static const char digits[] = "0123456789ABCDEF";
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    char escape[] = {'%', digits[c >> 4], digits[c & 15]};
    bool plain = c >= 0x20 && c != 0x7f && strchr("%?#", c) == NULL;
    if (!dl__buf_add(buf, plain ? text : escape, plain ? 1 : sizeof escape)) return false;
  }
  return true;
}

dl_status dl__config_expand(const char *home, const char *where, const char *value, char **out,
                            dl_error *err) {
  size_t before = strncmp(value, "file://~", 8) == 0 ? 7 : 0;
  const char *rest = value + before + 1;
  if (value[before] != '~') {
    *out = strdup(value);
    return *out != NULL ? DL_OK : dl__fail_no_memory(err);
  }
  if (rest[0] != '/' && rest[0] != '\0') {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "%s: of the names that start with ~ only ~/ is known: write the whole path",
                    where);
  }
  if (home == NULL) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "%s: ~/ needs the home folder, and HOME does not hold its whole path: set "
                    "HOME, or write the whole path",
                    where);
  }
  dl__buf text = {0};
  bool done = dl__buf_add(&text, value, before) &&
              (before > 0 ? add_escaped(&text, home) : dl__buf_add_text(&text, home)) &&
              dl__buf_add_text(&text, rest);
  if (!done) {
    dl__buf_clear(&text);
    return dl__fail_no_memory(err);
  }
  *out = text.data;
  return DL_OK;
}

/* Starts the checks: a value that is no value. */
static dl_status check_filled(const char *where, const char *value, dl_error *err) {
  if (value[0] != '\0') return DL_OK;
  return dl__fail(err, DL_ERR_CONFIG, NULL, "%s: is empty: give it a value or leave it out", where);
}

dl_status dl__check_folder(const char *where, const char *value, dl_error *err) {
  dl_status status = check_filled(where, value, err);
  if (status == DL_OK && dl__url_is_formed(value)) {
    return dl__fail(err, DL_ERR_CONFIG, NULL, "%s: is a URL: write a path on this machine", where);
  }
  return status;
}

dl_status dl__check_url(const char *where, const char *value, dl_error *err) {
  dl_status status = check_filled(where, value, err);
  if (status != DL_OK) return status;
  if (dl__text_has_control(value)) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "%s: holds a line break or another control character: remove it", where);
  }
  if (!dl__url_is_formed(value)) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "%s: is not a URL: a folder is written file:///path/to/folder, another remote "
                    "SCHEME://NAME",
                    where);
  }
  if (dl__url_has_secret(value)) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "%s: holds a password or a signature, or a # that can hide one: take it out of "
                    "the URL (a # in a name is %%23), and give a secret by an environment variable "
                    "or a key file",
                    where);
  }
  return DL_OK;
}

dl_status dl__check_provider(const char *where, const char *value, dl_error *err) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
  dl_status status = check_filled(where, value, err);
  if (status != DL_OK) return status;
  size_t length = strspn(value, allowed);
  if (value[length] == '\0' && length <= PROVIDER_SIZE_MAX) return DL_OK;
  return dl__fail(
      err, DL_ERR_CONFIG, NULL,
      "%s: is not the name of a provider: write azure, file or memory, or leave it out for "
      "the one that the URL means",
      where);
}

/* Messages about a file show its name, so a key in the place of the name is stopped here. */
dl_status dl__check_key_file(const char *where, const char *value, dl_error *err) {
  size_t length = strlen(value);
  if (length == 88 && strcmp(value + length - 2, "==") == 0) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "%s: looks like the key itself: put the key into a file of its own, chmod 600 "
                    "it, and name the file here",
                    where);
  }
  return dl__check_folder(where, value, err);
}

/* False: no memory. */
static bool patterns_split(const char *value, dl__patterns *out) {
  size_t room = strlen(value) / 2 + 2; /* a pattern takes two bytes at least, but for the last */
  *out = (dl__patterns){.items = calloc(room, sizeof(char *)), .text = strdup(value)};
  if (out->items == NULL || out->text == NULL) {
    dl__patterns_clear(out);
    return false;
  }
  char *rest = out->text;
  for (;;) {
    char *item = strtok_r(rest, SEPARATORS, &rest);
    if (item == NULL) return true;
    out->items[out->count++] = item;
  }
}

/* What is wrong with a pattern, or NULL. */
static const char *pattern_fault(const char *pattern) {
  size_t length = strlen(pattern);
  if (strcmp(pattern, "#") == 0) return "a comment behind a value starts with a space and ;";
  if (pattern[0] == '/') {
    return "a pattern that starts with / matches nothing: write the path below the folder, "
           "without the / in front";
  }
  if (pattern[length - 1] == '/') {
    return "a pattern that ends with / matches nothing: write the folder's name without it";
  }
  return NULL;
}

dl_status dl__check_patterns(const char *where, const char *value, dl_error *err) {
  dl__patterns patterns = {0};
  if (!patterns_split(value, &patterns)) return dl__fail_no_memory(err);
  const char *fault = NULL;
  for (size_t i = 0; i < patterns.count && fault == NULL; i++) {
    fault = pattern_fault(patterns.items[i]);
  }
  dl__patterns_clear(&patterns);
  return fault == NULL ? DL_OK : dl__fail(err, DL_ERR_CONFIG, NULL, "%s: %s", where, fault);
}

/* An empty list of files to push is a slip, an empty one of exceptions is not. */
dl_status dl__check_include(const char *where, const char *value, dl_error *err) {
  dl_status status = check_filled(where, value + strspn(value, SEPARATORS), err);
  return status == DL_OK ? dl__check_patterns(where, value, err) : status;
}

static dl_status check_number(const char *where, const char *value, unsigned long least,
                              unsigned long most, dl_error *err) {
  size_t length = strspn(value, "0123456789");
  if (length >= 1 && length <= 9 && value[length] == '\0') {
    unsigned long number = strtoul(value, NULL, 10);
    if (number >= least && number <= most) return DL_OK;
  }
  return dl__fail(err, DL_ERR_CONFIG, NULL, "%s: must be a whole number from %lu to %lu", where,
                  least, most);
}

dl_status dl__check_jobs(const char *where, const char *value, dl_error *err) {
  return check_number(where, value, 1, DL__CONFIG_JOBS_MAX, err);
}

dl_status dl__check_memory(const char *where, const char *value, dl_error *err) {
  return check_number(where, value, 16, 4096, err);
}

dl_status dl__check_timeout(const char *where, const char *value, dl_error *err) {
  return check_number(where, value, 1, 3600, err);
}

dl_status dl__check_retries(const char *where, const char *value, dl_error *err) {
  return check_number(where, value, 0, 100, err);
}

dl_status dl__check_yes_no(const char *where, const char *value, dl_error *err) {
  if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0) return DL_OK;
  return dl__fail(err, DL_ERR_CONFIG, NULL, "%s: must be yes or no", where);
}

void dl__patterns_clear(dl__patterns *patterns) {
  if (patterns == NULL) return;
  free(patterns->items);
  free(patterns->text);
  *patterns = (dl__patterns){0};
}

dl_status dl__config_patterns(const dl_config *config, const char *name, dl__patterns *out,
                              dl_error *err) {
  *out = (dl__patterns){0};
  if (strcmp(name, "sync.include") != 0 && strcmp(name, "sync.exclude") != 0 &&
      strcmp(name, "sync.append_only") != 0) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "%s holds no patterns", name);
  }
  const char *value = dl_config_get(config, name);
  return patterns_split(value != NULL ? value : "", out) ? DL_OK : dl__fail_no_memory(err);
}
