/* Conformance: objects in parts: put in any order, seen with the commit, told by the layout. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kit_parts.h"
#include "remote.h"

#define KEY "events/20250911.jsonl"

/* The object is what was committed, and says so. */
static void assert_cut(const char *key, const cut *c, const dl_put_result *result) {
  assert_content(&storage, key, c->content);
  object o = stat_of(&storage, key);
  ck_assert(!tested_can(CAN_DIGEST) || o.has_digest);
  if (o.has_digest) ck_assert_str_eq(o.digest, c->digest);
  if (tested_can(CAN_MTIME)) ck_assert_int_eq(o.mtime_ns, c->mtime_ns);
  if (tested_can(CAN_ETAG)) ck_assert_str_eq(o.etag, result->etag);
  object_clear(&o);
  if (tested_can(CAN_LAYOUT)) {
    assert_segments(&storage, key, c, true);
  } else {
    dl__layout layout = layout_of(&storage, key);
    assert_segments(&storage, key, c, layout.committed > 0);
    dl__layout_clear(&layout);
  }
}

#define THREADS 4

typedef struct crew {
  dl_upload *upload;
  const cut *cut;
  atomic_uint next;
  atomic_uint failed;
} crew;

/* Takes the last part that nobody has taken. */
static void *put_some(void *user) {
  crew *w = user;
  for (;;) {
    size_t taken = atomic_fetch_add(&w->next, 1);
    if (taken >= w->cut->count) return NULL;
    dl_error err = DL_ERROR_INIT;
    size_t i = w->cut->count - 1 - taken;
    if (try_part(&storage, w->upload, w->cut, i, &err) != DL_OK) atomic_fetch_add(&w->failed, 1);
  }
}

static void put_by_threads(dl_upload *upload, const cut *c) {
  crew w = {.upload = upload, .cut = c};
  pthread_t threads[THREADS];
  int count = tested_has(DL_STORAGE_THREAD_SAFE) ? THREADS : 1;
  for (int i = 0; i < count; i++) {
    ck_assert_int_eq(0, pthread_create(&threads[i], NULL, put_some, &w));
  }
  for (int i = 0; i < count; i++) (void)pthread_join(threads[i], NULL);
  ck_assert_uint_eq(atomic_load(&w.failed), 0);
}

static const struct {
  size_t size;
  size_t segment;
} shapes[] = {
    {1, 1}, {2, 1}, {MIB, MIB}, {300 * 1000, 1000}, {5 * MIB + 1, MIB}, {700 * KIB, 128 * KIB + 1}};

START_TEST(round_trip) {
  cut c = cut_every(bytes_random(shapes[_i].size, 1), shapes[_i].segment);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_by_threads(upload, &c);
  assert_absent(&storage, KEY);
  dl_put_result result = commit(&storage, upload, &c);
  assert_cut(KEY, &c, &result);
  assert_keys(&storage, "", KEY);
  cut_clear(&c);
}
END_TEST

/* The same bytes several times: four segments that differ only in their place. */
START_TEST(repeated_segments) {
  bytes content = bytes_random(4000, 1);
  for (size_t i = 1000; i < content.size; i++) content.data[i] = content.data[i - 1000];
  cut c = cut_every(content, 1000);
  dl_put_result result = put_cut(&storage, KEY, &c);
  assert_cut(KEY, &c, &result);
  cut_clear(&c);
}
END_TEST

START_TEST(without_digest_and_time) {
  cut c = cut_every(bytes_random(4000, 1), 1000);
  dl_upload *upload = begin(&storage, KEY, &c, NULL);
  put_parts(&storage, upload, &c, 0, c.count);
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  request.segments = c.list;
  request.segment_count = c.count;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_commit(&storage, upload, &request, &result, &err), err);
  dl__storage_upload_end(&storage, upload);
  assert_content(&storage, KEY, c.content);
  object o = stat_of(&storage, KEY);
  ck_assert(!o.has_digest || tested_sum(o.digest));
  object_clear(&o);
  cut_clear(&c);
}
END_TEST

