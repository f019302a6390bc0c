/* Each allocation of ours fails once: an error, no crash, no lie. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWNED_BY_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWNED_BY_SANITIZER 1
#endif
#endif

#ifdef OWNED_BY_SANITIZER

int main(void) {
  (void)puts("1..0 # SKIP malloc belongs to the sanitizer");
  return 0;
}

#else

#include "base/json.h"
#include "unit/journal_kit.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

/* The n-th allocation from now on; 0: none. Volatile: the compiler knows its own malloc, which
 * would not look at it. */
static volatile long fail_at;
static bool failed;

/* jansson cannot be made safe by those who use it: its own allocations are left alone. */
static bool fails(const void *caller) {
  Dl_info info;
  if (fail_at == 0) return false;
  if (dladdr(caller, &info) != 0 && strstr(info.dli_fname, "jansson") != NULL) return false;
  if (--fail_at > 0) return false;
  failed = true;
  return true;
}

void *malloc(size_t size) {
  return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

static void arm(long n) {
  failed = false;
  fail_at = n;
}

static void disarm(void) {
  fail_at = 0;
}

static void expect_end(dl_status status, long n) {
  disarm();
  bool fits = status == DL_OK || status == DL_ERR_NO_MEMORY || status == DL_ERR_JOURNAL;
  ck_assert_msg(fits, "allocation %ld: %s: %s", n, dl_status_name(status), err.message);
}

/* What was said to have failed is not there, what was said to be done is. */
START_TEST(while_writing) {
  long n = 1;
  do {
    dl_entry_clear(&entry);
    arm(n);
    dl_status status = dl_entry_create(journal, DAY, "one +a @b ::c", &entry, &err);
    expect_end(status, n);
    dl_status there = dl_entry_read(journal, DAY, NULL, &err);
    ck_assert_msg(there == (status == DL_OK ? DL_OK : DL_ERR_NOT_FOUND), "allocation %ld", n);
    if (status == DL_OK) {
      char *events = support_path(base, EVENTS), *md = support_path(base, MD);
      ck_assert_int_eq(remove(events), 0);
      ck_assert_int_eq(remove(md), 0);
      free(events);
      free(md);
    }
    n++;
  } while (failed);
  ck_assert_int_gt(n, 15);
}
END_TEST

START_TEST(while_changing) {
  long n = 1;
  do {
    char text[64];
    support_write(base, EVENTS, CREATED("start"));
    (void)snprintf(text, sizeof text, "change %ld +a", n);
    dl_entry_clear(&entry);
    arm(n);
    dl_status status = dl_entry_update(journal, DAY, text, 0, NULL, &err);
    expect_end(status, n);
    read_entry();
    ck_assert_msg(entry.event_count == (status == DL_OK ? 3 : 1), "allocation %ld", n);
    ck_assert_int_eq(strcmp(entry.content, text) == 0, status == DL_OK);
    n++;
  } while (failed);
  ck_assert_int_gt(n, 15);
}
END_TEST

/* No event is taken for damaged because there was no memory to read it. */
START_TEST(while_reading) {
  create("one +a @b ::c");
  update("two +d");
  long n = 1;
  do {
    dl_entry_clear(&entry);
    arm(n);
    dl_status status = dl_entry_read(journal, DAY, &entry, &err);
    disarm();
    ck_assert_msg(status == DL_OK || status == DL_ERR_NO_MEMORY, "allocation %ld: %s", n,
                  err.message);
    if (status == DL_OK) {
      ck_assert_str_eq(entry.content, "two +d");
      ck_assert_uint_eq(entry.event_count, 4);
      ck_assert_uint_eq(entry.lines_damaged, 0);
      ck_assert_uint_eq(entry.tag_count, 1);
    }
    n++;
  } while (failed);
  ck_assert_int_gt(n, 15);
}
END_TEST

static int each(const dl_entry *e, void *user) {
  (void)e;
  ++*(int *)user;
  return 0;
}

START_TEST(while_listing) {
  create("one +a");
  support_write(base, "events/20250912.jsonl", CREATED("two"));
  long n = 1;
  do {
    int count = 0;
    arm(n);
    dl_status status = dl_entry_list(journal, 0, each, &count, &err);
    disarm();
    if (status == DL_OK) {
      ck_assert_int_eq(count, 2);
    } else {
      ck_assert_msg(status == DL_ERR_NO_MEMORY || status == DL_ERR_JOURNAL, "%s", err.message);
    }
    n++;
  } while (failed);
  ck_assert_int_gt(n, 15);
}
END_TEST

/* jansson is not even called where there is no room for what it needs. */
START_TEST(while_parsing) {
  dl__json *json;
  arm(1);
  dl__json_end end = dl__json_parse("{}", 2, &json);
  disarm();
  ck_assert_int_eq(end, DL__JSON_NO_MEMORY);
  ck_assert_ptr_null(json);
}
END_TEST

/* Not under valgrind, which puts its own in the place of ours. */
static bool is_ours(void) {
  arm(1);
  void *volatile block = malloc(1);
  disarm();
  free(block);
  return block == NULL;
}

int main(void) {
  if (!is_ours()) {
    (void)puts("1..0 # SKIP malloc belongs to somebody else");
    return 0;
  }
  Suite *suite = suite_create("journal_memory");
  TCase *tcase = tcase_create("journal_memory");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 50);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, while_parsing);
  tcase_add_test(tcase, while_writing);
  tcase_add_test(tcase, while_changing);
  tcase_add_test(tcase, while_reading);
  tcase_add_test(tcase, while_listing);
  return support_main(suite);
}

#endif
