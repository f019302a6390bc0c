/* storage/azure_block.c: takes what is known of a block, gives its id, and back; and ids
 * that say nothing. */
#include "storage/azure_block.h"

#include <string.h>
#include <sys/random.h>

#include "base/hash.h"

#define FORM         0x01
#define FOREIGN_FORM 0xff

/* Of an id by chance. The first byte alone keeps it apart from numbers and texts. */
#define CHANCE_MIN_BYTES 3

enum { SHA256_AT = 1, SIZE_AT = 33, ORDINAL_AT = 41 };

/* High byte first. */
static void store(uint8_t *at, size_t bytes, uint64_t value) {
  for (size_t i = bytes; i > 0; i--) {
    at[i - 1] = (uint8_t)(value & 0xff);
    value >>= 8;
  }
}

static uint64_t load(const uint8_t *at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = (value << 8) | at[i];
  return value;
}

bool dl__azure_block_add_id(dl__buf *buf, const dl__azure_block *block) {
  uint8_t raw[DL__AZURE_BLOCK_ID_BYTES] = {FORM};
  memcpy(raw + SHA256_AT, block->sha256, sizeof block->sha256);
  store(raw + SIZE_AT, 8, block->size_bytes);
  store(raw + ORDINAL_AT, 4, block->ordinal);
  return dl__base64_add(buf, raw, sizeof raw);
}

bool dl__azure_block_read_id(const char *id, dl__azure_block *block) {
  uint8_t raw[DL__BASE64_ROOM(DL__AZURE_BLOCK_ID_CHARACTERS)];
  size_t size = 0;
  if (strlen(id) != DL__AZURE_BLOCK_ID_CHARACTERS ||
      !dl__base64_decode(id, DL__AZURE_BLOCK_ID_CHARACTERS, raw, &size) ||
      size != DL__AZURE_BLOCK_ID_BYTES || raw[0] != FORM) {
    return false;
  }
  memcpy(block->sha256, raw + SHA256_AT, sizeof block->sha256);
  block->size_bytes = load(raw + SIZE_AT, 8);
  block->ordinal = (uint32_t)load(raw + ORDINAL_AT, 4);
  return block->size_bytes > 0;
}

bool dl__azure_block_add_chance_id(dl__buf *buf, const char *as_long_as) {
  uint8_t raw[DL__BASE64_ROOM(DL__AZURE_BLOCK_ID_SIZE)];
  size_t length = strlen(as_long_as);
  size_t size = 0;
  if (length >= DL__AZURE_BLOCK_ID_SIZE || !dl__base64_decode(as_long_as, length, raw, &size) ||
      size < CHANCE_MIN_BYTES || getrandom(raw, size, 0) != (ssize_t)size) {
    return false;
  }
  raw[0] = FOREIGN_FORM;
  return dl__base64_add(buf, raw, size);
}

/* 60 characters with padding are 43 or 44 bytes. */
bool dl__azure_block_can_stand_beside(const char *id) {
  return strlen(id) == DL__AZURE_BLOCK_ID_CHARACTERS &&
         id[DL__AZURE_BLOCK_ID_CHARACTERS - 1] != '=';
}
