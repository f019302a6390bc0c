/* cli/nearest.c: takes a mistyped word and the right ones, gives the nearest by
 * the number of letters to add, drop or replace. A beginning is as good as whole. */
#include "nearest.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX     32
#define DISTANCE_MAX 2

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Levenshtein's distance, row by row; both words are at most WORD_MAX long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t row[WORD_MAX + 1];
  for (size_t j = 0; j <= b_length; j++) row[j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = smaller(replaced, smaller(row[j], row[j - 1]) + 1);
    }
  }
  return row[b_length];
}

void nearest_try(nearest *search, const char *name) {
  size_t word_length = strlen(search->word), name_length = strlen(name);
  if (word_length > WORD_MAX || name_length > WORD_MAX) return;
  bool beginning = word_length > 1 && strncmp(search->word, name, word_length) == 0;
  size_t far = beginning ? 0 : distance(search->word, word_length, name, name_length);
  /* More than half of the letters wrong is another word, not a slip. */
  if (far > DISTANCE_MAX || far * 2 > name_length) return;
  if (search->name == NULL || far < search->distance) {
    search->name = name;
    search->distance = far;
  }
}
