/* push/config_file.c: finds the config file, refuses one that cannot be one or
 * that others could have written, and gives its text to config_ini.c. */
#include "push/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"

#define FILE_SIZE_MAX 65536

/* Whoever can write the file decides where the logs go. */
static dl_status check_file(const char *path, int fd, dl_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0) {
    return dl__fail_errno(err, DL_ERR_CONFIG, errno, path, "%s: cannot look at the config file",
                          path);
  }
  if (!S_ISREG(st.st_mode)) {
    return dl__fail(err, DL_ERR_CONFIG, path,
                    "%s: the config file is not a regular file: name another one", path);
  }
  if (st.st_uid != geteuid() && st.st_uid != 0) {
    return dl__fail(err, DL_ERR_CONFIG, path,
                    "%s: the config file belongs to another user, who could send your logs "
                    "elsewhere: make a copy of your own",
                    path);
  }
  if ((st.st_mode & S_IWOTH) != 0) {
    return dl__fail(err, DL_ERR_CONFIG, path,
                    "%s: every user of this machine can write the config file: chmod o-w it", path);
  }
  return DL_OK;
}

static dl_status refuse_open(const char *path, int errnum, dl_error *err) {
  if (errnum == ENOENT || errnum == ENOTDIR) {
    return dl__fail_errno(err, DL_ERR_CONFIG, errnum, path,
                          "%s: there is no such config file: write it or name another one", path);
  }
  return dl__fail_errno(err, DL_ERR_CONFIG, errnum, path, "%s: cannot open the config file", path);
}

dl_status dl__config_read_file(dl_config *config, dl_error *err) {
  const char *path = dl_config_get(config, "config");
  if (path == NULL) return DL_OK;
  bool named = dl__config_rank_of(config, DL__CONFIG_FILE) != DL__RANK_DEFAULT;
  /* Not blocking: opening a FIFO would wait for a writer. */
  DL__AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    bool missing = errno == ENOENT || errno == ENOTDIR;
    return missing && !named ? DL_OK : refuse_open(path, errno, err);
  }
  dl_status status = check_file(path, fd, err);
  if (status != DL_OK) return status;
  DL__AUTO_FREE char *text = malloc(FILE_SIZE_MAX + 2);
  if (text == NULL) return dl__fail_no_memory(err);
  ssize_t size = dl__fs_pread(fd, text, FILE_SIZE_MAX + 1, 0);
  if (size < 0) {
    return dl__fail_errno(err, DL_ERR_CONFIG, errno, path, "%s: cannot read the config file", path);
  }
  if (size > FILE_SIZE_MAX) {
    return dl__fail(err, DL_ERR_CONFIG, path,
                    "%s: larger than %d bytes: this is not a config file, name another one", path,
                    FILE_SIZE_MAX);
  }
  text[size] = '\0';
  free(config->file);
  config->file = strdup(path);
  if (config->file == NULL) return dl__fail_no_memory(err);
  return dl__config_parse(config, path, text, (size_t)size, err);
}
