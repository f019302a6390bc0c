/* push/known.h: a set of contents, each known by its digest and length. */
#ifndef DL_PUSH_KNOWN_H
#define DL_PUSH_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set it up with {0}. */
typedef struct dl__known {
  struct dl__known_entry *entries;
  size_t count;
  size_t room; /* a power of two, or 0 */
} dl__known;

void dl__known_clear(dl__known *known);

bool dl__known_has(const dl__known *known, const uint8_t sha256[32], uint64_t size_bytes);

/* size_bytes is above 0. False: no memory. */
bool dl__known_add(dl__known *known, const uint8_t sha256[32], uint64_t size_bytes);

#endif
