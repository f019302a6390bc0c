/* The questions that base/url.c answers, each as a table. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/url.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
  const char *url;
  const char *path; /* NULL: refused */
} file_urls[] = {
    {"file:///", "/"},
    {"file:///a", "/a"},
    {"file:///a/b/", "/a/b"},
    {"file:///a///", "/a"},
    {"file:////", "/"},
    {"file://localhost/a", "/a"},
    {"file://LOCALHOST/a", "/a"},
    {"FILE:///a", "/a"},
    {"file:///with space/x", "/with space/x"},
    {"file:///a%20b", "/a b"},
    {"file:///100%25", "/100%"},
    {"file:///%c3%A4", "/\xc3\xa4"},
    {"file:///\xc3\xa4", "/\xc3\xa4"},
    {"file:///a%3Fb%23c", "/a?b#c"},
    {"file:///%2541", "/%41"},
    {"file:///a%2F", "/a"},
    {"file:///a%", NULL},
    {"file:///a%4", NULL},
    {"file:///a%4g", NULL},
    {"file:///a%zz", NULL},
    {"file:///a%-1", NULL},
    {"file:///a%00b", NULL},
    {"file:///a?b", NULL},
    {"file:///a#b", NULL},
    {"file://host/a", NULL},
    {"file://localhost", NULL},
    {"file://localhostile/a", NULL},
    {"file://localhost:80/a", NULL},
    {"file://a/b", NULL},
    {"file://", NULL},
    {"file:/a", NULL},
    {"file:a", NULL},
    {"files:///a", NULL},
    {"/a", NULL},
    {"", NULL},
    {NULL, NULL},
};

START_TEST(file_path) {
  dl_error err = DL_ERROR_INIT;
  char *path = NULL;
  dl_status status = dl__url_file_path(file_urls[_i].url, &path, &err);
  if (file_urls[_i].path != NULL) {
    ck_assert_int_eq(status, DL_OK);
    ck_assert_str_eq(path, file_urls[_i].path);
  } else {
    ck_assert_int_eq(status, DL_ERR_CONFIG);
    ck_assert_ptr_null(path);
    ck_assert_str_ne(err.message, "");
  }
  free(path);
}
END_TEST

START_TEST(file_path_too_long) {
  char url[PATH_MAX + 16];
  memset(url, 'a', sizeof url);
  memcpy(url, "file:///", 8);
  url[sizeof url - 1] = '\0';
  char *path = NULL;
  ck_assert_int_eq(dl__url_file_path(url, &path, NULL), DL_ERR_CONFIG);
  url[7 + PATH_MAX - 1] = '\0';
  ck_assert_int_eq(dl__url_file_path(url, &path, NULL), DL_OK);
  ck_assert_uint_eq(strlen(path), PATH_MAX - 1);
  free(path);
}
END_TEST

static const struct {
  const char *url;
  bool loopback;
} hosts[] = {
    {"http://localhost", true},
    {"http://localhost/", true},
    {"http://LocalHost:10000/acct/box", true},
    {"http://127.0.0.1", true},
    {"http://127.0.0.1:80/x", true},
    {"http://127.0.0.1:/x", true},
    {"http://127.255.255.254?x", true},
    {"http://[::1]/x", true},
    {"http://[::1]:8080/x", true},
    {"http://[0:0:0:0:0:0:0:1]", true},
    {"http://example.com", false},
    {"http://128.0.0.1", false},
    {"http://0.0.0.0", false},
    {"http://10.0.0.1", false},
    {"http://127.1", false},
    {"http://127.0.0.1.evil.com", false},
    {"http://127.0.0.1evil.com", false},
    {"http://0177.0.0.1", false},
    {"http://2130706433", false},
    {"http://localhost.evil.com", false},
    {"http://localhost.", false},
    {"http://xlocalhost", false},
    {"http://localhost@evil.com", false},
    {"http://localhost:80@evil.com", false},
    {"http://localhost:x@evil.com/", false},
    {"http://user@localhost/", false},
    {"http://evil.com#@localhost", false},
    {"http://127.0.0.1\\@evil.com", false},
    {"http://[::2]", false},
    {"http://[::ffff:10.0.0.1]", false},
    {"http://[::1", false},
    {"http://[::1].evil.com", false},
    {"http://[::1%25lo]", false},
    {"http://[127.0.0.1]", false},
    {"http://[localhost]", false},
    {"http://::1/", false},
    {"http://", false},
    {"http:///localhost", false},
    {"localhost", false},
    {"", false},
};

