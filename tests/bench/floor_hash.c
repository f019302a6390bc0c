/* floor_hash.c: takes a file, gives one strong digest and one checksum of its bytes in one pass. */
#include "floor.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 * 1024)

/* CRC-64/NVME, eight bytes at a time. Of its own, and not the library's, so that a slow one there
 * shows. */
static uint64_t crc_table[8][256];

static void make_crc_table(void) {
  for (unsigned i = 0; i < 256; i++) {
    uint64_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) ? 0x9A6C9329AC4BC9B5u : 0);
    crc_table[0][i] = crc;
  }
  for (unsigned k = 1; k < 8; k++) {
    for (unsigned i = 0; i < 256; i++) {
      uint64_t crc = crc_table[k - 1][i];
      crc_table[k][i] = (crc >> 8) ^ crc_table[0][crc & 0xff];
    }
  }
}

static uint64_t crc64(uint64_t crc, const unsigned char *data, size_t size) {
  crc = ~crc;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) word |= (uint64_t)data[i] << (8 * i);
    crc ^= word;
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++) sum ^= crc_table[7 - i][(crc >> (8 * i)) & 0xff];
    crc = sum;
  }
  for (; size > 0; data++, size--) crc = (crc >> 8) ^ crc_table[0][(crc ^ *data) & 0xff];
  return ~crc;
}

void hash_file(int fd) {
  static unsigned char piece[PIECE_BYTES];
  EVP_MD_CTX *md = EVP_MD_CTX_new();
  must(md != NULL && EVP_DigestInit_ex2(md, EVP_sha256(), NULL) == 1, "SHA-256");
  make_crc_table();
  uint64_t crc = 0;
  ssize_t got;
  while ((got = read(fd, piece, sizeof piece)) > 0) {
    must(EVP_DigestUpdate(md, piece, (size_t)got) == 1, "SHA-256");
    crc = crc64(crc, piece, (size_t)got);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  must(got == 0 && EVP_DigestFinal_ex(md, digest, &length) == 1, "reading");
  EVP_MD_CTX_free(md);
  for (unsigned i = 0; i < length; i++) (void)printf("%02x", digest[i]);
  (void)printf(" %016llx\n", (unsigned long long)crc);
  must(fflush(stdout) == 0, "writing");
}
