/* Conformance: keys are bytes. Whatever is allowed comes back as it was given,
 * no two keys are one object, and what is not allowed stores nothing. */
#include <string.h>

#include "remote.h"

static const char *const odd_keys[] = {
    "new\nline",
    "cr\rlf\r\n",
    "tab\t",
    "\x01",
    "esc\x1b[0m",
    "\x7f",
    "\xff",
    "\xfe\xff/\x80",
    "\xc0\xaf",     /* an overlong slash */
    "\xed\xa0\x80", /* half a surrogate pair */
    "%",
    "%%",
    "%2F",
    "%2f",
    "a%2Fb",
    "a%b",
    "%00",
    "%0",
    "%25",
    "#",
    "a#b",
    "?",
    "a?b=c&d",
    "+",
    "a+b",
    "a b",
    "&amp;",
    "<a>&'\"",
    "]]>",
    "\\",
    "a\\b",
    "..\\a",
    " ",
    "  ",
    " leading",
    "trailing ",
    ".leading",
    "trailing.",
    "folder./a",
    "...",
    "...a/...",
    "..a",
    "a..",
    "a/..b",
    ".a/b",
    "a/ /b",
    "-rf",
    "-",
    "--",
    "$(id)",
    "`id`",
    "$HOME",
    "~",
    "~a/b",
    "*",
    "[a]",
    "{a,b}",
    "a:b",
    "C:",
    "http:/x",
    "a;b",
    "a|b",
    "a=b",
    "a,b",
    "@",
    "!",
    "^",
    "con",
    "NUL",
    "aux.txt",
    "case",
    "CASE",
    "Case",
    "\xc3\xa9",         /* e acute, composed */
    "e\xcc\x81",        /* e acute, decomposed */
    "\xe2\x84\xab",     /* Angstrom sign */
    "\xc3\x85",         /* A ring */
    "\xf0\x9f\x93\x93", /* beyond the 16-bit plane */
    ("\xe2\x80\xae"
     "abc"), /* right to left */
    ("\xef\xbb\xbf"
     "bom"),
};

START_TEST(odd_key) {
  put_text(&storage, odd_keys[_i], odd_keys[_i]);
  assert_text(&storage, odd_keys[_i], odd_keys[_i]);
  if (!tested_can(CAN_REMOVE)) return;
  remove_object(&storage, odd_keys[_i]);
  assert_absent(&storage, odd_keys[_i]);
}
END_TEST

/* Each holds its own name, so a collision would show. */
START_TEST(odd_keys_together) {
  for (int i = 0; i < COUNT(odd_keys); i++) put_text(&storage, odd_keys[i], odd_keys[i]);
  for (int i = 0; i < COUNT(odd_keys); i++) {
    bytes is = get(&storage, odd_keys[i]);
    bytes should = bytes_text(odd_keys[i]);
    ck_assert_msg(bytes_equal(is, should), "%s holds %.*s", odd_keys[i], (int)is.size, is.data);
    bytes_clear(&is);
    bytes_clear(&should);
  }
  listing l = list_of(&storage, "");
  ck_assert_uint_eq(l.count, COUNT(odd_keys));
  for (size_t i = 0; i < l.count; i++) {
    bool known = false;
    for (int j = 0; j < COUNT(odd_keys); j++) {
      known = known || strcmp(odd_keys[j], l.objects[i].key) == 0;
    }
    ck_assert_msg(known, "listed, never put: %s", l.objects[i].key);
  }
  listing_clear(&l);
}
END_TEST

/* Every byte but NUL and '/', as a part of its own between two others. */
START_TEST(every_byte) {
  char key[] = "a/x?y/z";
  size_t count = 0;
  for (int c = 1; c < 256; c++) {
    if (c == '/') continue;
    key[3] = (char)c;
    put_text(&storage, key, key);
    count++;
  }
  listing l = list_of(&storage, "a/x");
  ck_assert_uint_eq(l.count, count);
  listing_clear(&l);
  for (int c = 1; c < 256; c++) {
    if (c == '/') continue;
    key[3] = (char)c;
    bytes is = get(&storage, key);
    bytes should = bytes_text(key);
    ck_assert_msg(bytes_equal(is, should), "byte %d", c);
    bytes_clear(&is);
    bytes_clear(&should);
  }
}
END_TEST

