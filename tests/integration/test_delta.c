/* tests/integration/test_delta.c: what dl_push sends of a file that changed, also while it is
 * pushed, on storages that take parts over. */
#include "delta_kit.h"

START_TEST(what_was_appended_is_sent) {
  begin_pushed(_i);
  edit(SIZE, "more");
  push_sends(4, 1, 3);
  edit(SIZE + 4, "and more");
  push_sends(8, 1, 4);
  edit(SIZE + 12, "\n");
  p.options.jobs = 1;
  push_sends(1, 1, 5);
  push_ok();
  ck_assert_uint_eq(0, p.result.files_uploaded);
}
END_TEST

START_TEST(the_part_that_was_edited_is_sent) {
  begin_pushed(_i);
  edit(FULL + 100, "edited");
  push_sends(FULL, 1, 2);
  edit(FULL - 3, "border");
  push_sends(2 * FULL, 2, 1);
  edit(SIZE - 10, "end");
  push_sends(1000, 1, 2);
}
END_TEST

START_TEST(a_cut_file_keeps_its_start) {
  begin_pushed(_i);
  cut(2 * FULL - 500);
  push_sends(FULL - 500, 1, 1);
  cut(FULL);
  push_sends(0, 0, 1);
  make_file(2);
  push_sends(SIZE, 3, 0);
}
END_TEST

START_TEST(without_its_state_it_is_the_same) {
  begin_pushed(_i);
  edit(SIZE, "more");
  char *state = support_path(p.root, "state");
  support_rmdir(state);
  push_sends(4, 1, 3);
}
END_TEST

START_TEST(small_pieces_are_all_sent) {
  begin(_i);
  h.read_size = 10000;
  make_file(1);
  push_sends(SIZE, 3, 0);
  ck_assert_int_gt(p.progressed, 0);
}
END_TEST

/* ---- a file that changes meanwhile ---- */

static dl_status append_in_part(hook *hk, const dl_part *part, dl_error *err) {
  (void)part;
  (void)err;
  hk->on_part = NULL;
  write_file(SIZE, "more");
  return DL_OK;
}

START_TEST(a_file_that_grows_is_sent_as_it_was) {
  begin(_i);
  make_file(1);
  p.options.jobs = 1;
  h.on_part = append_in_part;
  push_sends(SIZE, 3, 0);
  memcpy(content + SIZE, "more", 4);
  content_size += 4;
  push_sends(4, 1, 3);
}
END_TEST

/* The part that is on its way: between the reading that made its digest and the next one. */
static dl_status edit_in_part(hook *hk, const dl_part *part, dl_error *err) {
  (void)err;
  if (part->offset_bytes != FULL) return DL_OK;
  hk->on_part = NULL;
  write_file(FULL + 100, "edited");
  return DL_OK;
}

START_TEST(a_part_that_changes_is_planned_anew) {
  begin(_i);
  make_file(1);
  h.on_part = edit_in_part;
  push_ok();
  memcpy(content + FULL + 100, "edited", 6);
  ck_assert_int_eq(1, p.retried);
  ck_assert_int_eq(1, atomic_load(&h.commits));
  assert_remote();
}
END_TEST

/* With growth besides, no stamp tells that anything else changed: the bytes do. */
static dl_status edit_and_append_in_part(hook *hk, const dl_part *part, dl_error *err) {
  dl_status status = edit_in_part(hk, part, err);
  if (hk->on_part == NULL) write_file(SIZE, "more");
  return status;
}

START_TEST(a_part_that_changes_in_a_file_that_grows) {
  begin(_i);
  make_file(1);
  h.on_part = edit_and_append_in_part;
  push_ok();
  memcpy(content + FULL + 100, "edited", 6);
  memcpy(content + SIZE, "more", 4);
  content_size += 4;
  ck_assert_int_eq(1, p.retried);
  ck_assert_int_eq(1, atomic_load(&h.commits));
  assert_remote();
}
END_TEST

/* Another part than the one on its way: that was right when it was sent. */
static dl_status edit_sent_part(hook *hk, const dl_part *part, dl_error *err) {
  (void)err;
  if (part->offset_bytes != 2 * FULL) return DL_OK;
  hk->on_part = NULL;
  write_file(100, "edited");
  return DL_OK;
}

START_TEST(a_part_that_was_sent_changes) {
  begin(_i);
  make_file(1);
  h.on_part = edit_sent_part;
  push_ok();
  memcpy(content + 100, "edited", 6);
  ck_assert_int_eq(1, p.retried);
  assert_remote();
}
END_TEST

static dl_status edit_each_part(hook *hk, const dl_part *part, dl_error *err) {
  char text[16];
  (void)err;
  (void)snprintf(text, sizeof text, "%08d", atomic_load(&hk->put_parts));
  write_file((size_t)part->offset_bytes, text);
  return DL_OK;
}

START_TEST(a_file_that_keeps_changing_is_reported) {
  begin_pushed(_i);
  edit(0, "new start");
  h.on_part = edit_each_part;
  push_fails(DL_ERR_SOURCE_CHANGED);
  ck_assert_int_eq(0, atomic_load(&h.commits));
  make_file(1); /* what was pushed */
  assert_remote();
  make_file(2);
  h.on_part = NULL;
  push_sends(SIZE, 3, 0);
}
END_TEST

static dl_status shorten(hook *hk, const dl_part *part, dl_error *err) {
  (void)part;
  (void)err;
  hk->on_part = NULL;
  cut(FULL + 500);
  return DL_OK;
}

START_TEST(a_file_that_shrinks_is_planned_anew) {
  begin(_i);
  make_file(1);
  p.options.jobs = 1;
  h.on_part = shorten;
  push_ok();
  ck_assert_int_eq(1, p.retried);
  assert_remote();
}
END_TEST

static dl_status replace(hook *hk, const dl_part *part, dl_error *err) {
  (void)part;
  (void)err;
  hk->on_part = NULL;
  char *from = support_path(p.src, "other.tmp");
  char *to = support_path(p.src, KEY);
  for (size_t i = 0; i < SIZE; i++) content[i] ^= 1;
  support_write_bytes(p.src, "other.tmp", content, SIZE);
  ck_assert_int_eq(0, rename(from, to));
  free(from);
  free(to);
  return DL_OK;
}

START_TEST(a_file_that_is_replaced_is_planned_anew) {
  begin(_i);
  make_file(1);
  p.options.jobs = 1;
  h.on_part = replace;
  push_ok();
  ck_assert_int_eq(1, p.retried);
  assert_remote();
}
END_TEST

int main(void) {
  const TTest *const tests[] = {
      what_was_appended_is_sent,           the_part_that_was_edited_is_sent,
      a_cut_file_keeps_its_start,          without_its_state_it_is_the_same,
      small_pieces_are_all_sent,           a_file_that_grows_is_sent_as_it_was,
      a_part_that_changes_is_planned_anew, a_part_that_changes_in_a_file_that_grows,
      a_part_that_was_sent_changes,        a_file_that_keeps_changing_is_reported,
      a_file_that_shrinks_is_planned_anew, a_file_that_is_replaced_is_planned_anew,
  };
  return run_delta("delta", tests, sizeof tests / sizeof tests[0]);
}
