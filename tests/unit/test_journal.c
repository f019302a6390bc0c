/* The public calls on one entry. */
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/journal_kit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(a_new_entry) {
  create("Paired with @alice on ::search, +rust +rust\n\n");
  ck_assert_str_eq(entry.id, DAY);
  ck_assert_str_eq(entry.content, "Paired with @alice on ::search, +rust +rust");
  ck_assert_uint_eq(entry.events_written, 2);
  ck_assert_uint_eq(entry.event_count, 2);
  ck_assert_uint_eq(entry.lines_damaged, 0);
  ck_assert_uint_eq(entry.tag_count, 2);
  ck_assert_str_eq(entry.tags[1], "rust");
  ck_assert_uint_eq(entry.people_count, 1);
  ck_assert_str_eq(entry.people[0], "alice");
  ck_assert_uint_eq(entry.project_count, 1);
  ck_assert_str_eq(entry.projects[0], "search");
  ck_assert_str_eq(entry.created_at, entry.updated_at);
  ck_assert_uint_ge(strlen(entry.created_at), 25);
  expect_notes(NULL, NULL);
  char want[512];
  (void)snprintf(want, sizeof want,
                 "{\"type\":\"Created\",\"data\":{\"id\":\"" DAY "\",\"content\":"
                 "\"Paired with @alice on ::search, +rust +rust\",\"timestamp\":\"%s\"}}\n"
                 "{\"type\":\"AnnotationParsed\",\"data\":{\"tags\":[\"rust\",\"rust\"],"
                 "\"people\":[\"alice\"],\"projects\":[\"search\"],\"timestamp\":\"%s\"}}\n",
                 entry.created_at, entry.created_at);
  char *got = support_read(base, EVENTS, NULL);
  ck_assert_str_eq(got, want);
  free(got);
  expect_in(MD, "\n---\nPaired with @alice on ::search, +rust +rust\n");
}
END_TEST

START_TEST(modes_of_what_is_made) {
  static const char *const folders[] = {"", "events", "entries"};
  static const char *const files[] = {EVENTS, MD};
  mode_t before = umask(0);
  create("x");
  (void)umask(before);
  struct stat st;
  for (int i = 0; i < COUNT(folders) + COUNT(files); i++) {
    bool folder = i < COUNT(folders);
    char *path = support_path(base, folder ? folders[i] : files[i - COUNT(folders)]);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_msg((st.st_mode & 07777) == (folder ? 0700 : 0600), "%s: %o", path, st.st_mode);
    free(path);
  }
}
END_TEST

START_TEST(without_annotations) {
  create("plain");
  ck_assert_uint_eq(entry.events_written, 1);
  ck_assert_uint_eq(entry.tag_count + entry.people_count + entry.project_count, 0);
  update("plainer");
  ck_assert_uint_eq(entry.events_written, 1);
  update("with +tag");
  ck_assert_uint_eq(entry.events_written, 2);
  update("without"); /* for readers that would keep the old ones */
  ck_assert_uint_eq(entry.events_written, 2);
  ck_assert_uint_eq(entry.tag_count, 0);
  expect_in(EVENTS, "\"tags\":[],\"people\":[],\"projects\":[]");
}
END_TEST

START_TEST(never_overwritten) {
  create("first");
  char *before = support_read(base, EVENTS, NULL);
  ck_assert_int_eq(dl_entry_create(journal, DAY, "second", NULL, &err), DL_ERR_EXISTS);
  ck_assert_ptr_nonnull(strstr(err.message, "already exists"));
  char *after = support_read(base, EVENTS, NULL);
  ck_assert_str_eq(before, after);
  free(before);
  free(after);
  read_entry();
  ck_assert_str_eq(entry.content, "first");
}
END_TEST

/* Somebody's text, though it is not in the events. */
START_TEST(an_md_without_events) {
  support_write(base, MD, "by hand");
  ck_assert_int_eq(dl_entry_create(journal, DAY, "x", NULL, &err), DL_ERR_JOURNAL);
  ck_assert_msg(strstr(err.message, MD) != NULL, "%s", err.message);
  ck_assert(!support_exists(base, EVENTS));
  char *got = support_read(base, MD, NULL);
  ck_assert_str_eq(got, "by hand");
  free(got);
}
END_TEST

START_TEST(a_changed_entry) {
  create("one @a");
  char created[64];
  (void)snprintf(created, sizeof created, "%s", entry.created_at);
  update("two @b");
  ck_assert_str_eq(entry.content, "two @b");
  ck_assert_uint_eq(entry.event_count, 4);
  ck_assert_str_eq(entry.created_at, created);
  ck_assert_str_eq(entry.people[0], "b");
  expect_in(MD, "people: [\"b\"]");
  expect_in(MD, "\ntwo @b\n");
  read_entry();
  ck_assert_str_eq(entry.content, "two @b");
  ck_assert_uint_eq(entry.events_written, 0);
  expect_in(EVENTS, "one @a");
}
END_TEST

