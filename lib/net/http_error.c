/* net/http_error.c: takes a failure of libcurl, gives an error with one line and one
 * advice. Of a URL it shows the host only: the rest may hold a signature. */
#include "net/http_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define SITE_SIZE 256

static void site_of(const char *url, char site[SITE_SIZE]) {
  const char *host = strstr(url, "://");
  size_t length = host != NULL ? (size_t)(host - url) + 3 : 0;
  length += strcspn(url + length, "/?#");
  if (length >= SITE_SIZE) length = SITE_SIZE - 1;
  memcpy(site, url, length);
  site[length] = '\0';
}

dl_status dl__http_fail(const char *url, int http_status, bool passes, const char *what,
                        dl_error *err) {
  char site[SITE_SIZE];
  site_of(url, site);
  dl_error full = DL_ERROR_INIT;
  (void)dl__fail(&full, DL_ERR_NETWORK, NULL, "%s: %s", site, what);
  full.retryable = passes ? 1 : 0;
  full.http_status = http_status;
  dl__error_copy(err, &full);
  return DL_ERR_NETWORK;
}

static dl_status fail_tls(CURLcode code, CURL *curl, const char *url, const char *text,
                          dl_error *err) {
  long number = 0;
  (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
  bool cut = number == ECONNRESET || number == EPIPE || strstr(text, "SSL_ERROR_SYSCALL") != NULL ||
             strstr(text, "unexpected eof") != NULL;
  if (code == CURLE_SSL_CONNECT_ERROR && cut) {
    return dl__http_fail(url, 0, true, "the connection broke; try again later", err);
  }
  char what[CURL_ERROR_SIZE + 128];
  const char *advice =
      "it is not certain who answers there; check the URL, the clock and the proxy";
  if (code == CURLE_SSL_CONNECT_ERROR) advice = "no common form of TLS, or no TLS server";
  (void)snprintf(what, sizeof what, "no trusted connection (%s); %s",
                 text[0] != '\0' ? text : curl_easy_strerror(code), advice);
  return dl__http_fail(url, 0, false, what, err);
}

static dl_status fail_certificates(const char *ca_file, dl_error *err) {
  return dl__fail(err, DL_ERR_CONFIG, ca_file,
                  "remote.ca_file: %s does not hold certificates that can be read",
                  ca_file != NULL ? ca_file : "the system's file");
}

static bool proxy_refused(CURL *curl) {
  long code = 0;
  (void)curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &code);
  return code >= 300;
}

dl_status dl__http_explain(CURLcode code, CURL *curl, const char *url, const char *text,
                           const char *ca_file, dl_error *err) {
  switch ((int)code) {
  case CURLE_OUT_OF_MEMORY:
    return dl__fail_no_memory(err);
  case CURLE_ABORTED_BY_CALLBACK:
    return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
  case CURLE_COULDNT_RESOLVE_HOST:
    return dl__http_fail(url, 0, false, "host not found; check the URL and the network", err);
  case CURLE_COULDNT_RESOLVE_PROXY:
    return dl__http_fail(url, 0, false, "the proxy was not found; check https_proxy", err);
  case CURLE_COULDNT_CONNECT:
    return dl__http_fail(url, 0, true, "cannot connect; check the network, or try later", err);
  case CURLE_OPERATION_TIMEDOUT:
    return dl__http_fail(url, 0, true, "no answer in time; try later, or raise sync.timeout", err);
  case CURLE_SSL_CACERT_BADFILE:
    return fail_certificates(ca_file, err);
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_CERTPROBLEM:
    return fail_tls(code, curl, url, text, err);
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
    if (proxy_refused(curl)) {
      return dl__http_fail(url, 0, false, "the proxy refused; check https_proxy", err);
    }
    return dl__http_fail(url, 0, true, "the connection broke; try again later", err);
  default:
    return dl__http_fail(url, 0, false, text[0] != '\0' ? text : curl_easy_strerror(code), err);
  }
}
