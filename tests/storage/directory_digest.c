/* The `file` storage keeps digests in an extended attribute, which outlives what
 * other programs do to the file: it counts only while the file is as it was. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "directory_kit.h"

#define ATTRIBUTE "user.devlog"

/* False, with the reason in the output, where the filesystem has no such attributes. */
static bool have_attributes(void) {
  if (setxattr(top, "user.devlog-test", "1", 1, 0) == 0) return true;
  printf("# SKIP digests: no extended attributes in %s: %s\n", top, strerror(errno));
  (void)fflush(stdout);
  return false;
}

static char *put_content(void) {
  bytes content = bytes_text("content");
  source from = {.content = content};
  char digest[DL_DIGEST_SIZE];
  dl_put_request request = put_request("a", &from);
  request.digest = bytes_digest(content, digest);
  request.mtime_ns = 1234567890;
  dl_put_result result = DL_PUT_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_put(&storage, &request, &result, &err), err);
  bytes_clear(&content);
  return support_path(root, "a");
}

static bool has_digest(void) {
  object o = stat_of(&storage, "a");
  listing l = list_of(&storage, "");
  ck_assert_uint_eq(l.count, 1);
  ck_assert_int_eq(o.has_digest, l.objects[0].has_digest);
  bool has = o.has_digest;
  listing_clear(&l);
  object_clear(&o);
  return has;
}

static void set_mtime(const char *path, long nanoseconds) {
  struct timespec times[2] = {{0, UTIME_OMIT}, {1, nanoseconds}};
  ck_assert_int_eq(0, utimensat(AT_FDCWD, path, times, 0));
}

START_TEST(kept) {
  if (!have_attributes()) return;
  char *path = put_content();
  ck_assert(has_digest());
  assert_text(&storage, "a", "content");
  free(path);
}
END_TEST

START_TEST(ignored_if_size_differs) {
  if (!have_attributes()) return;
  char *path = put_content();
  support_append(root, "a", "!");
  set_mtime(path, 234567890);
  ck_assert(!has_digest());
  assert_text(&storage, "a", "content!");
  free(path);
}
END_TEST

START_TEST(ignored_if_time_differs) {
  if (!have_attributes()) return;
  char *path = put_content();
  support_write(root, "a", "CONTENT");
  set_mtime(path, 234567891);
  ck_assert(!has_digest());
  assert_text(&storage, "a", "CONTENT");
  free(path);
}
END_TEST

START_TEST(missing_attribute) {
  if (!have_attributes()) return;
  char *path = put_content();
  ck_assert_int_eq(0, removexattr(path, ATTRIBUTE));
  ck_assert(!has_digest());
  assert_text(&storage, "a", "content");
  free(path);
}
END_TEST

static const char *const garbage[] = {
    "",
    " ",
    "1",
    "1 7",
    "1 7 1234567890",
    "1 7 1234567890 ",
    "2 7 1234567890 sha256:00",
    "1 8 1234567890 sha256:00",
    "1 7 1234567891 sha256:00",
    "1 x 1234567890 sha256:00",
    "garbage",
    "\xff\xfe",
    "1 99999999999999999999999 1234567890 sha256:00",
};

START_TEST(garbage_in_attribute) {
  if (!have_attributes()) return;
  char *path = put_content();
  ck_assert_int_eq(0, setxattr(path, ATTRIBUTE, garbage[_i], strlen(garbage[_i]), 0));
  ck_assert(!has_digest());
  free(path);
}
END_TEST

START_TEST(too_much_in_attribute) {
  if (!have_attributes()) return;
  char *path = put_content();
  char text[1000];
  int used = snprintf(text, sizeof text, "1 7 1234567890 ");
  memset(text + used, 'f', sizeof text - (size_t)used);
  for (size_t size = DL_DIGEST_SIZE + (size_t)used; size <= sizeof text; size += 100) {
    ck_assert_int_eq(0, setxattr(path, ATTRIBUTE, text, size, 0));
    ck_assert(!has_digest());
  }
  free(path);
}
END_TEST

void directory_digest(Suite *suite) {
  TCase *tc = directory_case(suite, "digest");
  tcase_add_test(tc, kept);
  tcase_add_test(tc, ignored_if_size_differs);
  tcase_add_test(tc, ignored_if_time_differs);
  tcase_add_test(tc, missing_attribute);
  tcase_add_loop_test(tc, garbage_in_attribute, 0, COUNT(garbage));
  tcase_add_test(tc, too_much_in_attribute);
}
