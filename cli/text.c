/* cli/text.c: takes text from outside, writes it without anything that a terminal
 * would act on. The only place where foreign bytes become output for people. And
 * takes a number of bytes, writes it short. */
#include "text.h"

#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include "term.h"

/* Room for a message and a path of the library; what is longer is cut. */
#define COMPLAINT_SIZE 4096

size_t text_utf8(const char *text, uint32_t *code) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *s = (const unsigned char *)text;
  size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
  if (length == 0 || s[0] > 0xf4) return 0;
  *code = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (s[i] & 0x3f);
  }
  if (*code < smallest[length] || *code > 0x10ffff) return 0;
  return *code >= 0xd800 && *code <= 0xdfff ? 0 : length;
}

/* Control characters, and those that turn the direction of the text or break the
 * line: with them one name can be made to look like another. */
static bool is_harmful(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0xfeff ||
         (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

static void print_escaped(FILE *out, unsigned char byte) {
  static const char letters[][2] = {{'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}, {'\\', '\\'}};
  for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
    if (byte == (unsigned char)letters[i][0]) {
      (void)fprintf(out, "\\%c", letters[i][1]);
      return;
    }
  }
  (void)fprintf(out, "\\x%02x", byte);
}

/* Bytes of the character at text, or of what is none; *plain: it may be shown as it is. */
static size_t look_at(const char *text, bool utf8, uint32_t *code, bool *plain) {
  *code = 0;
  size_t length = text_utf8(text, code);
  *plain = length != 0 && (utf8 || *code < 0x80) && !is_harmful(*code);
  return length == 0 ? 1 : length;
}

static void print(FILE *out, const char *text, size_t length, bool plain) {
  if (plain) {
    (void)fwrite(text, 1, length, out);
  } else {
    for (size_t i = 0; i < length; i++) print_escaped(out, (unsigned char)text[i]);
  }
}

void text_print(FILE *out, const char *text, bool utf8) {
  while (*text != '\0') {
    uint32_t code;
    bool plain;
    size_t length = look_at(text, utf8, &code, &plain);
    print(out, text, length, plain && code != '\\');
    text += length;
  }
}

void text_bytes(char *out, size_t size, double bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
    bytes /= 1024;
    unit++;
  }
  (void)snprintf(out, size, "%.*f %s", unit > 0 && bytes < 9.95 ? 1 : 0, bytes, units[unit]);
}

void text_print_body(FILE *out, const char *text, size_t size, bool utf8) {
  const char *end = text + size;
  while (text < end) {
    uint32_t code;
    bool plain;
    size_t length = look_at(text, utf8, &code, &plain);
    print(out, text, length, plain || code == '\n' || code == '\t');
    text += length;
  }
}

size_t text_columns(const char *text, bool utf8, size_t *length) {
  uint32_t code;
  bool plain;
  *length = look_at(text, utf8, &code, &plain);
  if (code == '\t') return 8; /* at most */
  if (!plain) return *length * (sizeof "\\x00" - 1);
  int columns = wcwidth((wchar_t)code);
  return columns >= 0 ? (size_t)columns : 1;
}

const char *text_plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

void complain(const char *format, ...) {
  char message[COMPLAINT_SIZE];
  va_list args;
  va_start(args, format);
  if (vsnprintf(message, sizeof message, format, args) < 0) message[0] = '\0';
  va_end(args);
  (void)fputs("devlog: ", stderr);
  text_print(stderr, message, term_is_utf8());
  (void)fputc('\n', stderr);
}
