/* base/hash.h: content digests, in the text form that storages keep and states
 * remember: "sha256:" and 64 lower-case hex digits. The only file with OpenSSL. */
#ifndef DL_BASE_HASH_H
#define DL_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include <devlog/error.h>

#define DL__DIGEST_PREFIX "sha256:"

/* "sha256:" + 64 digits + NUL */
#define DL__DIGEST_SIZE 72

/* One digest at a time, any number one after the other. */
typedef struct dl__hash {
  void *context; /* EVP_MD_CTX */
} dl__hash;

dl_status dl__hash_init(dl__hash *hash, dl_error *err);
void dl__hash_clear(dl__hash *hash);

/* Starts a new digest; what was begun is forgotten. */
dl_status dl__hash_begin(dl__hash *hash, dl_error *err);
dl_status dl__hash_add(dl__hash *hash, const void *data, size_t size, dl_error *err);
dl_status dl__hash_end(dl__hash *hash, char digest[DL__DIGEST_SIZE], dl_error *err);

/* True for a text of exactly the form above. */
bool dl__digest_valid(const char *digest);

#endif
