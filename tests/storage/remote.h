/* tests/storage/remote.h: one provider under the conformance suite. Each has a
 * file provider_NAME.c that defines `tested`, and its name in meson.build. */
#ifndef DL_TESTS_STORAGE_REMOTE_H
#define DL_TESTS_STORAGE_REMOTE_H

#include "kit.h"

/* What a provider can, besides its caps. */
#define CAN_NEST    1u   /* "a" and "a/b" can both be objects */
#define CAN_DIGEST  2u   /* keeps digests */
#define CAN_ETAG    4u   /* has ETags */
#define CAN_MTIME   8u   /* keeps mtime_ns to the nanosecond, from 1902 to 2200 */
#define CAN_REMOVE  16u  /* has the slot */
#define CAN_PERSIST 32u  /* objects outlive the last handle */
#define CAN_SUM     64u  /* makes an MD5 of its own, and reports it if no digest was given */
#define CAN_PARTS   128u /* has objects in parts */
#define CAN_LAYOUT  256u /* tells the segments of every object that was put in parts */

typedef struct remote {
  char *url;
  void *own; /* the provider's */
} remote;

typedef struct provider {
  const char *name;
  uint32_t caps;    /* exactly those that the storage must claim */
  unsigned can;     /* CAN_ flags */
  size_t part_max;  /* the longest part of a key, in bytes; 0: as long as a key */
  size_t depth_max; /* the most parts of a key; 0: as many as a key can have */

  /* Why it cannot be tested on this machine, or NULL. Optional. */
  const char *(*missing)(void);

  /* Makes a remote without objects, and sets url. */
  void (*make)(remote *r);
  void (*unmake)(remote *r);
} provider;

extern const provider tested;

/* The fixture of every case: an empty remote, and a storage opened on it. */
extern remote here;
extern dl__storage storage;

/* A test case with that fixture, added to suite. */
TCase *case_new(Suite *suite, const char *name);

/* True if the storage may report this digest for an object that was put without one. */
bool tested_sum(const char *digest);

/* True if it has all these flags. */
bool tested_can(unsigned flags);
bool tested_has(uint32_t caps);

void cases_put(Suite *suite);
void cases_get(Suite *suite);
void cases_about(Suite *suite);
void cases_condition(Suite *suite);
void cases_list(Suite *suite);
void cases_absent(Suite *suite);
void cases_keys(Suite *suite);
void cases_read(Suite *suite);
void cases_threads(Suite *suite);
void cases_handles(Suite *suite);
void cases_parts(Suite *suite);
void cases_parts_fail(Suite *suite);

#endif
