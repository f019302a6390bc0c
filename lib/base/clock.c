/* base/clock.c: the wall clock for stamps, the monotonic one for durations. */
#include "base/clock.h"

#define NS_PER_S 1000000000

int64_t dl__clock_ns(const struct timespec *time) {
  int64_t seconds = (int64_t)time->tv_sec;
  if (seconds >= INT64_MAX / NS_PER_S) return INT64_MAX;
  if (seconds <= INT64_MIN / NS_PER_S) return INT64_MIN;
  return seconds * NS_PER_S + time->tv_nsec;
}

/* clock_gettime cannot fail for these two clocks with a valid pointer (POSIX). */
int64_t dl__clock_wall_ns(void) {
  struct timespec now = {0};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return dl__clock_ns(&now);
}

uint64_t dl__clock_mono_ms(void) {
  struct timespec now = {0};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
