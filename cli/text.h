/* cli/text.h: text that may hold anything, shown so that it can do no harm; sizes, shown
 * short. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes of the UTF-8 character at text, and its code; 0: it is not valid there. */
size_t text_utf8(const char *text, uint32_t *code);

/* Writes text from outside (a path, a message). What a terminal could take for an
 * order or show wrongly is written as `\n`, `\\` or `\xNN`, and so is every byte
 * above 127 unless utf8. The bytes can be told from the output. */
void text_print(FILE *out, const char *text, bool utf8);

/* A size for people, such as "156 B", "1.0 KiB" or "512 MiB". */
void text_bytes(char *out, size_t size, double bytes);

/* What a noun gets behind it: "" or "s". */
const char *text_plural(uint64_t count);

/* Writes size bytes of a text of many lines: as text_print, but ends of line, tabs and
 * backslashes stay what they are. */
void text_print_body(FILE *out, const char *text, size_t size, bool utf8);

/* Columns that text_print_body needs for the character at text; *length: its bytes. */
size_t text_columns(const char *text, bool utf8, size_t *length);

/* "devlog: TEXT" as one line on stderr, written as text_print does. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
