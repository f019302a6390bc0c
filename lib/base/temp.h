/* base/temp.h: a file that has no name of its own yet. It is written as .devlog-RANDOM.tmp beside
 * the place where it will be, and is renamed when it is complete. Names of that form are
 * hidden, and a living process holds a lock (flock) on the file: one whose lock is free belongs to
 * a dead process, and whoever comes across it may remove it. */
#ifndef DL_BASE_TEMP_H
#define DL_BASE_TEMP_H

#include <stdbool.h>

#define DL__TEMP_PREFIX ".devlog-"
#define DL__TEMP_SUFFIX ".tmp"
#define DL__TEMP_SIZE   (sizeof DL__TEMP_PREFIX + 16 + sizeof DL__TEMP_SUFFIX)

/* Makes one in the folder dir_fd (mode 0600) and gives its descriptor, locked; -1 and errno, and
 * name is "". */
int dl__temp_open(int dir_fd, char name[DL__TEMP_SIZE]);

/* True for such names, without a folder before them. */
bool dl__temp_is(const char *name);

#endif
