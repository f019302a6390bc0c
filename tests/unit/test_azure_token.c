/* Tokens of identities: a small server plays the services that give them out. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "storage/azure_auth.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define CANARY "c4n4ryS3cr3t"
#define JWT    "eyJhbGciOi.eyJzdWIiOi-_." CANARY
#define NOW    1795348800 /* 2026-11-22T12:00:00Z */

#define TOKEN_REPLY "{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"first\"}"

/* ---- the server ---- */

typedef struct answer {
  int status;
  const char *body;
  const char *header; /* one more line with its \r\n; or NULL */
} answer;

static struct {
  pthread_t thread;
  int fd;
  unsigned port;
  int delay_ms;
  pthread_mutex_t mutex;
  answer answers[8]; /* the last one is given again and again */
  int count, given;
  char request[32768];
} fake = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* What follows `start` (in any case), or NULL. */
static const char *behind(const char *text, const char *start) {
  for (; *text != '\0'; text++) {
    if (strncasecmp(text, start, strlen(start)) == 0) return text + strlen(start);
  }
  return NULL;
}

static bool is_whole(const char *request) {
  const char *end = strstr(request, "\r\n\r\n");
  const char *length = behind(request, "\r\ncontent-length:");
  if (end == NULL) return false;
  return length == NULL || strlen(end + 4) >= strtoul(length, NULL, 10);
}

static void serve(int fd) {
  char head[512];
  size_t size = 0;
  answer a;
  (void)pthread_mutex_lock(&fake.mutex);
  memset(fake.request, 0, sizeof fake.request);
  while (!is_whole(fake.request)) {
    ssize_t got = recv(fd, fake.request + size, sizeof fake.request - 1 - size, 0);
    if (got <= 0) break;
    size += (size_t)got;
  }
  a = fake.answers[fake.given < fake.count ? fake.given : fake.count - 1];
  fake.given++;
  (void)pthread_mutex_unlock(&fake.mutex);
  struct timespec delay = {0, fake.delay_ms * 1000000L};
  (void)nanosleep(&delay, NULL);
  (void)snprintf(head, sizeof head,
                 "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", a.status,
                 strlen(a.body), a.header != NULL ? a.header : "");
  (void)!send(fd, head, strlen(head), MSG_NOSIGNAL);
  (void)!send(fd, a.body, strlen(a.body), MSG_NOSIGNAL);
}

static void *serve_all(void *arg) {
  for (;;) {
    int fd = accept(fake.fd, NULL, NULL);
    if (fd < 0) return arg;
    serve(fd);
    (void)close(fd);
  }
}

static void start_fake(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  fake.count = 0;
  fake.given = 0;
  fake.delay_ms = 0;
  fake.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fake.fd, 0);
  ck_assert_int_eq(bind(fake.fd, (struct sockaddr *)&address, length), 0);
  ck_assert_int_eq(listen(fake.fd, 64), 0);
  ck_assert_int_eq(getsockname(fake.fd, (struct sockaddr *)&address, &length), 0);
  fake.port = ntohs(address.sin_port);
  ck_assert_int_eq(pthread_create(&fake.thread, NULL, serve_all, NULL), 0);
}

static void stop_fake(void) {
  (void)shutdown(fake.fd, SHUT_RDWR);
  ck_assert_int_eq(pthread_join(fake.thread, NULL), 0);
  ck_assert_int_eq(close(fake.fd), 0);
}

static void plan(int status, const char *body) {
  (void)pthread_mutex_lock(&fake.mutex);
  fake.answers[fake.count++] = (answer){status, body, NULL};
  (void)pthread_mutex_unlock(&fake.mutex);
}

/* How many requests came; and the last of them. */
static int requests(char last[sizeof fake.request]) {
  (void)pthread_mutex_lock(&fake.mutex);
  int given = fake.given;
  if (last != NULL) memcpy(last, fake.request, sizeof fake.request);
  (void)pthread_mutex_unlock(&fake.mutex);
  return given;
}

/* ---- the client ---- */

static char *home;
static char last[sizeof fake.request];
static dl__http *http;
static dl__azure_url url;
static dl__azure_auth *auth;
static dl_error err;

static void set(const char *name, const char *value) {
  ck_assert_int_eq(setenv(name, value, 1), 0);
}

