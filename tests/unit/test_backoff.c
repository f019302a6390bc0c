/* Waits, and what servers say of them, each as a table. */
#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "net/backoff.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
  uint32_t base_ms, cap_ms, attempt, asked_ms;
  uint32_t least, most; /* over all random numbers */
} waits[] = {
    {500, 30000, 1, 0, 0, 500},
    {500, 30000, 2, 0, 0, 1000},
    {500, 30000, 3, 0, 0, 2000},
    {500, 30000, 6, 0, 0, 16000},
    {500, 30000, 7, 0, 0, 30000},
    {500, 30000, 8, 0, 0, 30000},
    {500, 30000, 33, 0, 0, 30000},
    {500, 30000, 34, 0, 0, 30000},
    {500, 30000, 65, 0, 0, 30000},
    {500, 30000, UINT32_MAX, 0, 0, 30000},
    {500, 30000, 0, 0, 0, 500}, /* no such try: as the first */
    {500, 30000, 1, 200, 200, 500},
    {500, 30000, 1, 500, 500, 500},
    {500, 30000, 1, 10000, 10000, 10000},
    {500, 30000, 4, 3000, 3000, 4000},
    {500, 30000, 1, 30001, 30000, 30000},
    {500, 30000, 1, UINT32_MAX, 30000, 30000},
    {500, 100, 1, 0, 0, 100},
    {1, UINT32_MAX, 32, 0, 0, UINT32_C(1) << 31},
    {1, UINT32_MAX, 33, 0, 0, UINT32_MAX},
    {UINT32_MAX, UINT32_MAX, 1, 0, 0, UINT32_MAX},
    {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
    {0, 30000, 5, 0, 0, 0},
    {0, 30000, 5, 70, 70, 70},
    {500, 0, 5, 700, 0, 0},
    {0, 0, 1, 0, 0, 0},
};

START_TEST(wait_bounds) {
  const dl__backoff backoff = {waits[_i].base_ms, waits[_i].cap_ms};
  uint32_t least = UINT32_MAX;
  uint32_t most = 0;
  uint64_t random = 1;
  for (int i = 0; i < 20000; i++) {
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint32_t ms = dl__backoff_ms(&backoff, waits[_i].attempt, random >> 13, waits[_i].asked_ms);
    if (ms < least) least = ms;
    if (ms > most) most = ms;
  }
  ck_assert_uint_ge(least, waits[_i].least);
  ck_assert_uint_le(most, waits[_i].most);
  uint32_t width = waits[_i].most - waits[_i].least;
  ck_assert_uint_le(least - waits[_i].least, width / 100); /* the whole width is used */
  ck_assert_uint_le(waits[_i].most - most, width / 100);
}
END_TEST

/* Every wait between none and the longest is as likely as any other. */
START_TEST(jitter_is_full) {
  const dl__backoff backoff = {10, 1000};
  for (uint64_t random = 0; random < 44; random++) {
    ck_assert_uint_eq(dl__backoff_ms(&backoff, 1, random, 0), random % 11);
  }
  ck_assert_uint_eq(dl__backoff_ms(&backoff, 1, UINT64_MAX, 0), UINT64_MAX % 11);
}
END_TEST

START_TEST(statuses) {
  for (int status = -1; status < 1000; status++) {
    bool passes = status == 408 || status == 429 || status == 500 || status == 502 ||
                  status == 503 || status == 504;
    ck_assert_int_eq(dl__backoff_status_passes(status), passes);
  }
}
END_TEST

#define REFUSED INT64_MIN

static const struct {
  const char *text;
  int64_t time_s;
} dates[] = {
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"  Sun, 06 Nov 1994 08:49:37 GMT\t ", 784111777},
    {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
    {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600}, /* divides by 400: a leap year */
    {"Wed, 01 Mar 2000 00:00:00 GMT", 951868800},
    {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
    {"Fri, 01 Mar 2024 00:00:00 GMT", 1709251200},
    {"Tue, 31 Dec 2024 00:00:00 GMT", 1735603200},
    {"Wed, 01 Jan 2025 00:00:00 GMT", 1735689600},
    {"Sat, 01 Mar 2025 00:00:00 GMT", 1740787200},
    {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400}, /* divides by 100: none */
    {"Tue, 19 Jan 2038 03:14:08 GMT", 2147483648},
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* a leap second */
    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    {"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
    {"Tue, 29 Feb 0000 00:00:00 GMT", -62162121600},
    {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* it was a Sunday: not looked at */
    {"Fri, 29 Feb 2100 00:00:00 GMT", REFUSED},
    {"Wed, 29 Feb 2023 00:00:00 GMT", REFUSED},
    {"Thu, 29 Feb 1900 00:00:00 GMT", REFUSED},
    {"Sat, 30 Feb 2024 00:00:00 GMT", REFUSED},
    {"Fri, 31 Apr 2026 00:00:00 GMT", REFUSED},
    {"Fri, 00 Jan 2026 00:00:00 GMT", REFUSED},
    {"Fri, 32 Jan 2026 00:00:00 GMT", REFUSED},
    {"Fri, 01 Jan 2026 24:00:00 GMT", REFUSED},
    {"Fri, 01 Jan 2026 00:60:00 GMT", REFUSED},
    {"Fri, 01 Jan 2026 00:00:61 GMT", REFUSED},
    {"Fri, 01 Jan 2026 00:00:00 UTC", REFUSED},
    {"Fri, 01 Jan 2026 00:00:00 gmt", REFUSED},
    {"Fri, 01 Jan 2026 00:00:00 CET", REFUSED},
    {"Fri, 01 Jan 2026 00:00:00 GMT+1", REFUSED},
    {"Fri, 01 Jan 2026 00:00:00", REFUSED},
    {"Fri, 01 jan 2026 00:00:00 GMT", REFUSED},
    {"fri, 01 Jan 2026 00:00:00 GMT", REFUSED},
    {"Fre, 01 Jan 2026 00:00:00 GMT", REFUSED},
    {"Fri, 01 Mai 2026 00:00:00 GMT", REFUSED},
    {"Fri, 1 Jan 2026 00:00:00 GMT", REFUSED},
    {"Fri,  1 Jan 2026 00:00:00 GMT", REFUSED},
    {"Fri 01 Jan 2026 00:00:00 GMT ", REFUSED},
    {"Fri, 01-Jan-2026 00:00:00 GMT", REFUSED},
    {"Fri, +1 Jan 2026 00:00:00 GMT", REFUSED},
    {"Fri, 01 Jan -026 00:00:00 GMT", REFUSED},
    {"Fri, 01 Jan 0x26 00:00:00 GMT", REFUSED},
    {"Fri, 01 Jan 20260 00:00:00 GMT", REFUSED},
    {"Sunday, 06-Nov-94 08:49:37 GMT", REFUSED}, /* the two old forms */
    {"Sun Nov  6 08:49:37 1994", REFUSED},
    {"1994-11-06T08:49:37Z", REFUSED},
    {"784111777", REFUSED},
    {"", REFUSED},
    {" ", REFUSED},
    {"GMT", REFUSED},
    {"\xff\xff\xff, 01 Jan 2026 00:00:00 GMT", REFUSED},
};

static void check_date(int i) {
  int64_t time_s = 42;
  bool taken = dl__backoff_http_date(dates[i].text, &time_s);
  ck_assert_int_eq(taken, dates[i].time_s != REFUSED);
  ck_assert_int_eq(time_s, taken ? dates[i].time_s : 42);
}

START_TEST(http_date) {
  check_date(_i);
}
END_TEST

START_TEST(http_date_elsewhere) {
  ck_assert_int_eq(0, setenv("TZ", "Asia/Kathmandu", 1));
  tzset();
  (void)setlocale(LC_ALL, ""); /* whatever the machine has */
  (void)setlocale(LC_ALL, "de_DE.UTF-8");
  for (int i = 0; i < COUNT(dates); i++) check_date(i);
}
END_TEST

/* Each day of 800 years against the C library's own calendar. */
START_TEST(every_day) {
  for (int64_t day = -135000; day < 157000; day++) {
    time_t then = (time_t)(day * 86400 + 3661);
    struct tm parts;
    char text[64];
    int64_t time_s;
    bool right = gmtime_r(&then, &parts) != NULL &&
                 strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0 &&
                 dl__backoff_http_date(text, &time_s) && time_s == then;
    if (!right) ck_abort_msg("day %lld", (long long)day); /* an assertion costs a system call */
  }
}
END_TEST

#define NO  UINT64_MAX
#define NOW INT64_C(1767225600) /* Thu, 01 Jan 2026 00:00:00 GMT */

static const struct {
  const char *value;
  int64_t now_s;
  uint64_t wait_ms;
} asked[] = {
    {"0", NOW, 0},
    {"1", NOW, 1000},
    {"120", NOW, 120000},
    {" 120\t", NOW, 120000},
    {"000000000000000000000007", NOW, 7000},
    {"4294967", NOW, 4294967000},
    {"4294968", NOW, UINT32_MAX},
    {"1000000000", NOW, UINT32_MAX},
    {"99999999999999999999999999", NOW, UINT32_MAX},
    {"18446744073709551617", NOW, UINT32_MAX}, /* 2^64 + 1: no 1 */
    {"Thu, 01 Jan 2026 00:00:00 GMT", NOW, 0},
    {"Thu, 01 Jan 2026 00:00:01 GMT", NOW, 1000},
    {"Thu, 01 Jan 2026 00:02:00 GMT", NOW, 120000},
    {"Wed, 31 Dec 2025 23:59:59 GMT", NOW, 0},
    {"Fri, 31 Dec 1999 23:59:59 GMT", NOW, 0},
    {"Fri, 31 Dec 9999 23:59:59 GMT", NOW, UINT32_MAX},
    {"Fri, 31 Dec 9999 23:59:59 GMT", INT64_MIN, UINT32_MAX},
    {"Sat, 01 Jan 0000 00:00:00 GMT", INT64_MIN, UINT32_MAX},
    {"Fri, 31 Dec 9999 23:59:59 GMT", INT64_MAX, 0},
    {"Thu, 01 Jan 1970 00:00:05 GMT", -5, 10000},
    {"", NOW, NO},
    {"  ", NOW, NO},
    {"-1", NOW, NO},
    {"+1", NOW, NO},
    {"1.5", NOW, NO},
    {"1e3", NOW, NO},
    {"0x10", NOW, NO},
    {"1 2", NOW, NO},
    {"1,2", NOW, NO},
    {"1s", NOW, NO},
    {"soon", NOW, NO},
    {"\xd9\xa1", NOW, NO}, /* a digit, but no ASCII one */
    {"Thu, 01 Jan 2026 00:00:01 CET", NOW, NO},
};

START_TEST(retry_after) {
  uint32_t wait_ms = 42;
  bool taken = dl__backoff_retry_after(asked[_i].value, asked[_i].now_s, &wait_ms);
  ck_assert_int_eq(taken, asked[_i].wait_ms != NO);
  ck_assert_uint_eq(wait_ms, taken ? asked[_i].wait_ms : 42);
}
END_TEST

static const struct {
  const char *value;
  uint64_t wait_ms;
} milliseconds[] = {
    {"0", 0},
    {"250", 250},
    {" 250 ", 250},
    {"4294967295", UINT32_MAX},
    {"4294967296", UINT32_MAX},
    {"99999999999999999999999999", UINT32_MAX},
    {"", NO},
    {"-1", NO},
    {"2.5", NO},
    {"250ms", NO},
    {"Thu, 01 Jan 2026 00:00:01 GMT", NO},
};

START_TEST(plain_milliseconds) {
  uint32_t wait_ms = 42;
  bool taken = dl__backoff_milliseconds(milliseconds[_i].value, &wait_ms);
  ck_assert_int_eq(taken, milliseconds[_i].wait_ms != NO);
  ck_assert_uint_eq(wait_ms, taken ? milliseconds[_i].wait_ms : 42);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("backoff");
  TCase *tcase = tcase_create("backoff");
  tcase_set_timeout(tcase, 30);
  tcase_add_loop_test(tcase, wait_bounds, 0, COUNT(waits));
  tcase_add_test(tcase, jitter_is_full);
  tcase_add_test(tcase, statuses);
  tcase_add_loop_test(tcase, http_date, 0, COUNT(dates));
  tcase_add_test(tcase, http_date_elsewhere);
  tcase_add_test(tcase, every_day);
  tcase_add_loop_test(tcase, retry_after, 0, COUNT(asked));
  tcase_add_loop_test(tcase, plain_milliseconds, 0, COUNT(milliseconds));
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
