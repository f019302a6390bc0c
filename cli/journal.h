/* cli/journal.h: what the commands on the journal share: new, edit, show, list. */
#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include <devlog/devlog.h>

#include "term.h"

/* Long options have values that no short one can have. */
enum {
  JOURNAL_COLOR = 256,
  JOURNAL_CONFIG,
  JOURNAL_DIR,
  JOURNAL_FORMATTED,
  JOURNAL_ID,
  JOURNAL_JSON,
  JOURNAL_LIMIT
};

/* Every command on the journal has these. */
#define JOURNAL_COMMON_OPTIONS                                                                     \
  {"config", required_argument, NULL, JOURNAL_CONFIG},                                             \
      {"dir", required_argument, NULL, JOURNAL_DIR}, {"help", no_argument, NULL, 'h'}, {           \
    NULL, 0, NULL, 0                                                                               \
  }

typedef struct journal_options {
  const char *dir, *id, *message; /* borrowed from argv; NULL: not given */
  size_t limit;                   /* 0: none */
  color_when color;
  bool formatted, json;
} journal_options;

/* Reads the command line of the command argv[0].
 * @param spec      short options, with ":" in front.
 * @param operands  0, or 1: the ID may also be given as an operand.
 * @return true: go on; false: help was shown or something is wrong, end with *code. */
bool journal_options_read(journal_options *options, int argc, char **argv, const char *spec,
                          const struct option *longs, int operands, int *code);

/* A journal, and how the work with it goes. */
typedef struct journal {
  dl_config *config;
  dl_journal *handle;
  dl_error err;
} journal;

/* Opens the journal, lets work have it, and closes it.
 * @return the exit code: that of work, or of a journal that cannot be opened. */
int journal_run(const journal_options *options,
                int (*work)(journal *j, const journal_options *options, void *user), void *user);

/* Reads the entry of the given day, or of today, and shows the remarks. In any case the caller
 * clears it.
 * @return true: it is there; false: it was said why not, end with *code. */
bool journal_read(journal *j, const journal_options *options, dl_entry *entry, int *code);

/* Shows the remarks of the last call on stderr. */
void journal_notes(const journal *j);

/* The exit code of a status. */
int journal_exit(dl_status status);

/* Says what went wrong, and what to do next.
 * @return the exit code. */
int journal_failed(const journal *j, dl_status status, const char *id);

#endif
