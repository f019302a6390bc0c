/* base/json.c: the library's only file with jansson. Takes the text of an object,
 * gives its values by name. jansson refuses what is not UTF-8, NUL in a text, and
 * nesting of more than 2,048. */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

struct dl__json {
  json_t *object;
};

dl__json *dl__json_read(const char *text, size_t size) {
  if (text == NULL || size > DL__JSON_SIZE_MAX) return NULL;
  dl__json *json = malloc(sizeof *json);
  if (json == NULL) return NULL;
  json->object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object(json->object)) return json;
  dl__json_free(json);
  return NULL;
}

void dl__json_free(dl__json *json) {
  if (json == NULL) return;
  json_decref(json->object);
  free(json);
}

const char *dl__json_text(const dl__json *json, const char *name) {
  return json_string_value(json_object_get(json->object, name));
}

bool dl__json_number(const dl__json *json, const char *name, int64_t *number) {
  const json_t *value = json_object_get(json->object, name);
  if (json_is_integer(value)) {
    *number = (int64_t)json_integer_value(value);
    return true;
  }
  const char *text = json_string_value(value);
  if (text == NULL || text[0] < '0' || text[0] > '9') return false;
  char *end;
  errno = 0;
  long long whole = strtoll(text, &end, 10);
  if (errno != 0 || *end != '\0') return false;
  *number = whole;
  return true;
}
