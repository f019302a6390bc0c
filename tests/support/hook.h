/* tests/support/hook.h: a storage that lets a test step in: it keeps its objects
 * in memory://hook, or in another storage, and asks the test before each slot does its work. */
#ifndef DL_TESTS_HOOK_H
#define DL_TESTS_HOOK_H

#include <stdatomic.h>

#include <devlog/devlog.h>

typedef struct hook {
  /* Each may be NULL. Anything but DL_OK is what the slot then returns. */
  dl_status (*on_list)(struct hook *h, dl_error *err);
  dl_status (*on_put)(struct hook *h, const dl_put_request *request, dl_error *err);
  dl_status (*after_put)(struct hook *h, const dl_put_request *request, dl_error *err);
  dl_status (*on_layout)(struct hook *h, const char *key, dl_error *err);
  /* put_part; it may take itself away while other threads look */
  dl_status (*_Atomic on_part)(struct hook *h, const dl_part *part, dl_error *err);
  dl_status (*on_reuse)(struct hook *h, const dl_part *part, dl_error *err);
  dl_status (*on_commit)(struct hook *h, const dl_commit_request *request, dl_error *err);
  dl_status (*after_commit)(struct hook *h, const dl_commit_request *request, dl_error *err);
  const char *inner_url; /* where the objects are; NULL: memory://hook. Outlives the storage. */
  int parts;             /* 1: the storage has the slots for objects in parts */
  uint32_t caps;         /* of the storage; set before dl_sync_new */
  int lie;               /* 1: put and put_part say DL_OK and take nothing */
  const void *arg;       /* the test's own */
  size_t read_size;      /* bytes asked for at once; 0: as the inner storage does */
  atomic_int lists;
  atomic_int puts;
  atomic_int others; /* calls of stat and get */
  atomic_int layouts, put_parts, reuses, commits;
  atomic_ullong part_bytes; /* of the parts that were put */
  atomic_int running;       /* slots at work now, and the most there ever were */
  atomic_int most_running;
} hook;

/* Registers hook:// for this process; URLs are hook://anything. */
void hook_register(hook *h);

/* The objects, by another handle that the caller closes. */
const dl_storage *hook_open_inner(void);
const dl_storage *hook_open_url(const char *url);

/* The content of an object in new memory with a NUL behind it; NULL: there is none. */
char *hook_read(const dl_storage *inner, const char *key, size_t *size);

#endif
