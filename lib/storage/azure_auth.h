/* storage/azure_auth.h: how a request to Azure proves who sends it. */
#ifndef DL_STORAGE_AZURE_AUTH_H
#define DL_STORAGE_AZURE_AUTH_H

#include <stdint.h>

#include <devlog/config.h>
#include <devlog/error.h>

#include "net/http.h"
#include "storage/azure_url.h"

typedef struct dl__azure_auth dl__azure_auth;

/* A request before it is authorized. */
typedef struct dl__azure_call {
  const char *method;
  const char *path;           /* percent-encoded, as it stands in the URL behind the host */
  const char *const *query;   /* pairs name, value (decoded), ended by NULL; or NULL */
  const char *const *headers; /* lines "Name: value", ended by NULL; those of the body included
                                 (Content-MD5, Content-Type, Range, If-Match, x-ms-...) but not
                                 x-ms-date, x-ms-version, Authorization and Content-Length */
  uint64_t content_length;
} dl__azure_call;

/* Finds the first credential there is, in this order, and makes no request:
 *   1. AZURE_STORAGE_CONNECTION_STRING (of this account)
 *   2. AZURE_STORAGE_SAS_TOKEN, AZURE_ACCOUNT_SAS
 *   3. a key: AZURE_STORAGE_KEY, AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_ACCESS_KEY,
 *      AZURE_ACCOUNT_KEY; then the file named by "remote.account_key_file"
 *   4. workload identity: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE
 *   5. managed identity: IDENTITY_ENDPOINT and IDENTITY_HEADER; or AZURE_USE_MSI=1 (any other
 *      host would wait for an address that is not there)
 *   6. anonymous
 * http: borrowed, for tokens; may be NULL if there is no identity.
 * DL_ERR_CONFIG: what was found cannot be right, such as a key that is not Base64, or the
 * connection string of another account. */
dl_status dl__azure_auth_new(const dl_config *config, const dl__azure_url *url, dl__http *http,
                             dl__azure_auth **out, dl_error *err);
void dl__azure_auth_free(dl__azure_auth *auth);

/* For people: which one was found and where, and the order; no secret in it. Owned by auth. */
const char *dl__azure_auth_describe(const dl__azure_auth *auth);

/* What a refusal (403) is to be explained with. */
typedef enum dl__azure_auth_kind {
  DL__AZURE_SHARED_KEY,
  DL__AZURE_SAS,
  DL__AZURE_TOKEN,
  DL__AZURE_ANONYMOUS
} dl__azure_auth_kind;

dl__azure_auth_kind dl__azure_auth_kind_of(const dl__azure_auth *auth);

/* When the SAS ended, if its text says so and that was before now_s; else NULL. Owned by auth.
 * To explain a refusal with: whether it ended only the service can say, by its own clock. */
const char *dl__azure_auth_ended(const dl__azure_auth *auth, int64_t now_s);

/* Appends to headers the lines "x-ms-date: ...\n", "x-ms-version: ...\n" and, as the
 * credential needs, "Authorization: ...\n"; and to url_query "sv=...&sig=..." for a SAS
 * (without a leading ? or &). now_s: seconds since 1970 UTC, as the server counts them.
 * May make requests for a token. Any thread.
 * DL_ERR_AUTH: no token to be had; DL_ERR_NETWORK, DL_ERR_CANCELLED:
 * the request for a token; DL_ERR_NO_MEMORY. */
dl_status dl__azure_auth_apply(dl__azure_auth *auth, const dl__azure_call *call, int64_t now_s,
                               dl__buf *headers, dl__buf *url_query, dl_error *err);

/* Forgets a cached token: the service said 401. True if another try makes sense. */
bool dl__azure_auth_refresh(dl__azure_auth *auth);

/* Appends the string of "Authorize with Shared Key", which is what is signed and what the
 * service shows when a signature is wrong. signed_headers: all lines "Name: value" of the
 * request, x-ms-date and x-ms-version included, ended by NULL; those that are not signed
 * are passed over. */
dl_status dl__azure_string_to_sign(const char *account, const dl__azure_call *call,
                                   const char *const *signed_headers, dl__buf *out, dl_error *err);

/* Appends the signature: Base64 of HMAC-SHA256 over that string. */
dl_status dl__azure_sign(const char *account, const void *key, size_t key_size,
                         const dl__azure_call *call, const char *const *signed_headers,
                         dl__buf *signature, dl_error *err);

#endif
