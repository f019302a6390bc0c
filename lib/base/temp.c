/* base/temp.c: takes a folder, gives a locked file with a name by chance; see temp.h. */
#include "base/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS 16
#define TRIES  16

static int random_name(char name[DL__TEMP_SIZE]) {
  uint64_t number;
  if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return -1;
  (void)snprintf(name, DL__TEMP_SIZE, DL__TEMP_PREFIX "%016" PRIx64 DL__TEMP_SUFFIX, number);
  return 0;
}

/* Between making and locking it, somebody may have taken it for a dead one: then it has no name
 * any more, and another is made. A filesystem without locks has nobody who takes one. */
int dl__temp_open(int dir_fd, char name[DL__TEMP_SIZE]) {
  for (int tries = 0; tries < TRIES; tries++) {
    int fd = -1;
    if (random_name(name) == 0) {
      fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (fd < 0) {
      name[0] = '\0';
      return -1;
    }
    struct stat st;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (locked && fstat(fd, &st) == 0 && st.st_nlink > 0) return fd;
    (void)close(fd);
  }
  name[0] = '\0';
  errno = EAGAIN;
  return -1;
}

bool dl__temp_is(const char *name) {
  size_t prefix = sizeof DL__TEMP_PREFIX - 1;
  return strncmp(name, DL__TEMP_PREFIX, prefix) == 0 &&
         strspn(name + prefix, "0123456789abcdef") == DIGITS &&
         strcmp(name + prefix + DIGITS, DL__TEMP_SUFFIX) == 0;
}
