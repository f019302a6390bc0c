/* A file against the segments of its object: what is kept, what is read, what is cut anew. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc64.h"
#include "push/survey.h"
#include "support/support.h"

#define MIB       ((size_t)1 << 20)
#define FULL      (4 * MIB)
#define SIZE_MAX_ (5 * FULL)
#define BUFFER    ((size_t)64 * 1024)

static char *dir;
static int dir_fd;
static dl_error err;
static atomic_bool cancel;
static dl__reader reader;
static dl__source source;
static dl__survey survey;
static dl__layout layout;
static dl__segments found;
static unsigned char *content; /* of the object, and what the file is made of */
static uint64_t bytes_read;

ssize_t pread(int fd, void *buf, size_t size, off_t offset) {
  ssize_t (*real)(int, void *, size_t, off_t);
  void *symbol = dlsym(RTLD_NEXT, "pread64");
  memcpy(&real, &symbol, sizeof real);
  ssize_t got = real(fd, buf, size, offset);
  if (got > 0) bytes_read += (uint64_t)got;
  return got;
}

static void setup(void) {
  dir = support_tmpdir();
  dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  err = (dl_error)DL_ERROR_INIT;
  content = malloc(SIZE_MAX_);
  ck_assert_ptr_nonnull(content);
  for (size_t i = 0; i < SIZE_MAX_; i++) content[i] = (unsigned char)(i * 7 + i / 251 + i / 65537);
  ck_assert_int_eq(dl__reader_init(&reader, BUFFER, true, &cancel, &err), DL_OK);
  layout = (dl__layout){.etag = "e"};
  found = (dl__segments){0};
}

static void teardown(void) {
  dl__survey_clear(&survey);
  dl__segments_clear(&found);
  free(layout.items);
  dl__source_close(&source);
  dl__reader_clear(&reader);
  free(content);
  (void)close(dir_fd);
  support_rmdir(dir);
}

/* The digest of so many bytes of the object. */
static void digest(size_t offset, size_t size, uint8_t sha256[DL__SHA256_BYTES]) {
  ck_assert_int_eq(dl__hash_begin(&reader.parts, &err), DL_OK);
  ck_assert_int_eq(dl__hash_add(&reader.parts, content + offset, size, &err), DL_OK);
  ck_assert_int_eq(dl__hash_end_raw(&reader.parts, sha256, &err), DL_OK);
}

/* The object has segments of these sizes, ended by 0. */
static void make_object(const size_t *sizes) {
  size_t offset = 0;
  layout.items = calloc(200, sizeof *layout.items);
  for (; sizes[layout.count] != 0; layout.count++) {
    dl_segment *segment = &layout.items[layout.count];
    *segment = (dl_segment)DL_SEGMENT_INIT;
    segment->size_bytes = sizes[layout.count];
    digest(offset, sizes[layout.count], segment->sha256);
    offset += sizes[layout.count];
  }
  layout.committed = layout.count;
  layout.size_bytes = offset;
}

/* The file has the first bytes of content, which may have been changed since. */
static void open_file(size_t size) {
  support_write_bytes(dir, "f", content, size);
  ck_assert_int_eq(dl__source_open(&source, dir_fd, "f", &err), DL_OK);
  ck_assert_int_eq(dl__survey_init(&survey, &source, &reader, true, &err), DL_OK);
  bytes_read = 0;
}

