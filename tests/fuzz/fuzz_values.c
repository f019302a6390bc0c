/* fuzz_values.c: any bytes as a single value of a header, a listing or an event: an ETag, a number,
 * a checksum, a date, a time to wait. What is taken is in bounds, and is the same when it is
 * written again. */
#include <time.h>

#include "base/hash.h"
#include "fuzz.h"
#include "journal/day.h"
#include "net/backoff.h"
#include "storage/azure.h"
#include "support/digests.h"

static void check_etag(const char *text) {
  char etag[DL_ETAG_SIZE];
  char again[DL_ETAG_SIZE];
  if (!dl__azure_etag(text, etag)) {
    require(etag[0] == '\0');
    return;
  }
  char *open = joined("\"", etag);
  char *quoted = joined(open, "\"");
  require(dl__azure_etag_valid(etag) && strpbrk(etag, "\"\r\n ") == NULL);
  require(dl__azure_etag(quoted, again) && strcmp(etag, again) == 0);
  free(open);
  free(quoted);
}

static void check_number(const char *text) {
  uint64_t number = 7;
  char again[32];
  if (!dl__azure_number(text, &number)) {
    require(number == 7);
    return;
  }
  while (text[0] == '0' && text[1] != '\0') text++;
  (void)snprintf(again, sizeof again, "%llu", (unsigned long long)number);
  require(strcmp(text, again) == 0);
}

/* The text may stand for two of three: whatever is said, one digest or none comes of it. */
static void check_digest(const char *text) {
  char digest[DL_DIGEST_SIZE];
  bool md5 = dl__azure_md5_digest(text, digest);
  require(md5 ? md5_text_valid(digest) : digest[0] == '\0');
  dl__azure_digest(text, "1B2M2Y8AsgTpgAmY7PhCfg==", "1B2M2Y8AsgTpgAmY7PhCfg==", digest);
  bool ours = dl__azure_digest_valid(text);
  require(ours ? strcmp(digest, text) == 0 : md5_text_valid(digest));
  dl__azure_digest(text, "another", "1B2M2Y8AsgTpgAmY7PhCfg==", digest);
  require(md5_text_valid(digest));
  dl__azure_digest("sha256:0", text, text, digest);
  require(text[0] == '\0' ? digest[0] == '\0' : strcmp(digest, "sha256:0") == 0);
  if (digest_valid(text)) require(ours && strlen(text) < DL__DIGEST_SIZE);
}

/* Only the day of the week, spaces around and a leap second may come out otherwise. */
static void check_date(const char *text) {
  int64_t then = 7;
  uint32_t wait_ms = 7;
  char again[64];
  struct tm parts;
  bool waits = dl__backoff_retry_after(text, INT64_C(1700000000), &wait_ms);
  require(waits || wait_ms == 7);
  wait_ms = 7;
  require(dl__backoff_milliseconds(text, &wait_ms) || wait_ms == 7);
  if (!dl__backoff_http_date(text, &then)) {
    require(then == 7);
    return;
  }
  time_t seconds = (time_t)then;
  require(waits && gmtime_r(&seconds, &parts) != NULL);
  require(strftime(again, sizeof again, ", %d %b", &parts) > 0);
  (void)snprintf(again + strlen(again), sizeof again - strlen(again), " %04d %02d:%02d:%02d GMT",
                 parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  require(strstr(text, ":60 GMT") != NULL || strstr(text, again) != NULL);
}

static void check_day(const char *text) {
  if (dl__day_is_real(text)) require(strlen(text) == 8 && strspn(text, "0123456789") == 8);
  if (!dl__day_is_time(text)) return;
  require(strlen(text) >= 20 && strlen(text) <= 35);
  require(strspn(text, "0123456789-:T.Z+") == strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = text_of(data, size);
  check_etag(text);
  check_number(text);
  check_digest(text);
  check_date(text);
  check_day(text);
  free(text);
  return 0;
}
