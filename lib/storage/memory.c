/* storage/memory.c: objects in the memory of this process, for tests and
 * examples. Everybody who opens memory://NAME shares one store; it is gone when
 * the last one closes it. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/vec.h"
#include "storage/providers.h"

typedef struct object {
  char *key;
  unsigned char *data;
  size_t size;
  char *digest; /* or NULL */
  char etag[32];
  int64_t mtime_ns;
} object;

typedef struct store {
  struct store *next;
  char *name;
  size_t handles; /* under stores.mutex */
  struct {
    pthread_mutex_t mutex;
    object *objects;
    size_t count;
    size_t capacity;
    uint64_t version; /* number of puts so far */
  } locked;
} store;

typedef struct handle {
  dl_storage storage;
  store *store;
} handle;

static struct {
  pthread_mutex_t mutex;
  store *first;
} stores = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void object_clear(object *o) {
  free(o->key);
  free(o->data);
  free(o->digest);
}

/* Call these with the store locked. */
static object *find(const store *s, const char *key) {
  for (size_t i = 0; i < s->locked.count; i++) {
    if (strcmp(s->locked.objects[i].key, key) == 0) return &s->locked.objects[i];
  }
  return NULL;
}

static dl_object view(const object *o) {
  dl_object v = DL_OBJECT_INIT;
  v.key = o->key;
  v.size_bytes = o->size;
  v.digest = o->digest;
  v.etag = o->etag;
  v.mtime_ns = o->mtime_ns;
  return v;
}

/* The callback of a listing may call the storage: it gets copies, unlocked. */
static bool copy_object(object *to, const object *from) {
  *to = (object){.size = from->size, .mtime_ns = from->mtime_ns};
  memcpy(to->etag, from->etag, sizeof to->etag);
  to->key = strdup(from->key);
  to->digest = from->digest != NULL ? strdup(from->digest) : NULL;
  if (to->key != NULL && (from->digest == NULL || to->digest != NULL)) return true;
  object_clear(to);
  return false;
}

static bool snapshot(store *s, const char *prefix, object **out, size_t *count) {
  size_t length = strlen(prefix);
  bool copied = true;
  (void)pthread_mutex_lock(&s->locked.mutex);
  object *copies = calloc(s->locked.count + 1, sizeof *copies);
  *count = 0;
  for (size_t i = 0; copies != NULL && copied && i < s->locked.count; i++) {
    const object *from = &s->locked.objects[i];
    if (strncmp(from->key, prefix, length) != 0) continue;
    copied = copy_object(&copies[*count], from);
    if (copied) (*count)++;
  }
  (void)pthread_mutex_unlock(&s->locked.mutex);
  *out = copies;
  return copies != NULL && copied;
}

