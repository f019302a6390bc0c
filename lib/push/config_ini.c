/* push/config_ini.c: the text of a config file, and the only user of inih. Gives
 * inih the lines one by one and puts what it finds into the dl_config.
 *
 * inih cuts long lines, forgets what follows a ], joins indented lines to the one above, and
 * goes on after an error. The reader here gives it no line of which that could happen. */
#include "push/config.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

#define NAME_SHOWN_MAX 32
#define BLANKS         " \t"

typedef struct parser {
  dl_config *config;
  const char *path;
  const char *at, *end;
  unsigned line;    /* the one that inih has */
  dl_status status; /* the first fault, which ends the reading */
  dl_error *err;
} parser;

/* Records the fault of the line at hand; gives what inih takes for "failed". */
static int fault(parser *p, const char *what, const char *advice) {
  p->status =
      dl__fail(p->err, DL_ERR_CONFIG, p->path, "%s:%u: %s: %s", p->path, p->line, what, advice);
  return 0;
}

static bool is_section_line_clean(const char *line, const char *end) {
  const char *close = memchr(line, ']', (size_t)(end - line));
  if (close == NULL) return true; /* inih refuses it */
  const char *rest = close + 1;
  while (rest < end && strchr(BLANKS, *rest) != NULL) rest++;
  return rest == end || *rest == ';' || *rest == '#';
}

static bool has_control(const char *text, const char *end) {
  for (; text < end; text++) {
    unsigned char c = (unsigned char)*text;
    if ((c < 0x20 && c != '\t') || c == 0x7f) return true;
  }
  return false;
}

static bool is_fit_line(parser *p, const char *start, const char *end, int size) {
  if (end - start > size - 2) {
    p->status = dl__fail(p->err, DL_ERR_CONFIG, p->path,
                         "%s:%u: the line is too long: shorten it to %d bytes, or give the value "
                         "to the program in another way",
                         p->path, p->line, size - 2);
    return false;
  }
  if (has_control(start, end)) {
    return fault(p, "the line holds a control character", "remove it");
  }
  if (*start == '[' && !is_section_line_clean(start, end)) {
    return fault(p, "there is text behind the ]", "put it on a line of its own");
  }
  return true;
}

/* The next line, as fgets would give it; a comment as an empty line. inih passes
 * the size of its buffer, which its distributor chose (200 in Debian). */
static char *read_line(char *out, int size, void *stream) {
  parser *p = stream;
  if (p->status != DL_OK || p->at == p->end || size < 2) return NULL;
  const char *start = p->at;
  const char *end = memchr(start, '\n', (size_t)(p->end - start));
  p->at = end != NULL ? end + 1 : p->end;
  if (end == NULL) end = p->end;
  p->line++;
  if (end > start && end[-1] == '\r') end--;
  while (start < end && strchr(BLANKS, *start) != NULL) start++;
  if (start < end && (*start == '#' || *start == ';')) start = end;
  if (start < end && !is_fit_line(p, start, end, size)) return NULL;
  size_t length = (size_t)(end - start);
  memcpy(out, start, length);
  memcpy(out + length, "\n", 2);
  return out;
}

/* True for a name that people give to secrets: account_key, AccountKey, sas-token ... */
static bool is_secret(const char *name) {
  static const char *const ends[] = {"key",   "sas",    "password",   "passwd",
                                     "token", "secret", "credential", "connectionstring"};
  char plain[64];
  size_t length = 0;
  for (; *name != '\0' && length < sizeof plain - 1; name++) {
    if (*name != '_' && *name != '-' && *name != '.') plain[length++] = *name;
  }
  plain[length] = '\0';
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    size_t size = strlen(ends[i]);
    if (length >= size && strcasecmp(plain + length - size, ends[i]) == 0) return true;
  }
  return false;
}

/* The name as a message may show it. A name that does not look like one may be a piece of a
 * pasted secret: base64 ends with =, too. */
static const char *shown(const char *name) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  size_t length = strspn(name, allowed);
  return length > 0 && length <= NAME_SHOWN_MAX && name[length] == '\0' ? name : "this name";
}

/* The name without "SECTION.", if it is one of that section; else NULL. */
static const char *name_in_section(const dl__config_name *entry, const char *section) {
  size_t length = strlen(section);
  bool inside =
      entry->in_file && strncmp(entry->name, section, length) == 0 && entry->name[length] == '.';
  return inside ? entry->name + length + 1 : NULL;
}

