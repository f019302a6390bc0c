/* push/segment.c: takes offsets and sizes, says where to cut. No I/O. */
#include "push/segment.h"

#include <stdlib.h>

#include "base/vec.h"

#define FULL_BYTES     ((uint64_t)4 << 20)
#define GROWS_AT_BYTES ((uint64_t)1 << 30)

bool dl__segments_add(dl__segments *segments, const dl__segment *segment) {
  if (!dl__vec_grow(&segments->items, segments->count, &segments->capacity,
                    sizeof *segments->items)) {
    return false;
  }
  segments->items[segments->count++] = *segment;
  return true;
}

void dl__segments_clear(dl__segments *segments) {
  free(segments->items);
  *segments = (dl__segments){0};
}

static uint64_t end_of(const dl__segment *segment) {
  return segment->offset_bytes + segment->size_bytes;
}

uint64_t dl__segments_end(const dl__segments *segments) {
  return segments->count > 0 ? end_of(&segments->items[segments->count - 1]) : 0;
}

uint64_t dl__segment_full_bytes(uint64_t offset_bytes) {
  uint64_t full = FULL_BYTES;
  for (uint64_t rest = offset_bytes / GROWS_AT_BYTES; rest > 0; rest /= 4) full *= 2;
  return full;
}

size_t dl__segments_first_small(const dl__segments *segments) {
  size_t first = segments->count;
  while (first > 0) {
    const dl__segment *before = &segments->items[first - 1];
    if (before->size_bytes >= dl__segment_full_bytes(before->offset_bytes)) break;
    first--;
  }
  return first;
}

/* The last one is merged with the new bytes, and each one before it that is not larger
 * than what is merged by then. */
static size_t first_to_merge(const dl__segments *segments, size_t first, uint64_t new_bytes) {
  size_t i = segments->count - 1;
  uint64_t merged = new_bytes + segments->items[i].size_bytes;
  while (i > first && segments->items[i - 1].size_bytes <= merged) {
    merged += segments->items[--i].size_bytes;
  }
  return i;
}

size_t dl__segments_stay(const dl__segments *segments, uint64_t size_bytes) {
  uint64_t end = dl__segments_end(segments);
  size_t first = dl__segments_first_small(segments);
  if (size_bytes <= end || first == segments->count) return segments->count;
  uint64_t start = segments->items[first].offset_bytes;
  if (size_bytes - start >= dl__segment_full_bytes(start)) return first;
  if (segments->count - first < DL__SEGMENTS_SMALL_MAX) return segments->count;
  return first_to_merge(segments, first, size_bytes - end);
}

static dl_status add_to_identity(const dl__segment *segment, dl__hash *hash, dl_error *err) {
  uint8_t length[8];
  for (size_t i = 0; i < sizeof length; i++) {
    length[i] = (uint8_t)(segment->size_bytes >> (8 * (sizeof length - 1 - i)));
  }
  dl_status status = dl__hash_add(hash, length, sizeof length, err);
  return status == DL_OK ? dl__hash_add(hash, segment->sha256, DL__SHA256_BYTES, err) : status;
}

dl_status dl__segments_identity(const dl__segments *segments, dl__hash *hash,
                                char digest[DL__DIGEST_SIZE], dl_error *err) {
  if (segments->count == 1) {
    dl__digest_text(DL__DIGEST_PREFIX, segments->items[0].sha256, digest);
    return DL_OK;
  }
  uint8_t sha256[DL__SHA256_BYTES];
  dl_status status = dl__hash_begin(hash, err);
  for (size_t i = 0; status == DL_OK && i < segments->count; i++) {
    status = add_to_identity(&segments->items[i], hash, err);
  }
  if (status == DL_OK) status = dl__hash_end_raw(hash, sha256, err);
  if (status == DL_OK) dl__digest_text(DL__SEGMENTS_PREFIX, sha256, digest);
  return status;
}
