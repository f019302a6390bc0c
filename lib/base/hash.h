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

/* The identity of a file that is stored in several segments: SHA-256 of a list of
 * (length as 8 bytes, high one first; SHA-256 as 32 bytes), one a segment. A file of one
 * segment has the digest of its bytes. */
#define DL__SEGMENTS_PREFIX "sha256-segments:"

/* The longer prefix + 64 digits + NUL, rounded up. */
#define DL__DIGEST_SIZE 88

#define DL__MD5_PREFIX "md5:"
#define DL__MD5_BYTES  16

#define DL__SHA256_BYTES 32

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

/* The same in binary. */
dl_status dl__hash_end_raw(dl__hash *hash, uint8_t sha256[DL__SHA256_BYTES], dl_error *err);

/* PREFIX and 64 lower-case hex digits; PREFIX is DL__DIGEST_PREFIX or
 * DL__SEGMENTS_PREFIX. */
void dl__digest_text(const char *prefix, const uint8_t sha256[DL__SHA256_BYTES],
                     char digest[DL__DIGEST_SIZE]);

/* The MD5 of the same bytes; only if it was wanted. Before or after dl__hash_end. */
dl_status dl__hash_end_md5(dl__hash *hash, uint8_t md5[DL__MD5_BYTES], dl_error *err);

/* "md5:" and 32 lower-case hex digits. */
void dl__md5_text(const uint8_t md5[DL__MD5_BYTES], char digest[DL__DIGEST_SIZE]);

typedef enum dl__digest_kind {
  DL__DIGEST_NONE,     /* not known */
  DL__DIGEST_WHOLE,    /* DL__DIGEST_PREFIX */
  DL__DIGEST_SEGMENTS, /* DL__SEGMENTS_PREFIX */
  DL__DIGEST_MD5       /* DL__MD5_PREFIX */
} dl__digest_kind;

/* A digest as long lists keep it: in a third of the room of its text. {0}: not known. */
typedef struct dl__digest {
  uint8_t kind;
  uint8_t bytes[DL__SHA256_BYTES]; /* behind an MD5 zeros */
} dl__digest;

/* A text of none of the forms gives one that is not known, and that gives "". */
dl__digest dl__digest_pack(const char *text);
void dl__digest_unpack(const dl__digest *digest, char text[DL__DIGEST_SIZE]);

/* True if both are known, and the same. */
bool dl__digest_same(const dl__digest *a, const dl__digest *b);

/* The same, with the text of one, or the bytes of an MD5. */
bool dl__digest_is(const dl__digest *digest, const char *text);
bool dl__digest_is_md5(const dl__digest *digest, const uint8_t md5[DL__MD5_BYTES]);

/* True for the two kinds of SHA-256, which a file is remembered by. */
bool dl__digest_is_sha256(const dl__digest *digest);

/* MD5 alone, of content that grows: it can be kept, and gone on with in another process. */
typedef struct dl__md5 dl__md5;

/* The state of one, kept: the same bytes for the same content on every machine. */
#define DL__MD5_SAVED_BYTES 96

dl_status dl__md5_new(dl__md5 **out, dl_error *err);
void dl__md5_free(dl__md5 *md5);
void dl__md5_add(dl__md5 *md5, const void *data, size_t size);

/* The MD5 of all that was added so far; more may be added afterwards. */
void dl__md5_get(const dl__md5 *md5, uint8_t out[DL__MD5_BYTES]);

void dl__md5_save(const dl__md5 *md5, uint8_t saved[DL__MD5_SAVED_BYTES]);

/* False, and nothing changed: saved is no state (any more), or not one after size_bytes bytes. */
bool dl__md5_load(dl__md5 *md5, const uint8_t saved[DL__MD5_SAVED_BYTES], uint64_t size_bytes);

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
