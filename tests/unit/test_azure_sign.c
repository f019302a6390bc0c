/* Signatures: the strings of "Authorize with Shared Key", one request that Azurite took,
 * and signatures made by another program. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "storage/azure_auth.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* The emulator's, which everybody knows. */
#define KEY                                                                                        \
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

#define DATE     "x-ms-date: Fri, 26 Jun 2015 23:39:12 GMT"
#define VERSION  "x-ms-version: 2015-02-21"
#define MS_LINES "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
#define EMPTY_9  "\n\n\n\n\n\n\n\n\n"
#define EMPTY_12 EMPTY_9 "\n\n\n"

typedef const char *const lines[12];

/* signature: of python3,
 *   import base64, hashlib, hmac
 *   base64.b64encode(hmac.new(base64.b64decode(KEY), TEXT.encode(), hashlib.sha256).digest())
 * but for the request to Azurite, whose signature is that of the JavaScript SDK. */
static const struct {
  const char *about;
  const char *account, *method, *path;
  lines query;
  lines headers;
  uint64_t length;
  const char *text;
  const char *signature;
} cases[] = {
    {"the page's Get Container Metadata",
     "myaccount",
     "GET",
     "/mycontainer",
     {"restype", "container", "comp", "metadata", "timeout", "20"},
     {DATE, VERSION},
     0,
     "GET" EMPTY_12 MS_LINES "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20",
     "1u9lui2jDxj0+fpbHjQ5m5NnastJRSYM+PSmfi8TXx4="},
    {"the page's Create Container: the length is not there when it is 0",
     "myaccount",
     "PUT",
     "/mycontainer",
     {"restype", "container", "timeout", "30"},
     {DATE, VERSION},
     0,
     "PUT" EMPTY_12 MS_LINES "/myaccount/mycontainer\nrestype:container\ntimeout:30",
     NULL},
    {"the page's List Blobs: values of one name are joined",
     "myaccount",
     "GET",
     "/mycontainer",
     {"restype", "container", "comp", "list", "include", "snapshots", "include", "metadata",
      "include", "uncommittedblobs"},
     {DATE, VERSION},
     0,
     "GET" EMPTY_12 MS_LINES "/myaccount/mycontainer\ncomp:list\ninclude:metadata,snapshots,"
     "uncommittedblobs\nrestype:container",
     NULL},
    {"List Containers: the path is /",
     "myaccount",
     "GET",
     "/",
     {"comp", "list"},
     {DATE, VERSION},
     0,
     "GET" EMPTY_12 MS_LINES "/myaccount/\ncomp:list",
     "50/jBo1FiKZ/fGm1D+cmcfX2dhs7IMHVve2TIXFYWK8="},
    {"Put Blob: metadata of the page's example, and a body",
     "myaccount",
     "PUT",
     "/mycontainer/hello.txt",
     {NULL},
     {"x-ms-blob-type: BlockBlob", "Content-Type: text/plain; charset=UTF-8", "x-ms-meta-m2: v2",
      "x-ms-version: 2021-12-02", DATE, "x-ms-meta-m1: v1"},
     11,
     "PUT\n\n\n11\n\ntext/plain; charset=UTF-8\n\n\n\n\n\n\nx-ms-blob-type:BlockBlob\n"
     "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-meta-m1:v1\nx-ms-meta-m2:v2\n"
     "x-ms-version:2021-12-02\n/myaccount/mycontainer/hello.txt",
     "+3a9fq2lSnsP2uslRBRLnzNVuWag5jSg+4LmBZcIjz4="},
    {"a request that Azurite took: the account twice",
     "devstoreaccount1",
     "DELETE",
     "/devstoreaccount1/test-og-images-d51d37d5-3f15-4aa5-a707-b90a0081010f",
     {"restype", "container"},
     {"x-ms-client-request-id: 8eb16762-0585-4cfb-b19c-2bc14c01ac84", "x-ms-version: 2022-11-02",
      "x-ms-date: Sat, 27 May 2023 14:48:31 GMT"},
     0,
     "DELETE" EMPTY_12 "x-ms-client-request-id:8eb16762-0585-4cfb-b19c-2bc14c01ac84\n"
     "x-ms-date:Sat, 27 May 2023 14:48:31 GMT\nx-ms-version:2022-11-02\n"
     "/devstoreaccount1/devstoreaccount1/test-og-images-d51d37d5-3f15-4aa5-a707-b90a0081010f\n"
     "restype:container",
     "QWGhSZroOflyLOYur8w6uKeUgYs4IhiM98sJSg+Amxg="},
    {"Put Block: the path as sent, the query decoded",
     "devstoreaccount1",
     "PUT",
     "/devstoreaccount1/logs/host%201/events/a%2B%25.jsonl",
     {"comp", "block", "blockid", "QQ+/=="},
     {"If-Match: \"0x8D\"", "Content-MD5: XrY7u+Ae7tCTyyK7j1rNww==",
      "Content-Type: application/octet-stream", "Range: bytes=0-9", "User-Agent: devlog",
      "x-ms-date: Sun, 22 Nov 2026 17:00:00 GMT", "x-ms-version: 2021-12-02"},
     4194304,
     "PUT\n\n\n4194304\nXrY7u+Ae7tCTyyK7j1rNww==\napplication/octet-stream\n\n\n\"0x8D\"\n\n\n"
     "bytes=0-9\nx-ms-date:Sun, 22 Nov 2026 17:00:00 GMT\nx-ms-version:2021-12-02\n"
     "/devstoreaccount1/devstoreaccount1/logs/host%201/events/a%2B%25.jsonl\nblockid:QQ+/==\n"
     "comp:block",
     "3IX4B2AhkCPE6k2JAZRL9YIqaEmZ1RV2Bp57XB+4SwY="},
    {"every header has its line",
     "a",
     "GET",
     "/c",
     {NULL},
     {"Range: r", "If-Unmodified-Since: iu", "If-None-Match: *", "If-Match: im",
      "If-Modified-Since: is", "Date: d", "Content-Type: t", "Content-MD5: m",
      "Content-Language: l", "Content-Encoding: e", "Content-Length: 77"},
     UINT64_MAX,
     "GET\ne\nl\n18446744073709551615\nm\nt\nd\nis\nim\n*\niu\nr\n/a/c",
     NULL},
    {"names in any case, spaces around values, empty values",
     "a",
     "GET",
     "/c",
     {"RestType", "", "COMP", "List", "b", "x"},
     {"X-MS-B:   two words \t", "content-TYPE:\tt ", "x-ms-A:", "x-ms-a0: 0", "x-msx: no",
      "range:", "Not-Signed: x-ms-c: 1"},
     0,
     "GET\n\n\n\n\nt"
     "\n\n\n\n\n\n\n"
     "x-ms-a:\nx-ms-a0:0\nx-ms-b:two words\n/a/c\nb:x\n"
     "comp:List\nresttype:",
     NULL},
    {"a value with a colon, a line that is no header",
     "a",
     "GET",
     "/c",
     {"prefix", "a:b\nc,d"},
     {"x-ms-x: a:b", "x-ms-nothing", "x-ms-client: c"},
     0,
     "GET" EMPTY_12 "x-ms-client:c\nx-ms-x:a:b\n/a/c\nprefix:a:b\nc,d",
     NULL},
    {"nothing at all", "a", "GET", "/", {NULL}, {NULL}, 0, "GET" EMPTY_12 "/a/", NULL},
};

