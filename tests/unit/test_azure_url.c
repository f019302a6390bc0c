/* Addresses of containers, and names in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <devlog/storage.h>

#include "storage/azure_url.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define CANARY       "c4n4ryS3cr3t"

#define PUBLIC "https://acct.blob.core.windows.net"
#define LABEL  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 61 */

static const struct {
  const char *url;
  const char *endpoint, *account, *container, *prefix;
  bool path_style;
} good[] = {
    {PUBLIC "/logs", PUBLIC, "acct", "logs", "", false},
    {PUBLIC "/logs/", PUBLIC, "acct", "logs", "", false},
    {PUBLIC "/logs///", PUBLIC, "acct", "logs", "", false},
    {PUBLIC "/logs/host1", PUBLIC, "acct", "logs", "host1/", false},
    {PUBLIC "/logs/a/b/", PUBLIC, "acct", "logs", "a/b/", false},
    {PUBLIC "/logs/a%20b/%25/%C3%A4%3F%23", PUBLIC, "acct", "logs", "a b/%/\xc3\xa4?#/", false},
    {PUBLIC "/logs/a b/\xc3\xa4+%2b", PUBLIC, "acct", "logs", "a b/\xc3\xa4++/", false},
    {PUBLIC "/logs/.../.a/a.", PUBLIC, "acct", "logs", ".../.a/a./", false},
    {PUBLIC "/$root", PUBLIC, "acct", "$root", "", false},
    {PUBLIC "/%24root", PUBLIC, "acct", "$root", "", false},
    {PUBLIC "/a-1-b", PUBLIC, "acct", "a-1-b", "", false},
    {PUBLIC "/123", PUBLIC, "acct", "123", "", false},
    {PUBLIC "/aa" LABEL, PUBLIC, "acct", "aa" LABEL, "", false},
    {PUBLIC ":443/logs", PUBLIC ":443", "acct", "logs", "", false},
    {"HTTPS://ACCT.Blob.Core.Windows.NET/logs", PUBLIC, "acct", "logs", "", false},
    {"https://abc.blob.core.chinacloudapi.cn/logs/x", "https://abc.blob.core.chinacloudapi.cn",
     "abc", "logs", "x/", false},
    {"https://abc.blob.core.usgovcloudapi.net/logs", "https://abc.blob.core.usgovcloudapi.net",
     "abc", "logs", "", false},
    {"https://abc.z12.blob.storage.azure.net/logs", "https://abc.z12.blob.storage.azure.net", "abc",
     "logs", "", false},
    {"https://0123456789abcdefghijklmn.blob.x/logs", "https://0123456789abcdefghijklmn.blob.x",
     "0123456789abcdefghijklmn", "logs", "", false},
    {"http://127.0.0.1:10000/devstoreaccount1/logs/h/", "http://127.0.0.1:10000/devstoreaccount1",
     "devstoreaccount1", "logs", "h/", true},
    {"http://localhost:10000/devstoreaccount1/logs", "http://localhost:10000/devstoreaccount1",
     "devstoreaccount1", "logs", "", true},
    {"http://LocalHost/dev/logs", "http://localhost/dev", "dev", "logs", "", true},
    {"http://[::1]:10000/dev/logs/p", "http://[::1]:10000/dev", "dev", "logs", "p/", true},
    {"https://10.0.0.7/dev/logs", "https://10.0.0.7/dev", "dev", "logs", "", true},
    {"https://[2001:db8::1]/dev/logs", "https://[2001:db8::1]/dev", "dev", "logs", "", true},
    {"https://azurite:10000/dev/logs", "https://azurite:10000/dev", "dev", "logs", "", true},
    {"https://localhost:65535/dev/$root", "https://localhost:65535/dev", "dev", "$root", "", true},
};

START_TEST(good_url) {
  dl__azure_url url;
  dl_error err = DL_ERROR_INIT;
  dl_status status = dl__azure_url_parse(good[_i].url, &url, &err);
  ck_assert_msg(status == DL_OK, "%s: %s", good[_i].url, err.message);
  ck_assert_str_eq(url.endpoint, good[_i].endpoint);
  ck_assert_str_eq(url.account, good[_i].account);
  ck_assert_str_eq(url.container, good[_i].container);
  ck_assert_str_eq(url.prefix, good[_i].prefix);
  ck_assert_int_eq(url.path_style, good[_i].path_style);
  dl__azure_url_clear(&url);
  ck_assert_ptr_null(url.endpoint);
  dl__azure_url_clear(&url);
}
END_TEST