START_TEST(loopback) {
  ck_assert_msg(dl__url_is_loopback(hosts[_i].url) == hosts[_i].loopback, "%s", hosts[_i].url);
}
END_TEST

static const struct {
  const char *url;
  bool secret;
} secrets[] = {
    {"https://user:pass@host/x", true},
    {"https://user:@host/x", true},
    {"https://:pass@host", true},
    {"https://user:pa/ss@host/x", true},
    {"https://user:p?x@host", true},
    {"https://host/x?sv=1&sig=abc", true},
    {"https://host/x?SIG=abc", true},
    {"https://host/x#sig=abc", true},
    {"https://host/x#abc", true},
    {"HTTP://host/#", true},
    {"https://host/x%3Fsv=1&sig=abc", true},
    {"https://host/x%3fsv=1%26%73IG%3dabc", true},
    {"https://host/x%23sig=abc", true},
    {"https://host/x%3Fsi", false},
    {"https://host/x%3Fsig", false},
    {"https://host/x%23y", false},
    {"https://host/x%", false},
    {"https://host/x?%7", false},
    {"file:///x%3Fsig=y", false},
    {"file:///x?sig=y", true},
    {"memory://x?sig=", true},
    {"https://host/x", false},
    {"https://user@host/x", false},
    {"https://host:8080/mail/me@home", false},
    {"https://host/a:b/me@home", false},
    {"https://[::1]:8080/me@home", false},
    {"https://host/x?sv=1", false},
    {"https://host/sig=x", false},
    {"file:///a:b/c@d", false},
    {"no url sig=x", false},
    {"", false},
};

START_TEST(secret) {
  ck_assert_msg(dl__url_has_secret(secrets[_i].url) == secrets[_i].secret, "%s", secrets[_i].url);
}
END_TEST

static const struct {
  const char *url;
  bool formed;
} forms[] = {
    {"file:///a", true}, {"memory://x", true}, {"a+b-c.9://x", true}, {"file://", false},
    {"://x", false},     {"9p://x", false},    {"a b://x", false},    {"a/b://x", false},
    {"file:/x", false},  {"/x", false},        {"", false},
};

START_TEST(form) {
  ck_assert_msg(dl__url_is_formed(forms[_i].url) == forms[_i].formed, "%s", forms[_i].url);
}
END_TEST

START_TEST(scheme) {
  ck_assert(dl__url_has_scheme("HTTP://x", "http"));
  ck_assert(!dl__url_has_scheme("https://x", "http"));
  ck_assert(!dl__url_has_scheme("htt://x", "http"));
  ck_assert(!dl__url_has_scheme("http:/x", "http"));
  ck_assert(!dl__url_has_scheme("", "http"));
}
END_TEST

START_TEST(control) {
  ck_assert(dl__text_has_control("a\rb"));
  ck_assert(dl__text_has_control("a\n"));
  ck_assert(dl__text_has_control("\tb"));
  ck_assert(dl__text_has_control("\x01"));
  ck_assert(dl__text_has_control("\x1f"));
  ck_assert(dl__text_has_control("\x7f"));
  ck_assert(!dl__text_has_control("a b~\x80\xff"));
  ck_assert(!dl__text_has_control(""));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("url");
  TCase *tc = tcase_create("url");
  tcase_add_loop_test(tc, file_path, 0, COUNT(file_urls));
  tcase_add_test(tc, file_path_too_long);
  tcase_add_loop_test(tc, loopback, 0, COUNT(hosts));
  tcase_add_loop_test(tc, secret, 0, COUNT(secrets));
  tcase_add_loop_test(tc, form, 0, COUNT(forms));
  tcase_add_test(tc, scheme);
  tcase_add_test(tc, control);
  suite_add_tcase(suite, tc);
  return support_main(suite);
}
