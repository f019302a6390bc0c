/* push/target.h: one local file that is to be made or replaced, so that others see
 * the old one or the new one, whatever happens on the way, and never a path out of the folder.
 *
 *     dl__target_find     the folder of the file, and what stands there
 *     dl__target_make     .devlog-RANDOM.tmp beside it, locked, to be filled
 *     dl__target_publish  time, fsync, the name, fsync of the folder
 *
 * Names of that form are hidden, so no push takes them; one whose lock is free belongs to a
 * dead process, and dl__target_sweep removes it. A file that is being replaced has for a moment
 * the second name .devlog-old-RANDOM.NAME: what a dead process left of those may be the only copy
 * of something, and the sweep makes it NAME.orig. */
#ifndef DL_PUSH_TARGET_H
#define DL_PUSH_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include <devlog/error.h>

#include "base/fs.h"
#include "base/temp.h"

/* Room for the name of a file that is kept beside. */
#define DL__TARGET_KEPT_SIZE 272

typedef struct dl__target {
  const char *key;
  const char *name; /* its last part */
  int dir_fd;       /* the folder that holds it; -1: there is none yet */
  bool there;       /* there is a regular file of this name */
  unsigned mode;    /* its permissions */
  dl__stamp stamp;  /* what it was when it was found */
  int fd;           /* the temporary file; -1: none */
  char temp[DL__TEMP_SIZE];
  char kept_as[DL__TARGET_KEPT_SIZE]; /* DL__OLD_KEPT: the name that the old one has now */
} dl__target;

/* Looks where key (borrowed) is, or would be, below dir_fd. create: makes the folders on the way.
 * DL_ERR_DOWNLOAD: something is in the way: a link, a folder, a file where a folder has to be.
 * The caller clears *target, also on failure. */
dl_status dl__target_find(dl__target *target, int dir_fd, const char *key, bool create,
                          dl_error *err);

/* Removes the temporary file, if it was not published. */
void dl__target_clear(dl__target *target);

dl_status dl__target_make(dl__target *target, dl_error *err);

/* What becomes of the file that stands there. */
typedef enum dl__target_old {
  DL__OLD_REPLACED, /* if it is still as it was found; else DL_ERR_SOURCE_CHANGED */
  DL__OLD_KEPT      /* it is kept beside as NAME.orig, or NAME.orig.N */
} dl__target_old;

/* Gives the temporary file its name; *stamp is that of the new file. A name that was free when it
 * was looked for, and is not any more, is DL_ERR_SOURCE_CHANGED. An old file that somebody else
 * has locked (flock) is waited for some seconds; then DL_ERR_DOWNLOAD.
 * mtime_ns: its time of last change; 0: now. */
dl_status dl__target_publish(dl__target *target, dl__target_old old, int64_t mtime_ns,
                             dl__stamp *stamp, dl_error *err);

/* Removes what dead processes left in the folder that holds key, or gives it back as .orig. What
 * fails is left to the next time. */
void dl__target_sweep(int dir_fd, const char *key);

#endif
