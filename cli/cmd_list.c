/* cli/cmd_list.c: `devlog list`: writes one line for each entry, the newest first. On a
 * terminal a line is cut to its width; elsewhere it is whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "entry_text.h"
#include "exits.h"
#include "journal.h"
#include "json.h"
#include "lines.h"
#include "text.h"

const char cmd_list_help[] =
    "Usage: devlog list [OPTION]...\n"
    "\n"
    "Lists the entries, the newest first: the day, the first line of the text (cut to\n"
    "the width of a terminal), and the annotations, each once.\n"
    "\n"
    "  --limit N        N entries at most\n"
    "  --json           one JSON object a line instead of text, with the whole text\n"
    "  --color WHEN     always, never, or auto (the default): on a terminal, unless\n"
    "                   NO_COLOR is set or TERM is dumb\n"
    "  --dir DIR        the folder; else $DEVLOG_HOME, else ~/.devlog\n"
    "  --config FILE    as for push, but not read: nothing in it is of the journal\n"
    "  --help           this\n"
    "\n"
    "JSON: the first line has schema \"devlog.list/1\", the last has event \"result\"\n"
    "with entries (how many) and exit_code; in between, event \"entry\" with id,\n"
    "content, tags, people, projects, created_at and updated_at.\n"
    "\n"
    "Exit codes:\n"
    "  0  all were listed                 2  wrong command line\n"
    "  1  some could not be read; each    3  no folder is known (HOME, --dir)\n"
    "     is named\n"
    "\n"
    "Example:\n"
    "  devlog list --limit 10\n";

#define ID_COLUMNS (DL_ENTRY_ID_SIZE - 1 + 2) /* with the space behind it */

typedef struct list {
  term screen;
  size_t width; /* 0: no end */
  bool json;
  json_report report;
  size_t count;
} list;

typedef struct names {
  dl_annotation_kind kind;
  const char *const *items;
  size_t count;
} names;

static size_t columns_of(const char *text, bool utf8) {
  size_t columns = 0, length;
  for (; *text != '\0'; text += length) columns += text_columns(text, utf8, &length);
  return columns;
}

static bool is_repeated(const names *n, size_t index) {
  for (size_t i = 0; i < index; i++) {
    if (strcmp(n->items[i], n->items[index]) == 0) return true;
  }
  return false;
}

/* Goes through the annotations until room is full; print: also writes them.
 * @return the columns, with the space in front of each. */
static size_t annotations(const list *l, const dl_entry *entry, size_t room, bool print) {
  const names all[] = {{DL_ANNOTATION_PERSON, entry->people, entry->people_count},
                       {DL_ANNOTATION_PROJECT, entry->projects, entry->project_count},
                       {DL_ANNOTATION_TAG, entry->tags, entry->tag_count}};
  size_t used = 0;
  for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
    for (size_t i = 0; i < all[k].count; i++) {
      if (is_repeated(&all[k], i)) continue;
      size_t columns = columns_of(all[k].items[i], l->screen.utf8) +
                       strlen(entry_text_sign(all[k].kind)) + (used == 0 ? 2 : 1);
      if (room > 0 && used + columns > room) return used;
      if (print) (void)fputs(used == 0 ? "  " : " ", stdout);
      if (print) entry_text_annotation(l->screen, all[k].kind, all[k].items[i]);
      used += columns;
    }
  }
  return used;
}

/* Bytes of the first line with something in it that fit into room columns; *cut: not all. */
static size_t fitting(const list *l, const char *text, size_t room, bool *cut) {
  size_t size = strcspn(text, "\r\n"), columns = 0, length;
  *cut = false;
  if (room == 0) return size;
  const char *dots = l->screen.utf8 ? "…" : "...";
  size_t keep = 0, for_dots = columns_of(dots, l->screen.utf8);
  for (size_t at = 0; at < size; at += length) {
    columns += text_columns(text + at, l->screen.utf8, &length);
    if (columns + for_dots <= room) keep = at + length;
    if (columns > room) {
      *cut = true;
      return keep;
    }
  }
  return size;
}

static void print_line(const list *l, const dl_entry *entry) {
  const char *text = entry->content + strspn(entry->content, " \t\r\n");
  /* The last column stays free: with it full some terminals go to the next line. */
  size_t room = l->width > ID_COLUMNS + 1 ? l->width - ID_COLUMNS - 1 : l->width > 0 ? 1 : 0;
  size_t for_names = room > 1 ? room / 2 : room;
  size_t used = annotations(l, entry, for_names, false);
  bool cut;
  size_t size = fitting(l, text, room > used ? room - used : room, &cut);
  (void)printf("%s  ", entry->id);
  entry_text_print(l->screen, text, size);
  if (cut) (void)fputs(l->screen.utf8 ? "…" : "...", stdout);
  (void)annotations(l, entry, for_names, true);
  (void)fputc('\n', stdout);
}

static int on_entry(const dl_entry *entry, void *user) {
  list *l = user;
  l->count++;
  if (l->json) {
    json_list_entry(&l->report, entry);
  } else {
    print_line(l, entry);
  }
  return ferror(stdout); /* nobody reads on */
}

static int run(journal *j, const journal_options *options, void *user) {
  list *l = user;
  const char *base = dl_config_get(j->config, "base");
  if (l->json) json_list_begin(&l->report, base);
  dl_status status = dl_entry_list(j->handle, options->limit, on_entry, l, &j->err);
  int code = journal_exit(status);
  if (l->json) json_list_end(&l->report, l->count, status, code, &j->err);
  if (!l->json && status == DL_OK && l->count == 0) {
    line_quoted(l->screen, MARK_NOTHING, "No entries in ", base,
                " yet. To write the first: devlog new");
  }
  journal_notes(j);
  if (status != DL_OK && status != DL_ERR_CANCELLED) (void)journal_failed(j, status, "");
  return code;
}

int cmd_list(int argc, char **argv) {
  static const struct option longs[] = {{"color", required_argument, NULL, JOURNAL_COLOR},
                                        {"json", no_argument, NULL, JOURNAL_JSON},
                                        {"limit", required_argument, NULL, JOURNAL_LIMIT},
                                        JOURNAL_COMMON_OPTIONS};
  journal_options options;
  int code;
  if (!journal_options_read(&options, argc, argv, ":h", longs, 0, &code)) return code;
  list l = {.screen = term_probe(options.color), .json = options.json};
  if (isatty(STDOUT_FILENO) == 1) l.width = term_width();
  code = journal_run(&options, run, &l);
  return l.report.incomplete && code == EXIT_DONE ? EXIT_FAILED : code;
}
