/* The plan's two steps that do I/O: reading the listing of a storage that is not
 * trusted, and comparing content. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "push/plan.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Of "content" and of "another", and one of an algorithm that is not ours. */
#define CONTENT_DIGEST "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
#define OTHER_DIGEST   "sha256:ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5"
#define CONTENT_MD5    "md5:9a0364b9e99bb480dd25e1f0284c8555"
#define OTHER_MD5      "md5:b32d73e56ec99bc5ec8f83871cde708a"
#define FOREIGN_DIGEST "crc32:01234567"

/* What the storage of these tests lists and gives. */
typedef struct shelf {
  const dl_object *objects;
  size_t count;
  dl_status list_status;
  int fail_strdup;     /* armed at the start of a listing */
  const char *content; /* of every object; NULL: there is none */
  dl_status get_status;
  int gets;
} shelf;

static shelf box;
static dl_error err;

/* The call to strdup with this number fails; 0: none. Stands before the one of libc. */
static int fail_strdup;

char *strdup(const char *text) {
  char *(*real)(const char *);
  void *found = dlsym(RTLD_NEXT, "strdup");
  memcpy(&real, &found, sizeof found);
  return fail_strdup > 0 && --fail_strdup == 0 ? NULL : real(text);
}

static dl_status box_list(void *self, const char *prefix, dl_object_fn each, void *user,
                          dl_error *e) {
  shelf *s = self;
  ck_assert_str_eq(prefix, "");
  fail_strdup = s->fail_strdup;
  for (size_t i = 0; i < s->count; i++) {
    if (each(&s->objects[i], user) != 0) return DL_ERR_CANCELLED;
  }
  if (s->list_status == DL_OK) return DL_OK;
  return dl_error_set(e, s->list_status, NULL, "the listing failed");
}

static dl_status box_stat(void *self, const char *key, dl_object_fn each, void *user, dl_error *e) {
  (void)self;
  (void)each;
  (void)user;
  return dl_error_set(e, DL_ERR_NOT_FOUND, key, "not here");
}

static dl_status box_put(void *self, const dl_put_request *request, dl_put_result *result,
                         dl_error *e) {
  (void)self;
  (void)result;
  return dl_error_set(e, DL_ERR_AUTH, request->key, "read only");
}

static dl_status box_get(void *self, const dl_get_request *request, dl_error *e) {
  shelf *s = self;
  s->gets++;
  if (s->get_status != DL_OK) return dl_error_set(e, s->get_status, request->key, "get failed");
  if (s->content == NULL) return dl_error_set(e, DL_ERR_NOT_FOUND, request->key, "not here");
  return request->write(request->write_user, s->content, strlen(s->content), e);
}

static void box_close(void *self) {
  (void)self;
}

static const dl_storage owner = {.struct_size = sizeof owner,
                                 .self = &box,
                                 .list = box_list,
                                 .stat = box_stat,
                                 .put = box_put,
                                 .get = box_get,
                                 .close = box_close};
static dl__storage storage;
static char *dir;
static int dir_fd;
static atomic_bool cancel;
static dl__reader reader;

static void setup(void) {
  dir = support_tmpdir();
  dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  box = (shelf){0};
  err = (dl_error)DL_ERROR_INIT;
  ck_assert_int_eq(dl__storage_wrap(&owner, &storage, &err), DL_OK);
  ck_assert_int_eq(dl__reader_init(&reader, 4, true, &cancel, &err), DL_OK);
}

static void teardown(void) {
  dl__reader_clear(&reader);
  dl__storage_close(&storage);
  (void)close(dir_fd);
  support_rmdir(dir);
}

#define OBJECT(key, size, digest, etag)                                                            \
  { sizeof(dl_object), 0, key, size, digest, etag, 0 }

