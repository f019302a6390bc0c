/* A storage that tries again: the slots for objects in parts. */
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "flaky.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* The storage inside: an upload of it, and what it was asked. */
static struct {
  int upload; /* its address is the upload */
  unsigned begun, ended;
  const dl_commit_request *commit;
  const dl_part *part;
} in;

static dl_upload *inner_upload(void) {
  return (dl_upload *)(void *)&in.upload;
}

static dl_status inner_layout(void *self, const char *key, dl_segment_fn each, void *user,
                              dl_layout *out, dl_error *err) {
  (void)self;
  ck_assert_str_eq(key, "key");
  step s = flaky_step();
  dl_segment segment = DL_SEGMENT_INIT;
  for (size_t i = 0; i < (s.status == DL_OK ? 3 : s.gives); i++) {
    segment.size_bytes = i + 1;
    segment.sha256[0] = (uint8_t)w.tries;
    segment.staged = i == 2;
    if (each(&segment, user) != 0) return dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  out->size_bytes = 3;
  out->blocked = w.tries == 3;
  memcpy(out->etag, "etag", 5);
  return flaky_end(&s, err);
}

static dl_status inner_begin(void *self, const dl_upload_request *request, dl_upload **out,
                             dl_error *err) {
  (void)self;
  step s = flaky_step();
  ck_assert_str_eq(request->key, "key");
  ck_assert_str_eq(request->if_match, "etag");
  ck_assert_uint_eq(request->size_bytes, 11);
  if (s.status == DL_OK) {
    *out = inner_upload();
    in.begun++;
  }
  return flaky_end(&s, err);
}

static dl_status inner_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err) {
  (void)self;
  ck_assert_ptr_eq(upload, inner_upload());
  step s = flaky_step();
  uint64_t stop = s.status == DL_OK ? part->size_bytes : s.gives;
  memset(w.put, 0, sizeof w.put);
  for (uint64_t at = 0; at < stop;) {
    size_t got = 0;
    size_t want = stop - at < 3 ? (size_t)(stop - at) : 3;
    dl_status status = part->read(part->read_user, at, w.put + at, want, &got, err);
    if (status != DL_OK) return status;
    at += got;
  }
  return flaky_end(&s, err);
}

static dl_status inner_reuse_part(void *self, dl_upload *upload, const dl_part *part,
                                  dl_error *err) {
  (void)self;
  ck_assert_ptr_eq(upload, inner_upload());
  in.part = part;
  step s = flaky_step();
  return flaky_end(&s, err);
}

static dl_status inner_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                              dl_put_result *result, dl_error *err) {
  (void)self;
  ck_assert_ptr_eq(upload, inner_upload());
  in.commit = request;
  step s = flaky_step();
  if (s.status == DL_OK) memcpy(result->etag, "new", 4);
  return flaky_end(&s, err);
}

static void inner_end(void *self, dl_upload *upload) {
  (void)self;
  ck_assert_ptr_eq(upload, inner_upload());
  in.ended++;
}

static void setup(void) {
  flaky_setup();
  memset(&in, 0, sizeof in);
  w.inner.layout = inner_layout;
  w.inner.upload_begin = inner_begin;
  w.inner.put_part = inner_put_part;
  w.inner.reuse_part = inner_reuse_part;
  w.inner.commit = inner_commit;
  w.inner.upload_end = inner_end;
}

static const step broken = {DL_ERR_NETWORK, 1, 0, 0, NULL};

static dl_status begin(dl_upload **upload) {
  static const dl_upload_request request = {sizeof request, 0, "key", 11, "etag"};
  return w.outer->upload_begin(w.outer->self, &request, upload, &w.err);
}

/* An upload that is begun at once; the steps are for what follows. */
static dl_upload *begun(void) {
  step kept = w.steps[0];
  w.steps[0] = (step){0};
  flaky_open();
  dl_upload *upload = NULL;
  ck_assert_int_eq(begin(&upload), DL_OK);
  ck_assert_ptr_nonnull(upload);
  w.tries = 0;
  w.steps[0] = kept;
  return upload;
}

static void end(dl_upload *upload) {
  ck_assert_uint_eq(in.ended, 0);
  w.outer->upload_end(w.outer->self, upload);
  ck_assert_uint_eq(in.ended, 1);
}

typedef struct taken {
  size_t count;
  unsigned stop_after; /* 0: never */
  unsigned from_try;
} taken;

