/* What keeps and makes secrets: their memory, HMAC, Base64, and the JSON of token replies. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/secret.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(secret_is_made_copied_and_cleared) {
  dl__secret secret = {0};
  dl__secret_clear(&secret);
  ck_assert(dl__secret_copy(&secret, "abc", 3));
  ck_assert_uint_eq(secret.size, 3);
  ck_assert_mem_eq(secret.data, "abc", 4);
  ck_assert(dl__secret_copy(&secret, secret.data + 1, 2));
  ck_assert_mem_eq(secret.data, "bc", 3);
  ck_assert(dl__secret_copy(&secret, NULL, 0));
  ck_assert_str_eq(secret.data, "");
  ck_assert(dl__secret_make(&secret, 4096)); /* the NUL needs a second page */
  for (size_t i = 0; i <= 4096; i++) ck_assert_int_eq(secret.data[i], 0);
  memset(secret.data, 'x', 4096);
  ck_assert_uint_eq(strlen(secret.data), 4096);
  dl__secret_clear(&secret);
  ck_assert_ptr_null(secret.data);
  ck_assert_uint_eq(secret.size, 0);
  dl__secret_clear(&secret);
}
END_TEST

START_TEST(secret_too_large_changes_nothing) {
  dl__secret secret = {0};
  ck_assert(dl__secret_copy(&secret, "kept", 4));
  char *large = calloc(1, DL__SECRET_MAX + 1);
  ck_assert_ptr_nonnull(large);
  ck_assert(!dl__secret_make(&secret, DL__SECRET_MAX + 1));
  ck_assert(!dl__secret_make(&secret, SIZE_MAX));
  ck_assert(!dl__secret_copy(&secret, large, DL__SECRET_MAX + 1));
  ck_assert_str_eq(secret.data, "kept");
  ck_assert(dl__secret_make(&secret, DL__SECRET_MAX));
  dl__secret_clear(&secret);
  free(large);
}
END_TEST

/* "dd" among the flags of the mapping: not in a core file. */
START_TEST(secret_stays_out_of_core_files) {
  dl__secret secret = {0};
  ck_assert(dl__secret_copy(&secret, "abc", 3));
  FILE *maps = fopen("/proc/self/smaps", "r");
  ck_assert_ptr_nonnull(maps);
  char line[1024];
  bool inside = false;
  bool marked = false;
  while (fgets(line, sizeof line, maps) != NULL) {
    uintptr_t start;
    uintptr_t end;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2) {
      inside = (uintptr_t)secret.data >= start && (uintptr_t)secret.data < end;
    }
    if (inside && strncmp(line, "VmFlags:", 8) == 0) marked = strstr(line, " dd") != NULL;
  }
  ck_assert_int_eq(fclose(maps), 0);
  ck_assert(marked);
  dl__secret_clear(&secret);
}
END_TEST

START_TEST(buffer_of_a_secret_is_cleared) {
  dl__buf buf = {0};
  dl__secret_clear_buf(&buf);
  ck_assert(dl__buf_add_text(&buf, "abc"));
  dl__secret_clear_buf(&buf);
  ck_assert_ptr_null(buf.data);
  ck_assert_uint_eq(buf.capacity, 0);
}
END_TEST

