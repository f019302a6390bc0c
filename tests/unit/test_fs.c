/* Files by descriptor: no path leads outside, and reading and writing go on where
 * the kernel stops early. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/temp.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* What the interposed calls below do: these stand before those of libc. */
typedef enum mood { AS_USUAL, SHORT, INTERRUPTED, FAILING, NOTHING } mood;
static mood pread_mood;
static mood write_mood;
static mood fsync_mood;
static int fsyncs;

static void find(void *function, const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  memcpy(function, &found, sizeof found);
}

/* Acts out a mood once; false: do the work with *size bytes. */
static bool act(mood *m, size_t *size, ssize_t *result) {
  mood now = *m;
  if (now == SHORT && *size > 1) *size = 1;
  if (now == NOTHING) *result = 0;
  if (now == INTERRUPTED || now == FAILING) {
    errno = now == INTERRUPTED ? EINTR : EIO;
    *result = -1;
  }
  if (now == INTERRUPTED) *m = SHORT;
  return now == NOTHING || now == INTERRUPTED || now == FAILING;
}

ssize_t pread(int fd, void *buf, size_t size, off_t offset) {
  ssize_t (*real)(int, void *, size_t, off_t);
  ssize_t result;
  if (act(&pread_mood, &size, &result)) return result;
  find(&real, "pread64");
  return real(fd, buf, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
  ssize_t (*real)(int, const void *, size_t);
  ssize_t result;
  if (act(&write_mood, &size, &result)) return result;
  find(&real, "write");
  return real(fd, data, size);
}

int fsync(int fd) {
  fsyncs++;
  if (fsync_mood == FAILING) errno = EIO;
  return fsync_mood == FAILING || fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

static char *dir;
static int dir_fd;

static void setup(void) {
  dir = support_tmpdir();
  dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_ge(dir_fd, 0);
}

static void teardown(void) {
  (void)close(dir_fd);
  support_rmdir(dir);
}

/* Names of 255 and 256 bytes, as long as NAME_MAX and longer. */
static char name_255[NAME_MAX + 1];
static char name_256[NAME_MAX + 2];

/* f  d/f  d/l -> ../f  l -> f  ld -> d  out -> /  p (FIFO)  NAME_255/NAME_255 */
static void make_zoo(void) {
  memset(name_255, 'n', NAME_MAX);
  memset(name_256, 'n', NAME_MAX + 1);
  support_write(dir, "f", "x");
  support_write(dir, "d/f", "x");
  char *path = support_path(name_255, name_255);
  support_write(dir, path, "x");
  free(path);
  ck_assert_int_eq(symlinkat("../f", dir_fd, "d/l"), 0);
  ck_assert_int_eq(symlinkat("f", dir_fd, "l"), 0);
  ck_assert_int_eq(symlinkat("d", dir_fd, "ld"), 0);
  ck_assert_int_eq(symlinkat("/", dir_fd, "out"), 0);
  ck_assert_int_eq(symlinkat("nowhere", dir_fd, "dangling"), 0);
  ck_assert_int_eq(mkfifoat(dir_fd, "p", 0600), 0);
}

/* Paths that must not be opened, and why; ELOOP also stands for ENOTDIR, which
 * Linux gives for a symbolic link that had to be a directory. */
static const struct {
  const char *path;
  int errnum;
} closed[] = {
    {"l", ELOOP},          {"ld", ELOOP},      {"dangling", ELOOP}, {"d/l", ELOOP},
    {"ld/f", ELOOP},       {"out/etc", ELOOP}, {"", EINVAL},        {"/", EINVAL},
    {"/f", EINVAL},        {"//f", EINVAL},    {"d//f", EINVAL},    {"f/", ENOTDIR},
    {"d/", EINVAL},        {".", EINVAL},      {"./f", EINVAL},     {"d/.", EINVAL},
    {"d/./f", EINVAL},     {"..", EINVAL},     {"../x", EINVAL},    {"d/..", EINVAL},
    {"d/../f", EINVAL},    {"ld/../f", ELOOP}, {"missing", ENOENT}, {"d/missing", ENOENT},
    {"missing/f", ENOENT}, {"f/x", ENOTDIR},   {"p/x", ENOTDIR},    {name_256, ENAMETOOLONG},
    {"f/../f", ENOTDIR},   {"d/...", ENOENT},  {"..d", ENOENT},     {" ", ENOENT},
};

START_TEST(open_beneath_never_leads_outside) {
  make_zoo();
  for (int i = 0; i < COUNT(closed); i++) {
    errno = 0;
    int fd = dl__fs_open_beneath(dir_fd, closed[i].path, O_RDONLY);
    int errnum = errno == ENOTDIR && closed[i].errnum == ELOOP ? ELOOP : errno;
    ck_assert_msg(fd < 0, "'%s' was opened", closed[i].path);
    ck_assert_msg(errnum == closed[i].errnum, "'%s': %s", closed[i].path, strerror(errno));
  }
  char *path = support_path("d", name_256);
  ck_assert_int_lt(dl__fs_open_beneath(dir_fd, path, O_RDONLY), 0);
  ck_assert_int_eq(errno, ENAMETOOLONG);
  free(path);
  ck_assert_int_lt(dl__fs_open_beneath(-1, "f", O_RDONLY), 0);
  ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(open_beneath_opens) {
  make_zoo();
  char *path = support_path(name_255, name_255);
  const char *const paths[] = {"f", "d/f", "d", "p", path};
  for (int i = 0; i < COUNT(paths); i++) {
    int fd = dl__fs_open_beneath(dir_fd, paths[i], O_RDONLY); /* p: would block for ever */
    ck_assert_msg(fd >= 0, "%s: %s", paths[i], strerror(errno));
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    struct stat opened;
    struct stat st;
    ck_assert_int_eq(fstat(fd, &opened), 0);
    ck_assert_int_eq(fstatat(dir_fd, paths[i], &st, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert_uint_eq(opened.st_ino, st.st_ino);
    (void)close(fd);
  }
  free(path);
  ck_assert_int_lt(dl__fs_open_beneath(dir_fd, "p", O_WRONLY), 0);
  ck_assert_int_eq(errno, ENXIO);
}
END_TEST

START_TEST(open_leaks_no_descriptor) {
  make_zoo();
  int before = dup(dir_fd);
  (void)close(before);
  const char *name;
  for (int i = 0; i < COUNT(closed); i++) {
    int fd = dl__fs_open_beneath(dir_fd, closed[i].path, O_RDONLY);
    ck_assert_int_lt(fd, 0);
    fd = dl__fs_open_parent(dir_fd, closed[i].path, false, &name);
    if (fd >= 0) (void)close(fd);
  }
  (void)close(dl__fs_open_beneath(dir_fd, "d/f", O_RDONLY));
  int after = dup(dir_fd);
  ck_assert_int_eq(after, before);
  (void)close(after);
}
END_TEST

static void expect_mode(const char *name, mode_t mode) {
  struct stat st;
  ck_assert_int_eq(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
  ck_assert_msg((st.st_mode & 07777) == mode, "%s: mode %o", name, st.st_mode & 07777);
}

START_TEST(open_parent_makes_folders) {
  mode_t before = umask(0);
  ck_assert_int_eq(mkdirat(dir_fd, "there", 0755), 0);
  const char *path = "there/new/newer/file";
  const char *name = NULL;
  int fd = dl__fs_open_parent(dir_fd, path, true, &name);
  ck_assert_msg(fd >= 0, "%s", strerror(errno));
  ck_assert_ptr_eq(name, path + strlen("there/new/newer/"));
  ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  expect_mode("there", 0755);
  expect_mode("there/new", 0700);
  expect_mode("there/new/newer", 0700);
  ck_assert(!support_exists(dir, path));
  ck_assert_int_eq(fsyncs, 2); /* of the two folders that hold new ones */
  struct stat st;
  struct stat opened;
  ck_assert_int_eq(fstatat(dir_fd, "there/new/newer", &st, 0), 0);
  ck_assert_int_eq(fstat(fd, &opened), 0);
  ck_assert_uint_eq(opened.st_ino, st.st_ino);
  (void)close(fd);
  (void)close(dl__fs_open_parent(dir_fd, "one", true, &name));
  ck_assert_str_eq(name, "one");
  ck_assert(!support_exists(dir, "one"));
  (void)umask(before);
}
END_TEST

START_TEST(open_parent_refuses) {
  make_zoo();
  const char *name;
  for (int i = 0; i < 2; i++) {
    ck_assert_int_lt(dl__fs_open_parent(dir_fd, "ld/x/y", i == 1, &name), 0);
    ck_assert(errno == ELOOP || errno == ENOTDIR);
    ck_assert_int_lt(dl__fs_open_parent(dir_fd, "f/x", i == 1, &name), 0);
    ck_assert_int_eq(errno, ENOTDIR);
    ck_assert_int_lt(dl__fs_open_parent(dir_fd, "new/../x", i == 1, &name), 0);
    ck_assert_int_eq(errno, i == 1 ? EINVAL : ENOENT);
  }
  ck_assert(!support_exists(dir, "d/x"));
  fsync_mood = FAILING;
  ck_assert_int_lt(dl__fs_open_parent(dir_fd, "fresh/x", true, &name), 0);
  ck_assert_int_eq(errno, EIO);
}
END_TEST

START_TEST(pread_goes_on) {
  static const mood moods[] = {AS_USUAL, SHORT, INTERRUPTED};
  support_write(dir, "f", "0123456789");
  int fd = openat(dir_fd, "f", O_RDONLY | O_CLOEXEC);
  for (int i = 0; i < COUNT(moods); i++) {
    char got[16] = "################";
    pread_mood = moods[i];
    ck_assert_int_eq(dl__fs_pread(fd, got, 4, 3), 4);
    ck_assert_mem_eq(got, "3456#", 5);
    pread_mood = moods[i];
    ck_assert_int_eq(dl__fs_pread(fd, got, 16, 8), 2);
    ck_assert_mem_eq(got, "8956#", 5);
    pread_mood = moods[i];
    ck_assert_int_eq(dl__fs_pread(fd, got, 16, 10), 0);
    ck_assert_int_eq(dl__fs_pread(fd, got, 0, 0), 0);
  }
  char got[1];
  pread_mood = FAILING;
  ck_assert_int_eq(dl__fs_pread(fd, got, 1, 0), -1);
  ck_assert_int_eq(errno, EIO);
  pread_mood = AS_USUAL;
  static const uint64_t beyond[] = {UINT64_MAX, (uint64_t)INT64_MAX + 1, INT64_MAX};
  for (int i = 0; i < COUNT(beyond); i++) {
    ck_assert_int_eq(dl__fs_pread(fd, got, 1, beyond[i]), -1);
    ck_assert_int_eq(errno, EOVERFLOW);
  }
  (void)close(fd);
  ck_assert_int_eq(dl__fs_pread(-1, got, 1, 0), -1);
  ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(write_takes_all_or_fails) {
  static const mood moods[] = {AS_USUAL, SHORT, INTERRUPTED};
  for (int i = 0; i < COUNT(moods); i++) {
    int fd = openat(dir_fd, "f", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    write_mood = moods[i];
    ck_assert_int_eq(dl__fs_write(fd, "0123456789", 10), 0);
    ck_assert_int_eq(dl__fs_write(fd, "", 0), 0);
    (void)close(fd);
    write_mood = AS_USUAL;
    char *text = support_read(dir, "f", NULL);
    ck_assert_str_eq(text, "0123456789");
    free(text);
  }
  static const mood failures[] = {FAILING, NOTHING};
  for (int i = 0; i < COUNT(failures); i++) {
    write_mood = failures[i];
    int failed = dl__fs_write(dir_fd, "x", 1);
    int errnum = errno;
    write_mood = AS_USUAL;
    ck_assert_int_eq(failed, -1);
    ck_assert_int_eq(errnum, EIO);
  }
}
END_TEST

static int make_dirs(const char *name) {
  char *path = support_path(dir, name);
  int made = dl__fs_make_dirs(path);
  int errnum = errno;
  free(path);
  errno = errnum;
  return made;
}

START_TEST(make_dirs_makes_what_is_missing) {
  mode_t before = umask(0);
  ck_assert_int_eq(mkdirat(dir_fd, "there", 0755), 0);
  ck_assert_int_eq(make_dirs("there/a/b"), 0);
  expect_mode("there", 0755);
  expect_mode("there/a", 0700);
  expect_mode("there/a/b", 0700);
  ck_assert_int_eq(make_dirs("there/a/b"), 0);
  ck_assert_int_eq(make_dirs("there/a/b/"), 0);
  ck_assert_int_eq(make_dirs("c//d/"), 0);
  expect_mode("c/d", 0700);
  ck_assert_int_eq(dl__fs_make_dirs("/"), 0);
  ck_assert_int_eq(fchdir(dir_fd), 0);
  ck_assert_int_eq(dl__fs_make_dirs("relative/too"), 0);
  expect_mode("relative/too", 0700);
  ck_assert_int_eq(dl__fs_make_dirs("x"), 0);
  expect_mode("x", 0700);
  (void)umask(before);
}
END_TEST

START_TEST(make_dirs_fails_at_a_file) {
  support_write(dir, "f", "x");
  ck_assert_int_eq(make_dirs("f/a"), -1);
  ck_assert_int_eq(errno, ENOTDIR);
  ck_assert_int_eq(make_dirs("f/a/b"), -1);
  ck_assert_int_eq(errno, ENOTDIR);
}
END_TEST

/* fs.h says mkdir -p, which fails here. */
START_TEST(make_dirs_fails_if_the_last_part_is_a_file) {
  support_write(dir, "f", "x");
  ck_assert_int_eq(make_dirs("f"), -1);
  ck_assert_int_eq(symlinkat("nowhere", dir_fd, "dangling"), 0);
  ck_assert_int_eq(make_dirs("dangling"), -1);
}
END_TEST

/* Only the whole form is a temporary file: others may be somebody's. */
START_TEST(temporary_names) {
  char name[DL__TEMP_SIZE];
  int fd = dl__temp_open(dir_fd, name);
  ck_assert_int_ge(fd, 0);
  ck_assert(dl__temp_is(name));
  ck_assert_int_eq(faccessat(dir_fd, name, F_OK, 0), 0);
  ck_assert_int_eq(unlinkat(dir_fd, name, 0), 0);
  ck_assert_int_eq(close(fd), 0);
  static const char *const others[] = {
      "",
      ".devlog-",
      ".devlog-.tmp",
      ".devlog-0123456789abcde.tmp",
      ".devlog-0123456789abcdef0.tmp",
      ".devlog-0123456789ABCDEF.tmp",
      ".devlog-0123456789abcdef.tmp.orig",
      "x.devlog-0123456789abcdef.tmp",
  };
  for (int i = 0; i < COUNT(others); i++) ck_assert_msg(!dl__temp_is(others[i]), "%s", others[i]);
}
END_TEST

START_TEST(temporary_file_needs_a_folder) {
  char name[DL__TEMP_SIZE] = "x";
  ck_assert_int_eq(dl__temp_open(-1, name), -1);
  ck_assert_int_eq(errno, EBADF);
  ck_assert_str_eq(name, "");
}
END_TEST

START_TEST(last_parts) {
  ck_assert_str_eq(dl__fs_last_part("a/b/c.md"), "c.md");
  ck_assert_str_eq(dl__fs_last_part("c.md"), "c.md");
  ck_assert_str_eq(dl__fs_last_part("a/"), "");
}
END_TEST

START_TEST(make_dirs_of_nothing_fails) {
  ck_assert_int_eq(dl__fs_make_dirs(""), -1);
  ck_assert_int_eq(errno, ENOENT);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("fs");
  TCase *tcase = tcase_create("fs");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, open_beneath_never_leads_outside);
  tcase_add_test(tcase, open_beneath_opens);
  tcase_add_test(tcase, open_leaks_no_descriptor);
  tcase_add_test(tcase, open_parent_makes_folders);
  tcase_add_test(tcase, open_parent_refuses);
  tcase_add_test(tcase, pread_goes_on);
  tcase_add_test(tcase, write_takes_all_or_fails);
  tcase_add_test(tcase, make_dirs_makes_what_is_missing);
  tcase_add_test(tcase, make_dirs_fails_at_a_file);
  tcase_add_test(tcase, make_dirs_fails_if_the_last_part_is_a_file);
  tcase_add_test(tcase, make_dirs_of_nothing_fails);
  tcase_add_test(tcase, temporary_names);
  tcase_add_test(tcase, temporary_file_needs_a_folder);
  tcase_add_test(tcase, last_parts);
  return support_main(suite);
}
