/* base/buf.h: a growing string. Set it up with {0}; data is NULL or NUL-terminated. */
#ifndef DL_BASE_BUF_H
#define DL_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct dl__buf {
  char *data;
  size_t length; /* without the NUL */
  size_t capacity;
} dl__buf;

/* Appends size bytes. False: no memory; the buffer is as it was. */
bool dl__buf_add(dl__buf *buf, const void *bytes, size_t size);
bool dl__buf_add_text(dl__buf *buf, const char *text);

/* Cuts back to a length it had before. */
void dl__buf_cut(dl__buf *buf, size_t length);

void dl__buf_clear(dl__buf *buf);

/* printf into new memory that the caller frees; NULL: no memory. */
char *dl__format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
