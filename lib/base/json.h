/* base/json.h: reading a JSON object that came from outside, and quoting a text. */
#ifndef DL_BASE_JSON_H
#define DL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The largest text that dl__json_read reads, in bytes. */
#define DL__JSON_SIZE_MAX ((size_t)256 * 1024)

/* An object. One that was read is freed; one inside another is borrowed from it. */
typedef struct dl__json dl__json;

typedef enum dl__json_end { DL__JSON_DONE, DL__JSON_WRONG, DL__JSON_NO_MEMORY } dl__json_end;

/* Reads a whole object. NULL: not one JSON object (RFC 8259) with each name once, too
 * large, or no memory. */
dl__json *dl__json_read(const char *text, size_t size);
void dl__json_free(dl__json *json);

/* The same for a text of any size that fits into memory four times; tells what is no object from no
 * memory. */
dl__json_end dl__json_parse(const char *text, size_t size, dl__json **out);

/* The text called name, owned by json; NULL: there is none, or no text. */
const char *dl__json_text(const dl__json *json, const char *name);

/* The whole number called name, also if it was written as a text, as some servers do.
 * False: there is none; *number is untouched. */
bool dl__json_number(const dl__json *json, const char *name, int64_t *number);

/* The object called name inside of json; NULL: there is none. */
const dl__json *dl__json_inner(const dl__json *json, const char *name);

/* The array called name: its length (0: there is none), and the text at a place, owned
 * by json (NULL: no text). */
size_t dl__json_count(const dl__json *json, const char *name);
const char *dl__json_item(const dl__json *json, const char *name, size_t index);

/* Appends text as a JSON string with its quotes. WRONG: not UTF-8. */
dl__json_end dl__json_quote(dl__buf *buf, const char *text);

#endif
