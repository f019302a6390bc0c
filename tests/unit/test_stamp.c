/* Stamps: what tells two versions of a file apart, and when that may be trusted. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

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

#define MS        INT64_C(1000000)
#define NOW       (INT64_C(1700000000) * 1000000000) /* a whole second */
#define LONG_AGO  (NOW - 3600 * 1000 * MS + 1)
#define WHOLE(ns) ((ns) / 1000000000 * 1000000000)

START_TEST(stamps_that_settled) {
  static const struct {
    const char *what;
    int64_t mtime_ns;
    int64_t ctime_ns;
    bool settled;
  } cases[] = {
      {"both long ago", LONG_AGO, LONG_AGO, true},
      {"both now", NOW, NOW, false},
      {"fine, a granularity ago", LONG_AGO, NOW - 20 * MS, false},
      {"fine, more than that", LONG_AGO, NOW - 20 * MS - 1, true},
      {"fine, mtime a granularity ago", NOW - 20 * MS, LONG_AGO, false},
      {"fine, mtime more than that", NOW - 20 * MS - 1, LONG_AGO, true},
      {"coarse, the second before", LONG_AGO, NOW - 1000 * MS, false},
      {"coarse, two seconds ago", LONG_AGO, NOW - 2000 * MS, false},
      {"coarse, three seconds ago", LONG_AGO, NOW - 3000 * MS, true},
      {"coarse both, two seconds ago", NOW - 2000 * MS, NOW - 2000 * MS, false},
      {"coarse both, three seconds ago", NOW - 3000 * MS, NOW - 3000 * MS, true},
      {"coarse ctime, mtime a second ago", NOW - 1500 * MS, WHOLE(LONG_AGO), false},
      {"ctime in the future", LONG_AGO, NOW + 1, false},
      {"ctime far in the future", LONG_AGO, NOW + 86400000 * MS + 1, false},
      {"coarse ctime in the future", LONG_AGO, NOW + 1000 * MS, false},
      {"both in the future", NOW + 86400000 * MS, NOW + 86400000 * MS, false},
      {"mtime about now", NOW + 20 * MS, LONG_AGO, false},
      {"mtime set into the future", NOW + 86400000 * MS + 1, LONG_AGO, true},
      {"mtime set to 2106", INT64_C(4291747200000000000), LONG_AGO, true},
      {"mtime set to the last moment", INT64_MAX, LONG_AGO, true},
      {"mtime set to 1970", 0, LONG_AGO, true},
      {"mtime set to 1901", INT64_C(-2177452800000000000), LONG_AGO, true},
      {"mtime set to the first moment", INT64_MIN, LONG_AGO, true},
      {"ctime of 1970", 0, 0, true},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    dl__stamp stamp = {.mtime_ns = cases[i].mtime_ns, .ctime_ns = cases[i].ctime_ns};
    ck_assert_msg(dl__stamp_settled(&stamp, NOW) == cases[i].settled, "%s", cases[i].what);
  }
}
END_TEST

START_TEST(stamps_that_are_the_same) {
  static const dl__stamp a = {1, 2, 3, 4, 5};
  static const struct {
    dl__stamp b;
    bool same;
  } cases[] = {
      {{1, 2, 3, 4, 5}, true},  {{9, 2, 3, 4, 5}, true},  {{1, 9, 3, 4, 5}, false},
      {{1, 2, 9, 4, 5}, false}, {{1, 2, 3, 9, 5}, false}, {{1, 2, 3, 4, 9}, false},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    ck_assert_int_eq(dl__stamp_same(&a, &cases[i].b), cases[i].same);
    ck_assert_int_eq(dl__stamp_same(&cases[i].b, &a), cases[i].same);
  }
}
END_TEST

static void stamp_of(const char *name, dl__stamp *stamp) {
  struct stat st;
  ck_assert_int_eq(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
  dl__stamp_from(stamp, &st);
}

START_TEST(stamp_of_a_file) {
  support_write(dir, "f", "12345");
  struct timespec times[2] = {{0, UTIME_OMIT}, {-3, 250000000}};
  ck_assert_int_eq(utimensat(dir_fd, "f", times, 0), 0);
  struct stat st;
  ck_assert_int_eq(fstatat(dir_fd, "f", &st, 0), 0);
  dl__stamp stamp;
  dl__stamp_from(&stamp, &st);
  ck_assert_uint_eq(stamp.dev, st.st_dev);
  ck_assert_uint_eq(stamp.ino, st.st_ino);
  ck_assert_uint_eq(stamp.size_bytes, 5);
  ck_assert_int_eq(stamp.mtime_ns, -2750000000);
  ck_assert_int_eq(stamp.ctime_ns, st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec);
}
END_TEST

/* The promise itself, on the filesystem of the tests: once a stamp has settled,
 * a write of the same size shows, whenever it comes. */
START_TEST(a_write_after_a_settled_stamp_shows) {
  support_write(dir, "f", "0");
  int fd = openat(dir_fd, "f", O_WRONLY | O_CLOEXEC);
  for (int i = 0; i < 10; i++) {
    ck_assert_int_eq(pwrite(fd, "1", 1, 0), 1);
    dl__stamp before;
    int64_t now;
    int64_t start = dl__clock_wall_ns();
    do {
      now = dl__clock_wall_ns();
      ck_assert_int_lt(now - start, 10000 * MS);
      stamp_of("f", &before);
    } while (!dl__stamp_settled(&before, now));
    ck_assert_int_eq(pwrite(fd, "2", 1, 0), 1);
    dl__stamp after;
    stamp_of("f", &after);
    ck_assert(!dl__stamp_same(&before, &after));
  }
  (void)close(fd);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("stamp");
  TCase *tcase = tcase_create("stamp");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, stamps_that_settled);
  tcase_add_test(tcase, stamps_that_are_the_same);
  tcase_add_test(tcase, stamp_of_a_file);
  tcase_add_test(tcase, a_write_after_a_settled_stamp_shows);
  return support_main(suite);
}
