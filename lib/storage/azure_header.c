/* storage/azure_header.c: takes what is to be known of a blob, gives the lines that say it
 * to the service, and finds out later whether a blob is that one. */
#include "storage/azure_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

bool dl__azure_lines_add(dl__azure_lines *lines, const char *name, const char *value) {
  size_t before = lines->text.length;
  if (lines->count == DL__AZURE_LINES_MAX) return false;
  bool added = dl__buf_add_text(&lines->text, name) && dl__buf_add_text(&lines->text, ": ") &&
               dl__buf_add(&lines->text, value, strlen(value) + 1);
  if (added) lines->count++;
  if (!added) dl__buf_cut(&lines->text, before);
  return added;
}

bool dl__azure_lines_add_base64(dl__azure_lines *lines, const char *name, const void *data,
                                size_t size) {
  dl__buf text = {0};
  bool added = dl__base64_add(&text, data, size) && dl__azure_lines_add(lines, name, text.data);
  dl__buf_clear(&text);
  return added;
}

const char *const *dl__azure_lines_end(dl__azure_lines *lines) {
  const char *at = lines->text.data;
  for (size_t i = 0; i < lines->count; i++) {
    lines->items[i] = at;
    at += strlen(at) + 1;
  }
  lines->items[lines->count] = NULL;
  return lines->items;
}

void dl__azure_lines_clear(dl__azure_lines *lines) {
  dl__buf_clear(&lines->text);
  lines->count = 0;
}

static bool add_metadata(dl__azure_lines *lines, const dl__azure *azure,
                         const dl__azure_about *about) {
  char number[32];
  bool good = dl__azure_lines_add(lines, "x-ms-meta-" DL__AZURE_META_PUSH, azure->push_id);
  if (good && about->md5 != NULL) {
    good = dl__azure_lines_add_base64(lines, "x-ms-meta-" DL__AZURE_META_MD5, about->md5,
                                      DL__MD5_BYTES);
  }
  if (good && about->digest != NULL && dl__azure_digest_valid(about->digest)) {
    good = dl__azure_lines_add(lines, "x-ms-meta-" DL__AZURE_META_DIGEST, about->digest);
  }
  if (good && about->mtime_ns != 0) {
    (void)snprintf(number, sizeof number, "%" PRId64, about->mtime_ns);
    good = dl__azure_lines_add(lines, "x-ms-meta-" DL__AZURE_META_MTIME, number);
  }
  return good;
}

bool dl__azure_lines_add_about(dl__azure_lines *lines, const dl__azure *azure,
                               const dl__azure_about *about) {
  char quoted[DL_ETAG_SIZE + 2];
  bool good = add_metadata(lines, azure, about);
  if (good && about->if_absent) good = dl__azure_lines_add(lines, "If-None-Match", "*");
  if (good && about->if_match != NULL) {
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", about->if_match);
    good = dl__azure_lines_add(lines, "If-Match", quoted);
  }
  return good;
}

const char *dl__azure_content_type(const char *key) {
  static const struct {
    const char *ending;
    const char *type;
  } types[] = {
      {".jsonl", "application/x-ndjson"},
      {".md", "text/markdown; charset=utf-8"},
      {".toml", "application/toml"},
      {".ini", "text/plain; charset=utf-8"},
  };
  size_t length = strlen(key);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t ending = strlen(types[i].ending);
    if (length > ending && strcmp(key + length - ending, types[i].ending) == 0) {
      return types[i].type;
    }
  }
  return "application/octet-stream";
}

/* Our digest counts with the MD5 that it goes with; or with the mark of this very push, since
 * what is committed without an MD5 has none. */
static bool is_stored(const dl__azure *azure, const dl__azure_about *about,
                      const dl__http_reply *reply) {
  char ours[DL_DIGEST_SIZE];
  char our_md5[64];
  char md5[64];
  char push[64];
  char digest[DL_DIGEST_SIZE];
  char length[32];
  uint64_t size;
  if (!dl__http_header(reply, "content-length", length, sizeof length) ||
      !dl__azure_number(length, &size) || size != about->size_bytes) {
    return false;
  }
  (void)dl__http_header(reply, "x-ms-meta-" DL__AZURE_META_DIGEST, ours, sizeof ours);
  (void)dl__http_header(reply, "x-ms-meta-" DL__AZURE_META_MD5, our_md5, sizeof our_md5);
  (void)dl__http_header(reply, "x-ms-meta-" DL__AZURE_META_PUSH, push, sizeof push);
  (void)dl__http_header(reply, "content-md5", md5, sizeof md5);
  dl__azure_digest(ours, our_md5, md5, digest);
  return strcmp(digest, about->digest) == 0 ||
         (strcmp(ours, about->digest) == 0 && strcmp(push, azure->push_id) == 0);
}

dl_status dl__azure_stored(dl__azure *azure, const dl__azure_about *about, char etag[DL_ETAG_SIZE],
                           dl_error *err) {
  char value[DL_ETAG_SIZE + 2];
  if (about->digest == NULL || about->digest[0] == '\0') return DL_ERR_CONFLICT;
  dl__azure_request request = {.method = "HEAD", .key = about->key};
  dl__http_reply reply;
  dl_error full = DL_ERROR_INIT;
  dl_status status = dl__azure_send(azure, &request, &reply, &full);
  bool stored = status == DL_OK && is_stored(azure, about, &reply) &&
                dl__http_header(&reply, "etag", value, sizeof value) && dl__azure_etag(value, etag);
  dl__http_reply_clear(&reply);
  if (stored) return DL_OK;
  if (full.retryable == 0 && status != DL_ERR_CANCELLED) return DL_ERR_CONFLICT;
  dl__error_copy(err, &full);
  return status;
}

dl_status dl__azure_fail_unproven(const char *key, const dl__http_reply *reply, const char *what,
                                  dl_error *err) {
  dl_error full = DL_ERROR_INIT;
  (void)dl__fail(&full, DL_ERR_NETWORK, key, "the service did not confirm %s; try again later",
                 what);
  full.http_status = reply->status;
  full.retryable = 1;
  dl__error_copy(err, &full);
  return DL_ERR_NETWORK;
}
