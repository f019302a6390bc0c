/* cli/entry_text.c: takes an entry, writes its parts for people. */
#include "entry_text.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define CYAN    "\x1b[36m"
#define GREEN   "\x1b[32m"
#define MAGENTA "\x1b[35m"
#define PLAIN   "\x1b[0m"

static const char *color_of(int32_t kind) {
  return kind == DL_ANNOTATION_PERSON ? CYAN : kind == DL_ANNOTATION_TAG ? GREEN : MAGENTA;
}

const char *entry_text_sign(dl_annotation_kind kind) {
  return kind == DL_ANNOTATION_PERSON ? "@" : kind == DL_ANNOTATION_TAG ? "+" : "::";
}

void entry_text_print(term t, const char *text, size_t size) {
  size_t at = 0;
  dl_annotation found = DL_ANNOTATION_INIT;
  while (t.color && dl_annotation_next(text, at, &found) && found.start < size) {
    size_t end = found.end < size ? found.end : size; /* the text may be cut there */
    text_print_body(stdout, text + at, found.start - at, t.utf8);
    (void)fputs(color_of(found.kind), stdout);
    text_print_body(stdout, text + found.start, end - found.start, t.utf8);
    (void)fputs(PLAIN, stdout);
    at = end;
  }
  text_print_body(stdout, text + at, size - at, t.utf8);
}

void entry_text_annotation(term t, dl_annotation_kind kind, const char *name) {
  if (t.color) (void)fputs(color_of(kind), stdout);
  (void)fputs(entry_text_sign(kind), stdout);
  text_print(stdout, name, t.utf8);
  if (t.color) (void)fputs(PLAIN, stdout);
}

static void print_names(term t, const char *indent, const char *title, const char *const *names,
                        size_t count) {
  if (count == 0) return;
  (void)printf("%s%s: ", indent, title);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) (void)fputs(", ", stdout);
    text_print(stdout, names[i], t.utf8);
  }
  (void)fputc('\n', stdout);
}

void entry_text_names(term t, const char *indent, const dl_entry *entry) {
  print_names(t, indent, "Tags", entry->tags, entry->tag_count);
  print_names(t, indent, "People", entry->people, entry->people_count);
  print_names(t, indent, "Projects", entry->projects, entry->project_count);
}
