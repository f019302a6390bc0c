/* cli/where.c: takes the options that name folder, remote and config file, gives the configuration
 * that they mean. */
#include "where.h"

#include <stdio.h>
#include <string.h>

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

dl_status where_set(const where *w, dl_config **out, dl_error *err) {
  const struct {
    const char *name, *value;
  } given[] = {{"base", w->dir}, {"remote.url", w->to}, {"config", w->config}};
  dl_status status = dl_config_new(out, err);
  for (size_t i = 0; status == DL_OK && i < sizeof given / sizeof given[0]; i++) {
    if (given[i].value != NULL) status = dl_config_set(*out, given[i].name, given[i].value, err);
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

dl_status where_load(const where *w, dl_config **out, bool *unknown, dl_error *err) {
  dl_config *config = NULL;
  *unknown = false;
  dl_status status = where_set(w, &config, err);
  if (status == DL_OK) status = dl_config_load(config, err);
  *out = config;
  if (status == DL_ERR_CONFIG && w->to == NULL) *unknown = lacks_remote_only(w);
  return status;
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
