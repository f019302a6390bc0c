/* base/cleanup.h: scope-bound ownership, so that a function has one way out.
 *
 *     DL__AUTO_FREE char *path = strdup(p);
 *     DL__AUTO_CLOSE int fd = open(path, O_RDONLY);
 *
 * To hand ownership on, set the variable to NULL or -1 before the return. */
#ifndef DL_BASE_CLEANUP_H
#define DL_BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define DL__CLEANUP(function) __attribute__((cleanup(function)))
#define DL__AUTO_FREE         DL__CLEANUP(dl__auto_free)
#define DL__AUTO_CLOSE        DL__CLEANUP(dl__auto_close)

/* Takes the address of the variable, whatever pointer type it has. */
static inline void dl__auto_free(void *variable) {
  free(*(void **)variable);
}

/* For files that were only read, or whose data was already fsynced. Keeps errno,
 * which the caller of the function that ends may want to report. */
static inline void dl__auto_close(const int *fd) {
  int kept = errno;
  if (*fd >= 0) (void)close(*fd);
  errno = kept;
}

#endif
