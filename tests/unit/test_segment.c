/* Where files are cut: the promises of push/segment.h, over many histories of appends. */
#include <stdio.h>
#include <string.h>

#include "push/known.h"
#include "push/segment.h"
#include "support/digests.h"
#include "support/support.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

#define ONE "sha256:88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"
#define TWO "sha256-segments:c83cdb97438f326c14550c5bc2823e121b4d2a525dde43337f172d4c68bb6454"

static dl_error err;

/* A remote that is pushed to after each append: what it has, and what that took. */
typedef struct history {
  dl__segments segments;
  uint64_t appended_bytes;
  uint64_t sent_bytes;
  size_t small_max;
} history;

/* The cut that multipart.c makes. */
static void push(history *h, uint64_t new_bytes) {
  uint64_t size = dl__segments_end(&h->segments) + new_bytes;
  h->appended_bytes += new_bytes;
  h->segments.count = dl__segments_stay(&h->segments, size);
  for (uint64_t at = dl__segments_end(&h->segments); at < size;) {
    uint64_t full = dl__segment_full_bytes(at);
    dl__segment segment = {.offset_bytes = at, .size_bytes = size - at < full ? size - at : full};
    ck_assert(dl__segments_add(&h->segments, &segment));
    h->sent_bytes += segment.size_bytes;
    at += segment.size_bytes;
  }
  size_t small = h->segments.count - dl__segments_first_small(&h->segments);
  if (small > h->small_max) h->small_max = small;
}

/* No gaps, and nothing that is not full before something that is. */
static void check_cuts(const dl__segments *segments) {
  uint64_t at = 0;
  bool small = false;
  for (size_t i = 0; i < segments->count; i++) {
    const dl__segment *s = &segments->items[i];
    ck_assert_uint_eq(s->offset_bytes, at);
    ck_assert_uint_gt(s->size_bytes, 0);
    ck_assert_uint_le(s->size_bytes, dl__segment_full_bytes(at));
    bool full = s->size_bytes == dl__segment_full_bytes(at);
    ck_assert(!(small && full));
    small = small || !full;
    at += s->size_bytes;
  }
}

/* A generator whose numbers are the same everywhere (xorshift64*). */
static uint64_t seed;

static uint64_t number(void) {
  seed ^= seed >> 12;
  seed ^= seed << 25;
  seed ^= seed >> 27;
  return seed * UINT64_C(2685821657736338717);
}

static uint64_t one_byte(void) {
  return 1;
}

static uint64_t line(void) {
  return 100;
}

static uint64_t one_kib(void) {
  return KIB;
}

static uint64_t one_mib(void) {
  return MIB;
}

static uint64_t any_size(void) {
  return 1 + number() % MIB;
}

/* As many of each order of magnitude. */
static uint64_t any_order(void) {
  return 1 + number() % (UINT64_C(1) << (1 + number() % 20));
}

/* Many small ones, and now and then a large one behind them. */
static uint64_t bursts(void) {
  return number() % 50 == 0 ? MIB : 1 + number() % 200;
}

/* Each one a little smaller than the one before, over and over. */
static uint64_t falling(void) {
  static uint64_t size = MIB;
  size = size > 2 ? size - size / 8 - 1 : MIB;
  return size;
}

static const struct {
  const char *name;
  uint64_t (*next)(void);
  int appends;
} histories[] = {
    {"1 byte each", one_byte, 60000},        {"100 bytes each", line, 60000},
    {"1 KiB each", one_kib, 30000},          {"1 MiB each", one_mib, 5000},
    {"any size to 1 MiB", any_size, 5000},   {"any order of magnitude to 1 MiB", any_order, 30000},
    {"bursts of small ones", bursts, 30000}, {"falling sizes", falling, 20000},
};

START_TEST(appends_cost_little) {
  history h = {0};
  double worst = 0;
  seed = 20251122;
  for (int i = 0; i < histories[_i].appends; i++) {
    push(&h, histories[_i].next());
    if (i % 97 == 0) check_cuts(&h.segments);
    double again = (double)(h.sent_bytes - h.appended_bytes) / (double)h.appended_bytes;
    if (again > worst) worst = again;
    ck_assert_msg(again <= 4.0, "%s: after %d appends %.2f times sent again", histories[_i].name, i,
                  again);
  }
  ck_assert_uint_le(h.small_max, DL__SEGMENTS_SMALL_MAX);
  /* All but the small ones are full, so that their number is that of a fresh upload. */
  history fresh = {0};
  push(&fresh, h.appended_bytes);
  ck_assert_uint_le(h.segments.count, fresh.segments.count + DL__SEGMENTS_SMALL_MAX);
  printf("# %s: sent again at worst %.2f times, in the end %.2f; small segments at most %zu\n",
         histories[_i].name, worst,
         (double)(h.sent_bytes - h.appended_bytes) / (double)h.appended_bytes, h.small_max);
  (void)fflush(stdout);
  dl__segments_clear(&h.segments);
  dl__segments_clear(&fresh.segments);
}
END_TEST

static size_t count_full(uint64_t size) {
  size_t count = 0;
  for (uint64_t at = 0; at < size; count++) at += dl__segment_full_bytes(at);
  return count;
}