static int take(const dl_segment *segment, void *user) {
  taken *t = user;
  t->count++;
  ck_assert_uint_eq(segment->size_bytes, t->count);
  ck_assert_uint_eq(segment->staged, t->count == 3);
  t->from_try = segment->sha256[0];
  return t->count == t->stop_after;
}

static dl_status do_layout(taken *t, dl_layout *out) {
  return w.outer->layout(w.outer->self, "key", take, t, out, &w.err);
}

/* The try that broke off has told two segments: they are not handed out. */
START_TEST(layout_starts_over) {
  taken t = {0};
  dl_layout out = DL_LAYOUT_INIT;
  w.steps[0] = broken;
  w.steps[1] = (step){DL_ERR_NETWORK, 1, 0, 2, NULL};
  flaky_open();
  ck_assert_int_eq(do_layout(&t, &out), DL_OK);
  ck_assert_uint_eq(t.count, 3);
  ck_assert_uint_eq(t.from_try, 3);
  ck_assert_uint_eq(out.size_bytes, 3);
  ck_assert_uint_eq(out.blocked, 1);
  ck_assert_str_eq(out.etag, "etag");
}
END_TEST

START_TEST(layout_that_fails) {
  taken t = {0};
  dl_layout out = DL_LAYOUT_INIT;
  flaky_always((step){DL_ERR_NETWORK, 1, 0, 2, NULL});
  flaky_open();
  ck_assert_int_eq(do_layout(&t, &out), DL_ERR_NETWORK);
  ck_assert_uint_eq(t.count, 0);
  ck_assert_uint_eq(w.tries, 5);
  ck_assert_ptr_nonnull(strstr(w.err.message, "(tried 5 times)"));
}
END_TEST

START_TEST(layout_of_nothing) {
  taken t = {0};
  dl_layout out = DL_LAYOUT_INIT;
  w.steps[0] = broken;
  w.steps[1] = (step){DL_ERR_NOT_FOUND, 0, 0, 0, NULL};
  flaky_open();
  ck_assert_int_eq(do_layout(&t, &out), DL_ERR_NOT_FOUND);
  ck_assert_uint_eq(w.tries, 2);
}
END_TEST

START_TEST(layout_that_is_stopped) {
  taken t = {.stop_after = 2};
  dl_layout out = DL_LAYOUT_INIT;
  flaky_open();
  ck_assert_int_eq(do_layout(&t, &out), DL_ERR_CANCELLED);
  ck_assert_uint_eq(t.count, 2);
  ck_assert_uint_eq(w.tries, 1);
}
END_TEST

START_TEST(begin_once_more) {
  dl_upload *upload = NULL;
  w.steps[0] = w.steps[1] = broken;
  flaky_open();
  ck_assert_int_eq(begin(&upload), DL_OK);
  ck_assert_uint_eq(w.tries, 3);
  ck_assert_uint_eq(in.begun, 1);
  end(upload);
}
END_TEST

START_TEST(begin_that_fails) {
  dl_upload *upload = NULL;
  w.steps[0] = broken;
  w.steps[1] = (step){DL_ERR_CONFLICT, 0, 0, 0, NULL};
  flaky_open();
  ck_assert_int_eq(begin(&upload), DL_ERR_CONFLICT);
  ck_assert_ptr_null(upload);
  ck_assert_uint_eq(in.begun, 0);
}
END_TEST

static dl_status read_text(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                           dl_error *err) {
  if (user != NULL) return dl__fail(err, DL_ERR_SOURCE_CHANGED, "key", "changed");
  memcpy(buf, &"what is put"[offset], size);
  *got = size;
  return DL_OK;
}

static dl_status do_put(dl_upload *upload, void *read_user) {
  dl_part part = DL_PART_INIT;
  part.size_bytes = 11;
  part.read = read_text;
  part.read_user = read_user;
  return w.outer->put_part(w.outer->self, upload, &part, &w.err);
}

START_TEST(put_part_starts_over) {
  w.steps[0] = (step){DL_ERR_NETWORK, 1, 0, 5, NULL};
  w.steps[1] = (step){DL_ERR_NETWORK, 1, 0, 11, NULL};
  dl_upload *upload = begun();
  ck_assert_int_eq(do_put(upload, NULL), DL_OK);
  ck_assert_uint_eq(w.tries, 3);
  ck_assert_str_eq(w.put, "what is put");
  end(upload);
}
END_TEST

START_TEST(put_part_whose_read_fails) {
  dl_upload *upload = begun();
  ck_assert_int_eq(do_put(upload, &w), DL_ERR_SOURCE_CHANGED);
  ck_assert_uint_eq(w.tries, 1);
  end(upload);
}
END_TEST

