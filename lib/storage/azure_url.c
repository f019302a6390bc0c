/* storage/azure_url.c: takes the URL of a container, checks it by the rules of
 * "Naming and Referencing Containers, Blobs, and Metadata", and gives its parts; and
 * writes names into URLs. No message shows the URL: it may hold a pasted secret. */
#include "storage/azure_url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/url.h"

#define HOST_MAX   253
#define PREFIX_MAX 512 /* of the 1,024 of a name: the rest is for the keys */

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static dl_status refuse(dl_error *err, const char *what) {
  return dl__fail(err, DL_ERR_CONFIG, NULL,
                  "not the URL of a container in Azure Blob Storage: %s; write "
                  "https://ACCOUNT.blob.core.windows.net/CONTAINER[/PREFIX]",
                  what);
}

/* ---- the host ---- */

typedef struct site {
  bool https;
  char host[HOST_MAX + 1]; /* in small letters; IPv6 in its brackets */
  char port[8];            /* ":10000" or "" */
  const char *path;        /* the rest of the URL */
} site;

static void to_lower(char *text) {
  for (; *text != '\0'; text++) {
    if (*text >= 'A' && *text <= 'Z') *text = (char)(*text - 'A' + 'a');
  }
}

static bool is_ipv6(const char *host) {
  char address[INET6_ADDRSTRLEN];
  struct in6_addr six;
  size_t length = strlen(host);
  if (length < 4 || length - 2 >= sizeof address || host[length - 1] != ']') return false;
  memcpy(address, host + 1, length - 2);
  address[length - 2] = '\0';
  return inet_pton(AF_INET6, address, &six) == 1;
}

static bool is_ipv4(const char *host) {
  struct in_addr four;
  return inet_pton(AF_INET, host, &four) == 1;
}

/* A name of labels, or a whole address. A last label that starts with a digit is no name
 * of the net: it would be read as an odd way to write an address. */
static bool is_host(const char *host) {
  if (host[0] == '[') return is_ipv6(host);
  if (host[strspn(host, LOWER DIGITS "-.")] != '\0') return false;
  if (host[0] == '\0' || host[0] == '.' || strstr(host, "..") != NULL) return false;
  const char *dot = strrchr(host, '.');
  const char *last = dot != NULL ? dot + 1 : host;
  if (last[0] == '\0') return false;
  return strchr(DIGITS, last[0]) == NULL || is_ipv4(host);
}

static bool is_port(const char *port, size_t length) {
  if (length == 0) return true;
  if (length < 2 || length > 6 || port[0] != ':' || strspn(port + 1, DIGITS) < length - 1) {
    return false;
  }
  unsigned long number = strtoul(port + 1, NULL, 10);
  return number >= 1 && number <= 65535;
}

static dl_status read_site(const char *url, site *out, dl_error *err) {
  out->https = dl__url_has_scheme(url, "https");
  if (!out->https && !dl__url_has_scheme(url, "http")) {
    return refuse(err, "it does not start with https://");
  }
  if (dl__text_has_control(url)) return refuse(err, "it holds a control character");
  const char *host = url + (out->https ? 8 : 7);
  size_t whole = strcspn(host, "/?#");
  size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
  out->path = host + whole;
  if (memchr(host, '@', whole) != NULL) return refuse(err, "it holds a user name");
  if (strpbrk(out->path, "?#") != NULL) {
    return refuse(err, "it holds a ? or #; give a SAS by AZURE_STORAGE_SAS_TOKEN, and write ? and "
                       "# in a name as %3F and %23");
  }
  if (length > whole || length > HOST_MAX) return refuse(err, "the host is not one");
  memcpy(out->host, host, length);
  out->host[length] = '\0';
  to_lower(out->host);
  if (!is_host(out->host)) return refuse(err, "the host is not one");
  if (!is_port(host + length, whole - length)) return refuse(err, "the port is not one");
  memcpy(out->port, host + length, whole - length);
  out->port[whole - length] = '\0';
  if (out->https || dl__url_is_loopback(url)) return DL_OK;
  return refuse(err, "plain http would show logs and keys to the network");
}

/* The emulator's form: the host does not say the account. */
static bool is_path_style(const char *host) {
  return host[0] == '[' || is_ipv4(host) || strchr(host, '.') == NULL;
}

/* ---- the names ---- */

static bool is_account(const char *name) {
  size_t length = strlen(name);
  return length >= 3 && length <= 24 && strspn(name, LOWER DIGITS) == length;
}

static bool is_container(const char *name) {
  size_t length = strlen(name);
  if (strcmp(name, "$root") == 0) return true;
  return length >= 3 && length <= 63 && strspn(name, LOWER DIGITS "-") == length &&
         name[0] != '-' && name[length - 1] != '-' && strstr(name, "--") == NULL;
}

/* Decodes one part of the path in place. NULL: done; else what is wrong. */
static const char *decode(char *part) {
  char *to = part;
  for (const char *from = part; *from != '\0'; from++) {
    char c = *from;
    if (c == '%') {
      int high = dl__hex_value(from[1]);
      int low = high < 0 ? -1 : dl__hex_value(from[2]);
      if (low < 0) return "a % must be followed by two hex digits: write a % itself as %25";
      c = (char)(high * 16 + low);
      if (c == '/') return "%2F cannot stand in a name: write /";
      if (c == '\0') return "%00 cannot stand in a name";
      from += 2;
    }
    *to++ = c;
  }
  *to = '\0';
  if (dl__text_has_control(part)) return "it holds a control character";
  return NULL;
}

