/* push/segment.h: the pieces that a file is stored in, and where to cut them.
 *
 * What a push of a grown file sends up is
 *   - the new bytes, once;
 *   - old bytes again, where small segments are merged with what follows them;
 *   - the list of all segments, some 77 bytes each, with every commit.
 * Two rules keep the sum small, and both follow from the offsets and sizes of the
 * segments alone, so that any machine goes on where another one stopped:
 *
 * 1. A full segment is 4 MiB, and twice that for each fourfold of its offset from
 *    1 GiB on. A size L of full segments costs 77 * S / L bytes a push in a file of S
 *    bytes, and about L when one is interrupted or edited; the sum is least at an L that
 *    grows with the root of S. A file of 512 MiB has 128 full segments (a list of 10 KiB),
 *    one of 190 GiB about 5,000; the 50,000 that Azure allows are met at 17 TiB.
 * 2. Segments at the end that are not full are small ones, of which there are
 *    64 at most. New bytes become one more. When they and the new bytes fill a full
 *    segment, they are cut anew, so nothing small is ever left behind in the middle. When
 *    there is no room for one more, the last one is merged with the new bytes, and each one
 *    before it that is not larger than what is merged by then. For equal appends this is the
 *    binomial scheme (Bentley and Saxe, "Decomposable Searching Problems I", 1980): with 64
 *    places a byte is merged r times only after C(64 + r, r) appends, so 2,145 of them cost
 *    each byte less than 2 merges, 47,905 less than 3; and filling the full segment sends it
 *    once more. */
#ifndef DL_PUSH_SEGMENT_H
#define DL_PUSH_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "base/hash.h"

/* Small segments at the end of a file, at most. */
#define DL__SEGMENTS_SMALL_MAX 64

/* More segments than this no file is put in (Azure Blob Storage takes 50,000 blocks). */
#define DL__SEGMENTS_MAX 50000

typedef struct dl__segment {
  uint64_t offset_bytes;
  uint64_t size_bytes;
  uint64_t crc64; /* if it was read */
  uint8_t sha256[DL__SHA256_BYTES];
  bool kept; /* the object that is at the remote has it, at this offset */
} dl__segment;

/* Without gaps, from offset 0 on. Set it up with {0}. */
typedef struct dl__segments {
  dl__segment *items;
  size_t count;
  size_t capacity;
} dl__segments;

/* False: no memory. */
bool dl__segments_add(dl__segments *segments, const dl__segment *segment);
void dl__segments_clear(dl__segments *segments);

/* Where the last one ends; 0 if there is none. */
uint64_t dl__segments_end(const dl__segments *segments);

/* The size of a full segment that starts at this offset. */
uint64_t dl__segment_full_bytes(uint64_t offset_bytes);

/* The first of the small segments at the end; count if the last one is full. */
size_t dl__segments_first_small(const dl__segments *segments);

/* How many of the segments stay when a file that starts with them is to have size_bytes;
 * what follows is cut anew, in full segments and a rest. */
size_t dl__segments_stay(const dl__segments *segments, uint64_t size_bytes);

/* What tells one file from another: the digest of the only segment, or the one of
 * the list (DL__SEGMENTS_PREFIX). count is above 0. */
dl_status dl__segments_identity(const dl__segments *segments, dl__hash *hash,
                                char digest[DL__DIGEST_SIZE], dl_error *err);

#endif
