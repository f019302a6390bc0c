/* base/hash.c: SHA-256, MD5, HMAC and Base64 by OpenSSL, each return value checked,
 * because an engine or provider of the host may fail at any step. */
#include "base/hash.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/error.h"

static dl_status fail(const char *name, dl_error *err) {
  return dl__fail(err, DL_ERR_NO_MEMORY, NULL,
                  "OpenSSL cannot compute %s (out of memory, or not allowed here)", name);
}

static void *new_context(const EVP_MD *algorithm) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context != NULL && EVP_DigestInit_ex(context, algorithm, NULL) == 1) return context;
  EVP_MD_CTX_free(context);
  return NULL;
}

dl_status dl__hash_init(dl__hash *hash, bool with_md5, dl_error *err) {
  *hash = (dl__hash){new_context(EVP_sha256()), NULL};
  if (hash->context == NULL) return fail("SHA-256", err);
  if (!with_md5) return DL_OK;
  hash->md5 = new_context(EVP_md5());
  if (hash->md5 != NULL) return DL_OK;
  dl__hash_clear(hash);
  return fail("MD5", err);
}

void dl__hash_clear(dl__hash *hash) {
  EVP_MD_CTX_free(hash->context);
  EVP_MD_CTX_free(hash->md5);
  *hash = (dl__hash){NULL, NULL};
}

/* No algorithm given: the one of dl__hash_init again, without a new look-up. */
dl_status dl__hash_begin(dl__hash *hash, dl_error *err) {
  if (EVP_DigestInit_ex(hash->context, NULL, NULL) != 1) return fail("SHA-256", err);
  if (hash->md5 != NULL && EVP_DigestInit_ex(hash->md5, NULL, NULL) != 1) return fail("MD5", err);
  return DL_OK;
}

dl_status dl__hash_add(dl__hash *hash, const void *data, size_t size, dl_error *err) {
  if (EVP_DigestUpdate(hash->context, data, size) != 1) return fail("SHA-256", err);
  if (hash->md5 != NULL && EVP_DigestUpdate(hash->md5, data, size) != 1) return fail("MD5", err);
  return DL_OK;
}

static void put_hex(const unsigned char *raw, size_t size, char *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    *out++ = digits[raw[i] >> 4];
    *out++ = digits[raw[i] & 15];
  }
  *out = '\0';
}

dl_status dl__hash_end_raw(dl__hash *hash, uint8_t sha256[DL__SHA256_BYTES], dl_error *err) {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  bool done = EVP_DigestFinal_ex(hash->context, raw, &size) == 1 && size == DL__SHA256_BYTES;
  if (!done) return fail("SHA-256", err);
  memcpy(sha256, raw, DL__SHA256_BYTES);
  return DL_OK;
}

void dl__digest_text(const char *prefix, const uint8_t sha256[DL__SHA256_BYTES],
                     char digest[DL__DIGEST_SIZE]) {
  size_t length = strlen(prefix);
  memcpy(digest, prefix, length);
  put_hex(sha256, DL__SHA256_BYTES, digest + length);
}

dl_status dl__hash_end(dl__hash *hash, char digest[DL__DIGEST_SIZE], dl_error *err) {
  uint8_t raw[DL__SHA256_BYTES];
  dl_status status = dl__hash_end_raw(hash, raw, err);
  if (status == DL_OK) dl__digest_text(DL__DIGEST_PREFIX, raw, digest);
  return status;
}

dl_status dl__hash_end_md5(dl__hash *hash, uint8_t md5[DL__MD5_BYTES], dl_error *err) {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  bool done = EVP_DigestFinal_ex(hash->md5, raw, &size) == 1 && size == DL__MD5_BYTES;
  if (!done) return fail("MD5", err);
  memcpy(md5, raw, DL__MD5_BYTES);
  return DL_OK;
}

void dl__md5_text(const uint8_t md5[DL__MD5_BYTES], char digest[DL__DIGEST_SIZE]) {
  memcpy(digest, DL__MD5_PREFIX, sizeof DL__MD5_PREFIX);
  put_hex(md5, DL__MD5_BYTES, digest + sizeof DL__MD5_PREFIX - 1);
}

