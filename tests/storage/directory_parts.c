/* The `file` storage's objects in parts: segments in an extended attribute, which count only
 * while the file is as it was; the temporary file, which stays until the end; and what is
 * taken over from an object that other programs can change. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "directory_kit.h"
#include "kit_parts.h"

#define ATTRIBUTE "user.devlog.segments"

/* Takes the place of the system's in this program, so that the tests can let it refuse. */
static struct {
  int refuse;     /* errno of a filesystem that cannot; 0: it can */
  size_t at_most; /* bytes at once; 0: as many as asked */
  unsigned calls;
} kernel;

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size,
                        unsigned flags) {
  kernel.calls++;
  bool first = kernel.calls == 1;
  if (kernel.refuse != 0 && !(kernel.at_most > 0 && first)) {
    errno = kernel.refuse;
    return -1;
  }
  if (kernel.at_most > 0 && size > kernel.at_most) size = kernel.at_most;
  return syscall(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
}

/* False, with the reason in the output, where the filesystem has no such attributes. */
static bool have_attributes(void) {
  if (setxattr(top, "user.devlog-test", "1", 1, 0) == 0) return true;
  printf("# SKIP segments: no extended attributes in %s: %s\n", top, strerror(errno));
  (void)fflush(stdout);
  return false;
}

static cut sample(uint64_t number) {
  return cut_every(bytes_random(4 * 1000 + 1, number), 1000);
}

static size_t segments_told(void) {
  dl__layout layout = layout_of(&storage, "a");
  size_t count = layout.committed;
  ck_assert_uint_eq(layout.count, count);
  dl__layout_clear(&layout);
  return count;
}

START_TEST(segments_kept) {
  if (!have_attributes()) return;
  cut c = sample(1);
  (void)put_cut(&storage, "a", &c);
  assert_segments(&storage, "a", &c, true);
  cut_clear(&c);
}
END_TEST

static void set_mtime(const char *path, int64_t mtime_ns) {
  struct timespec times[2] = {{0, UTIME_OMIT}, {mtime_ns / 1000000000, mtime_ns % 1000000000}};
  ck_assert_int_eq(0, utimensat(AT_FDCWD, path, times, 0));
}

/* Another program's change: of the size, of the time, of both and back. */
START_TEST(segments_of_changed_file) {
  if (!have_attributes()) return;
  cut c = sample(1);
  (void)put_cut(&storage, "a", &c);
  char *path = support_path(root, "a");
  if (_i == 0) support_append(root, "a", "!");
  if (_i == 1) set_mtime(path, c.mtime_ns + 1);
  if (_i == 2) ck_assert_int_eq(0, truncate(path, 4000));
  if (_i != 1) set_mtime(path, c.mtime_ns);
  ck_assert_uint_eq(segments_told(), 0);
  free(path);
  cut_clear(&c);
}
END_TEST

/* How the attribute was damaged: a byte at a place becomes another, or the end is another. */
static const struct {
  int at;
  unsigned char value;
  int size; /* added to that of the attribute */
} damages[] = {
    {7, 2, 0},     {0, 1, 0},     {15, 0, 0},   {16, 0xff, 0}, {23, 0xff, 0}, {24, 0xff, 0},
    {24, 0x7f, 0}, {32, 0xff, 0}, {39, 0, 0},   {79, 99, 0},   {7, 1, -1},    {7, 1, -40},
    {7, 1, 40},    {7, 1, -200},  {7, 1, -201}, {7, 1, -232},
};

START_TEST(garbage_in_attribute) {
  if (!have_attributes()) return;
  cut c = sample(1);
  (void)put_cut(&storage, "a", &c);
  char *path = support_path(root, "a");
  unsigned char packed[400] = {0};
  ssize_t size = getxattr(path, ATTRIBUTE, packed, sizeof packed);
  ck_assert_int_eq(size, 32 + 5 * 40);
  packed[damages[_i].at] = damages[_i].value;
  size += damages[_i].size;
  ck_assert_int_eq(0, setxattr(path, ATTRIBUTE, packed, (size_t)size, 0));
  ck_assert_uint_eq(segments_told(), 0);
  assert_content(&storage, "a", c.content);
  free(path);
  cut_clear(&c);
}
END_TEST

/* The attribute as it was is the one that counts: the damages above are what made it fail. */
START_TEST(attribute_written_again) {
  if (!have_attributes()) return;
  cut c = sample(1);
  (void)put_cut(&storage, "a", &c);
  char *path = support_path(root, "a");
  unsigned char packed[400] = {0};
  ssize_t size = getxattr(path, ATTRIBUTE, packed, sizeof packed);
  ck_assert_int_eq(0, setxattr(path, ATTRIBUTE, packed, (size_t)size, 0));
  ck_assert_uint_eq(segments_told(), 5);
  free(path);
  cut_clear(&c);
}
END_TEST

/* More segments than any filesystem keeps: the object is there, and its digest; no layout. */
START_TEST(too_many_segments) {
  cut c = cut_every(bytes_random(1700, 1), 1);
  (void)put_cut(&storage, "a", &c);
  assert_content(&storage, "a", c.content);
  ck_assert_uint_eq(segments_told(), 0);
  object o = stat_of(&storage, "a");
  if (have_attributes()) ck_assert(o.has_digest);
  object_clear(&o);
  cut_clear(&c);
}
END_TEST

/* As many as the filesystem of these tests keeps, and one more. */
START_TEST(limit_of_the_filesystem) {
  if (!have_attributes()) return;
  size_t most = 0;
  for (size_t count = 90; count <= 110; count++) {
    cut c = cut_every(bytes_random(count, 1), 1);
    (void)put_cut(&storage, "a", &c);
    size_t told = segments_told();
    ck_assert(told == count || told == 0);
    if (told == count) most = count;
    object o = stat_of(&storage, "a");
    ck_assert(o.has_digest);
    object_clear(&o);
    cut_clear(&c);
  }
  printf("# %zu segments of %d kept\n", most, 110);
  (void)fflush(stdout);
}
END_TEST

/* A commit that failed leaves nothing in the file that the next one would not say. */
START_TEST(attributes_of_the_last_commit) {
  if (!have_attributes()) return;
  cut c = sample(1);
  dl_upload *upload;
  dl_put_result result;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(try_begin(&storage, "a", &c, true, NULL, &upload, &err), err);
  put_parts(&storage, upload, &c, 0, c.count);
  put_text(&storage, "a", "in the way");
  ASSERT_FAILS(try_commit(&storage, upload, &c, &result, &err), DL_ERR_CONFLICT, err);
  put_text(&storage, "b", "the folder is not locked now");
  remove_object(&storage, "a");
  c.digest[0] = '\0';
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  request.segments = c.list;
  request.segment_count = c.count;
  ASSERT_OK(dl__storage_commit(&storage, upload, &request, &result, &err), err);
  dl__storage_upload_end(&storage, upload);
  object o = stat_of(&storage, "a");
  ck_assert(!o.has_digest);
  object_clear(&o);
  assert_segments(&storage, "a", &c, true);
  cut_clear(&c);
}
END_TEST

START_TEST(temporary_stays_until_the_end) {
  cut c = sample(1);
  dl__storage other;
  char *url = malloc(strlen(root) + sizeof "file://");
  ck_assert_ptr_nonnull(url);
  (void)sprintf(url, "file://%s", root);
  other = open_url(url);
  for (int with_commit = 0; with_commit < 2; with_commit++) {
    dl_upload *upload = begin(&storage, "folder/a", &c, NULL);
    put_parts(&storage, upload, &c, 0, 2);
    ck_assert_int_eq(temporaries(), 1);
    assert_keys(&other, "folder/", "");
    put_text(&other, "folder/b", "sweeps what is dead");
    ck_assert_int_eq(temporaries(), 1);
    put_parts(&storage, upload, &c, 2, c.count);
    if (with_commit) {
      (void)commit(&storage, upload, &c);
      assert_content(&storage, "folder/a", c.content);
    } else {
      dl__storage_upload_end(&storage, upload);
    }
    ck_assert_int_eq(temporaries(), 0);
    remove_object(&other, "folder/b");
  }
  dl__storage_close(&other);
  free(url);
  cut_clear(&c);
}
END_TEST

START_TEST(killed_upload_is_swept) {
  cut c = sample(1);
  put_text(&storage, "folder/a", "old");
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    dl_upload *upload = begin(&storage, "folder/a", &c, NULL);
    put_parts(&storage, upload, &c, 0, c.count);
    (void)kill(getpid(), SIGKILL);
  }
  int status;
  ck_assert_int_eq(pid, waitpid(pid, &status, 0));
  ck_assert(WIFSIGNALED(status));
  ck_assert_int_eq(temporaries(), 1);
  assert_text(&storage, "folder/a", "old");
  assert_keys(&storage, "", "folder/a");
  (void)put_cut(&storage, "folder/a", &c);
  ck_assert_int_eq(temporaries(), 0);
  assert_content(&storage, "folder/a", c.content);
  cut_clear(&c);
}
END_TEST

