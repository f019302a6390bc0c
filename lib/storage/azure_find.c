/* storage/azure_find.c: takes the environment and the configuration, gives the key or
 * the SAS that stands there. No message shows any part of a value. */
#include "storage/azure_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/url.h"

#define KEY_FILE_MAX 4096

#define CONNECTION "AZURE_STORAGE_CONNECTION_STRING"

/* The account of the emulator, which everybody knows: "Use the Azurite emulator". */
#define EMULATOR_ACCOUNT "devstoreaccount1"
#define EMULATOR_KEY                                                                               \
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

/* A piece of a text that stays where it is. */
typedef struct piece {
  const char *text; /* NULL: it is not there */
  size_t length;
} piece;

const char *dl__azure_variable(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

static dl_status refuse(const char *where, const char *what, dl_error *err) {
  return dl__fail(err, DL_ERR_CONFIG, NULL, "%s: %s", where, what);
}

/* ---- a key, a SAS ---- */

static dl_status take_key(const char *where, piece key, dl__azure_found *found, dl_error *err) {
  size_t size = 0;
  if (key.length > KEY_FILE_MAX) return refuse(where, "is too long for an account key", err);
  if (!dl__secret_make(&found->secret, DL__BASE64_ROOM(key.length))) return dl__fail_no_memory(err);
  if (!dl__base64_decode(key.text, key.length, found->secret.data, &size) || size == 0) {
    return refuse(where,
                  "is not an account key, which is Base64 (88 characters that end in ==): copy it "
                  "anew from the account's page \"Access keys\"",
                  err);
  }
  found->secret.size = size;
  found->kind = DL__AZURE_SHARED_KEY;
  found->where = where;
  return DL_OK;
}

/* What may stand in a query as it is. */
static bool is_query(piece text) {
  for (size_t i = 0; i < text.length; i++) {
    if (text.text[i] <= ' ' || text.text[i] >= 0x7f || strchr("\"#<>\\^`{|}", text.text[i])) {
      return false;
    }
  }
  return true;
}

static dl_status take_sas(const char *where, piece sas, dl__azure_found *found, dl_error *err) {
  if (sas.length > 0 && sas.text[0] == '?') sas = (piece){sas.text + 1, sas.length - 1};
  bool has_signature = sas.length > 4 && strncmp(sas.text, "sig=", 4) == 0;
  for (size_t i = 0; i + 5 < sas.length && !has_signature; i++) {
    has_signature = strncmp(sas.text + i, "&sig=", 5) == 0;
  }
  if (!has_signature || !is_query(sas) || sas.length > DL__SECRET_MAX) {
    return refuse(
        where,
        "is not a SAS, which looks like sv=...&sig=...: copy the whole \"SAS token\" anew, "
        "and put it between quotes in a shell",
        err);
  }
  if (!dl__secret_copy(&found->secret, sas.text, sas.length)) return dl__fail_no_memory(err);
  found->kind = DL__AZURE_SAS;
  found->where = where;
  return DL_OK;
}

/* ---- the connection string ---- */

typedef struct connection {
  piece account, key, sas, endpoint, emulator;
} connection;

static piece *slot_of(connection *c, const char *name, size_t length) {
  const struct {
    const char *name;
    piece *slot;
  } slots[] = {{"AccountName", &c->account},
               {"AccountKey", &c->key},
               {"SharedAccessSignature", &c->sas},
               {"BlobEndpoint", &c->endpoint},
               {"UseDevelopmentStorage", &c->emulator}};
  for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
    if (strlen(slots[i].name) == length && strncasecmp(slots[i].name, name, length) == 0) {
      return slots[i].slot;
    }
  }
  return NULL; /* where to, which our URL says; or other services */
}

/* Splits at ';', then at the first '=': keys and SAS hold more of them. */
static dl_status read_connection(const char *text, connection *out, dl_error *err) {
  if (dl__text_has_control(text)) {
    return refuse(CONNECTION, "holds a line break or another control character: remove it", err);
  }
  while (*text != '\0') {
    size_t length = strcspn(text, ";");
    const char *equals = memchr(text, '=', length);
    if (length > 0 && equals == NULL) {
      return refuse(CONNECTION, "is not of the form NAME=VALUE;NAME=VALUE: copy it anew", err);
    }
    piece *slot = length > 0 ? slot_of(out, text, (size_t)(equals - text)) : NULL;
    if (slot != NULL && slot->text != NULL) {
      return refuse(CONNECTION, "names the same thing twice: copy it anew", err);
    }
    if (slot != NULL) *slot = (piece){equals + 1, length - (size_t)(equals + 1 - text)};
    text += length;
    if (*text == ';') text++;
  }
  return DL_OK;
}

static bool is_text(piece value, const char *text) {
  return value.length == strlen(text) && strncasecmp(value.text, text, value.length) == 0;
}

/* A string without a name (with a SAS, as a rule) says by its endpoint whose it is. */
static dl_status account_of(const connection *c, char **account, dl_error *err) {
  *account = NULL;
  if (c->account.text != NULL) {
    *account = strndup(c->account.text, c->account.length);
    return *account != NULL ? DL_OK : dl__fail_no_memory(err);
  }
  piece endpoint = c->endpoint;
  while (endpoint.length > 0 && endpoint.text[endpoint.length - 1] == '/') endpoint.length--;
  DL__AUTO_FREE char *url = dl__format("%.*s/any", (int)endpoint.length, endpoint.text);
  if (url == NULL) return dl__fail_no_memory(err);
  dl__azure_url parts;
  dl_status status = dl__azure_url_parse(url, &parts, NULL);
  if (status == DL_ERR_NO_MEMORY) return dl__fail_no_memory(err);
  if (status != DL_OK) {
    return refuse(CONNECTION, "names no account: it needs AccountName or a whole BlobEndpoint",
                  err);
  }
  *account = parts.account;
  parts.account = NULL;
  dl__azure_url_clear(&parts);
  return DL_OK;
}

