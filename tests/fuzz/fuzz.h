/* tests/fuzz/fuzz.h: what the targets share. A target takes any bytes and checks what the
 * headers promise of them; fuzz_xml.c is the model. */
#ifndef DL_TESTS_FUZZ_H
#define DL_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks a promise. */
#define require(promise) ((promise) ? (void)0 : broken(__FILE__, __LINE__, #promise))

static inline void broken(const char *file, int line, const char *promise) {
  (void)fprintf(stderr, "%s:%d: broken: %s\n", file, line, promise);
  abort();
}

/* The bytes up to the first NUL, in memory of just that size: a reader that goes on is found. */
static inline char *text_of(const uint8_t *data, size_t size) {
  char *text = calloc(size + 1, 1);
  require(text != NULL);
  if (size > 0) memcpy(text, data, size);
  char *fit = strdup(text);
  require(fit != NULL);
  free(text);
  return fit;
}

/* a and b, to be freed. */
static inline char *joined(const char *a, const char *b) {
  size_t length = strlen(a);
  char *text = malloc(length + strlen(b) + 1);
  require(text != NULL);
  memcpy(text, a, length);
  memcpy(text + length, b, strlen(b) + 1);
  return text;
}

/* Both NULL, or the same text. */
static inline bool same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

#endif
