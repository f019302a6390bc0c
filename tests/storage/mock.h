/* tests/storage/mock.h: a storage that answers what a test tells it to. */
#ifndef DL_TESTS_STORAGE_MOCK_H
#define DL_TESTS_STORAGE_MOCK_H

#include "kit.h"

typedef struct mock {
  dl_storage storage;
  dl_status answer;       /* of every slot */
  const dl_object **give; /* objects for list and stat */
  size_t give_count;      /* how many of them */
  bool deaf;              /* does not mind what the callback of list says */
  const char *etag;       /* for put; copied without its NUL if it fills the field */
  bytes content;          /* for get, in pieces */
  size_t piece;           /* of so many bytes */
  unsigned calls;         /* of any slot but close */
  unsigned closed;        /* calls of close */
  dl_put_request got;     /* what the last put was asked */
} mock;

/* All slots filled, answers DL_OK, holds nothing. m must stay where it is. */
void mock_init(mock *m);

/* The dl_storage_factory: user is the mock. */
dl_status mock_factory(const dl_config *config, void *user, const dl_storage **out, dl_error *err);

void storage_wrapper(Suite *suite);
void storage_objects(Suite *suite);
void storage_parts(Suite *suite);
void storage_registry(Suite *suite);

#endif
