/* What the wrapper makes of a storage with objects in parts: one with half of the slots has
 * none; a layout counts as a whole or not at all; a status is one of those that may be. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

/* A mock whose slots for parts answer what the test says. */
static struct {
  mock m;
  dl_segment segments[8];
  size_t count;
  size_t repeat; /* the first segment so often; 0: once */
  bool null;     /* a segment that is no segment */
  bool deaf;     /* does not mind what the callback says */
  dl_layout layout;
  dl_upload *upload;
  bool reads;    /* put_part reads, and answers what that says */
  bool swallows; /* put_part reads, and answers as told all the same */
  char etag[DL_ETAG_SIZE];
  unsigned ended;
} liar;

static dl__storage wrapped;

static dl_status answer(dl_error *err) {
  liar.m.calls++;
  if (liar.m.answer == DL_OK) return DL_OK;
  return dl_error_set(err, liar.m.answer, "liar", "it fails as it was told to");
}

static dl_status liar_layout(void *self, const char *key, dl_segment_fn each, void *user,
                             dl_layout *out, dl_error *err) {
  (void)self;
  (void)key;
  int stop = liar.null ? each(NULL, user) : 0;
  for (size_t i = 1; i < liar.repeat && stop == 0; i++) stop = each(&liar.segments[0], user);
  for (size_t i = 0; i < liar.count && (stop == 0 || liar.deaf); i++) {
    stop = each(&liar.segments[i], user);
  }
  out->blocked = liar.layout.blocked;
  out->size_bytes = liar.layout.size_bytes;
  memcpy(out->etag, liar.layout.etag, sizeof out->etag);
  if (stop != 0 && !liar.deaf) return dl_error_set(err, DL_ERR_CANCELLED, NULL, "stopped");
  return answer(err);
}

static dl_status liar_begin(void *self, const dl_upload_request *request, dl_upload **out,
                            dl_error *err) {
  (void)self;
  (void)request;
  *out = liar.upload;
  return answer(err);
}

static dl_status liar_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err) {
  (void)self;
  ck_assert_ptr_eq(upload, liar.upload);
  unsigned char byte;
  size_t got = 0;
  dl_status status = DL_OK;
  if (liar.reads) status = part->read(part->read_user, 0, &byte, 1, &got, err);
  return status == DL_OK || liar.swallows ? answer(err) : status;
}

static dl_status liar_reuse_part(void *self, dl_upload *upload, const dl_part *part,
                                 dl_error *err) {
  (void)self;
  (void)part;
  ck_assert_ptr_eq(upload, liar.upload);
  return answer(err);
}

static dl_status liar_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                             dl_put_result *result, dl_error *err) {
  (void)self;
  (void)request;
  ck_assert_ptr_eq(upload, liar.upload);
  memcpy(result->etag, liar.etag, sizeof liar.etag);
  return answer(err);
}

static void liar_end(void *self, dl_upload *upload) {
  (void)self;
  ck_assert_ptr_eq(upload, liar.upload);
  liar.ended++;
}

static void wrap(void) {
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_wrap(&liar.m.storage, &wrapped, &err), err);
}

static void setup(void) {
  memset(&liar, 0, sizeof liar);
  mock_init(&liar.m);
  dl_storage *s = &liar.m.storage;
  s->layout = liar_layout;
  s->upload_begin = liar_begin;
  s->put_part = liar_put_part;
  s->reuse_part = liar_reuse_part;
  s->commit = liar_commit;
  s->upload_end = liar_end;
  liar.upload = (dl_upload *)(void *)&liar;
  wrap();
}

/* A layout of segments with these sizes; below 0: staged. */
static void tell(const int *sizes, size_t count) {
  liar.count = count;
  liar.layout.size_bytes = 0;
  for (size_t i = 0; i < count; i++) {
    dl_segment *s = &liar.segments[i];
    *s = (dl_segment)DL_SEGMENT_INIT;
    s->staged = sizes[i] < 0 ? 7 : 0; /* any number but 0 */
    s->size_bytes = (uint64_t)abs(sizes[i]);
    s->sha256[31] = (uint8_t)i;
    if (sizes[i] > 0) liar.layout.size_bytes += s->size_bytes;
  }
  memcpy(liar.layout.etag, "etag", 5);
}

