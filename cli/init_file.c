/* cli/init_file.c: takes a configuration, makes the folder and the config file; never touches what
 * is there. */
#include "init_file.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init_text.h"

static dl_status fail(dl_error *err, dl_status status, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static dl_status fail(dl_error *err, dl_status status, const char *path, const char *format, ...) {
  char message[1024];
  va_list args;
  va_start(args, format);
  if (vsnprintf(message, sizeof message, format, args) < 0) message[0] = '\0';
  va_end(args);
  return dl_error_set(err, status, path, message);
}

static dl_status fail_exists(const char *path, dl_error *err) {
  return fail(err, DL_ERR_CONFIG, path,
              "%s exists already and is left as it is: edit it, or name another one with --config; "
              "'devlog status' shows what comes of it",
              path);
}

dl_status init_file_absent(const char *path, dl_error *err) {
  struct stat st;
  if (lstat(path, &st) == 0) return fail_exists(path, err);
  if (errno == ENOENT || errno == ENOTDIR) return DL_OK;
  return fail(err, DL_ERR_CONFIG, path, "cannot look at %s: %s", path, strerror(errno));
}

/* One folder, unless it is there. */
static dl_status make_folder(const char *path, dl_error *err) {
  struct stat st;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) {
    return fail(err, DL_ERR_CONFIG, path, "cannot make the folder %s: %s", path, strerror(errno));
  }
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return DL_OK;
  return fail(err, DL_ERR_CONFIG, path, "%s is not a folder: move it away, or name another one",
              path);
}

dl_status init_file_folder(const char *path, dl_error *err) {
  char part[PATH_MAX];
  dl_status status = DL_OK;
  for (size_t i = 1; status == DL_OK && path[i - 1] != '\0'; i++) {
    if (i >= sizeof part) {
      return fail(err, DL_ERR_CONFIG, path, "the name of the folder is too long");
    }
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    status = make_folder(part, err);
  }
  return status;
}

dl_status init_file_folders(const char *base, dl_error *err) {
  static const char *const inside[] = {"events", "entries"};
  dl_status status = DL_OK;
  for (size_t i = 0; status == DL_OK && i < sizeof inside / sizeof inside[0]; i++) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", base, inside[i]);
    if (length < 0 || (size_t)length >= sizeof path) {
      return fail(err, DL_ERR_CONFIG, base, "the name of the folder is too long");
    }
    status = init_file_folder(path, err);
  }
  return status;
}

/* What the library makes of the file must be what was asked for. */
static dl_status check(const char *path, const dl_config *wanted, dl_error *err) {
  dl_config *config = NULL;
  dl_status status = dl_config_new(&config, err);
  if (status == DL_OK) {
    status = dl_config_set(config, "base", dl_config_get(wanted, "base"), err);
  }
  if (status == DL_OK) status = dl_config_set(config, "config", path, err);
  if (status == DL_OK) status = dl_config_load(config, err);
  const char *url = status == DL_OK ? dl_config_get(config, "remote.url") : NULL;
  bool same = url != NULL && strcmp(url, dl_config_get(wanted, "remote.url")) == 0;
  if (status == DL_ERR_CONFIG || (status == DL_OK && !same)) {
    status = fail(err, DL_ERR_CONFIG, NULL,
                  "this URL cannot stand in a config file: write its spaces, quotes and ; as "
                  "%%20, %%22, %%27 and %%3B, and take one of at most 180 bytes");
  }
  dl_config_free(config);
  return status;
}

/* Fills the temporary file and gives it its name, unless somebody else was faster. */
static dl_status fill(int fd, const char *temp, const dl_config *config, const char *url,
                      dl_error *err) {
  const char *path = dl_config_get(config, "config");
  FILE *out = fdopen(fd, "w");
  if (out == NULL) {
    (void)close(fd);
    return dl_error_set(err, DL_ERR_NO_MEMORY, NULL, "out of memory");
  }
  bool written = init_text_write(out, config, url) && fsync(fd) == 0;
  int errnum = errno;
  if (fclose(out) != 0 && written) {
    errnum = errno;
    written = false;
  }
  if (!written) {
    return fail(err, DL_ERR_CONFIG, path, "cannot write %s: %s", path, strerror(errnum));
  }
  dl_status status = check(temp, config, err);
  if (status != DL_OK) return status;
  if (link(temp, path) == 0) return DL_OK;
  if (errno == EEXIST) return fail_exists(path, err);
  return fail(err, DL_ERR_CONFIG, path, "cannot make %s: %s", path, strerror(errno));
}

dl_status init_file_write(const dl_config *config, const char *url, dl_error *err) {
  const char *path = dl_config_get(config, "config");
  const char *slash = strrchr(path, '/');
  int folder = slash != NULL ? (int)(slash - path) + 1 : 0;
  char temp[PATH_MAX];
  int length = snprintf(temp, sizeof temp, "%.*s.devlog-init-XXXXXX", folder, path);
  if (length < 0 || (size_t)length >= sizeof temp) {
    return fail(err, DL_ERR_CONFIG, path, "the name of the config file is too long");
  }
  int fd = mkstemp(temp); /* mode 600 */
  if (fd < 0) {
    return fail(err, DL_ERR_CONFIG, path, "cannot write %s: %s", path, strerror(errno));
  }
  dl_status status = fill(fd, temp, config, url, err);
  (void)unlink(temp);
  return status;
}
