/* The small rooms of base: strings, arrays, clocks and digests. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/vec.h"
#include "support/digests.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Lets an allocation that is too big fail under the sanitizers, as it does without them. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
  return "allocator_may_return_null=1";
}

START_TEST(buf_grows_and_is_cut) {
  dl__buf buf = {0};
  dl__buf_cut(&buf, 0);
  ck_assert_ptr_null(buf.data);
  ck_assert(dl__buf_add(&buf, NULL, 0));
  ck_assert_str_eq(buf.data, "");
  for (size_t i = 0; i < 5000; i++) {
    ck_assert(dl__buf_add_text(&buf, "ab"));
    ck_assert_uint_eq(buf.length, 2 * (i + 1));
    ck_assert_uint_eq(strlen(buf.data), buf.length);
  }
  dl__buf_cut(&buf, buf.length + 1);
  ck_assert_uint_eq(buf.length, 10000);
  dl__buf_cut(&buf, 3);
  ck_assert_str_eq(buf.data, "aba");
  ck_assert(dl__buf_add(&buf, "x\0y", 3));
  ck_assert_uint_eq(buf.length, 6);
  ck_assert_mem_eq(buf.data, "abax\0y", 7);
  dl__buf_clear(&buf);
  dl__buf_clear(&buf);
  ck_assert_ptr_null(buf.data);
  ck_assert_uint_eq(buf.length, 0);
}
END_TEST

START_TEST(buf_without_room_is_as_it_was) {
  static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 2 - 4,
                                 SIZE_MAX / 4};
  dl__buf buf = {0};
  ck_assert(dl__buf_add_text(&buf, "kept"));
  dl__buf before = buf;
  for (int i = 0; i < COUNT(sizes); i++) {
    volatile size_t size = sizes[i];
    ck_assert(!dl__buf_add(&buf, "x", size));
    ck_assert_mem_eq(&buf, &before, sizeof buf);
    ck_assert_str_eq(buf.data, "kept");
  }
  dl__buf_clear(&buf);
}
END_TEST

START_TEST(format_of_any_length) {
  char text[20001];
  memset(text, 'x', 20000);
  text[20000] = '\0';
  char *made = dl__format("%s/%d", text, -7);
  ck_assert_ptr_nonnull(made);
  ck_assert_uint_eq(strlen(made), 20003);
  ck_assert_str_eq(made + 20000, "/-7");
  free(made);
  made = dl__format("%s", "");
  ck_assert_str_eq(made, "");
  free(made);
}
END_TEST

START_TEST(vec_grows) {
  uint64_t *items = NULL;
  size_t capacity = 0;
  for (size_t count = 0; count < 1000; count++) {
    ck_assert(dl__vec_grow(&items, count, &capacity, sizeof *items));
    ck_assert_uint_gt(capacity, count);
    items[count] = count;
  }
  for (size_t i = 0; i < 1000; i++) ck_assert_uint_eq(items[i], i);
  uint64_t *before = items;
  size_t room = capacity;
  ck_assert(dl__vec_grow(&items, room - 1, &capacity, sizeof *items));
  ck_assert_ptr_eq(items, before);
  ck_assert_uint_eq(capacity, room);
  free(items);
}
END_TEST

START_TEST(vec_overflow_changes_nothing) {
  static const struct {
    size_t capacity;
    size_t size;
  } cases[] = {{0, SIZE_MAX},         {0, SIZE_MAX / 8},       {16, SIZE_MAX / 31},
               {SIZE_MAX / 2 + 1, 1}, {SIZE_MAX, 1},           {SIZE_MAX / 2, 2},
               {16, SIZE_MAX / 32},   {SIZE_MAX / 32 + 1, 16}, {SIZE_MAX / 4, 1}};
  for (int i = 0; i < COUNT(cases); i++) {
    char *items = malloc(16);
    ck_assert_ptr_nonnull(items);
    memcpy(items, "kept", 5);
    char *before = items;
    size_t capacity = cases[i].capacity;
    ck_assert_msg(!dl__vec_grow(&items, capacity, &capacity, cases[i].size), "case %d", i);
    ck_assert_ptr_eq(items, before);
    ck_assert_uint_eq(capacity, cases[i].capacity);
    ck_assert_str_eq(items, "kept");
    free(items);
  }
}
END_TEST

START_TEST(clock_of_a_timespec) {
  static const struct {
    struct timespec time;
    int64_t ns;
  } cases[] = {
      {{0, 0}, 0},
      {{0, 999999999}, 999999999},
      {{1, 5}, 1000000005},
      {{-1, 500000000}, -500000000},
      {{4291747200, 1}, 4291747200000000001}, /* 2106 */
      {{9223372035, 999999999}, 9223372035999999999},
      {{9223372037, 0}, INT64_MAX},
      {{INT64_MAX, 999999999}, INT64_MAX},
      {{-9223372035, 0}, -9223372035000000000},
      {{-9223372038, 999999999}, INT64_MIN},
      {{INT64_MIN, 0}, INT64_MIN},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    ck_assert_int_eq(dl__clock_ns(&cases[i].time), cases[i].ns);
  }
}
END_TEST

START_TEST(clocks_tell_the_time) {
  int64_t before = (int64_t)time(NULL) - 2;
  int64_t wall = dl__clock_wall_ns();
  int64_t after = (int64_t)time(NULL) + 2;
  ck_assert_int_ge(wall, before * 1000000000);
  ck_assert_int_le(wall, after * 1000000000);
  uint64_t last = dl__clock_mono_ms();
  uint64_t start = last;
  while (last - start < 20) {
    uint64_t now = dl__clock_mono_ms();
    ck_assert_uint_ge(now, last);
    last = now;
  }
}
END_TEST

