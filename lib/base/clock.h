/* base/clock.h: the two clocks. */
#ifndef DL_BASE_CLOCK_H
#define DL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since 1970 UTC; may jump. For stamps only. */
int64_t dl__clock_wall_ns(void);

/* Milliseconds since some point; never goes back. For durations and time limits. */
uint64_t dl__clock_mono_ms(void);

/* A timespec as nanoseconds, held at the ends of int64_t (years 1677 and 2262). */
int64_t dl__clock_ns(const struct timespec *time);

#endif
