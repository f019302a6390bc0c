/* tests/integration/test_delta_faults.c: what dl_push promises when a storage of objects in parts
 * fails, in each of its steps. */
#include "delta_kit.h"

/* ---- storages that fail ---- */

static dl_status cancel_in_part(hook *hk, const dl_part *part, dl_error *err) {
  (void)hk;
  (void)part;
  (void)err;
  dl_cancel(p.sync);
  return DL_OK;
}

START_TEST(cancelled_in_the_middle) {
  begin_pushed(_i);
  char *new_start = strdup("new start");
  write_file(0, new_start);
  h.on_part = cancel_in_part;
  reset();
  ck_assert_int_eq(DL_ERR_CANCELLED, pusher_push(&p));
  ck_assert_uint_eq(1, p.result.files_skipped);
  ck_assert_int_eq(0, atomic_load(&h.commits));
  assert_remote(); /* as it was */
  h.on_part = NULL;
  memcpy(content, new_start, strlen(new_start));
  push_sends(FULL, 1, 2);
  free(new_start);
}
END_TEST

static dl_status fail_part(hook *hk, const dl_part *part, dl_error *err) {
  (void)hk;
  if (part->offset_bytes != FULL) return DL_OK;
  return dl_error_set(err, DL_ERR_STORAGE, KEY, "no room for this part");
}

START_TEST(a_part_that_fails) {
  begin(_i);
  make_file(1);
  support_write(p.src, "small.md", "small");
  h.on_part = fail_part;
  push_fails(DL_ERR_STORAGE);
  ck_assert_str_eq("no room for this part", p.result.errors[0]->message);
  ck_assert_uint_eq(1, p.result.files_uploaded);
  ck_assert_int_eq(0, atomic_load(&h.commits));
  ck_assert_ptr_null(hook_read(inner, KEY, NULL));
  h.on_part = NULL;
  atomic_store(&h.puts, 0);
  push_sends(SIZE, 3, 0);
}
END_TEST

static dl_status fail_part_once(hook *hk, const dl_part *part, dl_error *err) {
  if (part->offset_bytes != FULL) return DL_OK;
  hk->on_part = NULL;
  (void)dl_error_set(err, DL_ERR_NETWORK, KEY, "busy");
  err->retryable = 1;
  return DL_ERR_NETWORK;
}

START_TEST(a_part_that_fails_for_a_while) {
  begin(_i);
  make_file(1);
  h.on_part = fail_part_once;
  push_sends(SIZE, 4, 0);
  ck_assert_int_eq(0, p.retried);
}
END_TEST

START_TEST(success_without_the_bytes_is_no_success) {
  begin(_i);
  make_file(1);
  h.lie = 1;
  push_fails(DL_ERR_STORAGE);
  ck_assert_ptr_nonnull(strstr(p.result.errors[0]->message, "every byte"));
  ck_assert_int_eq(0, atomic_load(&h.commits));
  h.lie = 0;
  push_sends(SIZE, 3, 0);
}
END_TEST

static dl_status fail_layout(hook *hk, const char *key, dl_error *err) {
  (void)hk;
  return dl_error_set(err, DL_ERR_STORAGE, key, "cannot be looked at");
}

START_TEST(a_layout_that_fails) {
  begin_pushed(_i);
  write_file(SIZE, "more");
  h.on_layout = fail_layout;
  push_fails(DL_ERR_STORAGE);
  assert_remote();
  h.on_layout = NULL;
  memcpy(content + SIZE, "more", 4);
  content_size += 4;
  push_sends(4, 1, 3);
}
END_TEST

static dl_status fail_reuse(hook *hk, const dl_part *part, dl_error *err) {
  (void)hk;
  (void)part;
  return dl_error_set(err, DL_ERR_STORAGE, KEY, "cannot be copied");
}

START_TEST(a_part_that_is_not_taken_over) {
  begin_pushed(_i);
  write_file(SIZE, "more");
  h.on_reuse = fail_reuse;
  push_fails(DL_ERR_STORAGE);
  ck_assert_int_eq(0, atomic_load(&h.commits));
  assert_remote();
}
END_TEST

/* ---- the commit ---- */

static dl_status fail_commit(hook *hk, const dl_commit_request *request, dl_error *err) {
  (void)request;
  (void)hk;
  return dl_error_set(err, DL_ERR_STORAGE, KEY, "no commit today");
}

START_TEST(a_commit_that_fails) {
  begin_pushed(_i);
  write_file(SIZE, "more");
  h.on_commit = fail_commit;
  push_fails(DL_ERR_STORAGE);
  ck_assert_int_eq(1, atomic_load(&h.commits));
  assert_remote();
  h.on_commit = NULL;
  memcpy(content + SIZE, "more", 4);
  content_size += 4;
  push_sends(4, 1, 3);
}
END_TEST

