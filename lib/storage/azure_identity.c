/* storage/azure_identity.c: takes what the environment says of an identity, gives
 * the request for its tokens ("OAuth 2.0 client credentials flow", "How to use managed
 * identities ... to acquire an access token"). No message shows a value. */
#include "storage/azure_identity.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/url.h"
#include "storage/azure_find.h"

/* The one resource of all clouds ("Authorize with Microsoft Entra ID"). */
#define RESOURCE_QUERY "resource=https%3A%2F%2Fstorage.azure.com%2F"
#define SCOPE          "https%3A%2F%2Fstorage.azure.com%2F.default"
#define ASSERTION_TYPE "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"

#define AUTHORITY "https://login.microsoftonline.com"
#define METADATA  "http://169.254.169.254"

#define ID "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"

/* In a format this text would be taken for conversions: it goes in by %s. */
#define FORM                                                                                       \
  "grant_type=client_credentials&scope=" SCOPE "&client_assertion_type=" ASSERTION_TYPE            \
  "&client_id="

const char *dl__azure_identity_name(const dl__azure_identity *identity) {
  static const char *const names[] = {"workload identity of AZURE_CLIENT_ID",
                                      "managed identity from IDENTITY_ENDPOINT",
                                      "managed identity of this machine (AZURE_USE_MSI)"};
  return names[identity->kind];
}

void dl__azure_identity_free(dl__azure_identity *identity) {
  if (identity == NULL) return;
  dl__secret_clear(&identity->header);
  free(identity->url);
  free(identity->form);
  free(identity->file);
  free(identity);
}

/* ---- what the environment says ---- */

static dl_status refuse(const char *where, const char *what, dl_error *err) {
  return dl__fail(err, DL_ERR_CONFIG, NULL, "%s: %s", where, what);
}

/* The ids of tenants and clients: a GUID, or the name of a domain. */
static dl_status check_id(const char *name, dl_error *err) {
  const char *value = dl__azure_variable(name);
  size_t length = value != NULL ? strlen(value) : 0;
  if (length <= 128 && (length == 0 || strspn(value, ID) == length)) return DL_OK;
  return refuse(name, "is not an id, which looks like 00000000-0000-0000-0000-000000000000", err);
}

/* The URL in the variable, or fallback; without the slashes at its end. */
static dl_status take_endpoint(const char *name, const char *fallback, char **out, dl_error *err) {
  const char *value = dl__azure_variable(name);
  if (value == NULL) value = fallback;
  bool web = dl__url_has_scheme(value, "https") || dl__url_has_scheme(value, "http");
  if (!web || !dl__url_is_formed(value) || dl__text_has_control(value) ||
      strpbrk(value, " \"<>\\#") != NULL || dl__url_has_secret(value)) {
    return refuse(name, "is not the URL of a service that gives out tokens", err);
  }
  *out = strdup(value);
  if (*out == NULL) return dl__fail_no_memory(err);
  size_t length = strlen(*out);
  while ((*out)[length - 1] == '/') (*out)[--length] = '\0';
  return DL_OK;
}

static dl_status find_workload(dl__azure_identity *id, dl_error *err) {
  static const char host[] = "AZURE_AUTHORITY_HOST";
  DL__AUTO_FREE char *authority = NULL;
  dl_status status = check_id("AZURE_TENANT_ID", err);
  if (status == DL_OK) status = take_endpoint(host, AUTHORITY, &authority, err);
  if (status != DL_OK) return status;
  if (!dl__url_has_scheme(authority, "https") && !dl__url_is_loopback(authority)) {
    return refuse(host, "plain http would show the login to the network: use https", err);
  }
  id->url = dl__format("%s/%s/oauth2/v2.0/token", authority, getenv("AZURE_TENANT_ID"));
  id->form = dl__format("%s%s&client_assertion=", FORM, getenv("AZURE_CLIENT_ID"));
  id->file = strdup(getenv("AZURE_FEDERATED_TOKEN_FILE"));
  return id->url != NULL && id->form != NULL && id->file != NULL ? DL_OK : dl__fail_no_memory(err);
}

