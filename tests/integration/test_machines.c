/* tests/integration/test_machines.c: two machines with one remote. What one of them stored is not
 * lost by a push of the other, unless that is forced. */
#include "delta_kit.h"

#define SMALL "note.md"

static pusher other; /* the second machine */

static void begin_both(int which) {
  begin(which);
  pusher_open(&other, "hook://test");
}

static void end_both(void) {
  pusher_close(&other);
}

static void write_on(const pusher *machine, const char *key, const char *data, size_t size) {
  support_write_bytes(machine->src, key, data, size);
  support_settle();
}

static void push_is(pusher *machine, dl_status status) {
  dl_status got = pusher_push(machine);
  ck_assert_msg(got == status, "%s: %s", dl_status_name(got), machine->last_message);
  if (status != DL_ERR_PARTIAL) return;
  ck_assert_uint_eq(1, machine->result.files_failed);
  ck_assert_int_eq(DL_ERR_CONFLICT, machine->result.errors[0]->status);
}

static void remote_is(const char *key, const char *data, size_t size) {
  size_t got = 0;
  char *there = hook_read(inner, key, &got);
  ck_assert_ptr_nonnull(there);
  ck_assert_uint_eq(size, got);
  ck_assert_int_eq(0, memcmp(there, data, size));
  free(there);
}

/* Both have the same file, pushed by both; then each changes it. Large ones go in parts. */
typedef struct change {
  const char *key;
  size_t common; /* bytes, of content */
  const char *first;
  const char *second;
  bool lost; /* by the push of the second, what the first stored would be */
} change;

static const change changes[] = {
    {SMALL, 100, "one", "two", true},        {SMALL, 100, "one", "one and two", false},
    {SMALL, 100, "one", "one", false},       {SMALL, 100, "one more", "one", true},
    {KEY, FULL + 1000, "one", "two", true},  {KEY, FULL + 1000, "one", "one and two", false},
    {KEY, FULL + 1000, "one", "one", false}, {KEY, FULL + 1000, "one more", "one", true},
    {KEY, 60000, "one", "two", true},
};

enum { CHANGES = sizeof changes / sizeof changes[0] };

/* The common bytes and then the text, into data; gives the size. */
static size_t compose(const change *c, const char *text, char *data) {
  memcpy(data, content, c->common);
  memcpy(data + c->common, text, strlen(text));
  return c->common + strlen(text);
}

START_TEST(nothing_of_another_machine_is_lost) {
  begin_both(_i % STORAGES);
  const change *c = &changes[_i / STORAGES];
  make_file(1);
  char *path = support_path(p.src, KEY);
  (void)unlink(path);
  free(path);
  write_on(&p, c->key, content, c->common);
  push_is(&p, DL_OK);
  write_on(&other, c->key, content, c->common);
  push_is(&other, DL_OK);
  char *first = malloc(SIZE);
  char *second = malloc(SIZE);
  ck_assert(first != NULL && second != NULL);
  size_t first_size = compose(c, c->first, first);
  size_t second_size = compose(c, c->second, second);
  write_on(&p, c->key, first, first_size);
  push_is(&p, DL_OK);
  write_on(&other, c->key, second, second_size);
  /* However often, and however it is asked: it stays a conflict. */
  push_is(&other, c->lost ? DL_ERR_PARTIAL : DL_OK);
  if (c->lost) {
    remote_is(c->key, first, first_size);
    push_is(&other, DL_ERR_PARTIAL);
    other.options.mode = DL_MODE_ALL;
    push_is(&other, DL_ERR_PARTIAL);
    remote_is(c->key, first, first_size);
    other.options.force = 1;
    push_is(&other, DL_OK);
    other.options = (dl_push_options)DL_PUSH_OPTIONS_INIT;
  }
  remote_is(c->key, second, second_size);
  push_is(&other, DL_OK);
  ck_assert_uint_eq(0, other.result.files_uploaded);
  free(first);
  free(second);
  end_both();
}
END_TEST

/* Unchanged here, changed there: a push of everything does not put the old one back. */
START_TEST(an_old_file_does_not_replace_a_new_one) {
  begin_both(_i);
  write_on(&p, SMALL, "old", 3);
  push_is(&p, DL_OK);
  write_on(&other, SMALL, "old", 3);
  push_is(&other, DL_OK);
  write_on(&p, SMALL, "newer", 5);
  push_is(&p, DL_OK);
  push_is(&other, DL_OK); /* nothing changed here: nothing is asked */
  other.options.mode = DL_MODE_ALL;
  push_is(&other, DL_ERR_PARTIAL);
  other.options.mode = DL_MODE_INCREMENTAL;
  push_is(&other, DL_ERR_PARTIAL); /* what was seen is remembered */
  remote_is(SMALL, "newer", 5);
  end_both();
}
END_TEST

/* What is gone is put there again, and no conflict. */
START_TEST(what_was_removed_is_stored_again) {
  begin_both(_i);
  write_on(&p, SMALL, "text", 4);
  push_is(&p, DL_OK);
  ck_assert_int_eq(DL_OK, inner->remove(inner->self, SMALL, NULL));
  p.options.mode = DL_MODE_ALL;
  push_is(&p, DL_OK);
  remote_is(SMALL, "text", 4);
  end_both();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("machines");
  TCase *tcase = tcase_create("storages");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 60);
  tcase_add_loop_test(tcase, nothing_of_another_machine_is_lost, 0, CHANGES * STORAGES);
  tcase_add_loop_test(tcase, an_old_file_does_not_replace_a_new_one, 0, STORAGES);
  tcase_add_loop_test(tcase, what_was_removed_is_stored_again, 0, STORAGES);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
