/* Conformance: how a put uses its source, and what is left when that fails. */
#include <string.h>

#include "remote.h"

#define SIZE (MIB + 3)

/* Puts from a source over nothing or over an old object; gives what the put said. */
static dl_status put_from(source *from, bool over_old, dl_error *err) {
  if (over_old) {
    bytes old = bytes_text("old");
    (void)put_with_digest(&storage, "folder/a", old);
    bytes_clear(&old);
  }
  dl_put_request request = put_request("folder/a", from);
  char digest[DL_DIGEST_SIZE];
  request.digest = bytes_digest(from->content, digest);
  dl_put_result result = DL_PUT_RESULT_INIT;
  return try_put(&storage, &request, &result, err);
}

/* After a put that failed. */
static void assert_as_before(bool over_old) {
  if (over_old) assert_text(&storage, "folder/a", "old");
  if (!over_old) assert_absent(&storage, "folder/a");
  assert_keys(&storage, "", over_old ? "folder/a" : "");
}

/* That offsets rise from 0 without gaps, that never more is asked for than was promised, and
 * that DL_OK comes only after every byte, is what source_read and try_put look at. */
START_TEST(reads_in_order) {
  bytes content = bytes_random(5 * MIB + 1, 1);
  source from = {.content = content};
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(put_from(&from, false, &err), err);
  ck_assert_uint_ge(from.calls, 1);
  ck_assert_uint_eq(from.given, content.size);
  assert_content(&storage, "folder/a", content);
  bytes_clear(&content);
}
END_TEST

START_TEST(reads_nothing_of_nothing) {
  bytes content = bytes_text("");
  source from = {.content = content};
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(put_from(&from, true, &err), err);
  ck_assert_uint_eq(from.calls, 0);
  assert_content(&storage, "folder/a", content);
  bytes_clear(&content);
}
END_TEST

/* Of content that goes on behind what was promised, only the promised part is read and kept. */
START_TEST(reads_no_more_than_promised) {
  bytes content = bytes_random(SIZE, 1);
  source from = {.content = {content.data, SIZE / 2}};
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(put_from(&from, false, &err), err);
  assert_content(&storage, "folder/a", from.content);
  bytes_clear(&content);
}
END_TEST

static const source short_pieces[] = {
    {.piece = 1}, {.piece = 7, .varied = true}, {.piece = 4095}, {.piece = 64 * KIB - 1}};

START_TEST(short_pieces_accepted) {
  bytes content = bytes_random(short_pieces[_i].piece < 8 ? 20011 : SIZE, 1);
  source from = short_pieces[_i];
  from.content = content;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(put_from(&from, true, &err), err);
  assert_content(&storage, "folder/a", content);
  bytes_clear(&content);
}
END_TEST

/* Where a source can fail, each over nothing and over an old object. */
static const uint64_t places[] = {0, 1, 64 * KIB, 128 * KIB, SIZE / 2, SIZE - 3, SIZE - 1};

START_TEST(source_fails) {
  bool over_old = _i % 2 == 1;
  bytes content = bytes_random(SIZE, 1);
  source from = {.content = content, .failing = true, .failure = DL_ERR_SOURCE_CHANGED};
  from.fail_at = places[_i / 2];
  dl_error err;
  ASSERT_FAILS(put_from(&from, over_old, &err), DL_ERR_SOURCE_CHANGED, err);
  ck_assert_uint_ge(from.failed, 1);
  assert_as_before(over_old);
  bytes_clear(&content);
}
END_TEST

static const dl_status statuses[] = {DL_ERR_SOURCE_CHANGED, DL_ERR_CANCELLED, DL_ERR_SCAN,
                                     DL_ERR_NO_MEMORY,      DL_ERR_STORAGE,   DL_ERR_NOT_FOUND};

START_TEST(status_of_source_is_returned) {
  bytes content = bytes_random(1000, 1);
  source from = {.content = content, .failing = true, .failure = statuses[_i]};
  dl_error err;
  ASSERT_FAILS(put_from(&from, true, &err), statuses[_i], err);
  assert_as_before(true);
  from = (source){.content = content, .failing = true, .failure = statuses[_i]};
  ck_assert_int_eq(put_from(&from, true, NULL), statuses[_i]);
  assert_as_before(true);
  bytes_clear(&content);
}
END_TEST

START_TEST(source_ends_early) {
  bool over_old = _i % 2 == 1;
  bytes content = bytes_random(SIZE, 1);
  source from = {.content = content, .short_of_promise = true, .fail_at = places[_i / 2]};
  dl_error err = DL_ERROR_INIT;
  dl_status status = put_from(&from, over_old, &err);
  ck_assert_int_ne(status, DL_OK);
  ck_assert_int_eq(err.status, status);
  ck_assert_str_ne(err.message, "");
  assert_as_before(over_old);
  bytes_clear(&content);
}
END_TEST

START_TEST(works_after_failures) {
  bytes content = bytes_random(SIZE, 1);
  dl_error err;
  for (int i = 0; i < 3; i++) {
    source from = {.content = content, .failing = true, .fail_at = 200 * KIB};
    from.failure = DL_ERR_SOURCE_CHANGED;
    ASSERT_FAILS(put_from(&from, false, &err), DL_ERR_SOURCE_CHANGED, err);
  }
  source from = {.content = content};
  ASSERT_OK(put_from(&from, false, &err), err);
  assert_content(&storage, "folder/a", content);
  bytes_clear(&content);
}
END_TEST

/* A put on its way is not seen: nothing of the new one, all of the old one. */
static void look_around(void *user, uint64_t offset) {
  (void)offset;
  assert_as_before(*(const bool *)user);
}

START_TEST(unseen_until_done) {
  bool over_old = _i == 1;
  bytes content = bytes_random(SIZE, 1);
  if (over_old) put_text(&storage, "folder/a", "old");
  dl__storage other = open_url(here.url);
  source from = {.content = content, .before = look_around, .user = &over_old};
  dl_put_request request = put_request("folder/a", &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_put(&other, &request, &result, &err), err);
  assert_content(&storage, "folder/a", content);
  dl__storage_close(&other);
  bytes_clear(&content);
}
END_TEST

void cases_read(Suite *suite) {
  TCase *tc = case_new(suite, "read");
  tcase_add_test(tc, reads_in_order);
  tcase_add_test(tc, reads_nothing_of_nothing);
  tcase_add_test(tc, reads_no_more_than_promised);
  tcase_add_loop_test(tc, short_pieces_accepted, 0, COUNT(short_pieces));
  tcase_add_loop_test(tc, source_fails, 0, 2 * COUNT(places));
  tcase_add_loop_test(tc, status_of_source_is_returned, 0, COUNT(statuses));
  tcase_add_loop_test(tc, source_ends_early, 0, 2 * COUNT(places));
  tcase_add_test(tc, works_after_failures);
  tcase_add_loop_test(tc, unseen_until_done, 0, 2);
}