#define TELL(...) tell((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static dl__layout told(void) {
  dl__layout layout;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_layout(&wrapped, "a", &layout, &err), err);
  return layout;
}

START_TEST(all_slots) {
  ck_assert(dl__storage_has_parts(&wrapped));
  ck_assert(wrapped.slots.reuse_part == liar_reuse_part);
}
END_TEST

static void assert_none(void) {
  wrap();
  ck_assert(!dl__storage_has_parts(&wrapped));
  ck_assert(wrapped.slots.layout == NULL && wrapped.slots.upload_begin == NULL);
  ck_assert(wrapped.slots.put_part == NULL && wrapped.slots.reuse_part == NULL);
  ck_assert(wrapped.slots.commit == NULL && wrapped.slots.upload_end == NULL);
  dl__layout layout;
  dl_upload *upload;
  dl_upload_request request = DL_UPLOAD_REQUEST_INIT;
  request.key = "a";
  dl_error err;
  ASSERT_FAILS(dl__storage_layout(&wrapped, "a", &layout, &err), DL_ERR_UNSUPPORTED, err);
  ASSERT_FAILS(dl__storage_upload_begin(&wrapped, &request, &upload, &err), DL_ERR_UNSUPPORTED,
               err);
  ck_assert_uint_eq(liar.m.calls, 0);
}

START_TEST(slot_missing) {
  dl_storage *s = &liar.m.storage;
  if (_i == 0) s->layout = NULL;
  if (_i == 1) s->upload_begin = NULL;
  if (_i == 2) s->put_part = NULL;
  if (_i == 3) s->reuse_part = NULL;
  if (_i == 4) s->commit = NULL;
  if (_i == 5) s->upload_end = NULL;
  if (_i != 3) s->caps |= DL_STORAGE_PARTS_BY_CONTENT;
  assert_none();
}
END_TEST

START_TEST(slot_not_reached) {
  liar.m.storage.struct_size = (uint32_t)(offsetof(dl_storage, upload_end) + (size_t)_i);
  assert_none();
}
END_TEST

START_TEST(reuse_not_needed) {
  liar.m.storage.reuse_part = NULL;
  liar.m.storage.caps |= DL_STORAGE_PARTS_BY_CONTENT;
  wrap();
  ck_assert(dl__storage_has_parts(&wrapped));
  dl_part part = DL_PART_INIT;
  part.size_bytes = 1;
  dl_error err;
  ASSERT_FAILS(dl__storage_reuse_part(&wrapped, liar.upload, &part, &err), DL_ERR_UNSUPPORTED, err);
}
END_TEST

START_TEST(layout_whole) {
  TELL(3, 4, -5, -6);
  liar.layout.blocked = 9;
  dl__layout layout = told();
  ck_assert_uint_eq(layout.count, 4);
  ck_assert_uint_eq(layout.committed, 2);
  ck_assert_uint_eq(layout.size_bytes, 7);
  ck_assert_str_eq(layout.etag, "etag");
  ck_assert(layout.blocked);
  for (size_t i = 0; i < 4; i++) {
    ck_assert_uint_eq(layout.items[i].struct_size, sizeof(dl_segment));
    ck_assert_uint_eq(layout.items[i].size_bytes, i + 3);
    ck_assert_uint_eq(layout.items[i].sha256[31], i);
    ck_assert_uint_eq(layout.items[i].staged, i >= 2);
  }
  dl__layout_clear(&layout);
  ck_assert_ptr_null(layout.items);
}
END_TEST

/* Staged ones between: the object's come first, in their order. */
START_TEST(layout_in_disorder) {
  TELL(-9, 1, -8, 2, 3, -7, 4);
  dl__layout layout = told();
  ck_assert_uint_eq(layout.committed, 4);
  ck_assert_uint_eq(layout.count, 7);
  uint64_t staged = 0;
  for (size_t i = 0; i < 7; i++) {
    if (i < 4) ck_assert_uint_eq(layout.items[i].size_bytes, i + 1);
    if (i >= 4) staged += layout.items[i].size_bytes;
    ck_assert_uint_eq(layout.items[i].staged, i >= 4);
  }
  ck_assert_uint_eq(staged, 9 + 8 + 7);
  dl__layout_clear(&layout);
}
END_TEST

