/* cli/main.c: takes the command line of `devlog`, hands it to the command that it
 * names, and gives the exit code; a report that could not be written is a failure. */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cmd.h"
#include "exits.h"
#include "nearest.h"
#include "output.h"
#include "usage.h"

static const command commands[] = {
    {"init", "write the config file, and try the remote", cmd_init_help, cmd_init},
    {"new", "write the entry of a day", cmd_new_help, cmd_new},
    {"edit", "change an entry", cmd_edit_help, cmd_edit},
    {"show", "show an entry", cmd_show_help, cmd_show},
    {"list", "list the entries, the newest first", cmd_list_help, cmd_list},
    {"status", "show what a push would send", cmd_status_help, cmd_status},
    {"push", "send what is new or changed to the remote", cmd_push_help, cmd_push},
    {"pull", "bring back what the remote has", cmd_pull_help, cmd_pull},
    {"verify", "prove that folder and remote are equal", cmd_verify_help, cmd_verify},
    {"version", "show the version", cmd_version_help, cmd_version},
    {"help", "show this, or the help of a command", cmd_help_help, cmd_help},
};

const command *command_at(size_t index) {
  return index < sizeof commands / sizeof commands[0] ? &commands[index] : NULL;
}

const command *command_find(const char *name) {
  nearest search = {name, NULL, 0};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(name, commands[i].name) == 0) return &commands[i];
    nearest_try(&search, commands[i].name);
  }
  if (search.name == NULL) {
    (void)usage_error(NULL, "unknown command '%s'", name);
  } else {
    (void)usage_error(NULL, "unknown command '%s' (did you mean '%s'?)", name, search.name);
  }
  return NULL;
}

/* An option in front of the command stands for a command of its own. */
static int run(int argc, char **argv) {
  static const struct option longs[] = {
      {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
  static char help[] = "help", version[] = "version";
  char *alone[] = {NULL, NULL};
  opterr = 0;
  switch (usage_next(argc, argv, NULL, "+:h", longs)) {
  case 'h':
    alone[0] = help;
    return cmd_help(1, alone);
  case 'v':
    alone[0] = version;
    return cmd_version(1, alone);
  case USAGE_END:
    break;
  default:
    return EXIT_USAGE;
  }
  if (optind >= argc) {
    help_list(stderr);
    return EXIT_USAGE;
  }
  const command *found = command_find(argv[optind]);
  return found != NULL ? found->run(argc - optind, argv + optind) : EXIT_USAGE;
}

/* No core file: keys stand in the environment and in memory. A limit of 0 would
 * stop files only; 1 also stops what a pipe in core_pattern gets (core(5)). */
static void keep_out_of_core_files(void) {
  const struct rlimit limit = {1, 1};
  (void)setrlimit(RLIMIT_CORE, &limit);
}

int main(int argc, char **argv) {
  keep_out_of_core_files();
  if (!output_prepare()) return EXIT_FAILED;
  /* Only the characters: numbers are written the same way everywhere. Without
   * the locale asked for, "C" stays, and the output is plain ASCII. */
  (void)setlocale(LC_CTYPE, "");
  int code = run(argc, argv);
  if (!output_finish() && code == EXIT_DONE) code = EXIT_FAILED;
  return code;
}
