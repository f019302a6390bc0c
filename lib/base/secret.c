/* base/secret.c: takes a size, gives pages from mmap that the kernel leaves out of
 * core files, and wipes them before they go back. malloc would leave copies about. */
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool dl__secret_make(dl__secret *secret, size_t size) {
  long page = sysconf(_SC_PAGESIZE);
  if (size > DL__SECRET_MAX || page <= 0) return false;
  size_t mapped = (size / (size_t)page + 1) * (size_t)page; /* one byte more at least: the NUL */
  void *pages = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return false;
  (void)madvise(pages, mapped, MADV_DONTDUMP); /* if it cannot be, the rest still holds */
  dl__secret_clear(secret);
  *secret = (dl__secret){pages, size, mapped};
  return true;
}

bool dl__secret_copy(dl__secret *secret, const void *bytes, size_t size) {
  dl__secret copy = {0};
  if (!dl__secret_make(&copy, size)) return false;
  if (size > 0) memcpy(copy.data, bytes, size);
  dl__secret_clear(secret);
  *secret = copy;
  return true;
}

void dl__secret_clear(dl__secret *secret) {
  if (secret->data != NULL) {
    explicit_bzero(secret->data, secret->mapped);
    (void)munmap(secret->data, secret->mapped);
  }
  *secret = (dl__secret){0};
}

void dl__secret_clear_buf(dl__buf *buf) {
  if (buf->data != NULL) explicit_bzero(buf->data, buf->capacity);
  dl__buf_clear(buf);
}
