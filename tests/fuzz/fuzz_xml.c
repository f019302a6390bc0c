/* fuzz_xml.c: any bytes as XML of a server. Whatever they are, each element that is
 * reported keeps what net/xml.h promises, and the same bytes give the same answer. */
#include "fuzz.h"
#include "net/xml.h"

typedef struct seen {
  size_t elements;
  size_t stop_at; /* 0: never */
  int root_ended;
} seen;

static void check_path(const char *path) {
  size_t parts = 1;
  size_t length = 0;
  require(path[0] != '\0');
  for (; *path != '\0'; path++) {
    length = *path == '/' ? 0 : length + 1;
    parts += *path == '/';
    require(length <= 256 && parts <= 32);
    if (*path == '/') require(path[1] != '/' && path[1] != '\0');
  }
}

/* Whole UTF-8 characters of the right length. */
static void check_text(const char *text, size_t length) {
  const unsigned char *t = (const unsigned char *)text;
  require(length <= (size_t)64 * 1024 && strlen(text) == length);
  for (size_t i = 0; i < length;) {
    size_t more = t[i] < 0x80 ? 0 : t[i] < 0xe0 ? 1 : t[i] < 0xf0 ? 2 : 3;
    require(t[i] < 0x80 || (t[i] >= 0xc2 && t[i] <= 0xf4));
    for (i++; more > 0; more--, i++) require(i < length && (t[i] & 0xc0) == 0x80);
  }
}

static dl_status check(const dl__xml_element *element, void *user, dl_error *err) {
  seen *s = user;
  (void)err;
  require(!s->root_ended); /* nothing comes behind the root */
  check_path(element->path);
  check_text(element->text, element->text_length);
  s->root_ended = strchr(element->path, '/') == NULL;
  s->elements++;
  require(s->elements <= 1000000 && (s->stop_at == 0 || s->elements <= s->stop_at));
  return s->elements == s->stop_at ? DL_ERR_CONFLICT : DL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  dl_error err = DL_ERROR_INIT;
  seen all = {0, 0, 0};
  dl_status status = dl__xml_parse((const char *)data, size, check, &all, &err);
  require(status == DL_OK || status == DL_ERR_STORAGE);
  require(status == DL_OK ? all.root_ended : err.message[0] != '\0');
  if (all.elements > 0) {
    seen half = {0, (all.elements + 1) / 2, 0};
    require(dl__xml_parse((const char *)data, size, check, &half, NULL) == DL_ERR_CONFLICT);
    require(half.elements == half.stop_at);
  }
  return 0;
}
