/* storage/memory.c: objects in the memory of this process, for tests and
 * examples. Everybody who opens memory://NAME shares one store; it is gone when
 * the last one closes it. memory_parts.c puts them in parts. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/vec.h"
#include "storage/memory.h"
#include "storage/providers.h"

static struct {
  pthread_mutex_t mutex;
  dl__memory_store *first;
} stores = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void dl__memory_clear(dl__memory_object *o) {
  free(o->key);
  free(o->data);
  free(o->digest);
  free(o->segments);
}

dl__memory_object *dl__memory_find(const dl__memory_store *s, const char *key) {
  for (size_t i = 0; i < s->locked.count; i++) {
    if (strcmp(s->locked.objects[i].key, key) == 0) return &s->locked.objects[i];
  }
  return NULL;
}

static dl_object view(const dl__memory_object *o) {
  dl_object v = DL_OBJECT_INIT;
  v.key = o->key;
  v.size_bytes = o->size;
  v.digest = o->digest;
  v.etag = o->etag;
  v.mtime_ns = o->mtime_ns;
  return v;
}

/* The callback of a listing may call the storage: it gets copies, unlocked. */
static bool copy_object(dl__memory_object *to, const dl__memory_object *from) {
  *to = (dl__memory_object){.size = from->size, .mtime_ns = from->mtime_ns};
  memcpy(to->etag, from->etag, sizeof to->etag);
  to->key = strdup(from->key);
  to->digest = from->digest != NULL ? strdup(from->digest) : NULL;
  if (to->key != NULL && (from->digest == NULL || to->digest != NULL)) return true;
  dl__memory_clear(to);
  return false;
}

