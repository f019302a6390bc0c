/* base/hash.h: content digests, in the text form that storages keep and states
 * remember: "sha256:" and 64 lower-case hex digits. The only file with OpenSSL. */
#ifndef DL_BASE_HASH_H
#define DL_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "base/buf.h"

#define DL__DIGEST_PREFIX "sha256:"

/* "sha256:" + 64 digits + NUL */
#define DL__DIGEST_SIZE 72

#define DL__MD5_PREFIX "md5:"
#define DL__MD5_BYTES  16

/* One digest at a time, any number one after the other. */
typedef struct dl__hash {
  void *context; /* EVP_MD_CTX */
  void *md5;     /* the same for MD5; NULL: not wanted */
} dl__hash;

/* with_md5: also compute MD5, for services that check it. */
dl_status dl__hash_init(dl__hash *hash, bool with_md5, dl_error *err);
void dl__hash_clear(dl__hash *hash);

/* Starts a new digest; what was begun is forgotten. */
dl_status dl__hash_begin(dl__hash *hash, dl_error *err);
dl_status dl__hash_add(dl__hash *hash, const void *data, size_t size, dl_error *err);
dl_status dl__hash_end(dl__hash *hash, char digest[DL__DIGEST_SIZE], dl_error *err);

/* The MD5 of the same bytes; only if it was wanted. Before or after dl__hash_end. */
dl_status dl__hash_end_md5(dl__hash *hash, uint8_t md5[DL__MD5_BYTES], dl_error *err);

/* "md5:" and 32 lower-case hex digits. */
void dl__md5_text(const uint8_t md5[DL__MD5_BYTES], char digest[DL__DIGEST_SIZE]);
bool dl__md5_text_valid(const char *digest);

/* True for "sha256:" and 64 lower-case hex digits. */
bool dl__digest_valid(const char *digest);

#define DL__HMAC_BYTES 32

/* HMAC-SHA256 (RFC 2104). */
dl_status dl__hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                          uint8_t hmac[DL__HMAC_BYTES], dl_error *err);

/* Appends data as Base64 with padding (RFC 4648, 4). False: no memory; buf is as it was. */
bool dl__base64_add(dl__buf *buf, const void *data, size_t size);

/* Room that dl__base64_decode needs for so many characters. */
#define DL__BASE64_ROOM(length) ((length) / 4 * 3)

/* Decodes length characters into data, and gives the number of bytes in *size. False:
 * not exactly what dl__base64_add would write for some bytes (spaces, other characters,
 * wrong padding, bits left over); data may then hold anything. */
bool dl__base64_decode(const char *text, size_t length, void *data, size_t *size);

#endif
