/* tests/fuzz/reply.h: any bytes as the reply of a server: header lines, an empty line, the body.
 * A first line of digits is the status; else it is 200. */
#ifndef DL_TESTS_FUZZ_REPLY_H
#define DL_TESTS_FUZZ_REPLY_H

#include "fuzz.h"
#include "net/http_reply.h"

static inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* No line has a NUL in it: libcurl takes none. */
static inline void reply_from(const uint8_t *data, size_t size, dl__http_reply *reply) {
  const char *at = (const char *)data;
  const char *end = at + size;
  *reply = (dl__http_reply){.status = 200};
  if (size > 3 && at[0] >= '1' && at[0] <= '5' && is_digit(at[1]) && is_digit(at[2]) &&
      at[3] == '\n') {
    reply->status = (at[0] - '0') * 100 + (at[1] - '0') * 10 + at[2] - '0';
    at += 4;
  }
  while (at < end && *at != '\n') {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t length = stop != NULL ? (size_t)(stop - at) : (size_t)(end - at);
    if (memchr(at, '\0', length) == NULL) require(dl__http_add_header(reply, at, length));
    at += length + (stop != NULL ? 1 : 0);
  }
  if (at < end) at++;
  if (at < end) require(dl__buf_add(&reply->body, at, (size_t)(end - at)));
  reply->body_bytes = reply->body.length;
}

#endif
