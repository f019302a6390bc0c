/* base/walk.h: visits everything below a directory, in the order of the keys. */
#ifndef DL_BASE_WALK_H
#define DL_BASE_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

#include <devlog/error.h>

typedef struct dl__walk_entry {
  const char *key;       /* path below the start, '/'-separated */
  const char *name;      /* its last part */
  int dir_fd;            /* the directory that holds name */
  const struct stat *st; /* of the entry itself, not of what a symbolic link points to */
} dl__walk_entry;

/* Called for each entry, directories included, but "." and "..". A directory is
 * entered after the call if it set *enter. Anything but DL_OK ends the walk. */
typedef dl_status (*dl__walk_fn)(const dl__walk_entry *entry, bool *enter, void *user,
                                 dl_error *err);

/* Walks below root_fd (a directory; stays open, its offset is not used). The keys
 * of files come sorted by their bytes; a directory comes where KEY/ would. An entry that vanishes
 * meanwhile, or is a folder no more or only now, is left out; any other failure to read ends the
 * walk with status `failed` and names the place. root_name: how messages call the start. */
dl_status dl__walk(int root_fd, const char *root_name, dl_status failed, dl__walk_fn fn, void *user,
                   dl_error *err);

#endif
