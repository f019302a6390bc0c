/* storage/azure_grant.c: takes an identity, sends one request for a token of it, and
 * reads the reply. What a server says about a refusal is shown, but never a token:
 * neither ours in an echo nor another one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "base/json.h"
#include "net/backoff.h"
#include "storage/azure_identity.h"

#define WORDS_SIZE     300 /* of what a server says */
#define LIFETIME_MAX_S 86400

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* ---- the assertion of a workload identity ---- */

static dl_status fail_file(const char *path, const char *what, dl_error *err) {
  return dl__fail(err, DL_ERR_AUTH, path,
                  "AZURE_FEDERATED_TOKEN_FILE: %s: %s; the cluster should write a token there",
                  path, what);
}

/* Read anew each time: the cluster replaces it well before it ends. */
static dl_status read_assertion(const char *path, dl__secret *out, dl_error *err) {
  DL__AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) {
    return dl__fail_errno(err, DL_ERR_AUTH, errno, path,
                          "AZURE_FEDERATED_TOKEN_FILE: cannot open %s", path);
  }
  if (!S_ISREG(st.st_mode)) return fail_file(path, "is not a regular file", err);
  if (!dl__secret_make(out, DL__AZURE_TOKEN_MAX + 1)) return dl__fail_no_memory(err);
  ssize_t size = dl__fs_pread(fd, out->data, DL__AZURE_TOKEN_MAX + 1, 0);
  if (size < 0) {
    return dl__fail_errno(err, DL_ERR_AUTH, errno, path,
                          "AZURE_FEDERATED_TOKEN_FILE: cannot read %s", path);
  }
  if (size > DL__AZURE_TOKEN_MAX) return fail_file(path, "is too large for a token", err);
  while (size > 0 && strchr("\r\n", out->data[size - 1]) != NULL) size--;
  out->size = (size_t)size;
  out->data[size] = '\0';
  /* So it can stand in the form as it is. */
  if (size == 0 || strspn(out->data, LETTERS "-_.") != out->size) {
    return fail_file(path, "does not hold a token (JWT)", err);
  }
  return DL_OK;
}

static dl_status make_form(const dl__azure_identity *id, const dl__secret *assertion,
                           dl__secret *out, dl_error *err) {
  size_t length = strlen(id->form);
  if (!dl__secret_make(out, length + assertion->size)) return dl__fail_no_memory(err);
  memcpy(out->data, id->form, length);
  memcpy(out->data + length, assertion->data, assertion->size);
  return DL_OK;
}

/* ---- the reply ---- */

/* A token (JWT) starts with eyJ. */
static bool is_showable(const char *text, const char *secret) {
  return text != NULL && strstr(text, "eyJ") == NULL &&
         (secret == NULL || strstr(text, secret) == NULL);
}

/* The first line of text, in plain ASCII. */
static void copy_words(char words[WORDS_SIZE], const char *text, const char *secret) {
  size_t length = 0;
  while (is_showable(text, secret) && length < WORDS_SIZE - 1 &&
         strchr("\r\n", text[length]) == NULL) {
    char c = text[length];
    words[length++] = c >= 0x20 && c < 0x7f ? c : '?';
  }
  words[length] = '\0';
}

static void copy_code(char *code, size_t size, const char *text, const char *secret) {
  if (!is_showable(text, secret) || strlen(text) >= size) return;
  if (strspn(text, LETTERS "_-") == strlen(text)) memcpy(code, text, strlen(text) + 1);
}

/* Both AADSTS errors and those of the endpoints of managed identities. */
static void read_words(const dl__http_reply *reply, const char *secret, dl_error *full,
                       char words[WORDS_SIZE]) {
  words[0] = '\0';
  dl__json *json = dl__json_read(reply->body.data, reply->body.length);
  if (json == NULL) return;
  const char *text = dl__json_text(json, "error_description");
  copy_words(words, text != NULL ? text : dl__json_text(json, "message"), secret);
  copy_code(full->provider_code, sizeof full->provider_code, dl__json_text(json, "error"), secret);
  dl__json_free(json);
}

static const char *advice(dl__azure_identity_kind kind) {
  if (kind == DL__AZURE_WORKLOAD) {
    return "check AZURE_TENANT_ID, AZURE_CLIENT_ID and the federated credential of that "
           "application";
  }
  return "check that an identity is assigned to this machine or application, and AZURE_CLIENT_ID "
         "if it has more than one";
}

/* The metadata service says 404 and 410 while it is being updated. */
static bool passes(dl__azure_identity_kind kind, int status) {
  return dl__backoff_status_passes(status) ||
         (kind == DL__AZURE_MACHINE && (status == 404 || status == 410));
}

