/* floor_hash.c: takes a file, gives one strong digest and one checksum of its bytes in one pass. */
#include "floor.h"

#include "base/crc64.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 * 1024)

void hash_file(int fd, bool md5) {
  static unsigned char piece[PIECE_BYTES];
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_MD_CTX *strong = EVP_MD_CTX_new();
  EVP_MD_CTX *sum = EVP_MD_CTX_new();
  must(strong != NULL && EVP_DigestInit_ex2(strong, EVP_sha256(), NULL) == 1, "SHA-256");
  must(sum != NULL && EVP_DigestInit_ex2(sum, EVP_md5(), NULL) == 1, "MD5");
  uint64_t crc = 0;
  ssize_t got;
  while ((got = read(fd, piece, sizeof piece)) > 0) {
    must(EVP_DigestUpdate(strong, piece, (size_t)got) == 1, "SHA-256");
    if (md5) must(EVP_DigestUpdate(sum, piece, (size_t)got) == 1, "MD5");
    if (!md5) crc = dl__crc64(crc, piece, (size_t)got);
  }
  must(got == 0 && EVP_DigestFinal_ex(strong, digest, &length) == 1, "reading");
  for (unsigned i = 0; i < length; i++) (void)printf("%02x", digest[i]);
  if (!md5) (void)printf(" %016llx\n", (unsigned long long)crc);
  if (md5) {
    must(EVP_DigestFinal_ex(sum, digest, &length) == 1, "MD5");
    (void)putchar(' ');
    for (unsigned i = 0; i < length; i++) (void)printf("%02x", digest[i]);
    (void)putchar('\n');
  }
  EVP_MD_CTX_free(strong);
  EVP_MD_CTX_free(sum);
  must(fflush(stdout) == 0, "writing");
}
