/* The reports of `devlog push` on files of which only a part was sent: the lines, the
 * JSON, and the bar. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/bar.h"
#include "cli/console.h"
#include "cli/json.h"
#include "cli/text.h"
#include "support/support.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

/* Standard output, while it goes to a file. */
static FILE *seen;
static int real_stdout;

static void setup(void) {
  seen = tmpfile();
  ck_assert_ptr_nonnull(seen);
  ck_assert_int_eq(fflush(stdout), 0);
  real_stdout = dup(STDOUT_FILENO);
  ck_assert_int_ge(real_stdout, 0);
  ck_assert_int_ge(dup2(fileno(seen), STDOUT_FILENO), 0);
}

static void teardown(void) {
  ck_assert_int_eq(fclose(seen), 0);
}

/* What was printed so far, which is as much as fits. */
static const char *output(void) {
  static char text[8192];
  ssize_t length = pread(fileno(seen), text, sizeof text - 1, 0);
  ck_assert_int_ge(length, 0);
  text[length] = '\0';
  return text;
}

/* The same, at the end; standard output is what it was. */
static const char *whole_output(void) {
  ck_assert_int_eq(fflush(stdout), 0);
  ck_assert_int_ge(dup2(real_stdout, STDOUT_FILENO), 0);
  ck_assert_int_eq(close(real_stdout), 0);
  return output();
}

static void tell(dl_progress_fn fn, const reporter *r, dl_progress_event event) {
  event.struct_size = sizeof event;
  ck_assert_int_eq(fn(&event, r->progress.user), 0);
}

/* A push of one file of 512 MiB, of which reused_bytes were there, and one of 89 bytes. */
static void push(const reporter *r, const push_options *options, uint64_t reused_bytes) {
  const dl_progress *p = &r->progress;
  uint64_t sent_bytes = 512 * MIB - reused_bytes;
  dl_progress_event big = {.path = "events/big.jsonl", .size_bytes = 512 * MIB};
  dl_progress_event small = {.path = "a.md", .size_bytes = 89};
  dl_push_result result = DL_PUSH_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  r->begin(p->user, NULL, options);
  tell(p->upload_start, r, (dl_progress_event){.files = 2, .size_bytes = 512 * MIB + 89});
  tell(p->file_upload_start, r, big);
  big.reused_bytes = reused_bytes;
  tell(p->file_upload_progress, r, big);
  big.sent_bytes = sent_bytes;
  tell(p->file_upload_complete, r, big);
  tell(p->file_upload_start, r, small);
  small.sent_bytes = 89;
  tell(p->file_upload_complete, r, small);
  result.stage = DL_STAGE_DONE;
  result.files_uploaded = 2;
  result.total_bytes = 512 * MIB + 89;
  result.bytes_sent = sent_bytes + 89;
  result.bytes_reused = reused_bytes;
  result.duration_ms = 1230;
  const outcome end = {.status = DL_OK, .result = &result, .err = &err};
  r->finish(p->user, &end);
}

#define HEAD                                                                                       \
  "* Uploading 2 file(s) (536871001 bytes)...\n"                                                   \
  "  > events/big.jsonl (536870912 bytes)\n"
#define SMALL                                                                                      \
  "  > a.md (89 bytes)\n"                                                                          \
  "  ok a.md\n"                                                                                    \
  "\n"                                                                                             \
  "* Upload complete!\n"                                                                           \
  "   Files uploaded: 2\n"                                                                         \
  "   Total size: 536871001 bytes\n"
#define LAST                                                                                       \
  "   Files unchanged: 0\n"                                                                        \
  "   Files deleted locally: 0\n"

