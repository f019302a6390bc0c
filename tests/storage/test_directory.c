/* tests/storage/test_directory.c: what only the `file` storage has: a folder
 * that other programs use, too. Here: the folder itself and its permissions. */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "directory_kit.h"

char *top;
char *root;
dl__storage storage;

static dl__storage open_folder(const char *path) {
  char *url = dl__format("file://%s", path);
  ck_assert_ptr_nonnull(url);
  dl__storage opened = open_url(url);
  free(url);
  return opened;
}

static void setup(void) {
  top = support_tmpdir();
  root = support_path(top, "remote");
  storage = open_folder(root);
}

static void teardown(void) {
  dl__storage_close(&storage);
  free(root);
  support_rmdir(top);
}

TCase *directory_case(Suite *suite, const char *name) {
  TCase *tc = tcase_create(name);
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_set_timeout(tc, 60);
  suite_add_tcase(suite, tc);
  return tc;
}

static int temps;

static int count_temp(const char *path, const struct stat *st, int type, struct FTW *walk) {
  (void)st;
  (void)type;
  const char *name = path + walk->base;
  size_t length = strlen(name);
  if (strncmp(name, ".devlog-", 8) == 0 && length > 4 && strcmp(name + length - 4, ".tmp") == 0) {
    temps++;
  }
  return 0;
}

int temporaries(void) {
  temps = 0;
  (void)nftw(root, count_temp, 16, FTW_PHYS);
  return temps;
}