START_TEST(layout_of_nothing) {
  dl__layout layout;
  dl_error err;
  ASSERT_FAILS(dl__storage_layout(&storage, KEY, &layout, &err), DL_ERR_NOT_FOUND, err);
  put_text(&storage, KEY ".old", "another");
  ASSERT_FAILS(dl__storage_layout(&storage, KEY, &layout, &err), DL_ERR_NOT_FOUND, err);
}
END_TEST

START_TEST(layout_of_what_was_put_whole) {
  put_text(&storage, KEY, "content");
  assert_segments(&storage, KEY, NULL, false);
  put_text(&storage, KEY, "");
  assert_segments(&storage, KEY, NULL, false);
}
END_TEST

static int stop(const dl_segment *segment, void *user) {
  (void)segment;
  (*(int *)user)++;
  return 1;
}

START_TEST(layout_that_is_stopped) {
  cut c = cut_every(bytes_random(4000, 1), 1000);
  (void)put_cut(&storage, KEY, &c);
  int calls = 0;
  dl_layout out = DL_LAYOUT_INIT;
  dl_error err;
  const dl_storage *slots = storage.owner;
  ASSERT_FAILS(slots->layout(slots->self, KEY, stop, &calls, &out, &err), DL_ERR_CANCELLED, err);
  ck_assert_int_eq(calls, 1);
  cut_clear(&c);
}
END_TEST

START_TEST(over_a_plain_one) {
  bytes old = bytes_random(MIB, 1);
  dl_put_result before = put(&storage, KEY, old);
  cut c = cut_every(bytes_random(300 * KIB, 2), 64 * KIB);
  dl_upload *upload = begin(&storage, KEY, &c, before.etag);
  put_parts(&storage, upload, &c, 0, c.count);
  assert_content(&storage, KEY, old);
  dl_put_result result = commit(&storage, upload, &c);
  assert_cut(KEY, &c, &result);
  ck_assert_str_ne(result.etag, before.etag);
  bytes_clear(&old);
  cut_clear(&c);
}
END_TEST

START_TEST(a_plain_one_over_it) {
  cut c = cut_every(bytes_random(300 * KIB, 1), 64 * KIB);
  (void)put_cut(&storage, KEY, &c);
  bytes plain = bytes_random(300 * KIB, 2);
  (void)put_with_digest(&storage, KEY, plain);
  assert_content(&storage, KEY, plain);
  assert_segments(&storage, KEY, NULL, false);
  bytes_clear(&plain);
  cut_clear(&c);
}
END_TEST

START_TEST(over_another_in_parts) {
  cut first = cut_every(bytes_random(300 * KIB, 1), 64 * KIB);
  cut second = cut_every(bytes_random(200 * KIB, 2), 60 * KIB);
  (void)put_cut(&storage, KEY, &first);
  dl_put_result result = put_cut(&storage, KEY, &second);
  assert_cut(KEY, &second, &result);
  assert_keys(&storage, "", KEY);
  cut_clear(&first);
  cut_clear(&second);
}
END_TEST

/* old, and new bytes behind it. */
static bytes grown(bytes old, size_t more) {
  bytes content = bytes_random(old.size + more, 99);
  memcpy(content.data, old.data, old.size);
  return content;
}

/* What the whole thing is for: a log that grows, several times. */
START_TEST(prefix_kept) {
  cut old = cut_every(bytes_random(4 * 70 * KIB, 1), 70 * KIB);
  dl_put_result result = put_cut(&storage, KEY, &old);
  for (int round = 0; round < 3; round++) {
    cut new = cut_every(grown(old.content, 70 * KIB), 70 * KIB);
    dl_upload *upload = begin(&storage, KEY, &new, result.etag);
    put_parts(&storage, upload, &new, old.count, new.count);
    for (size_t i = old.count; i-- > 0;) keep_part(&storage, upload, &new, i, old.offsets[i]);
    assert_content(&storage, KEY, old.content);
    dl_put_result next = commit(&storage, upload, &new);
    assert_cut(KEY, &new, &next);
    cut_clear(&old);
    old = new;
    result = next;
  }
  cut_clear(&old);
}
END_TEST

