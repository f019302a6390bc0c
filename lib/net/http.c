/* net/http.c: takes a request, gives a reply that is whole or an error; libcurl's own
 * "ok" is not enough for that:
 * - it reports success for an upload whose body the server never read, and for a
 *   reply whose header was cut before its blank line: both are checked here;
 * - it takes replies of any size: they are cut;
 * - it would follow proxies and schemes from the environment: http goes to this
 *   machine only and never through a proxy. */
#include "net/http.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/url.h"
#include "net/http_error.h"
#include "net/http_reply.h"

#define IDLE_MAX          64
#define HEADERS_MAX       ((size_t)64 * 1024)
#define UPLOAD_BUFFER     (256L * 1024)
#define SLOWEST_BYTES_S   64L   /* on average over timeout_s, or the request fails */
#define SLOWEST_BODY_S    8192u /* a request may take 4 * timeout_s, and 1 s for so many bytes */
#define KEEP_IDLE_SECONDS 60L

struct dl__http {
  char *ca_file;
  uint32_t timeout_s;
  dl_cancelled_fn cancelled;
  void *cancelled_user;
  struct {
    pthread_mutex_t mutex;
    CURL *idle[IDLE_MAX];
    size_t count;
  } locked;
};

/* One request on its way. */
typedef struct exchange {
  dl__http *http;
  const dl__http_request *request;
  dl__http_reply *reply;
  CURL *curl;
  struct curl_slist *lines;
  uint64_t offset;    /* of the next byte of the body from read */
  bool headers_end;   /* the blank line behind the last header came */
  bool too_large;     /* the reply: larger than what is taken */
  bool began;         /* something of a reply came */
  bool bad_header;    /* a NUL, or two lengths */
  dl_status callback; /* what read or write said */
  dl_error callback_error;
  char text[CURL_ERROR_SIZE];
} exchange;

static pthread_mutex_t global_mutex = PTHREAD_MUTEX_INITIALIZER;

/* libcurl counts its users; the mutex is for versions whose count is not atomic. */
static bool global_init(void) {
  (void)pthread_mutex_lock(&global_mutex);
  CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)pthread_mutex_unlock(&global_mutex);
  return code == CURLE_OK;
}

static void global_cleanup(void) {
  (void)pthread_mutex_lock(&global_mutex);
  curl_global_cleanup();
  (void)pthread_mutex_unlock(&global_mutex);
}

dl_status dl__http_new(const dl__http_settings *settings, dl__http **out, dl_error *err) {
  *out = NULL;
  dl__http *http = calloc(1, sizeof *http);
  if (http == NULL) return dl__fail_no_memory(err);
  http->timeout_s = settings->timeout_s;
  http->ca_file = settings->ca_file != NULL ? strdup(settings->ca_file) : NULL;
  bool copied = settings->ca_file == NULL || http->ca_file != NULL;
  if (!copied || pthread_mutex_init(&http->locked.mutex, NULL) != 0 || !global_init()) {
    free(http->ca_file);
    free(http);
    return dl__fail_no_memory(err);
  }
  *out = http;
  return DL_OK;
}

void dl__http_free(dl__http *http) {
  if (http == NULL) return;
  for (size_t i = 0; i < http->locked.count; i++) curl_easy_cleanup(http->locked.idle[i]);
  (void)pthread_mutex_destroy(&http->locked.mutex);
  free(http->ca_file);
  free(http);
  global_cleanup();
}

void dl__http_watch(dl__http *http, dl_cancelled_fn cancelled, void *user) {
  http->cancelled = cancelled;
  http->cancelled_user = user;
}

static CURL *take_handle(dl__http *http) {
  CURL *curl = NULL;
  (void)pthread_mutex_lock(&http->locked.mutex);
  if (http->locked.count > 0) curl = http->locked.idle[--http->locked.count];
  (void)pthread_mutex_unlock(&http->locked.mutex);
  if (curl == NULL) return curl_easy_init();
  curl_easy_reset(curl); /* keeps connections, sessions and names */
  return curl;
}

