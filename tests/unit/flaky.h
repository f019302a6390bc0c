/* unit/flaky.h: a storage that fails as it is told to, inside one that tries again, with
 * a clock that only moves when somebody sleeps. One of each in a program. */
#ifndef DL_TESTS_FLAKY_H
#define DL_TESTS_FLAKY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "storage/retry.h"
#include "support/support.h"

#define STEPS 12

/* How one try goes. */
typedef struct step {
  dl_status status;
  uint32_t retryable;
  uint32_t asked_ms;
  size_t gives;        /* bytes or objects that are handed out before it fails */
  const char *content; /* of the object from now on; NULL: as before */
} step;

typedef struct world {
  /* time and chance */
  atomic_uint_fast64_t now_ms;
  atomic_uint_fast64_t slept_ms;
  atomic_uint sleeps;
  uint32_t longest_ms; /* the longest single sleep */
  uint32_t late_ms;    /* each sleep takes so much longer */
  uint64_t random;
  unsigned cancel_after; /* sleeps; 0: never */
  /* the storage inside */
  dl_storage inner;
  step steps[STEPS]; /* then all goes well */
  unsigned tries;
  unsigned stats;
  unsigned closed;
  const char *content;
  char put[64]; /* what the last try of a put read */
  size_t piece; /* bytes at once; 0: 3 */
  const dl_storage *outer;
  dl_error err;
  /* what the caller got */
  dl__buf got;
  unsigned objects;
  dl_status write_says;
} world;

extern world w;
extern dl__retry_policy policy; /* with flaky_clock */
extern const dl__retry_clock flaky_clock;

/* A fixture: all as new, and nothing open; and closed again. */
void flaky_setup(void);
void flaky_teardown(void);

/* Opens w.outer round w.inner, with policy. */
void flaky_open(void);

/* Every try fails like this. */
void flaky_always(step s);

/* What the next try is to be, and what it answers at its end. */
step flaky_step(void);
dl_status flaky_end(const step *s, dl_error *err);

/* Asks as the library does: true after w.cancel_after sleeps. */
int flaky_cancelled(void *user);

/* w.outer's remove and list; the list counts in w.objects. */
dl_status flaky_remove(void);
dl_status flaky_list(void);
int flaky_each(const dl_object *object, void *user);

#endif
