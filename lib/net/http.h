/* net/http.h: one blocking HTTP request, and the truth about how it went.
 *
 * A dl__http keeps idle connections, so that the next request to the same host
 * needs no new handshake. Any number of threads may send with the same dl__http. */
#ifndef DL_NET_HTTP_H
#define DL_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>
#include <devlog/storage.h>

#include "base/buf.h"

/* A reply body that is collected may have so many bytes. */
#define DL__HTTP_BODY_MAX ((size_t)16 * 1024 * 1024)

typedef struct dl__http dl__http;

typedef struct dl__http_settings {
  const char *ca_file; /* PEM certificates to trust instead of the system's; NULL: the system's */
  uint32_t timeout_s;  /* a request that makes no progress for so long fails; also to connect */
} dl__http_settings;

dl_status dl__http_new(const dl__http_settings *settings, dl__http **out, dl_error *err);
void dl__http_free(dl__http *http);

/* How to ask whether to give up; before the first request. */
void dl__http_watch(dl__http *http, dl_cancelled_fn cancelled, void *user);

typedef struct dl__http_request {
  const char *method;         /* "GET", "PUT", "HEAD", "DELETE", "POST" */
  const char *url;            /* https only; http to this machine, or if plain is set */
  const char *const *headers; /* lines "Name: value"; NULL-terminated; or NULL */

  /* Body: memory, or (read not NULL) from read, body_bytes in all. */
  const void *body;
  uint64_t body_bytes;
  dl_read_fn read;
  void *read_user;

  /* Where the body of a 2xx reply goes; NULL: collected in reply->body. Other
   * replies are always collected. */
  dl_write_fn write;
  void *write_user;

  bool plain; /* http and no proxy whatever the host: for the credential services of a cloud */
  uint32_t connect_s; /* seconds to connect; 0: as the settings say */
} dl__http_request;

typedef struct dl__http_reply {
  int status;
  dl__buf body;        /* NUL-terminated if not empty */
  dl__buf headers;     /* "name: value\n" lines, names in small letters */
  uint64_t body_bytes; /* of the reply, collected or written */
} dl__http_reply;

/* Sends one request and waits for the whole reply.
 * DL_OK: a complete reply is there, whatever its status; and if it is 2xx, every
 * byte of the request's body was sent. Redirects are not followed: a 3xx is a reply
 * like any other.
 * DL_ERR_NETWORK (retryable or not): no complete reply (errno_value EFBIG: it is too large);
 * DL_ERR_CANCELLED; or what read or write returned. *reply is cleared by the caller, also on
 * failure. */
dl_status dl__http_send(dl__http *http, const dl__http_request *request, dl__http_reply *reply,
                        dl_error *err);
void dl__http_reply_clear(dl__http_reply *reply);

/* The value of a reply header (name in small letters), copied into value; false if
 * it is not there or does not fit, and value is "". */
bool dl__http_header(const dl__http_reply *reply, const char *name, char *value, size_t size);

#endif
