/* One line of the journal, read and written; days and times; the JSON below. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "journal/day.h"
#include "journal/event.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define TIME         "2025-09-11T10:00:00+02:00"

static dl__event event;
static dl__buf lines;
static dl_error err;

static void setup(void) {
  event = (dl__event){.timestamp = ""};
  lines = (dl__buf){0};
  err = (dl_error)DL_ERROR_INIT;
}

static void teardown(void) {
  dl__event_clear(&event);
  dl__buf_clear(&lines);
}

static dl__json_end parse(const char *line) {
  dl__event_clear(&event);
  return dl__event_parse(line, strlen(line), &event);
}

START_TEST(created) {
  ck_assert_int_eq(parse("{\"type\":\"Created\",\"data\":{\"id\":\"20250911\",\"content\":"
                         "\"a\\nb\",\"timestamp\":\"" TIME "\"}}"),
                   DL__JSON_DONE);
  ck_assert_int_eq(event.type, DL__EVENT_CREATED);
  ck_assert_str_eq(event.content, "a\nb");
  ck_assert_str_eq(event.timestamp, TIME);
}
END_TEST

START_TEST(updated_with_unknown_fields) {
  ck_assert_int_eq(parse(" {\"v\":2,\"data\":{\"mood\":{\"a\":[1]},\"timestamp\":\"" TIME
                         "\",\"content\":\"x\"},\"type\":\"ContentUpdated\"}\r"),
                   DL__JSON_DONE);
  ck_assert_int_eq(event.type, DL__EVENT_UPDATED);
  ck_assert_str_eq(event.content, "x");
}
END_TEST

START_TEST(annotated) {
  dl__annotations a = {0};
  ck_assert_int_eq(parse("{\"type\":\"AnnotationParsed\",\"data\":{\"tags\":[\"b\",7,\"a\",\"b\"],"
                         "\"people\":[],\"projects\":{}}}"),
                   DL__JSON_DONE);
  ck_assert_int_eq(event.type, DL__EVENT_ANNOTATED);
  ck_assert_str_eq(event.timestamp, "");
  ck_assert(dl__event_annotations(&event, &a));
  ck_assert_uint_eq(a.tags.count, 3); /* what is no text is left out */
  ck_assert_str_eq(a.tags.items[2], "b");
  ck_assert_uint_eq(a.people.count + a.projects.count, 0);
  dl__annotations_clear(&a);
}
END_TEST

/* Of a newer program, or without what it needs: a line, but no concern of ours. */
START_TEST(others) {
  static const char *const texts[] = {
      "{}",
      "{\"type\":\"Deleted\",\"data\":{\"content\":\"x\"}}",
      "{\"type\":\"Created\"}",
      "{\"type\":\"Created\",\"data\":[]}",
      "{\"type\":\"Created\",\"data\":{}}",
      "{\"type\":\"ContentUpdated\",\"data\":{\"content\":7}}",
      "{\"type\":7,\"data\":{\"content\":\"x\"}}",
      "{\"type\":\"created\",\"data\":{\"content\":\"x\"}}",
  };
  for (int i = 0; i < COUNT(texts); i++) {
    ck_assert_int_eq(parse(texts[i]), DL__JSON_DONE);
    ck_assert_msg(event.type == DL__EVENT_OTHER, "%s", texts[i]);
  }
}
END_TEST

START_TEST(damaged) {
  static const char *const texts[] = {"",
                                      "x",
                                      "[]",
                                      "7",
                                      "\"x\"",
                                      "{\"type\":\"Cre",
                                      "{\"type\":\"Created\",\"data\":{}",
                                      "{\"type\":\"Created\",\"data\":{}}}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\\u0000\"}"};
  for (int i = 0; i < COUNT(texts); i++) {
    ck_assert_msg(parse(texts[i]) == DL__JSON_WRONG, "%s", texts[i]);
    ck_assert_ptr_null(event.json);
  }
  ck_assert_int_eq(dl__event_parse("{}\0", 3, &event), DL__JSON_WRONG);
  ck_assert_int_eq(dl__event_parse("\0\0\0", 3, &event), DL__JSON_WRONG);
}
END_TEST