START_TEST(name_refused_as_key) {
  cut c = sample(1);
  dl_upload *upload;
  dl_error err;
  const char *key = "folder/.devlog-0123456789abcdef.tmp";
  ASSERT_FAILS(try_begin(&storage, key, &c, false, NULL, &upload, &err), DL_ERR_ARGUMENT, err);
  ck_assert_int_eq(temporaries(), 0);
  cut_clear(&c);
}
END_TEST

START_TEST(descriptors_given_back) {
  cut c = sample(1);
  dl_put_result result = put_cut(&storage, "folder/a", &c);
  int first = dup(0);
  (void)close(first);
  dl_error err;
  for (int i = 0; i < 3; i++) {
    dl_upload *upload;
    ASSERT_FAILS(try_begin(&storage, "folder/a", &c, false, "x", &upload, &err), DL_ERR_CONFLICT,
                 err);
    upload = begin(&storage, "folder/a", &c, result.etag);
    dl__storage_upload_end(&storage, upload);
    upload = begin(&storage, "folder/a", &c, result.etag);
    put_parts(&storage, upload, &c, 0, c.count);
    result = commit(&storage, upload, &c);
    assert_content(&storage, "folder/a", c.content);
    dl__layout layout = layout_of(&storage, "folder/a");
    dl__layout_clear(&layout);
  }
  int last = dup(0);
  (void)close(last);
  ck_assert_int_eq(first, last);
  cut_clear(&c);
}
END_TEST

