/* base/json.c: the library's only file with jansson. Takes the text of an object,
 * gives its values by name; takes a text, gives it quoted. jansson refuses what is not
 * UTF-8, NUL in a text, and nesting of more than 2,048. A dl__json is a json_t. */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/utf8.h"

static const json_t *value(const dl__json *json, const char *name) {
  return json_object_get((const json_t *)json, name);
}

static json_t *load(const char *text, size_t size) {
  json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object(object)) return object;
  json_decref(object);
  return NULL;
}

/* Where memory runs out, jansson (2.14) speaks of wrong syntax, or worse, does not notice.
 * So it is only called if there is room for more than it needs, and what looks wrong is
 * read twice. The block is volatile, or the compiler would leave it out. */
dl__json_end dl__json_parse(const char *text, size_t size, dl__json **out) {
  *out = NULL;
  void *volatile room = malloc(size * 4 + 16384);
  if (room == NULL) return DL__JSON_NO_MEMORY;
  free(room);
  json_t *object = load(text, size);
  if (object == NULL) object = load(text, size);
  *out = (dl__json *)object;
  return object != NULL ? DL__JSON_DONE : DL__JSON_WRONG;
}

dl__json *dl__json_read(const char *text, size_t size) {
  dl__json *json = NULL;
  if (text == NULL || size > DL__JSON_SIZE_MAX) return NULL;
  (void)dl__json_parse(text, size, &json);
  return json;
}

void dl__json_free(dl__json *json) {
  json_decref((json_t *)json);
}

const char *dl__json_text(const dl__json *json, const char *name) {
  return json_string_value(value(json, name));
}

bool dl__json_number(const dl__json *json, const char *name, int64_t *number) {
  const json_t *found = value(json, name);
  if (json_is_integer(found)) {
    *number = (int64_t)json_integer_value(found);
    return true;
  }
  const char *text = json_string_value(found);
  if (text == NULL || text[0] < '0' || text[0] > '9') return false;
  char *end;
  errno = 0;
  long long whole = strtoll(text, &end, 10);
  if (errno != 0 || *end != '\0') return false;
  *number = whole;
  return true;
}

const dl__json *dl__json_inner(const dl__json *json, const char *name) {
  const json_t *found = value(json, name);
  return json_is_object(found) ? (const dl__json *)found : NULL;
}

size_t dl__json_count(const dl__json *json, const char *name) {
  return json_array_size(value(json, name));
}

const char *dl__json_item(const dl__json *json, const char *name, size_t index) {
  return json_string_value(json_array_get(value(json, name), index));
}

static int add_piece(const char *piece, size_t size, void *user) {
  return dl__buf_add(user, piece, size) ? 0 : -1;
}

dl__json_end dl__json_quote(dl__buf *buf, const char *text) {
  if (!dl__utf8_is_valid(text)) return DL__JSON_WRONG;
  json_t *string = json_string_nocheck(text);
  size_t before = buf->length;
  int failed = json_dump_callback(string, add_piece, buf, JSON_ENCODE_ANY);
  json_decref(string);
  if (failed == 0) return DL__JSON_DONE;
  dl__buf_cut(buf, before);
  return DL__JSON_NO_MEMORY;
}
