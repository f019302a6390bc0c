/* storage/storage.h: an open storage, as the stages of a push see it. The
 * wrappers here are the only callers of vtable slots: they check keys before a
 * slot sees them and what a slot gives back before anybody trusts it. */
#ifndef DL_STORAGE_STORAGE_H
#define DL_STORAGE_STORAGE_H

#include <stdbool.h>

#include <devlog/storage.h>

typedef struct dl__storage {
  const dl_storage *owner; /* as the factory gave it; NULL: closed */
  dl_storage slots;        /* of our own size; what the owner has not is NULL */
} dl__storage;

/* Opens what config names, inside a storage/retry; *out is closed with
 * dl__storage_close. */
dl_status dl__storage_open(const dl_config *config, dl__storage *out, dl_error *err);

/* Wraps a storage that is open already; *out owns it. DL_ERR_STORAGE: a required slot is missing.
 */
dl_status dl__storage_wrap(const dl_storage *owner, dl__storage *out, dl_error *err);
void dl__storage_close(dl__storage *storage);

/* True for a provider that dl__storage_open would find. */
bool dl__storage_known(const char *provider);

/* The provider that a URL means by itself ("https" means "azure"), into name of size bytes;
 * false: no SCHEME:// in front, or one too long. */
bool dl__storage_scheme(const char *url, char *name, size_t size);

/* True if key may name an object: see devlog/storage.h. */
bool dl__key_valid(const char *key);

/* As the slots of the same names. Objects handed to `each` are of our own size. */
dl_status dl__storage_list(const dl__storage *storage, const char *prefix, dl_object_fn each,
                           void *user, dl_error *err);

/* The same, with what no file of ours can be named after: foreign is set, and only the key
 * counts, which is to be shown and never to be used. */
dl_status dl__storage_list_all(const dl__storage *storage, const char *prefix, dl_object_fn each,
                               void *user, dl_error *err);
dl_status dl__storage_stat(const dl__storage *storage, const char *key, dl_object_fn each,
                           void *user, dl_error *err);
dl_status dl__storage_put(const dl__storage *storage, const dl_put_request *request,
                          dl_put_result *result, dl_error *err);
dl_status dl__storage_get(const dl__storage *storage, const dl_get_request *request, dl_error *err);
dl_status dl__storage_remove(const dl__storage *storage, const char *key, dl_error *err);

/* The inside of an object, as far as the storage is sure of it. */
typedef struct dl__layout {
  dl_segment *items; /* of our own size; first those of the object, in order */
  size_t count;
  size_t capacity;
  size_t committed;    /* so many are the object's, which they make up without gaps; 0: not known.
                          The others are staged, in any order. */
  uint64_t size_bytes; /* of the object */
  char etag[DL_ETAG_SIZE];
  bool blocked; /* see dl_layout */
} dl__layout;

/* True if objects can be put in parts. */
bool dl__storage_has_parts(const dl__storage *storage);

/* DL_ERR_NOT_FOUND: neither an object nor anything staged. The caller clears *out. */
dl_status dl__storage_layout(const dl__storage *storage, const char *key, dl__layout *out,
                             dl_error *err);
void dl__layout_clear(dl__layout *layout);

/* As the slots of the same names; only if dl__storage_has_parts. */
dl_status dl__storage_upload_begin(const dl__storage *storage, const dl_upload_request *request,
                                   dl_upload **out, dl_error *err);
dl_status dl__storage_put_part(const dl__storage *storage, dl_upload *upload, const dl_part *part,
                               dl_error *err);
dl_status dl__storage_reuse_part(const dl__storage *storage, dl_upload *upload, const dl_part *part,
                                 dl_error *err);
dl_status dl__storage_commit(const dl__storage *storage, dl_upload *upload,
                             const dl_commit_request *request, dl_put_result *result,
                             dl_error *err);
void dl__storage_upload_end(const dl__storage *storage, dl_upload *upload);

/* As the slots; nothing happens, and NULL, if the storage has not got them. */
void dl__storage_watch(const dl__storage *storage, dl_cancelled_fn cancelled, void *user);
const char *dl__storage_describe(const dl__storage *storage);

/* Reads a whole object and gives the digest ("sha256:...") and number of its bytes. */
dl_status dl__storage_digest(const dl__storage *storage, const char *key,
                             char digest[DL_DIGEST_SIZE], uint64_t *size_bytes, dl_error *err);

#endif