/* What is not of RFC 3339's form could break the front matter. */
START_TEST(times) {
  static const char *const good[] = {TIME, "2025-09-11T10:00:00Z", "2025-09-11T10:00:00.5-08:00",
                                     "2025-09-11T10:00:00.123456789+02:00"};
  static const char *const bad[] = {"",
                                    "2025-09-11",
                                    "2025-09-11T10:00:00",
                                    TIME "\n---",
                                    "2025-09-11 10:00:00Z",
                                    "2025-09-11T10:00:00.Z",
                                    "2025-09-11T10:00:00.1234567890Z",
                                    "2025-09-11T10:00:00+0200",
                                    "x025-09-11T10:00:00Z"};
  for (int i = 0; i < COUNT(good); i++) ck_assert_msg(dl__day_is_time(good[i]), "%s", good[i]);
  for (int i = 0; i < COUNT(bad); i++) ck_assert_msg(!dl__day_is_time(bad[i]), "%s", bad[i]);
  parse("{\"type\":\"Created\",\"data\":{\"content\":\"x\",\"timestamp\":\"soon\\n---\"}}");
  ck_assert_str_eq(event.timestamp, "");
}
END_TEST

START_TEST(days) {
  static const char *const good[] = {"20250911", "20240229", "20000229",
                                     "00010101", "99991231", "20251231"};
  static const char *const bad[] = {"",         "2025091",  "202509111", "2025-9-1", "20230229",
                                    "19000229", "20250431", "20250900",  "20251301", "20250001",
                                    "00000101", "2025091x", " 2025091",  "20250932", "2025091\n"};
  for (int i = 0; i < COUNT(good); i++) ck_assert_msg(dl__day_is_real(good[i]), "%s", good[i]);
  for (int i = 0; i < COUNT(bad); i++) ck_assert_msg(!dl__day_is_real(bad[i]), "%s", bad[i]);
}
END_TEST

/* Zones to both sides of UTC, whole and broken, and with the date of another day. */
START_TEST(now_is_local) {
  static const struct {
    const char *zone, *offset;
  } zones[] = {{"UTC0", "+00:00"},     {"XXX-2", "+02:00"},  {"XXX+3:30", "-03:30"},
               {"XXX-5:45", "+05:45"}, {"XXX+11", "-11:00"}, {"XXX-14", "+14:00"},
               {"XXX0:30", "-00:30"}};
  char id[DL_ENTRY_ID_SIZE], now[DL__DAY_TIME_SIZE], day[16], clock[32];
  for (int i = 0; i < COUNT(zones); i++) {
    ck_assert_int_eq(setenv("TZ", zones[i].zone, 1), 0);
    tzset();
    time_t before = time(NULL), after;
    do { /* once more if the second ended in between */
      before = time(NULL);
      ck_assert_int_eq(dl__day_now(id, now, &err), DL_OK);
      after = time(NULL);
    } while (before != after);
    struct tm local;
    ck_assert_ptr_nonnull(localtime_r(&before, &local));
    (void)strftime(day, sizeof day, "%Y%m%d", &local);
    (void)strftime(clock, sizeof clock, "%Y-%m-%dT%H:%M:%S", &local);
    ck_assert_str_eq(id, day);
    ck_assert_int_eq(strncmp(now, clock, strlen(clock)), 0);
    ck_assert_str_eq(now + strlen(clock), zones[i].offset);
    ck_assert(dl__day_is_time(now));
    ck_assert(dl__day_is_real(id));
  }
}
END_TEST

START_TEST(lines_as_the_format_has_them) {
  dl__annotations a = {0};
  ck_assert(dl__annotations_parse(&a, "+rust @alice +rust"));
  ck_assert_int_eq(dl__event_add_created(&lines, "20250911", "a \"b\"\n\\c", TIME, &err), DL_OK);
  ck_assert_int_eq(dl__event_add_updated(&lines, "\xc3\xa9\x01", TIME, &err), DL_OK);
  ck_assert_int_eq(dl__event_add_annotated(&lines, &a, TIME, &err), DL_OK);
  ck_assert_str_eq(
      lines.data,
      "{\"type\":\"Created\",\"data\":{\"id\":\"20250911\",\"content\":\"a \\\"b\\\"\\n\\\\c\","
      "\"timestamp\":\"" TIME "\"}}\n"
      "{\"type\":\"ContentUpdated\",\"data\":{\"content\":\"\xc3\xa9\\u0001\","
      "\"timestamp\":\"" TIME "\"}}\n"
      "{\"type\":\"AnnotationParsed\",\"data\":{\"tags\":[\"rust\",\"rust\"],"
      "\"people\":[\"alice\"],\"projects\":[],\"timestamp\":\"" TIME "\"}}\n");
  dl__annotations_clear(&a);
}
END_TEST

