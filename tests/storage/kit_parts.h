/* tests/storage/kit_parts.h: what the tests of objects in parts share; see kit.h. */
#ifndef DL_TESTS_STORAGE_KIT_PARTS_H
#define DL_TESTS_STORAGE_KIT_PARTS_H

#include "kit.h"

/* A content in segments, with what a commit says of it. */
typedef struct cut {
  bytes content;
  size_t count;
  dl_segment *segments;
  const dl_segment **list; /* them, as a commit wants them */
  uint64_t *offsets;
  char digest[DL_DIGEST_SIZE];
  uint8_t md5[16];
  int64_t mtime_ns;
} cut;

/* Segments of size bytes, and the rest. Owns content from now on. */
cut cut_every(bytes content, size_t size);

/* Segments of these sizes, which are all of it. */
cut cut_at(bytes content, const size_t *sizes, size_t count);
void cut_clear(cut *c);

dl_status try_begin(const dl__storage *on, const char *key, const cut *c, bool if_absent,
                    const char *if_match, dl_upload **out, dl_error *err);

/* Part i, with all that is known of it, read from a source. */
dl_part part_of(const cut *c, size_t i, source *from);

/* Puts part i; how the storage read it is checked. */
dl_status try_part(const dl__storage *on, dl_upload *upload, const cut *c, size_t i, dl_error *err);
dl_status try_commit(const dl__storage *on, dl_upload *upload, const cut *c, dl_put_result *result,
                     dl_error *err);

/* The same, which must go well. */
dl_upload *begin(const dl__storage *on, const char *key, const cut *c, const char *if_match);
void put_parts(const dl__storage *on, dl_upload *upload, const cut *c, size_t first, size_t end);

/* Takes part i over from the place from_bytes of the object that is there, unless the storage
 * knows it by its content. */
void keep_part(const dl__storage *on, dl_upload *upload, const cut *c, size_t i,
               uint64_t from_bytes);

/* Commits and ends. */
dl_put_result commit(const dl__storage *on, dl_upload *upload, const cut *c);

/* All of it: begins, puts every part, commits. */
dl_put_result put_cut(const dl__storage *on, const char *key, const cut *c);

/* The layout, which there must be; to be cleared. */
dl__layout layout_of(const dl__storage *on, const char *key);

/* The layout is of the object as it is, with these segments; or with none, if `known` is
 * false. */
void assert_segments(const dl__storage *on, const char *key, const cut *c, bool known);

#endif