/* FIPS 180-2, RFC 1321 and the empty text. */
static const struct {
  const char *text;
  size_t times;
  const char *digest;
  const char *md5;
} vectors[] = {
    {"", 1, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "md5:d41d8cd98f00b204e9800998ecf8427e"},
    {"abc", 1, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "md5:900150983cd24fb0d6963f7d28e17f72"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
     "md5:8215ef0796a20bcaaae116d3876c664a"},
    {"aaaaaaaaaa", 100000,
     "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
     "md5:7707d6ae4e027c70eea2a935c2296f21"},
};

static void add_times(dl__hash *hash, const char *text, size_t times) {
  for (size_t i = 0; i < times; i++) {
    ck_assert_int_eq(dl__hash_add(hash, text, strlen(text), NULL), DL_OK);
  }
}

START_TEST(hash_of_known_texts_one_after_the_other) {
  dl__hash hash;
  dl_error err = DL_ERROR_INIT;
  ck_assert_int_eq(dl__hash_init(&hash, _i == 1, &err), DL_OK);
  for (int i = 0; i < 2 * COUNT(vectors); i++) {
    char digest[DL__DIGEST_SIZE + 1];
    memset(digest, '#', sizeof digest);
    ck_assert_int_eq(dl__hash_begin(&hash, &err), DL_OK);
    add_times(&hash, vectors[i % COUNT(vectors)].text, vectors[i % COUNT(vectors)].times);
    ck_assert_int_eq(dl__hash_end(&hash, digest, &err), DL_OK);
    ck_assert_str_eq(digest, vectors[i % COUNT(vectors)].digest);
    ck_assert_int_eq(digest[DL__DIGEST_SIZE], '#');
    ck_assert(digest_valid(digest));
    if (_i == 0) continue;
    uint8_t md5[DL__MD5_BYTES];
    ck_assert_int_eq(dl__hash_end_md5(&hash, md5, &err), DL_OK);
    dl__md5_text(md5, digest);
    ck_assert_str_eq(digest, vectors[i % COUNT(vectors)].md5);
    ck_assert(md5_text_valid(digest));
  }
  dl__hash_clear(&hash);
  dl__hash_clear(&hash);
}
END_TEST

START_TEST(hash_forgets_what_was_begun) {
  dl__hash hash;
  char digest[DL__DIGEST_SIZE];
  ck_assert_int_eq(dl__hash_init(&hash, false, NULL), DL_OK);
  add_times(&hash, "ab", 1);
  add_times(&hash, "c", 1);
  ck_assert_int_eq(dl__hash_end(&hash, digest, NULL), DL_OK);
  ck_assert_str_eq(digest, vectors[1].digest); /* dl__hash_init begins one, too */
  ck_assert_int_eq(dl__hash_begin(&hash, NULL), DL_OK);
  add_times(&hash, "something else", 3);
  ck_assert_int_eq(dl__hash_begin(&hash, NULL), DL_OK);
  ck_assert_int_eq(dl__hash_add(&hash, NULL, 0, NULL), DL_OK);
  ck_assert_int_eq(dl__hash_end(&hash, digest, NULL), DL_OK);
  ck_assert_str_eq(digest, vectors[0].digest);
  dl__hash_clear(&hash);
}
END_TEST

#define HEX31 "0123456789abcdef0123456789abcde"
#define HEX63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

START_TEST(digest_form) {
  static const struct {
    const char *digest;
    bool valid;
  } cases[] = {
      {"sha256:" HEX63 "f", true},
      {"sha256:" HEX63, false},
      {"sha256:" HEX63 "ff", false},
      {"sha256:" HEX63 "F", false},
      {"sha256:" HEX63 "g", false},
      {"sha256:" HEX63 " ", false},
      {"sha256:g" HEX63, false},
      {"SHA256:" HEX63 "f", false},
      {"sha256 " HEX63 "f", false},
      {"sha512:" HEX63 "f", false},
      {" sha256:" HEX63 "f", false},
      {HEX63 "f", false},
      {"sha256:", false},
      {"sha25", false},
      {"", false},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    ck_assert_msg(digest_valid(cases[i].digest) == cases[i].valid, "%s", cases[i].digest);
    ck_assert(!md5_text_valid(cases[i].digest));
  }
  static const char *const no_md5[] = {"md5:" HEX31,     "md5:" HEX31 "ff",
                                       "md5:" HEX31 "F", "MD5:" HEX31 "f",
                                       "md5:",           "md5",
                                       HEX31 "f",        ""};
  for (int i = 0; i < COUNT(no_md5); i++) ck_assert(!md5_text_valid(no_md5[i]));
  ck_assert(md5_text_valid("md5:" HEX31 "f"));
  ck_assert(!digest_valid("md5:" HEX31 "f"));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("base");
  TCase *tcase = tcase_create("base");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, buf_grows_and_is_cut);
  tcase_add_test(tcase, buf_without_room_is_as_it_was);
  tcase_add_test(tcase, format_of_any_length);
  tcase_add_test(tcase, vec_grows);
  tcase_add_test(tcase, vec_overflow_changes_nothing);
  tcase_add_test(tcase, clock_of_a_timespec);
  tcase_add_test(tcase, clocks_tell_the_time);
  tcase_add_loop_test(tcase, hash_of_known_texts_one_after_the_other, 0, 2);
  tcase_add_test(tcase, hash_forgets_what_was_begun);
  tcase_add_test(tcase, digest_form);
  return support_main(suite);
}
