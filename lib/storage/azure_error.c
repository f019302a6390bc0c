/* storage/azure_error.c: takes a "no" of the service, gives an error that says
 * what it means here and what to do. The body of the reply is searched, never
 * shown: it may repeat the string that was signed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "net/backoff.h"
#include "net/xml.h"
#include "storage/azure.h"
#include "storage/azure_header.h"

#define CODE_SIZE 64

static dl_status take_code(const dl__xml_element *element, void *user, dl_error *err) {
  (void)err;
  char *code = user;
  if (strcmp(element->path, "Error/Code") == 0 && strlen(element->text) < CODE_SIZE) {
    memcpy(code, element->text, strlen(element->text) + 1);
  }
  return DL_OK;
}

/* What is shown of a reply holds no line break, nothing that a terminal obeys, and no blank. */
static void keep_plain(char *text) {
  for (const char *at = text; *at != '\0'; at++) {
    if (*at > ' ' && *at < 0x7f) continue;
    text[0] = '\0';
    return;
  }
}

static void find_code(const dl__http_reply *reply, char code[CODE_SIZE]) {
  if (!dl__http_header(reply, "x-ms-error-code", code, CODE_SIZE) && reply->body.length > 0 &&
      dl__xml_parse(reply->body.data, reply->body.length, take_code, code, NULL) != DL_OK) {
    code[0] = '\0';
  }
  keep_plain(code);
}

static bool body_says(const dl__http_reply *reply, const char *text) {
  return reply->body.data != NULL && strstr(reply->body.data, text) != NULL;
}

/* A clock that was found wrong is told, though the request was signed anew for it. */
static void blame_clock(int64_t offset_s, char *text, size_t size) {
  long long minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
  text[0] = '\0';
  if (minutes == 0) return;
  (void)snprintf(text, size, "; your clock is %lld min %s, too", minutes,
                 offset_s > 0 ? "behind" : "ahead");
}

/* A login that the service refuses. */
static dl_status fail_login(const dl__azure *azure, const dl__http_reply *reply, int64_t offset_s,
                            dl_error *err) {
  char clock[64];
  blame_clock(offset_s, clock, sizeof clock);
  switch (dl__azure_auth_kind_of(azure->auth)) {
  case DL__AZURE_SHARED_KEY:
    return dl__fail(err, DL_ERR_AUTH, NULL,
                    "the key is not one of the storage account '%s'; take it from the account's "
                    "page \"Access keys\"%s",
                    azure->url.account, clock);
  case DL__AZURE_SAS:
    if (body_says(reply, "not valid in the specified time frame")) {
      return dl__fail(err, DL_ERR_AUTH, NULL,
                      "the SAS has expired, or is not valid yet; make a new one");
    }
    return dl__fail(err, DL_ERR_AUTH, NULL,
                    "the SAS is wrong or has expired; make a new one for the container '%s' with "
                    "the permissions read, write, create and list",
                    azure->url.container);
  case DL__AZURE_TOKEN:
    return dl__fail(err, DL_ERR_AUTH, NULL,
                    "the token of this identity was refused; check that it "
                    "is of the tenant of the storage account");
  case DL__AZURE_ANONYMOUS:
    break;
  }
  return dl__fail(err, DL_ERR_AUTH, NULL,
                  "no login was found and '%s' is not public; set AZURE_STORAGE_KEY, "
                  "AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING",
                  azure->url.container);
}

/* When the SAS ended, by the clock of the service if it tells the time; NULL: it has not. */
static const char *ended_sas(const dl__azure *azure, const dl__http_reply *reply) {
  char date[64];
  int64_t now_s = (int64_t)time(NULL);
  if (dl__http_header(reply, "date", date, sizeof date)) (void)dl__backoff_http_date(date, &now_s);
  return dl__azure_auth_ended(azure->auth, now_s);
}

static dl_status fail_permission(const dl__azure *azure, const char *code, dl_error *err) {
  if (dl__azure_auth_kind_of(azure->auth) == DL__AZURE_SAS) {
    return dl__fail(err, DL_ERR_AUTH, NULL,
                    "the SAS does not allow this (%s); it needs read, write, create and list for "
                    "the container '%s'",
                    code, azure->url.container);
  }
  return dl__fail(err, DL_ERR_AUTH, NULL,
                  "not allowed (%s); give this identity the role \"Storage Blob Data Contributor\" "
                  "on the container '%s'; a new role takes some minutes",
                  code, azure->url.container);
}