static const struct {
  const char *url;
  const char *words;
} bad[] = {
    {"", "https://"},
    {"acct.blob.core.windows.net/logs", "https://"},
    {"ftp://acct.blob.core.windows.net/logs", "https://"},
    {"file:///tmp/logs", "https://"},
    {"https:/acct.blob.core.windows.net/logs", "https://"},
    {"http://acct.blob.core.windows.net/logs", "plain http"},
    {"http://10.0.0.7:10000/dev/logs", "plain http"},
    {"http://azurite:10000/dev/logs", "plain http"},
    {"http://127.0.0.1.example.net/dev/logs", "plain http"},
    {"https://", "host"},
    {"https:///logs", "host"},
    {"https://.net/logs", "host"},
    {"https://acct..net/logs", "host"},
    {"https://acct.net./logs", "host"},
    {"https://ac_ct.net/logs", "host"},
    {"https://ac%63t.net/logs", "host"},
    {"https://acct.net\\.evil.net/logs", "host"},
    {"https://127.1/dev/logs", "host"},
    {"https://2130706433/dev/logs", "host"},
    {"https://0x7f.0.0.1/dev/logs", "host"},
    {"https://127.0.0.256/dev/logs", "host"},
    {"https://acct.127/logs", "host"},
    {"https://[::1/dev/logs", "host"},
    {"https://[]/dev/logs", "host"},
    {"https://[::g]/dev/logs", "host"},
    {"https://[::1%25eth0]/dev/logs", "host"},
    {"https://::1/dev/logs", "host"},
    {"https://" LABEL "." LABEL "." LABEL "." LABEL "." LABEL ".net/logs", "host"},
    {PUBLIC ":/logs", "port"},
    {PUBLIC ":0/logs", "port"},
    {PUBLIC ":65536/logs", "port"},
    {PUBLIC ":123456/logs", "port"},
    {PUBLIC ":44a/logs", "port"},
    {PUBLIC ":-1/logs", "port"},
    {"https://[::1]x/dev/logs", "port"},
    {"https://me:" CANARY "@acct.blob.core.windows.net/logs", "user name"},
    {"https://" CANARY "@acct.blob.core.windows.net/logs", "user name"},
    {PUBLIC "/logs?sv=1&sig=" CANARY, "AZURE_STORAGE_SAS_TOKEN"},
    {PUBLIC "?" CANARY, "AZURE_STORAGE_SAS_TOKEN"},
    {PUBLIC "/logs#" CANARY, "? or #"},
    {PUBLIC, "container"},
    {PUBLIC "/", "container"},
    {PUBLIC "//logs", "two slashes"},
    {PUBLIC "/logs//a", "two slashes"},
    {PUBLIC "/lo", "container"},
    {PUBLIC "/aaa" LABEL, "container"},
    {PUBLIC "/Logs", "container"},
    {PUBLIC "/lo_gs", "container"},
    {PUBLIC "/lo.gs", "container"},
    {PUBLIC "/-logs", "container"},
    {PUBLIC "/logs-", "container"},
    {PUBLIC "/lo--gs", "container"},
    {PUBLIC "/$logs", "container"},
    {PUBLIC "/$root2", "container"},
    {PUBLIC "/lo%0d%0ags", "control"},
    {PUBLIC "/lo%67s/%", "two hex digits"},
    {PUBLIC "/logs/a%4", "two hex digits"},
    {PUBLIC "/logs/a%4g", "two hex digits"},
    {PUBLIC "/logs/a%2Fb", "%2F"},
    {PUBLIC "/logs/a%2fb", "%2F"},
    {PUBLIC "/logs/a%00b", "%00"},
    {PUBLIC "/logs/a%0Ab", "control"},
    {PUBLIC "/logs/a%7Fb", "control"},
    {PUBLIC "/logs/a\nb", "control"},
    {PUBLIC "/logs\r\nX: " CANARY, "control"},
    {PUBLIC "/logs/./a", ". and .."},
    {PUBLIC "/logs/a/..", ". and .."},
    {PUBLIC "/logs/%2e%2E/a", ". and .."},
    {"https://ac.blob.core.windows.net/logs", "account"},
    {"https://0123456789abcdefghijklmno.blob.x/logs", "account"},
    {"https://acct-secondary.blob.core.windows.net/logs", "account"},
    {"https://my-acct.blob.core.windows.net/logs", "account"},
    {"http://127.0.0.1:10000", "account"},
    {"http://127.0.0.1:10000/", "account"},
    {"http://127.0.0.1:10000/dev", "container"},
    {"http://127.0.0.1:10000/dev/", "container"},
    {"http://127.0.0.1:10000/Dev/logs", "account"},
    {"http://127.0.0.1:10000/de%0av/logs", "control"},
    {"http://localhost:10000//dev/logs", "two slashes"},
};