static const struct {
  bool verbose;
  uint64_t reused_bytes;
  const char *text;
} pushes[] = {
    {false, 512 * MIB - 1024,
     HEAD "  ok events/big.jsonl\n" SMALL "   Sent: 1.1 KiB of 512 MiB\n"
          "   Duration: 1.23s\n"},
    {false, 0, HEAD "  ok events/big.jsonl\n" SMALL "   Duration: 1.23s\n"},
    {true, 512 * MIB - 1024,
     HEAD "  ok events/big.jsonl (sent 1.0 KiB of 512 MiB)\n" SMALL "   Sent: 1.1 KiB of 512 MiB\n"
          "   Duration: 1.23s\n"
          "   Bytes sent: 1113\n"
          "   Bytes reused: 536869888\n" LAST},
    {true, 512 * MIB,
     HEAD "  ok events/big.jsonl (sent 0 B of 512 MiB)\n" SMALL "   Sent: 89 B of 512 MiB\n"
          "   Duration: 1.23s\n"
          "   Bytes sent: 89\n"
          "   Bytes reused: 536870912\n" LAST},
    {true, 0,
     HEAD "  ok events/big.jsonl\n" SMALL "   Duration: 1.23s\n"
          "   Sent: 536871001 bytes\n" LAST},
};

START_TEST(lines_of_a_push) {
  push_options options = {.color = COLOR_NEVER, .verbose = pushes[_i].verbose};
  console c;
  reporter r;
  console_init(&c, &options, &r);
  push(&r, &options, pushes[_i].reused_bytes);
  ck_assert_str_eq(whole_output(), pushes[_i].text);
}
END_TEST

START_TEST(json_of_a_push) {
  static const char *const parts[] = {
      "{\"event\":\"file_upload_progress\",\"path\":\"events/big.jsonl\",\"size_bytes\":536870912,"
      "\"sent_bytes\":0,\"reused_bytes\":536869888}\n",
      "{\"event\":\"file_upload_complete\",\"path\":\"events/big.jsonl\",\"size_bytes\":536870912,"
      "\"sent_bytes\":1024,\"reused_bytes\":536869888}\n",
      "{\"event\":\"file_upload_complete\",\"path\":\"a.md\",\"size_bytes\":89,"
      "\"sent_bytes\":89,\"reused_bytes\":0}\n",
      "\"total_bytes\":536871001,\"bytes_sent\":1113,\"bytes_reused\":536869888,",
      "\"checksum\":true,",
  };
  push_options options = {.json = true, .checksum = true};
  json_report j;
  reporter r;
  json_init(&j, &options, &r);
  push(&r, &options, 512 * MIB - 1024);
  const char *text = whole_output();
  ck_assert(!j.incomplete);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    ck_assert_msg(strstr(text, parts[i]) != NULL, "'%s' is not in: %s", parts[i], text);
  }
}
END_TEST

/* The bar. */

/* Waits until the bar drew this; the test's time limit is the end of it. */
static void expect_drawn(const char *words) {
  const struct timespec moment = {0, 5000000};
  while (strstr(output(), words) == NULL) (void)nanosleep(&moment, NULL);
}

/* So much is done, of which so much was sent. */
static void expect_bytes(bar *b, uint64_t done, uint64_t sent) {
  bar_hold(b);
  uint64_t seen_done = b->bytes_done;
  uint64_t seen_sent = b->bytes_sent;
  bar_release(b);
  ck_assert_uint_eq(seen_done, done);
  ck_assert_uint_eq(seen_sent, sent);
}

START_TEST(bar_of_what_was_reused) {
  bar b;
  bar_start(&b, false, 2, 512 * MIB);
  ck_assert(b.on);
  bar_progress(&b, "big", 0, 0);
  bar_progress(&b, "big", 0, 256 * MIB);
  expect_bytes(&b, 256 * MIB, 0);
  expect_drawn(" 50%  0/2 files  256 MiB of 512 MiB      0 B/s  -:-- left");
  bar_file_done(&b, "big", 512 * MIB, 512 * MIB);
  expect_bytes(&b, 512 * MIB, 0);
  expect_drawn("100%  1/2 files  512 MiB of 512 MiB      0 B/s  ");
  bar_stop(&b);
  ck_assert_ptr_null(strstr(whole_output(), "iB/s")); /* nothing was sent */
}
END_TEST

