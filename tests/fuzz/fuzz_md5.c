/* fuzz_md5.c: any bytes as the saved state of an MD5 (its CRC is put right on every second try,
 * or nothing would ever be taken), and as content in two pieces. What is taken is saved again as
 * the same bytes; what is not changes nothing; and a saved state goes on like one that was not. */
#include "base/crc64.h"
#include "base/hash.h"
#include "fuzz.h"

#define STATE_BYTES (DL__MD5_SAVED_BYTES - 8)

static dl__md5 *begin(void) {
  dl__md5 *md5 = NULL;
  require(dl__md5_new(&md5, NULL) == DL_OK);
  return md5;
}

static void check_load(uint8_t saved[DL__MD5_SAVED_BYTES], uint64_t size_bytes) {
  uint8_t before[DL__MD5_SAVED_BYTES];
  uint8_t after[DL__MD5_SAVED_BYTES];
  uint8_t digest[DL__MD5_BYTES];
  dl__md5 *md5 = begin();
  dl__md5_add(md5, "abc", 3);
  dl__md5_save(md5, before);
  bool taken = dl__md5_load(md5, saved, size_bytes);
  dl__md5_save(md5, after);
  require(memcmp(after, taken ? saved : before, sizeof after) == 0);
  require(!dl__md5_load(md5, saved, size_bytes + 1));
  dl__md5_get(md5, digest);
  dl__md5_add(md5, before, sizeof before); /* more may be added */
  dl__md5_free(md5);
}

static void check_content(const uint8_t *data, size_t size) {
  uint8_t saved[DL__MD5_SAVED_BYTES];
  uint8_t whole[DL__MD5_BYTES];
  uint8_t parts[DL__MD5_BYTES];
  size_t cut = size > 0 ? data[0] % size : 0;
  dl__md5 *one = begin();
  dl__md5 *two = begin();
  dl__md5_add(one, data, size);
  dl__md5_get(one, whole);
  dl__md5_add(two, data, cut);
  dl__md5_save(two, saved);
  dl__md5_free(two);
  two = begin();
  require(dl__md5_load(two, saved, cut));
  dl__md5_add(two, data + cut, size - cut);
  dl__md5_get(two, parts);
  require(memcmp(whole, parts, sizeof whole) == 0);
  dl__md5_free(one);
  dl__md5_free(two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t saved[DL__MD5_SAVED_BYTES] = {0};
  uint64_t size_bytes = 0;
  if (size == 0) return 0;
  memcpy(saved, data, size < sizeof saved ? size : sizeof saved);
  for (int i = 7; i >= 0; i--) size_bytes = (size_bytes << 8) | saved[16 + i];
  check_load(saved, size_bytes);
  uint64_t crc = dl__crc64(0, saved, STATE_BYTES);
  for (int i = 0; i < 8; i++) saved[STATE_BYTES + i] = (uint8_t)(crc >> (8 * i));
  check_load(saved, size_bytes);
  check_content(data, size);
  return 0;
}
