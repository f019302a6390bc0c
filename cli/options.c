/* cli/options.c: takes the arguments of `devlog push`, gives its options; says what
 * is wrong with them. */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "usage.h"

#define JOBS_MAX 256 /* of "sync.jobs" */

/* Long options have values that no short one can have. */
enum {
  OPT_CHECKSUM = 256,
  OPT_COLOR,
  OPT_CONFIG,
  OPT_CREATE,
  OPT_DIR,
  OPT_DRY_RUN,
  OPT_FORCE,
  OPT_JOBS,
  OPT_JSON,
  OPT_MODE,
  OPT_QUIET,
  OPT_TO,
  OPT_VERBOSE,
  OPT_WAIT
};

/* One of the words that an option may have; its place, or -1. */
static int choice(const char *text, const char *const *words) {
  for (int i = 0; words[i] != NULL; i++) {
    if (strcmp(text, words[i]) == 0) return i;
  }
  return -1;
}

static bool take_mode(push_options *options, const char *text) {
  static const char *const words[] = {"incremental", "all", NULL};
  int place = choice(text, words);
  if (place < 0) {
    (void)usage_error("push", "wrong mode '%s' (valid: incremental, all)", text);
    return false;
  }
  options->mode = place == 0 ? DL_MODE_INCREMENTAL : DL_MODE_ALL;
  return true;
}

static bool take_color(push_options *options, const char *text) {
  static const char *const words[] = {"auto", "always", "never", NULL};
  int place = choice(text, words);
  if (place < 0) {
    (void)usage_error("push", "wrong color '%s' (valid: auto, always, never)", text);
    return false;
  }
  options->color = (color_when)place;
  return true;
}

static bool take_jobs(push_options *options, const char *text) {
  size_t digits = strspn(text, "0123456789"); /* strtol would take blanks and signs too */
  bool whole = digits >= 1 && digits <= 3 && text[digits] == '\0';
  long jobs = whole ? strtol(text, NULL, 10) : 0;
  if (jobs < 1 || jobs > JOBS_MAX) {
    (void)usage_error("push", "wrong number of jobs '%s' (valid: 1 to %d)", text, JOBS_MAX);
    return false;
  }
  options->jobs = text;
  return true;
}

/* An empty text is most often a variable that is not set: not to be taken for
 * the default, which would push another folder than was meant. */
static bool take_text(const char **to, const char *name, const char *text) {
  if (text[0] == '\0') {
    (void)usage_error("push", "option '--%s' needs a value that is not empty", name);
    return false;
  }
  *to = text;
  return true;
}

static bool take(push_options *options, int value) {
  switch (value) {
  case OPT_CHECKSUM:
    options->checksum = true;
    break;
  case OPT_COLOR:
    return take_color(options, optarg);
  case OPT_CONFIG:
    return take_text(&options->config, "config", optarg);
  case OPT_CREATE:
    options->create = true;
    break;
  case OPT_DIR:
    return take_text(&options->dir, "dir", optarg);
  case OPT_DRY_RUN:
    options->dry_run = true;
    break;
  case OPT_FORCE:
    options->force = true;
    break;
  case OPT_JOBS:
    return take_jobs(options, optarg);
  case OPT_JSON:
    options->json = true;
    break;
  case OPT_MODE:
    return take_mode(options, optarg);
  case OPT_QUIET:
    options->quiet = true;
    break;
  case OPT_TO:
    return take_text(&options->to, "to", optarg);
  case OPT_VERBOSE:
    options->verbose = true;
    break;
  case OPT_WAIT:
    options->wait = true;
    break;
  default:
    return false;
  }
  return true;
}

bool options_push(push_options *options, int argc, char **argv, int *code) {
  static const struct option longs[] = {{"checksum", no_argument, NULL, OPT_CHECKSUM},
                                        {"color", required_argument, NULL, OPT_COLOR},
                                        {"config", required_argument, NULL, OPT_CONFIG},
                                        {"create", no_argument, NULL, OPT_CREATE},
                                        {"dir", required_argument, NULL, OPT_DIR},
                                        {"dry-run", no_argument, NULL, OPT_DRY_RUN},
                                        {"force", no_argument, NULL, OPT_FORCE},
                                        {"help", no_argument, NULL, 'h'},
                                        {"jobs", required_argument, NULL, OPT_JOBS},
                                        {"json", no_argument, NULL, OPT_JSON},
                                        {"mode", required_argument, NULL, OPT_MODE},
                                        {"quiet", no_argument, NULL, OPT_QUIET},
                                        {"to", required_argument, NULL, OPT_TO},
                                        {"verbose", no_argument, NULL, OPT_VERBOSE},
                                        {"wait", no_argument, NULL, OPT_WAIT},
                                        {NULL, 0, NULL, 0}};
  *options = (push_options){.mode = DL_MODE_INCREMENTAL, .color = COLOR_AUTO};
  optind = 0; /* begins afresh after the options before the command */
  int value;
  *code = EXIT_USAGE;
  while ((value = usage_next(argc, argv, "push", ":h", longs)) != USAGE_END) {
    if (value == 'h') {
      *code = usage_help("push");
      return false;
    }
    if (value == USAGE_WRONG || !take(options, value)) return false;
  }
  if (usage_stray(argc, argv, "push", 0)) return false;
  if (!options->quiet || !options->verbose) return true;
  (void)usage_error("push", "--quiet and --verbose exclude each other");
  return false;
}
