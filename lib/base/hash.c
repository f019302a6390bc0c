/* base/hash.c: SHA-256 by OpenSSL's EVP interface, each return value checked,
 * because an engine or provider of the host may fail at any step. */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/error.h"

static dl_status fail(dl_error *err) {
  return dl__fail(err, DL_ERR_NO_MEMORY, NULL,
                  "OpenSSL cannot compute SHA-256 (out of memory, or not allowed here)");
}

dl_status dl__hash_init(dl__hash *hash, dl_error *err) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  hash->context = context;
  if (context == NULL) return fail(err);
  if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
    dl__hash_clear(hash);
    return fail(err);
  }
  return DL_OK;
}

void dl__hash_clear(dl__hash *hash) {
  EVP_MD_CTX_free(hash->context);
  hash->context = NULL;
}

/* No algorithm given: the one of dl__hash_init again, without a new look-up. */
dl_status dl__hash_begin(dl__hash *hash, dl_error *err) {
  return EVP_DigestInit_ex(hash->context, NULL, NULL) == 1 ? DL_OK : fail(err);
}

dl_status dl__hash_add(dl__hash *hash, const void *data, size_t size, dl_error *err) {
  return EVP_DigestUpdate(hash->context, data, size) == 1 ? DL_OK : fail(err);
}

dl_status dl__hash_end(dl__hash *hash, char digest[DL__DIGEST_SIZE], dl_error *err) {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(hash->context, raw, &size) != 1 || size != 32) return fail(err);
  char *out = digest + sizeof DL__DIGEST_PREFIX - 1;
  memcpy(digest, DL__DIGEST_PREFIX, sizeof DL__DIGEST_PREFIX);
  for (size_t i = 0; i < size; i++) {
    (void)snprintf(out + 2 * i, 3, "%02x", raw[i]);
  }
  return DL_OK;
}

bool dl__digest_valid(const char *digest) {
  size_t prefix = sizeof DL__DIGEST_PREFIX - 1;
  return strncmp(digest, DL__DIGEST_PREFIX, prefix) == 0 && strlen(digest) == DL__DIGEST_SIZE - 1 &&
         strspn(digest + prefix, "0123456789abcdef") == 64;
}
