/* Filling a dl_error: never beyond what its owner has room for. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define MESSAGE_SIZE sizeof(((dl_error *)0)->message)
#define PATH_SIZE    sizeof(((dl_error *)0)->path)

/* A text of so many bytes, without "..." in it. */
static char *long_text(size_t length) {
  char *text = malloc(length + 1);
  ck_assert_ptr_nonnull(text);
  for (size_t i = 0; i < length; i++) text[i] = (char)('a' + i % 26);
  text[length] = '\0';
  return text;
}

/* An error in the middle of canaries, as a host of another version has it. */
typedef struct guarded {
  unsigned char before[16];
  dl_error err;
  unsigned char behind[64];
} guarded;

static void guarded_init(guarded *g, size_t struct_size) {
  memset(g, 0xEE, sizeof *g);
  g->err.struct_size = (uint32_t)struct_size;
}

/* The bytes from struct_size on are as guarded_init left them. */
static void expect_untouched(const guarded *g, size_t struct_size) {
  const unsigned char *bytes = (const unsigned char *)g;
  size_t end = offsetof(guarded, err) + struct_size;
  for (size_t i = 0; i < sizeof g->before; i++) ck_assert_uint_eq(bytes[i], 0xEE);
  for (size_t i = end; i < sizeof *g; i++) {
    ck_assert_msg(bytes[i] == 0xEE, "struct_size %zu: byte %zu was written", struct_size, i);
  }
  ck_assert_uint_eq(g->err.struct_size, struct_size);
}

static const size_t error_sizes[] = {
    sizeof(uint32_t),
    offsetof(dl_error, errno_value),
    offsetof(dl_error, http_status),
    offsetof(dl_error, provider_code),
    offsetof(dl_error, request_id),
    offsetof(dl_error, path),
    offsetof(dl_error, message),
    sizeof(dl_error),
    sizeof(dl_error) + 1,
    sizeof(dl_error) + 64,
};

START_TEST(error_keeps_inside_struct_size) {
  size_t size = error_sizes[_i];
  guarded g;
  guarded_init(&g, size);
  ck_assert_int_eq(dl__fail_errno(&g.err, DL_ERR_SCAN, EIO, "p", "cannot %s", "read"), DL_ERR_SCAN);
  expect_untouched(&g, size);
  if (size >= offsetof(dl_error, errno_value)) ck_assert_int_eq(g.err.status, DL_ERR_SCAN);
  if (size >= offsetof(dl_error, http_status)) ck_assert_int_eq(g.err.errno_value, EIO);
  if (size >= offsetof(dl_error, message)) ck_assert_str_eq(g.err.path, "p");
  if (size >= sizeof(dl_error)) ck_assert_ptr_nonnull(strstr(g.err.message, "cannot read: "));

  guarded_init(&g, size);
  dl_error_set(&g.err, DL_ERR_AUTH, "p", "m");
  expect_untouched(&g, size);
  guarded_init(&g, size);
  dl__fail_no_memory(&g.err);
  expect_untouched(&g, size);
  guarded_init(&g, size);
  dl__error_append(&g.err, "added");
  expect_untouched(&g, size);
  dl_error from = DL_ERROR_INIT;
  guarded_init(&g, size);
  dl__error_copy(&g.err, &from);
  expect_untouched(&g, size);
}
END_TEST

START_TEST(error_size_zero_is_version_0_1) {
  guarded g;
  guarded_init(&g, 0);
  dl__fail(&g.err, DL_ERR_STATE, "path", "%d", 42);
  ck_assert_uint_eq(g.err.struct_size, 0);
  ck_assert_int_eq(g.err.status, DL_ERR_STATE);
  ck_assert_str_eq(g.err.path, "path");
  ck_assert_str_eq(g.err.message, "42");
  ck_assert_uint_eq(g.behind[0], 0xEE);
}
END_TEST

START_TEST(error_may_be_null) {
  dl_error from = DL_ERROR_INIT;
  ck_assert_int_eq(dl__fail(NULL, DL_ERR_SCAN, "p", "%s", "m"), DL_ERR_SCAN);
  ck_assert_int_eq(dl__fail_errno(NULL, DL_ERR_STATE, EIO, NULL, "m"), DL_ERR_STATE);
  ck_assert_int_eq(dl__fail_no_memory(NULL), DL_ERR_NO_MEMORY);
  ck_assert_int_eq(dl_error_set(NULL, DL_ERR_AUTH, NULL, NULL), DL_ERR_AUTH);
  dl__error_copy(NULL, &from);
  dl__error_append(NULL, "m");
}
END_TEST