static dl_status fail_forbidden(const dl__azure *azure, const dl__http_reply *reply,
                                int64_t offset_s, const char *code, dl_error *err) {
  static const char *const permission[] = {
      "AuthorizationPermissionMismatch", "AuthorizationResourceTypeMismatch",
      "AuthorizationServiceMismatch",    "InsufficientAccountPermissions",
      "AuthorizationProtocolMismatch",
  };
  for (size_t i = 0; i < sizeof permission / sizeof permission[0]; i++) {
    if (strcmp(code, permission[i]) == 0) return fail_permission(azure, code, err);
  }
  if (strcmp(code, "AuthorizationFailure") == 0 ||
      strcmp(code, "AuthorizationSourceIPMismatch") == 0 ||
      strcmp(code, "PublicAccessNotPermitted") == 0) {
    if (dl__azure_auth_kind_of(azure->auth) == DL__AZURE_ANONYMOUS)
      return fail_login(azure, reply, offset_s, err);
    return dl__fail(err, DL_ERR_AUTH, NULL,
                    "refused (%s); the login is wrong, or the account's firewall does not let this "
                    "machine in: see its page \"Networking\"",
                    code);
  }
  if (strcmp(code, "KeyBasedAuthenticationNotPermitted") == 0) {
    return dl__fail(err, DL_ERR_AUTH, NULL,
                    "the account '%s' does not allow keys; use a managed or workload identity",
                    azure->url.account);
  }
  return fail_login(azure, reply, offset_s, err);
}

static dl_status fail_missing(const dl__azure *azure, const dl__azure_request *request,
                              const char *code, dl_error *err) {
  bool container = strcmp(code, "ContainerNotFound") == 0;
  if (container && azure->create && request->key != NULL) container = false;
  if (container || (request->key == NULL && code[0] == '\0')) {
    return dl__fail(err, DL_ERR_CONFIG, NULL,
                    "there is no container '%s': push with --create (remote.create = yes), or make "
                    "it with az storage container create --name %s --account-name %s; or is the "
                    "URL right?",
                    azure->url.container, azure->url.container, azure->url.account);
  }
  return dl__fail(err, DL_ERR_NOT_FOUND, request->key, "there is no such blob");
}

static bool is_conflict(int status, const char *code) {
  return (status == 412 && strncmp(code, "Lease", 5) != 0) ||
         (status == 409 && strcmp(code, "BlobAlreadyExists") == 0);
}

static uint32_t asked_wait_ms(const dl__http_reply *reply) {
  char value[64];
  uint32_t wait_ms = 0;
  if (dl__http_header(reply, "x-ms-retry-after-ms", value, sizeof value) &&
      dl__backoff_milliseconds(value, &wait_ms)) {
    return wait_ms;
  }
  if (dl__http_header(reply, "retry-after-ms", value, sizeof value) &&
      dl__backoff_milliseconds(value, &wait_ms)) {
    return wait_ms;
  }
  if (dl__http_header(reply, "retry-after", value, sizeof value)) {
    (void)dl__backoff_retry_after(value, (int64_t)time(NULL), &wait_ms);
  }
  return wait_ms;
}

static dl_status fail_passing(const dl__http_reply *reply, const char *code, dl_error *err) {
  dl_status status =
      dl__fail(err, DL_ERR_NETWORK, NULL,
               "the service is busy or failed (HTTP %d %s); try again later", reply->status, code);
  err->retryable = 1;
  err->retry_after_ms = asked_wait_ms(reply);
  return status;
}

/* What the service refuses about blocks. */
typedef struct refusal {
  const char *code;
  const char *comp; /* only in the answer to a request with this one; NULL: to any */
  dl_status status;
  const char *message;
} refusal;

#define CHANGED "the bytes changed while they were sent; push again"

