/* storage/directory.h: what the files directory*.c share. */
#ifndef DL_STORAGE_DIRECTORY_H
#define DL_STORAGE_DIRECTORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <devlog/storage.h>

#include "base/temp.h"

/* Bytes that are read or written at once. */
#define DL__DIRECTORY_PIECE ((size_t)128 * 1024)

typedef struct dl__directory {
  dl_storage storage;
  char *root;
  struct {
    pthread_mutex_t mutex;
    char **leftovers; /* keys of temporary files that a listing came across */
    size_t count;
    size_t capacity;
  } locked;
} dl__directory;

/* Removes the temporary files that a listing found and no living process holds. Only
 * before something is stored: to list changes nothing. */
void dl__directory_sweep(dl__directory *d);

/* An object on its way: a locked temporary file beside the place where it will be. */
typedef struct dl__draft {
  int dir_fd;
  int fd;
  const char *name;         /* of the object within its folder; borrowed of the key */
  char temp[DL__TEMP_SIZE]; /* "": none, or published */
} dl__draft;

/* clang-format off */
#define DL__DRAFT_INIT {-1, -1, NULL, ""}
/* clang-format on */

/* Makes one. The caller clears it, also on failure; one that was not published leaves nothing. */
dl_status dl__draft_open(dl__directory *d, const char *key, dl__draft *draft, dl_error *err);
void dl__draft_clear(dl__draft *draft);

/* Writes the bytes of a part to their place. Any thread. */
dl_status dl__draft_write(const dl__directory *d, const char *key, const dl__draft *draft,
                          const dl_part *part, dl_error *err);

/* Time, digest, segments, and all of it safe on the disk. -1 and errno. */
int dl__draft_seal(const dl__draft *draft, const dl_commit_request *about);

/* Gives it its name, if the condition holds; it stays a draft otherwise. */
dl_status dl__draft_publish(const dl__directory *d, const dl_upload_request *target,
                            dl__draft *draft, dl_put_result *result, dl_error *err);

/* The slots. */
dl_status dl__directory_put(void *self, const dl_put_request *request, dl_put_result *result,
                            dl_error *err);
dl_status dl__directory_layout(void *self, const char *key, dl_segment_fn each, void *user,
                               dl_layout *out, dl_error *err);
dl_status dl__directory_upload_begin(void *self, const dl_upload_request *request, dl_upload **out,
                                     dl_error *err);
dl_status dl__directory_put_part(void *self, dl_upload *upload, const dl_part *part, dl_error *err);
dl_status dl__directory_reuse_part(void *self, dl_upload *upload, const dl_part *part,
                                   dl_error *err);
dl_status dl__directory_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                               dl_put_result *result, dl_error *err);
void dl__directory_upload_end(void *self, dl_upload *upload);

/* Opens an object for reading. */
dl_status dl__directory_open_object(const dl__directory *d, const char *key, int *fd,
                                    struct stat *st, dl_error *err);

/* The error for a system call that failed: "cannot VERB ROOT/KEY". */
dl_status dl__directory_fail(const dl__directory *d, int errnum, const char *key, const char *verb,
                             dl_error *err);

int dl__directory_open_root(const dl__directory *d);

/* DL_OK if the folder, which is not there, can be made. */
dl_status dl__directory_check_parent(const dl__directory *d, dl_error *err);

/* fsync of a folder; -1 and errno. */
int dl__directory_sync(int dir_fd);

void dl__directory_etag(const struct stat *st, char etag[DL_ETAG_SIZE]);

/* What is kept beside the bytes of a file in extended attributes; see directory_attr.c. What
 * cannot be written is not there to be read, and that is no failure. */
bool dl__directory_read_digest(int fd, const struct stat *st, char digest[DL_DIGEST_SIZE]);
void dl__directory_write_digest(int fd, const struct stat *st, const char *digest);
void dl__directory_write_segments(int fd, const struct stat *st, const dl_commit_request *request);

/* Calls each for every segment that is sure; DL_OK also if there are none. */
dl_status dl__directory_tell_segments(int fd, const struct stat *st, dl_segment_fn each, void *user,
                                      dl_error *err);

/* Removes all of it. */
void dl__directory_forget(int fd);

#endif
