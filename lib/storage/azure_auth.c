/* storage/azure_auth.c: takes the credential that was found, says which it is, and puts
 * it on requests. The credential does not change, but for a token, which locks. */
#include "storage/azure_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "storage/azure_find.h"
#include "storage/azure_identity.h"
#include "storage/azure_token.h"

/* Names that XML cannot hold come encoded since 2021-02-12; Azurite knows this one since
 * 3.22, and every version stays at the service ("Versioning for Azure Storage"). */
#define VERSION "2021-12-02"

#define ORDER                                                                                      \
  "looked at, in this order: connection string, SAS, account key, key file, workload identity, "   \
  "managed identity, anonymous"

#define TIME_SIZE 32

struct dl__azure_auth {
  dl__azure_auth_kind kind;
  char *account;
  char *describe;
  dl__secret secret;      /* the bytes of the key, or the SAS */
  char ends[TIME_SIZE];   /* SAS: when it ends, in UTC; "": not known */
  dl__azure_token *token; /* TOKEN */
};

/* ---- choosing ---- */

/* The parameter se of a SAS, "2026-12-31T23:59:59Z"; "" if there is none in this form. */
static void read_end(const char *sas, char ends[TIME_SIZE]) {
  const char *at = strncmp(sas, "se=", 3) == 0 ? sas : strstr(sas, "&se=");
  size_t length = 0;
  ends[0] = '\0';
  if (at == NULL) return;
  for (at = strchr(at, '=') + 1; *at != '\0' && *at != '&'; at++) {
    char c = *at;
    if (strncmp(at, "%3A", 3) == 0 || strncmp(at, "%3a", 3) == 0) {
      c = ':';
      at += 2;
    }
    if (strchr("0123456789-:.TZ", c) == NULL || length == TIME_SIZE - 1) {
      ends[0] = '\0';
      return;
    }
    ends[length++] = c;
    ends[length] = '\0';
  }
}

static dl_status take_identity(dl__azure_auth *auth, dl__http *http, dl_error *err) {
  dl__azure_identity *identity;
  dl_status status = dl__azure_identity_find(&identity, err);
  if (status != DL_OK) return status;
  if (identity == NULL) {
    auth->kind = DL__AZURE_ANONYMOUS;
    auth->describe = dl__format("anonymous: no credential was found; " ORDER);
    return auth->describe != NULL ? DL_OK : dl__fail_no_memory(err);
  }
  auth->kind = DL__AZURE_TOKEN;
  auth->describe = dl__format("%s; " ORDER, dl__azure_identity_name(identity));
  if (auth->describe == NULL) {
    dl__azure_identity_free(identity);
    return dl__fail_no_memory(err);
  }
  return dl__azure_token_new(identity, http, &auth->token, err);
}

static dl_status take_secret(dl__azure_auth *auth, dl__azure_found *found, dl_error *err) {
  auth->kind = found->kind;
  auth->secret = found->secret;
  found->secret = (dl__secret){0};
  if (found->kind == DL__AZURE_SAS) read_end(auth->secret.data, auth->ends);
  auth->describe =
      dl__format("%s from %s%s%s; " ORDER, found->kind == DL__AZURE_SAS ? "SAS" : "account key",
                 found->where, auth->ends[0] != '\0' ? ", good until " : "", auth->ends);
  return auth->describe != NULL ? DL_OK : dl__fail_no_memory(err);
}

dl_status dl__azure_auth_new(const dl_config *config, const dl__azure_url *url, dl__http *http,
                             dl__azure_auth **out, dl_error *err) {
  *out = NULL;
  dl__azure_found found = {0};
  dl__azure_auth *auth = calloc(1, sizeof *auth);
  if (auth == NULL || (auth->account = strdup(url->account)) == NULL) {
    free(auth);
    return dl__fail_no_memory(err);
  }
  dl_status status = dl__azure_find(config, url, &found, err);
  if (status == DL_OK) {
    status = found.where != NULL ? take_secret(auth, &found, err) : take_identity(auth, http, err);
  }
  dl__secret_clear(&found.secret);
  if (status != DL_OK) {
    dl__azure_auth_free(auth);
    return status;
  }
  *out = auth;
  return DL_OK;
}