START_TEST(error_replaces_everything) {
  dl_error err = {sizeof err, DL_ERR_AUTH, EIO,  403,        1,
                  2500,       "code",      "id", "old path", "old message"};
  ck_assert_int_eq(dl__fail(&err, DL_ERR_SCAN, NULL, "new"), DL_ERR_SCAN);
  ck_assert_int_eq(err.status, DL_ERR_SCAN);
  ck_assert_int_eq(err.errno_value, 0);
  ck_assert_int_eq(err.http_status, 0);
  ck_assert_uint_eq(err.retryable, 0);
  ck_assert_uint_eq(err.retry_after_ms, 0);
  ck_assert_str_eq(err.provider_code, "");
  ck_assert_str_eq(err.request_id, "");
  ck_assert_str_eq(err.path, "");
  ck_assert_str_eq(err.message, "new");
}
END_TEST

START_TEST(error_of_no_memory) {
  dl_error err = DL_ERROR_INIT;
  ck_assert_int_eq(dl__fail_no_memory(&err), DL_ERR_NO_MEMORY);
  ck_assert_int_eq(err.status, DL_ERR_NO_MEMORY);
  ck_assert_ptr_nonnull(strstr(err.message, "memory"));
  dl_error_set(&err, DL_ERR_CONFLICT, NULL, NULL);
  ck_assert_str_eq(err.message, "DL_ERR_CONFLICT");
}
END_TEST

START_TEST(error_made_of_itself) {
  dl_error err = DL_ERROR_INIT;
  dl_error_set(&err, DL_ERR_NETWORK, "a/path", "no reply");
  dl__fail(&err, DL_ERR_UPLOAD, err.path, "second try: %s", err.message);
  ck_assert_str_eq(err.path, "a/path");
  ck_assert_str_eq(err.message, "second try: no reply");
  dl_error_set(&err, DL_ERR_UPLOAD, err.path, err.message);
  ck_assert_str_eq(err.message, "second try: no reply");
  dl__error_copy(&err, &err);
  ck_assert_str_eq(err.message, "second try: no reply");
}
END_TEST

/* What is added is whole; what was there makes room for it. */
START_TEST(error_with_text_added) {
  dl_error err = DL_ERROR_INIT;
  dl_error_set(&err, DL_ERR_UPLOAD, "p", "broken");
  dl__error_append(&err, " (twice)");
  ck_assert_str_eq(err.message, "broken (twice)");
  ck_assert_int_eq(err.status, DL_ERR_UPLOAD);
  ck_assert_str_eq(err.path, "p");
  char text[sizeof err.message];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  dl_error_set(&err, DL_ERR_UPLOAD, "p", text);
  dl__error_append(&err, " (twice)");
  memcpy(text + sizeof text - 1 - 11, "... (twice)", 11);
  ck_assert_str_eq(err.message, text);
}
END_TEST

START_TEST(error_that_is_kept) {
  dl_error err = DL_ERROR_INIT;
  dl_error_set(&err, DL_ERR_UPLOAD, "p", "broken");
  dl_error *kept = dl__error_keep(&err);
  dl_error_set(&err, DL_ERR_SCAN, NULL, "another");
  ck_assert_ptr_nonnull(kept);
  ck_assert_int_eq(kept->status, DL_ERR_UPLOAD);
  ck_assert_str_eq(kept->message, "broken");
  free(kept);
}
END_TEST

/* text fits into size bytes, or is its beginning and three dots. */
static void expect_cut(const char *got, size_t size, const char *text) {
  ck_assert_msg(memchr(got, '\0', size) != NULL, "no NUL within %zu bytes", size);
  if (strlen(text) < size) {
    ck_assert_str_eq(got, text);
    return;
  }
  ck_assert_uint_eq(strlen(got), size - 1);
  ck_assert_str_eq(got + size - 4, "...");
  ck_assert_int_eq(strncmp(got, text, size - 4), 0);
}

static const size_t text_lengths[] = {0,
                                      1,
                                      MESSAGE_SIZE - 2,
                                      MESSAGE_SIZE - 1,
                                      MESSAGE_SIZE,
                                      MESSAGE_SIZE + 1,
                                      PATH_SIZE - 1,
                                      PATH_SIZE,
                                      PATH_SIZE + 1,
                                      70000};

START_TEST(error_texts_are_cut_with_dots) {
  char *text = long_text(text_lengths[_i]);
  dl_error err = DL_ERROR_INIT;
  dl__fail(&err, DL_ERR_SCAN, text, "%s", text);
  expect_cut(err.message, sizeof err.message, text);
  expect_cut(err.path, sizeof err.path, text);
  dl_error_set(&err, DL_ERR_SCAN, text, text);
  expect_cut(err.message, sizeof err.message, text);
  expect_cut(err.path, sizeof err.path, text);
  char *whole = dl__format("%s: %s", text, strerror(ENOENT));
  ck_assert_ptr_nonnull(whole);
  dl__fail_errno(&err, DL_ERR_SCAN, ENOENT, text, "%s", text);
  expect_cut(err.message, sizeof err.message, whole);
  expect_cut(err.path, sizeof err.path, text);
  free(whole);
  free(text);
}
END_TEST

