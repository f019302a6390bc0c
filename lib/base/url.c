/* base/url.c: takes a URL's text and answers single questions about it. What is
 * not plainly safe is answered as unsafe: another program may read it otherwise. */
#include "base/url.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/error.h"

#define FILE_PREFIX "file://"

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* What follows SCHEME://, or NULL. */
static const char *after_scheme(const char *url) {
  if (!is_letter(url[0])) return NULL;
  size_t i = 1;
  while (is_letter(url[i]) || is_digit(url[i]) || url[i] == '+' || url[i] == '-' || url[i] == '.') {
    i++;
  }
  return strncmp(url + i, "://", 3) == 0 ? url + i + 3 : NULL;
}

bool dl__url_is_formed(const char *url) {
  const char *rest = after_scheme(url);
  return rest != NULL && rest[0] != '\0';
}

bool dl__url_has_scheme(const char *url, const char *scheme) {
  size_t length = strlen(scheme);
  return strncasecmp(url, scheme, length) == 0 && strncmp(url + length, "://", 3) == 0;
}

/* A whole IPv4 address, or IPv6 address without its brackets. */
static bool address_is_loopback(const char *host, bool bracketed) {
  if (bracketed) {
    struct in6_addr six;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
  }
  if (strcasecmp(host, "localhost") == 0) return true;
  struct in_addr four;
  return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

bool dl__url_is_loopback(const char *url) {
  const char *host = after_scheme(url);
  if (host == NULL) return false;
  bool bracketed = host[0] == '[';
  if (bracketed) host++;
  size_t length = strcspn(host, bracketed ? "]" : ":/?#");
  char text[INET6_ADDRSTRLEN];
  if (length >= sizeof text) return false;
  memcpy(text, host, length);
  text[length] = '\0';
  const char *rest = host + length;
  if (bracketed && *rest++ != ']') return false;
  if (*rest == ':') {
    do rest++;
    while (is_digit(*rest));
  }
  /* Anything else here, an @ say, means that the host is really another one. */
  return (*rest == '\0' || *rest == '/' || *rest == '?' || *rest == '#') &&
         address_is_loopback(text, bracketed);
}

/* USER:PASSWORD@ in front of the host. */
static bool has_password(const char *host) {
  const char *end = host + strcspn(host, "/?#");
  const char *colon = strchr(host, ':');
  const char *at = strchr(host, '@');
  if (host[0] == '[' || colon == NULL || colon > end || at == NULL || at < colon) return false;
  if (at < end) return true;
  /* A password may hold a slash; a port holds digits only. */
  do colon++;
  while (is_digit(*colon));
  return colon != end;
}

static bool is_http(const char *url) {
  return dl__url_has_scheme(url, "https") || dl__url_has_scheme(url, "http");
}

/* The character at *text, of which %XX is one, and goes behind it. */
static char next_decoded(const char **text) {
  const char *at = *text;
  int high = at[0] == '%' ? dl__hex_value(at[1]) : -1;
  int low = high >= 0 ? dl__hex_value(at[2]) : -1;
  *text += low >= 0 ? 3 : 1;
  return low >= 0 ? (char)(high * 16 + low) : at[0];
}

/* sig= behind a ? or #, however it is written. plain: %3F is a ? of a name, no more. */
static bool has_signature(const char *host, bool plain) {
  static const char word[] = "sig=";
  bool query = false;
  while (*host != '\0') {
    const char *at = host;
    char c = next_decoded(&at);
    if (query) {
      const char *rest = host;
      size_t i = 0;
      while (word[i] != '\0' && *rest != '\0' && lower(next_decoded(&rest)) == word[i]) i++;
      if (word[i] == '\0') return true;
    }
    if ((c == '?' || c == '#') && (!plain || *host == c)) query = true;
    host = at;
  }
  return false;
}

bool dl__url_has_secret(const char *url) {
  const char *host = after_scheme(url);
  if (host == NULL) return false;
  if (has_password(host)) return true;
  /* In these, a fragment means nothing: what stands there was pasted. */
  if (is_http(url) && strchr(host, '#') != NULL) return true;
  return has_signature(host, dl__url_has_scheme(url, "file"));
}

bool dl__text_has_control(const char *text) {
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x20 || c == 0x7f) return true;
  }
  return false;
}

int dl__hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes in place. NULL: done; else what is wrong. */
static const char *decode(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; from++) {
    if (*from == '?' || *from == '#') {
      return "? and # have a meaning of their own in a URL: write %3F and %23";
    }
    if (*from != '%') {
      *to++ = *from;
      continue;
    }
    int high = dl__hex_value(from[1]);
    int low = high < 0 ? -1 : dl__hex_value(from[2]);
    if (low < 0) return "% must be followed by two hex digits: write a % itself as %25";
    if (high == 0 && low == 0) return "%00 cannot stand in a file name: leave it out";
    *to++ = (char)(high * 16 + low);
    from += 2;
  }
  *to = '\0';
  return NULL;
}

/* The part of url that is the path, or NULL. */
static const char *path_part(const char *url) {
  if (url == NULL || !dl__url_has_scheme(url, "file")) return NULL;
  const char *rest = url + strlen(FILE_PREFIX);
  if (strncasecmp(rest, "localhost/", strlen("localhost/")) == 0) rest += strlen("localhost");
  return rest[0] == '/' ? rest : NULL;
}

dl_status dl__url_file_path(const char *url, char **path, dl_error *err) {
  *path = NULL;
  const char *part = path_part(url);
  if (part == NULL) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "not a file URL with a whole path on this machine: write "
                    "file:///path/to/folder, with three slashes");
  }
  DL__AUTO_FREE char *text = strdup(part);
  if (text == NULL) return dl__fail_no_memory(err);
  const char *fault = decode(text);
  if (fault != NULL) return dl__fail(err, DL_ERR_CONFIG, NULL, "bad file URL: %s", fault);
  size_t length = strlen(text);
  while (length > 1 && text[length - 1] == '/') text[--length] = '\0';
  if (length >= PATH_MAX) {
    return dl__fail(err, DL_ERR_CONFIG, NULL, "the path in the file URL is too long: shorten it");
  }
  *path = text;
  text = NULL;
  return DL_OK;
}