static int unknown_name(parser *p, const char *section, const char *name) {
  dl__buf known = {0};
  bool done = true;
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    const char *entry = name_in_section(&dl__config_names[key], section);
    if (entry == NULL) continue;
    done = done && (known.length == 0 || dl__buf_add_text(&known, ", ")) &&
           dl__buf_add_text(&known, entry);
  }
  if (!done) {
    p->status = dl__fail_no_memory(p->err);
  } else if (section[0] == '\0') {
    (void)fault(p, "a setting without a section", "write [remote] or [sync] on a line above it");
  } else if (known.length == 0) {
    (void)fault(p, "unknown section", "the sections are [remote] and [sync]");
  } else {
    p->status = dl__fail(p->err, DL_ERR_CONFIG, p->path,
                         "%s:%u: [%s] does not know %s: write one of %s, or remove the line",
                         p->path, p->line, section, shown(name), known.data);
  }
  dl__buf_clear(&known);
  return 0;
}

/* Older programs wrote the time of the last push into the file. */
static bool is_retired(const char *section, const char *name) {
  return strcmp(section, "sync") == 0 && strcmp(name, "last_push_timestamp") == 0;
}

static int add_note(parser *p, const char *section, const char *name) {
  char *note = dl__format("%s:%u: %s.%s is not used any more (the local state has it): the line "
                          "can be removed",
                          p->path, p->line, section, name);
  if (dl__config_add_note(p->config, note)) return 1;
  p->status = dl__fail_no_memory(p->err);
  return 0;
}

/* Takes the quotes away in place. False: there is one without its other. */
static bool unquote(char *value) {
  static const char quotes[] = "\"'";
  size_t length = strlen(value);
  if (length == 0) return true;
  char first = value[0];
  char last = value[length - 1];
  if (strchr(quotes, first) == NULL) return strchr(quotes, last) == NULL;
  if (length < 2 || last != first) return false;
  memmove(value, value + 1, length - 2);
  value[length - 2] = '\0';
  return strchr(value, first) == NULL;
}

static int take_value(parser *p, dl__config_key key, const char *value) {
  unsigned *line = &p->config->lines[key];
  const char *name = dl__config_names[key].name;
  if (*line != 0) {
    p->status = dl__fail(p->err, DL_ERR_CONFIG, p->path,
                         "%s:%u: %s stands on line %u already: remove one of the two", p->path,
                         p->line, name, *line);
    return 0;
  }
  DL__AUTO_FREE char *text = strdup(value);
  DL__AUTO_FREE char *where = dl__format("%s:%u: %s", p->path, p->line, name);
  if (text == NULL || where == NULL) {
    p->status = dl__fail_no_memory(p->err);
    return 0;
  }
  if (!unquote(text)) {
    return fault(p, "a quote without its other",
                 "put the whole value between two quotes of one kind, or none; ; after a space "
                 "starts a comment, also between quotes");
  }
  p->status = dl__config_put(p->config, key, DL__RANK_FILE, where, text, p->err);
  *line = p->line;
  return p->status == DL_OK;
}

static int take_pair(void *user, const char *section, const char *name, const char *value) {
  parser *p = user;
  if (p->status != DL_OK) return 0;
  if (is_secret(name)) {
    p->status = dl__fail(p->err, DL_ERR_CONFIG, p->path,
                         "%s:%u: %s looks like a secret, and those do not belong in a config file: "
                         "remove it, and use an environment variable or a key file",
                         p->path, p->line, shown(name));
    return 0;
  }
  if (is_retired(section, name)) return add_note(p, section, name);
  for (unsigned key = 0; key < DL__CONFIG_KEYS; key++) {
    const char *entry = name_in_section(&dl__config_names[key], section);
    if (entry != NULL && strcmp(entry, name) == 0) return take_value(p, key, value);
  }
  return unknown_name(p, section, name);
}

static dl_status refuse_nul(const char *path, const char *text, const char *nul, dl_error *err) {
  unsigned line = 1;
  for (; text < nul; text++) line += *text == '\n';
  return dl__fail(err, DL_ERR_CONFIG, path,
                  "%s:%u: holds a NUL byte: save the file as plain text (UTF-8)", path, line);
}

dl_status dl__config_parse(dl_config *config, const char *path, const char *text, size_t size,
                           dl_error *err) {
  const char *nul = memchr(text, '\0', size);
  if (nul != NULL) return refuse_nul(path, text, nul, err);
  parser p = {config, path, text, text + size, 0, DL_OK, err};
  if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) p.at += 3;
  int line = ini_parse_stream(read_line, &p, take_pair, &p);
  if (line == -2) return dl__fail_no_memory(err);
  /* inih goes on after a line that it does not understand: a fault of ours may stand below it. */
  if (line != 0 && (p.status == DL_OK || (unsigned)line < p.line)) {
    p.line = (unsigned)line;
    (void)fault(&p, "neither a setting nor a section",
                "write NAME = VALUE, or [remote] or [sync]; a comment starts with # or ;");
  }
  return p.status;
}