/* Nobody may take the segments of an object that they do not make up for staged ones. */
START_TEST(layout_not_sure) {
  TELL(-9, 1, 2, -8, 3);
  if (_i == 0) liar.layout.size_bytes++;
  if (_i == 1) liar.layout.size_bytes--;
  if (_i == 2) liar.layout.size_bytes = 0;
  if (_i == 3) liar.layout.etag[0] = '\0';
  if (_i == 4) memset(liar.layout.etag, 'e', sizeof liar.layout.etag);
  dl__layout layout = told();
  ck_assert_uint_eq(layout.committed, 0);
  ck_assert_uint_eq(layout.count, 2);
  for (size_t i = 0; i < 2; i++) ck_assert_uint_ge(layout.items[i].size_bytes, 8);
  ck_assert_uint_eq(layout.size_bytes, liar.layout.size_bytes);
  ck_assert_str_eq(layout.etag, _i < 3 ? "etag" : "");
  dl__layout_clear(&layout);
}
END_TEST

/* Only staged parts, and no object. */
START_TEST(layout_without_object) {
  TELL(-1, -2);
  liar.layout.etag[0] = '\0';
  dl__layout layout = told();
  ck_assert_uint_eq(layout.committed, 0);
  ck_assert_uint_eq(layout.count, 2);
  dl__layout_clear(&layout);
}
END_TEST

START_TEST(layout_garbage) {
  TELL(3, 4, -5);
  if (_i % 5 == 0) liar.null = true;
  if (_i % 5 == 1) liar.segments[1].struct_size = sizeof(dl_segment) - 1;
  if (_i % 5 == 2) liar.segments[2].size_bytes = 0;
  if (_i % 5 == 3) liar.segments[1].size_bytes = UINT64_MAX - 2;
  if (_i % 5 == 4) liar.segments[2].size_bytes = UINT64_MAX;
  liar.deaf = _i >= 5; /* goes on, and says that all was well */
  dl__layout layout;
  dl_error err;
  ASSERT_FAILS(dl__storage_layout(&wrapped, "a", &layout, &err), DL_ERR_STORAGE, err);
  ck_assert_uint_eq(layout.count, 0);
  ck_assert_ptr_null(layout.items);
}
END_TEST

START_TEST(layout_without_end) {
  TELL(1);
  liar.repeat = 200000;
  liar.layout.size_bytes = 200000;
  dl__layout layout = told();
  ck_assert_uint_eq(layout.committed, 200000);
  dl__layout_clear(&layout);
  liar.repeat++;
  dl_error err;
  ASSERT_FAILS(dl__storage_layout(&wrapped, "a", &layout, &err), DL_ERR_STORAGE, err);
}
END_TEST

START_TEST(layout_fails) {
  TELL(3, 4);
  liar.m.answer = DL_ERR_NETWORK;
  dl__layout layout;
  dl_error err;
  ASSERT_FAILS(dl__storage_layout(&wrapped, "a", &layout, &err), DL_ERR_NETWORK, err);
  ck_assert_ptr_null(layout.items);
}
END_TEST

static const char *const bad_keys[] = {NULL, "", "/a", "a/", "a//b", "..", "a/../b"};

START_TEST(bad_keys_reach_no_slot) {
  dl__layout layout;
  dl_upload *upload;
  dl_upload_request request = DL_UPLOAD_REQUEST_INIT;
  request.key = bad_keys[_i];
  dl_error err;
  ASSERT_FAILS(dl__storage_layout(&wrapped, bad_keys[_i], &layout, &err), DL_ERR_ARGUMENT, err);
  ASSERT_FAILS(dl__storage_upload_begin(&wrapped, &request, &upload, &err), DL_ERR_ARGUMENT, err);
  ck_assert_uint_eq(liar.m.calls, 0);
}
END_TEST

