/* fuzz_listing.c: any bytes as pages of "List Blobs", with a byte 0xff between two. Whatever
 * they are, what is handed out is an object as devlog/storage.h has it; and who asks for less gets
 * the same less. */
#include "base/hash.h"
#include "reply.h"
#include "storage/azure.h"
#include "storage/azure_name.h"
#include "support/digests.h"

#define PREFIX "me/"

dl_status __wrap_dl__azure_send(dl__azure *azure, const dl__azure_request *request,
                                dl__http_reply *reply, dl_error *err);

static const uint8_t *next;
static size_t left;

/* Behind the last page stands an empty one. */
dl_status __wrap_dl__azure_send(dl__azure *azure, const dl__azure_request *request,
                                dl__http_reply *reply, dl_error *err) {
  static const char empty[] = "<EnumerationResults/>";
  (void)azure;
  (void)request;
  (void)err;
  *reply = (dl__http_reply){.status = 200};
  const uint8_t *end = left > 0 ? memchr(next, 0xff, left) : NULL;
  size_t size = end != NULL ? (size_t)(end - next) : left;
  if (size > 0) require(dl__buf_add(&reply->body, next, size));
  if (left == 0) require(dl__buf_add(&reply->body, empty, sizeof empty - 1));
  if (size > 0) next += size;
  left -= size;
  if (left > 0) {
    next++;
    left--;
  }
  return DL_OK;
}

typedef struct seen {
  const char *prefix; /* that was asked for */
  dl__buf inside;     /* keys that start with "ev", each with its NUL */
  size_t told, stop_at;
} seen;

/* A key has one name, and that has this key. */
static void check_key(const char *key) {
  dl__buf name = {0};
  dl__buf back = {0};
  bool ours = false;
  char *whole = joined(PREFIX, key);
  require(dl__azure_name_add(&name, whole));
  require(dl__azure_name_decode(&back, name.data, &ours) && ours);
  require(strcmp(back.data, whole) == 0);
  dl__buf_clear(&name);
  dl__buf_clear(&back);
  free(whole);
}

/* No key has this name. */
static void check_foreign(const char *name) {
  dl__buf key = {0};
  bool ours = true;
  char *whole = joined(PREFIX, name);
  require(dl__azure_name_decode(&key, whole, &ours) && !ours);
  dl__buf_clear(&key);
  free(whole);
}

static int take(const dl_object *object, void *user) {
  seen *s = user;
  require(object->struct_size == sizeof *object && object->foreign <= 1);
  require(object->key != NULL && object->key[0] != '\0');
  require(strncmp(object->key, s->prefix, strlen(s->prefix)) == 0);
  require(object->etag == NULL || dl__azure_etag_valid(object->etag));
  require(object->digest == NULL || digest_valid(object->digest) ||
          md5_text_valid(object->digest) || dl__azure_digest_valid(object->digest));
  if (object->foreign == 0)
    check_key(object->key);
  else
    check_foreign(object->key);
  if (strncmp(object->key, "ev", 2) == 0) {
    require(dl__buf_add(&s->inside, object->key, strlen(object->key) + 1));
  }
  return ++s->told == s->stop_at;
}

static dl_status list(const uint8_t *data, size_t size, seen *s, dl_error *err) {
  char prefix[] = PREFIX;
  dl__azure azure = {.url = {.prefix = prefix}};
  next = data;
  left = size;
  return dl__azure_list(&azure, s->prefix, take, s, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  dl_error err = DL_ERROR_INIT;
  seen all = {.prefix = ""};
  seen some = {.prefix = "ev"};
  dl_status status = list(data, size, &all, &err);
  require(status == DL_OK || status == DL_ERR_STORAGE);
  require(status == DL_OK || err.message[0] != '\0');
  require(list(data, size, &some, NULL) == status);
  require(all.inside.length == some.inside.length);
  require(all.inside.length == 0 ||
          memcmp(all.inside.data, some.inside.data, all.inside.length) == 0);
  if (all.told > 0) {
    seen half = {.prefix = "", .stop_at = (all.told + 1) / 2};
    require(list(data, size, &half, NULL) == DL_ERR_CANCELLED && half.told == half.stop_at);
    dl__buf_clear(&half.inside);
  }
  dl__buf_clear(&all.inside);
  dl__buf_clear(&some.inside);
  return 0;
}
