/* A local file that is made or replaced: what others see at each step, and what it refuses. */
#include "push/target.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/support.h"

static char *root;
static int dir;
static dl_error err;

static void setup(void) {
  root = support_tmpdir();
  dir = open(root, O_RDONLY | O_DIRECTORY);
  ck_assert_int_ge(dir, 0);
}

static void teardown(void) {
  (void)close(dir);
  support_rmdir(root);
}

static void assert_text(const char *name, const char *text) {
  char *content = support_read(root, name, NULL);
  ck_assert_str_eq(content, text);
  free(content);
}

/* Names in the folder, "." and ".." not counted. */
static int names(void) {
  DIR *d = opendir(root);
  ck_assert_ptr_nonnull(d);
  int count = -2;
  while (readdir(d) != NULL) count++;
  (void)closedir(d);
  return count;
}

/* Ready to be published, with the content "new". */
static dl__target made(const char *key) {
  dl__target t;
  ck_assert_int_eq(dl__target_find(&t, dir, key, true, &err), DL_OK);
  ck_assert_int_eq(dl__target_make(&t, &err), DL_OK);
  ck_assert(dl__target_is_temp(t.temp));
  ck_assert_int_eq(write(t.fd, "new", 3), 3);
  return t;
}

static dl_status publish(dl__target *t, dl__target_old old) {
  dl__stamp stamp;
  dl_status status = dl__target_publish(t, old, 5000000007, &stamp, &err);
  if (status == DL_OK) {
    ck_assert_int_eq(stamp.mtime_ns, 5000000007);
    ck_assert_uint_eq(stamp.size_bytes, 3);
  }
  dl__target_clear(t);
  return status;
}

START_TEST(makes_a_file) {
  dl__target t = made("a/b/c.md");
  ck_assert(!support_exists(root, "a/b/c.md"));
  ck_assert_int_eq(publish(&t, DL__OLD_REPLACED), DL_OK);
  assert_text("a/b/c.md", "new");
  ck_assert_int_eq(names(), 1);
}
END_TEST

START_TEST(leaves_nothing_if_not_published) {
  dl__target t = made("a.md");
  ck_assert_int_eq(names(), 1);
  dl__target_clear(&t);
  ck_assert_int_eq(names(), 0);
}
END_TEST

START_TEST(replaces_a_file) {
  support_write(root, "a.md", "old");
  dl__target t = made("a.md");
  assert_text("a.md", "old");
  ck_assert_int_eq(publish(&t, DL__OLD_REPLACED), DL_OK);
  assert_text("a.md", "new");
  ck_assert_int_eq(names(), 1);
}
END_TEST

START_TEST(a_name_taken_meanwhile) {
  dl__target t = made("a.md");
  support_write(root, "a.md", "mine");
  ck_assert_int_eq(publish(&t, DL__OLD_REPLACED), DL_ERR_SOURCE_CHANGED);
  assert_text("a.md", "mine");
  ck_assert_int_eq(names(), 1);
}
END_TEST

START_TEST(a_file_changed_meanwhile) {
  support_write(root, "a.md", "old");
  dl__target t = made("a.md");
  support_append(root, "a.md", ", and more");
  ck_assert_int_eq(publish(&t, DL__OLD_REPLACED), DL_ERR_SOURCE_CHANGED);
  assert_text("a.md", "old, and more");
  ck_assert_int_eq(names(), 1);
}
END_TEST

START_TEST(a_file_deleted_meanwhile) {
  support_write(root, "a.md", "old");
  dl__target t = made("a.md");
  ck_assert_int_eq(unlinkat(dir, "a.md", 0), 0);
  ck_assert_int_eq(publish(&t, DL__OLD_REPLACED), DL_ERR_SOURCE_CHANGED);
  ck_assert_int_eq(names(), 0);
}
END_TEST

START_TEST(keeps_the_old_beside) {
  support_write(root, "a.md", "old");
  support_write(root, "a.md.orig", "older");
  ck_assert_int_eq(symlinkat("nowhere", dir, "a.md.orig.1"), 0);
  dl__target t = made("a.md");
  ck_assert_int_eq(publish(&t, DL__OLD_KEPT), DL_OK);
  ck_assert_str_eq(t.kept_as, "a.md.orig.2");
  assert_text("a.md", "new");
  assert_text("a.md.orig", "older");
  assert_text("a.md.orig.2", "old");
  ck_assert_int_eq(names(), 4);
}
END_TEST

START_TEST(a_name_too_long_to_be_kept) {
  char name[256];
  memset(name, 'x', 255);
  name[255] = '\0';
  support_write(root, name, "old");
  dl__target t = made(name);
  ck_assert_int_eq(publish(&t, DL__OLD_KEPT), DL_ERR_DOWNLOAD);
  assert_text(name, "old");
  ck_assert_int_eq(names(), 1);
}
END_TEST

START_TEST(refuses_what_is_no_file) {
  support_write(root, "outside/x", "");
  support_write(root, "file", "");
  ck_assert_int_eq(symlinkat("outside", dir, "link"), 0);
  static const char *const keys[] = {"link/a", "link", "outside", "file/a", "file/a/b"};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    for (int create = 0; create < 2; create++) {
      dl__target t;
      dl_status status = dl__target_find(&t, dir, keys[i], create != 0, &err);
      ck_assert_msg(status == DL_ERR_DOWNLOAD, "%s", keys[i]);
      dl__target_clear(&t);
    }
  }
  dl__target t;
  ck_assert_int_eq(dl__target_find(&t, dir, "none/a", false, &err), DL_OK);
  ck_assert(!t.there);
  dl__target_clear(&t);
  ck_assert(!support_exists(root, "none"));
}
END_TEST

START_TEST(sweeps_what_the_dead_left) {
  dl__target alive = made("d/a.md");
  support_write(root, "d/.devlog-0123456789abcdef.tmp", "dead");
  support_write(root, "d/.devlog-0123456789abcdeg.tmp", "not ours");
  ck_assert_int_eq(symlinkat("../mine", dir, "d/.devlog-0000000000000000.tmp"), 0);
  support_write(root, "mine", "mine");
  dl__target_sweep(dir, "d/a.md");
  ck_assert(!support_exists(root, "d/.devlog-0123456789abcdef.tmp"));
  ck_assert(support_exists(root, "d/.devlog-0123456789abcdeg.tmp"));
  assert_text("mine", "mine");
  ck_assert_int_eq(publish(&alive, DL__OLD_REPLACED), DL_OK);
  assert_text("d/a.md", "new");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("target");
  TCase *tcase = tcase_create("target");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, makes_a_file);
  tcase_add_test(tcase, leaves_nothing_if_not_published);
  tcase_add_test(tcase, replaces_a_file);
  tcase_add_test(tcase, a_name_taken_meanwhile);
  tcase_add_test(tcase, a_file_changed_meanwhile);
  tcase_add_test(tcase, a_file_deleted_meanwhile);
  tcase_add_test(tcase, keeps_the_old_beside);
  tcase_add_test(tcase, a_name_too_long_to_be_kept);
  tcase_add_test(tcase, refuses_what_is_no_file);
  tcase_add_test(tcase, sweeps_what_the_dead_left);
  return support_main(suite);
}
