/* storage/memory.h: what the files memory*.c share. */
#ifndef DL_STORAGE_MEMORY_H
#define DL_STORAGE_MEMORY_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/storage.h>

typedef struct dl__memory_object {
  char *key;
  unsigned char *data;
  size_t size;
  char *digest; /* or NULL */
  char etag[32];
  int64_t mtime_ns;
  dl_segment *segments; /* of a commit; NULL: put whole */
  size_t segment_count;
} dl__memory_object;

typedef struct dl__memory_store {
  struct dl__memory_store *next;
  char *name;
  size_t handles; /* under stores.mutex */
  struct {
    pthread_mutex_t mutex;
    dl__memory_object *objects;
    size_t count;
    size_t capacity;
    uint64_t version; /* number of puts so far */
  } locked;
} dl__memory_store;

/* The `self` of the slots. */
typedef struct dl__memory {
  dl_storage storage;
  dl__memory_store *store;
} dl__memory;

void dl__memory_clear(dl__memory_object *o);
dl_status dl__memory_not_found(const char *key, dl_error *err);

/* Takes all bytes of a part from its read. */
dl_status dl__memory_read(const char *key, const dl_part *part, unsigned char *to, dl_error *err);

/* Sets key, digest and time; the caller clears o, also on failure. */
dl_status dl__memory_describe(dl__memory_object *o, const char *key, const dl_commit_request *about,
                              dl_error *err);

/* These with the store locked. */
dl__memory_object *dl__memory_find(const dl__memory_store *s, const char *key);

/* DL_ERR_CONFLICT: old, which may be NULL, is not what target->if_match says. */
dl_status dl__memory_check(const dl__memory_object *old, const dl_upload_request *target,
                           dl_error *err);

/* Puts o in its place, gives it its ETag, and owns what it holds: only after DL_OK. */
dl_status dl__memory_store_object(dl__memory_store *s, const dl_upload_request *target,
                                  dl__memory_object *o, dl_error *err);

/* The slots for parts. */
dl_status dl__memory_layout(void *self, const char *key, dl_segment_fn each, void *user,
                            dl_layout *out, dl_error *err);
dl_status dl__memory_upload_begin(void *self, const dl_upload_request *request, dl_upload **out,
                                  dl_error *err);
dl_status dl__memory_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err);
dl_status dl__memory_reuse_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err);
dl_status dl__memory_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                            dl_put_result *result, dl_error *err);
void dl__memory_upload_end(void *self, dl_upload *upload);

#endif
