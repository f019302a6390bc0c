/* cli/reporter.h: who tells the user about a push, pull or verify: the console or --json. */
#ifndef CLI_REPORTER_H
#define CLI_REPORTER_H

#include <devlog/devlog.h>

#include "options.h"

/* How it ended. */
typedef struct outcome {
  dl_status status;
  int exit_code;
  const dl_push_result *result;     /* of a pull: the same with the directions changed */
  const dl_pull_result *pulled;     /* NULL: no pull */
  const dl_verify_result *verified; /* NULL: no verify */
  const dl_error *err;              /* valid unless status is DL_OK */
} outcome;

typedef struct reporter {
  dl_progress progress; /* for the call; user is handed to begin and finish too */
  /* Once, before the call. config: NULL if it could not be loaded. */
  void (*begin)(void *user, const dl_config *config, const push_options *options);
  /* Once, at the end, also if the call was never made. */
  void (*finish)(void *user, const outcome *end);
} reporter;

#endif
