/* tests/support/shelf.h: a storage whose objects a test lays out as it likes, hostile ones too:
 * nothing is checked, and a listing says what it is told to. */
#ifndef DL_TESTS_SHELF_H
#define DL_TESTS_SHELF_H

#include <stdatomic.h>

#include <devlog/devlog.h>

typedef struct shelf_object {
  const char *key;
  const char *text;    /* the content */
  const char *digest;  /* as listed; NULL: none */
  uint64_t more_bytes; /* added to the size that is listed */
  int64_t mtime_ns;
} shelf_object;

typedef struct shelf {
  shelf_object *objects;
  size_t count;
  /* Before a get does its work; may be NULL. Anything but DL_OK is what it then returns. */
  dl_status (*on_get)(struct shelf *s, const dl_get_request *request, dl_error *err);
  void *arg; /* the test's own */
  atomic_int gets;
} shelf;

/* Registers shelf:// for this process; URLs are shelf://anything. */
void shelf_register(shelf *s);

#endif