static const refusal *find_refusal(const dl__azure_request *request, const char *code) {
  static const refusal refusals[] = {
      {"Crc64Mismatch", NULL, DL_ERR_SOURCE_CHANGED, CHANGED},
      {"Md5Mismatch", "block", DL_ERR_SOURCE_CHANGED, CHANGED},
      {"InvalidBlockList", NULL, DL_ERR_NOT_FOUND,
       "a staged block is gone (after a week, or since somebody else stored this blob); push "
       "again"},
      {"InvalidBlobOrBlock", NULL, DL_ERR_UNSUPPORTED,
       "another program has staged blocks of its own for this blob, beside which the service takes "
       "none of ours; they go when the blob is stored whole"},
      {"InvalidBlockId", NULL, DL_ERR_STORAGE,
       "the service does not take our block ids; check that the URL is one of Azure Blob Storage"},
      {"BlockListTooLong", NULL, DL_ERR_UNSUPPORTED,
       "in more than the 50,000 blocks that a blob may have; push with force to store it anew"},
      {"BlockCountExceedsLimit", NULL, DL_ERR_UNSUPPORTED,
       "too many staged blocks of pushes that did not end; they go a week after the last one, or "
       "when the blob is stored whole"},
      {"InvalidBlobType", NULL, DL_ERR_STORAGE,
       "there is a blob of another kind (append or page) with this name, which cannot be "
       "replaced; remove it at the remote and push again"},
  };
  const char *comp = "";
  for (size_t i = 0; request->query != NULL && request->query[i] != NULL; i += 2) {
    if (strcmp(request->query[i], "comp") == 0) comp = request->query[i + 1];
  }
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    const refusal *r = &refusals[i];
    if (strcmp(r->code, code) == 0 && (r->comp == NULL || strcmp(r->comp, comp) == 0)) return r;
  }
  return NULL;
}

static dl_status explain(const dl__azure *azure, const dl__azure_request *request,
                         const dl__http_reply *reply, int64_t offset_s, const char *code,
                         dl_error *err) {
  int status = reply->status;
  bool anonymous = dl__azure_auth_kind_of(azure->auth) == DL__AZURE_ANONYMOUS;
  /* What is not public is denied to strangers in more than one way. */
  if (anonymous &&
      (strcmp(code, "PublicAccessNotPermitted") == 0 || strcmp(code, "ResourceNotFound") == 0)) {
    return fail_login(azure, reply, offset_s, err);
  }
  const char *ended = status == 401 || status == 403 ? ended_sas(azure, reply) : NULL;
  if (ended != NULL) {
    return dl__fail(err, DL_ERR_AUTH, NULL, "the SAS ended at %s: make a new one", ended);
  }
  if (status == 401) return fail_login(azure, reply, offset_s, err);
  if (status == 403) return fail_forbidden(azure, reply, offset_s, code, err);
  if (status == 404) return fail_missing(azure, request, code, err);
  if (is_conflict(status, code)) {
    return dl__fail_conflict(err, request->key, "changed");
  }
  const refusal *r = find_refusal(request, code);
  if (r != NULL) return dl__fail(err, r->status, request->key, "%s", r->message);
  if (dl__backoff_status_passes(status) || strcmp(code, "Md5Mismatch") == 0 ||
      strcmp(code, "ContainerBeingDeleted") == 0) {
    return fail_passing(reply, code, err);
  }
  if (status >= 300 && status < 400) {
    return dl__fail(
        err, DL_ERR_NETWORK, NULL,
        "the service sends us elsewhere (HTTP %d), which is not followed; check the URL", status);
  }
  return dl__fail(err, DL_ERR_STORAGE, request->key, "the service refused it: HTTP %d %s", status,
                  code[0] != '\0' ? code : "without a reason");
}

dl_status dl__azure_fail(const dl__azure *azure, const dl__azure_request *request,
                         const dl__http_reply *reply, int64_t offset_s, dl_error *err) {
  char code[CODE_SIZE];
  find_code(reply, code);
  dl_error full = DL_ERROR_INIT;
  dl_status status = explain(azure, request, reply, offset_s, code, &full);
  full.http_status = reply->status;
  memcpy(full.provider_code, code, sizeof code);
  (void)dl__http_header(reply, "x-ms-request-id", full.request_id, sizeof full.request_id);
  keep_plain(full.request_id);
  if (request->key != NULL && full.path[0] == '\0') {
    (void)snprintf(full.path, sizeof full.path, "%s", request->key);
  }
  dl__error_copy(err, &full);
  return status;
}
