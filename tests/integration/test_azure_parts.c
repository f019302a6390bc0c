/* Blobs in blocks at Microsoft's emulator: what azure_parts.sh runs. Each test has a container
 * of its own, which the first part makes. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <devlog/devlog.h>

#include "base/crc64.h"
#include "base/hash.h"
#include "storage/azure.h"
#include "support/support.h"

#define KEY      "events/2025 \xc3\xa4+%41&x=1.jsonl"
#define LARGE    ((size_t)300 * 1024) /* goes out as it is read */
#define SMALL    ((size_t)1000)
#define MTIME_NS INT64_C(1700000000123456789)
#define DIGEST   "sha256-segments:" SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define SIXTEEN  "0123456789abcdef"

static const dl_storage *storage;
static dl_error err;
static char etag[DL_ETAG_SIZE]; /* of the last commit */

static const dl_storage *open_at(const char *endpoint, const char *container) {
  char url[256];
  dl_config *config;
  const dl_storage *opened;
  (void)snprintf(url, sizeof url, "%s/%s", endpoint, container);
  ck_assert_int_eq(setenv("AZURE_STORAGE_KEY", getenv("AZURITE_KEY"), 1), 0);
  ck_assert_int_eq(dl_config_new(&config, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "remote.url", url, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "remote.create", "yes", NULL), DL_OK);
  ck_assert_int_eq(dl_storage_create(config, &opened, NULL), DL_OK);
  dl_config_free(config);
  return opened;
}

static void container_name(char *name, size_t size) {
  (void)snprintf(name, size, "parts-%ld", (long)getpid()); /* a process each */
}

static void setup(void) {
  char name[64];
  container_name(name, sizeof name);
  storage = open_at(getenv("AZURITE_ENDPOINT"), name);
  err = (dl_error)DL_ERROR_INIT;
}

static void teardown(void) {
  dl_storage_close(storage);
}

/* ---- parts ---- */

/* Bytes that look like none before them. */
typedef struct piece {
  dl_segment segment;
  size_t size;
  unsigned seed;
  uint64_t crc64;
} piece;

static unsigned char byte_at(const piece *p, size_t at) {
  return (unsigned char)((at * 2654435761u + p->seed * 40503u) >> 7);
}

static dl_status read_piece(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                            dl_error *e) {
  const piece *p = user;
  (void)e;
  size_t left = p->size - (size_t)offset;
  *got = size < left ? size : left;
  for (size_t i = 0; i < *got; i++) ((unsigned char *)buf)[i] = byte_at(p, (size_t)offset + i);
  return DL_OK;
}

static piece make_piece(unsigned seed, size_t size) {
  piece p = {DL_SEGMENT_INIT, size, seed, 0};
  dl__hash hash;
  ck_assert_int_eq(dl__hash_init(&hash, false, NULL), DL_OK);
  for (size_t i = 0; i < size; i++) {
    unsigned char c = byte_at(&p, i);
    ck_assert_int_eq(dl__hash_add(&hash, &c, 1, NULL), DL_OK);
    p.crc64 = dl__crc64(p.crc64, &c, 1);
  }
  ck_assert_int_eq(dl__hash_end_raw(&hash, p.segment.sha256, NULL), DL_OK);
  dl__hash_clear(&hash);
  p.segment.size_bytes = size;
  return p;
}

static dl_status put_piece(dl_upload *upload, piece *p, dl_error *e) {
  dl_part part = DL_PART_INIT;
  part.size_bytes = p->size;
  part.crc64 = p->crc64;
  memcpy(part.sha256, p->segment.sha256, sizeof part.sha256);
  part.read = read_piece;
  part.read_user = p;
  return storage->put_part(storage->self, upload, &part, e);
}

#define PIECES_MAX 8

/* What a blob is made of. */
typedef struct content {
  piece *pieces[PIECES_MAX];
  size_t count;
} content;