START_TEST(the_same_text_writes_nothing) {
  static const char *const same[] = {"text", "text\n", "text\r\n\n"};
  create("text");
  char *before = support_read(base, EVENTS, NULL);
  for (int i = 0; i < COUNT(same); i++) {
    update(same[i]);
    ck_assert_uint_eq(entry.events_written, 0);
    ck_assert_str_eq(entry.content, "text");
  }
  char *after = support_read(base, EVENTS, NULL);
  ck_assert_str_eq(before, after);
  free(before);
  free(after);
  support_write(base, EVENTS, CREATED("text\\n")); /* of another program */
  update("text");
  ck_assert_uint_eq(entry.events_written, 0);
  update("tex");
  ck_assert_uint_eq(entry.events_written, 1);
  update("tex\n x");
  ck_assert_uint_eq(entry.events_written, 1);
}
END_TEST

START_TEST(changed_by_somebody_else_meanwhile) {
  create("one");
  uint64_t seen = entry.event_count;
  update("two");
  dl_entry other = DL_ENTRY_INIT;
  ck_assert_int_eq(dl_entry_update(journal, DAY, "mine", seen, &other, &err), DL_ERR_CONFLICT);
  ck_assert_ptr_null(other.content);
  expect_ok(dl_entry_update(journal, DAY, "mine", entry.event_count, NULL, &err));
  read_entry();
  ck_assert_str_eq(entry.content, "mine");
}
END_TEST

START_TEST(no_such_entry) {
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(dl_entry_read(journal, DAY, &entry, &err), DL_ERR_NOT_FOUND);
    ck_assert_msg(strstr(err.message, DAY) != NULL, "%s", err.message);
    ck_assert_int_eq(dl_entry_update(journal, DAY, "x", 0, &entry, &err), DL_ERR_NOT_FOUND);
    ck_assert(!support_exists(base, "events"));
    ck_assert_int_eq(support_exists(base, ""), i == 1);
    support_write(base, "config.ini", "");
  }
  support_write(base, EVENTS, ""); /* a crash before the first event */
  ck_assert_int_eq(dl_entry_read(journal, DAY, &entry, &err), DL_ERR_NOT_FOUND);
  ck_assert_int_eq(dl_entry_update(journal, DAY, "x", 0, &entry, &err), DL_ERR_NOT_FOUND);
  ck_assert(!support_exists(base, MD));
  create("x");
}
END_TEST

