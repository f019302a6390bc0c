/* Conformance: objects in parts that do not come to be, or not at once: whatever fails, the
 * old object is whole, and nothing of the new one is seen. */
#include <stdlib.h>
#include <string.h>

#include "kit_parts.h"
#include "remote.h"

#define KEY "events/20250911.jsonl"

static cut sample(uint64_t number) {
  return cut_every(bytes_random(4 * 1000 + 1, number), 1000);
}

/* Begins with a condition, and goes on as far as it goes. */
static dl_status put_if(const cut *c, bool if_absent, const char *if_match, dl_error *err) {
  dl_upload *upload;
  dl_status status = try_begin(&storage, KEY, c, if_absent, if_match, &upload, err);
  if (status != DL_OK) return status;
  put_parts(&storage, upload, c, 0, c->count);
  dl_put_result result;
  status = try_commit(&storage, upload, c, &result, err);
  dl__storage_upload_end(&storage, upload);
  return status;
}

static object put_old(void) {
  bytes content = bytes_text("old");
  (void)put_with_digest(&storage, KEY, content);
  bytes_clear(&content);
  return stat_of(&storage, KEY);
}

static void assert_old(object *before) {
  assert_text(&storage, KEY, "old");
  object after = stat_of(&storage, KEY);
  ck_assert_str_eq(after.etag, before->etag);
  ck_assert_str_eq(after.digest, before->digest);
  object_clear(&after);
  object_clear(before);
}

START_TEST(if_absent_without_object) {
  cut c = sample(1);
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(put_if(&c, true, NULL, &err), err);
  assert_content(&storage, KEY, c.content);
  cut_clear(&c);
}
END_TEST

START_TEST(if_absent_with_object) {
  object before = put_old();
  cut c = sample(1);
  dl_error err;
  ASSERT_FAILS(put_if(&c, true, NULL, &err), DL_ERR_CONFLICT, err);
  assert_old(&before);
  cut_clear(&c);
}
END_TEST

START_TEST(if_match_right) {
  object before = put_old();
  cut c = sample(1);
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(put_if(&c, false, before.etag, &err), err);
  assert_content(&storage, KEY, c.content);
  object_clear(&before);
  cut_clear(&c);
}
END_TEST

START_TEST(if_match_outdated) {
  bytes older = bytes_text("still older");
  dl_put_result first = put(&storage, KEY, older);
  object before = put_old();
  cut c = sample(1);
  dl_error err;
  ASSERT_FAILS(put_if(&c, false, first.etag, &err), DL_ERR_CONFLICT, err);
  assert_old(&before);
  bytes_clear(&older);
  cut_clear(&c);
}
END_TEST

START_TEST(if_match_without_object) {
  cut c = sample(1);
  dl_error err;
  ASSERT_FAILS(put_if(&c, false, "some", &err), DL_ERR_CONFLICT, err);
  assert_absent(&storage, KEY);
  cut_clear(&c);
}
END_TEST

/* The condition holds when the upload begins, and not any more at the commit. */
static void assert_conflict_at_commit(dl_upload *upload, const cut *c) {
  put_parts(&storage, upload, c, 0, c->count);
  object before = put_old();
  dl_put_result result;
  dl_error err;
  ASSERT_FAILS(try_commit(&storage, upload, c, &result, &err), DL_ERR_CONFLICT, err);
  assert_old(&before);
  before = stat_of(&storage, KEY);
  dl__storage_upload_end(&storage, upload);
  assert_old(&before);
  assert_keys(&storage, "", KEY);
}

START_TEST(stored_meanwhile) {
  cut c = sample(1);
  dl_upload *upload;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_begin(&storage, KEY, &c, true, NULL, &upload, &err), err);
  assert_conflict_at_commit(upload, &c);
  cut_clear(&c);
}
END_TEST

START_TEST(changed_meanwhile) {
  cut c = sample(1);
  dl_put_result first = put_cut(&storage, KEY, &c);
  dl_upload *upload = begin(&storage, KEY, &c, first.etag);
  assert_conflict_at_commit(upload, &c);
  cut_clear(&c);
}
END_TEST

START_TEST(ended_without_commit) {
  cut c = sample(1);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, c.count);
  dl__storage_upload_end(&storage, upload);
  assert_absent(&storage, KEY);
  assert_keys(&storage, "", "");
  upload = begin(&storage, KEY, &c, NULL); /* and one without any part */
  dl__storage_upload_end(&storage, upload);
  assert_keys(&storage, "", "");
  cut_clear(&c);
}
END_TEST