/* ENDPOINT?api-version=...&resource=...[&client_id=...] */
static dl_status set_managed_url(dl__azure_identity *id, const char *endpoint, const char *version,
                                 dl_error *err) {
  const char *client = dl__azure_variable("AZURE_CLIENT_ID");
  id->url = dl__format("%s%sapi-version=%s&%s%s%s", endpoint,
                       strchr(endpoint, '?') != NULL ? "&" : "?", version, RESOURCE_QUERY,
                       client != NULL ? "&client_id=" : "", client != NULL ? client : "");
  return id->url != NULL ? DL_OK : dl__fail_no_memory(err);
}

static dl_status find_app_service(dl__azure_identity *id, dl_error *err) {
  static const char start[] = "X-IDENTITY-HEADER: ";
  static const char name[] = "IDENTITY_HEADER";
  DL__AUTO_FREE char *endpoint = NULL;
  dl_status status = take_endpoint("IDENTITY_ENDPOINT", "", &endpoint, err);
  if (status == DL_OK) status = set_managed_url(id, endpoint, "2019-08-01", err);
  if (status != DL_OK) return status;
  const char *value = dl__azure_variable(name);
  size_t length = strlen(value);
  if (length > DL__AZURE_TOKEN_MAX || dl__text_has_control(value)) {
    return refuse(name, "cannot stand in a header: it is too long or holds a control character",
                  err);
  }
  if (!dl__secret_make(&id->header, strlen(start) + length)) return dl__fail_no_memory(err);
  memcpy(id->header.data, start, strlen(start));
  memcpy(id->header.data + strlen(start), value, length);
  return DL_OK;
}

static dl_status find_machine(dl__azure_identity *id, dl_error *err) {
  static const char line[] = "Metadata: true";
  DL__AUTO_FREE char *host = NULL;
  DL__AUTO_FREE char *endpoint = NULL;
  dl_status status = take_endpoint("AZURE_POD_IDENTITY_AUTHORITY_HOST", METADATA, &host, err);
  if (status != DL_OK) return status;
  endpoint = dl__format("%s/metadata/identity/oauth2/token", host);
  if (endpoint == NULL || !dl__secret_copy(&id->header, line, strlen(line))) {
    return dl__fail_no_memory(err);
  }
  return set_managed_url(id, endpoint, "2018-02-01", err);
}

static bool find_kind(dl__azure_identity_kind *out) {
  const char *use = dl__azure_variable("AZURE_USE_MSI");
  if (dl__azure_variable("AZURE_TENANT_ID") != NULL &&
      dl__azure_variable("AZURE_CLIENT_ID") != NULL &&
      dl__azure_variable("AZURE_FEDERATED_TOKEN_FILE") != NULL) {
    *out = DL__AZURE_WORKLOAD;
  } else if (dl__azure_variable("IDENTITY_ENDPOINT") != NULL &&
             dl__azure_variable("IDENTITY_HEADER") != NULL) {
    *out = DL__AZURE_APP_SERVICE;
  } else if (use != NULL && (strcmp(use, "1") == 0 || strcasecmp(use, "true") == 0)) {
    *out = DL__AZURE_MACHINE;
  } else {
    return false;
  }
  return true;
}

dl_status dl__azure_identity_find(dl__azure_identity **out, dl_error *err) {
  static dl_status (*const finders[])(dl__azure_identity *,
                                      dl_error *) = {find_workload, find_app_service, find_machine};
  dl__azure_identity_kind which;
  *out = NULL;
  if (!find_kind(&which)) return DL_OK;
  dl_status status = check_id("AZURE_CLIENT_ID", err);
  if (status != DL_OK) return status;
  dl__azure_identity *id = calloc(1, sizeof *id);
  if (id == NULL) return dl__fail_no_memory(err);
  id->kind = which;
  status = finders[which](id, err);
  if (status == DL_OK) {
    *out = id;
  } else {
    dl__azure_identity_free(id);
  }
  return status;
}
