/* cli/cmd_new.c: `devlog new`: takes the text of a day, from the command line, an editor
 * or standard input, writes the entry, and gives the exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "draft.h"
#include "editor.h"
#include "entry_text.h"
#include "exits.h"
#include "journal.h"
#include "lines.h"
#include "text.h"

const char cmd_new_help[] =
    "Usage: devlog new [OPTION]...\n"
    "\n"
    "Writes the entry of a day. Without -m, the text comes from an editor, $VISUAL or\n"
    "$EDITOR or vi; if standard input is not a terminal, it is read from there. A day\n"
    "that has an entry keeps it: that is for 'devlog edit'.\n"
    "\n"
    "  -m, --message MSG  the text\n"
    "  --id YYYYMMDD      the day; else today\n"
    "  --dir DIR          the folder; else $DEVLOG_HOME, else ~/.devlog\n"
    "  --config FILE      as for push, but not read: nothing in it is of the journal\n"
    "  --help             this\n"
    "\n"
    "In the text, @alice is a person, ::search-service a project and +rust a tag. A\n"
    "name starts with a letter, or in a project with a digit; words such as a@b.com,\n"
    "std::vector, C++ and +1 are none, and neither is \\@alice.\n"
    "\n"
    "The entry is safe on the disk when the command ends with 0. What happened is in\n"
    "events/YYYYMMDD.jsonl; entries/YYYYMMDD.md is made of it, for reading.\n"
    "\n"
    "Exit codes:\n"
    "  0  written             2  wrong command line, or a text that is not allowed\n"
    "  1  not written         3  no folder is known (HOME, --dir)\n"
    "\n"
    "Example:\n"
    "  devlog new -m 'Paired with @alice on ::search-service, learned +rust'\n";

static void report(const dl_entry *entry) {
  term t = term_probe(COLOR_AUTO);
  line(t, MARK_COMPLETE, GREEN, "Wrote the entry %s", entry->id);
  entry_text_names(t, "   ", entry);
}

static dl_status store(journal *j, const char *id, const char *text) {
  dl_entry entry = DL_ENTRY_INIT;
  dl_status status = dl_entry_create(j->handle, id, text, &entry, &j->err);
  journal_notes(j);
  if (status == DL_OK) report(&entry);
  dl_entry_clear(&entry);
  return status;
}

/* The text of a command line is in the history of the shell; any other is kept. */
static int new_from_editor(journal *j, const char *id) {
  draft d = {NULL, NULL};
  if (!draft_make(&d, id, "")) return EXIT_FAILED;
  bool edited = editor_run(d.path);
  char *text = draft_text(&d);
  int code = EXIT_FAILED;
  if (text == NULL || (!edited && !draft_is_blank(text))) {
    draft_keep(&d);
  } else if (edited && draft_is_blank(text)) {
    complain("the text is empty: nothing is written");
    code = EXIT_USAGE;
  } else if (edited) {
    dl_status status = store(j, id, text);
    code = status == DL_OK ? EXIT_DONE : journal_failed(j, status, id);
    if (status != DL_OK) draft_keep(&d);
  }
  draft_remove(&d);
  free(text);
  return code;
}

static int new_from_input(journal *j, const char *id) {
  char *text = draft_read(STDIN_FILENO, "standard input");
  if (text == NULL) return EXIT_FAILED;
  int code = EXIT_FAILED;
  if (draft_is_blank(text)) {
    complain("the text is empty: nothing is written");
    code = EXIT_USAGE;
  } else {
    dl_status status = store(j, id, text);
    code = status == DL_OK ? EXIT_DONE : journal_failed(j, status, id);
    draft d = {NULL, NULL};
    if (status != DL_OK && draft_make(&d, id, text)) draft_keep(&d);
  }
  free(text);
  return code;
}

/* Nobody is to write a text only to hear that there is one. */
static int new_from_elsewhere(journal *j, const char *id) {
  dl_status status = dl_entry_read(j->handle, id, NULL, &j->err);
  if (status == DL_OK) {
    complain("the entry %s already exists; to edit it: devlog edit %s", id, id);
    return EXIT_FAILED;
  }
  journal_notes(j);
  if (status != DL_ERR_NOT_FOUND) return journal_failed(j, status, id);
  return isatty(STDIN_FILENO) == 1 ? new_from_editor(j, id) : new_from_input(j, id);
}

static int new_entry(journal *j, const journal_options *options, void *user) {
  char today[DL_ENTRY_ID_SIZE];
  const char *id = options->id;
  dl_status status = DL_OK;
  (void)user;
  if (id == NULL) {
    status = dl_entry_today(today, sizeof today, &j->err);
    id = today;
  }
  if (status == DL_OK && options->message == NULL) return new_from_elsewhere(j, id);
  if (status == DL_OK) status = store(j, id, options->message);
  return status == DL_OK ? EXIT_DONE : journal_failed(j, status, id);
}

int cmd_new(int argc, char **argv) {
  static const struct option longs[] = {{"id", required_argument, NULL, JOURNAL_ID},
                                        {"message", required_argument, NULL, 'm'},
                                        JOURNAL_COMMON_OPTIONS};
  journal_options options;
  int code;
  if (!journal_options_read(&options, argc, argv, ":hm:", longs, 0, &code)) return code;
  return journal_run(&options, new_entry, NULL);
}
