/* fuzz_patterns.c: a key in the first line, and any bytes behind it as patterns. What is taken
 * comes apart at the separators, each pattern counts by itself, and a text without special
 * characters takes itself. */

#include "fuzz.h"
#include "push/config.h"

#define SEPARATORS " \t,"

static void check_alone(const dl_config *config, const dl__patterns *all, const char *key) {
  bool any = false;
  for (size_t i = 0; i < all->count; i++) {
    char *one[] = {all->items[i], NULL};
    dl__patterns alone = {.items = one, .count = 1};
    require(one[0][0] != '\0' && strpbrk(one[0], SEPARATORS) == NULL);
    any = any || dl__patterns_match(&alone, key);
    if (strpbrk(one[0], "*?[\\") == NULL) require(dl__patterns_match(&alone, one[0]));
  }
  require(all->items[all->count] == NULL && dl__patterns_match(all, key) == any);
  require(dl_config_get(config, "sync.exclude") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *key = text_of(data, size);
  char *patterns = strchr(key, '\n');
  dl_error err = DL_ERROR_INIT;
  dl_config *config = NULL;
  dl__patterns all;
  if (patterns != NULL)
    *patterns++ = '\0';
  else
    patterns = key;
  require(dl_config_new(&config, NULL) == DL_OK);
  dl_status status = dl_config_set(config, "sync.exclude", patterns, &err);
  if (status == DL_OK) {
    require(dl__config_patterns(config, "sync.exclude", &all, &err) == DL_OK);
    check_alone(config, &all, key);
    dl__patterns_clear(&all);
  } else {
    require(status == DL_ERR_CONFIG && err.message[0] != '\0');
  }
  dl_config_free(config);
  free(key);
  return 0;
}
