/* cli/lines.h: how a line of the report looks: marks, colours, foreign text made
 * safe; in UTF-8 or plain ASCII. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdint.h>

#include "term.h"

#define BOLD   "\x1b[1m"
#define RED    "\x1b[31m"
#define GREEN  "\x1b[32m"
#define YELLOW "\x1b[33m"

/* What a line starts with. */
typedef enum mark {
  MARK_ENTRY,
  MARK_PUSH,
  MARK_SCAN,
  MARK_FOUND,
  MARK_NEED,
  MARK_NOTHING,
  MARK_UPLOAD,
  MARK_DOWNLOAD,
  MARK_NOTE,
  MARK_COMPLETE,
  MARK_INCOMPLETE,
  MARK_WARNING,
  MARK_FILE,
  MARK_FILE_IN,
  MARK_FILE_OK,
  MARK_FILE_FAILED,
  MARK_FILE_RETRY,
  MARK_FILE_NOTE
} mark;

/* All of them print a whole line on standard output; color may be NULL. */

/* Our own words. */
void line(term t, mark m, const char *color, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* `BEFORE"TEXT"AFTER`, with a text from outside. */
void line_quoted(term t, mark m, const char *before, const char *text, const char *after);

/* `PATH: MESSAGE`; either may be NULL. */
void line_about(term t, mark m, const char *color, const char *path, const char *message);

/* A file and its size. */
void line_file(term t, mark m, const char *path, uint64_t size_bytes);

/* A file that arrived; and how little of it had to be moved (`sent`, say). */
void line_file_ok(term t, const char *path);
void line_file_reused(term t, const char *path, const char *moved, uint64_t moved_bytes,
                      uint64_t size_bytes);

/* `   NAME: VALUE` */
void line_value(term t, const char *name, const char *value);
void line_count(const char *name, uint64_t count, const char *unit);

/* `   NAME: 1.0 KiB of 512 MiB` */
void line_part(const char *name, uint64_t part_bytes, uint64_t all_bytes);

#endif
