/* storage/directory.h: what the files directory*.c share. */
#ifndef DL_STORAGE_DIRECTORY_H
#define DL_STORAGE_DIRECTORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <devlog/storage.h>

/* Bytes that are read or written at once. */
#define DL__DIRECTORY_PIECE ((size_t)128 * 1024)

/* Objects on their way have such names, with 16 hex digits between; no key may end
 * in one. */
#define DL__DIRECTORY_TEMP_PREFIX ".devlog-"
#define DL__DIRECTORY_TEMP_SUFFIX ".tmp"

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

/* The slot. */
dl_status dl__directory_put(void *self, const dl_put_request *request, dl_put_result *result,
                            dl_error *err);

/* The error for a system call that failed: "cannot VERB ROOT/KEY". */
dl_status dl__directory_fail(const dl__directory *d, int errnum, const char *key, const char *verb,
                             dl_error *err);

int dl__directory_open_root(const dl__directory *d);

/* DL_OK if the folder, which is not there, can be made. */
dl_status dl__directory_check_parent(const dl__directory *d, dl_error *err);

/* fsync of a folder; -1 and errno. */
int dl__directory_sync(int dir_fd);

bool dl__directory_is_temp(const char *name);
void dl__directory_etag(const struct stat *st, char etag[DL_ETAG_SIZE]);
void dl__directory_write_digest(int fd, const struct stat *st, const char *digest);

#endif