static const dl_object some_objects[] = {
    OBJECT("z", 3, NULL, NULL),
    OBJECT("a/b", 1, CONTENT_DIGEST, "e1"),
    OBJECT("\xff\n", 2, FOREIGN_DIGEST, ""),
    OBJECT("a", 0, "", "e2"),
    OBJECT("a-b", UINT64_MAX, "sha256:AB", "e3"),
    OBJECT("../escape", 1, NULL, NULL), /* can be no file of ours */
};

START_TEST(a_listing_in_any_order) {
  box.objects = some_objects;
  box.count = COUNT(some_objects);
  dl__listing listing;
  ck_assert_int_eq(dl__listing_read(&storage, &listing, &err), DL_OK);
  static const char *const keys[] = {"a", "a-b", "a/b", "z", "\xff\n"};
  ck_assert_uint_eq(listing.count, COUNT(keys));
  for (int i = 0; i < COUNT(keys); i++) {
    ck_assert_str_eq(listing.items[i].key, keys[i]);
    char digest[DL__DIGEST_SIZE];
    dl__digest_unpack(&listing.items[i].digest, digest);
    ck_assert_str_eq(digest, i == 2 ? CONTENT_DIGEST : "");
  }
  ck_assert_str_eq(listing.items[0].etag, "e2");
  ck_assert_uint_eq(listing.items[1].size_bytes, UINT64_MAX);
  ck_assert_ptr_null(listing.items[3].etag);
  ck_assert_str_eq(listing.items[4].etag, "");
  dl__listing_clear(&listing);
  dl__listing_clear(&listing);
  ck_assert_uint_eq(listing.count, 0);
}
END_TEST

START_TEST(an_empty_listing) {
  dl__listing listing;
  ck_assert_int_eq(dl__listing_read(&storage, &listing, &err), DL_OK);
  ck_assert_uint_eq(listing.count, 0);
  dl__listing_clear(&listing);
}
END_TEST

START_TEST(a_listing_that_fails) {
  static const dl_status statuses[] = {DL_ERR_NETWORK, DL_ERR_AUTH, DL_ERR_STORAGE};
  box.objects = some_objects;
  box.count = COUNT(some_objects);
  for (int i = 0; i < COUNT(statuses); i++) {
    box.list_status = statuses[i];
    dl__listing listing;
    ck_assert_int_eq(dl__listing_read(&storage, &listing, &err), statuses[i]);
    ck_assert_str_eq(err.message, "the listing failed");
    ck_assert_uint_eq(listing.count, 0);
    ck_assert_ptr_null(listing.items);
  }
}
END_TEST

/* Each copy of a text in turn fails; the leak sanitizer looks at what is left. */
START_TEST(a_listing_without_memory) {
  box.objects = some_objects;
  box.count = COUNT(some_objects);
  dl__listing listing;
  box.fail_strdup = _i;
  dl_status status = dl__listing_read(&storage, &listing, &err);
  fail_strdup = 0;
  ck_assert_int_eq(status, DL_ERR_NO_MEMORY);
  ck_assert_int_eq(err.status, DL_ERR_NO_MEMORY);
  ck_assert_ptr_null(listing.items);
}
END_TEST

/* K3: a storage that tells of one object twice. The file is counted once, not as
 * one more that is only at the remote; or the listing is refused. */
START_TEST(a_listing_with_an_object_twice) {
  static const dl_object twice[] = {OBJECT("b", 7, CONTENT_DIGEST, NULL),
                                    OBJECT("a", 1, NULL, NULL),
                                    OBJECT("b", 7, CONTENT_DIGEST, NULL)};
  box.objects = twice;
  box.count = COUNT(twice);
  dl__listing listing;
  dl_status status = dl__listing_read(&storage, &listing, &err);
  if (status == DL_ERR_STORAGE) return;
  ck_assert_int_eq(status, DL_OK);
  char key[] = "b";
  dl__file file = {key, {.size_bytes = 7}};
  dl__tree tree = {.files = &file, .count = 1};
  dl__rows rows = {0};
  dl__plan plan;
  ck_assert_int_eq(dl__plan_local(&tree, &rows, true, false, &plan, NULL), DL_OK);
  dl__plan_remote(&plan, &listing);
  ck_assert_ptr_nonnull(plan.actions[0].remote);
  ck_assert_int_eq(plan.actions[0].verdict, DL__UNKNOWN);
  uint64_t only_at_remote = plan.only_at_remote;
  dl__plan_clear(&plan);
  dl__listing_clear(&listing);
  ck_assert_msg(only_at_remote == 1, "%d objects only at the remote, not 1", (int)only_at_remote);
}
END_TEST

