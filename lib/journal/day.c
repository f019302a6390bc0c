/* journal/day.c: takes the clock, gives the day and the time as they are written;
 * takes texts, says whether they are such. */
#include "journal/day.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

static int number(const char *digits, int count) {
  int value = 0;
  for (int i = 0; i < count; i++) value = value * 10 + (digits[i] - '0');
  return value;
}

bool dl__day_is_real(const char *id) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (strspn(id, "0123456789") != 8 || id[8] != '\0') return false;
  int year = number(id, 4), month = number(id + 4, 2), day = number(id + 6, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

dl_status dl__day_now(char id[DL_ENTRY_ID_SIZE], char out[DL__DAY_TIME_SIZE], dl_error *err) {
  time_t now = time(NULL);
  struct tm local;
  if (localtime_r(&now, &local) == NULL || local.tm_year < 1 - 1900 ||
      local.tm_year > 9999 - 1900) {
    return dl__fail(err, DL_ERR_JOURNAL, NULL, "the clock is wrong: set the date of this machine");
  }
  long offset = local.tm_gmtoff / 60; /* whole minutes, as in every zone of today */
  char sign = offset < 0 ? '-' : '+';
  if (offset < 0) offset = -offset;
  char text[64];
  (void)snprintf(text, sizeof text, "%04d%02d%02d", local.tm_year + 1900, local.tm_mon + 1,
                 local.tm_mday);
  memcpy(id, text, DL_ENTRY_ID_SIZE);
  (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d%c%02ld:%02ld",
                 local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min,
                 local.tm_sec, sign, offset / 60 % 100, offset % 60);
  memcpy(out, text, DL__DAY_TIME_SIZE);
  return DL_OK;
}

/* Whether text starts with the form: 0 stands for a digit, all else for itself. */
static bool has_form(const char *text, const char *form) {
  for (; *form != '\0'; text++, form++) {
    bool fits = *form == '0' ? *text >= '0' && *text <= '9' : *text == *form;
    if (!fits) return false;
  }
  return true;
}

bool dl__day_is_time(const char *text) {
  if (!has_form(text, "0000-00-00T00:00:00")) return false;
  text += strlen("0000-00-00T00:00:00");
  if (has_form(text, ".0")) {
    size_t digits = strspn(text + 1, "0123456789");
    if (digits > 9) return false;
    text += digits + 1;
  }
  if (strcmp(text, "Z") == 0) return true;
  return (has_form(text, "+00:00") || has_form(text, "-00:00")) && text[6] == '\0';
}
