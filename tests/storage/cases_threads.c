/* Conformance: many at once, through one storage where it is thread-safe, and
 * through one each, as several programs would. Threads count what went wrong;
 * the main thread judges. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "remote.h"

#define THREADS 8

typedef struct crew {
  dl__storage own[THREADS];
  bytes contents[THREADS];
  char digests[THREADS][DL_DIGEST_SIZE];
  char etag[DL_ETAG_SIZE]; /* of the object before a race */
  pthread_barrier_t barrier;
  bool shared; /* all use one storage */
  atomic_int done;
  atomic_int wrong;
  atomic_int won;
} crew;

typedef struct member {
  crew *crew;
  int id;
  const dl__storage *storage;
  void (*work)(struct member *m);
} member;

static void crew_init(crew *c, bool shared, size_t size) {
  *c = (crew){.shared = shared};
  for (int i = 0; i < THREADS; i++) {
    c->own[i] = open_url(here.url);
    c->contents[i] = bytes_random(size + (size_t)i, (uint64_t)i);
    (void)bytes_digest(c->contents[i], c->digests[i]);
  }
  ck_assert_int_eq(0, pthread_barrier_init(&c->barrier, NULL, THREADS));
}

static void crew_clear(crew *c) {
  for (int i = 0; i < THREADS; i++) {
    dl__storage_close(&c->own[i]);
    bytes_clear(&c->contents[i]);
  }
  (void)pthread_barrier_destroy(&c->barrier);
}

static void *member_main(void *user) {
  member *m = user;
  (void)pthread_barrier_wait(&m->crew->barrier);
  m->work(m);
  return NULL;
}

/* Half of the members may do something else. */
static void crew_run(crew *c, void (*work)(member *), void (*other)(member *)) {
  member members[THREADS];
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    members[i] = (member){c, i, c->shared ? &storage : &c->own[i], i % 2 == 0 ? work : other};
    ck_assert_int_eq(0, pthread_create(&threads[i], NULL, member_main, &members[i]));
  }
  for (int i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
  ck_assert_int_eq(atomic_load(&c->wrong), 0);
}

/* Puts the content of number `which`; anything but DL_OK and DL_ERR_CONFLICT is wrong. */
static dl_status member_put(const member *m, const char *key, int which, bool if_absent,
                            const char *if_match) {
  source from = {.content = m->crew->contents[which]};
  dl_put_request request = put_request(key, &from);
  request.digest = m->crew->digests[which];
  request.if_absent = if_absent;
  request.if_match = if_match;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  dl_status status = dl__storage_put(m->storage, &request, &result, &err);
  bool expected = status == DL_OK || (status == DL_ERR_CONFLICT && (if_absent || if_match));
  if (!expected || from.broken) {
    (void)fprintf(stderr, "# %s: %s: %s\n", key, dl_status_name(status), err.message);
    atomic_fetch_add(&m->crew->wrong, 1);
  }
  return status;
}

/* The number of the content that this is, or -1. */
static int which_content(const crew *c, bytes content) {
  for (int i = 0; i < THREADS; i++) {
    if (bytes_equal(c->contents[i], content)) return i;
  }
  return -1;
}

/* After a race for key: one of the contents, whole, with its own digest. */
static int assert_one_of_them(const crew *c, const char *key) {
  bytes content = get(&storage, key);
  int which = which_content(c, content);
  ck_assert_msg(which >= 0, "torn: %zu bytes of nobody", content.size);
  assert_content(&storage, key, content);
  object o = stat_of(&storage, key);
  if (tested_can(CAN_DIGEST)) ck_assert(o.has_digest);
  if (o.has_digest) ck_assert_str_eq(o.digest, c->digests[which]);
  object_clear(&o);
  bytes_clear(&content);
  return which;
}

static void put_own_keys(member *m) {
  char key[64];
  for (int i = 0; i < 20; i++) {
    (void)snprintf(key, sizeof key, "folder-%d/%d-%d", i, m->id, i);
    (void)member_put(m, key, m->id, false, NULL);
  }
}

START_TEST(different_keys) {
  crew c;
  crew_init(&c, _i == 0, 1000);
  crew_run(&c, put_own_keys, put_own_keys);
  char key[64];
  for (int i = 0; i < 20 * THREADS; i++) {
    (void)snprintf(key, sizeof key, "folder-%d/%d-%d", i / THREADS, i % THREADS, i / THREADS);
    ck_assert_int_eq(assert_one_of_them(&c, key), i % THREADS);
  }
  listing l = list_of(&storage, "");
  ck_assert_uint_eq(l.count, 20 * THREADS);
  listing_clear(&l);
  crew_clear(&c);
}
END_TEST

static void put_one_key(member *m) {
  for (int i = 0; i < 10; i++) (void)member_put(m, "one", m->id, false, NULL);
}

START_TEST(one_key) {
  crew c;
  crew_init(&c, _i == 0, 140 * KIB);
  crew_run(&c, put_one_key, put_one_key);
  (void)assert_one_of_them(&c, "one");
  assert_keys(&storage, "", "one");
  crew_clear(&c);
}
END_TEST