START_TEST(condition_not_supported) {
  wrapped.slots.caps = 0;
  dl_upload *upload;
  dl_upload_request request = DL_UPLOAD_REQUEST_INIT;
  request.key = "a";
  dl_error err;
  request.if_absent = 1;
  ASSERT_FAILS(dl__storage_upload_begin(&wrapped, &request, &upload, &err), DL_ERR_UNSUPPORTED,
               err);
  request.if_absent = 0;
  request.if_match = "";
  ASSERT_FAILS(dl__storage_upload_begin(&wrapped, &request, &upload, &err), DL_ERR_UNSUPPORTED,
               err);
  ck_assert_uint_eq(liar.m.calls, 0);
  request.if_match = NULL;
  ASSERT_OK(dl__storage_upload_begin(&wrapped, &request, &upload, &err), err);
  ck_assert_ptr_eq(upload, liar.upload);
  dl__storage_upload_end(&wrapped, upload);
  ck_assert_uint_eq(liar.ended, 1);
}
END_TEST

/* None was begun, or one that it says has failed: there is nothing to end. */
START_TEST(no_upload) {
  dl_upload *upload = liar.upload;
  dl_upload_request request = DL_UPLOAD_REQUEST_INIT;
  request.key = "a";
  dl_error err;
  liar.m.answer = DL_ERR_CONFLICT;
  ASSERT_FAILS(dl__storage_upload_begin(&wrapped, &request, &upload, &err), DL_ERR_CONFLICT, err);
  ck_assert_ptr_null(upload);
  liar.m.answer = DL_OK;
  liar.upload = NULL;
  ASSERT_FAILS(dl__storage_upload_begin(&wrapped, &request, &upload, &err), DL_ERR_STORAGE, err);
  ck_assert_ptr_null(upload);
}
END_TEST

static const struct {
  uint64_t offset, size;
} bad_parts[] = {{0, 0}, {7, 0}, {1, UINT64_MAX}, {UINT64_MAX, 1}};

START_TEST(bad_parts_reach_no_slot) {
  dl_part part = DL_PART_INIT;
  part.offset_bytes = bad_parts[_i].offset;
  part.size_bytes = bad_parts[_i].size;
  dl_error err;
  ASSERT_FAILS(dl__storage_put_part(&wrapped, liar.upload, &part, &err), DL_ERR_ARGUMENT, err);
  ASSERT_FAILS(dl__storage_reuse_part(&wrapped, liar.upload, &part, &err), DL_ERR_ARGUMENT, err);
  ck_assert_uint_eq(liar.m.calls, 0);
}
END_TEST

static dl_status put_a_part(source *from, dl_error *err) {
  dl_part part = DL_PART_INIT;
  part.size_bytes = 1;
  from->content = (bytes){(unsigned char[]){'x'}, 1};
  part.read = source_read;
  part.read_user = from;
  return dl__storage_put_part(&wrapped, liar.upload, &part, err);
}

static const struct {
  dl_status says;
  bool known;
} statuses[] = {
    {DL_ERR_ARGUMENT, true},  {DL_ERR_NO_MEMORY, true}, {DL_ERR_STORAGE, true},
    {DL_ERR_AUTH, true},      {DL_ERR_NETWORK, true},   {DL_ERR_CONFLICT, true},
    {DL_ERR_CANCELLED, true}, {DL_ERR_NOT_FOUND, true}, {DL_ERR_UNSUPPORTED, true},
    {DL_ERR_SCAN, false},     {DL_ERR_PARTIAL, false},  {(dl_status)12345, false},
};

START_TEST(statuses_of_the_slots) {
  liar.m.answer = statuses[_i].says;
  dl_status expected = statuses[_i].known ? statuses[_i].says : DL_ERR_STORAGE;
  dl__layout layout;
  dl_upload *upload;
  dl_upload_request begin = DL_UPLOAD_REQUEST_INIT;
  begin.key = "a";
  dl_part part = DL_PART_INIT;
  part.size_bytes = 1;
  dl_commit_request commit = DL_COMMIT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  source from = {0};
  dl_error err = DL_ERROR_INIT;
  ASSERT_FAILS(dl__storage_layout(&wrapped, "a", &layout, &err), expected, err);
  ASSERT_FAILS(dl__storage_upload_begin(&wrapped, &begin, &upload, &err), expected, err);
  ASSERT_FAILS(put_a_part(&from, &err), expected, err);
  ASSERT_FAILS(dl__storage_reuse_part(&wrapped, liar.upload, &part, &err), expected, err);
  ASSERT_FAILS(dl__storage_commit(&wrapped, liar.upload, &commit, &result, &err), expected, err);
  ck_assert_uint_eq(liar.m.calls, 5);
}
END_TEST

