/* What form the text of a digest has. */
#ifndef DL_TESTS_DIGESTS_H
#define DL_TESTS_DIGESTS_H

#include "base/hash.h"

/* "sha256:" or "sha256-segments:" and 64 lower-case hex digits. */
static inline bool digest_valid(const char *text) {
  dl__digest digest = dl__digest_pack(text);
  return dl__digest_is_sha256(&digest);
}

/* "md5:" and 32 of them. */
static inline bool md5_text_valid(const char *text) {
  return dl__digest_pack(text).kind == DL__DIGEST_MD5;
}

#endif
