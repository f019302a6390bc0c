/* cli/usage.h: what the command lines of all commands share. */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include <getopt.h>
#include <stdbool.h>

/* What usage_next gives besides the values of the options. */
enum { USAGE_END = -1, USAGE_WRONG = '?' };

/* The next option, as getopt_long gives it. What is wrong is told on stderr; an
 * option must be written in full, so that one added later breaks no script.
 * @param topic  the command; NULL: devlog itself.
 * @param spec   short options, with ":" or "+:" in front. */
int usage_next(int argc, char **argv, const char *topic, const char *spec,
               const struct option *longs);

/* Says on stderr what is wrong and where help is.
 * @return EXIT_USAGE. */
int usage_error(const char *topic, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Shows the help of a command, as `devlog help COMMAND` does.
 * @return EXIT_DONE. */
int usage_help(const char *topic);

/* Says so if there are more than so many operands; optind is the place of the first.
 * @return true: there are. */
bool usage_stray(int argc, char **argv, const char *topic, int operands);

/* Reads the command line of a command that only knows --help.
 * @param operands  how many there may be; optind is the place of the first.
 * @return true: go on; false: end with *code. */
bool usage_plain(int argc, char **argv, int operands, int *code);

#endif