static void match(const dl__row *vouched) {
  dl_status status = dl__survey_match(&survey, &layout, vouched, &found, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
}

static size_t kept(void) {
  size_t count = 0;
  for (size_t i = 0; i < found.count; i++) count += found.items[i].kept ? 1 : 0;
  return count;
}

static const size_t three[] = {FULL, 1000, 500, 0};

START_TEST(an_equal_file) {
  make_object(three);
  open_file(FULL + 1500);
  match(NULL);
  ck_assert_uint_eq(kept(), 3);
  ck_assert(dl__survey_is_equal(&survey, &layout, &found));
  ck_assert_uint_eq(bytes_read, FULL + 1500);
}
END_TEST

START_TEST(a_grown_file) {
  make_object(three);
  open_file(FULL + 1501);
  match(NULL);
  ck_assert_uint_eq(kept(), 3);
  ck_assert_uint_eq(dl__segments_end(&found), FULL + 1500);
  ck_assert(!dl__survey_is_equal(&survey, &layout, &found));
}
END_TEST

/* What will be merged anyway is not read for the comparison. */
START_TEST(small_ones_that_fill_up_are_not_compared) {
  make_object(three);
  open_file(FULL + FULL);
  match(NULL);
  ck_assert_uint_eq(found.count, 1);
  ck_assert_uint_eq(kept(), 1);
  ck_assert_uint_eq(bytes_read, FULL);
}
END_TEST

START_TEST(a_cut_file) {
  make_object(three);
  open_file(FULL + 1200);
  match(NULL);
  ck_assert_uint_eq(kept(), 2);
  ck_assert_uint_eq(dl__segments_end(&found), FULL + 1000);
}
END_TEST

/* A change in a full segment: the cuts stay, so that what is behind it is kept. */
START_TEST(an_edit_in_the_middle) {
  static const size_t sizes[] = {FULL, FULL, 100, 0};
  make_object(sizes);
  content[FULL - 1] ^= 1;
  open_file(2 * FULL + 100);
  match(NULL);
  ck_assert_uint_eq(found.count, 3);
  ck_assert(!found.items[0].kept && found.items[1].kept && found.items[2].kept);
  uint8_t now[DL__SHA256_BYTES];
  digest(0, FULL, now);
  ck_assert_int_eq(memcmp(found.items[0].sha256, now, sizeof now), 0);
  ck_assert_uint_eq(found.items[0].crc64, dl__crc64(0, content, FULL));
  ck_assert(!dl__survey_is_equal(&survey, &layout, &found));
}
END_TEST

/* A change among the small ones: from there on the file is cut anew. */
START_TEST(an_edit_at_the_end) {
  make_object(three);
  content[FULL + 999] ^= 1;
  open_file(FULL + 1500);
  match(NULL);
  ck_assert_uint_eq(found.count, 1);
  ck_assert_uint_eq(dl__segments_end(&found), FULL);
}
END_TEST

START_TEST(another_file_altogether) {
  make_object(three);
  memset(content, 'x', FULL);
  open_file(1000);
  match(NULL);
  ck_assert_uint_eq(found.count, 0);
}
END_TEST

/* The row that a push of the object left. */
static dl__row remember(void) {
  static uint8_t saved[DL__MD5_SAVED_BYTES];
  dl__row row = {.stamp = source.stamp};
  dl__segments all = {0};
  dl__md5 *md5;
  ck_assert_int_eq(dl__md5_new(&md5, &err), DL_OK);
  dl__md5_add(md5, content, (size_t)layout.size_bytes);
  dl__md5_save(md5, saved);
  dl__md5_free(md5);
  for (size_t i = 0; i < layout.committed; i++) {
    dl__segment s = {.offset_bytes = dl__segments_end(&all),
                     .size_bytes = layout.items[i].size_bytes};
    memcpy(s.sha256, layout.items[i].sha256, sizeof s.sha256);
    ck_assert(dl__segments_add(&all, &s));
  }
  char digest[DL__DIGEST_SIZE];
  ck_assert_int_eq(dl__segments_identity(&all, &reader.parts, digest, &err), DL_OK);
  row.digest = dl__digest_pack(digest);
  dl__segments_clear(&all);
  row.stamp.size_bytes = layout.size_bytes;
  row.md5_saved = saved;
  return row;
}

static void check_md5(size_t size) {
  uint8_t ours[DL__MD5_BYTES];
  uint8_t right[DL__MD5_BYTES];
  dl__segment rest = {.offset_bytes = dl__segments_end(&found)};
  rest.size_bytes = size - rest.offset_bytes;
  if (rest.size_bytes > 0) ck_assert_int_eq(dl__survey_read(&survey, &rest, &err), DL_OK);
  dl__md5_get(survey.md5, ours);
  ck_assert_int_eq(dl__hash_begin(&reader.hash, &err), DL_OK);
  ck_assert_int_eq(dl__hash_add(&reader.hash, content, size, &err), DL_OK);
  ck_assert_int_eq(dl__hash_end_md5(&reader.hash, right, &err), DL_OK);
  ck_assert_int_eq(memcmp(ours, right, sizeof right), 0);
}

static const size_t log_sizes[] = {FULL, FULL, FULL, 1000, 500, 0};
enum { LOG = 3 * FULL + 1500, WITNESSES = 2 * FULL + 1500 };

/* A log that is vouched for: the first segment, the last full one and the small ones are
 * read, the others are not. */
START_TEST(a_vouched_prefix_is_not_read) {
  make_object(log_sizes);
  open_file(LOG + 1000);
  dl__row row = remember();
  match(&row);
  ck_assert_uint_eq(kept(), 5);
  ck_assert_uint_eq(bytes_read, WITNESSES);
  check_md5(LOG + 1000);
}
END_TEST

/* The MD5 goes on also where small segments are read again to be merged. */
START_TEST(a_vouched_prefix_with_merged_segments) {
  make_object(log_sizes);
  open_file(4 * FULL);
  dl__row row = remember();
  match(&row);
  ck_assert_uint_eq(found.count, 3);
  ck_assert_uint_eq(bytes_read, WITNESSES);
  check_md5(4 * FULL);
}
END_TEST

enum { OTHER_INODE, OTHER_DIGEST, OTHER_SIZE, NO_MD5, BAD_MD5, OTHER_END, OTHER_START, REASONS };

/* One thing that does not fit, and everything is read and compared. */
START_TEST(what_is_not_vouched_for_is_read) {
  make_object(log_sizes);
  if (_i == OTHER_END) content[3 * FULL + 1100] ^= 1;
  if (_i == OTHER_START) content[0] ^= 1;
  open_file(LOG + 1000);
  dl__row row = remember();
  if (_i == OTHER_INODE) row.stamp.ino++;
  if (_i == OTHER_DIGEST) row.digest.bytes[20] ^= 1;
  if (_i == OTHER_SIZE) row.stamp.size_bytes--;
  if (_i == NO_MD5) row.md5_saved = NULL;
  if (_i == BAD_MD5) row.md5_saved[3] ^= 1;
  match(&row);
  ck_assert_uint_eq(kept(), _i == OTHER_END || _i == OTHER_START ? 4 : 5);
  ck_assert_uint_ge(bytes_read, LOG);
  check_md5(LOG + 1000);
}
END_TEST

/* The same size: whatever was done to it, it was no append. */
START_TEST(a_file_that_did_not_grow_is_read) {
  make_object(log_sizes);
  content[FULL + 7] ^= 1;
  open_file(LOG);
  dl__row row = remember();
  match(&row);
  ck_assert_uint_eq(kept(), 4);
  ck_assert(!found.items[1].kept);
}
END_TEST

/* The MD5 is of the bytes that are sent, so it goes back to where the cut is. */
START_TEST(the_md5_follows_the_cuts) {
  make_object(log_sizes);
  content[3 * FULL + 1100] ^= 1;
  open_file(LOG);
  match(NULL);
  ck_assert_uint_eq(dl__segments_end(&found), 3 * FULL + 1000);
  ck_assert_uint_eq(survey.md5_bytes, 3 * FULL + 1000);
  check_md5(LOG);
}
END_TEST

START_TEST(a_change_is_found_by_reading_again) {
  make_object(log_sizes);
  open_file(LOG);
  match(NULL);
  ck_assert_int_eq(dl__survey_confirm(&survey, &found, &err), DL_OK);
  uint64_t before = survey.md5_bytes;
  content[2 * FULL] ^= 1;
  support_write_bytes(dir, "f", content, LOG);
  ck_assert_int_eq(dl__survey_confirm(&survey, &found, &err), DL_ERR_SOURCE_CHANGED);
  ck_assert_uint_eq(survey.md5_bytes, before);
}
END_TEST

/* Cuts that are not ours: more small segments than there can be. */
START_TEST(too_many_small_segments_are_cut_anew) {
  size_t sizes[102] = {FULL};
  for (size_t i = 1; i < 101; i++) sizes[i] = 10;
  make_object(sizes);
  open_file(FULL + 1000);
  match(NULL);
  ck_assert_uint_eq(found.count, 1);
  check_md5(FULL + 1000);
}
END_TEST

/* A file in place of the log, shorter than it was: nothing is believed. */
START_TEST(a_shorter_file_is_not_vouched_for) {
  make_object(three);
  open_file(FULL + 1000);
  dl__row row = remember();
  match(&row);
  ck_assert_uint_eq(bytes_read, FULL + 1000);
  ck_assert_uint_eq(kept(), 2);
}
END_TEST

START_TEST(a_read_is_cancelled) {
  make_object(three);
  open_file(FULL + 1500);
  atomic_store(&cancel, true);
  ck_assert_int_eq(dl__survey_match(&survey, &layout, NULL, &found, &err), DL_ERR_CANCELLED);
  atomic_store(&cancel, false);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("survey");
  TCase *tcase = tcase_create("survey");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, an_equal_file);
  tcase_add_test(tcase, a_grown_file);
  tcase_add_test(tcase, small_ones_that_fill_up_are_not_compared);
  tcase_add_test(tcase, a_cut_file);
  tcase_add_test(tcase, an_edit_in_the_middle);
  tcase_add_test(tcase, an_edit_at_the_end);
  tcase_add_test(tcase, another_file_altogether);
  tcase_add_test(tcase, a_vouched_prefix_is_not_read);
  tcase_add_test(tcase, a_vouched_prefix_with_merged_segments);
  tcase_add_loop_test(tcase, what_is_not_vouched_for_is_read, 0, REASONS);
  tcase_add_test(tcase, a_file_that_did_not_grow_is_read);
  tcase_add_test(tcase, the_md5_follows_the_cuts);
  tcase_add_test(tcase, a_change_is_found_by_reading_again);
  tcase_add_test(tcase, too_many_small_segments_are_cut_anew);
  tcase_add_test(tcase, a_shorter_file_is_not_vouched_for);
  tcase_add_test(tcase, a_read_is_cancelled);
  return support_main(suite);
}
