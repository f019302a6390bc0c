/* What the tests of the journal's public calls share: a journal in a new folder. */
#ifndef DL_TESTS_JOURNAL_KIT_H
#define DL_TESTS_JOURNAL_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <devlog/devlog.h>

#include "support/support.h"

#define DAY    "20250911"
#define EVENTS "events/" DAY ".jsonl"
#define MD     "entries/" DAY ".md"
#define T      "2025-09-11T10:00:00+02:00"

/* Lines as other programs write them. */
#define CREATED(text)                                                                              \
  "{\"type\":\"Created\",\"data\":{\"id\":\"" DAY "\",\"content\":\"" text "\",\"timestamp\":\"" T \
  "\"}}\n"

static char *base; /* of the journal; not made yet */
static char *top;
static dl_journal *journal;
static dl_entry entry;
static dl_error err;

static void kit_open(void) {
  dl_config *config;
  ck_assert_int_eq(dl_config_new(&config, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "base", base, NULL), DL_OK);
  dl_status status = dl_journal_open(config, &journal, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  dl_config_free(config);
}

static void setup(void) {
  top = support_tmpdir();
  base = support_path(top, "home/journal");
  entry = (dl_entry)DL_ENTRY_INIT;
  err = (dl_error)DL_ERROR_INIT;
  kit_open();
}

static void teardown(void) {
  dl_entry_clear(&entry);
  dl_journal_close(journal);
  free(base);
  support_rmdir(top);
}

static inline void expect_ok(dl_status status) {
  ck_assert_msg(status == DL_OK, "%s: %s", dl_status_name(status), err.message);
}

static inline void create(const char *text) {
  dl_entry_clear(&entry);
  expect_ok(dl_entry_create(journal, DAY, text, &entry, &err));
}

static inline void update(const char *text) {
  dl_entry_clear(&entry);
  expect_ok(dl_entry_update(journal, DAY, text, 0, &entry, &err));
}

static inline void read_entry(void) {
  dl_entry_clear(&entry);
  expect_ok(dl_entry_read(journal, DAY, &entry, &err));
}

/* The last call made just these remarks, each with one of the texts in it; NULL: none. */
static inline void expect_notes(const char *first, const char *second) {
  const char *texts[] = {first, second};
  size_t count = first == NULL ? 0 : second == NULL ? 1 : 2;
  for (size_t i = 0; i < count; i++) {
    const char *note = dl_journal_note(journal, i);
    ck_assert_ptr_nonnull(note);
    ck_assert_msg(strstr(note, texts[i]) != NULL, "%s", note);
  }
  const char *more = dl_journal_note(journal, count);
  ck_assert_msg(more == NULL, "%s", more);
}

static inline void expect_in(const char *name, const char *text) {
  char *got = support_read(base, name, NULL);
  ck_assert_msg(strstr(got, text) != NULL, "%s does not say %s: %s", name, text, got);
  free(got);
}

#endif