/* A put of "content" that fails with this status; the message is in err. */
static void assert_put_fails(const dl__storage *on, const char *key, dl_status expected,
                             dl_error *err) {
  bytes content = bytes_text("content");
  source from = {.content = content};
  dl_put_request request = put_request(key, &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  ASSERT_FAILS(try_put(on, &request, &result, err), expected, *err);
  bytes_clear(&content);
}

START_TEST(made_by_first_put) {
  assert_keys(&storage, "", "");
  assert_absent(&storage, "a");
  ck_assert(!support_exists(top, "remote"));
  put_text(&storage, "a", "content");
  ck_assert(support_exists(top, "remote"));
  assert_text(&storage, "a", "content");
}
END_TEST

START_TEST(parent_not_made) {
  char *deep = support_path(top, "not-mounted/remote");
  char *parent = support_path(top, "not-mounted");
  dl__storage other = open_folder(deep);
  dl_error err;
  assert_put_fails(&other, "a", DL_ERR_CONFIG, &err);
  ck_assert_msg(strstr(err.message, parent) != NULL, "%s", err.message);
  listing l = {0};
  ASSERT_FAILS(dl__storage_list(&other, "", listing_add, &l, &err), DL_ERR_CONFIG, err);
  ck_assert_msg(strstr(err.message, parent) != NULL, "%s", err.message);
  ck_assert(!support_exists(top, "not-mounted"));
  dl__storage_close(&other);
  free(parent);
  free(deep);
}
END_TEST

START_TEST(removed_meanwhile) {
  put_text(&storage, "a", "1");
  char *key = support_path(root, "a");
  ck_assert_int_eq(0, unlink(key));
  ck_assert_int_eq(0, rmdir(root));
  free(key);
  assert_keys(&storage, "", "");
  put_text(&storage, "a", "2");
  assert_text(&storage, "a", "2");
}
END_TEST

START_TEST(file_in_its_place) {
  support_write(top, "remote", "a file");
  dl_error err = DL_ERROR_INIT;
  listing l = {0};
  dl_status status = dl__storage_list(&storage, "", listing_add, &l, &err);
  ck_assert_int_ne(status, DL_OK);
  ck_assert_msg(strstr(err.message, root) != NULL, "%s", err.message);
  assert_put_fails(&storage, "a", DL_ERR_STORAGE, &err);
  char *text = support_read(top, "remote", NULL);
  ck_assert_str_eq(text, "a file");
  free(text);
}
END_TEST

START_TEST(escaped_url) {
  char *url = dl__format("file://%s/a%%20b%%25%%23", top);
  ck_assert_ptr_nonnull(url);
  dl__storage other = open_url(url);
  put_text(&other, "c", "content");
  ck_assert(support_exists(top, "a b%#/c"));
  dl__storage_close(&other);
  free(url);
}
END_TEST

/* What it stores, any other program can read, and the reverse. */
START_TEST(plain_files) {
  put_text(&storage, "a/b", "ours");
  char *text = support_read(root, "a/b", NULL);
  ck_assert_str_eq(text, "ours");
  free(text);
  support_write(root, "c/d", "theirs");
  assert_text(&storage, "c/d", "theirs");
  object o = stat_of(&storage, "c/d");
  ck_assert(!o.has_digest);
  object_clear(&o);
  assert_keys(&storage, "", "a/b\nc/d");
}
END_TEST

static void assert_mode(const char *name, mode_t mode) {
  char *path = support_path(top, name);
  struct stat st;
  ck_assert_int_eq(0, lstat(path, &st));
  ck_assert_msg((st.st_mode & 07777) == mode, "%s: %o", name, (unsigned)(st.st_mode & 07777));
  free(path);
}

START_TEST(for_the_owner_only) {
  mode_t before = umask(0);
  put_text(&storage, "a/b/c", "1");
  put_text(&storage, "d", "2");
  (void)umask(before);
  assert_mode("remote", 0700);
  assert_mode("remote/a", 0700);
  assert_mode("remote/a/b", 0700);
  assert_mode("remote/a/b/c", 0600);
  assert_mode("remote/d", 0600);
}
END_TEST

/* A folder that was shared on purpose stays so. */
START_TEST(modes_of_others_stay) {
  ck_assert_int_eq(0, mkdir(root, 0755));
  ck_assert_int_eq(0, chmod(root, 0755));
  put_text(&storage, "a", "1");
  assert_mode("remote", 0755);
}
END_TEST

static void change_mode(const char *name, mode_t mode) {
  char *path = support_path(root, name);
  ck_assert_int_eq(0, chmod(path, mode));
  free(path);
}

START_TEST(unreadable_folder) {
  put_text(&storage, "a", "1");
  put_text(&storage, "locked/inside/b", "2");
  put_text(&storage, "z/c", "3");
  change_mode("locked/inside", 0);
  support_drop_root_powers();
  dl_error err = DL_ERROR_INIT;
  listing l = {0};
  dl_status status = dl__storage_list(&storage, "", listing_add, &l, &err);
  ck_assert_msg(status == DL_ERR_STORAGE || status == DL_ERR_AUTH, "%s", dl_status_name(status));
  ck_assert_msg(strstr(err.message, "locked/inside") != NULL, "%s", err.message);
  ck_assert_str_eq(err.path, "locked/inside");
  listing_clear(&l);
  assert_keys(&storage, "z/", "z/c"); /* did not have to look in there */
  change_mode("locked/inside", 0700);
}
END_TEST

START_TEST(unreadable_root) {
  put_text(&storage, "a", "1");
  change_mode("", 0);
  support_drop_root_powers();
  dl_error err = DL_ERROR_INIT;
  listing l = {0};
  dl_status status = dl__storage_list(&storage, "", listing_add, &l, &err);
  ck_assert_msg(status == DL_ERR_STORAGE || status == DL_ERR_AUTH, "%s", dl_status_name(status));
  ck_assert_msg(strstr(err.message, root) != NULL, "%s", err.message);
  ck_assert_uint_eq(l.count, 0);
  change_mode("", 0700);
}
END_TEST

START_TEST(unreadable_file) {
  bytes content = bytes_text("content");
  (void)put_with_digest(&storage, "a", content);
  change_mode("a", 0);
  support_drop_root_powers();
  assert_keys(&storage, "", "a");
  dl_error err;
  bytes is = {0};
  ASSERT_FAILS(try_get(&storage, "a", &is, &err), DL_ERR_AUTH, err);
  bytes_clear(&content);
}
END_TEST

START_TEST(unwritable_folder) {
  put_text(&storage, "a/b", "old");
  change_mode("a", 0500);
  support_drop_root_powers();
  dl_error err;
  assert_put_fails(&storage, "a/b", DL_ERR_AUTH, &err);
  ck_assert_str_eq(err.path, "a/b");
  assert_put_fails(&storage, "a/c", DL_ERR_AUTH, &err);
  ASSERT_FAILS(dl__storage_remove(&storage, "a/b", &err), DL_ERR_AUTH, err);
  assert_text(&storage, "a/b", "old");
  assert_keys(&storage, "", "a/b");
  change_mode("a", 0700);
}
END_TEST

START_TEST(lost_and_found) {
  put_text(&storage, "a", "1");
  char *path = support_path(root, "lost+found");
  ck_assert_int_eq(0, mkdir(path, 0));
  free(path);
  support_drop_root_powers();
  assert_keys(&storage, "", "a");
}
END_TEST

/* What can be put can be listed: such a key is either refused or seen. */
START_TEST(lost_and_found_as_key) {
  bytes content = bytes_text("content");
  source from = {.content = content};
  dl_put_request request = put_request("lost+found/a", &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  dl_status status = try_put(&storage, &request, &result, &err);
  assert_keys(&storage, "", status == DL_OK ? "lost+found/a" : "");
  put_text(&storage, "b/lost+found/a", "elsewhere it is a name as any other");
  assert_keys(&storage, "b/", "b/lost+found/a");
  bytes_clear(&content);
}
END_TEST

static void directory_folder(Suite *suite) {
  TCase *tc = directory_case(suite, "folder");
  tcase_add_test(tc, made_by_first_put);
  tcase_add_test(tc, parent_not_made);
  tcase_add_test(tc, removed_meanwhile);
  tcase_add_test(tc, file_in_its_place);
  tcase_add_test(tc, escaped_url);
  tcase_add_test(tc, plain_files);
  tcase_add_test(tc, for_the_owner_only);
  tcase_add_test(tc, modes_of_others_stay);
  tcase_add_test(tc, unreadable_folder);
  tcase_add_test(tc, unreadable_root);
  tcase_add_test(tc, unreadable_file);
  tcase_add_test(tc, unwritable_folder);
  tcase_add_test(tc, lost_and_found);
  tcase_add_test(tc, lost_and_found_as_key);
}

int main(void) {
  Suite *suite = suite_create("directory");
  directory_folder(suite);
  directory_links(suite);
  directory_digest(suite);
  directory_parts(suite);
  directory_temp(suite);
  directory_kill(suite);
  return kit_main(suite);
}
