/* base/buf.c: a growing string. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(dl__buf *buf, size_t more) {
  if (more >= SIZE_MAX / 2 - buf->length) return false;
  size_t needed = buf->length + more + 1;
  if (needed <= buf->capacity) return true;
  size_t wanted = buf->capacity * 2 > needed ? buf->capacity * 2 : needed + 32;
  char *grown = realloc(buf->data, wanted);
  if (grown == NULL) return false;
  buf->data = grown;
  buf->capacity = wanted;
  return true;
}

bool dl__buf_add(dl__buf *buf, const void *bytes, size_t size) {
  if (!reserve(buf, size)) return false;
  if (size > 0) memcpy(buf->data + buf->length, bytes, size);
  buf->length += size;
  buf->data[buf->length] = '\0';
  return true;
}

bool dl__buf_add_text(dl__buf *buf, const char *text) {
  return dl__buf_add(buf, text, strlen(text));
}

void dl__buf_cut(dl__buf *buf, size_t length) {
  if (buf->data == NULL || length > buf->length) return;
  buf->length = length;
  buf->data[length] = '\0';
}

void dl__buf_clear(dl__buf *buf) {
  free(buf->data);
  *buf = (dl__buf){0};
}

char *dl__format(const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (length < 0) return NULL;
  char *text = malloc((size_t)length + 1);
  if (text == NULL) return NULL;
  va_start(args, format);
  (void)vsnprintf(text, (size_t)length + 1, format, args);
  va_end(args);
  return text;
}
