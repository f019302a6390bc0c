/* Calling the host: any version of its struct, and its "no". */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "push/progress.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static atomic_bool cancel;
static dl_progress_event seen;
static int calls;
static int answer;

static int hear(const dl_progress_event *event, void *user) {
  seen = *event;
  calls += *(int *)user;
  return answer;
}

static void setup(void) {
  atomic_store(&cancel, false);
  calls = 0;
  answer = 0;
}

START_TEST(no_progress_at_all) {
  dl__progress p;
  memset(&p, 0xEE, sizeof p);
  dl__progress_init(&p, NULL, "/base", &cancel);
  ck_assert_str_eq(p.base_path, "/base");
  const dl_progress none = {0};
  ck_assert_mem_eq(&p.calls, &none, sizeof none);
  dl__progress_tell(&p, p.calls.scan_start, (dl_progress_event){0});
  dl__progress_tell(&p, NULL, (dl_progress_event){0});
  ck_assert(!atomic_load(&cancel));
}
END_TEST

static dl_progress full(int *user) {
  dl_progress from = DL_PROGRESS_INIT;
  from.user = user;
  dl_progress_fn *slots = &from.scan_start;
  size_t count = (sizeof from - offsetof(dl_progress, scan_start)) / sizeof *slots;
  for (size_t i = 0; i < count; i++) slots[i] = hear;
  return from;
}

static const size_t struct_sizes[] = {
    sizeof(uint32_t),
    offsetof(dl_progress, user),
    offsetof(dl_progress, scan_start),
    offsetof(dl_progress, scan_complete),
    offsetof(dl_progress, upload_complete),
    offsetof(dl_progress, note),
    sizeof(dl_progress),
};

/* A host of an older version: what it has not is NULL, and what stands behind its
 * struct is not read (the sanitizer sees that). */
START_TEST(a_smaller_struct) {
  int user = 1;
  size_t size = struct_sizes[_i];
  dl_progress whole = full(&user);
  whole.struct_size = (uint32_t)size;
  dl_progress *from = malloc(size);
  ck_assert_ptr_nonnull(from);
  memcpy(from, &whole, size);
  dl__progress p;
  memset(&p, 0xEE, sizeof p);
  dl__progress_init(&p, from, "/base", &cancel);
  free(from);
  dl_progress expected = {0};
  memcpy(&expected, &whole, size);
  ck_assert_mem_eq(&p.calls, &expected, sizeof expected);
  if (size < sizeof expected) ck_assert(p.calls.note == NULL);
}
END_TEST

START_TEST(a_larger_struct) {
  int user = 1;
  static const uint32_t sizes[] = {0, sizeof(dl_progress), sizeof(dl_progress) + 64, UINT32_MAX};
  for (int i = 0; i < COUNT(sizes); i++) {
    dl_progress from = full(&user);
    from.struct_size = sizes[i];
    dl__progress p;
    dl__progress_init(&p, &from, "/base", &cancel);
    ck_assert(p.calls.scan_start == hear);
    ck_assert(p.calls.note == hear);
    ck_assert_ptr_eq(p.calls.user, &user);
    ck_assert_ptr_eq(p.cancel, &cancel);
  }
}
END_TEST

START_TEST(an_event_is_completed) {
  int user = 1;
  dl_progress from = full(&user);
  dl__progress p;
  dl__progress_init(&p, &from, "/base", &cancel);
  dl_progress_event event = {.struct_size = 1,
                             .base_path = "wrong",
                             .path = "key",
                             .files = 3,
                             .size_bytes = 4,
                             .sent_bytes = 5,
                             .message = "words"};
  dl__progress_tell(&p, p.calls.note, event);
  ck_assert_int_eq(calls, 1);
  ck_assert_uint_eq(seen.struct_size, sizeof seen);
  ck_assert_uint_eq(seen.reserved, 0);
  ck_assert_str_eq(seen.base_path, "/base");
  ck_assert_str_eq(seen.path, "key");
  ck_assert_uint_eq(seen.files, 3);
  ck_assert_uint_eq(seen.size_bytes, 4);
  ck_assert_uint_eq(seen.sent_bytes, 5);
  ck_assert_str_eq(seen.message, "words");
  ck_assert_ptr_null(seen.error);
  ck_assert_ptr_null(seen.result);
  ck_assert(!atomic_load(&cancel));
}
END_TEST

START_TEST(anything_but_zero_cancels) {
  static const int answers[] = {1, -1, 2, INT32_MAX, INT32_MIN};
  int user = 1;
  dl_progress from = full(&user);
  dl__progress p;
  dl__progress_init(&p, &from, "/base", &cancel);
  for (int i = 0; i < COUNT(answers); i++) {
    atomic_store(&cancel, false);
    answer = answers[i];
    dl__progress_tell(&p, p.calls.retry, (dl_progress_event){0});
    ck_assert_msg(atomic_load(&cancel), "%d does not cancel", answers[i]);
    answer = 0; /* and a later 0 takes nothing back */
    dl__progress_tell(&p, p.calls.retry, (dl_progress_event){0});
    ck_assert(atomic_load(&cancel));
  }
  ck_assert_int_eq(calls, 2 * COUNT(answers));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("progress");
  TCase *tcase = tcase_create("progress");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, NULL);
  tcase_add_test(tcase, no_progress_at_all);
  tcase_add_loop_test(tcase, a_smaller_struct, 0, COUNT(struct_sizes));
  tcase_add_test(tcase, a_larger_struct);
  tcase_add_test(tcase, an_event_is_completed);
  tcase_add_test(tcase, anything_but_zero_cancels);
  return support_main(suite);
}
