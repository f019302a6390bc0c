/* journal/annotation.c: takes a text, gives the annotations in it, one by one or as
 * lists. Pure. */
#include "journal/annotation.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/vec.h"

bool dl__names_add(dl__names *names, const char *text, size_t length) {
  char *copy = strndup(text, length);
  if (copy == NULL ||
      !dl__vec_grow(&names->items, names->count, &names->capacity, sizeof *names->items)) {
    free(copy);
    return false;
  }
  names->items[names->count++] = copy;
  return true;
}

void dl__names_clear(dl__names *names) {
  for (size_t i = 0; i < names->count; i++) free(names->items[i]);
  free(names->items);
  *names = (dl__names){0};
}

/* Beyond ASCII, what is neither letter, digit nor mark: punctuation, symbols, emoji.
 * Whole blocks: good enough to end a name, and needs no table of Unicode. */
static bool is_sign(uint32_t code) {
  static const uint32_t blocks[][2] = {
      {0x0080, 0x00a9}, {0x00ab, 0x00b4}, {0x00b6, 0x00b9}, {0x00bb, 0x00bf},  {0x00d7, 0x00d7},
      {0x00f7, 0x00f7}, {0x2000, 0x206f}, {0x20a0, 0x20cf}, {0x2190, 0x2bff},  {0x3000, 0x3004},
      {0x3008, 0x3020}, {0xfe00, 0xfe6f}, {0xfeff, 0xfeff}, {0xff01, 0xff0f},  {0xff1a, 0xff20},
      {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0xfff0, 0xffff}, {0x1f000, 0x1faff}};
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
    if (code >= blocks[i][0] && code <= blocks[i][1]) return true;
  }
  return false;
}

/* Bytes of the letter at text; 0: there is none. */
static size_t letter(const char *text) {
  uint32_t code;
  size_t length = dl__utf8_next(text, &code);
  if (length == 0) return 0;
  if (code >= 0x80) return is_sign(code) ? 0 : length;
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ? 1 : 0;
}

static size_t letter_or_digit(const char *text) {
  return text[0] >= '0' && text[0] <= '9' ? 1 : letter(text);
}

/* Bytes of what holds two parts of a name together. */
static size_t joint(const char *text) {
  size_t length = text[0] == '-' || text[0] == '.' ? 1 : strspn(text, "_");
  return length > 0 && letter_or_digit(text + length) > 0 ? length : 0;
}

static size_t name_length(const char *text, bool digit_first) {
  size_t at = 0;
  size_t step = digit_first ? letter_or_digit(text) : letter(text);
  if (step == 0) return 0;
  while (step > 0) {
    at += step;
    step = letter_or_digit(text + at);
    if (step == 0) step = joint(text + at);
  }
  if (strncmp(text + at, "++", 2) == 0) return at + 2;
  return text[at] == '#' ? at + 1 : at;
}

/* Whether an annotation may start at text[at]: not inside a word or an address. */
static bool may_start(const char *text, size_t at) {
  if (at == 0) return true;
  const char before = text[at - 1];
  if ((unsigned char)before < 0x80) {
    if (before == ':') return text[at] != ':';
    return strchr(" \t\n\v\f\r([{<>\"'*,;|&", before) != NULL;
  }
  size_t start = at - 1;
  while (start > 0 && at - start < 4 && ((unsigned char)text[start] & 0xc0) == 0x80) start--;
  uint32_t code;
  return dl__utf8_next(text + start, &code) == at - start && is_sign(code);
}

static size_t sign_at(const char *text, dl_annotation_kind *kind) {
  *kind = text[0] == '@'   ? DL_ANNOTATION_PERSON
          : text[0] == '+' ? DL_ANNOTATION_TAG
                           : DL_ANNOTATION_PROJECT;
  if (text[0] == '@' || text[0] == '+') return 1;
  return text[0] == ':' && text[1] == ':' ? 2 : 0;
}

static bool find(const char *text, size_t from, dl_annotation *found) {
  for (size_t at = from; text[at] != '\0'; at++) {
    at += strcspn(text + at, "@+:");
    if (text[at] == '\0') return false;
    dl_annotation_kind kind;
    size_t sign = sign_at(text + at, &kind);
    if (sign == 0 || !may_start(text, at)) continue;
    size_t length = name_length(text + at + sign, kind == DL_ANNOTATION_PROJECT);
    const char *behind = text + at + sign + length;
    if (length == 0 || behind[0] == '@' || strncmp(behind, "::", 2) == 0) continue;
    *found = (dl_annotation){sizeof *found, kind, at, at + sign, at + sign + length};
    return true;
  }
  return false;
}

/* The size of dl_annotation in version 0.1; a struct_size of 0 means this one. */
#define ANNOTATION_SIZE_0_1 (offsetof(dl_annotation, end) + sizeof(size_t))

int dl_annotation_next(const char *text, size_t from, dl_annotation *out) {
  dl_annotation found;
  if (text == NULL || out == NULL || !find(text, from, &found)) return 0;
  uint32_t struct_size = out->struct_size;
  size_t size = struct_size != 0 ? struct_size : ANNOTATION_SIZE_0_1;
  memcpy(out, &found, size < sizeof found ? size : sizeof found);
  out->struct_size = struct_size;
  return 1;
}

bool dl__annotations_parse(dl__annotations *annotations, const char *text) {
  dl_annotation found = DL_ANNOTATION_INIT;
  while (find(text, found.end, &found)) {
    dl__names *names = found.kind == DL_ANNOTATION_TAG      ? &annotations->tags
                       : found.kind == DL_ANNOTATION_PERSON ? &annotations->people
                                                            : &annotations->projects;
    if (!dl__names_add(names, text + found.name, found.end - found.name)) return false;
  }
  return true;
}

bool dl__annotations_empty(const dl__annotations *annotations) {
  return annotations->tags.count + annotations->people.count + annotations->projects.count == 0;
}

void dl__annotations_clear(dl__annotations *annotations) {
  dl__names_clear(&annotations->tags);
  dl__names_clear(&annotations->people);
  dl__names_clear(&annotations->projects);
}
