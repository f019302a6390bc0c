/* journal/annotation.h: the people, projects and tags of a text. The rules stand in
 * devlog/entry.h. */
#ifndef DL_JOURNAL_ANNOTATION_H
#define DL_JOURNAL_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>

#include <devlog/entry.h>

/* Texts in their order. Set it up with {0}. */
typedef struct dl__names {
  char **items;
  size_t count, capacity;
} dl__names;

/* Appends a copy. False: no memory. */
bool dl__names_add(dl__names *names, const char *text, size_t length);
void dl__names_clear(dl__names *names);

/* Set it up with {0}. */
typedef struct dl__annotations {
  dl__names tags, people, projects;
} dl__annotations;

/* Adds what stands in text. False: no memory. */
bool dl__annotations_parse(dl__annotations *annotations, const char *text);
bool dl__annotations_empty(const dl__annotations *annotations);
void dl__annotations_clear(dl__annotations *annotations);

#endif
