/* cli/exits.h: the exit codes of `devlog`. Scripts rely on them: frozen. */
#ifndef CLI_EXITS_H
#define CLI_EXITS_H

#include <devlog/devlog.h>

enum {
  EXIT_DONE = 0,
  EXIT_FAILED = 1, /* some files failed, or anything that no other code names */
  EXIT_USAGE = 2,
  EXIT_CONFIG = 3,
  EXIT_AUTH = 4,
  EXIT_NETWORK = 5,
  EXIT_CONFLICT = 6,
  EXIT_LOCKED = 7,
  EXIT_SIGNAL = 128 /* plus the number of the signal: 130, 143 */
};

/* The code for the end of a push.
 * @param signal_number  the signal that asked to stop, or 0. */
int exit_code(dl_status status, const dl_push_result *result, int signal_number);

#endif