static dl_status refuse(const dl__azure_identity *id, const dl__http_reply *reply,
                        const char *secret, int64_t now_s, dl_error *err) {
  char words[WORDS_SIZE];
  char wait[64];
  dl_error full = DL_ERROR_INIT;
  bool again = passes(id->kind, reply->status);
  dl_error said = DL_ERROR_INIT;
  read_words(reply, secret, &said, words);
  (void)dl__fail(&full, again ? DL_ERR_NETWORK : DL_ERR_AUTH, NULL,
                 "%s: no token (HTTP %d%s%s): %s%s", dl__azure_identity_name(id), reply->status,
                 words[0] != '\0' ? ", " : "", words, advice(id->kind),
                 again ? ", or try again later" : "");
  memcpy(full.provider_code, said.provider_code, sizeof full.provider_code);
  full.http_status = reply->status;
  full.retryable = again ? 1 : 0;
  if (again && dl__http_header(reply, "retry-after", wait, sizeof wait)) {
    (void)dl__backoff_retry_after(wait, now_s, &full.retry_after_ms);
  }
  dl__error_copy(err, &full);
  return (dl_status)full.status;
}

static int64_t lifetime_of(const dl__json *json, int64_t now_s) {
  int64_t number = 0;
  if (!dl__json_number(json, "expires_in", &number)) {
    if (!dl__json_number(json, "expires_on", &number) || number <= now_s) return 0;
    number -= now_s;
  }
  if (number < 0) return 0;
  return number < LIFETIME_MAX_S ? number : LIFETIME_MAX_S;
}

static dl_status read_token(const dl__azure_identity *id, const dl__http_reply *reply,
                            int64_t now_s, dl__secret *token, int64_t *lifetime_s, dl_error *err) {
  dl_status status = DL_OK;
  dl__json *json = dl__json_read(reply->body.data, reply->body.length);
  const char *text = json != NULL ? dl__json_text(json, "access_token") : NULL;
  size_t length = text != NULL ? strlen(text) : 0;
  /* The characters of RFC 6750, 2.1: it will stand in a header. */
  if (length == 0 || length > DL__AZURE_TOKEN_MAX || strspn(text, LETTERS "-._~+/=") != length) {
    status = dl__fail(err, DL_ERR_AUTH, NULL,
                      "%s: the reply holds no token: check the address, and the proxy",
                      dl__azure_identity_name(id));
  } else if (!dl__secret_copy(token, text, length)) {
    status = dl__fail_no_memory(err);
  } else {
    *lifetime_s = lifetime_of(json, now_s);
  }
  dl__json_free(json);
  return status;
}

/* ---- the request ---- */

static dl_status send_form(const dl__azure_identity *id, dl__http *http, const dl__secret *form,
                           dl__http_reply *reply, dl_error *err) {
  static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                        "Accept: application/json", NULL};
  dl__http_request request = {.method = "POST",
                              .url = id->url,
                              .headers = headers,
                              .body = form->data,
                              .body_bytes = form->size};
  return dl__http_send(http, &request, reply, err);
}

/* Never through a proxy, and http if the endpoint says so: it is on this machine, or on a
 * link that ends at its host. */
static dl_status send_managed(const dl__azure_identity *id, dl__http *http, dl__http_reply *reply,
                              dl_error *err) {
  const char *const headers[] = {id->header.data, NULL};
  dl__http_request request = {.method = "GET", .url = id->url, .headers = headers, .plain = true};
  return dl__http_send(http, &request, reply, err);
}

/* A failure on the way, told as one of the identity. */
static dl_status wrap(const dl__azure_identity *id, dl_status status, const dl_error *inner,
                      dl_error *err) {
  dl_error full = *inner;
  if (status == DL_ERR_NETWORK) {
    (void)snprintf(full.message, sizeof full.message, "%s: no token: %.900s",
                   dl__azure_identity_name(id), inner->message);
  }
  dl__error_copy(err, &full);
  return status;
}

static dl_status send_workload(const dl__azure_identity *id, dl__http *http,
                               const dl__secret *assertion, dl__http_reply *reply, dl_error *err) {
  dl__secret form = {0};
  dl_status status = make_form(id, assertion, &form, err);
  if (status == DL_OK) status = send_form(id, http, &form, reply, err);
  dl__secret_clear(&form);
  return status;
}

dl_status dl__azure_identity_ask(const dl__azure_identity *id, dl__http *http, int64_t now_s,
                                 dl__secret *token, int64_t *lifetime_s, dl_error *err) {
  dl__secret assertion = {0};
  dl__http_reply reply = {0};
  dl_error inner = DL_ERROR_INIT;
  dl_status status = DL_OK;
  const char *secret = NULL; /* that a server could echo */
  if (id->kind == DL__AZURE_WORKLOAD) {
    status = read_assertion(id->file, &assertion, &inner);
    if (status == DL_OK) status = send_workload(id, http, &assertion, &reply, &inner);
    secret = assertion.data;
  } else {
    status = send_managed(id, http, &reply, &inner);
    if (id->kind == DL__AZURE_APP_SERVICE) secret = strchr(id->header.data, ' ') + 1;
  }
  if (status != DL_OK) {
    status = wrap(id, status, &inner, err);
  } else if (reply.status == 200) {
    status = read_token(id, &reply, now_s, token, lifetime_s, err);
  } else {
    status = refuse(id, &reply, secret, now_s, err);
  }
  dl__secret_clear(&assertion);
  dl__secret_clear_buf(&reply.body);
  dl__http_reply_clear(&reply);
  return status;
}