START_TEST(part_of_255_bytes) {
  char key[300] = "folder/";
  memset(key + 7, 'x', 255);
  memcpy(key + 7 + 255, "/y", 3);
  put_text(&storage, key, "1");
  assert_text(&storage, key, "1");
  key[7 + 254] = 'z';
  memset(key + 7 + 255, '\0', 2);
  put_text(&storage, key, "2");
  assert_text(&storage, key, "2");
}
END_TEST

/* A whole key of size bytes, in parts that the provider can hold. */
static void long_key(char *key, size_t size) {
  size_t part = tested.part_max > 0 ? tested.part_max - 1 : DL_KEY_MAX + 2;
  for (size_t i = 0; i < size; i++) key[i] = i % (part + 1) == part ? '/' : 'k';
  if (key[size - 1] == '/') key[size - 1] = 'k';
  key[size] = '\0';
}

START_TEST(longest_key) {
  char key[DL_KEY_MAX + 1];
  long_key(key, DL_KEY_MAX);
  ck_assert_uint_eq(strlen(key), 1024);
  put_text(&storage, key, "long");
  assert_text(&storage, key, "long");
  assert_keys(&storage, "", key);
  assert_keys(&storage, key, key);
  key[DL_KEY_MAX - 1] = 'l'; /* the last byte counts */
  assert_absent(&storage, key);
}
END_TEST

/* As long as a storage can hold it, or refused by a storage that cannot: never cut. */
START_TEST(longest_part) {
  char key[DL_KEY_MAX + 1];
  memset(key, 'p', DL_KEY_MAX);
  key[DL_KEY_MAX] = '\0';
  bytes content = bytes_text("content");
  source from = {.content = content};
  dl_put_request request = put_request(key, &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  dl_status status = try_put(&storage, &request, &result, &err);
  if (status == DL_OK) {
    assert_content(&storage, key, content);
  } else {
    ck_assert_uint_ne(tested.part_max, 0);
    ck_assert_str_ne(err.message, "");
    assert_keys(&storage, "", "");
  }
  bytes_clear(&content);
}
END_TEST

/* Whatever the storage thinks of such a key, there is no such object. */
START_TEST(longest_part_missing) {
  put_text(&storage, "a", "1");
  char key[DL_KEY_MAX + 1];
  memset(key, 'p', DL_KEY_MAX);
  key[DL_KEY_MAX] = '\0';
  assert_absent(&storage, key);
}
END_TEST

static char too_long[DL_KEY_MAX + 2];

static const char *const bad_keys[] = {"",      "/",         "/a",    "a/",   "a//b", "//",
                                       ".",     "..",        "./a",   "../a", "a/.",  "a/..",
                                       "a/./b", "a/../b",    "a/b//", "/..",  "././", "a/b/",
                                       "a///b", "../../etc", too_long};

/* Nothing is asked of the source, nothing stored. */
START_TEST(bad_key) {
  long_key(too_long, DL_KEY_MAX + 1);
  put_text(&storage, "a/b", "untouched");
  dl_error err;
  bytes content = bytes_text("content");
  source from = {.content = content};
  dl_put_request request = put_request(bad_keys[_i], &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  ASSERT_FAILS(dl__storage_put(&storage, &request, &result, &err), DL_ERR_ARGUMENT, err);
  ck_assert_uint_eq(from.calls, 0);
  object o = {0};
  ASSERT_FAILS(dl__storage_stat(&storage, bad_keys[_i], object_take, &o, &err), DL_ERR_ARGUMENT,
               err);
  bytes is = {0};
  ASSERT_FAILS(try_get(&storage, bad_keys[_i], &is, &err), DL_ERR_ARGUMENT, err);
  ASSERT_FAILS(dl__storage_remove(&storage, bad_keys[_i], &err), DL_ERR_ARGUMENT, err);
  assert_keys(&storage, "", "a/b");
  assert_text(&storage, "a/b", "untouched");
  bytes_clear(&content);
}
END_TEST

void cases_keys(Suite *suite) {
  TCase *tc = case_new(suite, "keys");
  tcase_add_loop_test(tc, odd_key, 0, COUNT(odd_keys));
  tcase_add_test(tc, odd_keys_together);
  tcase_add_test(tc, every_byte);
  tcase_add_test(tc, part_of_255_bytes);
  tcase_add_test(tc, longest_key);
  tcase_add_test(tc, longest_part);
  tcase_add_test(tc, longest_part_missing);
  tcase_add_loop_test(tc, bad_key, 0, COUNT(bad_keys));
}
