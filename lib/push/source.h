/* push/source.h: one local file, read so that what was read is known to be one
 * version of it. */
#ifndef DL_PUSH_SOURCE_H
#define DL_PUSH_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <devlog/error.h>

#include "base/fs.h"
#include "base/hash.h"

typedef struct dl__source {
  int dir_fd;
  const char *key;
  int fd;
  dl__stamp stamp; /* as of the opening; its size is what is read, even if the file grows */
  bool settled;    /* see dl__stamp_settled */
} dl__source;

/* What one thread needs for reading; used by one source at a time. */
typedef struct dl__reader {
  unsigned char *buffer;
  size_t size_bytes;
  dl__hash hash;
  dl__hash parts;            /* never with an MD5 */
  const atomic_bool *cancel; /* asked between pieces; DL_ERR_CANCELLED if set */
} dl__reader;

/* with_md5: its digests have an MD5 too. */
dl_status dl__reader_init(dl__reader *reader, size_t size_bytes, bool with_md5,
                          const atomic_bool *cancel, dl_error *err);
void dl__reader_clear(dl__reader *reader);

/* Opens the regular file `key` below dir_fd; both are borrowed until the close. */
dl_status dl__source_open(dl__source *source, int dir_fd, const char *key, dl_error *err);
void dl__source_close(dl__source *source);

/* Reads exactly size bytes at offset; DL_ERR_SOURCE_CHANGED if the file is shorter now. */
dl_status dl__source_read(const dl__source *source, uint64_t offset, void *buf, size_t size,
                          dl_error *err);

/* What one reading of a file says about its content. */
typedef struct dl__digests {
  char sha256[DL__DIGEST_SIZE];
  uint8_t md5[DL__MD5_BYTES];
  bool has_md5;
} dl__digests;

/* The digests of the file's bytes up to its size at the opening. If they fit,
 * they stay in reader->buffer. */
dl_status dl__source_digest(const dl__source *source, dl__reader *reader, dl__digests *digests,
                            dl_error *err);

/* Whether the file is larger now than it was at the opening. */
dl_status dl__source_grew(const dl__source *source, bool *grew, dl_error *err);

/* DL_ERR_SOURCE_CHANGED if what was read since the opening may be a mixture of
 * versions, or the name means another file now. To have grown is no change. */
dl_status dl__source_check(const dl__source *source, dl_error *err);

#endif