static dl_status memory_list(void *self, const char *prefix, dl_object_fn each, void *user,
                             dl_error *err) {
  handle *h = self;
  object *copies;
  size_t count;
  dl_status status = DL_OK;
  if (!snapshot(h->store, prefix, &copies, &count)) status = dl__fail_no_memory(err);
  for (size_t i = 0; status == DL_OK && i < count; i++) {
    dl_object v = view(&copies[i]);
    if (each(&v, user) != 0) status = dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  for (size_t i = 0; i < count; i++) object_clear(&copies[i]);
  free(copies);
  return status;
}

static dl_status not_found(const char *key, dl_error *err) {
  return dl__fail(err, DL_ERR_NOT_FOUND, key, "no such object");
}

static dl_status memory_stat(void *self, const char *key, dl_object_fn each, void *user,
                             dl_error *err) {
  store *s = ((handle *)self)->store;
  (void)pthread_mutex_lock(&s->locked.mutex);
  const object *found = find(s, key);
  object copy;
  bool copied = found != NULL && copy_object(&copy, found);
  (void)pthread_mutex_unlock(&s->locked.mutex);
  if (found == NULL) return not_found(key, err);
  if (!copied) return dl__fail_no_memory(err);
  dl_object v = view(&copy);
  bool stop = each(&v, user) != 0;
  object_clear(&copy);
  return stop ? dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped") : DL_OK;
}

static dl_status read_all(const dl_put_request *request, object *o, dl_error *err) {
  if (request->size_bytes > SIZE_MAX - 1) return dl__fail_no_memory(err);
  o->size = (size_t)request->size_bytes;
  o->data = malloc(o->size + 1);
  o->key = strdup(request->key);
  o->digest = request->digest != NULL ? strdup(request->digest) : NULL;
  o->mtime_ns = request->mtime_ns;
  if (o->data == NULL || o->key == NULL || (request->digest != NULL && o->digest == NULL)) {
    return dl__fail_no_memory(err);
  }
  size_t done = 0;
  while (done < o->size) {
    size_t got = 0;
    dl_status status =
        request->read(request->read_user, done, o->data + done, o->size - done, &got, err);
    if (status != DL_OK) return status;
    if (got == 0 || got > o->size - done) {
      return dl__fail(err, DL_ERR_STORAGE, request->key,
                      "not the number of bytes that was promised");
    }
    done += got;
  }
  return DL_OK;
}

static dl_status store_object(store *s, const dl_put_request *request, object *o, dl_error *err) {
  object *old = find(s, request->key);
  if (request->if_absent != 0 && old != NULL) {
    return dl__fail(err, DL_ERR_CONFLICT, request->key,
                    "somebody else stored it meanwhile; push again to compare anew");
  }
  if (request->if_match != NULL && (old == NULL || strcmp(old->etag, request->if_match) != 0)) {
    return dl__fail(err, DL_ERR_CONFLICT, request->key,
                    "somebody else changed it meanwhile; push again to compare anew");
  }
  if (old == NULL) {
    if (!dl__vec_grow(&s->locked.objects, s->locked.count, &s->locked.capacity, sizeof *old)) {
      return dl__fail_no_memory(err);
    }
    old = &s->locked.objects[s->locked.count++];
    *old = (object){0};
  }
  (void)snprintf(o->etag, sizeof o->etag, "m%llu", (unsigned long long)++s->locked.version);
  object_clear(old);
  *old = *o;
  return DL_OK;
}

static dl_status memory_put(void *self, const dl_put_request *request, dl_put_result *result,
                            dl_error *err) {
  store *s = ((handle *)self)->store;
  object o = {0};
  dl_status status = read_all(request, &o, err);
  if (status == DL_OK) {
    (void)pthread_mutex_lock(&s->locked.mutex);
    status = store_object(s, request, &o, err);
    (void)pthread_mutex_unlock(&s->locked.mutex);
  }
  if (status == DL_OK) {
    memcpy(result->etag, o.etag, sizeof o.etag);
  } else {
    object_clear(&o);
  }
  return status;
}

/* write may call the storage, so it gets a copy, unlocked. */
static dl_status memory_get(void *self, const dl_get_request *request, dl_error *err) {
  store *s = ((handle *)self)->store;
  unsigned char *copy = NULL;
  size_t length = 0;
  (void)pthread_mutex_lock(&s->locked.mutex);
  const object *found = find(s, request->key);
  if (found != NULL) {
    size_t offset =
        request->offset_bytes < found->size ? (size_t)request->offset_bytes : found->size;
    length = found->size - offset;
    if (request->length_bytes > 0 && request->length_bytes < length) {
      length = (size_t)request->length_bytes;
    }
    copy = malloc(length + 1);
    if (copy != NULL) memcpy(copy, found->data + offset, length);
  }
  (void)pthread_mutex_unlock(&s->locked.mutex);
  if (found == NULL) return not_found(request->key, err);
  if (copy == NULL) return dl__fail_no_memory(err);
  dl_status status = length > 0 ? request->write(request->write_user, copy, length, err) : DL_OK;
  free(copy);
  return status;
}

static dl_status memory_remove(void *self, const char *key, dl_error *err) {
  store *s = ((handle *)self)->store;
  (void)pthread_mutex_lock(&s->locked.mutex);
  object *found = find(s, key);
  if (found != NULL) {
    object_clear(found);
    *found = s->locked.objects[--s->locked.count];
  }
  (void)pthread_mutex_unlock(&s->locked.mutex);
  return found != NULL ? DL_OK : not_found(key, err);
}

static void store_free(store *s) {
  for (size_t i = 0; i < s->locked.count; i++) object_clear(&s->locked.objects[i]);
  free(s->locked.objects);
  (void)pthread_mutex_destroy(&s->locked.mutex);
  free(s->name);
  free(s);
}

static void release(store *s) {
  (void)pthread_mutex_lock(&stores.mutex);
  bool last = --s->handles == 0;
  for (store **at = &stores.first; last && *at != NULL; at = &(*at)->next) {
    if (*at != s) continue;
    *at = s->next;
    break;
  }
  (void)pthread_mutex_unlock(&stores.mutex);
  if (last) store_free(s);
}

static void memory_close(void *self) {
  handle *h = self;
  release(h->store);
  free(h);
}

static store *store_new(const char *name) {
  store *s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  s->name = strdup(name);
  if (s->name != NULL && pthread_mutex_init(&s->locked.mutex, NULL) == 0) return s;
  free(s->name);
  free(s);
  return NULL;
}

static store *acquire(const char *name) {
  (void)pthread_mutex_lock(&stores.mutex);
  store *s = stores.first;
  while (s != NULL && strcmp(s->name, name) != 0) s = s->next;
  if (s == NULL) {
    s = store_new(name);
    if (s != NULL) {
      s->next = stores.first;
      stores.first = s;
    }
  }
  if (s != NULL) s->handles++;
  (void)pthread_mutex_unlock(&stores.mutex);
  return s;
}

dl_status dl__memory_new(const dl_config *config, void *user, const dl_storage **out,
                         dl_error *err) {
  (void)user;
  const char *url = dl_config_get(config, "remote.url");
  static const char prefix[] = "memory://";
  if (url == NULL || strncmp(url, prefix, sizeof prefix - 1) != 0) {
    return dl__fail(err, DL_ERR_CONFIG, url, "remote.url must be memory://NAME");
  }
  handle *h = calloc(1, sizeof *h);
  if (h == NULL) return dl__fail_no_memory(err);
  h->store = acquire(url + sizeof prefix - 1);
  if (h->store == NULL) {
    free(h);
    return dl__fail_no_memory(err);
  }
  h->storage = (dl_storage){
      .struct_size = sizeof h->storage,
      .caps = DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL | DL_STORAGE_VOLATILE,
      .self = h,
      .list = memory_list,
      .stat = memory_stat,
      .put = memory_put,
      .get = memory_get,
      .close = memory_close,
      .remove = memory_remove,
  };
  *out = &h->storage;
  return DL_OK;
}
