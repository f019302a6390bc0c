/* net/backoff.c: takes a try's number, chance and what a server said of waiting,
 * and gives milliseconds. Knows no time zone and no locale: a date is counted by
 * hand. What does not fit is held at the end of its type. */
#include "net/backoff.h"

#include <stddef.h>
#include <string.h>

#define SECONDS_PER_DAY 86400

/* Days from the first of January of year 0 to that of 1970. */
#define DAYS_TO_1970 719528

/* The length of "Sun, 06 Nov 1994 08:49:37 GMT". */
#define DATE_LENGTH 29

uint32_t dl__backoff_ms(const dl__backoff *backoff, uint32_t attempt, uint64_t random,
                        uint32_t asked_ms) {
  uint32_t doublings = attempt > 1 ? attempt - 1 : 0;
  if (doublings > 32) doublings = 32; /* 1 ms is beyond every cap by then, and nothing overflows */
  uint64_t ceiling = (uint64_t)backoff->base_ms << doublings;
  if (ceiling > backoff->cap_ms) ceiling = backoff->cap_ms;
  uint32_t wait = (uint32_t)(random % (ceiling + 1));
  if (wait < asked_ms) wait = asked_ms;
  return wait < backoff->cap_ms ? wait : backoff->cap_ms;
}

bool dl__backoff_status_passes(int http_status) {
  switch (http_status) {
  case 408:
  case 429:
  case 500:
  case 502:
  case 503:
  case 504:
    return true;
  default:
    return false;
  }
}

/* The value without the spaces and tabs round it, which HTTP allows (RFC 9110, 5.6.3). */
static const char *trim(const char *value, size_t *length) {
  value += strspn(value, " \t");
  *length = strlen(value);
  while (*length > 0 && (value[*length - 1] == ' ' || value[*length - 1] == '\t')) (*length)--;
  return value;
}

/* A number of nothing but digits, held at UINT32_MAX. */
static bool read_number(const char *text, size_t length, uint32_t *out) {
  uint64_t number = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    number = number * 10 + (uint64_t)(text[i] - '0');
    if (number > UINT32_MAX) number = UINT32_MAX;
  }
  *out = (uint32_t)number;
  return length > 0;
}

bool dl__backoff_milliseconds(const char *value, uint32_t *wait_ms) {
  size_t length;
  value = trim(value, &length);
  uint32_t number;
  if (!read_number(value, length, &number)) return false;
  *wait_ms = number;
  return true;
}

static uint32_t to_ms(uint64_t seconds) {
  return seconds > UINT32_MAX / 1000 ? UINT32_MAX : (uint32_t)seconds * 1000;
}

bool dl__backoff_retry_after(const char *value, int64_t now_s, uint32_t *wait_ms) {
  size_t length;
  const char *text = trim(value, &length);
  uint32_t seconds;
  if (read_number(text, length, &seconds)) {
    *wait_ms = to_ms(seconds);
    return true;
  }
  int64_t then;
  if (!dl__backoff_http_date(value, &then)) return false;
  /* As unsigned numbers: the difference of two int64_t may not fit into a third. */
  *wait_ms = then > now_s ? to_ms((uint64_t)then - (uint64_t)now_s) : 0;
  return true;
}

/* Which of the three-letter words text starts with, from 0; count: none of them. */
static uint32_t find_word(const char *text, const char *words, uint32_t count) {
  uint32_t at = 0;
  while (at < count && memcmp(text, words + (size_t)at * 3, 3) != 0) at++;
  return at;
}

static bool is_leap(uint32_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970; month from 0, day from 1. False: there is no such day. */
static bool count_days(uint32_t year, uint32_t month, uint32_t day, int64_t *days) {
  static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
  uint32_t length = (uint32_t)before[month + 1] - before[month];
  if (month == 1 && is_leap(year)) length++;
  if (day < 1 || day > length) return false;
  uint32_t leap_years = (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400; /* in 0..year-1 */
  uint32_t since_year_0 = year * 365 + leap_years + before[month] + day - 1;
  if (month > 1 && is_leap(year)) since_year_0++;
  *days = (int64_t)since_year_0 - DAYS_TO_1970;
  return true;
}

/* True if text has the form, where a 0 stands for any digit and an x for anything. */
static bool has_form(const char *text, const char *form) {
  for (; *form != '\0'; text++, form++) {
    bool digit = *text >= '0' && *text <= '9';
    if (*form == '0' ? !digit : *form != 'x' && *form != *text) return false;
  }
  return true;
}

bool dl__backoff_http_date(const char *value, int64_t *time_s) {
  size_t length;
  value = trim(value, &length);
  if (length != DATE_LENGTH || !has_form(value, "xxx, 00 xxx 0000 00:00:00 GMT")) return false;
  /* The day of the week adds nothing: it has to be one, but not the right one. */
  uint32_t weekday = find_word(value, "MonTueWedThuFriSatSun", 7);
  uint32_t month = find_word(value + 8, "JanFebMarAprMayJunJulAugSepOctNovDec", 12);
  uint32_t day, year, hour, minute, second;
  int64_t days;
  if (weekday == 7 || month == 12 || !read_number(value + 5, 2, &day) ||
      !read_number(value + 12, 4, &year) || !read_number(value + 17, 2, &hour) ||
      !read_number(value + 20, 2, &minute) || !read_number(value + 23, 2, &second)) {
    return false;
  }
  if (hour > 23 || minute > 59 || second > 60) return false; /* 60: a leap second */
  if (!count_days(year, month, day, &days)) return false;
  *time_s = days * SECONDS_PER_DAY + (int64_t)(hour * 3600 + minute * 60 + second);
  return true;
}