START_TEST(bad_url) {
  dl__azure_url url;
  dl_error err = DL_ERROR_INIT;
  ck_assert_msg(dl__azure_url_parse(bad[_i].url, &url, &err) == DL_ERR_CONFIG, "%s", bad[_i].url);
  ck_assert_msg(strstr(err.message, bad[_i].words) != NULL, "%s: %s", bad[_i].url, err.message);
  ck_assert_msg(strstr(err.message, CANARY) == NULL, "%s", err.message);
  ck_assert_msg(strstr(err.path, CANARY) == NULL, "%s", err.path);
  ck_assert_ptr_null(url.endpoint);
  ck_assert_ptr_null(url.account);
  ck_assert_ptr_null(url.container);
  ck_assert_ptr_null(url.prefix);
  ck_assert_int_eq(dl__azure_url_parse(bad[_i].url, &url, NULL), DL_ERR_CONFIG);
}
END_TEST

START_TEST(prefix_is_bounded) {
  char url[700] = PUBLIC "/logs/";
  dl__azure_url parsed;
  size_t start = strlen(url);
  memset(url + start, 'a', 511);
  ck_assert_int_eq(dl__azure_url_parse(url, &parsed, NULL), DL_OK);
  ck_assert_uint_eq(strlen(parsed.prefix), 512);
  dl__azure_url_clear(&parsed);
  url[start + 511] = 'a';
  ck_assert_int_eq(dl__azure_url_parse(url, &parsed, NULL), DL_ERR_CONFIG);
}
END_TEST

/* ---- names ---- */

/* Undoes percent-encoding, as a server does. */
static char *decode(const char *text) {
  char *out = calloc(1, strlen(text) + 1);
  ck_assert_ptr_nonnull(out);
  for (char *to = out; *text != '\0'; text++) {
    unsigned byte = (unsigned char)*text;
    if (*text == '%') {
      ck_assert_int_eq(sscanf(text, "%%%2X", &byte), 1);
      text += 2;
    }
    *to++ = (char)byte;
  }
  return out;
}

static char *encode(const char *prefix, const char *key) {
  dl__buf buf = {0};
  ck_assert(dl__buf_add(&buf, "", 0));
  ck_assert(dl__azure_url_add_key(&buf, prefix, key));
  return buf.data;
}

static const struct {
  const char *prefix, *key, *text;
} keys[] = {
    {"", "events/20250911.jsonl", "events/20250911.jsonl"},
    {"host 1/", "config.ini", "host%201/config.ini"},
    {"", "AZaz09-_.~x", "AZaz09-_.~x"},
    {"", "a%2Fb", "a%252Fb"},
    {"", "a%00b", "a%2500b"},
    {"", "#?+&=:;,@!$'()*[]", "%23%3F%2B%26%3D%3A%3B%2C%40%21%24%27%28%29%2A%5B%5D"},
    {"", "a\\b", "a%5Cb"},
    {"", "\n\r\t\x01\x7f\xff", "%0A%0D%09%01%7F%FF"},
    {"", " a ", "%20a%20"},
    {"", ".a", ".a"},
    {"", "a.", "a%2E"},
    {"", "...", "..%2E"},
    {"", "a./b../c", "a%2E/b.%2E/c"},
    {"p./", "...", "p%2E/..%2E"},
    {"", "\xc3\xa4", "%C3%A4"},
    {"", "a\xcc\x88", "a%CC%88"},
    {"", "-rf", "-rf"},
    {"", "$(id)", "%24%28id%29"},
};