START_TEST(bar_of_a_push) {
  push_options options = {.color = COLOR_NEVER};
  console c;
  reporter r;
  console_init(&c, &options, &r);
  c.screen.live = true;
  const dl_progress *p = &r.progress;
  dl_progress_event file = {.path = "a", .size_bytes = 1000};
  dl_progress_event other = {.path = "b", .size_bytes = 3000};
  tell(p->upload_start, &r, (dl_progress_event){.files = 2, .size_bytes = 4000});
  tell(p->file_upload_start, &r, file);
  tell(p->file_upload_start, &r, other);
  file.reused_bytes = 700;
  file.sent_bytes = 100;
  tell(p->file_upload_progress, &r, file);
  expect_bytes(&c.live, 800, 100);
  other.sent_bytes = 2000;
  tell(p->file_upload_progress, &r, other);
  expect_bytes(&c.live, 2800, 2100);
  file.sent_bytes = 300;
  tell(p->file_upload_complete, &r, file);
  expect_bytes(&c.live, 3000, 2300);
  other.message = "cannot be read";
  tell(p->file_upload_error, &r, other);
  expect_bytes(&c.live, 1000, 300);
  ck_assert_uint_eq(c.live.bytes, 1000);
  bar_stop(&c.live);
  (void)whole_output();
}
END_TEST

START_TEST(bar_counts) {
  bar b;
  bar_start(&b, false, 4, 3000);
  ck_assert(b.on);
  bar_progress(&b, "a", 100, 500);
  bar_progress(&b, "b", 7, 0);
  expect_bytes(&b, 607, 107);
  bar_progress(&b, "a", 400, 500);
  expect_bytes(&b, 907, 407);
  bar_progress(&b, "a", 10, 0); /* it begins again */
  expect_bytes(&b, 17, 17);
  bar_file_done(&b, "a", 1000, 600);
  expect_bytes(&b, 1007, 407);
  bar_file_failed(&b, "b", 1000);
  expect_bytes(&b, 1000, 400);
  ck_assert_uint_eq(b.bytes, 2000);
  bar_file_done(&b, "c", 1000, 5000); /* more than all of it */
  expect_bytes(&b, 2000, 400);
  ck_assert_uint_eq(b.files_done, 3);
  ck_assert_uint_eq(b.open_count, 0);
  bar_stop(&b);
  (void)whole_output();
}
END_TEST

START_TEST(no_bar) {
  bar b = {0};
  bar_progress(&b, "a", 1, 2);
  bar_file_done(&b, "a", 1, 2);
  bar_file_failed(&b, "a", 1);
  bar_stop(&b);
  ck_assert_str_eq(whole_output(), "");
}
END_TEST

START_TEST(short_sizes) {
  static const struct {
    double bytes;
    const char *text;
  } sizes[] = {
      {0, "0 B"},
      {999, "999 B"},
      {1000, "1.0 KiB"},
      {1024, "1.0 KiB"},
      {1536, "1.5 KiB"},
      {10240, "10 KiB"},
      {536870912, "512 MiB"},
      {1e9, "954 MiB"},
      {1073741824, "1.0 GiB"},
      {1e15, "909 TiB"},
      {18446744073709551615.0, "16384 PiB"},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    char text[32];
    text_bytes(text, sizeof text, sizes[i].bytes);
    ck_assert_str_eq(text, sizes[i].text);
  }
  (void)whole_output();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("console");
  TCase *tcase = tcase_create("console");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_loop_test(tcase, lines_of_a_push, 0, (int)(sizeof pushes / sizeof pushes[0]));
  tcase_add_test(tcase, json_of_a_push);
  tcase_add_test(tcase, bar_of_what_was_reused);
  tcase_add_test(tcase, bar_of_a_push);
  tcase_add_test(tcase, bar_counts);
  tcase_add_test(tcase, no_bar);
  tcase_add_test(tcase, short_sizes);
  return support_main(suite);
}