void dl__azure_auth_free(dl__azure_auth *auth) {
  if (auth == NULL) return;
  dl__azure_token_free(auth->token);
  dl__secret_clear(&auth->secret);
  free(auth->account);
  free(auth->describe);
  free(auth);
}

const char *dl__azure_auth_describe(const dl__azure_auth *auth) {
  return auth->describe;
}

dl__azure_auth_kind dl__azure_auth_kind_of(const dl__azure_auth *auth) {
  return auth->kind;
}

bool dl__azure_auth_refresh(dl__azure_auth *auth) {
  if (auth->kind != DL__AZURE_TOKEN) return false;
  dl__azure_token_forget(auth->token);
  return true;
}

/* ---- applying ---- */

/* The date of HTTP (RFC 9110, 5.6.7), whatever the locale. */
static bool format_date(int64_t now_s, char date[64]) {
  static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t now = (time_t)now_s;
  struct tm t;
  if (gmtime_r(&now, &t) == NULL || t.tm_year < -1900 || t.tm_year > 9999 - 1900) return false;
  (void)snprintf(date, 64, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday], t.tm_mday,
                 months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  return true;
}

/* The texts compare as the times do. */
const char *dl__azure_auth_ended(const dl__azure_auth *auth, int64_t now_s) {
  char now_text[TIME_SIZE];
  time_t now = (time_t)now_s;
  struct tm t;
  bool ended = auth->ends[0] != '\0' && gmtime_r(&now, &t) != NULL &&
               strftime(now_text, sizeof now_text, "%Y-%m-%dT%H:%M:%SZ", &t) != 0 &&
               strcmp(auth->ends, now_text) < 0;
  return ended ? auth->ends : NULL;
}

/* The lines of the call and the two of ours, ended by NULL; they point into both. */
static const char **join_lines(const dl__azure_call *call, const char *date, const char *version) {
  size_t count = 0;
  while (call->headers != NULL && call->headers[count] != NULL) count++;
  const char **lines = calloc(count + 3, sizeof *lines);
  if (lines == NULL) return NULL;
  if (count > 0) memcpy(lines, call->headers, count * sizeof *lines);
  lines[count] = date;
  lines[count + 1] = version;
  return lines;
}

static dl_status add_signature(const dl__azure_auth *auth, const dl__azure_call *call,
                               const char *date, const char *version, dl__buf *headers,
                               dl_error *err) {
  DL__AUTO_FREE const char **lines = join_lines(call, date, version);
  bool done = lines != NULL && dl__buf_add_text(headers, "Authorization: SharedKey ") &&
              dl__buf_add_text(headers, auth->account) && dl__buf_add_text(headers, ":");
  if (!done) return dl__fail_no_memory(err);
  dl_status status = dl__azure_sign(auth->account, auth->secret.data, auth->secret.size, call,
                                    lines, headers, err);
  if (status != DL_OK) return status;
  return dl__buf_add_text(headers, "\n") ? DL_OK : dl__fail_no_memory(err);
}

dl_status dl__azure_auth_apply(dl__azure_auth *auth, const dl__azure_call *call, int64_t now_s,
                               dl__buf *headers, dl__buf *url_query, dl_error *err) {
  static const char version[] = "x-ms-version: " VERSION;
  char date[80] = "x-ms-date: ";
  if (!format_date(now_s, date + strlen(date))) {
    return dl__fail(err, DL_ERR_AUTH, NULL, "the clock of this machine is far off: set it right");
  }
  bool done = dl__buf_add_text(headers, date) && dl__buf_add_text(headers, "\n") &&
              dl__buf_add_text(headers, version) && dl__buf_add_text(headers, "\n");
  if (!done) return dl__fail_no_memory(err);
  switch (auth->kind) {
  case DL__AZURE_SHARED_KEY:
    return add_signature(auth, call, date, version, headers, err);
  case DL__AZURE_SAS:
    done = dl__buf_add(url_query, auth->secret.data, auth->secret.size);
    return done ? DL_OK : dl__fail_no_memory(err);
  case DL__AZURE_TOKEN:
    return dl__azure_token_add(auth->token, now_s, headers, err);
  case DL__AZURE_ANONYMOUS:
    break;
  }
  return DL_OK;
}