START_TEST(error_of_a_system_call) {
  dl_error err = DL_ERROR_INIT;
  dl__fail_errno(&err, DL_ERR_SCAN, EACCES, "d", "cannot open %s", "d");
  ck_assert_int_eq(err.errno_value, EACCES);
  ck_assert_str_eq(err.message, "cannot open d: Permission denied");
  dl__fail_errno(&err, DL_ERR_SCAN, 99999, NULL, "odd");
  ck_assert_int_eq(err.errno_value, 99999);
  ck_assert_ptr_nonnull(strstr(err.message, "99999"));
}
END_TEST

START_TEST(error_from_outside) {
  dl_error out;
  memset(&out, 0xEE, sizeof out);
  dl__error_import(&out, NULL);
  ck_assert_uint_eq(out.struct_size, sizeof out);
  ck_assert_int_eq(out.status, DL_OK);
  ck_assert_str_eq(out.path, "");
  ck_assert_str_eq(out.message, "");
  dl_error from = {0, DL_ERR_AUTH, 1, 403, 1, 2500, "code", "id", "path", "message"};
  dl__error_import(&out, &from);
  ck_assert_uint_eq(out.struct_size, sizeof out);
  ck_assert_int_eq(out.http_status, 403);
  ck_assert_str_eq(out.message, "message");
  from.struct_size = offsetof(dl_error, path);
  dl__error_import(&out, &from);
  ck_assert_uint_eq(out.struct_size, sizeof out);
  ck_assert_str_eq(out.request_id, "id");
  ck_assert_str_eq(out.path, "");
  ck_assert_str_eq(out.message, "");
  from.struct_size = sizeof from + 4096;
  dl__error_import(&out, &from);
  ck_assert_uint_eq(out.struct_size, sizeof out);
  ck_assert_str_eq(out.message, "message");
  memset(&from, 'x', sizeof from);
  from.struct_size = sizeof from;
  dl__error_import(&out, &from);
  ck_assert_uint_eq(strnlen(out.provider_code, sizeof out), sizeof out.provider_code - 1);
  ck_assert_uint_eq(strnlen(out.request_id, sizeof out), sizeof out.request_id - 1);
  ck_assert_uint_eq(strnlen(out.path, sizeof out), sizeof out.path - 1);
  ck_assert_uint_eq(strnlen(out.message, sizeof out.message), sizeof out.message - 1);
}
END_TEST

START_TEST(status_names) {
  static const char *const names[] = {"DL_OK",
                                      "DL_ERR_ARGUMENT",
                                      "DL_ERR_NO_MEMORY",
                                      "DL_ERR_CONFIG",
                                      "DL_ERR_SCAN",
                                      "DL_ERR_CHANGE_DETECTION",
                                      "DL_ERR_UPLOAD",
                                      "DL_ERR_STORAGE",
                                      "DL_ERR_AUTH",
                                      "DL_ERR_NETWORK",
                                      "DL_ERR_CONFLICT",
                                      "DL_ERR_CANCELLED",
                                      "DL_ERR_PARTIAL",
                                      "DL_ERR_STATE",
                                      "DL_ERR_LOCKED",
                                      "DL_ERR_BUSY",
                                      "DL_ERR_NOT_FOUND",
                                      "DL_ERR_UNSUPPORTED",
                                      "DL_ERR_SOURCE_CHANGED",
                                      "DL_ERR_EXISTS",
                                      "DL_ERR_JOURNAL",
                                      "DL_ERR_DOWNLOAD"};
  for (int i = 0; i < COUNT(names); i++) ck_assert_str_eq(dl_status_name((dl_status)i), names[i]);
  static const int none[] = {-1, COUNT(names), INT32_MAX, INT32_MIN};
  for (int i = 0; i < COUNT(none); i++) {
    const char *name = dl_status_name((dl_status)none[i]);
    ck_assert_ptr_nonnull(name);
    ck_assert_msg(strncmp(name, "DL_", 3) != 0, "%d is called %s", none[i], name);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("error");
  TCase *tcase = tcase_create("error");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, error_keeps_inside_struct_size, 0, COUNT(error_sizes));
  tcase_add_test(tcase, error_size_zero_is_version_0_1);
  tcase_add_test(tcase, error_may_be_null);
  tcase_add_test(tcase, error_replaces_everything);
  tcase_add_test(tcase, error_of_no_memory);
  tcase_add_test(tcase, error_made_of_itself);
  tcase_add_test(tcase, error_with_text_added);
  tcase_add_test(tcase, error_that_is_kept);
  tcase_add_loop_test(tcase, error_texts_are_cut_with_dots, 0, COUNT(text_lengths));
  tcase_add_test(tcase, error_of_a_system_call);
  tcase_add_test(tcase, error_from_outside);
  tcase_add_test(tcase, status_names);
  return support_main(suite);
}
