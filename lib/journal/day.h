/* journal/day.h: days, points in time, and how they are written. */
#ifndef DL_JOURNAL_DAY_H
#define DL_JOURNAL_DAY_H

#include <stdbool.h>

#include <devlog/entry.h>

/* Room for 2025-09-11T10:00:00+02:00 and its NUL. */
#define DL__DAY_TIME_SIZE 26

/* A date YYYYMMDD that there is in the Gregorian calendar, from the year 1 on. */
bool dl__day_is_real(const char *id);

/* Today and now, by local time. */
dl_status dl__day_now(char id[DL_ENTRY_ID_SIZE], char time[DL__DAY_TIME_SIZE], dl_error *err);

/* Of the form of RFC 3339: safe to be written anywhere. */
bool dl__day_is_time(const char *text);

#endif