/* That the source changed only put_part can find out. */
START_TEST(source_changed) {
  liar.m.answer = DL_ERR_SOURCE_CHANGED;
  dl_commit_request commit = DL_COMMIT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  source from = {0};
  dl_error err;
  ASSERT_FAILS(put_a_part(&from, &err), DL_ERR_SOURCE_CHANGED, err);
  ASSERT_FAILS(dl__storage_commit(&wrapped, liar.upload, &commit, &result, &err), DL_ERR_STORAGE,
               err);
}
END_TEST

START_TEST(status_of_the_reader) {
  liar.reads = true;
  source from = {.failing = true, .failure = DL_ERR_SCAN};
  dl_error err;
  ASSERT_FAILS(put_a_part(&from, &err), DL_ERR_SCAN, err);
  liar.swallows = true;
  ASSERT_FAILS(put_a_part(&from, &err), DL_ERR_STORAGE, err); /* stored without being read */
  liar.m.answer = DL_ERR_NETWORK;
  ASSERT_FAILS(put_a_part(&from, &err), DL_ERR_NETWORK, err);
  liar.m.answer = DL_ERR_PARTIAL;
  ASSERT_FAILS(put_a_part(&from, &err), DL_ERR_STORAGE, err);
  liar.m.answer = DL_OK;
  from = (source){0};
  ASSERT_OK(put_a_part(&from, &err), err);
  ck_assert_uint_eq(from.given, 1);
}
END_TEST

START_TEST(etag_of_commit) {
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  dl_put_result result = {sizeof result, "of before"};
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl__storage_commit(&wrapped, liar.upload, &request, &result, &err), err);
  ck_assert_str_eq(result.etag, "");
  memset(liar.etag, 'e', sizeof liar.etag);
  ASSERT_OK(dl__storage_commit(&wrapped, liar.upload, &request, &result, &err), err);
  ck_assert_str_eq(result.etag, "");
  liar.etag[DL_ETAG_SIZE - 1] = '\0';
  ASSERT_OK(dl__storage_commit(&wrapped, liar.upload, &request, &result, &err), err);
  ck_assert_str_eq(result.etag, liar.etag);
}
END_TEST

void storage_parts(Suite *suite) {
  TCase *tc = tcase_create("parts");
  tcase_add_checked_fixture(tc, setup, NULL);
  tcase_add_test(tc, all_slots);
  tcase_add_loop_test(tc, slot_missing, 0, 6);
  tcase_add_loop_test(tc, slot_not_reached, 0, (int)sizeof(void *));
  tcase_add_test(tc, reuse_not_needed);
  tcase_add_test(tc, layout_whole);
  tcase_add_test(tc, layout_in_disorder);
  tcase_add_loop_test(tc, layout_not_sure, 0, 5);
  tcase_add_test(tc, layout_without_object);
  tcase_add_loop_test(tc, layout_garbage, 0, 10);
  tcase_add_test(tc, layout_without_end);
  tcase_add_test(tc, layout_fails);
  tcase_add_loop_test(tc, bad_keys_reach_no_slot, 0, COUNT(bad_keys));
  tcase_add_test(tc, condition_not_supported);
  tcase_add_test(tc, no_upload);
  tcase_add_loop_test(tc, bad_parts_reach_no_slot, 0, COUNT(bad_parts));
  tcase_add_loop_test(tc, statuses_of_the_slots, 0, COUNT(statuses));
  tcase_add_test(tc, source_changed);
  tcase_add_test(tc, status_of_the_reader);
  tcase_add_test(tc, etag_of_commit);
  suite_add_tcase(suite, tc);
}
