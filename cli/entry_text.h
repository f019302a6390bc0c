/* cli/entry_text.h: how an entry looks on the screen. */
#ifndef CLI_ENTRY_TEXT_H
#define CLI_ENTRY_TEXT_H

#include <stddef.h>

#include <devlog/devlog.h>

#include "term.h"

/* Writes size bytes of a text with the annotations coloured, if the screen has colours. */
void entry_text_print(term t, const char *text, size_t size);

/* Writes a sign and a name as an annotation. */
void entry_text_annotation(term t, dl_annotation_kind kind, const char *name);

/* The sign of a kind, "@", "+" or "::". */
const char *entry_text_sign(dl_annotation_kind kind);

/* Writes `   Tags: a, b`, and the same for people and projects, where there are any.
 * indent: what the lines start with. */
void entry_text_names(term t, const char *indent, const dl_entry *entry);

#endif
