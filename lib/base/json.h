/* base/json.h: the values at the top of a JSON object that a server sent. */
#ifndef DL_BASE_JSON_H
#define DL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest text that is read, in bytes. */
#define DL__JSON_SIZE_MAX ((size_t)256 * 1024)

typedef struct dl__json dl__json;

/* Reads a whole object. NULL: not one JSON object (RFC 8259) with each name once, too
 * large, or no memory. */
dl__json *dl__json_read(const char *text, size_t size);
void dl__json_free(dl__json *json);

/* The text called name, owned by json; NULL: there is none, or no text. */
const char *dl__json_text(const dl__json *json, const char *name);

/* The whole number called name, also if it was written as a text, as some servers do.
 * False: there is none; *number is untouched. */
bool dl__json_number(const dl__json *json, const char *name, int64_t *number);

#endif
