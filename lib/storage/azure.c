/* storage/azure.c: Azure Blob Storage: block blobs of one container, below a
 * prefix. This file opens it, and looks at and removes single blobs; azure_list.c
 * lists, azure_get.c reads, azure_put.c stores, azure_layout.c and azure_commit.c look at
 * and make blobs of blocks, azure_call.c sends, azure_container.c makes the
 * container, azure_error.c explains. */
#include "storage/azure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "storage/providers.h"

bool dl__azure_etag_valid(const char *etag) {
  size_t length = strlen(etag);
  if (length == 0 || length >= DL_ETAG_SIZE || strcmp(etag, "*") == 0) return false;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)etag[i];
    if (c <= 0x20 || c == 0x7f || c == '"') return false;
  }
  return true;
}

bool dl__azure_etag(const char *value, char etag[DL_ETAG_SIZE]) {
  size_t length = strlen(value);
  etag[0] = '\0';
  if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
    value++;
    length -= 2;
  }
  if (length >= DL_ETAG_SIZE) return false;
  memcpy(etag, value, length);
  etag[length] = '\0';
  if (dl__azure_etag_valid(etag)) return true;
  etag[0] = '\0';
  return false;
}

bool dl__azure_number(const char *text, uint64_t *value) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 19 || text[digits] != '\0') return false;
  *value = strtoull(text, NULL, 10);
  return true;
}

bool dl__azure_md5_digest(const char *base64, char digest[DL_DIGEST_SIZE]) {
  uint8_t raw[DL__BASE64_ROOM(24)];
  size_t size = 0;
  digest[0] = '\0';
  if (strlen(base64) != 24 || !dl__base64_decode(base64, 24, raw, &size)) return false;
  if (size != DL__MD5_BYTES) return false;
  dl__md5_text(raw, digest);
  return true;
}

bool dl__azure_digest_valid(const char *text) {
  size_t length = strlen(text);
  return length > 0 && length < DL_DIGEST_SIZE && strchr(text, ':') != NULL &&
         strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_:") == length;
}

void dl__azure_digest(const char *ours, const char *our_md5, const char *md5,
                      char digest[DL_DIGEST_SIZE]) {
  bool same = md5[0] != '\0' && strcmp(our_md5, md5) == 0;
  if (!dl__azure_md5_digest(md5, digest)) digest[0] = '\0';
  if (same && dl__azure_digest_valid(ours)) memcpy(digest, ours, strlen(ours) + 1);
}

/* An object from the header of a reply to HEAD or GET. */
static dl_status give(const char *key, const dl__http_reply *reply, dl_object_fn each, void *user,
                      dl_error *err) {
  char value[DL_DIGEST_SIZE];
  char ours[DL_DIGEST_SIZE];
  char our_md5[64];
  char md5[64];
  char etag[DL_ETAG_SIZE];
  char digest[DL_DIGEST_SIZE];
  dl_object object = DL_OBJECT_INIT;
  object.key = key;
  if (!dl__http_header(reply, "content-length", value, sizeof value)) {
    return dl__fail(err, DL_ERR_STORAGE, key, "the service does not say how large the blob is");
  }
  object.size_bytes = strtoull(value, NULL, 10);
  if (dl__http_header(reply, "etag", value, sizeof value) && dl__azure_etag(value, etag)) {
    object.etag = etag;
  }
  (void)dl__http_header(reply, "x-ms-meta-" DL__AZURE_META_DIGEST, ours, sizeof ours);
  (void)dl__http_header(reply, "x-ms-meta-" DL__AZURE_META_MD5, our_md5, sizeof our_md5);
  (void)dl__http_header(reply, "content-md5", md5, sizeof md5);
  dl__azure_digest(ours, our_md5, md5, digest);
  if (digest[0] != '\0') object.digest = digest;
  if (dl__http_header(reply, "x-ms-meta-" DL__AZURE_META_MTIME, value, sizeof value)) {
    object.mtime_ns = strtoll(value, NULL, 10);
  }
  if (each(&object, user) == 0) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
}

