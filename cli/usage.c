/* cli/usage.c: takes argv, gives option after option; says what is wrong with it. */
#include "usage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "exits.h"
#include "nearest.h"
#include "text.h"

static void print_hint(const char *topic) {
  (void)fprintf(stderr, "Try 'devlog %s%s--help'.\n", topic != NULL ? topic : "",
                topic != NULL ? " " : "");
}

int usage_error(const char *topic, const char *format, ...) {
  char message[1024];
  va_list args;
  va_start(args, format);
  if (vsnprintf(message, sizeof message, format, args) < 0) message[0] = '\0';
  va_end(args);
  complain("%s", message);
  print_hint(topic);
  return EXIT_USAGE;
}

/* The name may be cut off a word with a value, which may be anything, also secret. */
static void wrong_name(const char *topic, const char *word, const struct option *longs) {
  int length = (int)strcspn(word, "=");
  char name[64];
  (void)snprintf(name, sizeof name, "%.*s", length - 2, word + 2);
  nearest search = {name, NULL, 0};
  for (; longs->name != NULL; longs++) nearest_try(&search, longs->name);
  if (search.name == NULL) {
    (void)usage_error(topic, "unknown option '%.*s'", length, word);
  } else {
    (void)usage_error(topic, "unknown option '%.*s' (did you mean '--%s'?)", length, word,
                      search.name);
  }
}

/* getopt_long takes a beginning for the whole; the word says whether it was one. */
static const char *shortened(char **argv, const struct option *option) {
  bool apart = option->has_arg == required_argument && optarg == argv[optind - 1];
  const char *word = argv[optind - (apart ? 2 : 1)];
  return strcspn(word, "=") == strlen(option->name) + 2 ? NULL : word;
}

static const char *name_of(const struct option *longs, int value) {
  while (longs->name != NULL && longs->val != value) longs++;
  return longs->name != NULL ? longs->name : "";
}

int usage_next(int argc, char **argv, const char *topic, const char *spec,
               const struct option *longs) {
  int index = -1;
  int value = getopt_long(argc, argv, spec, longs, &index);
  if (value == ':') {
    (void)usage_error(topic, "option '--%s' needs a value", name_of(longs, optopt));
    return USAGE_WRONG;
  }
  if (value == '?') {
    if (name_of(longs, optopt)[0] != '\0') {
      (void)usage_error(topic, "option '--%s' takes no value", name_of(longs, optopt));
    } else if (optopt != 0) {
      (void)usage_error(topic, "unknown option '-%c'", optopt);
    } else {
      wrong_name(topic, argv[optind - 1], longs);
    }
    return USAGE_WRONG;
  }
  const char *word = index >= 0 ? shortened(argv, &longs[index]) : NULL;
  if (word == NULL) return value;
  wrong_name(topic, word, longs);
  return USAGE_WRONG;
}

int usage_help(const char *name) {
  (void)fputs(command_find(name)->help, stdout);
  return EXIT_DONE;
}

bool usage_stray(int argc, char **argv, const char *topic, int operands) {
  if (argc - optind <= operands) return false;
  (void)usage_error(topic, "unexpected argument '%s'", argv[optind + operands]);
  return true;
}

bool usage_plain(int argc, char **argv, int operands, int *code) {
  static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  optind = 0; /* begins afresh after the options before the command */
  int value;
  *code = EXIT_USAGE;
  while ((value = usage_next(argc, argv, argv[0], ":h", longs)) != USAGE_END) {
    if (value == 'h') *code = usage_help(argv[0]);
    return false;
  }
  return !usage_stray(argc, argv, argv[0], operands);
}
