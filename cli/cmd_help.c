/* cli/cmd_help.c: `devlog help [COMMAND]`: gives the help of a command, or the
 * list of the commands. */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "exits.h"
#include "usage.h"

const char cmd_help_help[] = "Usage: devlog help [COMMAND]\n"
                             "\n"
                             "Shows the help of a command, or the list of the commands.\n"
                             "\n"
                             "Example:\n"
                             "  devlog help push\n";

void help_list(FILE *out) {
  (void)fputs("Usage: devlog COMMAND [OPTION]...\n"
              "\n"
              "Keeps a developer's journal, and pushes it, or any folder of developer logs, to\n"
              "a remote. What the remote has already is not sent again.\n"
              "\n"
              "Commands:\n",
              out);
  const command *each;
  for (size_t i = 0; (each = command_at(i)) != NULL; i++) {
    (void)fprintf(out, "  %-8s  %s\n", each->name, each->summary);
  }
  (void)fputs("\n"
              "Options:\n"
              "  --help     show this\n"
              "  --version  show the version\n"
              "\n"
              "'devlog help COMMAND' or 'devlog COMMAND --help' tells more.\n",
              out);
}

int cmd_help(int argc, char **argv) {
  int code;
  if (!usage_plain(argc, argv, 1, &code)) return code;
  if (optind >= argc) {
    help_list(stdout);
    return EXIT_DONE;
  }
  const command *about = command_find(argv[optind]);
  if (about == NULL) return EXIT_USAGE;
  (void)fputs(about->help, stdout);
  return EXIT_DONE;
}
