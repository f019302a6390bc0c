/* cli/cmd_edit.c: `devlog edit`: gives the text of an entry to an editor, and what comes
 * back to the journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "draft.h"
#include "editor.h"
#include "entry_text.h"
#include "exits.h"
#include "journal.h"
#include "lines.h"
#include "text.h"

const char cmd_edit_help[] =
    "Usage: devlog edit [ID] [OPTION]...\n"
    "\n"
    "Opens the text of an entry in an editor, $VISUAL or $EDITOR or vi, and keeps\n"
    "what was made of it. The same text again, or an editor that fails, writes\n"
    "nothing. An entry that somebody else changed meanwhile is left alone.\n"
    "\n"
    "  --id YYYYMMDD    the day, as ID; else today\n"
    "  --dir DIR        the folder; else $DEVLOG_HOME, else ~/.devlog\n"
    "  --config FILE    as for push, but not read: nothing in it is of the journal\n"
    "  --help           this\n"
    "\n"
    "The new text is added to events/YYYYMMDD.jsonl behind the old one, which stays\n"
    "there. entries/YYYYMMDD.md is made anew: do not edit that file by hand.\n"
    "\n"
    "Exit codes:\n"
    "  0  written, or nothing changed    2  wrong command line, or such a text\n"
    "  1  not written                    3  no folder is known (HOME, --dir)\n"
    "\n"
    "Example:\n"
    "  devlog edit 20250911\n";

/* A text that was not stored is not lost. */
static int store(journal *j, const dl_entry *old, draft *d, const char *text) {
  dl_entry now = DL_ENTRY_INIT;
  term t = term_probe(COLOR_AUTO);
  dl_status status = dl_entry_update(j->handle, old->id, text, old->event_count, &now, &j->err);
  journal_notes(j);
  if (status == DL_OK && now.events_written == 0) {
    line(t, MARK_NOTHING, GREEN, "Nothing changed: the entry %s stays as it is", old->id);
  } else if (status == DL_OK) {
    line(t, MARK_COMPLETE, GREEN, "Changed the entry %s", old->id);
    entry_text_names(t, "   ", &now);
  }
  dl_entry_clear(&now);
  if (status == DL_OK) return EXIT_DONE;
  int code = journal_failed(j, status, old->id);
  draft_keep(d);
  return code;
}

static int edit_text(journal *j, const dl_entry *old, const char *given) {
  draft d = {NULL, NULL};
  if (!draft_make(&d, old->id, given)) return EXIT_FAILED;
  bool edited = editor_run(d.path);
  char *text = draft_text(&d);
  int code = EXIT_FAILED;
  if (text == NULL || (!edited && strcmp(text, given) != 0)) {
    draft_keep(&d);
  } else if (edited && draft_is_blank(text)) {
    complain("the text is empty: nothing is written");
    code = EXIT_USAGE;
  } else if (edited) {
    code = store(j, old, &d, text);
  }
  draft_remove(&d);
  free(text);
  return code;
}

/* An editor expects the last line to have an end. */
static int edit_entry(journal *j, const dl_entry *old) {
  size_t length = strlen(old->content);
  char *given = malloc(length + 2);
  if (given == NULL) {
    complain("out of memory");
    return EXIT_FAILED;
  }
  bool ended = length > 0 && old->content[length - 1] == '\n';
  (void)snprintf(given, length + 2, "%s%s", old->content, ended ? "" : "\n");
  int code = edit_text(j, old, given);
  free(given);
  return code;
}

static int edit(journal *j, const journal_options *options, void *user) {
  dl_entry entry = DL_ENTRY_INIT;
  int code;
  (void)user;
  if (journal_read(j, options, &entry, &code)) code = edit_entry(j, &entry);
  dl_entry_clear(&entry);
  return code;
}

int cmd_edit(int argc, char **argv) {
  static const struct option longs[] = {{"id", required_argument, NULL, JOURNAL_ID},
                                        JOURNAL_COMMON_OPTIONS};
  journal_options options;
  int code;
  if (!journal_options_read(&options, argc, argv, ":h", longs, 1, &code)) return code;
  return journal_run(&options, edit, NULL);
}
