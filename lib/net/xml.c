/* net/xml.c: takes a document that a server sent, and gives its elements one by
 * one, each when it ends. Holds the path and the texts of the open elements only.
 * What a list of objects does not need is refused before it can cost anything:
 * a DOCTYPE (and with it every entity of its own), depth, length, number. */
#include "net/xml.h"

#include <expat.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/error.h"

#define SIZE_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define TEXT_MAX_BYTES ((size_t)64 * 1024)
#define NAME_MAX_BYTES 256
#define DEPTH_MAX      32
#define ELEMENTS_MAX   1000000
#define PIECE_BYTES    ((size_t)64 * 1024)
#define KEPT_MAX_BYTES ((size_t)128 * 1024)

/* An element that has not ended. */
typedef struct level {
  size_t path_start; /* length of the path without it */
  size_t text_start; /* where its text begins in parse.text */
  bool encoded;
} level;

typedef struct parse {
  XML_Parser parser;
  dl__xml_fn fn;
  void *user;
  dl_error *err;
  dl_status status; /* anything but DL_OK: stopped, and err says why */
  level levels[DEPTH_MAX];
  size_t depth;
  size_t elements;
  dl__buf path;
  dl__buf text; /* of all levels one behind the other: only the innermost one grows */
} parse;

/* expat may call a handler or two after this, so each looks at the status first. */
static void stop(parse *p, dl_status status) {
  p->status = status;
  (void)XML_StopParser(p->parser, XML_FALSE);
}

static void refuse(parse *p, const char *why) {
  unsigned long line = XML_GetCurrentLineNumber(p->parser);
  stop(p,
       dl__fail(p->err, DL_ERR_STORAGE, NULL, "the remote sent XML that %s (line %lu)", why, line));
}

/* What stands between the tags of children is layout. Dropped at once, it does not
 * pile up in the parent of many. */
static void drop_white_space(parse *p) {
  if (p->depth == 0 || p->text.data == NULL) return;
  size_t start = p->levels[p->depth - 1].text_start;
  size_t white = strspn(p->text.data + start, " \t\r\n");
  if (start + white == p->text.length) dl__buf_cut(&p->text, start);
}

/* Reads the attributes: pairs of name and value, then NULL. */
static bool check_names(const char *name, const char **attributes, bool *encoded) {
  *encoded = false;
  bool fits = strlen(name) <= NAME_MAX_BYTES;
  for (size_t i = 0; attributes[i] != NULL; i += 2) {
    fits = fits && strlen(attributes[i]) <= NAME_MAX_BYTES;
    if (strcmp(attributes[i], "Encoded") == 0) *encoded = strcmp(attributes[i + 1], "true") == 0;
  }
  return fits;
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes) {
  parse *p = user;
  bool encoded;
  if (p->status != DL_OK) return;
  if (p->depth == DEPTH_MAX) {
    refuse(p, "is nested too deeply");
    return;
  }
  if (++p->elements > ELEMENTS_MAX) {
    refuse(p, "has too many elements");
    return;
  }
  if (!check_names(name, attributes, &encoded)) {
    refuse(p, "has a name that is too long");
    return;
  }
  drop_white_space(p);
  p->levels[p->depth++] = (level){p->path.length, p->text.length, encoded};
  bool added = p->path.length == 0 || dl__buf_add_text(&p->path, "/");
  if (!added || !dl__buf_add_text(&p->path, name)) stop(p, dl__fail_no_memory(p->err));
}

static void XMLCALL on_text(void *user, const char *text, int size) {
  parse *p = user;
  if (p->status != DL_OK || p->depth == 0 || size <= 0) return;
  size_t have = p->text.length - p->levels[p->depth - 1].text_start;
  if ((size_t)size > TEXT_MAX_BYTES - have) {
    refuse(p, "has a text that is too long");
  } else if (!dl__buf_add(&p->text, text, (size_t)size)) {
    stop(p, dl__fail_no_memory(p->err));
  }
}

