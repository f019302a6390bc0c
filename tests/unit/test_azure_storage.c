/* The slots of the azure storage, and a small server that answers what a test says. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <devlog/devlog.h>

#include "support/answerer.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define KEY       "a2V5IG9mIHRoZSB0ZXN0cw=="
#define CONTENT   "content"
#define MD5       "Content-MD5: mgNkuembtIDdJeHwKEyFVQ==\r\n" /* of CONTENT */
#define OTHER_MD5 "Content-MD5: sy1z5W7Jm8Xsj4OHHN5wig==\r\n"
#define TIMEOUT_S 4

/* ---- the client ---- */

static const dl_storage *storage;
static dl_error err;
static char taken[256];
static size_t taken_size;

static void open_storage(void) {
  char url[96];
  dl_config *config;
  (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/devstoreaccount1/logs", fake.port);
  ck_assert_int_eq(dl_config_new(&config, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "remote.url", url, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "sync.timeout", "4", NULL), DL_OK);
  dl_status status = dl_storage_create(config, &storage, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  dl_config_free(config);
}

static void setup(void) {
  ck_assert_int_eq(setenv("AZURE_STORAGE_KEY", KEY, 1), 0);
  ck_assert_int_eq(unsetenv("http_proxy"), 0);
  ck_assert_int_eq(unsetenv("all_proxy"), 0);
  ck_assert_int_eq(unsetenv("ALL_PROXY"), 0);
  err = (dl_error)DL_ERROR_INIT;
  start_fake();
  open_storage();
}

static void teardown(void) {
  dl_storage_close(storage);
  stop_fake();
}

static dl_status take(void *user, const void *data, size_t size, dl_error *e) {
  (void)user;
  if (size >= sizeof taken - taken_size) return dl_error_set(e, DL_ERR_STORAGE, NULL, "too much");
  memcpy(taken + taken_size, data, size);
  taken_size += size;
  return DL_OK;
}

static dl_status get(uint64_t offset, uint64_t length) {
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = "a.md";
  request.offset_bytes = offset;
  request.length_bytes = length;
  request.write = take;
  memset(taken, 0, sizeof taken);
  taken_size = 0;
  return storage->get(storage->self, &request, &err);
}

/* ---- get ---- */

#define RANGE(value)  "Content-Range: " value "\r\n"
#define REFUSED(code) "x-ms-error-code: " code "\r\n"
#define OUT_OF_RANGE  "416 Range Not Satisfiable"
#define INVALID_RANGE REFUSED("InvalidRange")

typedef struct reading {
  answer answer;
  uint64_t offset_bytes;
  uint64_t length_bytes;
  const char *content; /* NULL: the get fails */
} reading;

static const reading readings[] = {
    {{"206 Partial Content", RANGE("bytes 3-6/7"), "tent", 0}, 3, 2, NULL},
    {{"206 Partial Content", RANGE("bytes 3-3/7"), "t", 0}, 3, 2, NULL},
    {{"206 Partial Content", RANGE("bytes 3-4/7"), "ten", 0}, 3, 2, NULL},
    {{"206 Partial Content", RANGE("bytes 3-5/7"), "ten", 0}, 3, 0, NULL},
    {{"206 Partial Content", RANGE("bytes 3-4/7"), "te", 0}, 0, 0, NULL},
    {{"204 No Content", NULL, "", 0}, 0, 0, NULL},
    {{"201 Created", NULL, "abc", 0}, 0, 0, NULL},
    {{"200 OK", NULL, CONTENT, 0}, 0, 0, CONTENT},
    {{"200 OK", MD5, CONTENT, 0}, 0, 0, CONTENT},
    {{"200 OK", OTHER_MD5, CONTENT, 0}, 0, 0, NULL},
    {{"200 OK", MD5, "Content", 0}, 0, 0, NULL},
    {{"200 OK", "Content-MD5: none\r\n", CONTENT, 0}, 0, 0, NULL},
    {{"206 Partial Content", RANGE("bytes 3-4/7"), "te", 0}, 3, 2, "te"},
    {{"206 Partial Content", RANGE("bytes 3-6/7"), "tent", 0}, 3, 0, "tent"},
    {{"200 OK", NULL, CONTENT, 0}, 3, 2, NULL},
    {{"200 OK", MD5, CONTENT, 0}, 3, 0, NULL},
    {{"200 OK", RANGE("bytes 3-4/7"), "te", 0}, 3, 2, NULL},
    {{"206 Partial Content", NULL, "te", 0}, 3, 2, NULL},
    {{"206 Partial Content", RANGE("bytes 2-3/7"), "nt", 0}, 3, 2, NULL},
    {{"206 Partial Content", RANGE("bytes 30-31/70"), "nt", 0}, 3, 2, NULL},
    {{"206 Partial Content", RANGE("3-4/7"), "te", 0}, 3, 2, NULL},
    {{OUT_OF_RANGE, INVALID_RANGE, "", 0}, 9, 2, ""},
    {{OUT_OF_RANGE, INVALID_RANGE, "", 0}, 9, 0, ""},
    {{OUT_OF_RANGE, NULL, "", 0}, 9, 2, NULL},
    {{OUT_OF_RANGE, REFUSED("Other"), "", 0}, 9, 0, NULL},
    {{OUT_OF_RANGE, "x-ms-request-id:\r\n" REFUSED("Other"), "", 0}, 9, 2, NULL},
    {{OUT_OF_RANGE, INVALID_RANGE, "", 0}, 0, 0, NULL}, /* nobody asked for a range */
    {{"400 Bad Request", INVALID_RANGE, "", 0}, 9, 2, NULL},
};

START_TEST(answers_to_a_get) {
  const reading *r = &readings[_i];
  plan(r->answer);
  dl_status status = get(r->offset_bytes, r->length_bytes);
  ck_assert_int_eq(requests(NULL), 1);
  if (r->content == NULL) {
    ck_assert_int_ne(status, DL_OK);
    ck_assert_int_eq(err.status, status);
  } else {
    ck_assert_msg(status == DL_OK, "%s", err.message);
    ck_assert_str_eq(taken, r->content);
  }
}
END_TEST

/* ---- list ---- */

#define LISTING(blobs)                                                                             \
  "<EnumerationResults><Blobs>" blobs "</Blobs><NextMarker/></EnumerationResults>"
#define BLOB(etag)                                                                                 \
  "<Blob><Name>a.md</Name><Properties><Content-Length>7</Content-Length><Etag>" etag               \
  "</Etag></Properties></Blob>"
#define ENCODED(name)                                                                              \
  "<Blob><Name Encoded=\"true\">" name                                                             \
  "</Name><Properties><Content-Length>7</Content-Length></Properties></Blob>"

static const answer too_large = {"200 OK", NULL, "                                ", 17 << 15};

typedef struct found {
  int objects;
  char etag[DL_ETAG_SIZE];
  char key[32];
  bool foreign;
} found;

static int note(const dl_object *object, void *user) {
  found *f = user;
  f->objects++;
  (void)snprintf(f->etag, sizeof f->etag, "%s", object->etag != NULL ? object->etag : "");
  (void)snprintf(f->key, sizeof f->key, "%s", object->key);
  f->foreign = object->foreign != 0;
  return 0;
}

static dl_status list(found *f) {
  *f = (found){0};
  return storage->list(storage->self, "", note, f, &err);
}

START_TEST(too_large_a_page_is_asked_for_in_smaller_ones) {
  found f;
  plan(too_large);
  plan((answer){"200 OK", NULL, LISTING(BLOB("0x1")), 0});
  dl_status status = list(&f);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_int_eq(f.objects, 1);
  ck_assert_str_eq(f.etag, "0x1");
  ck_assert_int_eq(requests(NULL), 2);
  ck_assert_int_eq(requests("maxresults=5000 HTTP"), 1);
  ck_assert_int_eq(requests("maxresults=500 HTTP"), 1);
}
END_TEST

START_TEST(pages_that_stay_too_large) {
  found f;
  plan(too_large);
  ck_assert_int_eq(list(&f), DL_ERR_NETWORK);
  ck_assert_int_eq(requests(NULL), 3);
  ck_assert_int_eq(requests("maxresults="), 3);
}
END_TEST

/* ---- put ---- */

static dl_status put(uint64_t size, const char *if_match, dl_read_fn read) {
  static const uint8_t md5[16] = {0};
  dl_put_request request = DL_PUT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  request.key = "a.md";
  request.size_bytes = size;
  request.if_match = if_match;
  request.md5 = md5; /* so that it is read only once, for the wire */
  request.read = read;
  return storage->put(storage->self, &request, &result, &err);
}

#define SMALL ((uint64_t)1000)
#define LARGE ((uint64_t)1024 * 1024)

/* Ends before half of LARGE. */
static dl_status read_half(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                           dl_error *e) {
  (void)user;
  (void)e;
  *got = offset < LARGE / 2 ? size : 0;
  memset(buf, 'x', *got);
  return DL_OK;
}

static dl_status read_nothing(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                              dl_error *e) {
  (void)user;
  (void)offset;
  (void)buf;
  (void)size;
  (void)e;
  *got = 0;
  return DL_OK;
}

static dl_status read_too_much(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                               dl_error *e) {
  dl_status status = read_half(user, offset, buf, size, got, e);
  *got = size + 1;
  return status;
}

static double seconds(void) {
  struct timespec now;
  ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(content_that_ends_early) {
  static const dl_read_fn reads[] = {read_half, read_nothing, read_too_much};
  plan((answer){"500 Internal", NULL, "", 0});
  double start = seconds();
  ck_assert_int_eq(put(LARGE, NULL, reads[_i]), DL_ERR_STORAGE);
  ck_assert_int_eq(err.status, DL_ERR_STORAGE);
  ck_assert_int_eq(err.retryable, 0);
  ck_assert(seconds() - start < TIMEOUT_S / 2.0);
}
END_TEST

START_TEST(small_content_that_is_none) {
  plan((answer){"500 Internal", NULL, "", 0});
  ck_assert_int_eq(put(SMALL, NULL, read_nothing), DL_ERR_STORAGE);
  ck_assert_int_eq(requests(NULL), 0);
}
END_TEST

/* ---- what others write into headers ---- */

static const char *const bad_etags[] = {
    "1\r\nX-Injected: 1",
    "1\nX-Injected: 1",
    "1\rX-Injected: 1",
    "1\"\r\nX-Injected: \"1",
    "1\", \"2",
    "*",
    "",
    "\t1",
    "1\x7f",
};

START_TEST(an_etag_that_is_none_is_not_sent) {
  plan((answer){"500 Internal", NULL, "", 0});
  ck_assert_int_eq(put(SMALL, bad_etags[_i], read_half), DL_ERR_CONFLICT);
  ck_assert_int_eq(requests(NULL), 0);
}
END_TEST

static const char *const bad_listings[] = {
    LISTING(BLOB("1&#13;&#10;X-Injected: 1")),
    LISTING(BLOB("1&#10;X-Injected: 1")),
    LISTING(BLOB("\"1&#13;&#10;X-Injected: 1\"")),
    LISTING(BLOB("1\"&#13;&#10;X-Injected: \"1")),
    LISTING(BLOB("1\nX-Injected: 1")),
};

static const struct {
  const char *listing, *key;
  bool foreign;
} encoded[] = {
    {LISTING(ENCODED("a%2emd")), "a.md", false},
    {LISTING(ENCODED("a.md%00.exe")), "a.md%00.exe", true},
    {LISTING(ENCODED("%00a.md")), "%00a.md", true},
    {LISTING(ENCODED("a%2500")), "a%00", true},
    {LISTING(ENCODED("a%zz%2%")), "a%zz%2%", false},
};

/* The part of a name in front of a NUL is the name of something else. */
START_TEST(a_name_of_a_listing_is_taken_whole) {
  found f;
  plan((answer){"200 OK", NULL, encoded[_i].listing, 0});
  ck_assert_int_eq(list(&f), DL_OK);
  ck_assert_int_eq(f.objects, 1);
  ck_assert_str_eq(f.key, encoded[_i].key);
  ck_assert_int_eq(f.foreign, encoded[_i].foreign);
}
END_TEST

/* The conditional put that a push makes of it. */
START_TEST(an_etag_of_a_listing_begins_no_header) {
  found f;
  plan((answer){"200 OK", NULL, bad_listings[_i], 0});
  ck_assert_int_eq(list(&f), DL_OK);
  ck_assert_int_eq(f.objects, 1);
  ck_assert_str_eq(f.etag, "");
  plan((answer){"412 Precondition Failed", REFUSED("ConditionNotMet"), "", 0});
  ck_assert_int_eq(put(SMALL, f.etag, read_half), DL_ERR_CONFLICT);
  ck_assert_int_eq(requests("X-Injected"), 0);
}
END_TEST

/* ---- a host that uses libcurl itself ---- */

static atomic_int allocations; /* by the host's own functions */

static void *host_malloc(size_t size) {
  atomic_fetch_add(&allocations, 1);
  return malloc(size);
}

static void *host_calloc(size_t count, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return calloc(count, size);
}

static void host_free(void *data) {
  free(data);
}

static void *host_realloc(void *data, size_t size) {
  return realloc(data, size);
}

static char *host_strdup(const char *text) {
  return strdup(text);
}

static size_t ignore(char *data, size_t size, size_t count, void *user) {
  (void)data;
  (void)user;
  return size * count;
}

static void host_request(CURL *curl) {
  char url[64];
  long status = 0;
  (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/host", fake.port);
  ck_assert_int_eq(curl_easy_setopt(curl, CURLOPT_URL, url), CURLE_OK);
  ck_assert_int_eq(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore), CURLE_OK);
  ck_assert_int_eq(curl_easy_perform(curl), CURLE_OK);
  ck_assert_int_eq(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status), CURLE_OK);
  ck_assert_int_eq(status, 200);
}

/* libcurl forgets the host's functions if its count of users falls to none. */
/* ---- a SAS that has ended by our clock ---- */

/* Another storage, with a SAS. */
static void log_in_by_sas(const char *sas) {
  dl_storage_close(storage);
  ck_assert_int_eq(unsetenv("AZURE_STORAGE_KEY"), 0);
  ck_assert_int_eq(setenv("AZURE_STORAGE_SAS_TOKEN", sas, 1), 0);
  open_storage();
  ck_assert_int_eq(unsetenv("AZURE_STORAGE_SAS_TOKEN"), 0);
}

/* The clock of the service counts. */
START_TEST(a_sas_that_has_ended_for_us_only) {
  found f = {0};
  log_in_by_sas("sv=1&se=2020-01-01T00%3A00%3A00Z&sig=x");
  plan((answer){"200 OK", "Date: Tue, 31 Dec 2019 00:00:00 GMT\r\n",
                "<EnumerationResults><Blobs/></EnumerationResults>", 0});
  dl_status status = list(&f);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_int_eq(requests(NULL), 1);
}
END_TEST

static const struct {
  const char *status, *headers;
  bool ended;
} ends[] = {
    {"403 Forbidden", "x-ms-error-code: AuthenticationFailed\r\n", true},
    {"403 Forbidden", "x-ms-error-code: AuthorizationFailure\r\n", true},
    {"401 Unauthorized", NULL, true},
    {"403 Forbidden", "Date: Wed, 01 Jan 2020 00:00:01 GMT\r\n", true},
    {"403 Forbidden", "Date: Tue, 31 Dec 2019 00:00:00 GMT\r\n", false},
    {"403 Forbidden", "Date: garbage\r\n", true},
    {"404 Not Found", "x-ms-error-code: ContainerNotFound\r\n", false},
};

START_TEST(a_sas_that_has_ended) {
  found f = {0};
  log_in_by_sas("sv=1&se=2020-01-01T00%3A00%3A00Z&sig=x");
  plan((answer){ends[_i].status, ends[_i].headers, "", 0});
  ck_assert_int_eq(list(&f), ends[_i].status[2] == '4' ? DL_ERR_CONFIG : DL_ERR_AUTH);
  bool told = strstr(err.message, "the SAS ended at 2020-01-01T00:00:00Z") != NULL;
  ck_assert_msg(told == ends[_i].ended, "%s", err.message);
  ck_assert_ptr_null(strstr(err.message, "sig"));
}
END_TEST

static const answer odd_codes[] = {
    {"400 Bad Request", "x-ms-error-code: a\x1b[31mb\r\n", "", 0},
    {"400 Bad Request",
     "x-ms-error-code: a\xc2\x9b"
     "31mb\r\n",
     "", 0},
    {"400 Bad Request", NULL, "<Error><Code>a&#10;b</Code></Error>", 0},
};

/* Whatever a server calls its error, a program can show the message as it is. */
START_TEST(a_code_that_a_terminal_would_obey_is_not_shown) {
  found f;
  plan(odd_codes[_i]);
  ck_assert_int_eq(list(&f), DL_ERR_STORAGE);
  ck_assert_str_eq(err.provider_code, "");
  ck_assert_ptr_null(strpbrk(err.message, "\x1b\x9b\n"));
  ck_assert_ptr_nonnull(strstr(err.message, "HTTP 400"));
}
END_TEST

START_TEST(libcurl_of_the_host_stays_as_it_is) {
  found f;
  dl_storage_close(storage);
  ck_assert_int_eq(curl_global_init_mem(CURL_GLOBAL_DEFAULT, host_malloc, host_free, host_realloc,
                                        host_strdup, host_calloc),
                   CURLE_OK);
  plan((answer){"200 OK", NULL, LISTING(""), 0});
  CURL *curl = curl_easy_init();
  host_request(curl);
  for (int i = 0; i < 2; i++) {
    open_storage();
    ck_assert_int_eq(list(&f), DL_OK);
    dl_storage_close(storage);
  }
  host_request(curl);
  curl_easy_cleanup(curl);
  int before = atomic_load(&allocations);
  curl = curl_easy_init();
  host_request(curl);
  ck_assert_int_gt(atomic_load(&allocations), before);
  curl_easy_cleanup(curl);
  curl_global_cleanup();
  open_storage(); /* and after the host has done with it */
  ck_assert_int_eq(list(&f), DL_OK);
  ck_assert_int_eq(requests("/host"), 3);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("azure_storage");
  TCase *tcase = tcase_create("azure_storage");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_loop_test(tcase, answers_to_a_get, 0, COUNT(readings));
  tcase_add_test(tcase, too_large_a_page_is_asked_for_in_smaller_ones);
  tcase_add_test(tcase, pages_that_stay_too_large);
  tcase_add_loop_test(tcase, content_that_ends_early, 0, 3);
  tcase_add_test(tcase, small_content_that_is_none);
  tcase_add_loop_test(tcase, an_etag_that_is_none_is_not_sent, 0, COUNT(bad_etags));
  tcase_add_loop_test(tcase, an_etag_of_a_listing_begins_no_header, 0, COUNT(bad_listings));
  tcase_add_loop_test(tcase, a_name_of_a_listing_is_taken_whole, 0, COUNT(encoded));
  tcase_add_test(tcase, a_sas_that_has_ended_for_us_only);
  tcase_add_loop_test(tcase, a_sas_that_has_ended, 0, COUNT(ends));
  tcase_add_loop_test(tcase, a_code_that_a_terminal_would_obey_is_not_shown, 0, COUNT(odd_codes));
  tcase_add_test(tcase, libcurl_of_the_host_stays_as_it_is);
  return support_main(suite);
}