static void put_if_absent(member *m) {
  char key[16];
  for (int i = 0; i < 10; i++) {
    (void)snprintf(key, sizeof key, "race/%d", i);
    if (member_put(m, key, m->id, true, NULL) == DL_OK) atomic_fetch_add(&m->crew->won, 1);
  }
}

START_TEST(if_absent_race) {
  crew c;
  crew_init(&c, _i == 0, 1000);
  crew_run(&c, put_if_absent, put_if_absent);
  ck_assert_int_eq(atomic_load(&c.won), 10);
  char key[16];
  for (int i = 0; i < 10; i++) {
    (void)snprintf(key, sizeof key, "race/%d", i);
    (void)assert_one_of_them(&c, key);
  }
  crew_clear(&c);
}
END_TEST

/* All know the ETag of the first content: only one of them may build on it. */
static void put_if_match(member *m) {
  if (member_put(m, "one", m->id, false, m->crew->etag) == DL_OK)
    atomic_fetch_add(&m->crew->won, 1);
}

START_TEST(if_match_race) {
  crew c;
  crew_init(&c, _i == 0, 1000);
  for (int i = 0; i < 5; i++) {
    bytes first = bytes_text("first");
    dl_put_result result = put(&storage, "one", first);
    bytes_clear(&first);
    memcpy(c.etag, result.etag, sizeof c.etag);
    crew_run(&c, put_if_match, put_if_match);
    ck_assert_int_eq(atomic_load(&c.won), i + 1);
    (void)assert_one_of_them(&c, "one");
  }
  crew_clear(&c);
}
END_TEST

static void overwrite(member *m) {
  for (int i = 0; i < 15; i++) (void)member_put(m, "one", (m->id + i) % THREADS, false, NULL);
  atomic_fetch_add(&m->crew->done, 1);
}

static bool fits(const crew *c, const object *o) {
  int which = (int)(o->size_bytes - c->contents[0].size);
  if (which < 0 || which >= THREADS) return false;
  return !o->has_digest || strcmp(o->digest, c->digests[which]) == 0;
}

/* At every instant the object is there, and is one of the contents. */
static bool looks_whole(const member *m) {
  dl_error err = DL_ERROR_INIT;
  bytes content = {0};
  dl_status status = try_get(m->storage, "one", &content, &err);
  bool whole = status == DL_OK && which_content(m->crew, content) >= 0;
  bytes_clear(&content);
  object o = {0};
  status = dl__storage_stat(m->storage, "one", object_take, &o, &err);
  whole = whole && status == DL_OK && fits(m->crew, &o);
  object_clear(&o);
  listing l = {0};
  status = dl__storage_list(m->storage, "", listing_add, &l, &err);
  whole = whole && status == DL_OK && l.count == 1 && fits(m->crew, &l.objects[0]);
  listing_clear(&l);
  if (!whole) (void)fprintf(stderr, "# %s %s\n", dl_status_name(status), err.message);
  return whole;
}

static void look(member *m) {
  do {
    if (!looks_whole(m)) atomic_fetch_add(&m->crew->wrong, 1);
  } while (atomic_load(&m->crew->done) < THREADS / 2);
}

START_TEST(readers_during_overwrites) {
  crew c;
  crew_init(&c, _i == 0, 300 * KIB);
  (void)put_with_digest(&storage, "one", c.contents[0]);
  crew_run(&c, overwrite, look);
  (void)assert_one_of_them(&c, "one");
  crew_clear(&c);
}
END_TEST

static void put_and_remove(member *m) {
  for (int i = 0; i < 10; i++) {
    (void)member_put(m, "folder/one", m->id, false, NULL);
    dl_error err = DL_ERROR_INIT;
    dl_status status = dl__storage_remove(m->storage, "folder/one", &err);
    bool expected = status == DL_OK || status == DL_ERR_NOT_FOUND;
    if (!expected) {
      (void)fprintf(stderr, "# remove: %s %s\n", dl_status_name(status), err.message);
      atomic_fetch_add(&m->crew->wrong, 1);
    }
  }
}

START_TEST(put_and_remove_race) {
  crew c;
  crew_init(&c, _i == 0, 1000);
  crew_run(&c, put_and_remove, put_and_remove);
  assert_absent(&storage, "folder/one");
  crew_clear(&c);
}
END_TEST

void cases_threads(Suite *suite) {
  int first = tested_has(DL_STORAGE_THREAD_SAFE) ? 0 : 1;
  TCase *tc = case_new(suite, "threads");
  tcase_add_loop_test(tc, different_keys, first, 2);
  tcase_add_loop_test(tc, one_key, first, 2);
  tcase_add_loop_test(tc, readers_during_overwrites, first, 2);
  if (tested_can(CAN_REMOVE)) tcase_add_loop_test(tc, put_and_remove_race, first, 2);
  if (!tested_has(DL_STORAGE_CONDITIONAL)) return;
  tcase_add_loop_test(tc, if_absent_race, first, 2);
  tcase_add_loop_test(tc, if_match_race, first, 2);
}
