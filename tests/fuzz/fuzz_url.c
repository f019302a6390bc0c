/* fuzz_url.c: any bytes as a URL. What is taken comes out the same when it is put together and
 * read again; what could be a secret is seen. */
#include <limits.h>

#include "base/url.h"
#include "fuzz.h"
#include "storage/azure_url.h"

/* In a URL that was taken, a % begins an escape. */
static void check_escapes(const char *url) {
  for (const char *at = strchr(url, '%'); at != NULL; at = strchr(at + 1, '%')) {
    require(dl__hex_value(at[1]) >= 0 && dl__hex_value(at[2]) >= 0);
  }
}

static void check_file(const char *url) {
  dl_error err = DL_ERROR_INIT;
  dl__buf again = {0};
  char *path = NULL;
  char *back = NULL;
  if (dl__url_file_path(url, &path, &err) != DL_OK) {
    require(path == NULL && err.status == DL_ERR_CONFIG && err.message[0] != '\0');
    return;
  }
  size_t length = strlen(path);
  check_escapes(url);
  require(path[0] == '/' && length < PATH_MAX && (length == 1 || path[length - 1] != '/'));
  require(dl__buf_add_text(&again, "file://") && dl__azure_url_add_key(&again, "", path));
  require(dl__url_file_path(again.data, &back, NULL) == DL_OK && strcmp(path, back) == 0);
  dl__buf_clear(&again);
  free(path);
  free(back);
}

static void check_azure(const char *url) {
  dl_error err = DL_ERROR_INIT;
  dl__azure_url parts, back;
  dl__buf again = {0};
  if (dl__azure_url_parse(url, &parts, &err) != DL_OK) {
    require(parts.endpoint == NULL && parts.prefix == NULL);
    require(err.status == DL_ERR_CONFIG && err.message[0] != '\0');
    return;
  }
  size_t length = strlen(parts.prefix);
  check_escapes(url);
  require(dl__url_has_scheme(url, "https") || dl__url_is_loopback(url));
  require(length == 0 || parts.prefix[length - 1] == '/');
  require(!dl__text_has_control(parts.prefix) && strpbrk(parts.endpoint, "@?#") == NULL);
  require(dl__buf_add_text(&again, parts.endpoint) && dl__buf_add_text(&again, "/") &&
          dl__buf_add_text(&again, parts.container) && dl__buf_add_text(&again, "/") &&
          dl__azure_url_add_key(&again, parts.prefix, ""));
  require(dl__azure_url_parse(again.data, &back, NULL) == DL_OK);
  require(same(parts.endpoint, back.endpoint) && same(parts.account, back.account) &&
          same(parts.container, back.container) && same(parts.prefix, back.prefix) &&
          parts.path_style == back.path_style);
  dl__buf_clear(&again);
  dl__azure_url_clear(&parts);
  dl__azure_url_clear(&back);
}

static void check_secrets(const char *url) {
  char *signed_url = joined(url, "?sig=a");
  char *user = joined("https://user:word@", url);
  if (dl__url_is_formed(url)) require(dl__url_has_secret(signed_url));
  require(dl__url_has_secret(user) && !dl__url_is_loopback(user));
  if (dl__url_is_loopback(url)) {
    const char *host = strstr(url, "://") + 3;
    size_t length = strcspn(host, "/?#");
    require(dl__url_is_formed(url) && memchr(host, '@', length) == NULL);
  }
  free(signed_url);
  free(user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *url = text_of(data, size);
  check_file(url);
  check_azure(url);
  check_secrets(url);
  free(url);
  return 0;
}
