/* An entry is what its events made of it. */
#include <stdio.h>
#include <string.h>

#include "journal/entry.h"
#include "support/support.h"

#define TIME_1 "2025-09-11T10:00:00+02:00"
#define TIME_2 "2025-09-12T11:00:00+02:00"

static dl__entry entry;

static void setup(void) {
  entry = (dl__entry){0};
}

static void teardown(void) {
  dl__entry_clear(&entry);
}

static void apply(const char *line) {
  dl__event event;
  ck_assert_int_eq(dl__event_parse(line, strlen(line), &event), DL__JSON_DONE);
  ck_assert_int_eq(dl__entry_apply(&entry, &event, NULL), DL_OK);
  dl__event_clear(&event);
}

static void created(void) {
  apply("{\"type\":\"Created\",\"data\":{\"id\":\"20250911\",\"content\":\"one @a\","
        "\"timestamp\":\"" TIME_1 "\"}}");
}

static void updated(void) {
  apply("{\"type\":\"ContentUpdated\",\"data\":{\"content\":\"two +b +b\",\"timestamp\":\"" TIME_2
        "\"}}");
}

static void annotated(const char *tag) {
  char line[256];
  (void)snprintf(line, sizeof line,
                 "{\"type\":\"AnnotationParsed\",\"data\":{\"tags\":[\"%s\"],\"people\":[],"
                 "\"projects\":[],\"timestamp\":\"" TIME_2 "\"}}",
                 tag);
  apply(line);
}

static void finish(void) {
  ck_assert_int_eq(dl__entry_finish(&entry, NULL), DL_OK);
}

START_TEST(nothing) {
  finish();
  annotated("x");
  finish();
  ck_assert_ptr_null(entry.content);
}
END_TEST

START_TEST(the_last_text_counts) {
  created();
  ck_assert_str_eq(entry.updated_at, TIME_1);
  updated();
  annotated("seen");
  finish();
  ck_assert_str_eq(entry.content, "two +b +b");
  ck_assert_str_eq(entry.created_at, TIME_1);
  ck_assert_str_eq(entry.updated_at, TIME_2);
  ck_assert_uint_eq(entry.annotations.tags.count, 1); /* as the event has them, not the text */
  ck_assert_str_eq(entry.annotations.tags.items[0], "seen");
  ck_assert_uint_eq(entry.annotations.people.count, 0);
}
END_TEST

/* Annotations belong to the text before them: a text that has none behind it, because
 * it has none or because a crash was in between, does not inherit. */
START_TEST(annotations_of_an_older_text_do_not_stay) {
  created();
  annotated("old");
  updated();
  finish();
  ck_assert_uint_eq(entry.annotations.tags.count, 2);
  ck_assert_str_eq(entry.annotations.tags.items[0], "b");
}
END_TEST

START_TEST(a_second_parse_replaces_the_first) {
  created();
  annotated("x");
  annotated("y");
  finish();
  ck_assert_uint_eq(entry.annotations.tags.count, 1);
  ck_assert_str_eq(entry.annotations.tags.items[0], "y");
  ck_assert_str_eq(entry.updated_at, TIME_1);
}
END_TEST

START_TEST(created_twice) {
  created();
  apply("{\"type\":\"Created\",\"data\":{\"content\":\"again\",\"timestamp\":\"" TIME_2 "\"}}");
  finish();
  ck_assert_str_eq(entry.content, "again");
  ck_assert_str_eq(entry.created_at, TIME_1);
  ck_assert_str_eq(entry.updated_at, TIME_2);
}
END_TEST

START_TEST(updated_without_created) {
  updated();
  finish();
  ck_assert_str_eq(entry.content, "two +b +b");
  ck_assert_str_eq(entry.created_at, TIME_2);
}
END_TEST

START_TEST(events_of_a_newer_program) {
  created();
  apply("{\"type\":\"MoodSet\",\"data\":{\"content\":\"no text\",\"timestamp\":\"" TIME_2 "\"}}");
  apply("{\"format\":2}");
  finish();
  ck_assert_str_eq(entry.content, "one @a");
  ck_assert_str_eq(entry.updated_at, TIME_1);
  ck_assert_str_eq(entry.annotations.people.items[0], "a");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("entry");
  TCase *tcase = tcase_create("entry");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, nothing);
  tcase_add_test(tcase, the_last_text_counts);
  tcase_add_test(tcase, annotations_of_an_older_text_do_not_stay);
  tcase_add_test(tcase, a_second_parse_replaces_the_first);
  tcase_add_test(tcase, created_twice);
  tcase_add_test(tcase, updated_without_created);
  tcase_add_test(tcase, events_of_a_newer_program);
  return support_main(suite);
}
