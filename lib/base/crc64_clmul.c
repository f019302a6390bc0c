/* base/crc64_clmul.c: CRC-64/NVME by carry-less multiplication (PCLMULQDQ of x86).
 *
 * To a CRC, data is a polynomial over GF(2), and only its remainder modulo P counts: its
 * first 16 bytes, H * x^64 + L, may be replaced by H * (x^(n+64) mod P) + L * (x^n mod P)
 * added to what stands n bits further on. Four such folds run side by side over 64 bytes;
 * the 16 bytes that are left over of them go through the tables. */
#include "base/crc64.h"

#if defined(__x86_64__) || defined(__i386__)

#include <immintrin.h>
#include <pthread.h>

#define CLMUL __attribute__((target("sse2,pclmul")))

#define LANES      4
#define LANE_BYTES 16

/* A fold by n bits: the two factors, that of the first 8 bytes first. */
typedef struct fold_by {
  uint64_t first, second;
} fold_by;

static pthread_once_t made = PTHREAD_ONCE_INIT;
static bool can_fold;
static fold_by by_all, by_lane;

/* x^n mod P, with the bits reflected as those of the data are: x^0 is the highest bit. */
static uint64_t power(unsigned n) {
  uint64_t result = UINT64_C(1) << 63;
  while (n-- > 0) result = (result >> 1) ^ ((result & 1) != 0 ? DL__CRC64_POLYNOMIAL : 0);
  return result;
}

/* One less than n: the product of two reflected numbers of 64 bits has 127, and comes out
 * one place, that is a factor x, too high. */
static fold_by fold_factors(unsigned bytes) {
  unsigned bits = 8 * bytes;
  return (fold_by){power(bits + 64 - 1), power(bits - 1)};
}

static void make(void) {
  by_all = fold_factors(LANES * LANE_BYTES);
  by_lane = fold_factors(LANE_BYTES);
  can_fold = __builtin_cpu_supports("pclmul") != 0;
}

bool dl__crc64_can_fold(void) {
  (void)pthread_once(&made, make);
  return can_fold;
}

CLMUL static __m128i factors(fold_by by) {
  return _mm_set_epi64x((long long)by.second, (long long)by.first);
}

CLMUL static __m128i load(const unsigned char *at) {
  return _mm_loadu_si128((const __m128i *)(const void *)at);
}

CLMUL static __m128i fold(__m128i lane, __m128i by, __m128i onto) {
  __m128i first = _mm_clmulepi64_si128(lane, by, 0x00);
  __m128i second = _mm_clmulepi64_si128(lane, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(first, second), onto);
}

CLMUL uint64_t dl__crc64_fold(uint64_t crc, const void *data, size_t size) {
  const unsigned char *at = data;
  __m128i lanes[LANES];
  __m128i by = factors(by_all);
  for (size_t i = 0; i < LANES; i++) lanes[i] = load(at + i * LANE_BYTES);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_set_epi64x(0, (long long)~crc));
  at += sizeof lanes;
  size -= sizeof lanes;
  for (; size >= sizeof lanes; at += sizeof lanes, size -= sizeof lanes) {
    for (size_t i = 0; i < LANES; i++) lanes[i] = fold(lanes[i], by, load(at + i * LANE_BYTES));
  }
  by = factors(by_lane);
  for (size_t i = 1; i < LANES; i++) lanes[i] = fold(lanes[i - 1], by, lanes[i]);
  unsigned char left[LANE_BYTES];
  _mm_storeu_si128((__m128i *)(void *)left, lanes[LANES - 1]);
  /* ~0: a CRC starts with all bits set, and these bytes hold that already. */
  return dl__crc64_tables(dl__crc64_tables(~UINT64_C(0), left, sizeof left), at, size);
}

#else

bool dl__crc64_can_fold(void) {
  return false;
}

uint64_t dl__crc64_fold(uint64_t crc, const void *data, size_t size) {
  return dl__crc64_tables(crc, data, size);
}

#endif