static void set_endpoint(const char *name, const char *path) {
  char text[64];
  (void)snprintf(text, sizeof text, "http://127.0.0.1:%u%s", fake.port, path);
  set(name, text);
}

static void setup(void) {
  static const dl__http_settings settings = {NULL, 5};
  static const char *const unset[] = {"AZURE_STORAGE_CONNECTION_STRING",
                                      "AZURE_STORAGE_SAS_TOKEN",
                                      "AZURE_ACCOUNT_SAS",
                                      "AZURE_STORAGE_KEY",
                                      "AZURE_STORAGE_ACCOUNT_KEY",
                                      "AZURE_STORAGE_ACCESS_KEY",
                                      "AZURE_ACCOUNT_KEY",
                                      "AZURE_TENANT_ID",
                                      "AZURE_CLIENT_ID",
                                      "AZURE_FEDERATED_TOKEN_FILE",
                                      "AZURE_AUTHORITY_HOST",
                                      "IDENTITY_ENDPOINT",
                                      "IDENTITY_HEADER",
                                      "AZURE_USE_MSI",
                                      "AZURE_POD_IDENTITY_AUTHORITY_HOST"};
  for (int i = 0; i < COUNT(unset); i++) ck_assert_int_eq(unsetenv(unset[i]), 0);
  set("http_proxy", "http://127.0.0.1:1"); /* nobody there: it must not be asked */
  set("all_proxy", "http://127.0.0.1:1");
  home = support_tmpdir();
  err = (dl_error)DL_ERROR_INIT;
  start_fake();
  ck_assert_int_eq(dl__http_new(&settings, &http, &err), DL_OK);
  ck_assert_int_eq(dl__azure_url_parse("https://acct.blob.core.windows.net/logs", &url, &err),
                   DL_OK);
}

static void teardown(void) {
  dl__azure_auth_free(auth);
  auth = NULL;
  dl__azure_url_clear(&url);
  dl__http_free(http);
  stop_fake();
  support_rmdir(home);
}

