/* storage/azure.h: what the files azure*.c share: one open container. */
#ifndef DL_STORAGE_AZURE_H
#define DL_STORAGE_AZURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <devlog/storage.h>

#include "net/http.h"
#include "storage/azure_auth.h"
#include "storage/azure_block.h"
#include "storage/azure_url.h"

/* Our metadata. Names of a-z0-9 only, none a prefix of another: the service sorts
 * the headers that it signs in an order of its own. */
#define DL__AZURE_META_DIGEST "devlogdigest"
#define DL__AZURE_META_MTIME  "devlogmtime"
#define DL__AZURE_META_MD5    "devlogmd5"  /* Base64; our digest counts while this is Content-MD5 */
#define DL__AZURE_META_PUSH   "devlogpush" /* push_id of the storage that stored it */

typedef struct dl__azure {
  dl_storage storage;
  dl__azure_url url;
  dl__http *http;
  dl__azure_auth *auth;
  bool create;         /* make the container when it is missing */
  atomic_bool missing; /* it is, and may be made */
  atomic_uint makings; /* how often that was tried */
  struct {             /* under the mutex: the last try */
    pthread_mutex_t mutex;
    dl_status status;
    dl_error error;
  } making;
  char *describe;
  char push_id[17];            /* 16 hex digits, another one each time a storage is opened */
  atomic_llong clock_offset_s; /* the service's clock minus ours, as of its last complaint */
} dl__azure;

/* One request to the service. */
typedef struct dl__azure_request {
  const char *method;
  const char *key;            /* NULL: the container itself */
  const char *const *query;   /* pairs name, value; ended by NULL; or NULL */
  const char *const *headers; /* lines "Name: value"; ended by NULL; or NULL */
  const void *body;
  uint64_t body_bytes;
  dl_read_fn read; /* body in pieces, instead of body */
  void *read_user;
  dl_write_fn write; /* where a 2xx body goes; NULL: collected */
  void *write_user;
} dl__azure_request;

/* Sends it, authorized; signs anew once if the token or the clock was the problem,
 * and makes the container if that is missing and allowed: before what stores is sent,
 * if it is known by then, else once it is told. DL_OK: a 2xx reply
 * of the service. Else the service's "no" in our words. Clear *reply in any case. */
dl_status dl__azure_send(dl__azure *azure, const dl__azure_request *request, dl__http_reply *reply,
                         dl_error *err);

/* Makes the container if `missing` says so. Threads that come while one does wait for it, and
 * get its failure as theirs. */
dl_status dl__azure_make_container(dl__azure *azure, dl_error *err);

/* True if the service names this reason in the header of its reply. */
bool dl__azure_has_code(const dl__http_reply *reply, const char *code);

/* Turns a reply that is not 2xx into an error that says what to do.
 * offset_s: what was added to our clock for the date of the request. */
dl_status dl__azure_fail(const dl__azure *azure, const dl__azure_request *request,
                         const dl__http_reply *reply, int64_t offset_s, dl_error *err);

/* The service's clock minus ours, by the Date header of the reply, if the request's
 * date was further off than it allows (15 minutes); else false. */
bool dl__azure_clock_wrong(const dl__http_reply *reply, int64_t offset_s, int64_t *right_s);

/* What is said about the content of a blob: text of DL__AZURE_META_DIGEST and _MD5
 * and of Content-MD5, each may be "". Gives our digest if it belongs to the content
 * that is there, else the service's "md5:...", else "". */
void dl__azure_digest(const char *ours, const char *our_md5, const char *md5,
                      char digest[DL_DIGEST_SIZE]);

/* The slots. */
dl_status dl__azure_list(void *self, const char *prefix, dl_object_fn each, void *user,
                         dl_error *err);
dl_status dl__azure_stat(void *self, const char *key, dl_object_fn each, void *user, dl_error *err);
dl_status dl__azure_get(void *self, const dl_get_request *request, dl_error *err);
dl_status dl__azure_put(void *self, const dl_put_request *request, dl_put_result *result,
                        dl_error *err);

dl_status dl__azure_layout(void *self, const char *key, dl_segment_fn each, void *user,
                           dl_layout *out, dl_error *err);
dl_status dl__azure_upload_begin(void *self, const dl_upload_request *request, dl_upload **out,
                                 dl_error *err);
dl_status dl__azure_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err);
dl_status dl__azure_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                           dl_put_result *result, dl_error *err);
void dl__azure_upload_end(void *self, dl_upload *upload);

/* The id of a staged block of a key that has nothing else. DL_ERR_NOT_FOUND: a blob, or nothing. */
dl_status dl__azure_staged_id(dl__azure *azure, const char *key, char id[DL__AZURE_BLOCK_ID_SIZE],
                              dl_error *err);

/* "0x8D..." with or without quotes becomes the bare text; false: too long or odd. */
bool dl__azure_etag(const char *value, char etag[DL_ETAG_SIZE]);

/* True for a text that our metadata can hold as a digest and that is one. */
bool dl__azure_digest_valid(const char *text);

/* True for the text of an ETag, without quotes. */
bool dl__azure_etag_valid(const char *etag);

/* A decimal number and nothing else, below 10^19; else false. */
bool dl__azure_number(const char *text, uint64_t *value);

/* "md5:..." from the Base64 of a Content-MD5; false: it is none. */
bool dl__azure_md5_digest(const char *base64, char digest[DL_DIGEST_SIZE]);

#endif