static bool snapshot(dl__memory_store *s, const char *prefix, dl__memory_object **out,
                     size_t *count) {
  size_t length = strlen(prefix);
  bool copied = true;
  (void)pthread_mutex_lock(&s->locked.mutex);
  dl__memory_object *copies = calloc(s->locked.count + 1, sizeof *copies);
  *count = 0;
  for (size_t i = 0; copies != NULL && copied && i < s->locked.count; i++) {
    const dl__memory_object *from = &s->locked.objects[i];
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
  dl__memory *h = self;
  dl__memory_object *copies;
  size_t count;
  dl_status status = DL_OK;
  if (!snapshot(h->store, prefix, &copies, &count)) status = dl__fail_no_memory(err);
  for (size_t i = 0; status == DL_OK && i < count; i++) {
    dl_object v = view(&copies[i]);
    if (each(&v, user) != 0) status = dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  for (size_t i = 0; i < count; i++) dl__memory_clear(&copies[i]);
  free(copies);
  return status;
}

dl_status dl__memory_not_found(const char *key, dl_error *err) {
  return dl__fail(err, DL_ERR_NOT_FOUND, key, "no such object");
}

static dl_status memory_stat(void *self, const char *key, dl_object_fn each, void *user,
                             dl_error *err) {
  dl__memory_store *s = ((dl__memory *)self)->store;
  (void)pthread_mutex_lock(&s->locked.mutex);
  const dl__memory_object *found = dl__memory_find(s, key);
  dl__memory_object copy;
  bool copied = found != NULL && copy_object(&copy, found);
  (void)pthread_mutex_unlock(&s->locked.mutex);
  if (found == NULL) return dl__memory_not_found(key, err);
  if (!copied) return dl__fail_no_memory(err);
  dl_object v = view(&copy);
  bool stop = each(&v, user) != 0;
  dl__memory_clear(&copy);
  return stop ? dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped") : DL_OK;
}

dl_status dl__memory_read(const char *key, const dl_part *part, unsigned char *to, dl_error *err) {
  size_t size = (size_t)part->size_bytes;
  size_t done = 0;
  while (done < size) {
    size_t got = 0;
    dl_status status = part->read(part->read_user, done, to + done, size - done, &got, err);
    if (status != DL_OK) return status;
    if (got == 0 || got > size - done) {
      return dl__fail(err, DL_ERR_STORAGE, key, "not the number of bytes that was promised");
    }
    done += got;
  }
  return DL_OK;
}

dl_status dl__memory_describe(dl__memory_object *o, const char *key, const dl_commit_request *about,
                              dl_error *err) {
  o->key = strdup(key);
  o->digest = about->digest != NULL ? strdup(about->digest) : NULL;
  o->mtime_ns = about->mtime_ns;
  bool copied = o->key != NULL && (about->digest == NULL || o->digest != NULL);
  return copied ? DL_OK : dl__fail_no_memory(err);
}

dl_status dl__memory_check(const dl__memory_object *old, const dl_upload_request *target,
                           dl_error *err) {
  if (target->if_match == NULL) return DL_OK;
  if (old != NULL && strcmp(old->etag, target->if_match) == 0) return DL_OK;
  return dl__fail_conflict(err, target->key, "changed");
}

dl_status dl__memory_store_object(dl__memory_store *s, const dl_upload_request *target,
                                  dl__memory_object *o, dl_error *err) {
  dl__memory_object *old = dl__memory_find(s, target->key);
  if (target->if_absent != 0 && old != NULL) {
    return dl__fail_conflict(err, target->key, "stored");
  }
  dl_status status = dl__memory_check(old, target, err);
  if (status != DL_OK) return status;
  if (old == NULL) {
    if (!dl__vec_grow(&s->locked.objects, s->locked.count, &s->locked.capacity, sizeof *old)) {
      return dl__fail_no_memory(err);
    }
    old = &s->locked.objects[s->locked.count++];
    *old = (dl__memory_object){0};
  }
  (void)snprintf(o->etag, sizeof o->etag, "m%llu", (unsigned long long)++s->locked.version);
  dl__memory_clear(old);
  *old = *o;
  return DL_OK;
}

static dl_status read_object(const dl_put_request *request, dl__memory_object *o, dl_error *err) {
  if (request->size_bytes > SIZE_MAX - 1) return dl__fail_no_memory(err);
  o->size = (size_t)request->size_bytes;
  o->data = malloc(o->size + 1);
  if (o->data == NULL) return dl__fail_no_memory(err);
  dl_commit_request about = DL_COMMIT_REQUEST_INIT;
  about.digest = request->digest;
  about.mtime_ns = request->mtime_ns;
  dl_part all = DL_PART_INIT;
  all.size_bytes = request->size_bytes;
  all.read = request->read;
  all.read_user = request->read_user;
  dl_status status = dl__memory_describe(o, request->key, &about, err);
  return status == DL_OK ? dl__memory_read(request->key, &all, o->data, err) : status;
}

static dl_status memory_put(void *self, const dl_put_request *request, dl_put_result *result,
                            dl_error *err) {
  dl__memory_store *s = ((dl__memory *)self)->store;
  dl_upload_request target = DL_UPLOAD_REQUEST_INIT;
  target.key = request->key;
  target.if_absent = request->if_absent;
  target.if_match = request->if_match;
  dl__memory_object o = {0};
  dl_status status = read_object(request, &o, err);
  if (status == DL_OK) {
    (void)pthread_mutex_lock(&s->locked.mutex);
    status = dl__memory_store_object(s, &target, &o, err);
    (void)pthread_mutex_unlock(&s->locked.mutex);
  }
  if (status == DL_OK) {
    memcpy(result->etag, o.etag, sizeof o.etag);
  } else {
    dl__memory_clear(&o);
  }
  return status;
}

/* write may call the storage, so it gets a copy, unlocked. */
static dl_status memory_get(void *self, const dl_get_request *request, dl_error *err) {
  dl__memory_store *s = ((dl__memory *)self)->store;
  unsigned char *copy = NULL;
  size_t length = 0;
  (void)pthread_mutex_lock(&s->locked.mutex);
  const dl__memory_object *found = dl__memory_find(s, request->key);
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
  if (found == NULL) return dl__memory_not_found(request->key, err);
  if (copy == NULL) return dl__fail_no_memory(err);
  dl_status status = length > 0 ? request->write(request->write_user, copy, length, err) : DL_OK;
  free(copy);
  return status;
}

static dl_status memory_remove(void *self, const char *key, dl_error *err) {
  dl__memory_store *s = ((dl__memory *)self)->store;
  (void)pthread_mutex_lock(&s->locked.mutex);
  dl__memory_object *found = dl__memory_find(s, key);
  if (found != NULL) {
    dl__memory_clear(found);
    *found = s->locked.objects[--s->locked.count];
  }
  (void)pthread_mutex_unlock(&s->locked.mutex);
  return found != NULL ? DL_OK : dl__memory_not_found(key, err);
}

static void store_free(dl__memory_store *s) {
  for (size_t i = 0; i < s->locked.count; i++) dl__memory_clear(&s->locked.objects[i]);
  free(s->locked.objects);
  (void)pthread_mutex_destroy(&s->locked.mutex);
  free(s->name);
  free(s);
}

static void release(dl__memory_store *s) {
  (void)pthread_mutex_lock(&stores.mutex);
  bool last = --s->handles == 0;
  for (dl__memory_store **at = &stores.first; last && *at != NULL; at = &(*at)->next) {
    if (*at != s) continue;
    *at = s->next;
    break;
  }
  (void)pthread_mutex_unlock(&stores.mutex);
  if (last) store_free(s);
}

static void memory_close(void *self) {
  dl__memory *h = self;
  release(h->store);
  free(h);
}

static dl__memory_store *store_new(const char *name) {
  dl__memory_store *s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  s->name = strdup(name);
  if (s->name != NULL && pthread_mutex_init(&s->locked.mutex, NULL) == 0) return s;
  free(s->name);
  free(s);
  return NULL;
}

static dl__memory_store *acquire(const char *name) {
  (void)pthread_mutex_lock(&stores.mutex);
  dl__memory_store *s = stores.first;
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
  dl__memory *h = calloc(1, sizeof *h);
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
      .layout = dl__memory_layout,
      .upload_begin = dl__memory_upload_begin,
      .put_part = dl__memory_put_part,
      .reuse_part = dl__memory_reuse_part,
      .commit = dl__memory_commit,
      .upload_end = dl__memory_upload_end,
  };
  *out = &h->storage;
  return DL_OK;
}
