/* storage/azure_identity.h: an identity that a cloud gave to this machine or container
 * (azure_identity.c), and one request for a token of it (azure_grant.c). */
#ifndef DL_STORAGE_AZURE_IDENTITY_H
#define DL_STORAGE_AZURE_IDENTITY_H

#include <stdint.h>

#include <devlog/error.h>

#include "base/secret.h"
#include "net/http.h"

/* Far more than there is in any token, and less than servers take in a header. */
#define DL__AZURE_TOKEN_MAX 16384

typedef enum dl__azure_identity_kind {
  DL__AZURE_WORKLOAD,
  DL__AZURE_APP_SERVICE,
  DL__AZURE_MACHINE
} dl__azure_identity_kind;

typedef struct dl__azure_identity {
  dl__azure_identity_kind kind;
  char *url;
  char *form;        /* WORKLOAD: the body up to the assertion */
  char *file;        /* WORKLOAD: where the assertion stands */
  dl__secret header; /* the others: the line that the endpoint asks for */
} dl__azure_identity;

/* Looks for one in the environment; *out is NULL if there is none:
 *   workload identity  AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE;
 *                      AZURE_AUTHORITY_HOST if it is not the public cloud
 *   managed identity   IDENTITY_ENDPOINT, IDENTITY_HEADER (App Service, Functions,
 *                      Container Apps); or AZURE_USE_MSI=1 (a virtual machine;
 *                      AZURE_POD_IDENTITY_AUTHORITY_HOST instead of 169.254.169.254).
 *                      AZURE_CLIENT_ID if it is not the one of the machine
 * DL_ERR_CONFIG: a value cannot be right. */
dl_status dl__azure_identity_find(dl__azure_identity **out, dl_error *err);
void dl__azure_identity_free(dl__azure_identity *identity);

/* For people, such as "workload identity of AZURE_CLIENT_ID". A constant. */
const char *dl__azure_identity_name(const dl__azure_identity *identity);

/* Asks for a token for Azure Storage: one request.
 * token: set up; receives it, fit to stand in a header.
 * now_s: seconds since 1970 UTC. *lifetime_s: seconds for which the token is good, 0 if
 * the reply does not say it.
 * DL_ERR_AUTH: refused, retryable if that may pass; DL_ERR_NETWORK, DL_ERR_CANCELLED,
 * DL_ERR_NO_MEMORY. Any thread. */
dl_status dl__azure_identity_ask(const dl__azure_identity *identity, dl__http *http, int64_t now_s,
                                 dl__secret *token, int64_t *lifetime_s, dl_error *err);

#endif