START_TEST(key_as_text) {
  char *text = encode(keys[_i].prefix, keys[_i].key);
  ck_assert_str_eq(text, keys[_i].text);
  free(text);
}
END_TEST

static const char odd[] = "ab/.%\\ \n\r\t\x01\x7f\xff\xc3\xa4\xcc\x88#?+&2F0\"<>|'~-_";

static unsigned seed = 20250911;

static unsigned next_random(void) {
  seed = seed * 1103515245u + 12345u;
  return seed >> 16;
}

START_TEST(any_key_round_trips) {
  for (int round = 0; round < 20000; round++) {
    char key[40];
    size_t length = next_random() % (sizeof key - 1);
    for (size_t i = 0; i < length; i++) {
      char byte = (char)(1 + next_random() % 255);
      key[i] = round % 2 == 0 ? byte : odd[next_random() % (sizeof odd - 1)];
    }
    key[length] = '\0';
    char *text = encode("", key);
    ck_assert_uint_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                   "-_.~/%"),
                      strlen(text));
    char *back = decode(text);
    ck_assert_str_eq(back, key);
    free(back);
    free(text);
  }
}
END_TEST

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every name of up to three of these characters: no two texts are the same. */
START_TEST(no_two_keys_collide) {
  size_t count = sizeof odd - 1;
  size_t total = 0;
  char **texts = calloc(count * count * count + count * count + count, sizeof *texts);
  ck_assert_ptr_nonnull(texts);
  for (size_t a = 0; a < count; a++) {
    texts[total++] = encode("", (char[]){odd[a], 0});
    for (size_t b = 0; b < count; b++) {
      texts[total++] = encode("", (char[]){odd[a], odd[b], 0});
      for (size_t c = 0; c < count; c++) {
        texts[total++] = encode("", (char[]){odd[a], odd[b], odd[c], 0});
      }
    }
  }
  qsort(texts, total, sizeof *texts, compare_texts);
  for (size_t i = 1; i < total; i++) ck_assert_str_ne(texts[i - 1], texts[i]);
  for (size_t i = 0; i < total; i++) free(texts[i]);
  free(texts);
}
END_TEST

START_TEST(longest_key) {
  char key[DL_KEY_MAX + 1];
  memset(key, '\xff', DL_KEY_MAX);
  key[DL_KEY_MAX] = '\0';
  char *text = encode("p/", key);
  ck_assert_uint_eq(strlen(text), 2 + 3 * DL_KEY_MAX);
  char *back = decode(text);
  ck_assert_str_eq(back + 2, key);
  free(back);
  free(text);
}
END_TEST

START_TEST(value_of_every_byte) {
  for (int byte = 1; byte < 256; byte++) {
    char value[] = {(char)byte, '\0'};
    dl__buf buf = {0};
    ck_assert(dl__azure_url_add_value(&buf, value));
    bool plain = byte < 128 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_.~",
                                      byte) != NULL;
    char escape[4];
    (void)snprintf(escape, sizeof escape, "%%%02X", (unsigned)byte);
    ck_assert_str_eq(buf.data, plain ? value : escape);
    dl__buf_clear(&buf);
  }
  dl__buf buf = {0};
  ck_assert(dl__azure_url_add_value(&buf, "a/b./QQ+/=="));
  ck_assert_str_eq(buf.data, "a%2Fb.%2FQQ%2B%2F%3D%3D");
  dl__buf_clear(&buf);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("azure_url");
  TCase *tcase = tcase_create("azure_url");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, good_url, 0, COUNT(good));
  tcase_add_loop_test(tcase, bad_url, 0, COUNT(bad));
  tcase_add_test(tcase, prefix_is_bounded);
  tcase_add_loop_test(tcase, key_as_text, 0, COUNT(keys));
  tcase_add_test(tcase, any_key_round_trips);
  tcase_add_test(tcase, no_two_keys_collide);
  tcase_add_test(tcase, longest_key);
  tcase_add_test(tcase, value_of_every_byte);
  return support_main(suite);
}
