/* Checksums and digests: CRC-64 by both ways against bit by bit, MD5 that is kept and gone
 * on with, and the texts that name a digest. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crc64.h"
#include "base/hash.h"
#include "support/digests.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Numbers that are the same in every run. */
static void fill(unsigned char *data, size_t size) {
  uint64_t state = 1;
  for (size_t i = 0; i < size; i++) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    data[i] = (unsigned char)(state >> 56);
  }
}

/* CRC-64. */

#define CRC_SIZE 600

typedef uint64_t (*crc_way)(uint64_t crc, const void *data, size_t size);

/* The whole, and the one by tables, which a long text takes only where nothing is faster. */
static const crc_way crc_ways[] = {dl__crc64, dl__crc64_tables};

static uint64_t crc_bit_by_bit(const unsigned char *data, size_t size) {
  uint64_t crc = ~UINT64_C(0);
  for (size_t i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? UINT64_C(0x9a6c9329ac4bc9b5) : 0);
    }
  }
  return ~crc;
}

START_TEST(crc_of_known_texts) {
  crc_way crc = crc_ways[_i];
  ck_assert_uint_eq(crc(0, "", 0), 0);
  ck_assert_uint_eq(crc(0, "123456789", 9), UINT64_C(0xAE8B14860A799888));
  uint64_t hello = crc(0, "Hello Azure!", 12);
  unsigned char bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(hello >> (8 * i));
  dl__buf text = {0};
  ck_assert(dl__base64_add(&text, bytes, sizeof bytes));
  ck_assert_str_eq(text.data, "DtjZpL9/o8c=");
  dl__buf_clear(&text);
}
END_TEST

/* In memory of exactly that size, so that a sanitizer sees what is read beside it. */
START_TEST(crc_of_every_length_at_every_alignment) {
  unsigned char data[CRC_SIZE];
  fill(data, sizeof data);
  for (size_t size = 0; size <= CRC_SIZE; size++) {
    uint64_t expected = crc_bit_by_bit(data, size);
    for (size_t start = 0; start < 16; start++) {
      unsigned char *room = malloc(start + size + 1); /* +1: never nothing */
      ck_assert_ptr_nonnull(room);
      memcpy(room + start + 1, data, size);
      uint64_t got = crc_ways[_i](0, room + start + 1, size);
      free(room);
      ck_assert_msg(got == expected, "%zu bytes at %zu", size, start + 1);
    }
  }
}
END_TEST

START_TEST(crc_of_pieces) {
  unsigned char data[CRC_SIZE];
  fill(data, sizeof data);
  uint64_t expected = crc_bit_by_bit(data, CRC_SIZE);
  for (size_t split = 0; split <= CRC_SIZE; split++) {
    uint64_t crc = crc_ways[_i](0, data, split);
    crc = crc_ways[_i](crc, data + split, CRC_SIZE - split);
    ck_assert_msg(crc == expected, "split at %zu", split);
  }
  for (size_t piece = 1; piece <= CRC_SIZE; piece++) {
    uint64_t crc = 0;
    for (size_t at = 0; at < CRC_SIZE; at += piece) {
      crc = crc_ways[_i](crc, data + at, piece < CRC_SIZE - at ? piece : CRC_SIZE - at);
    }
    ck_assert_msg(crc == expected, "pieces of %zu", piece);
  }
}
END_TEST

START_TEST(crc_of_long_runs) {
  size_t size = 1 << 20;
  unsigned char *data = malloc(size);
  ck_assert_ptr_nonnull(data);
  memset(data, 0, size);
  ck_assert_uint_eq(crc_ways[_i](0, data, size), crc_bit_by_bit(data, size));
  memset(data, 0xff, size);
  ck_assert_uint_eq(crc_ways[_i](0, data, size), crc_bit_by_bit(data, size));
  fill(data, size);
  ck_assert_uint_eq(crc_ways[_i](0, data, size - 1), crc_bit_by_bit(data, size - 1));
  free(data);
}
END_TEST

/* MD5. */

#define MD5_SIZE 300

static dl__md5 *new_md5(void) {
  dl__md5 *md5;
  dl_error err = DL_ERROR_INIT;
  ck_assert_msg(dl__md5_new(&md5, &err) == DL_OK, "%s", err.message);
  return md5;
}

/* What an MD5 says now, as text. */
static const char *md5_says(const dl__md5 *md5) {
  static char text[DL__DIGEST_SIZE];
  uint8_t raw[DL__MD5_BYTES];
  dl__md5_get(md5, raw);
  dl__md5_text(raw, text);
  return text;
}