/* A connection that showed anything odd is not used again. */
static void give_handle(dl__http *http, CURL *curl, bool sound) {
  bool kept = false;
  if (sound) {
    (void)pthread_mutex_lock(&http->locked.mutex);
    kept = http->locked.count < IDLE_MAX;
    if (kept) http->locked.idle[http->locked.count++] = curl;
    (void)pthread_mutex_unlock(&http->locked.mutex);
  }
  if (!kept) curl_easy_cleanup(curl);
}

static size_t on_read(char *buf, size_t size, size_t count, void *user) {
  exchange *x = user;
  uint64_t left = x->request->body_bytes - x->offset;
  size_t room = size * count;
  if (left == 0 || room == 0) return 0;
  if (room > left) room = (size_t)left;
  size_t got = 0;
  x->callback =
      x->request->read(x->request->read_user, x->offset, buf, room, &got, &x->callback_error);
  if (x->callback == DL_OK && (got == 0 || got > room)) {
    x->callback = dl__fail(&x->callback_error, DL_ERR_STORAGE, NULL,
                           "not the number of bytes that was promised");
  }
  if (x->callback != DL_OK) return CURL_READFUNC_ABORT;
  x->offset += got;
  return got;
}

/* libcurl starts over when a kept connection turns out to be dead. */
static int on_seek(void *user, curl_off_t offset, int origin) {
  exchange *x = user;
  if (origin != SEEK_SET || offset != 0) return CURL_SEEKFUNC_CANTSEEK;
  x->offset = 0;
  return CURL_SEEKFUNC_OK;
}

static size_t on_write(char *data, size_t size, size_t count, void *user) {
  exchange *x = user;
  size_t bytes = size * count;
  long status = 0;
  (void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
  x->reply->body_bytes += bytes;
  if (x->request->write != NULL && status >= 200 && status < 300) {
    x->callback = x->request->write(x->request->write_user, data, bytes, &x->callback_error);
    return x->callback == DL_OK ? bytes : 0;
  }
  x->too_large = x->reply->body.length + bytes > DL__HTTP_BODY_MAX;
  if (x->too_large) return 0;
  if (dl__buf_add(&x->reply->body, data, bytes)) return bytes;
  x->callback = dl__fail_no_memory(&x->callback_error);
  return 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *user) {
  exchange *x = user;
  size_t length = size * count;
  dl__buf *headers = &x->reply->headers;
  x->began = true;
  if (memchr(line, '\0', length) != NULL) {
    x->bad_header = true;
    return 0;
  }
  /* Each status line, also of a 100 that comes first, begins a new header. */
  if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    dl__buf_cut(headers, 0);
    x->headers_end = false;
    return length;
  }
  if (length <= 2) {
    x->headers_end = true;
    return length;
  }
  x->too_large = headers->length + length > HEADERS_MAX;
  if (x->too_large) return 0;
  if (dl__http_add_header(x->reply, line, length)) return length;
  x->callback = dl__fail_no_memory(&x->callback_error);
  return 0;
}

static int on_progress(void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up) {
  const exchange *x = user;
  (void)down_all;
  (void)down;
  (void)up_all;
  (void)up;
  return x->http->cancelled != NULL && x->http->cancelled(x->http->cancelled_user) != 0;
}

static bool add_line(exchange *x, const char *line) {
  struct curl_slist *longer = curl_slist_append(x->lines, line);
  if (longer == NULL) return false;
  x->lines = longer;
  return true;
}

static bool has_header(const dl__http_request *request, const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
    if (strncasecmp(request->headers[i], name, length) == 0) return true;
  }
  return false;
}

/* "Expect:" and "Content-Type:" with nothing behind them tell libcurl not to
 * make up those headers itself. */
