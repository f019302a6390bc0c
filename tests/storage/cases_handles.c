/* Conformance: the storage itself: its slots, two of them on one remote, and
 * what is left after the end of it. */
#include <stddef.h>
#include <string.h>

#include "base/url.h"
#include "remote.h"

START_TEST(slots_and_caps) {
  const dl_storage *slots = storage.owner;
  ck_assert_uint_ge(slots->struct_size, offsetof(dl_storage, remove));
  ck_assert_uint_eq(slots->caps, tested.caps);
  ck_assert(slots->list != NULL && slots->stat != NULL && slots->put != NULL &&
            slots->get != NULL && slots->close != NULL);
  ck_assert_int_eq(storage.slots.remove != NULL, tested_can(CAN_REMOVE));
  ck_assert_int_eq(dl__storage_has_parts(&storage), tested_can(CAN_PARTS));
}
END_TEST

/* One line for people, if there is one. */
START_TEST(description) {
  if (storage.slots.describe == NULL) return;
  const char *text = storage.slots.describe(storage.slots.self);
  ck_assert_ptr_nonnull(text);
  ck_assert_str_ne(text, "");
  ck_assert(!dl__text_has_control(text));
}
END_TEST

/* "It makes no request yet." */
START_TEST(opening_stores_nothing) {
  for (int i = 0; i < 3; i++) {
    dl__storage other = open_url(here.url);
    dl__storage_close(&other);
  }
  assert_keys(&storage, "", "");
}
END_TEST

START_TEST(two_see_each_other) {
  dl__storage other = open_url(here.url);
  put_text(&storage, "a", "1");
  assert_text(&other, "a", "1");
  put_text(&other, "a", "changed");
  put_text(&other, "b/c", "2");
  assert_text(&storage, "a", "changed");
  assert_text(&storage, "b/c", "2");
  assert_keys(&storage, "", "a\nb/c");
  if (tested_can(CAN_REMOVE)) {
    remove_object(&other, "a");
    assert_absent(&storage, "a");
  }
  dl__storage_close(&other);
  assert_text(&storage, "b/c", "2");
}
END_TEST

START_TEST(two_agree) {
  dl__storage other = open_url(here.url);
  bytes content = bytes_text("content");
  dl_put_result result = put_with_digest(&other, "a", content);
  object mine = stat_of(&storage, "a");
  object theirs = stat_of(&other, "a");
  ck_assert_str_eq(mine.etag, result.etag);
  ck_assert_str_eq(mine.etag, theirs.etag);
  ck_assert_str_eq(mine.digest, theirs.digest);
  ck_assert_int_eq(mine.mtime_ns, theirs.mtime_ns);
  object_clear(&mine);
  object_clear(&theirs);
  dl__storage_close(&other);
  bytes_clear(&content);
}
END_TEST

START_TEST(condition_between_two) {
  dl__storage other = open_url(here.url);
  bytes content = bytes_text("1");
  dl_put_result result = put(&storage, "a", content);
  put_text(&other, "a", "from another");
  source from = {.content = content};
  dl_put_request request = put_request("a", &from);
  request.if_match = result.etag;
  dl_error err;
  dl_put_result second = DL_PUT_RESULT_INIT;
  ASSERT_FAILS(try_put(&storage, &request, &second, &err), DL_ERR_CONFLICT, err);
  assert_text(&storage, "a", "from another");
  dl__storage_close(&other);
  bytes_clear(&content);
}
END_TEST

START_TEST(two_remotes_are_two) {
  remote there = {0};
  tested.make(&there);
  dl__storage other = open_url(there.url);
  put_text(&storage, "a", "here");
  assert_keys(&other, "", "");
  put_text(&other, "a", "there");
  assert_text(&storage, "a", "here");
  assert_text(&other, "a", "there");
  dl__storage_close(&other);
  tested.unmake(&there);
  assert_text(&storage, "a", "here");
}
END_TEST

START_TEST(close_and_reopen) {
  bytes content = bytes_random(200 * KIB, 1);
  dl_put_result result = put_with_digest(&storage, "folder/a", content);
  dl__storage_close(&storage);
  storage = open_url(here.url);
  assert_content(&storage, "folder/a", content);
  object o = stat_of(&storage, "folder/a");
  ck_assert_str_eq(o.etag, result.etag);
  object_clear(&o);
  bytes_clear(&content);
}
END_TEST

START_TEST(close_one_of_two) {
  dl__storage other = open_url(here.url);
  put_text(&storage, "a", "1");
  dl__storage_close(&storage);
  assert_text(&other, "a", "1");
  storage = open_url(here.url);
  dl__storage_close(&other);
  assert_text(&storage, "a", "1");
}
END_TEST

/* The wrapper's digest is that of the bytes that are there. */
START_TEST(digest_by_reading) {
  static const size_t sizes[] = {0, 1, 64 * KIB, MIB + 1};
  for (int i = 0; i < COUNT(sizes); i++) {
    bytes content = bytes_random(sizes[i], 1);
    (void)put(&storage, "a", content);
    char is[DL_DIGEST_SIZE];
    char should[DL_DIGEST_SIZE];
    uint64_t size_bytes = 99;
    dl_error err = DL_ERROR_INIT;
    ASSERT_OK(dl__storage_digest(&storage, "a", is, &size_bytes, &err), err);
    ck_assert_str_eq(is, bytes_digest(content, should));
    ck_assert_uint_eq(size_bytes, content.size);
    bytes_clear(&content);
  }
}
END_TEST

void cases_handles(Suite *suite) {
  TCase *tc = case_new(suite, "handles");
  tcase_add_test(tc, slots_and_caps);
  tcase_add_test(tc, description);
  tcase_add_test(tc, opening_stores_nothing);
  tcase_add_test(tc, two_see_each_other);
  tcase_add_test(tc, two_agree);
  if (tested_has(DL_STORAGE_CONDITIONAL)) tcase_add_test(tc, condition_between_two);
  tcase_add_test(tc, two_remotes_are_two);
  if (tested_can(CAN_PERSIST)) tcase_add_test(tc, close_and_reopen);
  tcase_add_test(tc, close_one_of_two);
  tcase_add_test(tc, digest_by_reading);
}