START_TEST(large_files_have_few_segments) {
  ck_assert_uint_eq(dl__segment_full_bytes(0), 4 * MIB);
  ck_assert_uint_eq(dl__segment_full_bytes(GIB - 1), 4 * MIB);
  ck_assert_uint_eq(dl__segment_full_bytes(GIB), 8 * MIB);
  ck_assert_uint_eq(dl__segment_full_bytes(4 * GIB), 16 * MIB);
  ck_assert_uint_eq(count_full(512 * MIB), 128);
  ck_assert_uint_lt(count_full(190 * GIB), 5000);
  ck_assert_uint_lt(count_full(16 * TIB), DL__SEGMENTS_MAX);
  /* The service takes blocks of 4,000 MiB at most, and 190.7 TiB in all. */
  ck_assert_uint_le(dl__segment_full_bytes(191 * TIB), 4000 * MIB);
}
END_TEST

/* 512 MiB and 1 KiB: the list of a commit stays below 15 KiB at 77 bytes a segment. */
START_TEST(an_append_to_a_full_file_is_one_segment) {
  history h = {0};
  push(&h, 512 * MIB);
  push(&h, KIB);
  ck_assert_uint_eq(h.segments.count, 129);
  ck_assert_uint_eq(h.sent_bytes, 512 * MIB + KIB);
  dl__segments_clear(&h.segments);
}
END_TEST

/* No room for one more: the last ones are merged, and not the large one before them. */
START_TEST(a_large_one_is_not_merged_with_small_ones) {
  history h = {0};
  push(&h, MIB);
  for (int i = 1; i < DL__SEGMENTS_SMALL_MAX; i++) push(&h, 10);
  ck_assert_uint_eq(h.segments.count, DL__SEGMENTS_SMALL_MAX);
  uint64_t before = h.sent_bytes;
  push(&h, 10);
  ck_assert_uint_eq(h.segments.count, 2);
  ck_assert_uint_eq(h.segments.items[0].size_bytes, MIB);
  ck_assert_uint_eq(h.sent_bytes - before, 10 * DL__SEGMENTS_SMALL_MAX);
  dl__segments_clear(&h.segments);
}
END_TEST

/* A file that did not grow, or shrank, keeps what it has. */
START_TEST(nothing_new_merges_nothing) {
  history h = {0};
  for (int i = 0; i < DL__SEGMENTS_SMALL_MAX; i++) push(&h, 10);
  ck_assert_uint_eq(dl__segments_stay(&h.segments, 640), 64);
  ck_assert_uint_eq(dl__segments_stay(&(dl__segments){0}, 0), 0);
  ck_assert_uint_eq(dl__segments_stay(&(dl__segments){0}, 5), 0);
  dl__segments_clear(&h.segments);
}
END_TEST

/* printf '%016x' 4 | xxd -r -p, then the digest of "abcd" in binary, and the same for "ef"
 * with 2: sha256sum of that. */
START_TEST(an_identity_is_the_digest_of_the_list) {
  static const struct {
    const char *text;
    uint64_t offset;
  } parts[] = {{"abcd", 0}, {"ef", 4}};
  dl__hash hash;
  dl__segments segments = {0};
  char digest[DL__DIGEST_SIZE];
  ck_assert_int_eq(dl__hash_init(&hash, false, &err), DL_OK);
  for (size_t i = 0; i < 2; i++) {
    dl__segment s = {.offset_bytes = parts[i].offset, .size_bytes = strlen(parts[i].text)};
    ck_assert_int_eq(dl__hash_begin(&hash, &err), DL_OK);
    ck_assert_int_eq(dl__hash_add(&hash, parts[i].text, strlen(parts[i].text), &err), DL_OK);
    ck_assert_int_eq(dl__hash_end_raw(&hash, s.sha256, &err), DL_OK);
    ck_assert(dl__segments_add(&segments, &s));
    ck_assert_int_eq(dl__segments_identity(&segments, &hash, digest, &err), DL_OK);
    ck_assert(digest_valid(digest));
    const char *wanted[] = {ONE, TWO};
    ck_assert_str_eq(digest, wanted[i]);
  }
  dl__segments_clear(&segments);
  dl__hash_clear(&hash);
}
END_TEST

START_TEST(contents_are_known_by_digest_and_length) {
  dl__known known = {0};
  uint8_t sha256[32] = {0};
  ck_assert(!dl__known_has(&known, sha256, 1));
  for (unsigned i = 0; i < 3000; i++) {
    /* All with the same hash, so that they stand in one another's way. */
    sha256[30] = (uint8_t)(i >> 8);
    sha256[31] = (uint8_t)i;
    ck_assert(!dl__known_has(&known, sha256, 7));
    ck_assert(dl__known_add(&known, sha256, 7));
    ck_assert(dl__known_add(&known, sha256, 7));
    ck_assert(dl__known_has(&known, sha256, 7));
    ck_assert(!dl__known_has(&known, sha256, 8));
  }
  ck_assert_uint_eq(known.count, 3000);
  dl__known_clear(&known);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("segment");
  TCase *tcase = tcase_create("segment");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, appends_cost_little, 0, (int)(sizeof histories / sizeof histories[0]));
  tcase_add_test(tcase, large_files_have_few_segments);
  tcase_add_test(tcase, an_append_to_a_full_file_is_one_segment);
  tcase_add_test(tcase, a_large_one_is_not_merged_with_small_ones);
  tcase_add_test(tcase, nothing_new_merges_nothing);
  tcase_add_test(tcase, an_identity_is_the_digest_of_the_list);
  tcase_add_test(tcase, contents_are_known_by_digest_and_length);
  return support_main(suite);
}