/* Whatever a text holds, it comes back, and never as two lines. */
START_TEST(round_trip_of_every_character) {
  char text[4 * 0x600];
  size_t length = 0;
  for (unsigned c = 1; c < 0x600; c++) {
    if (c < 0x80) {
      text[length++] = (char)c;
    } else {
      text[length++] = (char)(0xc0 | c >> 6);
      text[length++] = (char)(0x80 | (c & 0x3f));
    }
  }
  text[length] = '\0';
  ck_assert(dl__utf8_is_valid(text));
  ck_assert_int_eq(dl__event_add_updated(&lines, text, TIME, &err), DL_OK);
  ck_assert_ptr_eq(strchr(lines.data, '\n'), lines.data + lines.length - 1);
  ck_assert_int_eq(parse(lines.data), DL__JSON_DONE);
  ck_assert_str_eq(event.content, text);
}
END_TEST

START_TEST(a_text_that_is_no_utf8) {
  static const char *const texts[] = {
      "\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"};
  ck_assert(dl__buf_add_text(&lines, "kept\n"));
  for (int i = 0; i < COUNT(texts); i++) {
    ck_assert(!dl__utf8_is_valid(texts[i]));
    ck_assert_int_eq(dl__event_add_updated(&lines, texts[i], TIME, &err), DL_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.message, "UTF-8"));
    ck_assert_str_eq(lines.data, "kept\n");
  }
}
END_TEST

START_TEST(a_line_that_is_too_long) {
  char *text = malloc(DL_ENTRY_SIZE_MAX + 1);
  ck_assert_ptr_nonnull(text);
  memset(text, '\x01', DL_ENTRY_SIZE_MAX); /* six bytes each in JSON */
  text[DL_ENTRY_SIZE_MAX] = '\0';
  ck_assert_int_eq(dl__event_add_updated(&lines, text, TIME, &err), DL_ERR_ARGUMENT);
  ck_assert_uint_eq(lines.length, 0);
  memset(text, '\n', DL_ENTRY_SIZE_MAX);
  text[DL_ENTRY_SIZE_MAX / 2] = '\0';
  ck_assert_int_eq(dl__event_add_updated(&lines, text, TIME, &err), DL_OK);
  free(text);
}
END_TEST

START_TEST(json_inside_json) {
  dl__json *json = dl__json_read("{\"o\":{\"t\":\"x\"},\"l\":[\"a\",1],\"s\":\"y\"}", 35);
  ck_assert_ptr_nonnull(json);
  ck_assert_str_eq(dl__json_text(dl__json_inner(json, "o"), "t"), "x");
  ck_assert_ptr_null(dl__json_inner(json, "l"));
  ck_assert_ptr_null(dl__json_inner(json, "none"));
  ck_assert_uint_eq(dl__json_count(json, "l"), 2);
  ck_assert_uint_eq(dl__json_count(json, "o") + dl__json_count(json, "none"), 0);
  ck_assert_str_eq(dl__json_item(json, "l", 0), "a");
  ck_assert_ptr_null(dl__json_item(json, "l", 1));
  ck_assert_ptr_null(dl__json_item(json, "l", 2));
  dl__json_free(json);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("event");
  TCase *tcase = tcase_create("event");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 30);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, created);
  tcase_add_test(tcase, updated_with_unknown_fields);
  tcase_add_test(tcase, annotated);
  tcase_add_test(tcase, others);
  tcase_add_test(tcase, damaged);
  tcase_add_test(tcase, times);
  tcase_add_test(tcase, days);
  tcase_add_test(tcase, now_is_local);
  tcase_add_test(tcase, lines_as_the_format_has_them);
  tcase_add_test(tcase, round_trip_of_every_character);
  tcase_add_test(tcase, a_text_that_is_no_utf8);
  tcase_add_test(tcase, a_line_that_is_too_long);
  tcase_add_test(tcase, json_inside_json);
  return support_main(suite);
}
