/* What in a text is a person, a project or a tag, and what only looks like one. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/annotation.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* The annotations of a text as "@a +b ::c", in the order of the text. */
static void describe(const char *text, char *out, size_t size) {
  dl_annotation found = DL_ANNOTATION_INIT;
  size_t from = 0;
  out[0] = '\0';
  while (dl_annotation_next(text, from, &found) == 1) {
    ck_assert_uint_lt(found.start, found.name);
    ck_assert_uint_lt(found.name, found.end);
    ck_assert_uint_le(found.end, strlen(text));
    ck_assert_uint_ge(found.start, from);
    const char *sign = found.kind == DL_ANNOTATION_PERSON ? "@"
                       : found.kind == DL_ANNOTATION_TAG  ? "+"
                                                          : "::";
    ck_assert_uint_eq(found.name - found.start, strlen(sign));
    ck_assert_int_eq(strncmp(text + found.start, sign, strlen(sign)), 0);
    size_t used = strlen(out);
    (void)snprintf(out + used, size - used, "%s%.*s", used > 0 ? " " : "",
                   (int)(found.end - found.start), text + found.start);
    from = found.end;
  }
}

static const char *const cases[][2] = {
    /* The plain ones. */
    {"Paired with @alice on ::search-service, learned +rust", "@alice ::search-service +rust"},
    {"@alice", "@alice"},
    {"@a +b ::c", "@a +b ::c"},
    {"+rust @bob +rust @alice @bob", "+rust @bob +rust @alice @bob"},
    {"first\n@second\n\t+third", "@second +third"},
    /* Punctuation behind a name is not part of it. */
    {"@alice, @bob. +rust! +go? ::web: ::api; (@carl) [+x] \"@d\" '@e' <@f>",
     "@alice @bob +rust +go ::web ::api @carl +x @d @e @f"},
    {"@alice's @bob... @carl- @dora_ @ed. Then", "@alice @bob @carl @dora @ed"},
    {"@alice--gone @bob..gone", "@alice @bob"},
    {"**@alice** *+rust* _@no_", "@alice +rust"},
    {"@alice/@bob", "@alice"},
    /* Parts of a name. */
    {"@alice.smith @bob_jones @carl-2 ::a1 ::2024-plan +x86_64 +a__b",
     "@alice.smith @bob_jones @carl-2 ::a1 ::2024-plan +x86_64 +a__b"},
    {"+c++ +c# +c++, ::c++", "+c++ +c# +c++ ::c++"},
    {"@j\xc3\xbcrgen +\xe6\x97\xa5\xe6\x9c\xac ::\xc3\xa9t\xc3\xa9",
     "@j\xc3\xbcrgen +\xe6\x97\xa5\xe6\x9c\xac ::\xc3\xa9t\xc3\xa9"},
    /* Not these. */
    {"a@b.com std::vector C++ 1+1 a+b x::y", ""},
    {"+1 +49 170 @2pm @ + :: @@ ++ :::: +", ""},
    {"++i @@alice :::x ::std::vector a::b::c", ""},
    {"@alice@example.com https://x.y/@alice /+page \\@alice -@x .@x", ""},
    {"`@Override` #@x", ""},
    {"", ""},
    {"@", ""},
    {"::", ""},
    {"x::", ""},
    /* Beside signs that are not ASCII. */
    {"\xe2\x80\x9c@alice\xe2\x80\x9d \xe2\x80\x94+rust\xe2\x80\x94 @bob\xe2\x80\xa6",
     "@alice +rust @bob"},
    {"\xf0\x9f\x9a\x80@alice\xf0\x9f\x9a\x80 \xc3\xa9@alice", "@alice"},
    {"cc:@alice re:+rust x:::y a,@b;+c|@d&@e", "@alice +rust @b +c @d @e"},
    /* Bytes that are no UTF-8 end a name and hide nothing. */
    {"@al\xff @bob \xff@x \x80\x80\x80\x80\x80@y @\xc3", "@al @bob"},
};

START_TEST(what_is_one) {
  char got[512];
  describe(cases[_i][0], got, sizeof got);
  ck_assert_msg(strcmp(got, cases[_i][1]) == 0, "%s\n gives: %s\n not:   %s", cases[_i][0], got,
                cases[_i][1]);
}
END_TEST

START_TEST(lists_keep_order_and_repeats) {
  dl__annotations a = {0};
  ck_assert(dl__annotations_empty(&a));
  ck_assert(dl__annotations_parse(&a, "+b @x +a ::p @y +b @x ::p"));
  ck_assert(!dl__annotations_empty(&a));
  ck_assert_uint_eq(a.tags.count, 3);
  ck_assert_str_eq(a.tags.items[0], "b");
  ck_assert_str_eq(a.tags.items[1], "a");
  ck_assert_str_eq(a.tags.items[2], "b");
  ck_assert_uint_eq(a.people.count, 3);
  ck_assert_str_eq(a.people.items[0], "x");
  ck_assert_str_eq(a.people.items[1], "y");
  ck_assert_str_eq(a.people.items[2], "x");
  ck_assert_uint_eq(a.projects.count, 2);
  dl__annotations_clear(&a);
  ck_assert(dl__annotations_empty(&a));
  dl__annotations_clear(&a);
}
END_TEST

/* A host of another version has a struct of another size. */
START_TEST(next_keeps_inside_struct_size) {
  struct {
    dl_annotation a;
    unsigned char behind[16];
  } g;
  memset(&g, 0xEE, sizeof g);
  g.a.struct_size = (uint32_t)offsetof(dl_annotation, name);
  ck_assert_int_eq(dl_annotation_next("x @alice", 0, &g.a), 1);
  ck_assert_uint_eq(g.a.struct_size, offsetof(dl_annotation, name));
  ck_assert_uint_eq(g.a.start, 2);
  const unsigned char *bytes = (const unsigned char *)&g;
  for (size_t i = offsetof(dl_annotation, name); i < sizeof g; i++) {
    ck_assert_uint_eq(bytes[i], 0xEE);
  }
  g.a.struct_size = 0;
  ck_assert_int_eq(dl_annotation_next("x @alice", 0, &g.a), 1);
  ck_assert_uint_eq(g.a.end, 8);
  ck_assert_uint_eq(g.behind[0], 0xEE);
  ck_assert_int_eq(dl_annotation_next(NULL, 0, &g.a), 0);
  ck_assert_int_eq(dl_annotation_next("@a", 0, NULL), 0);
}
END_TEST

/* The time grows with the text, not with its square. */
START_TEST(long_texts) {
  static const char *const units[] = {"@",  "+", "::",  "@a",   "@a@",
                                      "a_", "_", "@a_", "+c++", "\x80"};
  enum { SIZE = 1 << 20 };
  char *text = malloc(SIZE + 8);
  ck_assert_ptr_nonnull(text);
  for (int i = 0; i < COUNT(units); i++) {
    size_t unit = strlen(units[i]), length = 0;
    for (; length < SIZE; length += unit) memcpy(text + length, units[i], unit);
    text[length] = '\0';
    dl__annotations a = {0};
    ck_assert(dl__annotations_parse(&a, text));
    dl__annotations_clear(&a);
  }
  free(text);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("annotation");
  TCase *tcase = tcase_create("annotation");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, what_is_one, 0, COUNT(cases));
  tcase_add_test(tcase, lists_keep_order_and_repeats);
  tcase_add_test(tcase, next_keeps_inside_struct_size);
  tcase_add_test(tcase, long_texts);
  return support_main(suite);
}
