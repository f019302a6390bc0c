/* cli/cmd.h: the commands. The table of them stands in main.c. */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include <stddef.h>
#include <stdio.h>

typedef struct command {
  const char *name;
  const char *summary;
  const char *help;
  int (*run)(int argc, char **argv); /* argv[0] is the name; gives the exit code */
} command;

/* The command at a place in the table, from 0; NULL: no more. */
const command *command_at(size_t index);

/* The command of that name. NULL: there is none, which was said on stderr. */
const command *command_find(const char *name);

/* Writes what devlog is, and the list of the commands. */
void help_list(FILE *out);

int cmd_edit(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_new(int argc, char **argv);
int cmd_pull(int argc, char **argv);
int cmd_push(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_version(int argc, char **argv);

extern const char cmd_edit_help[];
extern const char cmd_help_help[];
extern const char cmd_init_help[];
extern const char cmd_list_help[];
extern const char cmd_new_help[];
extern const char cmd_pull_help[];
extern const char cmd_push_help[];
extern const char cmd_show_help[];
extern const char cmd_status_help[];
extern const char cmd_verify_help[];
extern const char cmd_version_help[];

#endif
