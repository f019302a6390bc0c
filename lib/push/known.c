/* push/known.c: a hash table with open addressing, never more than half full. A digest
 * is as good as random, so its first bytes are the hash. */
#include "push/known.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_AT_FIRST 64

typedef struct dl__known_entry {
  uint8_t sha256[32];
  uint64_t size_bytes; /* 0: free */
} entry;

void dl__known_clear(dl__known *known) {
  free(known->entries);
  *known = (dl__known){0};
}

/* Where it is, or would be. */
static entry *place(entry *entries, size_t room, const uint8_t sha256[32], uint64_t size_bytes) {
  uint64_t hash;
  memcpy(&hash, sha256, sizeof hash);
  for (size_t i = (size_t)hash & (room - 1);; i = (i + 1) & (room - 1)) {
    entry *e = &entries[i];
    bool same = e->size_bytes == size_bytes && memcmp(e->sha256, sha256, 32) == 0;
    if (e->size_bytes == 0 || same) return e;
  }
}

bool dl__known_has(const dl__known *known, const uint8_t sha256[32], uint64_t size_bytes) {
  return known->room > 0 && place(known->entries, known->room, sha256, size_bytes)->size_bytes != 0;
}

static bool grow(dl__known *known) {
  size_t room = known->room == 0 ? ROOM_AT_FIRST : known->room * 2;
  entry *entries = calloc(room, sizeof *entries);
  if (entries == NULL) return false;
  for (size_t i = 0; i < known->room; i++) {
    const entry *e = &known->entries[i];
    if (e->size_bytes != 0) *place(entries, room, e->sha256, e->size_bytes) = *e;
  }
  free(known->entries);
  known->entries = entries;
  known->room = room;
  return true;
}

bool dl__known_add(dl__known *known, const uint8_t sha256[32], uint64_t size_bytes) {
  if (known->count >= known->room / 2 && !grow(known)) return false;
  entry *e = place(known->entries, known->room, sha256, size_bytes);
  if (e->size_bytes == 0) known->count++;
  memcpy(e->sha256, sha256, 32);
  e->size_bytes = size_bytes;
  return true;
}