START_TEST(put_part_with_other_bytes) {
  w.steps[0] = (step){DL_ERR_SOURCE_CHANGED, 0, 0, 11, NULL};
  dl_upload *upload = begun();
  ck_assert_int_eq(do_put(upload, NULL), DL_ERR_SOURCE_CHANGED);
  ck_assert_uint_eq(w.tries, 1);
  end(upload);
}
END_TEST

START_TEST(failure_names_the_key) {
  flaky_always(broken);
  w.cancel_after = 1;
  dl_upload *upload = begun();
  w.outer->watch(w.outer->self, flaky_cancelled, &w);
  ck_assert_int_eq(do_put(upload, NULL), DL_ERR_CANCELLED);
  ck_assert_str_eq(w.err.path, "key");
  end(upload);
}
END_TEST

START_TEST(reuse_part_once_more) {
  w.steps[0] = w.steps[1] = broken;
  dl_upload *upload = begun();
  dl_part part = DL_PART_INIT;
  part.size_bytes = 11;
  ck_assert_int_eq(w.outer->reuse_part(w.outer->self, upload, &part, &w.err), DL_OK);
  ck_assert_uint_eq(w.tries, 3);
  ck_assert_ptr_eq(in.part, &part);
  end(upload);
}
END_TEST

static dl_status do_commit(dl_upload *upload, dl_put_result *result) {
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  dl_status status = w.outer->commit(w.outer->self, upload, &request, result, &w.err);
  ck_assert_ptr_eq(in.commit, &request);
  return status;
}

START_TEST(commit_once_more) {
  dl_put_result result = DL_PUT_RESULT_INIT;
  w.steps[0] = w.steps[1] = broken;
  dl_upload *upload = begun();
  ck_assert_int_eq(do_commit(upload, &result), DL_OK);
  ck_assert_uint_eq(w.tries, 3);
  ck_assert_str_eq(result.etag, "new");
  end(upload);
}
END_TEST

/* These the engine has to hear at once. */
static const dl_status finals[] = {DL_ERR_CONFLICT, DL_ERR_NOT_FOUND, DL_ERR_AUTH};

START_TEST(commit_that_fails) {
  dl_put_result result = DL_PUT_RESULT_INIT;
  w.steps[0] = broken;
  w.steps[1] = (step){finals[_i], 0, 0, 0, NULL};
  dl_upload *upload = begun();
  ck_assert_int_eq(do_commit(upload, &result), finals[_i]);
  ck_assert_uint_eq(w.tries, 2);
  ck_assert_str_eq(result.etag, "");
  end(upload);
}
END_TEST

START_TEST(no_parts_inside) {
  w.inner.commit = NULL;
  flaky_open();
  ck_assert(w.outer->layout == NULL && w.outer->upload_begin == NULL);
  ck_assert(w.outer->put_part == NULL && w.outer->reuse_part == NULL);
  ck_assert(w.outer->commit == NULL && w.outer->upload_end == NULL);
}
END_TEST

START_TEST(no_reuse_inside) {
  w.inner.reuse_part = NULL;
  w.inner.caps |= DL_STORAGE_PARTS_BY_CONTENT;
  flaky_open();
  ck_assert_ptr_nonnull(w.outer->layout);
  ck_assert_ptr_null(w.outer->reuse_part);
  ck_assert_uint_eq(w.outer->caps, w.inner.caps);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("retry_parts");
  TCase *tcase = tcase_create("retry_parts");
  tcase_add_checked_fixture(tcase, setup, flaky_teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, layout_starts_over);
  tcase_add_test(tcase, layout_that_fails);
  tcase_add_test(tcase, layout_of_nothing);
  tcase_add_test(tcase, layout_that_is_stopped);
  tcase_add_test(tcase, begin_once_more);
  tcase_add_test(tcase, begin_that_fails);
  tcase_add_test(tcase, put_part_starts_over);
  tcase_add_test(tcase, put_part_whose_read_fails);
  tcase_add_test(tcase, put_part_with_other_bytes);
  tcase_add_test(tcase, failure_names_the_key);
  tcase_add_test(tcase, reuse_part_once_more);
  tcase_add_test(tcase, commit_once_more);
  tcase_add_loop_test(tcase, commit_that_fails, 0, COUNT(finals));
  tcase_add_test(tcase, no_parts_inside);
  tcase_add_test(tcase, no_reuse_inside);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
