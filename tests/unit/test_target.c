/* A local file that is made or replaced: what others see at each step, and what it refuses. */
#include "push/target.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
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
  ck_assert(dl__temp_is(t.temp));
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

/* Who holds the lock, as the journal does, may write until it gives it back: what it wrote is not
 * lost, whether the old file was to be replaced or kept. */
START_TEST(waits_for_a_lock) {
  dl__target_old how = _i == 0 ? DL__OLD_REPLACED : DL__OLD_KEPT;
  support_write(root, "a.md", "old");
  dl__target t = made("a.md");
  int ready[2];
  ck_assert_int_eq(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    const struct timespec while_it_waits = {0, 100000000};
    int fd = openat(dir, "a.md", O_RDWR | O_APPEND);
    struct stat held, named;
    if (fd < 0 || flock(fd, LOCK_EX) != 0 || write(ready[1], "x", 1) != 1) _exit(1);
    (void)nanosleep(&while_it_waits, NULL);
    bool there = fstat(fd, &held) == 0 && fstatat(dir, "a.md", &named, 0) == 0 &&
                 held.st_ino == named.st_ino;
    _exit(there && write(fd, ", more", 6) == 6 ? 0 : 2);
  }
  char byte;
  int status;
  ck_assert_int_eq(read(ready[0], &byte, 1), 1);
  ck_assert_int_eq(publish(&t, how), how == DL__OLD_KEPT ? DL_OK : DL_ERR_SOURCE_CHANGED);
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  assert_text(how == DL__OLD_KEPT ? "a.md.orig" : "a.md", "old, more");
  ck_assert_int_eq(close(ready[0]) + close(ready[1]), 0);
}
END_TEST

START_TEST(gives_up_at_a_lock) {
  support_write(root, "a.md", "old");
  dl__target t = made("a.md");
  int fd = openat(dir, "a.md", O_RDONLY);
  ck_assert_int_eq(flock(fd, LOCK_SH), 0);
  ck_assert_int_eq(publish(&t, DL__OLD_REPLACED), DL_ERR_DOWNLOAD);
  ck_assert_ptr_nonnull(strstr(err.message, "locked"));
  assert_text("a.md", "old");
  ck_assert_int_eq(names(), 1);
  ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* A write of the same size that put back the time of last change shows in the ctime alone. */
START_TEST(a_file_changed_in_secret) {
  struct stat st;
  support_write(root, "a.md", "old");
  support_settle();
  dl__target t = made("a.md");
  ck_assert_int_eq(fstatat(dir, "a.md", &st, 0), 0);
  int fd = openat(dir, "a.md", O_WRONLY);
  ck_assert_int_eq(pwrite(fd, "OLD", 3, 0), 3);
  const struct timespec times[2] = {st.st_atim, st.st_mtim};
  ck_assert_int_eq(futimens(fd, times), 0);
  ck_assert_int_eq(close(fd), 0);
  ck_assert_int_eq(publish(&t, DL__OLD_REPLACED), DL_ERR_SOURCE_CHANGED);
  assert_text("a.md", "OLD");
}
END_TEST

/* Killed between taking the name and giving it back: the old file has this name alone. */
START_TEST(recovers_what_was_being_replaced) {
  char cut[256] = ".devlog-old-0123456789abcdef.";
  memset(cut + strlen(cut), 'x', 255 - strlen(cut));
  support_write(root, "d/a.md", "new");
  support_write(root, "d/a.md.orig", "older");
  support_write(root, "d/.devlog-old-0123456789abcdef.a.md", "mine");
  support_write(root, "d/.devlog-old-0123456789abcdef.gone", "mine too");
  support_write(root, "d/.devlog-old-0123456789abcdef.", "not ours");
  support_write(root, "d/b.md", "still there");
  ck_assert_int_eq(linkat(dir, "d/b.md", dir, "d/.devlog-old-0000000000000000.b.md", 0), 0);
  char *long_name = support_path("d", cut);
  support_write(root, long_name, "long");
  dl__target_sweep(dir, "d/a.md");
  assert_text("d/a.md", "new");
  assert_text("d/a.md.orig", "older");
  assert_text("d/a.md.orig.1", "mine");
  assert_text("d/gone.orig", "mine too");
  ck_assert(!support_exists(root, "d/.devlog-old-0123456789abcdef.a.md"));
  ck_assert(!support_exists(root, "d/.devlog-old-0000000000000000.b.md"));
  ck_assert(!support_exists(root, "d/b.md.orig"));
  ck_assert(support_exists(root, "d/.devlog-old-0123456789abcdef."));
  ck_assert(!support_exists(root, long_name));
  free(long_name);
  char kept[256] = "d/";
  memset(kept + 2, 'x', 226);
  (void)strcpy(kept + 228, ".orig");
  assert_text(kept, "long");
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
  tcase_set_timeout(tcase, 30);
  tcase_add_loop_test(tcase, waits_for_a_lock, 0, 2);
  tcase_add_test(tcase, gives_up_at_a_lock);
  tcase_add_test(tcase, a_file_changed_in_secret);
  tcase_add_test(tcase, recovers_what_was_being_replaced);
  return support_main(suite);
}
