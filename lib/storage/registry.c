/* storage/registry.c: which factory makes the storage for a URL. The built-in
 * ones, and a table of what the program registered. */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <devlog/storage.h>

#include "base/error.h"
#include "storage/providers.h"
#include "storage/storage.h"

#define SCHEME_MAX  31
#define SCHEMES_MAX 32

typedef struct provider {
  char scheme[SCHEME_MAX + 1];
  dl_storage_factory factory;
  void *user;
} provider;

static const provider built_in[] = {
    {"azure", dl__azure_new, NULL},
    {"file", dl__directory_new, NULL},
    {"memory", dl__memory_new, NULL},
};
#define BUILT_IN_COUNT (sizeof built_in / sizeof built_in[0])

static struct {
  pthread_mutex_t mutex;
  provider providers[SCHEMES_MAX];
  size_t count;
} locked = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool is_scheme(const char *text) {
  size_t length = strlen(text);
  return length > 0 && length <= SCHEME_MAX && text[0] >= 'a' && text[0] <= 'z' &&
         strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == length;
}

static const provider *find_in(const provider *list, size_t count, const char *scheme) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(list[i].scheme, scheme) == 0) return &list[i];
  }
  return NULL;
}

/* By value: the table may change while the factory runs. */
static bool find(const char *scheme, provider *out) {
  const provider *found = find_in(built_in, BUILT_IN_COUNT, scheme);
  if (found != NULL) {
    *out = *found;
    return true;
  }
  (void)pthread_mutex_lock(&locked.mutex);
  found = find_in(locked.providers, locked.count, scheme);
  if (found != NULL) *out = *found;
  (void)pthread_mutex_unlock(&locked.mutex);
  return found != NULL;
}

bool dl__storage_known(const char *name) {
  provider found;
  return find(name, &found);
}

static bool add(const provider *entry) {
  (void)pthread_mutex_lock(&locked.mutex);
  size_t at = 0;
  while (at < locked.count && strcmp(locked.providers[at].scheme, entry->scheme) != 0) at++;
  bool fits = at < SCHEMES_MAX;
  if (fits) locked.providers[at] = *entry;
  if (fits && at == locked.count) locked.count++;
  (void)pthread_mutex_unlock(&locked.mutex);
  return fits;
}

dl_status dl_storage_register(const char *scheme, dl_storage_factory factory, void *user,
                              dl_error *err) {
  if (scheme == NULL || factory == NULL || !is_scheme(scheme)) {
    return dl__fail(err, DL_ERR_ARGUMENT, scheme,
                    "a storage needs a factory and a scheme of at most %d characters a-z 0-9 + - .",
                    SCHEME_MAX);
  }
  bool web = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
  if (web || find_in(built_in, BUILT_IN_COUNT, scheme) != NULL) {
    return dl__fail(err, DL_ERR_ARGUMENT, scheme, "the storage '%s' is built in", scheme);
  }
  provider entry = {"", factory, user};
  memcpy(entry.scheme, scheme, strlen(scheme) + 1);
  if (!add(&entry)) {
    return dl__fail(err, DL_ERR_ARGUMENT, scheme, "more than %d storages registered", SCHEMES_MAX);
  }
  return DL_OK;
}

bool dl__storage_scheme(const char *url, char *name, size_t size) {
  const char *end = strstr(url, "://");
  size_t length = end != NULL ? (size_t)(end - url) : 0;
  if (length == 0 || length >= size) return false;
  memcpy(name, url, length);
  name[length] = '\0';
  if (strcmp(name, "https") == 0 || strcmp(name, "http") == 0) {
    if (size < sizeof "azure") return false;
    memcpy(name, "azure", sizeof "azure");
  }
  return true;
}

dl_status dl_storage_create(const dl_config *config, const dl_storage **out, dl_error *err) {
  if (config == NULL || out == NULL) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_storage_create needs config and out");
  }
  *out = NULL;
  const char *url = dl_config_get(config, "remote.url");
  const char *name = dl_config_get(config, "remote.provider");
  if (url == NULL) return dl__fail(err, DL_ERR_CONFIG, NULL, "no remote.url is set");
  char scheme[SCHEME_MAX + 1];
  if (name == NULL && dl__storage_scheme(url, scheme, sizeof scheme)) name = scheme;
  provider found;
  if (name == NULL || !find(name, &found)) {
    return dl__fail(err, DL_ERR_CONFIG, NULL, "no storage for the remote '%s'", url);
  }
  dl_status status = found.factory(config, found.user, out, err);
  if (status == DL_OK && *out == NULL) {
    status = dl__fail(err, DL_ERR_STORAGE, NULL, "the factory of '%s' made no storage", name);
  }
  return status;
}