/* Segments that stand elsewhere in the new object: the first went, the others moved up. */
START_TEST(moved_segments_kept) {
  static const size_t sizes[] = {1000, 70 * KIB, 1, 130 * KIB};
  static const size_t sizes_after[] = {130 * KIB, 70 * KIB, 1, 500};
  cut old = cut_at(bytes_random(200 * KIB + 1001, 1), sizes, 4);
  dl_put_result before = put_cut(&storage, KEY, &old);
  bytes content = bytes_random(200 * KIB + 501, 2);
  memcpy(content.data, old.content.data + old.offsets[3], 130 * KIB);
  memcpy(content.data + 130 * KIB, old.content.data + old.offsets[1], 70 * KIB + 1);
  cut new = cut_at(content, sizes_after, 4);
  dl_upload *upload = begin(&storage, KEY, &new, before.etag);
  keep_part(&storage, upload, &new, 0, old.offsets[3]);
  keep_part(&storage, upload, &new, 1, old.offsets[1]);
  keep_part(&storage, upload, &new, 2, old.offsets[2]);
  put_parts(&storage, upload, &new, 3, 4);
  dl_put_result result = commit(&storage, upload, &new);
  assert_cut(KEY, &new, &result);
  cut_clear(&old);
  cut_clear(&new);
}
END_TEST

/* Two upload to one key: the object is of one of them, as a whole. */
START_TEST(two_at_once) {
  cut cuts[] = {cut_every(bytes_random(300 * KIB, 1), 64 * KIB),
                cut_every(bytes_random(200 * KIB, 2), 64 * KIB)};
  dl__storage other = open_url(here.url);
  dl_upload *first = begin(&storage, KEY, &cuts[0], NULL);
  dl_upload *second = begin(&other, KEY, &cuts[1], NULL);
  put_parts(&storage, first, &cuts[0], 0, cuts[0].count);
  put_parts(&other, second, &cuts[1], 0, cuts[1].count);
  dl_put_result result = commit(&storage, first, &cuts[0]);
  assert_cut(KEY, &cuts[0], &result);
  dl_error err = DL_ERROR_INIT;
  dl_status status = try_commit(&other, second, &cuts[1], &result, &err);
  if (status == DL_OK) assert_cut(KEY, &cuts[1], &result);
  if (status != DL_OK) {
    ck_assert_int_eq(status, DL_ERR_NOT_FOUND); /* the parts were cleared away by the first */
    assert_content(&storage, KEY, cuts[0].content);
  }
  dl__storage_upload_end(&other, second);
  dl__storage_close(&other);
  cut_clear(&cuts[0]);
  cut_clear(&cuts[1]);
}
END_TEST

START_TEST(no_parts) {
  ck_assert(!dl__storage_has_parts(&storage));
}
END_TEST

void cases_parts(Suite *suite) {
  TCase *tc = case_new(suite, "parts");
  if (!tested_can(CAN_PARTS)) {
    tcase_add_test(tc, no_parts);
    return;
  }
  tcase_add_loop_test(tc, round_trip, 0, COUNT(shapes));
  tcase_add_test(tc, repeated_segments);
  tcase_add_test(tc, without_digest_and_time);
  tcase_add_test(tc, layout_of_nothing);
  tcase_add_test(tc, layout_of_what_was_put_whole);
  if (tested_can(CAN_LAYOUT)) tcase_add_test(tc, layout_that_is_stopped);
  tcase_add_test(tc, over_a_plain_one);
  tcase_add_test(tc, a_plain_one_over_it);
  tcase_add_test(tc, over_another_in_parts);
  tcase_add_test(tc, prefix_kept);
  tcase_add_test(tc, moved_segments_kept);
  tcase_add_test(tc, two_at_once);
}
