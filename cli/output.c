/* cli/output.c: takes the descriptors as the caller of the program left them,
 * makes them safe to use, and tells at the end whether the output arrived. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

/* A descriptor that came closed would be given to the next file that is opened,
 * and messages would end in it. /dev/null takes its place, opened the wrong way
 * round, so that what is written to it still counts as not written. */
static bool open_closed(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) return false;
  }
  return true;
}

bool output_prepare(void) {
  if (!open_closed()) return false;
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return false;
  /* The reports decide themselves when their output is to be seen. */
  return setvbuf(stdout, NULL, _IOFBF, BUFSIZ) == 0 && setvbuf(stderr, NULL, _IOLBF, BUFSIZ) == 0;
}

bool output_finish(void) {
  bool failed = ferror(stdout) != 0;
  errno = 0;
  if (fclose(stdout) == 0 && !failed) return true;
  if (errno != 0) {
    complain("cannot write to standard output: %s", strerror(errno));
  } else {
    complain("cannot write to standard output");
  }
  return false;
}
