/* push/patterns.c: takes patterns and a key, says whether they match. */
#include <fnmatch.h>
#include <string.h>

#include "push/config.h"

static bool matches(const char *pattern, const char *key) {
  if (strchr(pattern, '/') != NULL) return fnmatch(pattern, key, FNM_PATHNAME) == 0;
  const char *slash = strrchr(key, '/');
  return fnmatch(pattern, slash != NULL ? slash + 1 : key, 0) == 0;
}

bool dl__patterns_match(const dl__patterns *patterns, const char *key) {
  for (size_t i = 0; i < patterns->count; i++) {
    if (matches(patterns->items[i], key)) return true;
  }
  return false;
}
