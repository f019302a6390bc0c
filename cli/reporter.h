/* cli/reporter.h: who tells the user about a push: the console or --json. */
#ifndef CLI_REPORTER_H
#define CLI_REPORTER_H

#include <devlog/devlog.h>

#include "options.h"

/* How a push ended. */
typedef struct outcome {
  dl_status status;
  int exit_code;
  const dl_push_result *result;
  const dl_error *err; /* valid unless status is DL_OK */
} outcome;

typedef struct reporter {
  dl_progress progress; /* for dl_push; user is handed to begin and finish too */
  /* Once, before dl_push. config: NULL if it could not be loaded. */
  void (*begin)(void *user, const dl_config *config, const push_options *options);
  /* Once, at the end, also if dl_push was never called. */
  void (*finish)(void *user, const outcome *end);
} reporter;

#endif
