/* storage/storage.c: takes calls from the stages of a push, checks them, calls
 * the slot, checks what comes back. A slot of a program's own storage is as
 * little trusted as a server. */
#include "storage/storage.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "storage/checked.h"
#include "storage/retry.h"

#define BACKOFF_BASE_MS 500
#define BACKOFF_CAP_MS  30000
#define RETRY_BUDGET    100

bool dl__key_valid(const char *key) {
  size_t total = strlen(key);
  if (total == 0 || total > DL_KEY_MAX) return false;
  for (const char *part = key; part != NULL;) {
    size_t length = strcspn(part, "/");
    bool dots = (length == 1 && part[0] == '.') || (length == 2 && memcmp(part, "..", 2) == 0);
    if (length == 0 || dots) return false;
    part = part[length] == '/' ? part + length + 1 : NULL;
  }
  return true;
}

dl_status dl__storage_check_key(const char *key, dl_error *err) {
  if (key != NULL && dl__key_valid(key)) return DL_OK;
  if (key != NULL && strlen(key) > DL_KEY_MAX) {
    return dl__fail(err, DL_ERR_ARGUMENT, key,
                    "the name is longer than the %d bytes that a key may have; shorten the path",
                    DL_KEY_MAX);
  }
  return dl__fail(err, DL_ERR_ARGUMENT, key, "not a valid key");
}

dl_status dl__storage_wrap(const dl_storage *owner, dl__storage *out, dl_error *err) {
  out->owner = owner;
  out->slots = (dl_storage){0};
  dl_storage *s = &out->slots;
  DL__TAKE(s, owner, caps);
  DL__TAKE(s, owner, self);
  DL__TAKE(s, owner, list);
  DL__TAKE(s, owner, stat);
  DL__TAKE(s, owner, put);
  DL__TAKE(s, owner, get);
  DL__TAKE(s, owner, close);
  DL__TAKE(s, owner, remove);
  DL__TAKE(s, owner, watch);
  DL__TAKE(s, owner, describe);
  dl__storage_take_parts(s, owner);
  if (s->list == NULL || s->stat == NULL || s->put == NULL || s->get == NULL || s->close == NULL) {
    return dl__fail(err, DL_ERR_STORAGE, NULL,
                    "the storage lacks one of the slots list, stat, put, get, close");
  }
  return DL_OK;
}