/* What the kernel does not copy is read and written; also the rest of what it began. */
static const int refusals[] = {0, EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, EPERM};

START_TEST(reuse_where_the_kernel_refuses) {
  cut old = cut_every(bytes_random(300 * KIB, 1), 100 * KIB);
  cut new = cut_every(bytes_random(300 * KIB, 2), 100 * KIB);
  memcpy(new.content.data, old.content.data, 200 * KIB);
  cut again = cut_every(new.content, 100 * KIB);
  dl_put_result result = put_cut(&storage, "a", &old);
  for (size_t at_most = 0; at_most < 2; at_most++) {
    kernel.refuse = refusals[_i];
    kernel.at_most = at_most * 1001;
    kernel.calls = 0;
    dl_upload *upload = begin(&storage, "a", &again, result.etag);
    keep_part(&storage, upload, &again, 1, 100 * KIB);
    keep_part(&storage, upload, &again, 0, 0);
    ck_assert_uint_ge(kernel.calls, 2);
    put_parts(&storage, upload, &again, 2, 3);
    result = commit(&storage, upload, &again);
    assert_content(&storage, "a", again.content);
  }
  new.content = (bytes){0};
  cut_clear(&old);
  cut_clear(&new);
  cut_clear(&again);
}
END_TEST

/* Another program writes to the object while parts of it are taken over. */
START_TEST(reuse_of_changed_file) {
  cut c = sample(1);
  dl_put_result result = put_cut(&storage, "a", &c);
  dl_upload *upload = begin(&storage, "a", &c, result.etag);
  char *path = support_path(root, "a");
  if (_i % 2 == 0) support_append(root, "a", "!");
  if (_i % 2 == 1) ck_assert_int_eq(0, truncate(path, 500));
  if (_i >= 2) kernel.refuse = EXDEV;
  source from = {0};
  dl_part part = part_of(&c, 0, &from);
  dl_error err;
  ASSERT_FAILS(dl__storage_reuse_part(&storage, upload, &part, &err), DL_ERR_CONFLICT, err);
  dl__storage_upload_end(&storage, upload);
  kernel.refuse = 0;
  ck_assert_int_eq(temporaries(), 0);
  free(path);
  cut_clear(&c);
}
END_TEST

void directory_parts(Suite *suite) {
  TCase *tc = directory_case(suite, "parts");
  tcase_add_test(tc, segments_kept);
  tcase_add_loop_test(tc, segments_of_changed_file, 0, 3);
  tcase_add_loop_test(tc, garbage_in_attribute, 0, COUNT(damages));
  tcase_add_test(tc, attribute_written_again);
  tcase_add_test(tc, too_many_segments);
  tcase_add_test(tc, limit_of_the_filesystem);
  tcase_add_test(tc, attributes_of_the_last_commit);
  tcase_add_test(tc, temporary_stays_until_the_end);
  tcase_add_test(tc, killed_upload_is_swept);
  tcase_add_test(tc, name_refused_as_key);
  tcase_add_test(tc, descriptors_given_back);
  tcase_add_loop_test(tc, reuse_where_the_kernel_refuses, 0, COUNT(refusals));
  tcase_add_loop_test(tc, reuse_of_changed_file, 0, 4);
}