/* The file "f" holds local; the listing said size and digest; a get gives content. */
typedef struct comparison {
  const char *what;
  const char *local;
  uint64_t size_bytes;
  const char *digest;
  const char *content;
  dl_status get_status;
  dl_status status;
  dl__verdict verdict;
  bool confirmed;
  int gets;
} comparison;

static const comparison comparisons[] = {
    {"no digest, get fails", "content", 7, "", "content", DL_ERR_STORAGE, DL_OK, DL__MODIFIED,
     false, 1},
    {"equal digests", "content", 7, CONTENT_DIGEST, NULL, DL_OK, DL_OK, DL__UNCHANGED, true, 0},
    {"another digest", "content", 7, OTHER_DIGEST, "content", DL_OK, DL_OK, DL__MODIFIED, false, 0},
    {"equal MD5", "content", 7, CONTENT_MD5, NULL, DL_OK, DL_OK, DL__UNCHANGED, true, 0},
    {"another MD5", "content", 7, OTHER_MD5, "content", DL_OK, DL_OK, DL__MODIFIED, false, 0},
    {"no digest", "content", 7, "", "content", DL_OK, DL_OK, DL__UNCHANGED, true, 1},
    {"no digest, other content", "content", 7, "", "another", DL_OK, DL_OK, DL__MODIFIED, false, 1},
    {"no digest, gone", "content", 7, "", NULL, DL_OK, DL_OK, DL__MODIFIED, false, 1},
    {"no digest, longer now", "content", 7, "", "content!", DL_OK, DL_OK, DL__MODIFIED, false, 1},
    {"no digest, no network", "content", 7, "", "content", DL_ERR_NETWORK, DL_ERR_NETWORK,
     DL__MODIFIED, false, 1},
    {"no digest, not allowed", "content", 7, "", "content", DL_ERR_AUTH, DL_ERR_AUTH, DL__MODIFIED,
     false, 1},
    {"shorter file", "conten", 7, CONTENT_DIGEST, NULL, DL_OK, DL_OK, DL__MODIFIED, false, 0},
    {"longer file", "content!", 7, "", "content", DL_OK, DL_OK, DL__MODIFIED, false, 0},
    {"no file", NULL, 7, CONTENT_DIGEST, "content", DL_OK, DL_OK, DL__MODIFIED, false, 0},
    {"both empty", "", 0, "", "", DL_OK, DL_OK, DL__UNCHANGED, true, 1},
};

static dl__action make_action(const dl__file *file, const dl__remote *remote) {
  return (dl__action){.file = file, .remote = remote};
}

