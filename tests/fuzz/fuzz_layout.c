/* fuzz_layout.c: any bytes as the reply to "Get Block List". The segments that are told make up
 * the whole object or nothing of it, and the same bytes give the same answer. */
#include "base/error.h"
#include "reply.h"
#include "storage/azure.h"

dl_status __wrap_dl__azure_send(dl__azure *azure, const dl__azure_request *request,
                                dl__http_reply *reply, dl_error *err);

static const uint8_t *bytes;
static size_t count;

/* Who asks for the blob gets the same header, if that can be one of a blob. */
dl_status __wrap_dl__azure_send(dl__azure *azure, const dl__azure_request *request,
                                dl__http_reply *reply, dl_error *err) {
  char length[32];
  (void)azure;
  reply_from(bytes, count, reply);
  if (strcmp(request->method, "HEAD") != 0) return DL_OK;
  if (dl__http_header(reply, "content-length", length, sizeof length)) return DL_OK;
  return dl__fail(err, DL_ERR_NOT_FOUND, request->key, "there is no such blob");
}

typedef struct seen {
  dl__buf segments; /* as they came */
  uint64_t bytes;   /* of the object */
  size_t stop_at;   /* 0: never */
  size_t told;
  bool staged;
} seen;

static int take(const dl_segment *segment, void *user) {
  seen *s = user;
  require(segment->struct_size == sizeof *segment && segment->size_bytes > 0);
  require(segment->staged <= 1);
  require(segment->staged == 1 || !s->staged); /* those of the object come first */
  s->staged = segment->staged == 1;
  if (!s->staged) {
    require(segment->size_bytes <= UINT64_MAX - s->bytes);
    s->bytes += segment->size_bytes;
  }
  require(dl__buf_add(&s->segments, segment, sizeof *segment));
  return ++s->told == s->stop_at;
}

static dl_status layout(seen *s, dl_layout *out, dl_error *err) {
  char prefix[] = "";
  dl__azure azure = {.url = {.prefix = prefix}};
  return dl__azure_layout(&azure, "a.jsonl", take, s, out, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bytes = data;
  count = size;
  dl_error err = DL_ERROR_INIT;
  dl_layout out = DL_LAYOUT_INIT;
  dl_layout again = DL_LAYOUT_INIT;
  seen first = {0};
  seen second = {0};
  dl_status status = layout(&first, &out, &err);
  require(status == DL_OK || status == DL_ERR_STORAGE || status == DL_ERR_NOT_FOUND);
  require(status == DL_OK ? err.message[0] == '\0' : err.message[0] != '\0');
  require(status == DL_OK || first.told == 0);
  require(first.bytes == 0 || first.bytes == out.size_bytes);
  require(out.blocked <= 1);
  require(status != DL_OK || out.etag[0] == '\0' || dl__azure_etag_valid(out.etag));
  require(layout(&second, &again, NULL) == status && second.told == first.told);
  require(memcmp(&out, &again, sizeof out) == 0);
  require(first.told == 0 ||
          memcmp(first.segments.data, second.segments.data, first.segments.length) == 0);
  if (first.told > 0) {
    seen half = {.stop_at = (first.told + 1) / 2};
    require(layout(&half, &again, NULL) == DL_ERR_CANCELLED && half.told == half.stop_at);
    dl__buf_clear(&half.segments);
  }
  dl__buf_clear(&first.segments);
  dl__buf_clear(&second.segments);
  return 0;
}