/* RFC 4231, 4.2 to 4.8; of 4.6 it gives the first half only. */
static const struct {
  const char *key; /* or a byte and how often */
  int key_byte, key_size;
  const char *data;
  int data_byte, data_size;
  const char *hex;
} hmacs[] = {
    {NULL, 0x0b, 20, "Hi There", 0, 0,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", 0, 0, "what do ya want for nothing?", 0, 0,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {NULL, 0xaa, 20, NULL, 0xdd, 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"
     "\x18\x19",
     0, 0, NULL, 0xcd, 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {NULL, 0x0c, 20, "Test With Truncation", 0, 0, "a3b6167473100ee06e0c796c2955552b"},
    {NULL, 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 0, 0,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {NULL, 0xaa, 131,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     0, 0, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static size_t fill(unsigned char out[256], const char *text, int byte, int size) {
  if (text == NULL) {
    memset(out, byte, (size_t)size);
    return (size_t)size;
  }
  memcpy(out, text, strlen(text));
  return strlen(text);
}

START_TEST(hmac_of_rfc_4231) {
  unsigned char key[256];
  unsigned char data[256];
  uint8_t hmac[DL__HMAC_BYTES];
  char hex[2 * DL__HMAC_BYTES + 1];
  size_t key_size = fill(key, hmacs[_i].key, hmacs[_i].key_byte, hmacs[_i].key_size);
  size_t size = fill(data, hmacs[_i].data, hmacs[_i].data_byte, hmacs[_i].data_size);
  ck_assert_int_eq(dl__hmac_sha256(key, key_size, data, size, hmac, NULL), DL_OK);
  for (int i = 0; i < DL__HMAC_BYTES; i++) (void)snprintf(hex + 2 * i, 3, "%02x", hmac[i]);
  hex[strlen(hmacs[_i].hex)] = '\0';
  ck_assert_str_eq(hex, hmacs[_i].hex);
}
END_TEST

START_TEST(hmac_of_nothing) {
  uint8_t hmac[DL__HMAC_BYTES];
  /* python3 -c 'import hmac; print(hmac.digest(b"", b"", "sha256")[:4])' */
  ck_assert_int_eq(dl__hmac_sha256(NULL, 0, "", 0, hmac, NULL), DL_OK);
  ck_assert_mem_eq(hmac, "\xb6\x13\x67\x9a", 4);
}
END_TEST

/* RFC 4648, 10. */
static const struct {
  const char *bytes;
  const char *text;
} base64s[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

START_TEST(base64_of_rfc_4648) {
  dl__buf buf = {0};
  char back[16];
  size_t size = 99;
  ck_assert(dl__buf_add_text(&buf, "<"));
  ck_assert(dl__base64_add(&buf, base64s[_i].bytes, strlen(base64s[_i].bytes)));
  ck_assert_str_eq(buf.data + 1, base64s[_i].text);
  ck_assert(dl__base64_decode(base64s[_i].text, strlen(base64s[_i].text), back, &size));
  ck_assert_uint_eq(size, strlen(base64s[_i].bytes));
  ck_assert_mem_eq(back, base64s[_i].bytes, size);
  dl__buf_clear(&buf);
}
END_TEST

START_TEST(base64_of_any_bytes_round_trips) {
  unsigned char bytes[300];
  unsigned char back[300 + 2];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 167 + 13);
  for (size_t length = 0; length <= sizeof bytes; length++) {
    dl__buf buf = {0};
    size_t size = 0;
    ck_assert(dl__buf_add_text(&buf, "")); /* so that there is a text of length 0 */
    ck_assert(dl__base64_add(&buf, bytes, length));
    ck_assert_uint_eq(buf.length, (length + 2) / 3 * 4);
    ck_assert_uint_le(DL__BASE64_ROOM(buf.length), sizeof back);
    ck_assert(dl__base64_decode(buf.data, buf.length, back, &size));
    ck_assert_uint_eq(size, length);
    ck_assert_mem_eq(back, bytes, length);
    dl__buf_clear(&buf);
  }
}
END_TEST

START_TEST(base64_refuses_all_else) {
  static const char *const bad[] = {
      "Z",     "Zg",    "Zg=",      "=",        "==",    "====",       "Z===",      "Zg==Zg==",
      "Zh==",  "Zm9=",  "Zg==\n",   " Zg==",    "Zg== ", "Z g=",       "Zm-v",      "Zm_v",
      "Zm9\n", "Zm\t9", "Zm9vZ===", "Zm9v====", "Zg=v",  "\xc3\xa4==", "Zm9vYg\"=", "Zm9v=Yg=",
  };
  char out[64];
  for (int i = 0; i < COUNT(bad); i++) {
    size_t size = 99;
    ck_assert_msg(!dl__base64_decode(bad[i], strlen(bad[i]), out, &size), "'%s'", bad[i]);
  }
}
END_TEST

static dl__json *read(const char *text) {
  return dl__json_read(text, strlen(text));
}

START_TEST(json_gives_texts_and_numbers) {
  dl__json *json = read("{\"a\":\"x\\u00e4\",\"n\":3599,\"t\":\"86399\",\"o\":{\"a\":1},\"f\":1.5,"
                        "\"z\":null,\"e\":\"\",\"neg\":-1,\"big\":\"99999999999999999999\","
                        "\"sp\":\" 1\",\"end\":\"1x\"}");
  ck_assert_ptr_nonnull(json);
  int64_t n = 7;
  ck_assert_str_eq(dl__json_text(json, "a"), "x\xc3\xa4");
  ck_assert_str_eq(dl__json_text(json, "e"), "");
  ck_assert_ptr_null(dl__json_text(json, "n"));
  ck_assert_ptr_null(dl__json_text(json, "o"));
  ck_assert_ptr_null(dl__json_text(json, "z"));
  ck_assert_ptr_null(dl__json_text(json, "none"));
  static const char *const none[] = {"a", "o", "f", "z", "e", "big", "sp", "end", "none"};
  for (int i = 0; i < COUNT(none); i++) ck_assert(!dl__json_number(json, none[i], &n));
  ck_assert_int_eq(n, 7);
  ck_assert(dl__json_number(json, "n", &n));
  ck_assert_int_eq(n, 3599);
  ck_assert(dl__json_number(json, "t", &n));
  ck_assert_int_eq(n, 86399);
  ck_assert(dl__json_number(json, "neg", &n));
  ck_assert_int_eq(n, -1);
  dl__json_free(json);
  dl__json_free(NULL);
}
END_TEST

START_TEST(json_refuses_all_else) {
  static const char *const bad[] = {
      "",
      "{",
      "[]",
      "\"a\"",
      "1",
      "null",
      "{\"a\":1,}",
      "{\"a\":1}x",
      "{\"a\":1}{}",
      "{\"a\":1,\"a\":2}",
      "{'a':1}",
      "{\"a\":}",
      "{\"a\"}",
      "<html></html>",
      "{\"a\":\"\\u0000\"}",
      "{\"a\":\"\xff\"}",
      "{\"a\":01}",
      "{\"a\":\"\n\"}",
      "{\"a\":99999999999999999999}",
  };
  for (int i = 0; i < COUNT(bad); i++) ck_assert_msg(read(bad[i]) == NULL, "%s", bad[i]);
  ck_assert_ptr_null(dl__json_read(NULL, 0));
  ck_assert_ptr_null(dl__json_read("{}\0", 3));
}
END_TEST

START_TEST(json_is_bounded) {
  size_t size = DL__JSON_SIZE_MAX + 1;
  char *text = malloc(size);
  ck_assert_ptr_nonnull(text);
  memset(text, ' ', size);
  memcpy(text, "{}", 2);
  ck_assert_ptr_null(dl__json_read(text, size));
  dl__json *json = dl__json_read(text, size - 1);
  ck_assert_ptr_nonnull(json);
  dl__json_free(json);
  memset(text, '[', size - 1);
  memcpy(text, "{\"a\":", 5);
  ck_assert_ptr_null(dl__json_read(text, size - 1));
  free(text);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("secret");
  TCase *tcase = tcase_create("secret");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, secret_is_made_copied_and_cleared);
  tcase_add_test(tcase, secret_too_large_changes_nothing);
  tcase_add_test(tcase, secret_stays_out_of_core_files);
  tcase_add_test(tcase, buffer_of_a_secret_is_cleared);
  tcase_add_loop_test(tcase, hmac_of_rfc_4231, 0, COUNT(hmacs));
  tcase_add_test(tcase, hmac_of_nothing);
  tcase_add_loop_test(tcase, base64_of_rfc_4648, 0, COUNT(base64s));
  tcase_add_test(tcase, base64_of_any_bytes_round_trips);
  tcase_add_test(tcase, base64_refuses_all_else);
  tcase_add_test(tcase, json_gives_texts_and_numbers);
  tcase_add_test(tcase, json_refuses_all_else);
  tcase_add_test(tcase, json_is_bounded);
  return support_main(suite);
}
