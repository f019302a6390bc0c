/* floor_put.c: takes a PUT, signs it with the key of the account ("Authorize with Shared Key") and
 * sends it over a connection that is kept; returns when the service has answered 201. */
#include "floor.h"

#include <openssl/core_names.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define UPLOAD_BUFFER (512L * 1024)
#define DATE_SIZE     64
#define VERSION       "2021-12-02"

#define SET(option, value) must(curl_easy_setopt(c->curl, option, value) == CURLE_OK, #option)

static size_t on_read(char *buf, size_t size, size_t count, void *user) {
  connection *c = user;
  uint64_t left = c->file.end - c->file.offset;
  size_t room = size * count < left ? size * count : (size_t)left;
  ssize_t got = pread(c->file.fd, buf, room, (off_t)c->file.offset);
  if (got < 0 || (got == 0 && room > 0)) return CURL_READFUNC_ABORT;
  c->file.offset += (uint64_t)got;
  return (size_t)got;
}

static size_t on_write(char *data, size_t size, size_t count, void *user) {
  (void)data;
  (void)user;
  return size * count;
}

void connection_open(connection *c, const remote *to, int fd) {
  c->to = to;
  c->file.fd = fd;
  c->curl = curl_easy_init();
  c->md = EVP_MD_CTX_new();
  c->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  c->mac = EVP_MAC_CTX_new(hmac);
  EVP_MAC_free(hmac);
  must(c->curl != NULL && c->md != NULL && c->md5 != NULL && c->mac != NULL, "opening");
  char sha256[] = "SHA256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
                         OSSL_PARAM_construct_end()};
  must(EVP_MAC_init(c->mac, to->key, to->key_bytes, params) == 1, "the key");
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_NOPROXY, "*");
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(CURLOPT_ERRORBUFFER, c->error);
  SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
  SET(CURLOPT_WRITEFUNCTION, on_write);
  SET(CURLOPT_READFUNCTION, on_read);
  SET(CURLOPT_READDATA, c);
}

void connection_close(connection *c) {
  curl_easy_cleanup(c->curl);
  EVP_MAC_CTX_free(c->mac);
  EVP_MD_CTX_free(c->md);
  EVP_MD_free(c->md5);
}

void connection_md5(connection *c, const void *data, size_t size, char base64[BASE64_SIZE]) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  must(EVP_DigestInit_ex2(c->md, c->md5, NULL) == 1 && EVP_DigestUpdate(c->md, data, size) == 1 &&
           EVP_DigestFinal_ex(c->md, digest, &length) == 1,
       "MD5");
  (void)EVP_EncodeBlock((unsigned char *)base64, digest, (int)length);
}

static void sign(connection *c, const put *p, const char *date, char signature[BASE64_SIZE]) {
  const remote *to = c->to;
  char text[TEXT_MAX];
  print(text, sizeof text,
        "PUT\n\n\n%llu\n%s\n\n\n\n\n\n\n\n%s%sx-ms-date:%s\nx-ms-version:" VERSION "\n/%s%s/%s%s",
        (unsigned long long)p->bytes, p->md5, p->own, p->own[0] != '\0' ? "\n" : "", date,
        to->account, to->path, p->name, p->resource);
  unsigned char hmac[EVP_MAX_MD_SIZE];
  size_t length = 0;
  must(EVP_MAC_init(c->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(c->mac, (const unsigned char *)text, strlen(text)) == 1 &&
           EVP_MAC_final(c->mac, hmac, &length, sizeof hmac) == 1,
       "HMAC");
  (void)EVP_EncodeBlock((unsigned char *)signature, hmac, (int)length);
}

__attribute__((format(printf, 2, 3))) static void add_header(struct curl_slist **list,
                                                             const char *format, ...) {
  char line[TEXT_MAX];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  must(length >= 0 && (size_t)length < sizeof line, "a header");
  struct curl_slist *longer = curl_slist_append(*list, line);
  must(longer != NULL, "curl_slist_append");
  *list = longer;
}

/* Without those that libcurl makes up itself. */
static struct curl_slist *make_headers(connection *c, const put *p) {
  char date[DATE_SIZE];
  char signature[BASE64_SIZE];
  struct tm tm;
  time_t now = time(NULL);
  must(gmtime_r(&now, &tm) != NULL, "gmtime_r");
  must(strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0, "strftime");
  sign(c, p, date, signature);
  struct curl_slist *list = NULL;
  add_header(&list, "Expect:");
  add_header(&list, "Accept:");
  add_header(&list, "Content-Type:");
  add_header(&list, "x-ms-date: %s", date);
  add_header(&list, "x-ms-version: " VERSION);
  if (p->own[0] != '\0') add_header(&list, "%s", p->own);
  if (p->md5[0] != '\0') add_header(&list, "Content-MD5: %s", p->md5);
  add_header(&list, "Authorization: SharedKey %s:%s", c->to->account, signature);
  return list;
}

void connection_put(connection *c, const put *p) {
  char url[TEXT_MAX];
  print(url, sizeof url, "%s/%s%s", c->to->url, p->name, p->query);
  struct curl_slist *headers = make_headers(c, p);
  SET(CURLOPT_URL, url);
  SET(CURLOPT_HTTPHEADER, headers);
  SET(CURLOPT_UPLOAD, p->body == NULL ? 1L : 0L);
  if (p->body != NULL) {
    SET(CURLOPT_POSTFIELDS, p->body);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->bytes);
  } else {
    SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)p->bytes);
  }
  SET(CURLOPT_CUSTOMREQUEST, "PUT");
  CURLcode code = curl_easy_perform(c->curl);
  if (code != CURLE_OK) {
    die("%s: %s", url, c->error[0] != '\0' ? c->error : curl_easy_strerror(code));
  }
  long status = 0;
  must(curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK, "the status");
  if (status != 201) die("%s: status %ld", url, status);
  curl_slist_free_all(headers);
}
