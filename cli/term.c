/* cli/term.c: takes the wish for colours, the environment and the locale, gives
 * what may be written to standard output. */
#include "term.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_WIDTH 80

bool term_is_utf8(void) {
  return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool understands_escapes(void) {
  const char *name = getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && name != NULL && name[0] != '\0' && strcmp(name, "dumb") != 0;
}

term term_probe(color_when when) {
  const char *no_color = getenv("NO_COLOR");
  bool unwanted = no_color != NULL && no_color[0] != '\0';
  term t = {.live = understands_escapes(), .utf8 = term_is_utf8()};
  t.color = when == COLOR_ALWAYS || (when == COLOR_AUTO && t.live && !unwanted);
  return t;
}

size_t term_width(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return DEFAULT_WIDTH;
  return size.ws_col;
}
