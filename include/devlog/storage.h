/* devlog/storage.h: the storage vtable: somewhere bytes can live.
 *
 * A storage keeps objects: a key, some bytes, and a little about them. The
 * library comes with `azure` (Azure Blob Storage), `file` (a local or mounted
 * folder) and `memory` (for tests and examples); a program brings its own by filling a dl_storage
 * and registering a factory for it (examples/custom_storage.c is a whole one).
 *
 * A storage stays plain: it does one thing, once, and says truly how it went.
 * Retries, limits, workers and comparison are the library's work.
 *
 * Keys are 1 to 1,024 bytes, any byte but NUL, with `/` as the only separator;
 * never with an empty, "." or ".." part. The library checks that before it
 * calls a slot. Keys need not be UTF-8 and must come back as they were given.
 */
#ifndef DEVLOG_STORAGE_H
#define DEVLOG_STORAGE_H

#include <stddef.h>
#include <stdint.h>

#include <devlog/config.h>
#include <devlog/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The longest key, in bytes, without the NUL; the limit of Azure Blob Storage
 * ("Naming and Referencing Containers, Blobs, and Metadata") and of S3. */
#define DL_KEY_MAX 1024

/* Room for an ETag with its NUL. */
#define DL_ETAG_SIZE 128

/* Room for a digest with its NUL: "sha256:" and 64 lower-case hex digits, or
 * another algorithm's name and digits. */
#define DL_DIGEST_SIZE 144

/* What is known of an object without reading it. */
typedef struct dl_object {
  uint32_t struct_size;
  uint32_t foreign; /* 1, in a listing only: key is no key, but the name of something that no key
                       stands for; it is told so that people can hear of it. A storage need not. */
  const char *key;
  uint64_t size_bytes;
  const char *digest; /* digest of the content, as given to put, or an "md5:..." of the storage's
                         own; NULL: not known. A storage reports it only if the content is sure
                         not to have changed since. */
  const char *etag;   /* changes whenever the content does; opaque; NULL: the storage has none */
  int64_t mtime_ns;   /* the file's time of last change as given to put, in ns since 1970 UTC; if
                         none was given, the storage's own or 0 */
} dl_object;

/* clang-format off */
#define DL_OBJECT_INIT {sizeof(dl_object), 0, NULL, 0, NULL, NULL, 0}
/* clang-format on */

/* Receives one object of a listing. The object is borrowed: valid during the call.
 * @return 0 to go on; anything else ends the listing, and list returns DL_ERR_CANCELLED. */
typedef int (*dl_object_fn)(const dl_object *object, void *user);

/* Gives the bytes of an object that is being put.
 * Offsets rise from 0 without gaps; offset 0 once more starts over (a retry).
 * @param size  room in buf, in bytes, above 0.
 * @param got   receives the bytes given: at most size, 0 only at the end.
 * @return DL_OK; anything else: the put must fail with this status, and nothing
 *         of it may be visible. The last piece fails like this if the file
 *         changed on the way, so a put counts only after read gave every byte. */
typedef dl_status (*dl_read_fn)(void *user, uint64_t offset_bytes, void *buf, size_t size,
                                size_t *got, dl_error *err);

/* Takes the next bytes of an object that is being read.
 * @return DL_OK; anything else ends the get, which returns it. */
typedef dl_status (*dl_write_fn)(void *user, const void *data, size_t size, dl_error *err);

/* What to store. Everything is borrowed for the time of the call. */
typedef struct dl_put_request {
  uint32_t struct_size;
  uint32_t if_absent; /* 1: only if there is no such object; else fail with DL_ERR_CONFLICT */
  const char *key;
  uint64_t size_bytes;  /* exactly so many bytes come from read */
  const char *digest;   /* digest of those bytes, to be kept beside them; or NULL */
  const char *if_match; /* only if the object exists and has this ETag, else DL_ERR_CONFLICT;
                           NULL: no condition */
  int64_t mtime_ns;     /* to be kept beside the content; 0: none */
  const uint8_t *md5;   /* 16 bytes: MD5 of the content, if caps says WANTS_MD5; or NULL */
  dl_read_fn read;
  void *read_user;
} dl_put_request;

