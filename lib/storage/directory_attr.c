/* storage/directory_attr.c: what is known of a file besides its bytes, in extended
 * attributes: takes and gives the digest and the segments of an object.
 *
 * user.devlog has the digest, user.devlog.segments the segments; each with the size and
 * times that the file had: it counts only as long as they hold. A filesystem without such
 * attributes costs a read of the object at comparison, and the sending of the whole file
 * where only its end is new; no more. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "storage/directory.h"

#define DIGEST   "user.devlog"
#define SEGMENTS "user.devlog.segments"

/* Longest time from setting the attribute to the rename of a put. */
#define PUT_MAX_NS INT64_C(60000000000)

/* Linux takes no more than 64 KiB. ext4 has about 4 KiB for all attributes of a file, which
 * is 96 segments beside the digest: of an object with more, no layout is kept there, and when
 * it grows, the next push sends the whole. */
#define SEGMENTS_SIZE ((size_t)65536)
#define FORMAT        1
#define HEADER_SIZE   ((size_t)32)
#define RECORD_SIZE   ((size_t)40)

/* Setting the attribute and the rename that follows move the ctime on, so that may be a
 * little later. */
static bool holds(const dl__stamp *now, uint64_t size_bytes, int64_t mtime_ns, int64_t ctime_ns) {
  return size_bytes == now->size_bytes && mtime_ns == now->mtime_ns && ctime_ns >= 0 &&
         now->ctime_ns >= ctime_ns && now->ctime_ns - ctime_ns <= PUT_MAX_NS;
}

/* The attribute: "1 SIZE MTIME_NS CTIME_NS DIGEST". */
bool dl__directory_read_digest(int fd, const struct stat *st, char digest[DL_DIGEST_SIZE]) {
  char text[DL_DIGEST_SIZE + 96];
  ssize_t length = fgetxattr(fd, DIGEST, text, sizeof text - 1);
  if (length <= 0) return false;
  text[length] = '\0';
  uint64_t size;
  int64_t mtime_ns;
  int64_t ctime_ns;
  int used = 0;
  if (sscanf(text, "1 %" SCNu64 " %" SCNd64 " %" SCNd64 " %n", &size, &mtime_ns, &ctime_ns,
             &used) != 3 ||
      used == 0) {
    return false;
  }
  size_t digest_length = strlen(text + used);
  if (digest_length == 0 || digest_length >= DL_DIGEST_SIZE) return false;
  dl__stamp stamp;
  dl__stamp_from(&stamp, st);
  if (!holds(&stamp, size, mtime_ns, ctime_ns)) return false;
  memcpy(digest, text + used, digest_length + 1);
  return true;
}

void dl__directory_write_digest(int fd, const struct stat *st, const char *digest) {
  dl__stamp stamp;
  dl__stamp_from(&stamp, st);
  char text[DL_DIGEST_SIZE + 96];
  int length = snprintf(text, sizeof text, "1 %" PRIu64 " %" PRId64 " %" PRId64 " %s",
                        stamp.size_bytes, stamp.mtime_ns, stamp.ctime_ns, digest);
  if (length > 0 && (size_t)length < sizeof text) {
    (void)fsetxattr(fd, DIGEST, text, (size_t)length, 0);
  }
}

/* Numbers with the high byte first, whatever the machine has. */
static void put_number(unsigned char *to, uint64_t number) {
  for (int i = 7; i >= 0; i--) {
    to[i] = (unsigned char)number;
    number >>= 8;
  }
}

static uint64_t get_number(const unsigned char *from) {
  uint64_t number = 0;
  for (int i = 0; i < 8; i++) number = (number << 8) | from[i];
  return number;
}

/* The attribute: format, size, mtime and ctime in ns, then for each segment its length and
 * SHA-256. */
void dl__directory_write_segments(int fd, const struct stat *st, const dl_commit_request *request) {
  if (request->segment_count > (SEGMENTS_SIZE - HEADER_SIZE) / RECORD_SIZE) return;
  size_t size = HEADER_SIZE + request->segment_count * RECORD_SIZE;
  DL__AUTO_FREE unsigned char *packed = malloc(size);
  if (packed == NULL) return;
  dl__stamp stamp;
  dl__stamp_from(&stamp, st);
  put_number(packed, FORMAT);
  put_number(packed + 8, stamp.size_bytes);
  put_number(packed + 16, (uint64_t)stamp.mtime_ns);
  put_number(packed + 24, (uint64_t)stamp.ctime_ns);
  for (size_t i = 0; i < request->segment_count; i++) {
    unsigned char *record = packed + HEADER_SIZE + i * RECORD_SIZE;
    put_number(record, request->segments[i]->size_bytes);
    memcpy(record + 8, request->segments[i]->sha256, RECORD_SIZE - 8);
  }
  (void)fsetxattr(fd, SEGMENTS, packed, size, 0);
}

/* True if the records make up the file as it is. */
static bool segments_hold(const unsigned char *packed, size_t size, const dl__stamp *stamp) {
  if (size < HEADER_SIZE || (size - HEADER_SIZE) % RECORD_SIZE != 0) return false;
  if (get_number(packed) != FORMAT) return false;
  if (!holds(stamp, get_number(packed + 8), (int64_t)get_number(packed + 16),
             (int64_t)get_number(packed + 24))) {
    return false;
  }
  uint64_t left = stamp->size_bytes;
  for (size_t at = HEADER_SIZE; at < size; at += RECORD_SIZE) {
    uint64_t length = get_number(packed + at);
    if (length == 0 || length > left) return false;
    left -= length;
  }
  return left == 0;
}

dl_status dl__directory_tell_segments(int fd, const struct stat *st, dl_segment_fn each, void *user,
                                      dl_error *err) {
  DL__AUTO_FREE unsigned char *packed = malloc(SEGMENTS_SIZE);
  if (packed == NULL) return dl__fail_no_memory(err);
  dl__stamp stamp;
  dl__stamp_from(&stamp, st);
  ssize_t size = fgetxattr(fd, SEGMENTS, packed, SEGMENTS_SIZE);
  if (size < 0 || !segments_hold(packed, (size_t)size, &stamp)) return DL_OK;
  for (size_t at = HEADER_SIZE; at < (size_t)size; at += RECORD_SIZE) {
    dl_segment segment = DL_SEGMENT_INIT;
    segment.size_bytes = get_number(packed + at);
    memcpy(segment.sha256, packed + at + 8, sizeof segment.sha256);
    if (each(&segment, user) != 0) return dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  return DL_OK;
}

void dl__directory_forget(int fd) {
  (void)fremovexattr(fd, DIGEST);
  (void)fremovexattr(fd, SEGMENTS);
}