static const dl_status read_failures[] = {DL_ERR_SOURCE_CHANGED, DL_ERR_CANCELLED, DL_ERR_SCAN};

/* The status of the reader is that of the part, wherever it fails; the part can be put again. */
START_TEST(read_fails) {
  object before = put_old();
  cut c = cut_every(bytes_random(900 * KIB, 1), 300 * KIB);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, 2);
  static const uint64_t places[] = {0, 1, 200 * KIB, 300 * KIB - 1};
  dl_error err;
  for (int i = 0; i < COUNT(places); i++) {
    source from = {.failing = true, .fail_at = places[i], .failure = read_failures[_i]};
    dl_part part = part_of(&c, 2, &from);
    ASSERT_FAILS(dl__storage_put_part(&storage, upload, &part, &err), read_failures[_i], err);
    ck_assert_msg(!from.broken, "the storage %s", from.why);
    object still = stat_of(&storage, KEY);
    ck_assert_str_eq(still.etag, before.etag);
    object_clear(&still);
  }
  dl_put_result result;
  ck_assert_int_ne(try_commit(&storage, upload, &c, &result, &err), DL_OK);
  assert_old(&before);
  put_parts(&storage, upload, &c, 2, 3);
  (void)commit(&storage, upload, &c);
  assert_content(&storage, KEY, c.content);
  cut_clear(&c);
}
END_TEST

START_TEST(read_gives_too_little) {
  cut c = sample(1);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  source from = {.short_of_promise = true, .fail_at = 500};
  dl_part part = part_of(&c, 0, &from);
  dl_error err = DL_ERROR_INIT;
  ck_assert_int_ne(dl__storage_put_part(&storage, upload, &part, &err), DL_OK);
  ck_assert_str_ne(err.message, "");
  dl__storage_upload_end(&storage, upload);
  assert_keys(&storage, "", "");
  cut_clear(&c);
}
END_TEST

/* In any pieces that read gives, even of a byte. */
START_TEST(read_in_pieces) {
  cut c = sample(1);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  dl_error err = DL_ERROR_INIT;
  for (size_t i = 0; i < c.count; i++) {
    source from = {.piece = 7, .varied = i % 2 == 0};
    dl_part part = part_of(&c, i, &from);
    ASSERT_OK(dl__storage_put_part(&storage, upload, &part, &err), err);
    ck_assert_msg(!from.broken, "the storage %s", from.why);
  }
  (void)commit(&storage, upload, &c);
  assert_content(&storage, KEY, c.content);
  cut_clear(&c);
}
END_TEST

/* Harmless, or an error that says something. */
START_TEST(commit_twice) {
  cut c = sample(1);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, c.count);
  dl_put_result result;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_commit(&storage, upload, &c, &result, &err), err);
  dl_status status = try_commit(&storage, upload, &c, &result, &err);
  if (status != DL_OK) ck_assert_str_ne(err.message, "");
  assert_content(&storage, KEY, c.content);
  dl__storage_upload_end(&storage, upload);
  assert_content(&storage, KEY, c.content);
  assert_keys(&storage, "", KEY);
  cut_clear(&c);
}
END_TEST

/* A part that was never put: no object; once it is put, another commit goes well. */
START_TEST(part_missing) {
  cut c = sample(1);
  size_t missing = (size_t)_i;
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, missing);
  put_parts(&storage, upload, &c, missing + 1, c.count);
  dl_put_result result;
  dl_error err = DL_ERROR_INIT;
  ck_assert_int_ne(try_commit(&storage, upload, &c, &result, &err), DL_OK);
  ck_assert_str_ne(err.message, "");
  assert_absent(&storage, KEY);
  put_parts(&storage, upload, &c, missing, missing + 1);
  (void)commit(&storage, upload, &c);
  assert_content(&storage, KEY, c.content);
  cut_clear(&c);
}
END_TEST

