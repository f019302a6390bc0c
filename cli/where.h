/* cli/where.h: which folder and which remote: what the commands with a remote share. */
#ifndef CLI_WHERE_H
#define CLI_WHERE_H

#include <stdbool.h>

#include <devlog/devlog.h>

#include "term.h"

/* As given, borrowed from argv; NULL: not given. */
typedef struct where {
  const char *dir, *to, *config;
  const char *option; /* that names a remote; NULL: --to */
} where;

/* Takes the text of an option. An empty one is most often a variable that is not set, and
 * refused with a message.
 * @param topic  the command.
 * @return false: it was refused. */
bool where_take(const char **to, const char *topic, const char *option, const char *text);

/* The same for --color. */
bool where_take_color(color_when *to, const char *topic, const char *text);

/* Makes a configuration with what was given; *out is freed by the caller, also on failure. */
dl_status where_set(const where *w, dl_config **out, dl_error *err);

/* Refuses a remote that would be gone with this program. */
dl_status where_check(const dl_config *config, dl_error *err);

/* Reads environment and config file into a configuration made by where_set, and checks it. */
dl_status where_read(const where *w, dl_config *config, dl_error *err);

/* Ends a line that names a command: it is about the same thing with the same options only. */
void where_print_same(const where *w);

#endif