dl_status dl__azure_stat(void *self, const char *key, dl_object_fn each, void *user,
                         dl_error *err) {
  dl__azure_request request = {.method = "HEAD", .key = key};
  dl__http_reply reply;
  dl_status status = dl__azure_send(self, &request, &reply, err);
  if (status == DL_OK) status = give(key, &reply, each, user, err);
  dl__http_reply_clear(&reply);
  return status;
}

static dl_status azure_remove(void *self, const char *key, dl_error *err) {
  dl__azure_request request = {.method = "DELETE", .key = key};
  dl__http_reply reply;
  dl_status status = dl__azure_send(self, &request, &reply, err);
  dl__http_reply_clear(&reply);
  return status;
}

static void azure_watch(void *self, dl_cancelled_fn cancelled, void *user) {
  dl__http_watch(((dl__azure *)self)->http, cancelled, user);
}

static const char *azure_describe(void *self) {
  return ((dl__azure *)self)->describe;
}

static void azure_close(void *self) {
  dl__azure *azure = self;
  (void)pthread_mutex_destroy(&azure->making.mutex);
  dl__azure_auth_free(azure->auth);
  dl__http_free(azure->http);
  dl__azure_url_clear(&azure->url);
  free(azure->describe);
  free(azure);
}

static uint32_t number(const dl_config *config, const char *name) {
  const char *text = dl_config_get(config, name);
  return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static dl_status make_push_id(dl__azure *azure, dl_error *err) {
  uint64_t mark;
  ssize_t got;
  do {
    got = getrandom(&mark, sizeof mark, 0);
  } while (got < 0 && errno == EINTR);
  if (got != (ssize_t)sizeof mark) {
    return dl__fail_errno(err, DL_ERR_STORAGE, errno, NULL, "no random number to be had");
  }
  (void)snprintf(azure->push_id, sizeof azure->push_id, "%016" PRIx64, mark);
  return DL_OK;
}

static dl_status open_azure(dl__azure *azure, const dl_config *config, dl_error *err) {
  const char *url = dl_config_get(config, "remote.url");
  dl_status status = dl__azure_url_parse(url, &azure->url, err);
  if (status == DL_OK) status = make_push_id(azure, err);
  if (status != DL_OK) return status;
  dl__http_settings settings = {dl_config_get(config, "remote.ca_file"),
                                number(config, "sync.timeout")};
  status = dl__http_new(&settings, &azure->http, err);
  if (status == DL_OK) {
    status = dl__azure_auth_new(config, &azure->url, azure->http, &azure->auth, err);
  }
  if (status != DL_OK) return status;
  const char *create = dl_config_get(config, "remote.create");
  azure->create = create != NULL && strcmp(create, "yes") == 0;
  azure->describe =
      dl__format("Azure Blob Storage, account %s, container %s; login: %s", azure->url.account,
                 azure->url.container, dl__azure_auth_describe(azure->auth));
  return azure->describe != NULL ? DL_OK : dl__fail_no_memory(err);
}

dl_status dl__azure_new(const dl_config *config, void *user, const dl_storage **out,
                        dl_error *err) {
  (void)user;
  dl__azure *azure = calloc(1, sizeof *azure);
  if (azure == NULL || pthread_mutex_init(&azure->making.mutex, NULL) != 0) {
    free(azure);
    return dl__fail_no_memory(err);
  }
  azure->storage = (dl_storage){
      .struct_size = sizeof azure->storage,
      .caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL | DL_STORAGE_WANTS_MD5 |
              DL_STORAGE_CHECKS_CRC64 | DL_STORAGE_PARTS_BY_CONTENT,
      .self = azure,
      .list = dl__azure_list,
      .stat = dl__azure_stat,
      .put = dl__azure_put,
      .get = dl__azure_get,
      .close = azure_close,
      .remove = azure_remove,
      .watch = azure_watch,
      .describe = azure_describe,
      .layout = dl__azure_layout,
      .upload_begin = dl__azure_upload_begin,
      .put_part = dl__azure_put_part,
      .commit = dl__azure_commit,
      .upload_end = dl__azure_upload_end,
  };
  dl_status status = open_azure(azure, config, err);
  if (status != DL_OK) {
    azure_close(azure);
    return status;
  }
  *out = &azure->storage;
  return DL_OK;
}