static uint32_t number(const dl_config *config, const char *name) {
  const char *text = dl_config_get(config, name);
  return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

/* The storage of config, tried again as config says. */
static dl_status create(const dl_config *config, const dl_storage **out, dl_error *err) {
  const dl_storage *plain;
  dl_status status = dl_storage_create(config, &plain, err);
  if (status != DL_OK) return status;
  uint64_t timeout_ms = (uint64_t)number(config, "sync.timeout") * 1000;
  dl__retry_policy policy = {
      .backoff = {BACKOFF_BASE_MS, BACKOFF_CAP_MS},
      .retries = number(config, "sync.retries"),
      .budget = RETRY_BUDGET,
      .give_up_ms = 2 * timeout_ms,
      .deadline_ms = 10 * timeout_ms,
      .clock = &dl__retry_real_clock,
  };
  return dl__retry_new(plain, &policy, out, err);
}

dl_status dl__storage_open(const dl_config *config, dl__storage *out, dl_error *err) {
  *out = (dl__storage){0};
  const dl_storage *owner;
  dl_status status = create(config, &owner, err);
  if (status != DL_OK) return status;
  status = dl__storage_wrap(owner, out, err);
  if (status != DL_OK) dl__storage_close(out);
  return status;
}

void dl__storage_close(dl__storage *storage) {
  dl_storage_close(storage->owner);
  storage->owner = NULL;
}

void dl_storage_close(const dl_storage *storage) {
  if (storage == NULL) return;
  size_t needed = offsetof(dl_storage, close) + sizeof storage->close;
  if (storage->struct_size >= needed && storage->close != NULL) storage->close(storage->self);
}

dl_status dl__storage_checked(dl_status status, const char *key, dl_error *err) {
  static const dl_status known[] = {
      DL_OK,
      DL_ERR_ARGUMENT,
      DL_ERR_NO_MEMORY,
      DL_ERR_CONFIG,
      DL_ERR_STORAGE,
      DL_ERR_AUTH,
      DL_ERR_NETWORK,
      DL_ERR_CONFLICT,
      DL_ERR_CANCELLED,
      DL_ERR_NOT_FOUND,
      DL_ERR_UNSUPPORTED,
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (status == known[i]) return status;
  }
  return dl__fail(err, DL_ERR_STORAGE, key, "the storage answered with the wrong status %d",
                  (int)status);
}

/* Brings objects of a storage to our own size before the engine sees them. */
typedef struct adapter {
  dl_object_fn each;
  void *user;
  const char *only; /* the key that was asked for; NULL: any */
  bool foreign;     /* tell names that are no keys, too */
  bool garbage;     /* the storage gave something that is no object */
  bool stopped;     /* each said so */
  size_t given;
} adapter;

static int adapt(const dl_object *object, void *user) {
  adapter *a = user;
  dl_object full = DL_OBJECT_INIT;
  if (object == NULL || object->struct_size < offsetof(dl_object, digest)) {
    a->garbage = true;
    return 1;
  }
  DL__TAKE(&full, object, foreign);
  DL__TAKE(&full, object, key);
  DL__TAKE(&full, object, size_bytes);
  DL__TAKE(&full, object, digest);
  DL__TAKE(&full, object, etag);
  DL__TAKE(&full, object, mtime_ns);
  if (full.key == NULL || (a->only != NULL && strcmp(full.key, a->only) != 0)) {
    a->garbage = true;
    return 1;
  }
  /* Other programs may have stored names that no file of ours can have. */
  full.foreign = full.foreign != 0 || !dl__key_valid(full.key) ? 1 : 0;
  if (full.foreign != 0 && !a->foreign) return 0;
  a->given++;
  int stop = a->each(&full, a->user);
  a->stopped = a->stopped || stop != 0;
  return stop;
}

static dl_status adapted(const adapter *a, dl_status status, dl_error *err) {
  if (a->garbage) {
    return dl__fail(err, DL_ERR_STORAGE, a->only, "the storage reported an object without a key");
  }
  if (a->stopped) return dl__fail(err, DL_ERR_CANCELLED, NULL, "the listing was stopped");
  return dl__storage_checked(status, a->only, err);
}

dl_status dl__storage_list(const dl__storage *storage, const char *prefix, dl_object_fn each,
                           void *user, dl_error *err) {
  adapter a = {.each = each, .user = user};
  dl_status status = storage->slots.list(storage->slots.self, prefix, adapt, &a, err);
  return adapted(&a, status, err);
}

dl_status dl__storage_list_all(const dl__storage *storage, const char *prefix, dl_object_fn each,
                               void *user, dl_error *err) {
  adapter a = {.each = each, .user = user, .foreign = true};
  dl_status status = storage->slots.list(storage->slots.self, prefix, adapt, &a, err);
  return adapted(&a, status, err);
}

dl_status dl__storage_stat(const dl__storage *storage, const char *key, dl_object_fn each,
                           void *user, dl_error *err) {
  dl_status status = dl__storage_check_key(key, err);
  if (status != DL_OK) return status;
  adapter a = {.each = each, .user = user, .only = key};
  status = adapted(&a, storage->slots.stat(storage->slots.self, key, adapt, &a, err), err);
  if (status == DL_OK && a.given != 1) {
    return dl__fail(err, DL_ERR_STORAGE, key, "the storage reported no object");
  }
  return status;
}

dl_status dl__storage_check_condition(const dl__storage *storage, const char *key, bool conditional,
                                      dl_error *err) {
  if (!conditional || (storage->slots.caps & DL_STORAGE_CONDITIONAL) != 0) return DL_OK;
  return dl__fail(err, DL_ERR_UNSUPPORTED, key, "the storage cannot store on a condition");
}

void dl__storage_take_etag(const char from[DL_ETAG_SIZE], char to[DL_ETAG_SIZE]) {
  memcpy(to, from, DL_ETAG_SIZE);
  if (memchr(to, '\0', DL_ETAG_SIZE) == NULL) to[0] = '\0';
}

dl_status dl__storage_put(const dl__storage *storage, const dl_put_request *request,
                          dl_put_result *result, dl_error *err) {
  dl_status status = dl__storage_check_key(request->key, err);
  if (status != DL_OK) return status;
  bool conditional = request->if_absent != 0 || request->if_match != NULL;
  status = dl__storage_check_condition(storage, request->key, conditional, err);
  if (status != DL_OK) return status;
  dl_put_result own = DL_PUT_RESULT_INIT;
  status = storage->slots.put(storage->slots.self, request, &own, err);
  dl__storage_take_etag(own.etag, result->etag);
  return status;
}

dl_status dl__storage_get(const dl__storage *storage, const dl_get_request *request,
                          dl_error *err) {
  dl_status status = dl__storage_check_key(request->key, err);
  if (status != DL_OK) return status;
  return storage->slots.get(storage->slots.self, request, err);
}

dl_status dl__storage_remove(const dl__storage *storage, const char *key, dl_error *err) {
  dl_status status = dl__storage_check_key(key, err);
  if (status != DL_OK) return status;
  if (storage->slots.remove == NULL) {
    return dl__fail(err, DL_ERR_UNSUPPORTED, key, "the storage cannot remove objects");
  }
  return dl__storage_checked(storage->slots.remove(storage->slots.self, key, err), key, err);
}

void dl__storage_watch(const dl__storage *storage, dl_cancelled_fn cancelled, void *user) {
  if (storage->slots.watch != NULL) storage->slots.watch(storage->slots.self, cancelled, user);
}

const char *dl__storage_describe(const dl__storage *storage) {
  return storage->slots.describe != NULL ? storage->slots.describe(storage->slots.self) : NULL;
}

typedef struct digester {
  dl__hash hash;
  uint64_t size_bytes;
} digester;

static dl_status digest_piece(void *user, const void *data, size_t size, dl_error *err) {
  digester *d = user;
  d->size_bytes += size;
  return dl__hash_add(&d->hash, data, size, err);
}

dl_status dl__storage_digest(const dl__storage *storage, const char *key,
                             char digest[DL_DIGEST_SIZE], uint64_t *size_bytes, dl_error *err) {
  digester d = {0};
  dl_status status = dl__hash_init(&d.hash, false, err);
  if (status != DL_OK) return status;
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = key;
  request.write = digest_piece;
  request.write_user = &d;
  status = dl__storage_get(storage, &request, err);
  if (status == DL_OK) status = dl__hash_end(&d.hash, digest, err);
  *size_bytes = d.size_bytes;
  dl__hash_clear(&d.hash);
  return status;
}
