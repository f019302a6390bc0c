/* storage/azure_call.c: takes a request to the service, gives it an address, a
 * date and a signature, sends it, and tells a good reply from a bad one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/vec.h"
#include "net/backoff.h"
#include "storage/azure.h"
#include "storage/azure_name.h"

/* The service refuses dates that are further off ("Authorize with Shared Key"). */
#define CLOCK_TOLERANCE_S 900

typedef struct lines {
  const char **items; /* ended by NULL */
  size_t count;
  size_t capacity;
} lines;

/* Buffers of one attempt; what is sent points into them. */
typedef struct attempt {
  dl__buf url;
  dl__buf added; /* lines of the credential, each ended by \n, then by NUL */
  dl__buf query; /* parameters of the credential */
  lines headers;
} attempt;

static bool add_line(lines *list, const char *line) {
  if (!dl__vec_grow(&list->items, list->count, &list->capacity, sizeof *list->items)) return false;
  list->items[list->count++] = line;
  return true;
}

static void attempt_clear(attempt *a) {
  dl__secret_clear_buf(&a->url); /* a SAS stands in it */
  dl__secret_clear_buf(&a->added);
  dl__secret_clear_buf(&a->query);
  free(a->headers.items);
}

/* ENDPOINT/CONTAINER[/NAME]; *path is where the path starts. */
static dl_status add_address(const dl__azure *azure, const char *key, attempt *a, size_t *path,
                             dl_error *err) {
  const char *host = strstr(azure->url.endpoint, "://");
  *path = (size_t)(host - azure->url.endpoint) + 3 + strcspn(host + 3, "/");
  bool done = dl__buf_add_text(&a->url, azure->url.endpoint) && dl__buf_add_text(&a->url, "/") &&
              dl__azure_url_add_value(&a->url, azure->url.container);
  if (!done) return dl__fail_no_memory(err);
  if (key == NULL) return DL_OK;
  dl__buf name = {0};
  done = dl__azure_name_add(&name, azure->url.prefix) && dl__azure_name_add(&name, key);
  dl_status status = done ? DL_OK : dl__fail_no_memory(err);
  if (done && !dl__azure_name_fits(name.data)) {
    status = dl__fail(err, DL_ERR_ARGUMENT, key,
                      "with the prefix, the name is longer than the 1,024 characters (254 folders) "
                      "that Azure allows; shorten the path");
  }
  if (status == DL_OK &&
      !(dl__buf_add_text(&a->url, "/") && dl__azure_url_add_key(&a->url, "", name.data))) {
    status = dl__fail_no_memory(err);
  }
  dl__buf_clear(&name);
  return status;
}

static bool add_query(attempt *a, const char *const *query) {
  char separator[] = "?";
  for (size_t i = 0; query != NULL && query[i] != NULL; i += 2) {
    if (!dl__buf_add_text(&a->url, separator) || !dl__azure_url_add_value(&a->url, query[i]) ||
        !dl__buf_add_text(&a->url, "=") || !dl__azure_url_add_value(&a->url, query[i + 1])) {
      return false;
    }
    separator[0] = '&';
  }
  if (a->query.length == 0) return true;
  return dl__buf_add_text(&a->url, separator) && dl__buf_add_text(&a->url, a->query.data);
}

/* The lines of the request, then those that the credential added. */
static bool add_headers(attempt *a, const char *const *headers) {
  for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
    if (!add_line(&a->headers, headers[i])) return false;
  }
  for (char *line = a->added.data; line != NULL && *line != '\0';) {
    char *end = strchr(line, '\n');
    if (end == NULL || !add_line(&a->headers, line)) return false;
    *end = '\0';
    line = end + 1;
  }
  return add_line(&a->headers, NULL);
}

static dl_status prepare(dl__azure *azure, const dl__azure_request *request, int64_t offset_s,
                         attempt *a, dl_error *err) {
  size_t path;
  dl_status status = add_address(azure, request->key, a, &path, err);
  if (status != DL_OK) return status;
  dl__azure_call call = {request->method, a->url.data + path, request->query, request->headers,
                         request->body_bytes};
  status = dl__azure_auth_apply(azure->auth, &call, (int64_t)time(NULL) + offset_s, &a->added,
                                &a->query, err);
  if (status != DL_OK) return status;
  bool done = add_query(a, request->query) && add_headers(a, request->headers);
  return done ? DL_OK : dl__fail_no_memory(err);
}