static void open_auth(void) {
  dl_status status = dl__azure_auth_new(NULL, &url, http, &auth, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_int_eq(dl__azure_auth_kind_of(auth), DL__AZURE_TOKEN);
  ck_assert_ptr_null(strstr(dl__azure_auth_describe(auth), CANARY));
  ck_assert_int_eq(requests(NULL), 0);
}

static void use_workload(void) {
  char *path = support_path(home, "token");
  support_write(home, "token", JWT "\n");
  set("AZURE_TENANT_ID", "my.tenant");
  set("AZURE_CLIENT_ID", "my-client");
  set("AZURE_FEDERATED_TOKEN_FILE", path);
  set_endpoint("AZURE_AUTHORITY_HOST", "/");
  free(path);
  open_auth();
}

static void use_app_service(const char *path) {
  set_endpoint("IDENTITY_ENDPOINT", path);
  set("IDENTITY_HEADER", CANARY);
  open_auth();
}

static void use_machine(void) {
  set_endpoint("AZURE_POD_IDENTITY_AUTHORITY_HOST", "");
  set("AZURE_USE_MSI", "1");
  open_auth();
}

static dl_status apply(int64_t now_s, dl__buf *headers) {
  dl__azure_call call = {"GET", "/logs", NULL, NULL, 0};
  dl__buf query = {0};
  dl_status status = dl__azure_auth_apply(auth, &call, now_s, headers, &query, &err);
  ck_assert_uint_eq(query.length, 0);
  return status;
}

/* A request at that time carries this token, and so many were asked for until then. */
static void expect(int64_t now_s, const char *token, int asked) {
  dl__buf headers = {0};
  char line[64];
  dl_status status = apply(now_s, &headers);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  (void)snprintf(line, sizeof line, "\nAuthorization: Bearer %s\n", token);
  ck_assert_msg(strstr(headers.data, line) != NULL, "%s", headers.data);
  ck_assert_ptr_nonnull(strstr(headers.data, "x-ms-date: "));
  ck_assert_ptr_nonnull(strstr(headers.data, "\nx-ms-version: "));
  dl__buf_clear(&headers);
  ck_assert_int_eq(requests(last), asked);
}

static void expect_failure(int64_t now_s, dl_status status, const char *words) {
  dl__buf headers = {0};
  dl_status got = apply(now_s, &headers);
  ck_assert_msg(got == status, "%s: %s", dl_status_name(got), err.message);
  ck_assert_int_eq(err.status, status);
  ck_assert_msg(strstr(err.message, words) != NULL, "'%s' is not in: %s", words, err.message);
  ck_assert_msg(strstr(err.message, CANARY) == NULL, "secret in: %s", err.message);
  ck_assert_ptr_null(strstr(err.provider_code, CANARY));
  dl__buf_clear(&headers);
}

static bool starts(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

/* ---- requests ---- */

START_TEST(workload_request) {
  plan(200, TOKEN_REPLY);
  use_workload();
  expect(NOW, "first", 1);
  ck_assert_msg(starts(last, "POST /my.tenant/oauth2/v2.0/token HTTP/1.1\r\n"), "%s", last);
  ck_assert_ptr_nonnull(behind(last, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  ck_assert_str_eq(strstr(last, "\r\n\r\n") + 4,
                   "grant_type=client_credentials&scope=https%3A%2F%2Fstorage.azure.com%2F.default"
                   "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A"
                   "jwt-bearer&client_id=my-client&client_assertion=" JWT);
  expect(NOW + 100, "first", 1);
}
END_TEST

START_TEST(app_service_request) {
  plan(200, "{\"access_token\":\"first\",\"expires_on\":\"1795352400\",\"resource\":\"x\"}");
  use_app_service("/msi/token/");
  expect(NOW, "first", 1);
  ck_assert_msg(starts(last, "GET /msi/token?api-version=2019-08-01&resource="
                             "https%3A%2F%2Fstorage.azure.com%2F HTTP/1.1\r\n"),
                "%s", last);
  ck_assert_ptr_nonnull(behind(last, "\r\nX-IDENTITY-HEADER: " CANARY "\r\n"));
  expect(NOW + 3299, "first", 1); /* the hour is up at NOW + 3600 */
  expect(NOW + 3300, "first", 2);
}
END_TEST

START_TEST(app_service_endpoint_with_a_query) {
  plan(200, TOKEN_REPLY);
  set("AZURE_CLIENT_ID", "my-client");
  use_app_service("/token?a=b");
  expect(NOW, "first", 1);
  ck_assert_msg(starts(last, "GET /token?a=b&api-version=2019-08-01&resource="
                             "https%3A%2F%2Fstorage.azure.com%2F&client_id=my-client HTTP/1.1\r\n"),
                "%s", last);
}
END_TEST

START_TEST(machine_request) {
  plan(200, "{\"access_token\":\"first\",\"expires_in\":\"3600\",\"expires_on\":\"0\"}");
  use_machine();
  expect(NOW, "first", 1);
  ck_assert_msg(starts(last, "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource="
                             "https%3A%2F%2Fstorage.azure.com%2F HTTP/1.1\r\n"),
                "%s", last);
  ck_assert_ptr_nonnull(behind(last, "\r\nMetadata: true\r\n"));
  expect(NOW + 3299, "first", 1);
  expect(NOW + 3300, "first", 2);
}
END_TEST

/* Where plain http is refused for all else. */
START_TEST(machine_at_another_address) {
  char text[64];
  plan(200, TOKEN_REPLY);
  (void)snprintf(text, sizeof text, "http://0.0.0.0:%u/", fake.port);
  set("AZURE_POD_IDENTITY_AUTHORITY_HOST", text);
  set("AZURE_USE_MSI", "true");
  open_auth();
  expect(NOW, "first", 1);
}
END_TEST

/* ---- the life of a token ---- */

#define REPLY(token, life) "{\"access_token\":\"" token "\",\"expires_in\":" life "}"

START_TEST(token_is_replaced_before_its_end) {
  plan(200, REPLY("first", "3600"));
  plan(200, REPLY("second", "3600"));
  use_workload();
  expect(NOW, "first", 1);
  expect(NOW + 3299, "first", 1);
  expect(NOW + 3300, "second", 2);
  expect(NOW + 3300 + 3299, "second", 2);
}
END_TEST

START_TEST(lives_of_all_lengths) {
  static const struct {
    const char *reply;
    int64_t replaced_after_s;
  } cases[] = {
      {REPLY("t", "1"), 1},
      {REPLY("t", "600"), 300},
      {REPLY("t", "601"), 301},
      {REPLY("t", "86400"), 86100},
      {REPLY("t", "9223372036854775807"), 86100},
      {REPLY("t", "0"), 30}, /* not known: 60 s */
      {REPLY("t", "-5"), 30},
      {REPLY("t", "\"soon\""), 30},
      {"{\"access_token\":\"t\"}", 30},
      {"{\"access_token\":\"t\",\"expires_on\":\"1000\"}", 30},
      {"{\"access_token\":\"t\",\"expires_on\":\"9223372036854775807\"}", 86100},
  };
  use_workload();
  plan(200, cases[_i].reply);
  expect(NOW, "t", 1);
  expect(NOW + cases[_i].replaced_after_s - 1, "t", 1);
  expect(NOW + cases[_i].replaced_after_s, "t", 2);
}
END_TEST

START_TEST(old_token_is_good_while_no_new_one_comes) {
  plan(200, REPLY("first", "3600"));
  plan(500, "");
  plan(400, "{}");
  plan(503, "");
  plan(200, REPLY("second", "3600"));
  use_workload();
  expect(NOW, "first", 1);
  expect(NOW + 3300, "first", 2);
  expect(NOW + 3329, "first", 2); /* half a minute of quiet */
  expect(NOW + 3330, "first", 3);
  expect_failure(NOW + 3600, DL_ERR_NETWORK, "no token (HTTP 503)");
  expect(NOW + 3600, "second", 5);
}
END_TEST

START_TEST(refused_token_is_forgotten) {
  plan(200, REPLY("first", "3600"));
  plan(200, REPLY("second", "3600"));
  use_workload();
  ck_assert(dl__azure_auth_refresh(auth)); /* nothing there yet */
  expect(NOW, "first", 1);
  ck_assert(dl__azure_auth_refresh(auth)); /* newer than the one that was refused */
  expect(NOW + 9, "first", 1);
  ck_assert(dl__azure_auth_refresh(auth));
  expect(NOW + 10, "first", 1);
  ck_assert(dl__azure_auth_refresh(auth));
  expect(NOW + 10, "second", 2);
}
END_TEST

START_TEST(assertion_is_read_each_time) {
  plan(200, REPLY("first", "3600"));
  plan(200, REPLY("second", "3600"));
  use_workload();
  expect(NOW, "first", 1);
  support_write(home, "token", "eyJuZXci.x.y");
  expect(NOW + 3300, "second", 2);
  ck_assert_ptr_nonnull(strstr(last, "&client_assertion=eyJuZXci.x.y"));
}
END_TEST

/* ---- failures ---- */

START_TEST(assertion_that_is_none) {
  char large[20000];
  static const char *const texts[] = {
      "", "\n\n", "a b", "a&b=c", CANARY "\nX: y", "a\r\n\r\nb", CANARY "\xc3\xa4"};
  use_workload();
  for (int i = 0; i < COUNT(texts); i++) {
    support_write(home, "token", texts[i]);
    expect_failure(NOW, DL_ERR_AUTH, "does not hold a token (JWT)");
    ck_assert_ptr_nonnull(strstr(err.path, "/token"));
  }
  memset(large, 'a', sizeof large);
  support_write_bytes(home, "token", large, sizeof large);
  expect_failure(NOW, DL_ERR_AUTH, "too large");
  char *path = support_path(home, "token");
  ck_assert_int_eq(unlink(path), 0);
  expect_failure(NOW, DL_ERR_AUTH, "AZURE_FEDERATED_TOKEN_FILE: cannot open ");
  ck_assert_int_eq(err.errno_value, ENOENT);
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  expect_failure(NOW, DL_ERR_AUTH, "not a regular file");
  ck_assert_int_eq(requests(NULL), 0);
  free(path);
}
END_TEST

typedef enum who { WORKLOAD, APP_SERVICE, MACHINE } who;

static const struct {
  who who;
  int http_status;
  const char *body;
  dl_status status;
  const char *words;
  const char *code;
} refusals[] = {
    {WORKLOAD, 401,
     "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS70021: No matching federated "
     "identity record found for presented assertion.\\r\\nTrace ID: 1\"}",
     DL_ERR_AUTH,
     "workload identity of AZURE_CLIENT_ID: no token (HTTP 401, AADSTS70021: No matching federated "
     "identity record found for presented assertion.): check AZURE_TENANT_ID",
     "invalid_client"},
    {WORKLOAD, 400, "{\"error\":\"unauthorized_client\",\"error_description\":\"n\xc3\xb6 \\t\"}",
     DL_ERR_AUTH, "(HTTP 400, n?? ?)", "unauthorized_client"},
    {WORKLOAD, 400, "{\"error\":\"x\",\"error_description\":\"got " JWT "\"}", DL_ERR_AUTH,
     "(HTTP 400): check", "x"},
    {WORKLOAD, 400, "{\"error\":\"" CANARY "&\",\"error_description\":\"an eyJother." CANARY "\"}",
     DL_ERR_AUTH, "(HTTP 400): check", ""},
    {WORKLOAD, 404, "<html>" CANARY "</html>", DL_ERR_AUTH, "(HTTP 404): check", ""},
    {WORKLOAD, 302, "", DL_ERR_AUTH, "(HTTP 302): check", ""},
    {WORKLOAD, 201, TOKEN_REPLY, DL_ERR_AUTH, "(HTTP 201): check", ""},
    {WORKLOAD, 503, "", DL_ERR_NETWORK, "try again later", ""},
    {WORKLOAD, 429, "{}", DL_ERR_NETWORK, "try again later", ""},
    {APP_SERVICE, 400, "{\"statusCode\":400,\"message\":\"No User Assigned Identity\"}",
     DL_ERR_AUTH,
     "managed identity from IDENTITY_ENDPOINT: no token (HTTP 400, No User Assigned Identity): "
     "check that an identity is assigned",
     ""},
    {APP_SERVICE, 403, "{\"error\":\"" CANARY "\",\"message\":\"bad " CANARY "!\"}", DL_ERR_AUTH,
     "(HTTP 403): check", ""},
    {APP_SERVICE, 404, "{}", DL_ERR_AUTH, "(HTTP 404): check", ""},
    {MACHINE, 400,
     "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found: true\"}",
     DL_ERR_AUTH,
     "managed identity of this machine (AZURE_USE_MSI): no token (HTTP 400, Identity not found: "
     "true): check that an identity is assigned",
     "invalid_request"},
    {MACHINE, 404, "{}", DL_ERR_NETWORK, "try again later", ""},
    {MACHINE, 410, "{}", DL_ERR_NETWORK, "try again later", ""},
    {MACHINE, 500, "{", DL_ERR_NETWORK, "try again later", ""},
    /* Replies that are no good though they say so. */
    {WORKLOAD, 200, "", DL_ERR_AUTH, "holds no token", ""},
    {WORKLOAD, 200, "<html>" CANARY "</html>", DL_ERR_AUTH, "holds no token", ""},
    {WORKLOAD, 200, "[\"" CANARY "\"]", DL_ERR_AUTH, "holds no token", ""},
    {WORKLOAD, 200, "{\"access_token\":\"\"}", DL_ERR_AUTH, "holds no token", ""},
    {WORKLOAD, 200, "{\"access_token\":7}", DL_ERR_AUTH, "holds no token", ""},
    {WORKLOAD, 200, "{\"access_token\":\"" CANARY "\\r\\nX: y\"}", DL_ERR_AUTH, "holds no token",
     ""},
    {WORKLOAD, 200, "{\"access_token\":\"a b\"}", DL_ERR_AUTH, "holds no token", ""},
    {MACHINE, 200, "{\"token\":\"" CANARY "\"}", DL_ERR_AUTH, "holds no token", ""},
};

START_TEST(refusal_in_words) {
  plan(refusals[_i].http_status, refusals[_i].body);
  if (refusals[_i].who == WORKLOAD) use_workload();
  if (refusals[_i].who == APP_SERVICE) use_app_service("/token");
  if (refusals[_i].who == MACHINE) use_machine();
  expect_failure(NOW, refusals[_i].status, refusals[_i].words);
  ck_assert_str_eq(err.provider_code, refusals[_i].code);
  ck_assert_uint_eq(err.retryable, refusals[_i].status == DL_ERR_NETWORK);
  if (refusals[_i].http_status != 200) ck_assert_int_eq(err.http_status, refusals[_i].http_status);
  ck_assert_int_eq(requests(NULL), 1); /* to try again is for the one who calls */
  expect_failure(NOW, refusals[_i].status, refusals[_i].words);
  ck_assert_int_eq(requests(NULL), 2);
}
END_TEST

START_TEST(asked_to_wait) {
  plan(429, "{}");
  fake.answers[0].header = "Retry-After: 7\r\n";
  use_machine();
  expect_failure(NOW, DL_ERR_NETWORK, "HTTP 429");
  ck_assert_uint_eq(err.retry_after_ms, 7000);
}
END_TEST

START_TEST(long_words_are_cut) {
  char body[2000] = "{\"error_description\":\"";
  size_t length = strlen(body);
  memset(body + length, 'w', 1500);
  memcpy(body + length + 1500, "\"}", 3);
  plan(400, body);
  use_machine();
  expect_failure(NOW, DL_ERR_AUTH, "w): check that an identity is assigned");
  ck_assert_uint_lt(strlen(err.message), 700);
}
END_TEST

START_TEST(nobody_answers) {
  set("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token");
  set("IDENTITY_HEADER", CANARY);
  open_auth();
  expect_failure(NOW, DL_ERR_NETWORK, "managed identity from IDENTITY_ENDPOINT: no token: ");
  ck_assert_uint_eq(err.retryable, 1);
}
END_TEST

START_TEST(error_may_be_null) {
  plan(400, "{}");
  use_machine();
  dl__azure_call call = {"GET", "/logs", NULL, NULL, 0};
  dl__buf headers = {0};
  dl__buf query = {0};
  ck_assert_int_eq(dl__azure_auth_apply(auth, &call, NOW, &headers, &query, NULL), DL_ERR_AUTH);
  dl__buf_clear(&headers);
}
END_TEST

/* ---- threads ---- */

#define THREADS 16

typedef struct worker {
  pthread_t thread;
  dl_status status;
  dl_error error;
  dl__buf headers;
} worker;

static void *work(void *arg) {
  worker *w = arg;
  dl__azure_call call = {"GET", "/logs", NULL, NULL, 0};
  dl__buf query = {0};
  w->error = (dl_error)DL_ERROR_INIT;
  w->status = dl__azure_auth_apply(auth, &call, NOW, &w->headers, &query, &w->error);
  return NULL;
}

static void work_all(worker workers[THREADS]) {
  memset(workers, 0, THREADS * sizeof *workers);
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
}

START_TEST(one_thread_asks_for_all) {
  worker workers[THREADS];
  fake.delay_ms = 300;
  plan(200, TOKEN_REPLY);
  use_workload();
  work_all(workers);
  ck_assert_int_eq(requests(NULL), 1);
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(workers[i].status, DL_OK);
    ck_assert_ptr_nonnull(strstr(workers[i].headers.data, "\nAuthorization: Bearer first\n"));
    dl__buf_clear(&workers[i].headers);
  }
}
END_TEST

START_TEST(one_failure_is_told_to_all) {
  worker workers[THREADS];
  fake.delay_ms = 300;
  plan(400, "{\"error\":\"invalid_client\"}");
  use_workload();
  work_all(workers);
  ck_assert_int_lt(requests(NULL), THREADS / 2); /* 1, but for threads that started late */
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(workers[i].status, DL_ERR_AUTH);
    ck_assert_int_eq(workers[i].error.status, DL_ERR_AUTH);
    ck_assert_str_eq(workers[i].error.provider_code, "invalid_client");
    dl__buf_clear(&workers[i].headers);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("azure_token");
  TCase *tcase = tcase_create("azure_token");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 20);
  tcase_add_test(tcase, workload_request);
  tcase_add_test(tcase, app_service_request);
  tcase_add_test(tcase, app_service_endpoint_with_a_query);
  tcase_add_test(tcase, machine_request);
  tcase_add_test(tcase, machine_at_another_address);
  tcase_add_test(tcase, token_is_replaced_before_its_end);
  tcase_add_loop_test(tcase, lives_of_all_lengths, 0, 11);
  tcase_add_test(tcase, old_token_is_good_while_no_new_one_comes);
  tcase_add_test(tcase, refused_token_is_forgotten);
  tcase_add_test(tcase, assertion_is_read_each_time);
  tcase_add_test(tcase, assertion_that_is_none);
  tcase_add_loop_test(tcase, refusal_in_words, 0, COUNT(refusals));
  tcase_add_test(tcase, asked_to_wait);
  tcase_add_test(tcase, long_words_are_cut);
  tcase_add_test(tcase, nobody_answers);
  tcase_add_test(tcase, error_may_be_null);
  tcase_add_test(tcase, one_thread_asks_for_all);
  tcase_add_test(tcase, one_failure_is_told_to_all);
  return support_main(suite);
}
