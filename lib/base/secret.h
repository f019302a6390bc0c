/* base/secret.h: memory for secrets: pages of their own that stay out of a core
 * file, and that are wiped when they are freed. Few and small: each takes a page. */
#ifndef DL_BASE_SECRET_H
#define DL_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The largest secret, in bytes. */
#define DL__SECRET_MAX ((size_t)64 * 1024)

/* Set it up with {0}. The owner may lower size; the room is that of dl__secret_make. */
typedef struct dl__secret {
  char *data; /* size bytes and a NUL; NULL: no secret */
  size_t size;
  size_t mapped;
} dl__secret;

/* Gives secret new room for size bytes, all zero; what it held is wiped. False: no
 * memory or too large; it is as it was. */
bool dl__secret_make(dl__secret *secret, size_t size);

/* The same, and copies bytes into it. They may be of the secret itself. */
bool dl__secret_copy(dl__secret *secret, const void *bytes, size_t size);

/* Wipes and frees. */
void dl__secret_clear(dl__secret *secret);

/* Wipes and frees a buffer through which a secret came. */
void dl__secret_clear_buf(dl__buf *buf);

#endif