/* clang-format off */
#define DL_PUT_REQUEST_INIT {sizeof(dl_put_request), 0, NULL, 0, NULL, NULL, 0, NULL, NULL, NULL}
/* clang-format on */

/* What a put reports. */
typedef struct dl_put_result {
  uint32_t struct_size;
  char etag[DL_ETAG_SIZE]; /* the ETag of the new object, or "" */
} dl_put_result;

/* clang-format off */
#define DL_PUT_RESULT_INIT {sizeof(dl_put_result), ""}
/* clang-format on */

/* One piece of an object that is made of parts. */
typedef struct dl_segment {
  uint32_t struct_size;
  uint32_t staged;     /* 1: put for a commit that has not come (yet); 0: a piece of the object */
  uint64_t size_bytes; /* above 0 */
  uint8_t sha256[32];  /* of its bytes */
} dl_segment;

/* clang-format off */
#define DL_SEGMENT_INIT {sizeof(dl_segment), 0, 0, {0}}
/* clang-format on */

/* Receives one segment of a layout. Borrowed: valid during the call.
 * @return 0 to go on; anything else ends the layout, which returns DL_ERR_CANCELLED. */
typedef int (*dl_segment_fn)(const dl_segment *segment, void *user);

/* What a layout says besides the segments. */
typedef struct dl_layout {
  uint32_t struct_size;
  uint32_t blocked;    /* 1: another program has staged parts that ours cannot stand beside; a put
                          of the whole object clears them away */
  uint64_t size_bytes; /* of the object; 0 if there are staged parts only */
  char etag[DL_ETAG_SIZE]; /* of the object that the segments are of; "" if there is none */
} dl_layout;

/* clang-format off */
#define DL_LAYOUT_INIT {sizeof(dl_layout), 0, 0, ""}
/* clang-format on */

/* An object that is being put in parts; the storage's own. */
typedef struct dl_upload dl_upload;

/* What is begun. Everything is borrowed until upload_end. */
typedef struct dl_upload_request {
  uint32_t struct_size;
  uint32_t if_absent; /* as in dl_put_request; holds at the commit */
  const char *key;
  uint64_t size_bytes;  /* of the whole new object */
  const char *if_match; /* as in dl_put_request; holds at the commit. Set if parts are reused: they
                           are those of the object with this ETag. */
} dl_upload_request;

/* clang-format off */
#define DL_UPLOAD_REQUEST_INIT {sizeof(dl_upload_request), 0, NULL, 0, NULL}
/* clang-format on */

/* One part. Everything is borrowed for the time of the call. */
typedef struct dl_part {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t offset_bytes; /* where it stands in the new object */
  uint64_t size_bytes;   /* above 0 */
  uint64_t from_bytes;   /* reuse_part: where it stands in the object that is there */
  uint64_t crc64;        /* CRC-64/NVME of its bytes (polynomial 0xAD93D23594C93659, reflected, init
                            and xorout all ones; of "123456789" 0xAE8B14860A799888) */
  uint8_t sha256[32];    /* of its bytes */
  dl_read_fn read;       /* put_part: gives the bytes; offsets count from the start of the part */
  void *read_user;
} dl_part;

/* clang-format off */
#define DL_PART_INIT {sizeof(dl_part), 0, 0, 0, 0, 0, {0}, NULL, NULL}
/* clang-format on */

/* What an object is to be made of. Everything is borrowed for the time of the call. */
typedef struct dl_commit_request {
  uint32_t struct_size;
  uint32_t reserved;
  const dl_segment *const *segments; /* all of the object, in order, without gaps; each one was put,
                                        reused, or (PARTS_BY_CONTENT) is staged */
  size_t segment_count;
  const char *digest; /* as in dl_put_request */
  int64_t mtime_ns;
  const uint8_t *md5; /* 16 bytes: MD5 of the whole content, to be kept; or NULL */
} dl_commit_request;

/* clang-format off */
#define DL_COMMIT_REQUEST_INIT {sizeof(dl_commit_request), 0, NULL, 0, NULL, 0, NULL}
/* clang-format on */