static uint64_t size_of(const content *c) {
  uint64_t size = 0;
  for (size_t i = 0; i < c->count; i++) size += c->pieces[i]->size;
  return size;
}

static const char *digest = DIGEST;

/* with_md5: tells the MD5 of the content, too. */
static dl_status commit(dl_upload *upload, const content *c, bool with_md5) {
  const dl_segment *segments[PIECES_MAX];
  uint8_t md5[DL__MD5_BYTES];
  dl__md5 *sum;
  ck_assert_int_eq(dl__md5_new(&sum, NULL), DL_OK);
  for (size_t i = 0; i < c->count; i++) {
    segments[i] = &c->pieces[i]->segment;
    for (size_t at = 0; at < c->pieces[i]->size; at++) {
      unsigned char byte = byte_at(c->pieces[i], at);
      dl__md5_add(sum, &byte, 1);
    }
  }
  dl__md5_get(sum, md5);
  dl__md5_free(sum);
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  request.segments = segments;
  request.segment_count = c->count;
  request.digest = digest;
  request.mtime_ns = MTIME_NS;
  request.md5 = with_md5 ? md5 : NULL;
  dl_status status = storage->commit(storage->self, upload, &request, &result, &err);
  if (status == DL_OK) {
    ck_assert_str_ne(result.etag, "");
    (void)snprintf(etag, sizeof etag, "%s", result.etag);
  }
  return status;
}

static dl_upload *begin(dl_upload_request *request, const char *key, const char *if_match,
                        uint64_t size_bytes) {
  dl_upload *upload;
  *request = (dl_upload_request)DL_UPLOAD_REQUEST_INIT;
  request->key = key;
  request->if_match = if_match;
  request->if_absent = if_match == NULL;
  request->size_bytes = size_bytes;
  ck_assert_int_eq(storage->upload_begin(storage->self, request, &upload, &err), DL_OK);
  return upload;
}

/* Puts the pieces from number `from` on, each once, and commits all. */
static dl_status store(const char *key, const char *if_match, const content *c, size_t from) {
  dl_upload_request request;
  dl_upload *upload = begin(&request, key, if_match, size_of(c));
  for (size_t i = from; i < c->count; i++) {
    bool again = false;
    for (size_t j = 0; j < i; j++) again = again || c->pieces[j] == c->pieces[i];
    if (again) continue;
    ck_assert_msg(put_piece(upload, c->pieces[i], &err) == DL_OK, "%s", err.message);
  }
  dl_status status = commit(upload, c, true);
  storage->upload_end(storage->self, upload);
  return status;
}

/* ---- looking ---- */

typedef struct seen {
  dl_layout layout;
  dl_segment committed[PIECES_MAX];
  dl_segment staged[PIECES_MAX];
  size_t committed_count, staged_count;
} seen;

static int note(const dl_segment *segment, void *user) {
  seen *s = user;
  if (segment->staged != 0) {
    ck_assert_uint_lt(s->staged_count, PIECES_MAX);
    s->staged[s->staged_count++] = *segment;
  } else {
    ck_assert_uint_eq(s->staged_count, 0);
    ck_assert_uint_lt(s->committed_count, PIECES_MAX);
    s->committed[s->committed_count++] = *segment;
  }
  return 0;
}

static dl_status look(const char *key, seen *s) {
  memset(s, 0, sizeof *s);
  s->layout = (dl_layout)DL_LAYOUT_INIT;
  return storage->layout(storage->self, key, note, s, &s->layout, &err);
}

static bool is_piece(const dl_segment *segment, const piece *p) {
  return segment->size_bytes == p->size &&
         memcmp(segment->sha256, p->segment.sha256, sizeof segment->sha256) == 0;
}

static bool is_staged(const seen *s, const piece *p) {
  for (size_t i = 0; i < s->staged_count; i++) {
    if (is_piece(&s->staged[i], p)) return true;
  }
  return false;
}

/* A blob that is read back. */
typedef struct reader {
  const content *content;
  size_t piece, at;
} reader;

