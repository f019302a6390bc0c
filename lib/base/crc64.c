/* base/crc64.c: CRC-64/NVME, sixteen bytes a step ("slicing by 16": sixteen tables, of
 * which table k advances a byte over k zero bytes). What is longer is left to the
 * processor's own multiplication, where it has one. */
#include "base/crc64.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#define SLICES 16

static uint64_t tables[SLICES][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make_tables(void) {
  for (unsigned byte = 0; byte < 256; byte++) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; bit++)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? DL__CRC64_POLYNOMIAL : 0);
    tables[0][byte] = crc;
  }
  for (unsigned byte = 0; byte < 256; byte++) {
    for (unsigned k = 1; k < SLICES; k++) {
      uint64_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
}

/* Eight bytes, low one first. */
static uint64_t load(const unsigned char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return le64toh(word);
}

static uint64_t slice(uint64_t word, unsigned top) {
  uint64_t crc = 0;
  for (unsigned i = 0; i < 8; i++) crc ^= tables[top - i][(word >> (8 * i)) & 0xff];
  return crc;
}

uint64_t dl__crc64_tables(uint64_t crc, const void *data, size_t size) {
  (void)pthread_once(&made, make_tables);
  const unsigned char *at = data;
  crc = ~crc;
  for (; size >= SLICES; at += SLICES, size -= SLICES) {
    crc = slice(crc ^ load(at), SLICES - 1) ^ slice(load(at + 8), SLICES - 9);
  }
  for (; size > 0; at++, size--) crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xff];
  return ~crc;
}

uint64_t dl__crc64(uint64_t crc, const void *data, size_t size) {
  bool folds = size >= DL__CRC64_FOLD_MIN && dl__crc64_can_fold();
  return folds ? dl__crc64_fold(crc, data, size) : dl__crc64_tables(crc, data, size);
}
