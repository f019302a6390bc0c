/* tests/storage/kit_content.c: contents, and the two ends that give and take
 * them. The source notes every breach of the contract of dl_read_fn. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kit.h"

static uint64_t seed(void) {
  const char *text = getenv("DEVLOG_TEST_SEED");
  return text != NULL ? strtoull(text, NULL, 0) : 1;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

bytes bytes_random(size_t size, uint64_t number) {
  bytes content = {malloc(size + sizeof(uint64_t)), size};
  ck_assert_ptr_nonnull(content.data);
  uint64_t state = seed() ^ (number << 32);
  for (size_t i = 0; i < size; i += sizeof state) {
    uint64_t word = next_random(&state);
    memcpy(content.data + i, &word, sizeof word);
  }
  return content;
}

bytes bytes_text(const char *text) {
  bytes content = {(unsigned char *)strdup(text), strlen(text)};
  ck_assert_ptr_nonnull(content.data);
  return content;
}

void bytes_clear(bytes *content) {
  free(content->data);
  *content = (bytes){NULL, 0};
}

bool bytes_equal(bytes a, bytes b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

const char *bytes_digest(bytes content, char digest[DL_DIGEST_SIZE]) {
  unsigned char sum[32];
  int done = EVP_Digest(content.data, content.size, sum, NULL, EVP_sha256(), NULL);
  ck_assert_int_eq(done, 1);
  int at = snprintf(digest, DL_DIGEST_SIZE, "sha256:");
  for (size_t i = 0; i < sizeof sum; i++) {
    at += snprintf(digest + at, DL_DIGEST_SIZE - (size_t)at, "%02x", sum[i]);
  }
  return digest;
}

/* How much a call for size bytes gets. */
static size_t piece_size(const source *s, size_t size) {
  size_t piece = s->piece;
  if (s->varied) piece = 1 + (s->calls * 5 + s->calls / 7) % s->piece;
  return piece > 0 && piece < size ? piece : size;
}

static void broken(source *s, const char *why) {
  if (!s->broken) s->why = why;
  s->broken = true;
}

static void check_call(source *s, uint64_t offset, size_t size, const size_t *got) {
  if (got == NULL) broken(s, "no place for the number of bytes");
  if (size == 0) broken(s, "asked for no bytes");
  if (s->failed > 0 && offset != 0) broken(s, "went on after a failure");
  if (offset == 0) s->next = 0;
  if (offset != s->next) broken(s, "asked for bytes out of order");
  if (offset > s->content.size || size > s->content.size - offset) {
    broken(s, "asked for more bytes than were promised");
  }
}

dl_status source_read(void *user, uint64_t offset_bytes, void *buf, size_t size, size_t *got,
                      dl_error *err) {
  source *s = user;
  s->calls++;
  if (s->before != NULL) s->before(s->user, offset_bytes);
  check_call(s, offset_bytes, size, got);
  if (s->broken) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "%s", s->why);
  size = piece_size(s, size);
  bool limited = s->failing || s->short_of_promise;
  if (limited && s->next < s->fail_at && size > s->fail_at - s->next) {
    size = (size_t)(s->fail_at - s->next);
  }
  if (s->failing && s->next >= s->fail_at) {
    s->failed++;
    return dl__fail(err, s->failure, "source", "the source failed as it was told to");
  }
  if (s->short_of_promise && s->next >= s->fail_at) size = 0;
  if (size > 0) memcpy(buf, s->content.data + offset_bytes, size);
  s->next = offset_bytes + size;
  s->given = s->next;
  *got = size;
  return DL_OK;
}

dl_status sink_write(void *user, const void *data, size_t size, dl_error *err) {
  sink *s = user;
  s->calls++;
  if (s->fail_on != 0 && s->calls >= s->fail_on) {
    return dl__fail(err, s->failure, "sink", "the sink failed as it was told to");
  }
  if (size > s->capacity - s->content.size) {
    s->capacity = (s->content.size + size) * 2;
    unsigned char *grown = realloc(s->content.data, s->capacity);
    if (grown == NULL) return dl__fail_no_memory(err);
    s->content.data = grown;
  }
  if (size > 0) memcpy(s->content.data + s->content.size, data, size);
  s->content.size += size;
  return DL_OK;
}

void sink_clear(sink *s) {
  bytes_clear(&s->content);
  s->capacity = 0;
}

int kit_main(Suite *suite) {
  printf("# seed %llu (DEVLOG_TEST_SEED)\n", (unsigned long long)seed());
  (void)fflush(stdout);
  return support_main(suite);
}