static dl_status check_bytes(void *user, const void *data, size_t size, dl_error *e) {
  reader *r = user;
  (void)e;
  for (size_t i = 0; i < size; i++) {
    if (r->piece < r->content->count && r->at == r->content->pieces[r->piece]->size) {
      r->piece++;
      r->at = 0;
    }
    ck_assert_uint_lt(r->piece, r->content->count);
    ck_assert_uint_eq(((const unsigned char *)data)[i],
                      byte_at(r->content->pieces[r->piece], r->at));
    r->at++;
  }
  return DL_OK;
}

typedef struct about {
  uint64_t size_bytes;
  int64_t mtime_ns;
  char digest[DL_DIGEST_SIZE];
  char etag[DL_ETAG_SIZE];
} about;

static int note_object(const dl_object *object, void *user) {
  about *a = user;
  a->size_bytes = object->size_bytes;
  a->mtime_ns = object->mtime_ns;
  (void)snprintf(a->digest, sizeof a->digest, "%s", object->digest != NULL ? object->digest : "");
  (void)snprintf(a->etag, sizeof a->etag, "%s", object->etag != NULL ? object->etag : "");
  return 0;
}

static int count_object(const dl_object *object, void *user) {
  (void)object;
  ++*(int *)user;
  return 0;
}

static int listed(void) {
  int count = 0;
  ck_assert_int_eq(storage->list(storage->self, "", count_object, &count, &err), DL_OK);
  return count;
}

/* The blob is exactly this, in bytes, in blocks, and in what is kept with it. */
static void expect(const char *key, const content *c, const char *believed) {
  seen s;
  about a = {0};
  reader r = {c, 0, 0};
  dl_get_request get = DL_GET_REQUEST_INIT;
  get.key = key;
  get.write = check_bytes;
  get.write_user = &r;
  ck_assert_msg(storage->get(storage->self, &get, &err) == DL_OK, "%s", err.message);
  ck_assert_uint_eq(r.piece, c->count - 1);
  ck_assert_uint_eq(r.at, c->pieces[r.piece]->size);
  ck_assert_int_eq(storage->stat(storage->self, key, note_object, &a, &err), DL_OK);
  ck_assert_uint_eq(a.size_bytes, size_of(c));
  ck_assert_int_eq(a.mtime_ns, MTIME_NS);
  ck_assert_str_eq(a.digest, believed);
  ck_assert_str_eq(a.etag, etag);
  ck_assert_int_eq(look(key, &s), DL_OK);
  ck_assert_uint_eq(s.layout.size_bytes, size_of(c));
  ck_assert_str_eq(s.layout.etag, etag);
  ck_assert_uint_eq(s.committed_count, c->count);
  for (size_t i = 0; i < c->count; i++) ck_assert(is_piece(&s.committed[i], c->pieces[i]));
}

/* ---- the tests ---- */

