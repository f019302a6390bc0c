/* base/vec.c: doubles an array when it is full, with the overflow checks. */
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool dl__vec_grow(void *items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return true;
  size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
  if (wanted <= *capacity || wanted > PTRDIFF_MAX / size) return false;
  void *old;
  memcpy(&old, items, sizeof old);
  void *grown = realloc(old, wanted * size);
  if (grown == NULL) return false;
  memcpy(items, &grown, sizeof grown);
  *capacity = wanted;
  return true;
}