static bool set_headers(exchange *x) {
  bool good = add_line(x, "Expect:") && add_line(x, "Accept:");
  for (size_t i = 0; good && x->request->headers != NULL && x->request->headers[i] != NULL; i++) {
    good = add_line(x, x->request->headers[i]);
  }
  if (good && !has_header(x->request, "Content-Type:")) good = add_line(x, "Content-Type:");
  return good && curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->lines) == CURLE_OK;
}

#define SET(option, value) (curl_easy_setopt(x->curl, option, value) == CURLE_OK)

static bool set_method(exchange *x) {
  const dl__http_request *r = x->request;
  if (strcmp(r->method, "GET") == 0) return SET(CURLOPT_HTTPGET, 1L);
  if (strcmp(r->method, "HEAD") == 0) return SET(CURLOPT_NOBODY, 1L);
  if (r->read != NULL) {
    return SET(CURLOPT_UPLOAD, 1L) && SET(CURLOPT_CUSTOMREQUEST, r->method) &&
           SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_bytes) &&
           SET(CURLOPT_READFUNCTION, on_read) && SET(CURLOPT_READDATA, x) &&
           SET(CURLOPT_SEEKFUNCTION, on_seek) && SET(CURLOPT_SEEKDATA, x) &&
           SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
  }
  if (r->body_bytes == 0 && strcmp(r->method, "DELETE") == 0) {
    return SET(CURLOPT_CUSTOMREQUEST, r->method);
  }
  const char *body = r->body != NULL ? r->body : "";
  return SET(CURLOPT_POSTFIELDS, body) &&
         SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_bytes) &&
         SET(CURLOPT_CUSTOMREQUEST, r->method);
}

static bool set_limits(exchange *x) {
  uint64_t total = 4 * (uint64_t)x->http->timeout_s + x->request->body_bytes / SLOWEST_BODY_S;
  if (total > INT32_MAX) total = INT32_MAX;
  /* What comes down is as large as it is: a download is bounded by its speed only. */
  long limit = x->request->write != NULL ? 0 : (long)total;
  uint32_t connect_s = x->request->connect_s != 0 ? x->request->connect_s : x->http->timeout_s;
  /* Without QUICK_EXIT, a name server that is away holds us up beyond every limit. */
  return SET(CURLOPT_CONNECTTIMEOUT, (long)connect_s) && SET(CURLOPT_QUICK_EXIT, 1L) &&
         SET(CURLOPT_LOW_SPEED_LIMIT, SLOWEST_BYTES_S) &&
         SET(CURLOPT_LOW_SPEED_TIME, (long)x->http->timeout_s) && SET(CURLOPT_TIMEOUT, limit) &&
         SET(CURLOPT_MAXAGE_CONN, KEEP_IDLE_SECONDS);
}

static bool set_safety(exchange *x) {
  bool https = dl__url_has_scheme(x->request->url, "https");
  return SET(CURLOPT_PROTOCOLS_STR, https ? "https" : "http") &&
         SET(CURLOPT_NOPROXY, https && !x->request->plain ? NULL : "*") &&
         SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_PATH_AS_IS, 1L) &&
         SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && SET(CURLOPT_NOSIGNAL, 1L) &&
         SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) &&
         SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&
         SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
         SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
         (x->http->ca_file == NULL ||
          (SET(CURLOPT_CAINFO, x->http->ca_file) && SET(CURLOPT_CAPATH, NULL)));
}

static bool set_callbacks(exchange *x) {
  return SET(CURLOPT_ERRORBUFFER, x->text) && SET(CURLOPT_HEADERFUNCTION, on_header) &&
         SET(CURLOPT_HEADERDATA, x) && SET(CURLOPT_WRITEFUNCTION, on_write) &&
         SET(CURLOPT_WRITEDATA, x) && SET(CURLOPT_XFERINFOFUNCTION, on_progress) &&
         SET(CURLOPT_XFERINFODATA, x) && SET(CURLOPT_NOPROGRESS, 0L);
}