static dl_status fail_commit_once(hook *hk, const dl_commit_request *request, dl_error *err) {
  (void)request;
  hk->on_commit = NULL;
  (void)dl_error_set(err, DL_ERR_NETWORK, KEY, "busy");
  err->retryable = 1;
  return DL_ERR_NETWORK;
}

START_TEST(a_commit_that_fails_for_a_while) {
  begin_pushed(_i);
  edit(SIZE, "more");
  h.on_commit = fail_commit_once;
  push_ok();
  ck_assert_int_eq(2, atomic_load(&h.commits));
  ck_assert_uint_eq(4, p.result.bytes_sent);
  assert_remote();
}
END_TEST

static dl_status lose_part_once(hook *hk, const dl_commit_request *request, dl_error *err) {
  (void)request;
  hk->on_commit = NULL;
  return dl_error_set(err, DL_ERR_NOT_FOUND, KEY, "a part is gone");
}

START_TEST(a_part_that_is_gone_is_put_again) {
  begin_pushed(_i);
  edit(SIZE, "more");
  h.on_commit = lose_part_once;
  push_ok();
  ck_assert_int_eq(1, p.retried);
  ck_assert_int_eq(2, atomic_load(&h.commits));
  ck_assert_uint_eq(8, p.result.bytes_sent);
  assert_remote();
}
END_TEST

static dl_status lose_part(hook *hk, const dl_commit_request *request, dl_error *err) {
  (void)hk;
  (void)request;
  return dl_error_set(err, DL_ERR_NOT_FOUND, KEY, "a part is gone");
}

START_TEST(a_part_that_is_always_gone_is_reported) {
  begin_pushed(_i);
  write_file(SIZE, "more");
  h.on_commit = lose_part;
  push_fails(DL_ERR_NOT_FOUND);
  ck_assert_int_eq(2, atomic_load(&h.commits));
  assert_remote();
}
END_TEST

static dl_status give_theirs(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                             dl_error *err) {
  (void)user;
  (void)offset;
  (void)size;
  (void)err;
  memcpy(buf, "theirs", 6);
  *got = 6;
  return DL_OK;
}

static dl_status write_theirs(hook *hk, const dl_commit_request *request, dl_error *err) {
  (void)request;
  (void)err;
  hk->on_commit = NULL;
  dl_put_request theirs = DL_PUT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  theirs.key = KEY;
  theirs.size_bytes = 6;
  theirs.read = give_theirs;
  return inner->put(inner->self, &theirs, &result, NULL);
}

START_TEST(what_another_machine_wrote_stays) {
  begin_pushed(_i);
  edit(SIZE, "more");
  h.on_commit = write_theirs;
  push_fails(DL_ERR_CONFLICT);
  size_t got = 0;
  char *data = hook_read(inner, KEY, &got);
  ck_assert_uint_eq(6, got);
  ck_assert_int_eq(0, memcmp("theirs", data, 6));
  free(data);
  h.on_commit = write_theirs;
  p.options.force = 1;
  push_sends(SIZE + 4, 3, 0);
}
END_TEST

/* ---- threads ---- */

static dl_status meet(hook *hk, const dl_part *part, dl_error *err) {
  (void)part;
  (void)err;
  /* Until all three are here, or a while has passed. */
  for (int i = 0; i < 500 && atomic_load(&hk->most_running) < 3; i++) usleep(10000);
  return DL_OK;
}

START_TEST(parts_of_one_file_are_sent_at_the_same_time) {
  begin(_i);
  h.on_part = meet;
  make_file(1);
  edit(SIZE, "");
  p.options.jobs = 8;
  push_sends(SIZE, 3, 0);
  ck_assert_int_eq(3, atomic_load(&h.most_running));
}
END_TEST

START_TEST(a_storage_for_one_thread_has_one) {
  begin(_i);
  pusher_close(&p);
  h.caps = DL_STORAGE_CONDITIONAL;
  pusher_open(&p, "hook://test");
  make_file(1);
  p.options.jobs = 8;
  push_sends(SIZE, 3, 0);
  ck_assert_int_eq(1, atomic_load(&h.most_running));
}
END_TEST

int main(void) {
  const TTest *const tests[] = {
      cancelled_in_the_middle,
      a_part_that_fails,
      a_part_that_fails_for_a_while,
      success_without_the_bytes_is_no_success,
      a_layout_that_fails,
      a_part_that_is_not_taken_over,
      a_commit_that_fails,
      a_commit_that_fails_for_a_while,
      a_part_that_is_gone_is_put_again,
      a_part_that_is_always_gone_is_reported,
      what_another_machine_wrote_stays,
      parts_of_one_file_are_sent_at_the_same_time,
      a_storage_for_one_thread_has_one,
  };
  return run_delta("delta_faults", tests, sizeof tests / sizeof tests[0]);
}
