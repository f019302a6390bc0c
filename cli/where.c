/* cli/where.c: takes the options that name folder, remote and config file, gives the configuration
 * that they mean. */
#include "where.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "usage.h"

bool where_take(const char **to, const char *topic, const char *option, const char *text) {
  if (text[0] == '\0') {
    (void)usage_error(topic, "option '--%s' needs a value that is not empty", option);
    return false;
  }
  *to = text;
  return true;
}

bool where_take_color(color_when *to, const char *topic, const char *text) {
  static const char *const words[] = {"auto", "always", "never"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strcmp(text, words[i]) != 0) continue;
    *to = (color_when)i;
    return true;
  }
  (void)usage_error(topic, "wrong color '%s' (valid: auto, always, never)", text);
  return false;
}

static const char *option_of(const where *w) {
  return w->option != NULL ? w->option : "--to";
}

/* What is wrong with the remote is told of the option that named it. Its value is shown only if
 * nothing in it can be a secret. */
static void blame_option(const where *w, dl_error *err) {
  static const char name[] = "remote.url: ";
  char message[sizeof err->message];
  size_t length = strlen(name);
  if (err == NULL || strncmp(err->message, name, length) != 0) return;
  bool plain = strpbrk(w->to, "@=?#&%:") == NULL && strlen(w->to) <= 80;
  (void)snprintf(message, sizeof message, "%s%s%s%s: %.300s", option_of(w), plain ? " '" : "",
                 plain ? w->to : "", plain ? "'" : "", err->message + length);
  (void)dl_error_set(err, (dl_status)err->status, NULL, message);
}

dl_status where_set(const where *w, dl_config **out, dl_error *err) {
  const struct {
    const char *name, *value;
  } given[] = {{"base", w->dir}, {"remote.url", w->to}, {"config", w->config}};
  dl_status status = dl_config_new(out, err);
  for (size_t i = 0; status == DL_OK && i < sizeof given / sizeof given[0]; i++) {
    if (given[i].value == NULL) continue;
    status = dl_config_set(*out, given[i].name, given[i].value, err);
    if (status == DL_ERR_CONFIG && given[i].value == w->to) blame_option(w, err);
  }
  return status;
}

/* A second try, with a remote that is always good, tells whether that is all that is missing. */
static bool lacks_remote_only(const where *w) {
  where other = *w;
  dl_config *config = NULL;
  other.to = "memory://any";
  dl_status status = where_set(&other, &config, NULL);
  if (status == DL_OK) status = dl_config_load(config, NULL);
  if (status == DL_OK) status = dl_config_set(config, "remote.url", NULL, NULL);
  bool lacks = status == DL_OK && dl_config_get(config, "remote.url") == NULL;
  dl_config_free(config);
  return lacks;
}

dl_status where_check(const dl_config *config, dl_error *err) {
  static const char volatile_scheme[] = "memory://";
  const char *url = dl_config_get(config, "remote.url");
  if (url == NULL || strncasecmp(url, volatile_scheme, strlen(volatile_scheme)) != 0) return DL_OK;
  return dl_error_set(err, DL_ERR_CONFIG, NULL,
                      "memory:// ends with this program: it is for tests of programs; name a "
                      "remote that stays, such as file:///mnt/backup/devlog");
}

dl_status where_read(const where *w, dl_config *config, dl_error *err) {
  char message[160];
  dl_status status = dl_config_load(config, err);
  if (status == DL_OK) return where_check(config, err);
  if (status != DL_ERR_CONFIG || w->to != NULL || !lacks_remote_only(w)) return status;
  (void)snprintf(message, sizeof message,
                 "no remote is configured yet: run 'devlog init' or 'devlog init URL', or name one "
                 "with %s",
                 option_of(w));
  return dl_error_set(err, DL_ERR_CONFIG, NULL, message);
}

void where_print_same(const where *w) {
  const struct {
    const char *name, *value;
  } given[] = {{"--dir", w->dir}, {"--to", w->to}, {"--config", w->config}};
  const char *before = ", with the same ";
  for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
    if (given[i].value == NULL) continue;
    (void)printf("%s%s", before, given[i].name);
    before = ", ";
  }
  (void)fputc('\n', stdout);
}