static dl_status send_once(dl__azure *azure, const dl__azure_request *request, int64_t offset_s,
                           dl__http_reply *reply, dl_error *err) {
  attempt a = {0};
  *reply = (dl__http_reply){0};
  dl_status status = prepare(azure, request, offset_s, &a, err);
  if (status == DL_OK) {
    dl__http_request http = {
        .method = request->method,
        .url = a.url.data,
        .headers = a.headers.items,
        .body = request->body,
        .body_bytes = request->body_bytes,
        .read = request->read,
        .read_user = request->read_user,
        .write = request->write,
        .write_user = request->write_user,
    };
    status = dl__http_send(azure->http, &http, reply, err);
  }
  attempt_clear(&a);
  return status;
}

bool dl__azure_clock_wrong(const dl__http_reply *reply, int64_t offset_s, int64_t *right_s) {
  char date[64];
  int64_t theirs;
  if (!dl__http_header(reply, "date", date, sizeof date) || !dl__backoff_http_date(date, &theirs)) {
    return false;
  }
  *right_s = theirs - (int64_t)time(NULL);
  int64_t error = *right_s - offset_s;
  return error > CLOCK_TOLERANCE_S || error < -CLOCK_TOLERANCE_S;
}

bool dl__azure_has_code(const dl__http_reply *reply, const char *code) {
  char value[64];
  return dl__http_header(reply, "x-ms-error-code", value, sizeof value) && strcmp(value, code) == 0;
}

/* What answers without an id of the request is not the service: a proxy, a
 * captive portal, another web server. */
static dl_status check_origin(const dl__azure_request *request, const dl__http_reply *reply,
                              dl_error *err) {
  char id[64];
  if (dl__http_header(reply, "x-ms-request-id", id, sizeof id) && id[0] != '\0') return DL_OK;
  dl_error full = DL_ERROR_INIT;
  (void)dl__fail(&full, DL_ERR_NETWORK, request->key,
                 "HTTP status %d from something that is not Azure Blob Storage; check the URL and "
                 "the proxy",
                 reply->status);
  full.http_status = reply->status;
  full.retryable = dl__backoff_status_passes(reply->status) ? 1 : 0;
  dl__error_copy(err, &full);
  return DL_ERR_NETWORK;
}

/* What was mended already on the way of one request: each is worth one try more. */
typedef struct mended {
  bool token, clock, container;
} mended;

/* True if the container may be made for it. */
static bool is_storing(const dl__azure *azure, const dl__azure_request *request) {
  return azure->create && request->key != NULL && strcmp(request->method, "PUT") == 0;
}

/* True if the same request, sent once more, may be answered otherwise. */
static bool mend(dl__azure *azure, const dl__azure_request *request, const dl__http_reply *reply,
                 mended *done, int64_t *offset_s, dl_status *status, dl_error *err) {
  int64_t right_s;
  if (reply->status == 401 && !done->token) {
    done->token = true;
    return dl__azure_auth_refresh(azure->auth);
  }
  if (reply->status == 403 && !done->clock && dl__azure_clock_wrong(reply, *offset_s, &right_s)) {
    done->clock = true;
    *offset_s = right_s;
    atomic_store(&azure->clock_offset_s, right_s);
    return true;
  }
  if (is_storing(azure, request) && !done->container &&
      dl__azure_has_code(reply, "ContainerNotFound")) {
    done->container = true;
    atomic_store(&azure->missing, true);
    *status = dl__azure_make_container(azure, err);
    return *status == DL_OK;
  }
  return false;
}

dl_status dl__azure_send(dl__azure *azure, const dl__azure_request *request, dl__http_reply *reply,
                         dl_error *err) {
  mended done = {false, false, false};
  *reply = (dl__http_reply){0};
  /* Not first a body that is sent for nothing. */
  dl_status made = is_storing(azure, request) ? dl__azure_make_container(azure, err) : DL_OK;
  if (made != DL_OK) return made;
  int64_t offset_s = atomic_load(&azure->clock_offset_s);
  for (;;) {
    dl_status status = send_once(azure, request, offset_s, reply, err);
    if (status == DL_OK) status = check_origin(request, reply, err);
    if (status != DL_OK) return status;
    if (reply->status >= 200 && reply->status < 300) return DL_OK;
    if (!mend(azure, request, reply, &done, &offset_s, &status, err)) {
      return status != DL_OK ? status : dl__azure_fail(azure, request, reply, offset_s, err);
    }
    dl__http_reply_clear(reply);
  }
}