static dl__azure_call call_of(int i) {
  return (dl__azure_call){cases[i].method, cases[i].path, cases[i].query, NULL, cases[i].length};
}

START_TEST(string_to_sign) {
  dl__buf text = {0};
  dl__azure_call call = call_of(_i);
  ck_assert_int_eq(
      dl__azure_string_to_sign(cases[_i].account, &call, cases[_i].headers, &text, NULL), DL_OK);
  ck_assert_msg(strcmp(text.data, cases[_i].text) == 0, "%s: %s", cases[_i].about, text.data);
  dl__buf_clear(&text);
}
END_TEST

START_TEST(signature) {
  dl__buf out = {0};
  unsigned char key[DL__BASE64_ROOM(sizeof KEY)];
  size_t size = 0;
  dl__azure_call call = call_of(_i);
  if (cases[_i].signature == NULL) return;
  ck_assert(dl__base64_decode(KEY, strlen(KEY), key, &size));
  ck_assert(dl__buf_add_text(&out, "<"));
  ck_assert_int_eq(
      dl__azure_sign(cases[_i].account, key, size, &call, cases[_i].headers, &out, NULL), DL_OK);
  ck_assert_str_eq(out.data + 1, cases[_i].signature);
  dl__buf_clear(&out);
}
END_TEST

START_TEST(no_query) {
  dl__buf text = {0};
  dl__azure_call call = {"GET", "/c", NULL, NULL, 0};
  const char *const headers[] = {NULL};
  ck_assert_int_eq(dl__azure_string_to_sign("a", &call, headers, &text, NULL), DL_OK);
  ck_assert_str_eq(text.data, "GET" EMPTY_12 "/a/c");
  dl__buf_clear(&text);
}
END_TEST

/* Whatever the order of the headers, it is one string. */
START_TEST(order_does_not_matter) {
  static const char *const names[] = {"x-ms-a: 1", "x-ms-ab: 2", "x-ms-a-b: 3", "X-Ms-B: 4",
                                      "Range: 5"};
  const char *expected =
      "GET\n\n\n\n\n\n\n\n\n\n\n5\nx-ms-a:1\nx-ms-a-b:3\nx-ms-ab:2\nx-ms-b:4\n/a/c";
  dl__azure_call call = {"GET", "/c", NULL, NULL, 0};
  for (int order = 0; order < 120; order++) {
    const char *headers[6] = {names[0], names[1], names[2], names[3], names[4], NULL};
    int rest = order;
    for (int i = 4; i > 0; i--) {
      int other = rest % (i + 1);
      rest /= i + 1;
      const char *swapped = headers[i];
      headers[i] = headers[other];
      headers[other] = swapped;
    }
    dl__buf text = {0};
    ck_assert_int_eq(dl__azure_string_to_sign("a", &call, headers, &text, NULL), DL_OK);
    ck_assert_str_eq(text.data, expected);
    dl__buf_clear(&text);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("azure_sign");
  TCase *tcase = tcase_create("azure_sign");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, string_to_sign, 0, COUNT(cases));
  tcase_add_loop_test(tcase, signature, 0, COUNT(cases));
  tcase_add_test(tcase, no_query);
  tcase_add_test(tcase, order_does_not_matter);
  return support_main(suite);
}
