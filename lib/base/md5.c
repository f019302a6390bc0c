/* base/md5.c: MD5 that can be kept half-way. EVP cannot hand its inner state out; the
 * functions under it can, deprecated as they are. The state is written down field by
 * field, so that it does not depend on the struct of a version of OpenSSL. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <stdlib.h>
#include <string.h>

#include <openssl/md5.h>

#include "base/crc64.h"
#include "base/error.h"
#include "base/hash.h"

/* What is saved: four words of the chain, the number of bytes (each low byte first), then
 * those of the last, unfinished 64-byte block, and zeros; and a CRC-64 of all that, since
 * a state that rotted would give a wrong MD5 that nobody doubts. */
#define CHAIN_BYTES   16
#define LENGTH_BYTES  8
#define PENDING_BYTES 64

#define STATE_BYTES (CHAIN_BYTES + LENGTH_BYTES + PENDING_BYTES)
#define CRC_BYTES   8

_Static_assert(STATE_BYTES + CRC_BYTES == DL__MD5_SAVED_BYTES, "layout");

struct dl__md5 {
  MD5_CTX at_block; /* only ever fed whole blocks */
  uint64_t size_bytes;
  uint8_t pending[PENDING_BYTES];
};

static size_t pending(const dl__md5 *md5) {
  return (size_t)(md5->size_bytes % PENDING_BYTES);
}

dl_status dl__md5_new(dl__md5 **out, dl_error *err) {
  *out = calloc(1, sizeof **out);
  if (*out == NULL) return dl__fail_no_memory(err);
  (void)MD5_Init(&(*out)->at_block); /* cannot fail: it only sets the fields */
  return DL_OK;
}

void dl__md5_free(dl__md5 *md5) {
  free(md5);
}

void dl__md5_add(dl__md5 *md5, const void *data, size_t size) {
  const uint8_t *at = data;
  size_t held = pending(md5);
  md5->size_bytes += size;
  if (held > 0) {
    size_t piece = size < PENDING_BYTES - held ? size : PENDING_BYTES - held;
    memcpy(md5->pending + held, at, piece);
    at += piece;
    size -= piece;
    if (held + piece < PENDING_BYTES) return;
    (void)MD5_Update(&md5->at_block, md5->pending, PENDING_BYTES);
  }
  size_t whole = size - size % PENDING_BYTES;
  (void)MD5_Update(&md5->at_block, at, whole);
  if (size > whole) memcpy(md5->pending, at + whole, size - whole);
}

void dl__md5_get(const dl__md5 *md5, uint8_t out[DL__MD5_BYTES]) {
  MD5_CTX copy = md5->at_block;
  (void)MD5_Update(&copy, md5->pending, pending(md5));
  (void)MD5_Final(out, &copy);
}

static void put_number(uint8_t *to, uint64_t number, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get_number(const uint8_t *from, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; i++) number |= (uint64_t)from[i] << (8 * i);
  return number;
}

void dl__md5_save(const dl__md5 *md5, uint8_t saved[DL__MD5_SAVED_BYTES]) {
  const MD5_CTX *c = &md5->at_block;
  const MD5_LONG chain[] = {c->A, c->B, c->C, c->D};
  memset(saved, 0, DL__MD5_SAVED_BYTES);
  for (size_t i = 0; i < 4; i++) put_number(saved + 4 * i, chain[i], 4);
  put_number(saved + CHAIN_BYTES, md5->size_bytes, LENGTH_BYTES);
  memcpy(saved + CHAIN_BYTES + LENGTH_BYTES, md5->pending, pending(md5));
  put_number(saved + STATE_BYTES, dl__crc64(0, saved, STATE_BYTES), CRC_BYTES);
}

bool dl__md5_load(dl__md5 *md5, const uint8_t saved[DL__MD5_SAVED_BYTES], uint64_t size_bytes) {
  const uint8_t *tail = saved + CHAIN_BYTES + LENGTH_BYTES;
  if (get_number(saved + CHAIN_BYTES, LENGTH_BYTES) != size_bytes ||
      get_number(saved + STATE_BYTES, CRC_BYTES) != dl__crc64(0, saved, STATE_BYTES)) {
    return false;
  }
  for (size_t i = (size_t)(size_bytes % PENDING_BYTES); i < PENDING_BYTES; i++) {
    if (tail[i] != 0) return false;
  }
  uint64_t blocks_bits =
      (size_bytes - size_bytes % PENDING_BYTES) * 8; /* modulo 2^64, as MD5 has it */
  MD5_CTX *c = &md5->at_block;
  (void)MD5_Init(c);
  c->A = (MD5_LONG)get_number(saved, 4);
  c->B = (MD5_LONG)get_number(saved + 4, 4);
  c->C = (MD5_LONG)get_number(saved + 8, 4);
  c->D = (MD5_LONG)get_number(saved + 12, 4);
  c->Nl = (MD5_LONG)blocks_bits;
  c->Nh = (MD5_LONG)(blocks_bits >> 32);
  md5->size_bytes = size_bytes;
  memcpy(md5->pending, tail, PENDING_BYTES);
  return true;
}
