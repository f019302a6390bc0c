/* cli/nearest.h: did you mean ...? */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

/* Set up with {word, NULL, 0}; then try each name; then name is the one that is
 * near enough to be meant, or NULL. */
typedef struct nearest {
  const char *word;
  const char *name;
  size_t distance;
} nearest;

void nearest_try(nearest *search, const char *name);

#endif
