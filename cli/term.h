/* cli/term.h: what the screen can do. */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>

typedef enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color_when;

typedef struct term {
  bool color; /* colours are wanted */
  bool live;  /* the last line can be drawn again and again */
  bool utf8;
} term;

/* Looks at standard output, the environment and the locale. */
term term_probe(color_when when);

/* The characters of the locale are UTF-8; else only ASCII is sure to be readable. */
bool term_is_utf8(void);

/* Columns of standard output; it may change at any time. */
size_t term_width(void);

#endif