/* What to read. Everything is borrowed for the time of the call. */
typedef struct dl_get_request {
  uint32_t struct_size;
  uint32_t reserved;
  const char *key;
  uint64_t offset_bytes; /* where to start; the end of the object or later gives no bytes */
  uint64_t length_bytes; /* how much at most; 0: to the end */
  dl_write_fn write;
  void *write_user;
} dl_get_request;

/* clang-format off */
#define DL_GET_REQUEST_INIT {sizeof(dl_get_request), 0, NULL, 0, 0, NULL, NULL}
/* clang-format on */

/* dl_storage.caps */
#define DL_STORAGE_THREAD_SAFE 1u /* slots may be called by several threads at once */
#define DL_STORAGE_CONDITIONAL 2u /* put honours if_match and if_absent */
#define DL_STORAGE_WANTS_MD5   4u /* put is to be told the MD5 of the content */
#define DL_STORAGE_VOLATILE                                                                        \
  8u /* objects may be gone in the next process: what the state                                    \
        remembers of them is not believed */
#define DL_STORAGE_CHECKS_CRC64                                                                    \
  16u /* put_part has its bytes compared with crc64 by the other side, and fails with              \
         DL_ERR_SOURCE_CHANGED if they differ. Without this the library checks them as it          \
         hands them out. */
#define DL_STORAGE_PARTS_BY_CONTENT                                                                \
  32u /* a part is known by its content, so that one put (or staged by an earlier push that        \
         was not committed) serves wherever the same bytes stand; reuse_part is not called */

/* Asks whether the push was cancelled: non-zero means that the storage should
 * give up what it waits for and return DL_ERR_CANCELLED. Callable by any thread. */
typedef int (*dl_cancelled_fn)(void *user);

/* The vtable. Slots are only ever added at the end; a slot that struct_size
 * does not reach, or that is NULL, is a thing that the storage cannot do.
 * Every slot with an err returns a dl_status and fills err, which may be NULL:
 *   DL_ERR_NOT_FOUND  no such object (stat, get, remove)
 *   DL_ERR_CONFLICT   a condition of the put does not hold
 *   DL_ERR_ARGUMENT, DL_ERR_UNSUPPORTED  this storage cannot hold such an object (put)
 *   DL_ERR_AUTH, DL_ERR_NETWORK, DL_ERR_NO_MEMORY, DL_ERR_CANCELLED
 *   DL_ERR_STORAGE    anything else
 * A failure that may pass (the remote is busy, a connection broke) also sets
 * err->retryable, and the library tries again after a while.
 * Slots are called by one thread at a time unless caps says THREAD_SAFE, but
 * not always by the same thread. */
