/* cli/options.c: takes the arguments of `devlog push`, `pull` or `verify`, gives its options;
 * says what is wrong with them. */
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
  OPT_DOWNLOAD,
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
    (void)usage_error(options->words->topic, "wrong mode '%s' (valid: incremental, all)", text);
    return false;
  }
  options->mode = place == 0 ? DL_MODE_INCREMENTAL : DL_MODE_ALL;
  return true;
}

static bool take_color(push_options *options, const char *text) {
  static const char *const words[] = {"auto", "always", "never", NULL};
  int place = choice(text, words);
  if (place < 0) {
    (void)usage_error(options->words->topic, "wrong color '%s' (valid: auto, always, never)", text);
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
    (void)usage_error(options->words->topic, "wrong number of jobs '%s' (valid: 1 to %d)", text,
                      JOBS_MAX);
    return false;
  }
  options->jobs = text;
  return true;
}

/* An empty text is most often a variable that is not set: not to be taken for
 * the default, which would push another folder than was meant. */
static bool take_text(const push_options *options, const char **to, const char *name,
                      const char *text) {
  if (text[0] == '\0') {
    (void)usage_error(options->words->topic, "option '--%s' needs a value that is not empty", name);
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
    return take_text(options, &options->config, "config", optarg);
  case OPT_CREATE:
    options->create = true;
    break;
  case OPT_DIR:
    return take_text(options, &options->dir, "dir", optarg);
  case OPT_DOWNLOAD:
    options->download = true;
    break;
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
    return take_text(options, &options->to, "to", optarg);
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

/* Which command has an option. */
enum { PUSH = 1, PULL = 2, VERIFY = 4, ALL = 7 };

typedef struct known_option {
  struct option option;
  unsigned commands;
} known_option;

static const known_option known[] = {{{"checksum", no_argument, NULL, OPT_CHECKSUM}, PUSH},
                                     {{"color", required_argument, NULL, OPT_COLOR}, ALL},
                                     {{"config", required_argument, NULL, OPT_CONFIG}, ALL},
                                     {{"create", no_argument, NULL, OPT_CREATE}, PUSH},
                                     {{"dir", required_argument, NULL, OPT_DIR}, ALL},
                                     {{"download", no_argument, NULL, OPT_DOWNLOAD}, VERIFY},
                                     {{"dry-run", no_argument, NULL, OPT_DRY_RUN}, PUSH | PULL},
                                     {{"force", no_argument, NULL, OPT_FORCE}, PUSH | PULL},
                                     {{"from", required_argument, NULL, OPT_TO}, PULL},
                                     {{"help", no_argument, NULL, 'h'}, ALL},
                                     {{"jobs", required_argument, NULL, OPT_JOBS}, PUSH | PULL},
                                     {{"json", no_argument, NULL, OPT_JSON}, ALL},
                                     {{"mode", required_argument, NULL, OPT_MODE}, PUSH},
                                     {{"quiet", no_argument, NULL, OPT_QUIET}, ALL},
                                     {{"to", required_argument, NULL, OPT_TO}, ALL},
                                     {{"verbose", no_argument, NULL, OPT_VERBOSE}, ALL},
                                     {{"wait", no_argument, NULL, OPT_WAIT}, PUSH | PULL}};

#define KNOWN (sizeof known / sizeof known[0])

static void choose(const wording *w, struct option longs[KNOWN + 1]) {
  unsigned command = w == &words_push ? PUSH : w == &words_pull ? PULL : VERIFY;
  size_t count = 0;
  for (size_t i = 0; i < KNOWN; i++) {
    if ((known[i].commands & command) != 0) longs[count++] = known[i].option;
  }
  longs[count] = (struct option){NULL, 0, NULL, 0};
}

bool options_read(push_options *options, const wording *words, int argc, char **argv, int *code) {
  struct option longs[KNOWN + 1];
  choose(words, longs);
  *options = (push_options){.mode = DL_MODE_INCREMENTAL, .color = COLOR_AUTO, .words = words};
  optind = 0; /* begins afresh after the options before the command */
  int value;
  *code = EXIT_USAGE;
  while ((value = usage_next(argc, argv, words->topic, ":h", longs)) != USAGE_END) {
    if (value == 'h') {
      *code = usage_help(words->topic);
      return false;
    }
    if (value == USAGE_WRONG || !take(options, value)) return false;
  }
  if (words == &words_pull) {
    options->keys = (const char *const *)(argv + optind);
    options->key_count = (size_t)(argc - optind);
  } else if (usage_stray(argc, argv, words->topic, 0)) {
    return false;
  }
  if (!options->quiet || !options->verbose) return true;
  (void)usage_error(words->topic, "--quiet and --verbose exclude each other");
  return false;
}
