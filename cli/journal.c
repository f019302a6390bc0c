/* cli/journal.c: takes the command line of a command on the journal, gives its options
 * and the open journal; says what went wrong, and what to do next. */
#include "journal.h"

#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "text.h"
#include "usage.h"

/* An empty text is most often a variable that is not set: not to be taken for the
 * default, which would be another folder or day than was meant. */
static bool take_text(const char **to, const char *topic, const char *name, const char *text) {
  if (text[0] == '\0') {
    (void)usage_error(topic, "option '--%s' needs a value that is not empty", name);
    return false;
  }
  *to = text;
  return true;
}

static bool take_color(journal_options *options, const char *topic, const char *text) {
  static const char *const words[] = {"auto", "always", "never"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strcmp(text, words[i]) != 0) continue;
    options->color = (color_when)i;
    return true;
  }
  (void)usage_error(topic, "wrong color '%s' (valid: auto, always, never)", text);
  return false;
}

static bool take_limit(journal_options *options, const char *topic, const char *text) {
  size_t digits = strspn(text, "0123456789"); /* strtol would take blanks and signs too */
  bool whole = digits >= 1 && digits <= 9 && text[digits] == '\0';
  options->limit = whole ? (size_t)strtoul(text, NULL, 10) : 0;
  if (options->limit > 0) return true;
  (void)usage_error(topic, "wrong limit '%s' (valid: a number from 1 on)", text);
  return false;
}

static bool take(journal_options *options, const char *topic, int value) {
  const char *unused;
  switch (value) {
  case 'm':
    return take_text(&options->message, topic, "message", optarg);
  case JOURNAL_COLOR:
    return take_color(options, topic, optarg);
  case JOURNAL_CONFIG:
    return take_text(&unused, topic, "config", optarg);
  case JOURNAL_DIR:
    return take_text(&options->dir, topic, "dir", optarg);
  case JOURNAL_FORMATTED:
    options->formatted = true;
    return true;
  case JOURNAL_ID:
    return take_text(&options->id, topic, "id", optarg);
  case JOURNAL_JSON:
    options->json = true;
    return true;
  case JOURNAL_LIMIT:
    return take_limit(options, topic, optarg);
  default:
    return false;
  }
}

bool journal_options_read(journal_options *options, int argc, char **argv, const char *spec,
                          const struct option *longs, int operands, int *code) {
  *options = (journal_options){.color = COLOR_AUTO};
  *code = EXIT_USAGE;
  optind = 0; /* begins afresh after the options before the command */
  int value;
  while ((value = usage_next(argc, argv, argv[0], spec, longs)) != USAGE_END) {
    if (value == 'h') {
      *code = usage_help(argv[0]);
      return false;
    }
    if (value == USAGE_WRONG || !take(options, argv[0], value)) return false;
  }
  if (usage_stray(argc, argv, argv[0], operands)) return false;
  if (optind >= argc) return true;
  if (options->id != NULL) {
    (void)usage_error(argv[0], "the ID is given twice, '%s' and '%s'", options->id, argv[optind]);
    return false;
  }
  return take_text(&options->id, argv[0], "id", argv[optind]);
}

/* The config file has no say in where the journal is, so it is not read: a mistake in
 * it does not keep anybody from writing. */
static dl_status open_journal(journal *j, const journal_options *options) {
  *j = (journal){.err = DL_ERROR_INIT};
  const char *home = getenv("DEVLOG_HOME");
  const char *base = options->dir;
  if (base == NULL && home != NULL && home[0] != '\0') base = home;
  dl_status status = dl_config_new(&j->config, &j->err);
  if (status == DL_OK && base != NULL) status = dl_config_set(j->config, "base", base, &j->err);
  return status == DL_OK ? dl_journal_open(j->config, &j->handle, &j->err) : status;
}

int journal_run(const journal_options *options,
                int (*work)(journal *j, const journal_options *options, void *user), void *user) {
  journal j;
  dl_status status = open_journal(&j, options);
  int code = status == DL_OK ? work(&j, options, user) : journal_failed(&j, status, "");
  dl_journal_close(j.handle);
  dl_config_free(j.config);
  return code;
}

bool journal_read(journal *j, const journal_options *options, dl_entry *entry, int *code) {
  char today[DL_ENTRY_ID_SIZE] = "";
  const char *id = options->id != NULL ? options->id : today;
  dl_status status = dl_entry_today(today, sizeof today, &j->err);
  if (status == DL_OK) status = dl_entry_read(j->handle, id, entry, &j->err);
  journal_notes(j);
  if (status != DL_OK) *code = journal_failed(j, status, id);
  return status == DL_OK;
}

void journal_notes(const journal *j) {
  const char *note;
  for (size_t i = 0; (note = dl_journal_note(j->handle, i)) != NULL; i++) {
    complain("note: %s", note);
  }
}

/* Not that of a push: 4 to 7 tell of its remote. */
int journal_exit(dl_status status) {
  if (status == DL_OK) return EXIT_DONE;
  if (status == DL_ERR_ARGUMENT) return EXIT_USAGE;
  return status == DL_ERR_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}

int journal_failed(const journal *j, dl_status status, const char *id) {
  if (status == DL_ERR_EXISTS) {
    complain("%s; to edit it: devlog edit %s", j->err.message, id);
  } else if (status == DL_ERR_NOT_FOUND) {
    complain("%s; to write it: devlog new --id %s", j->err.message, id);
  } else {
    complain("%s", j->err.message);
  }
  return journal_exit(status);
}