/* Where a part has its place: every list but the right one is refused. */
START_TEST(wrong_lists) {
  cut c = cut_every(bytes_random(4000, 1), 1000);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, 3);
  cut first = c;
  first.count = 3; /* just what is there, but not all of the object */
  dl_put_result none;
  dl_error refused = DL_ERROR_INIT;
  ck_assert_int_ne(try_commit(&storage, upload, &first, &none, &refused), DL_OK);
  put_parts(&storage, upload, &c, 3, c.count);
  dl_segment shorter = c.segments[3];
  shorter.size_bytes = 999;
  dl_segment other = c.segments[3];
  other.sha256[31] ^= 1;
  const dl_segment *s = c.segments;
  const dl_segment *lists[][5] = {
      {NULL},
      {&s[0], &s[1], &s[2], NULL},
      {&s[1], &s[2], &s[3], NULL},
      {&s[0], &s[1], &s[3], &s[2], NULL},
      {&s[0], &s[1], &s[2], &s[3], &s[3]},
      {&s[0], &s[1], &s[2], &shorter, NULL},
      {&s[0], &s[1], &s[2], &other, NULL},
  };
  for (int i = 0; i < COUNT(lists); i++) {
    cut wrong = c;
    wrong.list = lists[i];
    for (wrong.count = 0; wrong.count < 5 && lists[i][wrong.count] != NULL;) wrong.count++;
    dl_put_result result;
    dl_error err = DL_ERROR_INIT;
    ck_assert_int_ne(try_commit(&storage, upload, &wrong, &result, &err), DL_OK);
    ck_assert_str_ne(err.message, "");
  }
  assert_keys(&storage, "", "");
  (void)commit(&storage, upload, &c);
  assert_content(&storage, KEY, c.content);
  cut_clear(&c);
}
END_TEST

/* A part that reaches beyond the object is refused, or not part of it. */
START_TEST(beyond_the_object) {
  static const uint64_t places[] = {4001, 4000, 3002, UINT64_MAX - 1000};
  cut c = sample(1);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, c.count);
  for (int i = 0; i < COUNT(places); i++) {
    source from = {0};
    dl_part part = part_of(&c, 0, &from);
    part.offset_bytes = places[i];
    dl_error err = DL_ERROR_INIT;
    dl_status status = dl__storage_put_part(&storage, upload, &part, &err);
    ck_assert(status != DL_OK || tested_has(DL_STORAGE_PARTS_BY_CONTENT));
  }
  (void)commit(&storage, upload, &c);
  assert_content(&storage, KEY, c.content);
  cut_clear(&c);
}
END_TEST

/* Two parts that overlap: what stands there now is neither. */
START_TEST(overlapping_parts) {
  static const size_t sizes[] = {1500, 2501};
  cut c = sample(1);
  cut other = cut_at(bytes_random(4001, 2), sizes, 2);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, c.count);
  put_parts(&storage, upload, &other, 0, 1);
  dl_put_result result;
  dl_error err = DL_ERROR_INIT;
  ck_assert_int_ne(try_commit(&storage, upload, &c, &result, &err), DL_OK);
  dl__storage_upload_end(&storage, upload);
  assert_keys(&storage, "", "");
  cut_clear(&c);
  cut_clear(&other);
}
END_TEST

/* The same part once more, after others: the last one counts. */
START_TEST(part_put_twice) {
  cut c = sample(1);
  cut other = sample(2);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &other, 0, 2);
  put_parts(&storage, upload, &c, 0, c.count);
  put_parts(&storage, upload, &c, 1, 2);
  (void)commit(&storage, upload, &c);
  assert_content(&storage, KEY, c.content);
  cut_clear(&c);
  cut_clear(&other);
}
END_TEST

/* The place is there, the digest is right, but it is of another object, or of none. */
START_TEST(nothing_to_reuse) {
  object before = put_old();
  cut c = sample(1);
  static const uint64_t places[] = {0, 3, 4, UINT64_MAX - 999};
  dl_upload *uploads[] = {begin(&storage, KEY, &c, NULL), begin(&storage, KEY, &c, before.etag)};
  for (int i = 0; i < COUNT(places); i++) {
    source from = {0};
    dl_part part = part_of(&c, 0, &from);
    part.from_bytes = places[i];
    dl_error err = DL_ERROR_INIT;
    for (int k = 0; k < COUNT(uploads); k++) {
      ck_assert_int_ne(dl__storage_reuse_part(&storage, uploads[k], &part, &err), DL_OK);
      ck_assert_str_ne(err.message, "");
    }
  }
  for (int k = 0; k < COUNT(uploads); k++) dl__storage_upload_end(&storage, uploads[k]);
  assert_old(&before);
  cut_clear(&c);
}
END_TEST

