/* push/config_check.c: dl_config_validate. Takes the values in force and says
 * whether they make sense together, and if not, which one to change and where. */
#include "push/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/url.h"
#include "storage/storage.h"

/* Refuses the value of a key; the message starts with the place where it was given. */
static dl_status refuse(const dl_config *config, dl__config_key key, const char *why,
                        dl_error *err) {
  const dl__config_name *name = &dl__config_names[key];
  dl__config_rank rank = dl__config_rank_of(config, key);
  if (rank == DL__RANK_FILE) {
    return dl__fail(err, DL_ERR_CONFIG, config->file, "%s:%u: %s: %s", config->file,
                    config->lines[key], name->name, why);
  }
  bool outside = rank == DL__RANK_ENVIRONMENT;
  return dl__fail(err, DL_ERR_CONFIG, NULL, "%s: %s", outside ? name->environment : name->name,
                  why);
}

/* What an inner step found, told as a fault of the URL. */
static dl_status refuse_url(const dl_config *config, const dl_error *inner, dl_error *err) {
  if (inner->status == DL_ERR_NO_MEMORY) return dl__fail_no_memory(err);
  return refuse(config, DL__CONFIG_URL, inner->message, err);
}

static dl_status missing_url(const dl_config *config, dl_error *err) {
  const char *file = config->file != NULL ? config->file : dl_config_get(config, "config");
  return dl__fail(err, DL_ERR_CONFIG, file,
                  "no remote is known: write the two lines \"[remote]\" and "
                  "\"url = file:///path/to/backup\" into %s, or give the remote's URL to the "
                  "program",
                  file != NULL ? file : "the config file");
}

static dl_status check_known(const dl_config *config, dl_error *err) {
  if (dl_config_get(config, "base") == NULL) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "the folder to push is not known, since HOME does not hold a whole path: set "
                    "DEVLOG_HOME or HOME, or give the folder to the program");
  }
  if (dl_config_get(config, "remote.url") == NULL) return missing_url(config, err);
  if (dl_config_get(config, "state_dir") == NULL) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "the folder for the local state is not known, since neither XDG_STATE_HOME nor "
                    "HOME holds a whole path: set one of them");
  }
  return DL_OK;
}

static dl_status check_scheme(const dl_config *config, dl_error *err) {
  char name[64];
  if (dl__storage_scheme(dl_config_get(config, "remote.url"), name, sizeof name) &&
      dl__storage_known(name)) {
    return DL_OK;
  }
  return refuse(config, DL__CONFIG_URL,
                "no storage is known for this scheme: use https://, file:// or memory://, in small "
                "letters, or one that the program registered",
                err);
}

static dl_status check_provider(const dl_config *config, dl_error *err) {
  const char *provider = dl_config_get(config, "remote.provider");
  const char *url = dl_config_get(config, "remote.url");
  if (provider == NULL) return check_scheme(config, err);
  if (!dl__storage_known(provider)) {
    return refuse(
        config, DL__CONFIG_PROVIDER,
        "no storage of this name is known: use azure, file or memory, or leave it out for the "
        "one that the URL means",
        err);
  }
  bool needs_own = strcmp(provider, "file") == 0 || strcmp(provider, "memory") == 0;
  if (needs_own && !dl__url_has_scheme(url, provider)) {
    return refuse(config, DL__CONFIG_PROVIDER,
                  "does not fit remote.url, which must start with the provider's name and ://: "
                  "change one of the two, or leave the provider out",
                  err);
  }
  return DL_OK;
}

static dl_status check_http(const dl_config *config, dl_error *err) {
  const char *url = dl_config_get(config, "remote.url");
  if (!dl__url_has_scheme(url, "http") || dl__url_is_loopback(url)) return DL_OK;
  return refuse(config, DL__CONFIG_URL,
                "refused: plain http would show logs and keys to the network; use https", err);
}

/* Appends the parts of rest to the path in buf, following . and .. in the text. */
static bool add_parts(dl__buf *buf, const char *rest) {
  while (*rest != '\0') {
    size_t length = strcspn(rest, "/");
    if (length == 2 && memcmp(rest, "..", 2) == 0) {
      const char *slash = strrchr(buf->data, '/');
      dl__buf_cut(buf, slash > buf->data ? (size_t)(slash - buf->data) : 1);
    } else if (length > 0 && !(length == 1 && rest[0] == '.')) {
      if (buf->length > 1 && !dl__buf_add_text(buf, "/")) return false;
      if (!dl__buf_add(buf, rest, length)) return false;
    }
    rest += length;
    if (*rest == '/') rest++;
  }
  return true;
}

/* The path without links, . and .. as far as it exists; the rest by its text. NULL: no memory. */
static char *canonical(const char *path) {
  DL__AUTO_FREE char *here = path[0] == '/' ? strdup("") : realpath(".", NULL);
  if (here == NULL && errno != ENOMEM) here = strdup(""); /* the folder we are in is gone */
  DL__AUTO_FREE char *whole = here != NULL ? dl__format("%s/%s", here, path) : NULL;
  if (whole == NULL) return NULL;
  char *real = realpath(whole, NULL);
  size_t cut = strlen(whole);
  while (real == NULL && errno != ENOMEM && cut > 0) {
    do cut--;
    while (cut > 0 && whole[cut] != '/');
    char saved = whole[cut];
    whole[cut] = '\0';
    real = realpath(cut > 0 ? whole : "/", NULL);
    whole[cut] = saved;
  }
  if (real == NULL) return NULL;
  dl__buf buf = {0};
  bool done = dl__buf_add_text(&buf, real) && add_parts(&buf, whole + cut);
  free(real);
  if (!done) dl__buf_clear(&buf);
  return buf.data;
}

static bool is_inside(const char *inner, const char *outer) {
  size_t length = strlen(outer);
  if (length == 1) return true; /* "/" */
  return strncmp(inner, outer, length) == 0 && (inner[length] == '/' || inner[length] == '\0');
}

/* A remote inside the folder would be pushed into itself. */
static dl_status check_file_url(const dl_config *config, dl_error *err) {
  const char *url = dl_config_get(config, "remote.url");
  if (!dl__url_has_scheme(url, "file")) return DL_OK;
  DL__AUTO_FREE char *path = NULL;
  dl_error inner = DL_ERROR_INIT;
  if (dl__url_file_path(url, &path, &inner) != DL_OK) return refuse_url(config, &inner, err);
  DL__AUTO_FREE char *remote = canonical(path);
  DL__AUTO_FREE char *base = canonical(dl_config_get(config, "base"));
  if (remote == NULL || base == NULL) return dl__fail_no_memory(err);
  if (!is_inside(remote, base)) return DL_OK;
  return refuse(config, DL__CONFIG_URL,
                strcmp(remote, base) == 0
                    ? "is the folder that is pushed: choose a remote outside of it"
                    : "is inside the folder that is pushed: choose a remote outside of it",
                err);
}

dl_status dl_config_validate(const dl_config *config, dl_error *err) {
  if (config == NULL) return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_config_validate: no config");
  dl_status status = check_known(config, err);
  if (status == DL_OK) status = check_http(config, err);
  if (status == DL_OK) status = check_provider(config, err);
  return status == DL_OK ? check_file_url(config, err) : status;
}
