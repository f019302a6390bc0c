/* net/backoff.h: how long to wait before the next try. Pure: no clock, no random
 * numbers, no sleep of its own. */
#ifndef DL_NET_BACKOFF_H
#define DL_NET_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

typedef struct dl__backoff {
  uint32_t base_ms; /* the first wait is 0 .. base_ms */
  uint32_t cap_ms;  /* no wait is longer, whatever a server asks for */
} dl__backoff;

/* The wait before try number `attempt` (1: the first retry): exponential with full
 * jitter ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015), but at
 * least what the server asked for.
 * random: a fresh random number. asked_ms: 0 if the server did not say. */
uint32_t dl__backoff_ms(const dl__backoff *backoff, uint32_t attempt, uint64_t random,
                        uint32_t asked_ms);

/* True if an HTTP status may pass: 408, 429, 500, 502, 503, 504. */
bool dl__backoff_status_passes(int http_status);

/* Reads a Retry-After value: seconds, or an HTTP date (RFC 9110, 10.2.3), against
 * now_s (seconds since 1970 UTC). False: neither; *wait_ms is untouched. A date in
 * the past gives 0; what does not fit gives UINT32_MAX. */
bool dl__backoff_retry_after(const char *value, int64_t now_s, uint32_t *wait_ms);

/* Reads a value in plain milliseconds (retry-after-ms, x-ms-retry-after-ms). */
bool dl__backoff_milliseconds(const char *value, uint32_t *wait_ms);

/* Reads an HTTP date (IMF-fixdate, the form of RFC 9110 5.6.7 that senders must
 * use) into seconds since 1970 UTC; depends on no locale or time zone. */
bool dl__backoff_http_date(const char *value, int64_t *time_s);

#endif