typedef struct dl_storage {
  uint32_t struct_size;
  uint32_t caps;
  void *self; /* handed to every slot */

  /* Calls each for every object whose key starts with prefix ("" for all), in
   * any order; one that starts over within a call may hand out an object twice.
   * A remote that put is going to make lists nothing; a storage that could not
   * look everywhere fails. Required. */
  dl_status (*list)(void *self, const char *prefix, dl_object_fn each, void *user, dl_error *err);

  /* Calls each once for the object with this key. Required. */
  dl_status (*stat)(void *self, const char *key, dl_object_fn each, void *user, dl_error *err);

  /* Stores an object, or replaces it, in one step that others see whole or not
   * at all. DL_OK only when the bytes are safe there. Required. */
  dl_status (*put)(void *self, const dl_put_request *request, dl_put_result *result, dl_error *err);

  /* Hands the bytes of an object to request->write, in order. Required. */
  dl_status (*get)(void *self, const dl_get_request *request, dl_error *err);

  /* Frees everything that belongs to the storage, and the dl_storage itself if
   * the factory allocated it. Required. */
  void (*close)(void *self);

  /* Removes an object. Optional. */
  dl_status (*remove)(void *self, const char *key, dl_error *err);

  /* Called before each push, pull, verify or compare with the remote: how to ask,
   * during a long wait, whether to go on. Optional. */
  void (*watch)(void *self, dl_cancelled_fn cancelled, void *user);

  /* One line for people on what is reached and how it is logged in to, without
   * any secret; owned by the storage. Optional. */
  const char *(*describe)(void *self);

  /* Objects in parts. A storage has all of the slots from here to upload_end or
   * none (only reuse_part may be missing, with PARTS_BY_CONTENT); without them every
   * object is put whole. A part once put is not seen by others before the commit.
   *
   * Tells the segments of an object in order, then the staged ones; all that it
   * tells is sure. An object whose inside is not known (put whole, or by another
   * program) has no segments. A retry starts over.
   * DL_ERR_NOT_FOUND: there is neither an object nor a staged part. */
  dl_status (*layout)(void *self, const char *key, dl_segment_fn each, void *user, dl_layout *out,
                      dl_error *err);

  /* Begins an upload; *out is the storage's and goes to the slots below until
   * upload_end. DL_ERR_CONFLICT: the object with the ETag if_match is not there. */
  dl_status (*upload_begin)(void *self, const dl_upload_request *request, dl_upload **out,
                            dl_error *err);

  /* Puts one part; DL_OK only if all of its bytes are there. Parts of an upload come
   * in any order, with THREAD_SAFE also at the same time.
   * DL_ERR_SOURCE_CHANGED: the bytes that came have another crc64. */
  dl_status (*put_part)(void *self, dl_upload *upload, const dl_part *part, dl_error *err);

  /* Takes one part over from the object that is there, without its bytes. */
  dl_status (*reuse_part)(void *self, dl_upload *upload, const dl_part *part, dl_error *err);

  /* Makes the object of its parts, in one step that others see whole or not at all. May
   * be called again after a failure.
   * DL_ERR_CONFLICT: the condition does not hold; DL_ERR_NOT_FOUND: a part is not
   * there any more: it has to be put again. */
  dl_status (*commit)(void *self, dl_upload *upload, const dl_commit_request *request,
                      dl_put_result *result, dl_error *err);

  /* Frees the upload. One that was not committed leaves nothing that others see; parts
   * may stay for a later layout to tell them as staged. */
  void (*upload_end)(void *self, dl_upload *upload);
} dl_storage;

/* clang-format off */
#define DL_STORAGE_INIT \
  {sizeof(dl_storage), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
   NULL, NULL, NULL}
/* clang-format on */

/* Makes a storage for a configuration. It makes no request yet: what is wrong
 * at the remote shows at the first slot that is called.
 * @param config  borrowed; dl_config_get(config, "remote.url") says what to open.
 * @param user    as given to dl_storage_register.
 * @param out     receives the storage, which must stay where it is until close.
 * @return DL_OK, DL_ERR_CONFIG, DL_ERR_NO_MEMORY. */
typedef dl_status (*dl_storage_factory)(const dl_config *config, void *user, const dl_storage **out,
                                        dl_error *err);

/* Adds a storage for URLs that start with SCHEME:// to this process. To register
 * a scheme again replaces its factory for storages that are made afterwards;
 * the built-in ones (azure, file, memory; http and https are azure's) cannot be replaced.
 * @param scheme   a lower-case letter, then at most 30 lower-case letters, digits,
 *                 `+`, `-` or `.`. Copied.
 * @param factory  makes the storage. May be called by any thread that uses the library.
 * @param user     handed to factory; must live as long as the process uses the library.
 * @return DL_OK; DL_ERR_ARGUMENT: bad or built-in scheme, no factory, or more than
 *         32 schemes.
 * Threads: any. Since: 0.1 */
DL_API dl_status dl_storage_register(const char *scheme, dl_storage_factory factory, void *user,
                                     dl_error *err);

/* Makes the storage that config names; to use a remote without pushing to it.
 * @param out  receives it; the caller ends it with dl_storage_close.
 * @return DL_OK; DL_ERR_CONFIG: no URL, unknown provider, or what the factory
 *         refused; DL_ERR_STORAGE: the factory made none; DL_ERR_ARGUMENT,
 *         DL_ERR_NO_MEMORY.
 * Threads: any. Since: 0.1 */
DL_API dl_status dl_storage_create(const dl_config *config, const dl_storage **out, dl_error *err);

/* Ends a storage that dl_storage_create made. NULL: nothing happens. Since: 0.1 */
DL_API void dl_storage_close(const dl_storage *storage);

#ifdef __cplusplus
}
#endif

#endif