static dl_status check_account(const char *account, const dl__azure_url *url, dl_error *err) {
  if (strcmp(account, url->account) == 0) return DL_OK;
  return dl__fail(err, DL_ERR_CONFIG, NULL,
                  CONNECTION ": is of another account than remote.url, which names %s: change one "
                             "of the two, or unset the variable",
                  url->account);
}

static dl_status take_connection(const char *text, const dl__azure_url *url, dl__azure_found *found,
                                 dl_error *err) {
  connection c = {0};
  dl_status status = read_connection(text, &c, err);
  if (status != DL_OK) return status;
  if (c.emulator.text != NULL && is_text(c.emulator, "true")) {
    status = check_account(EMULATOR_ACCOUNT, url, err);
    if (status != DL_OK) return status;
    return take_key(CONNECTION, (piece){EMULATOR_KEY, strlen(EMULATOR_KEY)}, found, err);
  }
  if (c.account.text == NULL && c.endpoint.text == NULL) {
    return refuse(CONNECTION, "names no account: it needs AccountName or a whole BlobEndpoint",
                  err);
  }
  DL__AUTO_FREE char *account = NULL;
  status = account_of(&c, &account, err);
  if (status == DL_OK) status = check_account(account, url, err);
  if (status != DL_OK) return status;
  if (c.key.text != NULL) return take_key(CONNECTION, c.key, found, err);
  if (c.sas.text != NULL) return take_sas(CONNECTION, c.sas, found, err);
  return refuse(CONNECTION, "holds neither AccountKey nor SharedAccessSignature: copy it anew",
                err);
}

/* ---- the key file ---- */

/* Whoever can read the file can do everything with the account. */
static dl_status check_file(const char *path, int fd, dl_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0) {
    return dl__fail_errno(err, DL_ERR_CONFIG, errno, path, "%s: cannot look at the key file", path);
  }
  if (!S_ISREG(st.st_mode)) {
    return dl__fail(err, DL_ERR_CONFIG, path,
                    "%s: the key file is not a regular file: name another one", path);
  }
  if (st.st_uid != geteuid() && st.st_uid != 0) {
    return dl__fail(err, DL_ERR_CONFIG, path,
                    "%s: the key file belongs to another user: make a copy of your own", path);
  }
  if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return dl__fail(err, DL_ERR_CONFIG, path,
                    "%s: other users can get at the key file: chmod 600 %s", path, path);
  }
  return DL_OK;
}

static dl_status read_file(const char *path, dl__secret *text, dl_error *err) {
  /* Not blocking: opening a FIFO would wait for a writer. */
  DL__AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    return dl__fail_errno(err, DL_ERR_CONFIG, errno, path, "%s: cannot open the key file", path);
  }
  dl_status status = check_file(path, fd, err);
  if (status != DL_OK) return status;
  if (!dl__secret_make(text, KEY_FILE_MAX + 1)) return dl__fail_no_memory(err);
  ssize_t size = dl__fs_pread(fd, text->data, KEY_FILE_MAX + 1, 0);
  if (size < 0) {
    return dl__fail_errno(err, DL_ERR_CONFIG, errno, path, "%s: cannot read the key file", path);
  }
  if (size > KEY_FILE_MAX) {
    return dl__fail(err, DL_ERR_CONFIG, path,
                    "%s: larger than %d bytes: this is not a key file, name another one", path,
                    KEY_FILE_MAX);
  }
  text->size = (size_t)size;
  return DL_OK;
}

static dl_status take_file(const char *path, dl__azure_found *found, dl_error *err) {
  dl__secret text = {0};
  dl_status status = read_file(path, &text, err);
  if (status == DL_OK) {
    piece key = {text.data, text.size};
    if (key.length > 0 && key.text[key.length - 1] == '\n') key.length--;
    if (key.length > 0 && key.text[key.length - 1] == '\r') key.length--;
    status = take_key("remote.account_key_file", key, found, err);
  }
  dl__secret_clear(&text);
  return status;
}

dl_status dl__azure_find(const dl_config *config, const dl__azure_url *url, dl__azure_found *found,
                         dl_error *err) {
  static const char *const all_sas[] = {"AZURE_STORAGE_SAS_TOKEN", "AZURE_ACCOUNT_SAS"};
  static const char *const keys[] = {"AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY",
                                     "AZURE_STORAGE_ACCESS_KEY", "AZURE_ACCOUNT_KEY"};
  const char *value = dl__azure_variable(CONNECTION);
  if (value != NULL) return take_connection(value, url, found, err);
  for (size_t i = 0; i < sizeof all_sas / sizeof all_sas[0]; i++) {
    value = dl__azure_variable(all_sas[i]);
    if (value != NULL) return take_sas(all_sas[i], (piece){value, strlen(value)}, found, err);
  }
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    value = dl__azure_variable(keys[i]);
    if (value != NULL) return take_key(keys[i], (piece){value, strlen(value)}, found, err);
  }
  value = dl_config_get(config, "remote.account_key_file");
  return value != NULL ? take_file(value, found, err) : DL_OK;
}
