/* base/utf8.c: takes bytes, gives characters. Overlong forms, surrogates and what
 * is above U+10FFFF are not valid. */
#include "base/utf8.h"

size_t dl__utf8_next(const char *text, uint32_t *code) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *s = (const unsigned char *)text;
  size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
  if (length == 0 || s[0] > 0xf4) return 0;
  uint32_t found = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
    found = found << 6 | (s[i] & 0x3f);
  }
  if (found < smallest[length] || found > 0x10ffff) return 0;
  if (found >= 0xd800 && found <= 0xdfff) return 0;
  *code = found;
  return length;
}

bool dl__utf8_is_valid(const char *text) {
  uint32_t code;
  while (*text != '\0') {
    size_t length = dl__utf8_next(text, &code);
    if (length == 0) return false;
    text += length;
  }
  return true;
}
