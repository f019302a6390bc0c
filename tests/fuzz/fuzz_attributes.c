/* fuzz_attributes.c: any bytes as the extended attributes of a stored file. Segments make up the
 * whole file or are none, and what is written is read again. */
#include <errno.h>
#include <sys/xattr.h>

#include "fuzz.h"
#include "storage/directory.h"

ssize_t __wrap_fgetxattr(int fd, const char *name, void *value, size_t size);

static const uint8_t *bytes;
static size_t count;

ssize_t __wrap_fgetxattr(int fd, const char *name, void *value, size_t size) {
  (void)fd;
  (void)name;
  if (count > size) {
    errno = ERANGE;
    return -1;
  }
  if (count > 0) memcpy(value, bytes, count);
  return (ssize_t)count;
}

typedef struct seen {
  uint64_t bytes;
  size_t told, stop_at;
} seen;

static int take(const dl_segment *segment, void *user) {
  seen *s = user;
  require(segment->size_bytes > 0 && segment->staged == 0);
  require(segment->size_bytes <= UINT64_MAX - s->bytes);
  s->bytes += segment->size_bytes;
  return ++s->told == s->stop_at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Those of the seeds: 1000 bytes, at 1,700,000,000 s. */
  struct stat st = {.st_size = 1000, .st_mtim = {1700000000, 0}, .st_ctim = {1700000000, 0}};
  char digest[DL_DIGEST_SIZE] = "none";
  dl_error err = DL_ERROR_INIT;
  seen all = {0};
  bytes = data;
  count = size;
  if (dl__directory_read_digest(0, &st, digest)) {
    require(digest[0] != '\0' && memchr(digest, '\0', sizeof digest) != NULL);
    st.st_size++;
    require(!dl__directory_read_digest(0, &st, digest));
    st.st_size--;
  } else {
    require(strcmp(digest, "none") == 0);
  }
  require(dl__directory_tell_segments(0, &st, take, &all, &err) == DL_OK);
  require(all.told == 0 || all.bytes == (uint64_t)st.st_size);
  if (all.told > 0) {
    seen half = {.stop_at = (all.told + 1) / 2};
    require(dl__directory_tell_segments(0, &st, take, &half, &err) == DL_ERR_CANCELLED);
    require(half.told == half.stop_at && err.message[0] != '\0');
  }
  return 0;
}