static void md5_of(const void *data, size_t size, uint8_t out[DL__MD5_BYTES]) {
  dl__hash hash;
  ck_assert_int_eq(dl__hash_init(&hash, true, NULL), DL_OK);
  ck_assert_int_eq(dl__hash_add(&hash, data, size, NULL), DL_OK);
  ck_assert_int_eq(dl__hash_end_md5(&hash, out, NULL), DL_OK);
  dl__hash_clear(&hash);
}

static void expect_md5_of(const dl__md5 *md5, const void *data, size_t size) {
  uint8_t got[DL__MD5_BYTES];
  uint8_t expected[DL__MD5_BYTES];
  dl__md5_get(md5, got);
  md5_of(data, size, expected);
  ck_assert_msg(memcmp(got, expected, sizeof got) == 0, "%zu bytes", size);
}

/* RFC 1321, A.5. */
static const struct {
  const char *text, *md5;
} md5_vectors[] = {
    {"", "md5:d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "md5:0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "md5:900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "md5:f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "md5:c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "md5:d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "md5:57edf4a22be3c955ac49da2e2107b67a"},
};

START_TEST(md5_of_known_texts) {
  const char *text = md5_vectors[_i].text;
  dl__md5 *md5 = new_md5();
  dl__md5_add(md5, text, strlen(text));
  ck_assert_str_eq(md5_says(md5), md5_vectors[_i].md5);
  ck_assert_str_eq(md5_says(md5), md5_vectors[_i].md5);
  dl__md5_free(md5);
  md5 = new_md5();
  for (const char *at = text; *at != '\0'; at++) {
    dl__md5_add(md5, at, 1);
    (void)md5_says(md5); /* to ask changes nothing */
  }
  ck_assert_str_eq(md5_says(md5), md5_vectors[_i].md5);
  dl__md5_free(md5);
  dl__md5_free(NULL);
}
END_TEST

START_TEST(md5_of_pieces) {
  unsigned char data[MD5_SIZE];
  fill(data, sizeof data);
  for (size_t piece = 1; piece <= MD5_SIZE; piece++) {
    dl__md5 *md5 = new_md5();
    for (size_t at = 0; at < MD5_SIZE; at += piece) {
      dl__md5_add(md5, data + at, piece < MD5_SIZE - at ? piece : MD5_SIZE - at);
    }
    expect_md5_of(md5, data, MD5_SIZE);
    dl__md5_free(md5);
  }
}
END_TEST

START_TEST(md5_is_kept_at_every_length) {
  unsigned char data[MD5_SIZE];
  fill(data, sizeof data);
  dl__md5 *bytewise = new_md5();
  for (size_t size = 0; size <= MD5_SIZE; size++) {
    uint8_t saved[DL__MD5_SAVED_BYTES];
    uint8_t again[DL__MD5_SAVED_BYTES];
    dl__md5 *md5 = new_md5();
    dl__md5_add(md5, data, size);
    dl__md5_save(md5, saved);
    dl__md5_save(bytewise, again);
    ck_assert_msg(memcmp(saved, again, sizeof saved) == 0, "%zu bytes", size);
    dl__md5_free(md5);
    md5 = new_md5();
    dl__md5_add(md5, "something else", 14);
    ck_assert_msg(dl__md5_load(md5, saved, size), "%zu bytes", size);
    expect_md5_of(md5, data, size);
    dl__md5_save(md5, again);
    ck_assert_msg(memcmp(saved, again, sizeof saved) == 0, "%zu bytes", size);
    dl__md5_add(md5, data + size, MD5_SIZE - size);
    expect_md5_of(md5, data, MD5_SIZE);
    dl__md5_free(md5);
    if (size < MD5_SIZE) dl__md5_add(bytewise, data + size, 1);
  }
  dl__md5_free(bytewise);
}
END_TEST

