/* fuzz_name.c: any bytes as the key of a file, and as the name of a blob. A key has one name, of
 * Unicode text that the service keeps, and that name has this key; also in a URL. */
#include "base/url.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "storage/azure_name.h"
#include "storage/azure_url.h"

/* No part ends in a dot, which servers and clients on the way take away. */
static void check_dots(const char *name) {
  for (const char *at = name; *at != '\0'; at++) {
    require(*at != '.' || (at[1] != '/' && at[1] != '\0'));
  }
}

static void check_name(const char *name) {
  require(dl__utf8_is_valid(name) && !dl__text_has_control(name) && strchr(name, '\\') == NULL);
  check_dots(name);
}

static void check_key(const char *key) {
  dl__buf name = {0};
  dl__buf back = {0};
  bool ours = false;
  if (key[0] == '\0') return; /* no key */
  require(dl__azure_name_add(&name, key));
  check_name(name.data);
  require(dl__azure_name_decode(&back, name.data, &ours) && ours && strcmp(back.data, key) == 0);
  dl__buf_clear(&name);
  dl__buf_clear(&back);
}

static void check_other(const char *name) {
  dl__buf key = {0};
  dl__buf back = {0};
  bool ours = false;
  require(dl__azure_name_decode(&key, name, &ours));
  if (ours) {
    require(dl__azure_name_add(&back, key.data) && dl__buf_add(&back, "", 0));
    require(strcmp(back.data, name) == 0);
  }
  require(!dl__azure_name_fits(name) || strlen(name) <= (size_t)4 * 1024);
  dl__buf_clear(&key);
  dl__buf_clear(&back);
}

/* Every byte but those that stand for themselves is %XX; so decoding gives the text back. */
static void check_escaped(const char *text, const char *escaped) {
  for (; *escaped != '\0'; text++) {
    if (*escaped == '%') {
      int byte = dl__hex_value(escaped[1]) * 16 + dl__hex_value(escaped[2]);
      require(byte == (unsigned char)*text);
      escaped += 3;
    } else {
      require(*escaped == *text && strchr("?#&=+ \"<>\\", *escaped) == NULL);
      escaped++;
    }
  }
  require(*text == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = text_of(data, size);
  dl__buf buf = {0};
  check_key(text);
  check_other(text);
  require(dl__azure_url_add_key(&buf, "", text) && dl__buf_add(&buf, "", 0));
  check_escaped(text, buf.data);
  check_dots(buf.data);
  dl__buf_cut(&buf, 0);
  require(dl__azure_url_add_value(&buf, text) && dl__buf_add(&buf, "", 0));
  check_escaped(text, buf.data);
  require(strchr(buf.data, '/') == NULL);
  dl__buf_clear(&buf);
  free(text);
  return 0;
}
