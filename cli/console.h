/* cli/console.h: the report of a push, pull or verify for people. */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "bar.h"
#include "options.h"
#include "reporter.h"
#include "term.h"
#include "words.h"

typedef struct console {
  term screen;
  const wording *words;
  bool quiet, verbose, dry_run;
  bool uploading; /* files were begun to be sent: the end deserves a summary */
  bool scanning;
  uint64_t skipped, refused;
  bar live;
} console;

/* Fills in a reporter that writes to c, which must live as long. */
void console_init(console *c, const push_options *options, reporter *out);

#endif