/* What is written down is the same on every machine: here after no bytes, and after three. */
START_TEST(md5_is_kept_in_one_form) {
  static const uint8_t start[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                  0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
  /* CRC-64/NVME of the 88 bytes before, low byte first, by a program that is not ours. */
  static const uint8_t crcs[2][8] = {{0x37, 0x1b, 0x7a, 0x4e, 0xfa, 0x1c, 0xa3, 0x9c},
                                     {0x0e, 0x0c, 0x57, 0xd4, 0x03, 0xde, 0x3c, 0x38}};
  uint8_t expected[DL__MD5_SAVED_BYTES] = {0};
  uint8_t saved[DL__MD5_SAVED_BYTES];
  memcpy(expected, start, sizeof start);
  memcpy(expected + 88, crcs[0], 8);
  dl__md5 *md5 = new_md5();
  dl__md5_save(md5, saved);
  ck_assert_mem_eq(saved, expected, sizeof saved);
  expected[16] = 3;
  memcpy(expected + 24, "abc", 3);
  memcpy(expected + 88, crcs[1], 8);
  dl__md5_add(md5, "abc", 3);
  dl__md5_save(md5, saved);
  ck_assert_mem_eq(saved, expected, sizeof saved);
  dl__md5_free(md5);
}
END_TEST

/* A state that was made by hand gets the CRC that belongs to it. */
static void seal(uint8_t *saved) {
  uint64_t sum = dl__crc64(0, saved, 88);
  for (int k = 0; k < 8; k++) saved[88 + k] = (uint8_t)(sum >> (8 * k));
}

static void expect_no_load(dl__md5 *md5, const uint8_t *saved, uint64_t size_bytes) {
  ck_assert_msg(!dl__md5_load(md5, saved, size_bytes), "size %ju", (uintmax_t)size_bytes);
  ck_assert_str_eq(md5_says(md5), md5_vectors[2].md5); /* as it was */
}

START_TEST(md5_of_another_size_or_with_garbage_is_not_loaded) {
  static const char junk[MD5_SIZE];
  dl__md5 *target = new_md5();
  dl__md5_add(target, "abc", 3);
  dl__md5 *md5 = new_md5();
  for (uint64_t size = 0; size <= MD5_SIZE; size++) {
    uint8_t saved[DL__MD5_SAVED_BYTES];
    dl__md5_save(md5, saved);
    expect_no_load(target, saved, size + 1);
    expect_no_load(target, saved, size + 64);
    expect_no_load(target, saved, size - 1);
    expect_no_load(target, saved, size | UINT64_C(1) << 32);
    expect_no_load(target, saved, size | UINT64_C(1) << 63);
    for (size_t i = size % 64; i < 64; i++) {
      saved[24 + i] ^= 1;
      seal(saved);
      expect_no_load(target, saved, size);
      saved[24 + i] ^= 1;
      seal(saved);
    }
    dl__md5_add(md5, junk, 1);
  }
  dl__md5_free(md5);
  dl__md5_free(target);
}
END_TEST

START_TEST(md5_that_rotted_is_not_loaded) {
  uint8_t saved[DL__MD5_SAVED_BYTES];
  dl__md5 *md5 = new_md5();
  dl__md5_add(md5, "abc", 3);
  dl__md5_save(md5, saved);
  for (size_t i = 0; i < 8 * sizeof saved; i++) {
    saved[i / 8] ^= (uint8_t)(1 << i % 8);
    expect_no_load(md5, saved, 3);
    saved[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  ck_assert(dl__md5_load(md5, saved, 3));
  dl__md5_free(md5);
}
END_TEST

/* The last block of an MD5 says how many bits there were. Given to another one as content,
 * it leaves the digest in the words of the chain. */
START_TEST(md5_counts_beyond_32_bits) {
  static const uint64_t sizes[] = {UINT64_C(1) << 29, (UINT64_C(1) << 32) + 64, UINT64_C(5) << 40};
  for (int i = 0; i < COUNT(sizes); i++) {
    uint8_t saved[DL__MD5_SAVED_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    uint8_t last[64] = {0x80};
    for (int k = 0; k < 8; k++) {
      saved[16 + k] = (uint8_t)(sizes[i] >> (8 * k));
      last[56 + k] = (uint8_t)(sizes[i] * 8 >> (8 * k));
    }
    seal(saved);
    uint8_t digest[DL__MD5_BYTES];
    dl__md5 *md5 = new_md5();
    ck_assert(dl__md5_load(md5, saved, sizes[i]));
    dl__md5_get(md5, digest);
    dl__md5_add(md5, last, sizeof last);
    dl__md5_save(md5, saved);
    ck_assert_mem_eq(saved, digest, sizeof digest);
    dl__md5_free(md5);
  }
}
END_TEST

/* The texts of digests. */

#define ABC_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX63   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

START_TEST(a_raw_digest_and_its_text) {
  static const char *const prefixes[] = {DL__DIGEST_PREFIX, DL__SEGMENTS_PREFIX};
  static const char *const texts[] = {"sha256:" ABC_HEX, "sha256-segments:" ABC_HEX};
  dl__hash hash;
  uint8_t raw[DL__SHA256_BYTES];
  ck_assert_int_eq(dl__hash_init(&hash, false, NULL), DL_OK);
  for (int i = 0; i < 2; i++) {
    char digest[DL__DIGEST_SIZE + 1];
    memset(digest, '#', sizeof digest);
    ck_assert_int_eq(dl__hash_begin(&hash, NULL), DL_OK);
    ck_assert_int_eq(dl__hash_add(&hash, "abc", 3, NULL), DL_OK);
    ck_assert_int_eq(dl__hash_end_raw(&hash, raw, NULL), DL_OK);
    ck_assert_uint_eq(raw[0], 0xba);
    ck_assert_uint_eq(raw[31], 0xad);
    dl__digest_text(prefixes[i], raw, digest);
    ck_assert_str_eq(digest, texts[i]);
    ck_assert_int_eq(digest[DL__DIGEST_SIZE], '#');
    ck_assert(digest_valid(digest));
  }
  dl__hash_clear(&hash);
}
END_TEST

static const struct {
  const char *digest;
  bool valid;
} digests[] = {
    {"sha256:" HEX63 "f", true},
    {"sha256-segments:" HEX63 "f", true},
    {"sha256-segments:" HEX63, false},
    {"sha256-segments:" HEX63 "ff", false},
    {"sha256-segments:" HEX63 "F", false},
    {"sha256-segments:" HEX63 "g", false},
    {"sha256-segments:g" HEX63, false},
    {"sha256-segments:" HEX63 "f ", false},
    {"sha256-segments", false},
    {"sha256-segments:", false},
    {"sha256-segment:" HEX63 "f", false},
    {"SHA256-segments:" HEX63 "f", false},
    {"sha256:sha256-segments:" HEX63 "f", false},
};

START_TEST(digests_of_both_prefixes) {
  ck_assert(digest_valid(digests[_i].digest) == digests[_i].valid);
  ck_assert(!md5_text_valid(digests[_i].digest));
}
END_TEST

START_TEST(packed_and_unpacked) {
  char text[DL__DIGEST_SIZE];
  dl__digest packed = dl__digest_pack(digests[_i].digest);
  dl__digest_unpack(&packed, text);
  ck_assert_str_eq(text, digests[_i].valid ? digests[_i].digest : "");
  ck_assert(dl__digest_is_sha256(&packed) == digests[_i].valid);
  ck_assert(dl__digest_same(&packed, &packed) == digests[_i].valid);
}
END_TEST

START_TEST(packed_digests) {
  char text[DL__DIGEST_SIZE];
  dl__digest none = {0};
  dl__digest md5 = dl__digest_pack("md5:9a0364b9e99bb480dd25e1f0284c8555");
  ck_assert_uint_eq(md5.kind, DL__DIGEST_MD5);
  ck_assert_uint_eq(md5.bytes[0], 0x9a);
  ck_assert_uint_eq(md5.bytes[15], 0x55);
  ck_assert(!dl__digest_is_sha256(&md5));
  dl__digest_unpack(&md5, text);
  ck_assert_str_eq(text, "md5:9a0364b9e99bb480dd25e1f0284c8555");
  dl__digest_unpack(&none, text);
  ck_assert_str_eq(text, "");
  ck_assert(!dl__digest_same(&none, &none));
  /* The same bytes of another kind, and one bit that differs. */
  dl__digest whole = dl__digest_pack("sha256:" HEX63 "f");
  dl__digest segments = dl__digest_pack("sha256-segments:" HEX63 "f");
  dl__digest other = dl__digest_pack("sha256:" HEX63 "e");
  ck_assert(!dl__digest_same(&whole, &segments));
  ck_assert(!dl__digest_same(&whole, &other));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("hash");
  TCase *tcase = tcase_create("hash");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 30);
  tcase_add_loop_test(tcase, crc_of_known_texts, 0, COUNT(crc_ways));
  tcase_add_loop_test(tcase, crc_of_every_length_at_every_alignment, 0, COUNT(crc_ways));
  tcase_add_loop_test(tcase, crc_of_pieces, 0, COUNT(crc_ways));
  tcase_add_loop_test(tcase, crc_of_long_runs, 0, COUNT(crc_ways));
  tcase_add_loop_test(tcase, md5_of_known_texts, 0, COUNT(md5_vectors));
  tcase_add_test(tcase, md5_of_pieces);
  tcase_add_test(tcase, md5_is_kept_at_every_length);
  tcase_add_test(tcase, md5_is_kept_in_one_form);
  tcase_add_test(tcase, md5_of_another_size_or_with_garbage_is_not_loaded);
  tcase_add_test(tcase, md5_that_rotted_is_not_loaded);
  tcase_add_test(tcase, md5_counts_beyond_32_bits);
  tcase_add_test(tcase, a_raw_digest_and_its_text);
  tcase_add_loop_test(tcase, digests_of_both_prefixes, 0, COUNT(digests));
  tcase_add_loop_test(tcase, packed_and_unpacked, 0, COUNT(digests));
  tcase_add_test(tcase, packed_digests);
  return support_main(suite);
}