/* The object was replaced since the upload began: its parts are of another one. */
START_TEST(reuse_after_a_change) {
  cut old = sample(1);
  dl_put_result first = put_cut(&storage, KEY, &old);
  dl_upload *upload = begin(&storage, KEY, &old, first.etag);
  cut new = sample(2);
  dl_put_result second = put_cut(&storage, KEY, &new);
  ck_assert_str_ne(first.etag, second.etag);
  source from = {0};
  dl_part part = part_of(&old, 0, &from);
  dl_error err;
  ASSERT_FAILS(dl__storage_reuse_part(&storage, upload, &part, &err), DL_ERR_CONFLICT, err);
  dl__storage_upload_end(&storage, upload);
  assert_content(&storage, KEY, new.content);
  cut_clear(&old);
  cut_clear(&new);
}
END_TEST

static bool is_staged(const dl__layout *layout, const dl_segment *segment) {
  for (size_t i = layout->committed; i < layout->count; i++) {
    const dl_segment *s = &layout->items[i];
    bool same = s->size_bytes == segment->size_bytes && memcmp(s->sha256, segment->sha256, 32) == 0;
    if (same && s->staged != 0) return true;
  }
  return false;
}

/* What an upload put that did not come to its end serves the next one, with an object beside
 * it or not. */
START_TEST(staged_parts) {
  cut old = sample(1);
  if (_i == 1) (void)put_cut(&storage, KEY, &old);
  cut c = sample(2);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, 3);
  dl__storage_upload_end(&storage, upload);
  dl__layout layout = layout_of(&storage, KEY);
  ck_assert_uint_eq(layout.committed, _i == 1 ? old.count : 0);
  for (size_t i = 0; i < c.count; i++) {
    ck_assert_int_eq(is_staged(&layout, &c.segments[i]), i < 3);
  }
  dl__layout_clear(&layout);
  upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 3, c.count);
  (void)commit(&storage, upload, &c);
  assert_content(&storage, KEY, c.content);
  assert_segments(&storage, KEY, &c, true);
  cut_clear(&old);
  cut_clear(&c);
}
END_TEST

/* The other side noticed that the bytes are not those that were announced. */
START_TEST(wrong_crc) {
  cut c = sample(1);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  source from = {0};
  dl_part part = part_of(&c, 0, &from);
  part.crc64 ^= 1;
  dl_error err;
  ASSERT_FAILS(dl__storage_put_part(&storage, upload, &part, &err), DL_ERR_SOURCE_CHANGED, err);
  put_parts(&storage, upload, &c, 1, c.count);
  dl_put_result result;
  ck_assert_int_ne(try_commit(&storage, upload, &c, &result, &err), DL_OK);
  dl__storage_upload_end(&storage, upload);
  assert_absent(&storage, KEY);
  cut_clear(&c);
}
END_TEST

static void add_conditions(TCase *tc) {
  tcase_add_test(tc, if_absent_without_object);
  tcase_add_test(tc, if_absent_with_object);
  tcase_add_test(tc, if_match_right);
  tcase_add_test(tc, if_match_outdated);
  tcase_add_test(tc, if_match_without_object);
  tcase_add_test(tc, stored_meanwhile);
  tcase_add_test(tc, changed_meanwhile);
}

void cases_parts_fail(Suite *suite) {
  TCase *tc = case_new(suite, "parts that fail");
  if (!tested_can(CAN_PARTS)) return;
  if (tested_has(DL_STORAGE_CONDITIONAL)) add_conditions(tc);
  tcase_add_test(tc, ended_without_commit);
  tcase_add_loop_test(tc, read_fails, 0, COUNT(read_failures));
  tcase_add_test(tc, read_gives_too_little);
  tcase_add_test(tc, read_in_pieces);
  tcase_add_test(tc, commit_twice);
  tcase_add_loop_test(tc, part_missing, 0, 5);
  tcase_add_test(tc, beyond_the_object);
  tcase_add_test(tc, part_put_twice);
  if (tested_has(DL_STORAGE_CHECKS_CRC64)) tcase_add_test(tc, wrong_crc);
  if (tested_has(DL_STORAGE_PARTS_BY_CONTENT)) {
    tcase_add_loop_test(tc, staged_parts, 0, 2);
    return;
  }
  tcase_add_test(tc, wrong_lists);
  tcase_add_test(tc, overlapping_parts);
  tcase_add_test(tc, nothing_to_reuse);
  if (tested_has(DL_STORAGE_CONDITIONAL)) tcase_add_test(tc, reuse_after_a_change);
}
