/* tests/storage/kit.h: what the storage tests share: contents, a source and a
 * sink that watch the contract of their callbacks, and short ways through the
 * wrappers. What is said to hold aborts the test if it does not. */
#ifndef DL_TESTS_STORAGE_KIT_H
#define DL_TESTS_STORAGE_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/storage.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define KIB ((size_t)1024)
#define MIB (KIB * 1024)

/* The call went well; err is the dl_error that it was given. */
#define ASSERT_OK(call, err)                                                                       \
  do {                                                                                             \
    dl_status said = (call);                                                                       \
    ck_assert_msg(said == DL_OK, "%s: %s: %s", #call, dl_status_name(said), (err).message);        \
  } while (0)

/* The call failed with this status, and err says so in words. */
#define ASSERT_FAILS(call, expected, err)                                                          \
  do {                                                                                             \
    (err) = (dl_error)DL_ERROR_INIT;                                                               \
    dl_status said = (call);                                                                       \
    ck_assert_msg(said == (expected), "%s: %s, not %s: %s", #call, dl_status_name(said),           \
                  dl_status_name(expected), (err).message);                                        \
    ck_assert_int_eq((err).status, (expected));                                                    \
    ck_assert_str_ne((err).message, "");                                                           \
  } while (0)

/* Content. */
typedef struct bytes {
  unsigned char *data;
  size_t size;
} bytes;

/* Pseudo-random bytes: the same for the same seed and number, others for another number.
 * The seed is $DEVLOG_TEST_SEED or 1; kit_main prints it. */
bytes bytes_random(size_t size, uint64_t number);
bytes bytes_text(const char *text);
void bytes_clear(bytes *content);
bool bytes_equal(bytes a, bytes b);

/* "sha256:..." of content. */
const char *bytes_digest(bytes content, char digest[DL_DIGEST_SIZE]);

/* The read side of a put. Set content, and what else is wanted; the rest is for reading. */
typedef struct source {
  bytes content;
  size_t piece;          /* gives at most so many bytes at a time; 0: as many as asked */
  bool varied;           /* the pieces are 1 to `piece` bytes */
  bool failing;          /* fails with `failure` once fail_at bytes were given */
  bool short_of_promise; /* gives no more once fail_at bytes were given */
  uint64_t fail_at;
  dl_status failure;
  void (*before)(void *user, uint64_t offset); /* called first, if there is one */
  void *user;

  uint64_t next;  /* offset that has to come next, unless it is 0 again */
  size_t calls;   /* of the reader */
  size_t failed;  /* calls that it let fail */
  uint64_t given; /* bytes since the last start */
  bool broken;    /* the storage broke the contract: see why */
  const char *why;
} source;

/* The dl_read_fn that goes with it. */
dl_status source_read(void *user, uint64_t offset_bytes, void *buf, size_t size, size_t *got,
                      dl_error *err);

/* The write side of a get. */
typedef struct sink {
  bytes content;
  size_t capacity;
  size_t calls;
  size_t fail_on; /* number of the call that fails, from 1; 0: none */
  dl_status failure;
} sink;

/* The dl_write_fn that goes with it. */
dl_status sink_write(void *user, const void *data, size_t size, dl_error *err);
void sink_clear(sink *s);

/* A copy of what a storage says of an object. */
typedef struct object {
  char *key;
  uint64_t size_bytes;
  int64_t mtime_ns;
  bool has_digest;
  bool has_etag;
  char digest[DL_DIGEST_SIZE];
  char etag[DL_ETAG_SIZE];
} object;

/* The dl_object_fn that copies into an object. */
int object_take(const dl_object *from, void *user);
void object_clear(object *o);

/* A listing, sorted by key. */
typedef struct listing {
  object *objects;
  size_t count;
  size_t capacity;
} listing;

/* The dl_object_fn that adds to a listing. */
int listing_add(const dl_object *from, void *user);
void listing_clear(listing *l);

/* A request for content under key; add to it what is wanted. */
dl_put_request put_request(const char *key, source *from);

/* Puts from a source; how the storage called it is checked, and that DL_OK came after every
 * byte. */
dl_status try_put(const dl__storage *storage, const dl_put_request *request, dl_put_result *result,
                  dl_error *err);

/* Puts, which must go well. */
dl_put_result put(const dl__storage *storage, const char *key, bytes content);
void put_text(const dl__storage *storage, const char *key, const char *text);
dl_put_result put_with_digest(const dl__storage *storage, const char *key, bytes content);

/* Gets, which must go well. */
bytes get(const dl__storage *storage, const char *key);
bytes get_range(const dl__storage *storage, const char *key, uint64_t offset, uint64_t length);
dl_status try_get(const dl__storage *storage, const char *key, bytes *content, dl_error *err);

/* Stats, which must go well. */
object stat_of(const dl__storage *storage, const char *key);

/* Lists, which must go well, each key once and with the prefix. */
listing list_of(const dl__storage *storage, const char *prefix);

/* The listing holds exactly these keys, separated by '\n' in the order of their bytes. */
void assert_keys(const dl__storage *storage, const char *prefix, const char *keys);

/* get, stat and list agree that the object is there with this content. */
void assert_content(const dl__storage *storage, const char *key, bytes content);
void assert_text(const dl__storage *storage, const char *key, const char *text);

/* get, stat and list agree that there is no such object. */
void assert_absent(const dl__storage *storage, const char *key);

void remove_object(const dl__storage *storage, const char *key);

/* Opens the remote at url by the public way. */
dl__storage open_url(const char *url);

/* A suite's main: prints the seed as a TAP comment first. */
int kit_main(Suite *suite);

#endif