START_TEST(parts_make_a_blob) {
  seen s;
  about a;
  piece large = make_piece(1, LARGE);
  piece small = make_piece(2, SMALL);
  content c = {{&large, &small, &large}, 3};
  dl_upload_request request;
  ck_assert_int_eq(look(KEY, &s), DL_ERR_NOT_FOUND); /* there is no container yet */
  dl_upload *upload = begin(&request, KEY, NULL, size_of(&c));
  ck_assert_msg(put_piece(upload, &large, &err) == DL_OK, "%s", err.message);
  ck_assert_msg(put_piece(upload, &small, &err) == DL_OK, "%s", err.message);
  ck_assert_int_eq(storage->stat(storage->self, KEY, note_object, &a, &err), DL_ERR_NOT_FOUND);
  ck_assert_int_eq(listed(), 0);
  ck_assert_int_eq(look(KEY, &s), DL_OK);
  ck_assert_uint_eq(s.committed_count, 0);
  ck_assert_uint_eq(s.staged_count, 2);
  ck_assert(is_staged(&s, &large) && is_staged(&s, &small));
  ck_assert_uint_eq(s.layout.size_bytes, 0);
  ck_assert_uint_eq(s.layout.blocked, 0);
  ck_assert_str_eq(s.layout.etag, "");
  ck_assert_msg(commit(upload, &c, true) == DL_OK, "%s", err.message);
  storage->upload_end(storage->self, upload);
  expect(KEY, &c, DIGEST);
  ck_assert_int_eq(listed(), 1);
  ck_assert_int_eq(look("other", &s), DL_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_blob_grows_by_what_is_new) {
  piece first = make_piece(1, LARGE);
  piece second = make_piece(2, SMALL);
  content before = {{&first, &first}, 2};
  content after = {{&first, &first, &second}, 3};
  char old[DL_ETAG_SIZE];
  ck_assert_int_eq(store(KEY, NULL, &before, 0), DL_OK);
  memcpy(old, etag, sizeof old);
  ck_assert_msg(store(KEY, old, &after, 2) == DL_OK, "%s", err.message);
  ck_assert_str_ne(etag, old);
  expect(KEY, &after, DIGEST);
}
END_TEST

START_TEST(a_wrong_checksum_is_refused) {
  seen s;
  size_t sizes[] = {SMALL, LARGE};
  piece p = make_piece(1, sizes[_i]);
  content c = {{&p}, 1};
  dl_upload_request request;
  dl_upload *upload = begin(&request, KEY, NULL, p.size);
  p.crc64 ^= 1;
  ck_assert_int_eq(put_piece(upload, &p, &err), DL_ERR_SOURCE_CHANGED);
  ck_assert_uint_eq(err.retryable, 0);
  ck_assert_str_eq(err.provider_code, "Crc64Mismatch");
  ck_assert_int_eq(look(KEY, &s), DL_ERR_NOT_FOUND);
  ck_assert_int_eq(commit(upload, &c, true), DL_ERR_NOT_FOUND); /* a part that is not there */
  ck_assert_str_eq(err.provider_code, "InvalidBlockList");
  ck_assert_int_eq(look(KEY, &s), DL_ERR_NOT_FOUND);
  storage->upload_end(storage->self, upload);
}
END_TEST

START_TEST(somebody_else_was_faster) {
  piece mine = make_piece(1, SMALL);
  piece theirs = make_piece(2, SMALL + 1);
  content my_content = {{&mine}, 1};
  content their_content = {{&theirs}, 1};
  char old[DL_ETAG_SIZE];
  ck_assert_int_eq(store(KEY, NULL, &my_content, 0), DL_OK);
  memcpy(old, etag, sizeof old);
  ck_assert_int_eq(store(KEY, etag, &their_content, 0), DL_OK);
  ck_assert_int_eq(store(KEY, old, &my_content, 0), DL_ERR_CONFLICT);
  ck_assert_ptr_nonnull(strstr(err.message, "somebody else"));
  ck_assert_int_eq(store(KEY, NULL, &my_content, 0), DL_ERR_CONFLICT);
  expect(KEY, &their_content, DIGEST);
}
END_TEST

START_TEST(what_an_upload_left_serves_the_next_one) {
  seen s;
  piece first = make_piece(1, LARGE);
  piece second = make_piece(2, SMALL);
  content before = {{&first}, 1};
  content after = {{&first, &second}, 2};
  dl_upload_request request;
  ck_assert_int_eq(store(KEY, NULL, &before, 0), DL_OK);
  dl_upload *upload = begin(&request, KEY, etag, size_of(&after));
  ck_assert_int_eq(put_piece(upload, &second, &err), DL_OK);
  storage->upload_end(storage->self, upload);
  expect(KEY, &before, DIGEST);
  ck_assert_int_eq(look(KEY, &s), DL_OK);
  ck_assert_uint_eq(s.staged_count, 1);
  ck_assert(is_staged(&s, &second));
  ck_assert_msg(store(KEY, s.layout.etag, &after, 2) == DL_OK, "%s", err.message);
  expect(KEY, &after, DIGEST);
  ck_assert_int_eq(look(KEY, &s), DL_OK);
  ck_assert_uint_eq(s.staged_count, 0);
}
END_TEST

/* Another program, whose ids have 3 bytes. */
static void stage_foreign(void) {
  static const char *const query[] = {"comp", "block", "blockid", "AAAA", NULL};
  dl__azure_request request = {
      .method = "PUT", .key = KEY, .query = query, .body = "theirs", .body_bytes = 6};
  dl__http_reply reply;
  ck_assert_int_eq(dl__azure_send(storage->self, &request, &reply, &err), DL_OK);
  dl__http_reply_clear(&reply);
}

START_TEST(foreign_parts_block_ours) {
  seen s;
  piece p = make_piece(1, SMALL);
  content c = {{&p}, 1};
  dl_upload_request request;
  ck_assert_int_eq(store(KEY, NULL, &c, 0), DL_OK);
  stage_foreign();
  expect(KEY, &c, DIGEST);
  ck_assert_int_eq(look(KEY, &s), DL_OK);
  ck_assert_uint_eq(s.layout.blocked, 1);
  ck_assert_uint_eq(s.staged_count, 0);
  dl_upload *upload = begin(&request, KEY, etag, p.size);
  ck_assert_int_eq(put_piece(upload, &p, &err), DL_ERR_UNSUPPORTED);
  ck_assert_str_eq(err.provider_code, "InvalidBlobOrBlock");
  ck_assert_uint_eq(err.retryable, 0);
  storage->upload_end(storage->self, upload);
}
END_TEST

START_TEST(an_answer_that_was_lost) {
  char name[64];
  container_name(name, sizeof name);
  piece p = make_piece(1, SMALL);
  piece q = make_piece(2, LARGE);
  content c = {{&p, &q}, 2};
  content other = {{&q, &p}, 2};
  bool with_md5 = _i != 0;
  const dl_storage *direct = storage;
  storage = open_at(getenv("FAULTS_ENDPOINT"), name);
  dl_upload_request request;
  dl_upload *upload = begin(&request, "lost", NULL, size_of(&c));
  ck_assert_int_eq(put_piece(upload, &p, &err), DL_OK);
  ck_assert_int_eq(put_piece(upload, &q, &err), DL_OK);
  ck_assert_int_eq(commit(upload, &c, with_md5), DL_ERR_NETWORK);
  ck_assert_uint_eq(err.retryable, 1);
  /* The condition does not hold any more, because it is there. */
  ck_assert_msg(commit(upload, &c, with_md5) == DL_OK, "%s", err.message);
  expect("lost", &c, with_md5 ? DIGEST : "");
  /* And is not taken for another one. */
  digest = "sha256-segments:" SIXTEEN SIXTEEN SIXTEEN "0000000000000000";
  ck_assert_int_eq(commit(upload, &other, with_md5), DL_ERR_CONFLICT);
  storage->upload_end(storage->self, upload);
  dl_storage_close(storage);
  storage = direct;
}
END_TEST

/* Our digest counts only beside the MD5 that it goes with. */
START_TEST(without_an_md5) {
  piece p = make_piece(1, SMALL);
  content c = {{&p}, 1};
  dl_upload_request request;
  dl_upload *upload = begin(&request, KEY, NULL, p.size);
  ck_assert_int_eq(put_piece(upload, &p, &err), DL_OK);
  ck_assert_int_eq(commit(upload, &c, false), DL_OK);
  storage->upload_end(storage->self, upload);
  expect(KEY, &c, "");
}
END_TEST

START_TEST(a_blob_that_was_put_whole) {
  seen s;
  piece p = make_piece(1, SMALL);
  content c = {{&p, &p}, 2};
  dl_put_request put = DL_PUT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  ck_assert_int_eq(store(KEY, NULL, &c, 0), DL_OK);
  put.key = KEY;
  put.size_bytes = p.size;
  put.read = read_piece;
  put.read_user = &p;
  put.if_match = etag;
  ck_assert_int_eq(storage->put(storage->self, &put, &result, &err), DL_OK);
  ck_assert_int_eq(look(KEY, &s), DL_OK);
  ck_assert_uint_eq(s.committed_count + s.staged_count, 0);
  ck_assert_uint_eq(s.layout.size_bytes, p.size);
  ck_assert_str_eq(s.layout.etag, result.etag);
  /* And back in parts. */
  ck_assert_msg(store(KEY, result.etag, &c, 0) == DL_OK, "%s", err.message);
  expect(KEY, &c, DIGEST);
}
END_TEST

START_TEST(what_is_kept_with_a_blob) {
  piece p = make_piece(1, SMALL);
  content c = {{&p}, 1};
  dl__http_reply reply;
  char value[64];
  dl__azure_request request = {.method = "HEAD", .key = "a.md"};
  ck_assert_int_eq(store("a.md", NULL, &c, 0), DL_OK);
  ck_assert_int_eq(dl__azure_send(storage->self, &request, &reply, &err), DL_OK);
  ck_assert(dl__http_header(&reply, "content-type", value, sizeof value));
  ck_assert_str_eq(value, "text/markdown; charset=utf-8");
  ck_assert(dl__http_header(&reply, "x-ms-meta-devlogpush", value, sizeof value));
  ck_assert_str_eq(value, ((dl__azure *)storage->self)->push_id);
  dl__http_reply_clear(&reply);
}
END_TEST

/* ---- several threads ---- */

typedef struct worker {
  pthread_t thread;
  dl_upload *upload;
  piece piece;
  dl_status status;
} worker;

static void *put_one(void *arg) {
  worker *w = arg;
  w->status = put_piece(w->upload, &w->piece, NULL);
  return NULL;
}

START_TEST(parts_at_the_same_time) {
  worker workers[PIECES_MAX];
  content c = {.count = PIECES_MAX};
  dl_upload_request request;
  for (unsigned i = 0; i < PIECES_MAX; i++) {
    workers[i].piece = make_piece(i, i % 2 == 0 ? SMALL : LARGE);
    c.pieces[i] = &workers[i].piece;
  }
  dl_upload *upload = begin(&request, KEY, NULL, size_of(&c));
  for (unsigned i = 0; i < PIECES_MAX; i++) {
    workers[i].upload = upload;
    ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, put_one, &workers[i]), 0);
  }
  for (unsigned i = 0; i < PIECES_MAX; i++) {
    ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    ck_assert_int_eq(workers[i].status, DL_OK);
  }
  ck_assert_msg(commit(upload, &c, true) == DL_OK, "%s", err.message);
  storage->upload_end(storage->self, upload);
  expect(KEY, &c, DIGEST);
}
END_TEST

int main(void) {
  if (getenv("AZURITE_ENDPOINT") == NULL || getenv("FAULTS_ENDPOINT") == NULL) {
    puts("1..0 # SKIP no emulator: run it by azure_parts.sh");
    return EXIT_SUCCESS;
  }
  Suite *suite = suite_create("azure_parts");
  TCase *tcase = tcase_create("azure_parts");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 60);
  tcase_add_test(tcase, parts_make_a_blob);
  tcase_add_test(tcase, a_blob_grows_by_what_is_new);
  tcase_add_loop_test(tcase, a_wrong_checksum_is_refused, 0, 2);
  tcase_add_test(tcase, somebody_else_was_faster);
  tcase_add_test(tcase, what_an_upload_left_serves_the_next_one);
  tcase_add_test(tcase, foreign_parts_block_ours);
  tcase_add_loop_test(tcase, an_answer_that_was_lost, 0, 2);
  tcase_add_test(tcase, without_an_md5);
  tcase_add_test(tcase, a_blob_that_was_put_whole);
  tcase_add_test(tcase, what_is_kept_with_a_blob);
  tcase_add_test(tcase, parts_at_the_same_time);
  return support_main(suite);
}