/* Cuts the first part off *path and decodes it. *part is NULL at the end of the path. */
static dl_status next_part(char **path, char **part, dl_error *err) {
  *part = NULL;
  if (**path == '\0') return DL_OK;
  size_t length = strcspn(*path, "/");
  *part = *path;
  *path += length;
  if (**path == '/') *(*path)++ = '\0';
  if (length == 0) return refuse(err, "it holds two slashes in a row");
  const char *fault = decode(*part);
  return fault != NULL ? refuse(err, fault) : DL_OK;
}

static dl_status take_prefix(char *path, dl__azure_url *out, dl_error *err) {
  dl__buf prefix = {0};
  dl_status status = dl__buf_add(&prefix, "", 0) ? DL_OK : dl__fail_no_memory(err);
  for (;;) {
    char *part;
    if (status == DL_OK) status = next_part(&path, &part, err);
    if (status != DL_OK || part == NULL) break;
    if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
      status = refuse(err, ". and .. cannot be parts of a prefix");
    } else if (!dl__buf_add_text(&prefix, part) || !dl__buf_add_text(&prefix, "/")) {
      status = dl__fail_no_memory(err);
    } else if (prefix.length > PREFIX_MAX) {
      status = refuse(err, "the prefix is longer than 512 bytes");
    }
  }
  if (status == DL_OK) {
    out->prefix = prefix.data;
  } else {
    dl__buf_clear(&prefix);
  }
  return status;
}

static dl_status take_account(const site *from, char **path, dl__azure_url *out, dl_error *err) {
  char *name = NULL;
  char label[HOST_MAX + 1];
  dl_status status = DL_OK;
  out->path_style = is_path_style(from->host);
  if (out->path_style) {
    status = next_part(path, &name, err);
  } else {
    size_t length = strcspn(from->host, ".");
    memcpy(label, from->host, length);
    label[length] = '\0';
    name = label;
  }
  if (status != DL_OK) return status;
  if (name == NULL || !is_account(name)) {
    return refuse(err, out->path_style
                           ? "the account, which stands behind a host of this kind "
                             "(http://127.0.0.1:10000/ACCOUNT/CONTAINER), has 3 to 24 small "
                             "letters and digits"
                           : "the account, the host's first part, has 3 to 24 small letters and "
                             "digits");
  }
  out->account = strdup(name);
  return out->account != NULL ? DL_OK : dl__fail_no_memory(err);
}

static dl_status take_container(char **path, dl__azure_url *out, dl_error *err) {
  char *name;
  dl_status status = next_part(path, &name, err);
  if (status != DL_OK) return status;
  if (name == NULL || !is_container(name)) {
    return refuse(err, "the container has 3 to 63 small letters, digits and single hyphens, with "
                       "none at its ends");
  }
  out->container = strdup(name);
  return out->container != NULL ? DL_OK : dl__fail_no_memory(err);
}

static dl_status parse(const char *url, dl__azure_url *out, dl_error *err) {
  site from;
  dl_status status = read_site(url, &from, err);
  if (status != DL_OK) return status;
  DL__AUTO_FREE char *path = strdup(from.path[0] == '/' ? from.path + 1 : from.path);
  if (path == NULL) return dl__fail_no_memory(err);
  size_t length = strlen(path);
  while (length > 0 && path[length - 1] == '/') path[--length] = '\0';
  char *rest = path;
  status = take_account(&from, &rest, out, err);
  if (status == DL_OK) status = take_container(&rest, out, err);
  if (status == DL_OK) status = take_prefix(rest, out, err);
  if (status != DL_OK) return status;
  out->endpoint = dl__format("%s://%s%s%s%s", from.https ? "https" : "http", from.host, from.port,
                             out->path_style ? "/" : "", out->path_style ? out->account : "");
  return out->endpoint != NULL ? DL_OK : dl__fail_no_memory(err);
}

dl_status dl__azure_url_parse(const char *url, dl__azure_url *out, dl_error *err) {
  *out = (dl__azure_url){0};
  dl_status status = parse(url, out, err);
  if (status != DL_OK) dl__azure_url_clear(out);
  return status;
}

void dl__azure_url_clear(dl__azure_url *url) {
  free(url->endpoint);
  free(url->account);
  free(url->container);
  free(url->prefix);
  *url = (dl__azure_url){0};
}

/* ---- names in URLs ---- */

static bool is_plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

static bool add_escaped(dl__buf *buf, char c) {
  static const char digits[] = "0123456789ABCDEF";
  unsigned char byte = (unsigned char)c;
  char escape[] = {'%', digits[byte >> 4], digits[byte & 15]};
  return dl__buf_add(buf, escape, sizeof escape);
}

static bool add_name(dl__buf *buf, const char *name) {
  for (; *name != '\0'; name++) {
    bool last_dot = *name == '.' && (name[1] == '/' || name[1] == '\0');
    bool plain = *name == '/' || (is_plain(*name) && !last_dot);
    if (!(plain ? dl__buf_add(buf, name, 1) : add_escaped(buf, *name))) return false;
  }
  return true;
}

bool dl__azure_url_add_key(dl__buf *buf, const char *prefix, const char *key) {
  return add_name(buf, prefix) && add_name(buf, key);
}

bool dl__azure_url_add_value(dl__buf *buf, const char *value) {
  for (; *value != '\0'; value++) {
    if (!(is_plain(*value) ? dl__buf_add(buf, value, 1) : add_escaped(buf, *value))) return false;
  }
  return true;
}
