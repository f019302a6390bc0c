/* storage/azure_name.c: keys to blob names and back; see azure_name.h. */
#include "storage/azure_name.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_CHARACTERS 1024
#define NAME_MAX_PARTS      254

/* Length of the valid UTF-8 sequence (RFC 3629) at text; 0: none, or one that XML
 * cannot hold. */
static size_t sequence_length(const unsigned char *text) {
  static const struct {
    unsigned char first, last, second_first, second_last, length;
  } forms[] = {
      {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
      {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
      {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
  };
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    if (text[0] < forms[i].first || text[0] > forms[i].last) continue;
    if (forms[i].length == 1) return 1;
    if (text[1] < forms[i].second_first || text[1] > forms[i].second_last) return 0;
    for (size_t k = 2; k < forms[i].length; k++) {
      if (text[k] < 0x80 || text[k] > 0xbf) return 0;
    }
    bool not_in_xml = text[0] == 0xef && text[1] == 0xbf && text[2] >= 0xbe;
    return not_in_xml ? 0 : forms[i].length;
  }
  return 0;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool is_escape(const char *text) {
  return text[0] == '%' && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0;
}

/* Bytes of text that stand for themselves; 0: the first one has to be escaped. */
static size_t plain_length(const char *text) {
  if (text[0] == '\\' || is_escape(text)) return 0;
  if (text[0] == '.' && (text[1] == '/' || text[1] == '\0')) return 0;
  return sequence_length((const unsigned char *)text);
}

bool dl__azure_name_add(dl__buf *buf, const char *key) {
  while (*key != '\0') {
    size_t plain = plain_length(key);
    char escape[4];
    (void)snprintf(escape, sizeof escape, "%%%02X", (unsigned char)*key);
    if (!dl__buf_add(buf, plain > 0 ? key : escape, plain > 0 ? plain : 3)) return false;
    key += plain > 0 ? plain : 1;
  }
  return true;
}

bool dl__azure_name_decode(dl__buf *buf, const char *name, bool *ours) {
  size_t start = buf->length;
  *ours = false;
  if (!dl__buf_add(buf, "", 0)) return false;
  for (const char *at = name; *at != '\0';) {
    bool escape = is_escape(at);
    char byte = escape ? (char)(hex_value(at[1]) * 16 + hex_value(at[2])) : *at;
    if (!dl__buf_add(buf, &byte, 1)) return false;
    at += escape ? 3 : 1;
  }
  /* A name that no key has (somebody else's "%41") must not pass for another. */
  if (strlen(buf->data + start) != buf->length - start) return true;
  dl__buf again = {0};
  bool added = dl__azure_name_add(&again, buf->data + start);
  *ours = added && again.data != NULL && strcmp(again.data, name) == 0;
  dl__buf_clear(&again);
  return added;
}

bool dl__azure_name_fits(const char *name) {
  size_t characters = 0;
  size_t parts = 1;
  for (; *name != '\0'; name++) {
    if (((unsigned char)*name & 0xc0) != 0x80) characters++;
    if (*name == '/') parts++;
  }
  return characters <= NAME_MAX_CHARACTERS && parts <= NAME_MAX_PARTS;
}
