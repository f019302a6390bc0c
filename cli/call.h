/* cli/call.h: one call of the library for one command, from the options to the exit code. */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include <devlog/devlog.h>

#include "options.h"

/* What a command fills in: result, and its own. */
typedef struct call {
  const push_options *options;
  dl_push_result result; /* of a pull: a view of `pulled`, which owns the errors */
  dl_pull_result pulled;
  dl_verify_result verified;
} call;

typedef dl_status (*call_fn)(call *c, dl_sync *sync, const dl_progress *progress, dl_error *err);

/* Configures as the options say, makes the call with the signals caught while it runs, tells how
 * it goes through a reporter.
 * @return the exit code. */
int call_run(const push_options *options, call_fn fn);

#endif
