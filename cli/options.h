/* cli/options.h: the options of `devlog push`, `pull` and `verify`. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include <devlog/devlog.h>

#include "term.h"
#include "words.h"

typedef struct push_options {
  const char *dir, *to, *config, *jobs; /* as given, borrowed from argv; NULL: not given */
  dl_push_mode mode;
  color_when color;
  bool create, checksum, force, dry_run, wait, json, quiet, verbose;
  bool download;
  const char *const *keys; /* operands of pull */
  size_t key_count;
  const wording *words; /* of the command; NULL: those of push */
} push_options;

/* Reads the command line.
 * @return true: go on; false: help was shown or something is wrong, end with *code. */
bool options_read(push_options *options, const wording *words, int argc, char **argv, int *code);

#endif
