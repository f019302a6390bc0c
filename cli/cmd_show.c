/* cli/cmd_show.c: `devlog show`: takes the ID of an entry, writes it to standard output,
 * as it is or for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "entry_text.h"
#include "exits.h"
#include "journal.h"
#include "lines.h"
#include "text.h"

const char cmd_show_help[] =
    "Usage: devlog show [ID] [OPTION]...\n"
    "\n"
    "Shows an entry: what is known of it, an empty line, and the text as it is.\n"
    "\n"
    "  --formatted      for people: the day, the text with its annotations in colour,\n"
    "                   then what is known of it\n"
    "  --color WHEN     always, never, or auto (the default): on a terminal, unless\n"
    "                   NO_COLOR is set or TERM is dumb\n"
    "  --id YYYYMMDD    the day, as ID; else today\n"
    "  --dir DIR        the folder; else $DEVLOG_HOME, else ~/.devlog\n"
    "  --config FILE    as for push, but not read: nothing in it is of the journal\n"
    "  --help           this\n"
    "\n"
    "On a terminal and with --formatted, what could harm a terminal is shown as \\x1b\n"
    "and the like. An entries/YYYYMMDD.md that is missing or older than the events is\n"
    "made anew.\n"
    "\n"
    "Exit codes:\n"
    "  0  shown                           2  wrong command line\n"
    "  1  not there, or not readable      3  no folder is known (HOME, --dir)\n"
    "\n"
    "Example:\n"
    "  devlog show 20250911 --formatted\n";

static void print_facts(term t, const char *indent, const dl_entry *entry) {
  (void)printf("%sCreated: %s\n%sUpdated: %s\n", indent, entry->created_at, indent,
               entry->updated_at);
  entry_text_names(t, indent, entry);
  if (entry->lines_damaged == 0) return;
  (void)printf("%sDamaged: %" PRIu64 " line%s of events/%s.jsonl %s skipped\n", indent,
               entry->lines_damaged, text_plural(entry->lines_damaged), entry->id,
               entry->lines_damaged == 1 ? "is" : "are");
}

static void end_line(const char *text) {
  size_t length = strlen(text);
  if (length == 0 || text[length - 1] != '\n') (void)fputc('\n', stdout);
}

/* A pipe gets the bytes; a terminal must not take any of them for an order. */
static void show_raw(term t, const dl_entry *entry) {
  (void)printf("Entry: %s\n", entry->id);
  print_facts(t, "", entry);
  (void)fputc('\n', stdout);
  if (isatty(STDOUT_FILENO) == 1) {
    text_print_body(stdout, entry->content, strlen(entry->content), t.utf8);
  } else {
    (void)fputs(entry->content, stdout);
  }
  end_line(entry->content);
}

/* 20250911 as "Thursday, 11 September 2025". The ID is a real date. */
static void write_date(const char *id, char *out, size_t size) {
  long day = strtol(id, NULL, 10);
  struct tm date = {.tm_year = (int)(day / 10000) - 1900,
                    .tm_mon = (int)(day / 100 % 100) - 1,
                    .tm_mday = (int)(day % 100)};
  (void)timegm(&date); /* finds the day of the week */
  char weekday[16], month[16];
  (void)strftime(weekday, sizeof weekday, "%A", &date);
  (void)strftime(month, sizeof month, "%B", &date);
  (void)snprintf(out, size, "%s, %d %s %04ld", weekday, date.tm_mday, month, day / 10000);
}

static void show_formatted(term t, const dl_entry *entry) {
  char date[64];
  write_date(entry->id, date, sizeof date);
  line(t, MARK_ENTRY, BOLD, "%s  %s", entry->id, date);
  (void)fputc('\n', stdout);
  entry_text_print(t, entry->content, strlen(entry->content));
  end_line(entry->content);
  (void)fputc('\n', stdout);
  print_facts(t, "   ", entry);
}

static int show(journal *j, const journal_options *options, void *user) {
  dl_entry entry = DL_ENTRY_INIT;
  int code = EXIT_DONE;
  (void)user;
  if (journal_read(j, options, &entry, &code)) {
    term t = term_probe(options->color);
    (options->formatted ? show_formatted : show_raw)(t, &entry);
  }
  dl_entry_clear(&entry);
  return code;
}

int cmd_show(int argc, char **argv) {
  static const struct option longs[] = {{"color", required_argument, NULL, JOURNAL_COLOR},
                                        {"formatted", no_argument, NULL, JOURNAL_FORMATTED},
                                        {"id", required_argument, NULL, JOURNAL_ID},
                                        JOURNAL_COMMON_OPTIONS};
  journal_options options;
  int code;
  if (!journal_options_read(&options, argc, argv, ":h", longs, 1, &code)) return code;
  return journal_run(&options, show, NULL);
}