START_TEST(wrong_arguments) {
  static const char *const ids[] = {"", "2025", "20230229", "../../etc", "20250911/", "today"};
  static const char *const texts[] = {"", " \n\t\r\n", "\xff", "a\xc3"};
  for (int i = 0; i < COUNT(ids); i++) {
    ck_assert_int_eq(dl_entry_create(journal, ids[i], "x", NULL, &err), DL_ERR_ARGUMENT);
    ck_assert_msg(strstr(err.message, "YYYYMMDD") != NULL, "%s", err.message);
    ck_assert_int_eq(dl_entry_update(journal, ids[i], "x", 0, NULL, &err), DL_ERR_ARGUMENT);
    ck_assert_int_eq(dl_entry_read(journal, ids[i], NULL, &err), DL_ERR_ARGUMENT);
  }
  for (int i = 0; i < COUNT(texts); i++) {
    ck_assert_int_eq(dl_entry_create(journal, DAY, texts[i], NULL, &err), DL_ERR_ARGUMENT);
    ck_assert_int_eq(dl_entry_update(journal, DAY, texts[i], 0, NULL, &err), DL_ERR_ARGUMENT);
  }
  ck_assert_int_eq(dl_entry_create(journal, DAY, NULL, NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_entry_create(NULL, DAY, "x", NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_entry_update(NULL, DAY, "x", 0, NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_entry_read(NULL, DAY, NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_journal_open(NULL, &journal, &err), DL_ERR_ARGUMENT);
  char id[DL_ENTRY_ID_SIZE];
  ck_assert_int_eq(dl_entry_today(id, sizeof id - 1, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_entry_today(NULL, 9, &err), DL_ERR_ARGUMENT);
  ck_assert(!support_exists(base, ""));
  dl_journal_close(NULL);
  dl_entry_clear(NULL);
  ck_assert_ptr_null(dl_journal_note(NULL, 0));
}
END_TEST

START_TEST(the_largest_text) {
  char *text = malloc(DL_ENTRY_SIZE_MAX + 2);
  ck_assert_ptr_nonnull(text);
  memset(text, 'x', DL_ENTRY_SIZE_MAX + 1);
  text[DL_ENTRY_SIZE_MAX + 1] = '\0';
  ck_assert_int_eq(dl_entry_create(journal, DAY, text, NULL, &err), DL_ERR_ARGUMENT);
  ck_assert(!support_exists(base, ""));
  text[DL_ENTRY_SIZE_MAX] = '\0';
  create(text);
  read_entry();
  ck_assert_str_eq(entry.content, text);
  free(text);
}
END_TEST

START_TEST(today) {
  char id[DL_ENTRY_ID_SIZE];
  dl_entry mine = DL_ENTRY_INIT;
  do { /* once more if the day ended in between */
    dl_entry_clear(&mine);
    expect_ok(dl_entry_today(id, sizeof id, &err));
    expect_ok(dl_entry_create(journal, NULL, "x", &mine, &err));
  } while (strcmp(mine.id, id) != 0);
  dl_entry_clear(&mine);
  expect_ok(dl_entry_update(journal, id, "y", 0, NULL, &err));
}
END_TEST

START_TEST(a_host_of_another_version) {
  struct {
    dl_entry entry;
    unsigned char behind[16];
  } g;
  memset(&g, 0xEE, sizeof g);
  g.entry.struct_size = (uint32_t)offsetof(dl_entry, content);
  expect_ok(dl_entry_create(journal, DAY, "x", &g.entry, &err)); /* too small to own a text */
  ck_assert_uint_eq(g.entry.struct_size, offsetof(dl_entry, content));
  const unsigned char *bytes = (const unsigned char *)&g;
  for (size_t i = offsetof(dl_entry, content); i < sizeof g; i++) ck_assert_uint_eq(bytes[i], 0xEE);
  dl_entry_clear(&g.entry);
  for (size_t i = offsetof(dl_entry, content); i < sizeof g; i++) ck_assert_uint_eq(bytes[i], 0xEE);
  g.entry.struct_size = sizeof g;
  expect_ok(dl_entry_read(journal, DAY, &g.entry, &err));
  ck_assert_str_eq(g.entry.content, "x");
  ck_assert_uint_eq(g.entry.struct_size, sizeof g);
  dl_entry_clear(&g.entry);
  ck_assert_ptr_null(g.entry.content);
  ck_assert_uint_eq(g.behind[0], 0xEE);
}
END_TEST

/* As the seed's program wrote it: nanoseconds, two blank lines, an update. */
START_TEST(a_folder_of_the_seed) {
  support_write(base, EVENTS,
                "{\"type\":\"Created\",\"data\":{\"id\":\"20250911\",\"content\":\"Worked with "
                "@alice on ::search-service using +rust\\n\",\"timestamp\":"
                "\"2025-09-11T10:00:00.123456789+02:00\"}}\n"
                "{\"type\":\"AnnotationParsed\",\"data\":{\"tags\":[\"rust\"],\"people\":"
                "[\"alice\"],\"projects\":[\"search-service\"],\"timestamp\":"
                "\"2025-09-11T10:00:00.123456789+02:00\"}}\n"
                "\n\n"
                "{\"type\":\"ContentUpdated\",\"data\":{\"content\":\"Worked alone\\n\","
                "\"timestamp\":\"2025-09-11T08:30:00.5Z\"}}\n"
                "{\"type\":\"AnnotationParsed\",\"data\":{\"tags\":[],\"people\":[],\"projects\":"
                "[],\"timestamp\":\"2025-09-11T08:30:00.5Z\"}}\n"
                "{\"type\":\"Archived\",\"data\":{\"content\":\"x\"}}\n");
  char *before = support_read(base, EVENTS, NULL);
  support_write(base, MD, "of the seed");
  read_entry();
  ck_assert_str_eq(entry.content, "Worked alone\n");
  ck_assert_str_eq(entry.created_at, "2025-09-11T10:00:00.123456789+02:00");
  ck_assert_str_eq(entry.updated_at, "2025-09-11T08:30:00.5Z");
  ck_assert_uint_eq(entry.people_count, 0);
  ck_assert_uint_eq(entry.event_count, 5);
  expect_notes(NULL, NULL);
  char *after = support_read(base, EVENTS, NULL);
  ck_assert_str_eq(before, after);
  free(before);
  free(after);
  expect_in(MD, "of the seed"); /* newer than the events: left alone */
  update("Worked with @bob");
  ck_assert_uint_eq(entry.event_count, 7);
  expect_in(MD, "people: [\"bob\"]");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("journal");
  TCase *tcase = tcase_create("journal");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 30);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, a_new_entry);
  tcase_add_test(tcase, modes_of_what_is_made);
  tcase_add_test(tcase, without_annotations);
  tcase_add_test(tcase, never_overwritten);
  tcase_add_test(tcase, an_md_without_events);
  tcase_add_test(tcase, a_changed_entry);
  tcase_add_test(tcase, the_same_text_writes_nothing);
  tcase_add_test(tcase, changed_by_somebody_else_meanwhile);
  tcase_add_test(tcase, no_such_entry);
  tcase_add_test(tcase, wrong_arguments);
  tcase_add_test(tcase, the_largest_text);
  tcase_add_test(tcase, today);
  tcase_add_test(tcase, a_host_of_another_version);
  tcase_add_test(tcase, a_folder_of_the_seed);
  return support_main(suite);
}