static void XMLCALL on_end(void *user, const char *name) {
  parse *p = user;
  (void)name;
  if (p->status != DL_OK || p->depth == 0) return;
  const level *l = &p->levels[--p->depth];
  dl__xml_element element = {
      .path = p->path.data,
      .text = p->text.data != NULL ? p->text.data + l->text_start : "",
      .text_length = p->text.length - l->text_start,
      .encoded = l->encoded,
  };
  dl_status status = p->fn(&element, p->user, p->err);
  if (status != DL_OK) stop(p, status);
  dl__buf_cut(&p->path, l->path_start);
  dl__buf_cut(&p->text, l->text_start);
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system_id,
                               const char *public_id, int has_internal_subset) {
  parse *p = user;
  (void)name;
  (void)system_id;
  (void)public_id;
  (void)has_internal_subset;
  if (p->status == DL_OK) refuse(p, "has a DOCTYPE");
}

static void XMLCALL on_declaration(void *user, const char *version, const char *encoding,
                                   int standalone) {
  parse *p = user;
  (void)version;
  (void)standalone;
  if (p->status != DL_OK || encoding == NULL) return;
  if (strcasecmp(encoding, "UTF-8") != 0 && strcasecmp(encoding, "US-ASCII") != 0) {
    refuse(p, "is not in UTF-8");
  }
}

static void fail_parse(parse *p) {
  enum XML_Error code = XML_GetErrorCode(p->parser);
  unsigned long line = XML_GetCurrentLineNumber(p->parser);
  if (code == XML_ERROR_NO_MEMORY) {
    p->status = dl__fail_no_memory(p->err);
  } else {
    p->status = dl__fail(p->err, DL_ERR_STORAGE, NULL,
                         "the remote sent XML that cannot be read (line %lu): %s", line,
                         XML_ErrorString(code));
  }
}

/* Piece by piece: expat keeps a tag that has not ended, and reads it from its start again
 * with every piece, so how much it keeps has to be bounded: in a tag of 16 MiB there is
 * room for a million attributes, and expat would remember each. */
static dl_status feed(parse *p, const char *data, size_t size) {
  size_t fed = 0;
  bool last = false;
  while (p->status == DL_OK && !last) {
    size_t piece = size - fed < PIECE_BYTES ? size - fed : PIECE_BYTES;
    last = fed + piece == size;
    enum XML_Status parsed = XML_Parse(p->parser, data, (int)piece, last ? XML_TRUE : XML_FALSE);
    if (p->status != DL_OK) break;
    if (parsed != XML_STATUS_OK) fail_parse(p);
    fed += piece;
    data += piece;
    XML_Index seen = XML_GetCurrentByteIndex(p->parser);
    if (p->status == DL_OK && !last && fed > (seen > 0 ? (size_t)seen : 0) + KEPT_MAX_BYTES) {
      refuse(p, "has a tag that is too long");
    }
  }
  return p->status;
}

dl_status dl__xml_parse(const char *data, size_t size, dl__xml_fn fn, void *user, dl_error *err) {
  if (size > SIZE_MAX_BYTES) {
    return dl__fail(err, DL_ERR_STORAGE, NULL, "the remote sent XML that is larger than 16 MiB");
  }
  if (size == 0) data = "";
  /* No character of XML, and the sign of UTF-16, which expat would take without being told. */
  if (memchr(data, '\0', size) != NULL) {
    return dl__fail(err, DL_ERR_STORAGE, NULL, "the remote sent XML with a NUL byte");
  }
  parse p = {.parser = XML_ParserCreate(NULL), .fn = fn, .user = user, .err = err};
  if (p.parser == NULL) return dl__fail_no_memory(err);
  XML_SetUserData(p.parser, &p);
  XML_SetElementHandler(p.parser, on_start, on_end);
  XML_SetCharacterDataHandler(p.parser, on_text);
  XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
  XML_SetXmlDeclHandler(p.parser, on_declaration);
  dl_status status = feed(&p, data, size);
  XML_ParserFree(p.parser);
  dl__buf_clear(&p.path);
  dl__buf_clear(&p.text);
  return status;
}