static bool set_all(exchange *x) {
  return SET(CURLOPT_URL, x->request->url) && SET(CURLOPT_USERAGENT, "devlog/" DL_VERSION_STRING) &&
         set_safety(x) && set_limits(x) && set_callbacks(x) && set_method(x) && set_headers(x);
}

static dl_status fail_network(const exchange *x, bool passes, const char *what, dl_error *err) {
  return dl__http_fail(x->request->url, x->reply->status, passes, what, err);
}

/* With errno_value EFBIG, for a caller that can ask for less. */
static dl_status fail_too_large(const exchange *x, dl_error *err) {
  dl_error full = DL_ERROR_INIT;
  dl_status status = fail_network(x, false, "the reply is larger than any good one", &full);
  full.errno_value = EFBIG;
  dl__error_copy(err, &full);
  return status;
}

static dl_status judge(exchange *x, CURLcode code, dl_error *err) {
  if (x->callback != DL_OK) {
    dl__error_copy(err, &x->callback_error);
    return x->callback;
  }
  if (x->too_large) return fail_too_large(x, err);
  /* A line longer than libcurl takes is "out of memory" to it. */
  if (x->began && code == CURLE_OUT_OF_MEMORY) x->bad_header = true;
  if (x->bad_header) return fail_network(x, false, "the reply is malformed", err);
  if (code != CURLE_OK) {
    return dl__http_explain(code, x->curl, x->request->url, x->text, x->http->ca_file, err);
  }
  long status = 0;
  curl_off_t sent = 0;
  if (curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
      curl_easy_getinfo(x->curl, CURLINFO_SIZE_UPLOAD_T, &sent) != CURLE_OK) {
    return fail_network(x, false, "libcurl does not say how it went", err);
  }
  x->reply->status = (int)status;
  if (!x->headers_end || status < 200) return fail_network(x, true, "the reply was cut off", err);
  if (dl__http_lengths_differ(x->reply))
    return fail_network(x, false, "the reply is malformed", err);
  bool good = status < 300;
  if (good && x->request->write != NULL && dl__http_length_unknown(x->reply)) {
    return fail_network(x, true, "the reply may have been cut off", err);
  }
  if (good && (uint64_t)sent != x->request->body_bytes) {
    return fail_network(x, true, "the server answered before it had read everything", err);
  }
  return DL_OK;
}

/* The last gate: a line break in a value would begin another header. */
static dl_status check_headers(const dl__http_request *request, dl_error *err) {
  for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
    if (dl__text_has_control(request->headers[i])) {
      return dl__fail(err, DL_ERR_ARGUMENT, NULL, "a header with a control character in it");
    }
  }
  return DL_OK;
}

static dl_status check_url(const dl__http_request *request, dl_error *err) {
  if (dl__url_has_scheme(request->url, "https") || request->plain) return DL_OK;
  if (dl__url_has_scheme(request->url, "http") && dl__url_is_loopback(request->url)) return DL_OK;
  return dl__fail(err, DL_ERR_CONFIG, NULL, "plain http is for this machine only; use https");
}

dl_status dl__http_send(dl__http *http, const dl__http_request *request, dl__http_reply *reply,
                        dl_error *err) {
  *reply = (dl__http_reply){0};
  dl_status status = check_url(request, err);
  if (status == DL_OK) status = check_headers(request, err);
  if (status != DL_OK) return status;
  exchange x = {.http = http, .request = request, .reply = reply};
  x.callback_error = (dl_error)DL_ERROR_INIT;
  x.curl = take_handle(http);
  if (x.curl == NULL) return dl__fail_no_memory(err);
  status = set_all(&x) ? judge(&x, curl_easy_perform(x.curl), err) : dl__fail_no_memory(err);
  give_handle(http, x.curl, status == DL_OK);
  curl_slist_free_all(x.lines);
  return status;
}