static bool is_digest(const char *text, const char *prefix, size_t digits) {
  size_t length = strlen(prefix);
  return strncmp(text, prefix, length) == 0 && strlen(text) == length + digits &&
         strspn(text + length, "0123456789abcdef") == digits;
}

static const struct {
  const char *prefix;
  size_t size;
} kinds[] = {
    [DL__DIGEST_NONE] = {"", 0},
    [DL__DIGEST_WHOLE] = {DL__DIGEST_PREFIX, DL__SHA256_BYTES},
    [DL__DIGEST_SEGMENTS] = {DL__SEGMENTS_PREFIX, DL__SHA256_BYTES},
    [DL__DIGEST_MD5] = {DL__MD5_PREFIX, DL__MD5_BYTES},
};

static uint8_t digit(char c) {
  return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

dl__digest dl__digest_pack(const char *text) {
  dl__digest digest = {DL__DIGEST_NONE, {0}};
  for (uint8_t kind = DL__DIGEST_WHOLE; kind <= DL__DIGEST_MD5; kind++) {
    if (!is_digest(text, kinds[kind].prefix, 2 * kinds[kind].size)) continue;
    const char *hex = text + strlen(kinds[kind].prefix);
    digest.kind = kind;
    for (size_t i = 0; i < kinds[kind].size; i++) {
      digest.bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    }
  }
  return digest;
}

void dl__digest_unpack(const dl__digest *digest, char text[DL__DIGEST_SIZE]) {
  size_t length = strlen(kinds[digest->kind].prefix);
  memcpy(text, kinds[digest->kind].prefix, length + 1);
  put_hex(digest->bytes, kinds[digest->kind].size, text + length);
}

bool dl__digest_same(const dl__digest *a, const dl__digest *b) {
  return a->kind != DL__DIGEST_NONE && a->kind == b->kind &&
         memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool dl__digest_is(const dl__digest *digest, const char *text) {
  dl__digest other = dl__digest_pack(text);
  return dl__digest_same(digest, &other);
}

bool dl__digest_is_md5(const dl__digest *digest, const uint8_t md5[DL__MD5_BYTES]) {
  return digest->kind == DL__DIGEST_MD5 && memcmp(digest->bytes, md5, DL__MD5_BYTES) == 0;
}

bool dl__digest_is_sha256(const dl__digest *digest) {
  return digest->kind == DL__DIGEST_WHOLE || digest->kind == DL__DIGEST_SEGMENTS;
}

dl_status dl__hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                          uint8_t hmac[DL__HMAC_BYTES], dl_error *err) {
  unsigned int got = 0;
  if (key_size > INT_MAX ||
      HMAC(EVP_sha256(), key, (int)key_size, data, size, hmac, &got) == NULL ||
      got != DL__HMAC_BYTES) {
    return fail("HMAC-SHA256", err);
  }
  return DL_OK;
}

/* Pieces of 48 bytes make 64 characters each, and only the last one is padded. */
bool dl__base64_add(dl__buf *buf, const void *data, size_t size) {
  size_t before = buf->length;
  const unsigned char *at = data;
  while (size > 0) {
    unsigned char text[65];
    size_t piece = size < 48 ? size : 48;
    int length = EVP_EncodeBlock(text, at, (int)piece);
    if (!dl__buf_add(buf, text, (size_t)length)) {
      dl__buf_cut(buf, before);
      return false;
    }
    at += piece;
    size -= piece;
  }
  return true;
}

static bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

/* OpenSSL skips spaces, does not look at the padding, and writes zeros for it. */
bool dl__base64_decode(const char *text, size_t length, void *data, size_t *size) {
  *size = 0;
  if (length == 0) return true;
  if (length % 4 != 0 || length > INT_MAX) return false;
  size_t padding = text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1 : 2;
  for (size_t i = 0; i < length - padding; i++) {
    if (!is_base64(text[i])) return false;
  }
  unsigned char *out = data;
  int got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)length);
  if (got < 0 || (size_t)got != DL__BASE64_ROOM(length)) return false;
  *size = (size_t)got - padding;
  for (size_t i = *size; i < (size_t)got; i++) {
    if (out[i] != 0) return false;
  }
  return true;
}