START_TEST(content_decides) {
  const comparison *c = &comparisons[_i];
  char key[] = "f";
  dl__file file = {key, {.size_bytes = c->size_bytes}};
  dl__remote remote = {.key = key, .size_bytes = c->size_bytes};
  remote.digest = dl__digest_pack(c->digest);
  if (c->local != NULL) support_write(dir, "f", c->local);
  box.content = c->content;
  box.get_status = c->get_status;
  dl__row fresh;
  dl__action action = make_action(&file, &remote);
  ck_assert_int_eq(dl__plan_compare(&action, dir_fd, &storage, &reader, &fresh, &err), c->status);
  if (c->status != DL_OK) ck_assert_int_eq(err.status, c->status);
  if (c->status == DL_OK) ck_assert_int_eq(action.verdict, c->verdict);
  ck_assert_int_eq(fresh.key != NULL, c->confirmed);
  ck_assert_int_eq(box.gets, c->gets);
  if (!c->confirmed) return;
  struct stat st;
  dl__stamp stamp;
  ck_assert_int_eq(fstatat(dir_fd, "f", &st, 0), 0);
  dl__stamp_from(&stamp, &st);
  ck_assert(dl__stamp_same(&fresh.stamp, &stamp));
  ck_assert_str_eq(fresh.key, "f");
  ck_assert(dl__digest_is_sha256(&fresh.digest));
  char digest[DL__DIGEST_SIZE];
  dl__digest_unpack(&fresh.digest, digest);
  if (c->size_bytes == 7) ck_assert_str_eq(digest, CONTENT_DIGEST);
}
END_TEST

/* A reader that makes no MD5 cannot use that of the remote: the object is read. */
START_TEST(an_md5_that_we_have_not) {
  dl__reader plain;
  ck_assert_int_eq(dl__reader_init(&plain, 4, false, &cancel, &err), DL_OK);
  char key[] = "f";
  dl__file file = {key, {.size_bytes = 7}};
  dl__remote remote = {.key = key, .size_bytes = 7, .digest = dl__digest_pack(OTHER_MD5)};
  support_write(dir, "f", "content");
  box.content = "content";
  dl__row fresh;
  dl__action action = make_action(&file, &remote);
  ck_assert_int_eq(dl__plan_compare(&action, dir_fd, &storage, &plain, &fresh, &err), DL_OK);
  ck_assert_int_eq(box.gets, 1);
  ck_assert_int_eq(action.verdict, DL__UNCHANGED);
  dl__reader_clear(&plain);
}
END_TEST

START_TEST(a_comparison_is_cancelled) {
  char key[] = "f";
  dl__file file = {key, {.size_bytes = 7}};
  dl__remote remote = {.key = key, .size_bytes = 7, .digest = dl__digest_pack(CONTENT_DIGEST)};
  support_write(dir, "f", "content");
  atomic_store(&cancel, true);
  dl__row fresh;
  dl__action action = make_action(&file, &remote);
  ck_assert_int_eq(dl__plan_compare(&action, dir_fd, &storage, &reader, &fresh, &err),
                   DL_ERR_CANCELLED);
  ck_assert_ptr_null(fresh.key);
  ck_assert_int_ne(action.verdict, DL__UNCHANGED);
}
END_TEST

/* What a link points to is not compared: the transfer says what is wrong. */
START_TEST(a_link_is_not_compared) {
  char key[] = "l";
  dl__file file = {key, {.size_bytes = 7}};
  dl__remote remote = {.key = key, .size_bytes = 7, .digest = dl__digest_pack(CONTENT_DIGEST)};
  support_write(dir, "f", "content");
  ck_assert_int_eq(symlinkat("f", dir_fd, "l"), 0);
  dl__row fresh;
  dl__action action = make_action(&file, &remote);
  ck_assert_int_eq(dl__plan_compare(&action, dir_fd, &storage, &reader, &fresh, &err), DL_OK);
  ck_assert_int_eq(action.verdict, DL__MODIFIED);
  ck_assert_ptr_null(fresh.key);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("plan_compare");
  TCase *tcase = tcase_create("plan_compare");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, a_listing_in_any_order);
  tcase_add_test(tcase, an_empty_listing);
  tcase_add_test(tcase, a_listing_that_fails);
  tcase_add_loop_test(tcase, a_listing_without_memory, 1, 10);
  tcase_add_test(tcase, a_listing_with_an_object_twice);
  tcase_add_loop_test(tcase, content_decides, 0, COUNT(comparisons));
  tcase_add_test(tcase, an_md5_that_we_have_not);
  tcase_add_test(tcase, a_comparison_is_cancelled);
  tcase_add_test(tcase, a_link_is_not_compared);
  return support_main(suite);
}
