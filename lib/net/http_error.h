/* net/http_error.h: why there is no reply, in words; for http.c. */
#ifndef DL_NET_HTTP_ERROR_H
#define DL_NET_HTTP_ERROR_H

#include <stdbool.h>

#include <curl/curl.h>

#include <devlog/error.h>

/* DL_ERR_NETWORK: "SCHEME://HOST:PORT: what". passes: another try makes sense.
 * http_status: of the reply, or 0. */
dl_status dl__http_fail(const char *url, int http_status, bool passes, const char *what,
                        dl_error *err);

/* What a code of libcurl means here and what to do. text: its error buffer. */
dl_status dl__http_explain(CURLcode code, CURL *curl, const char *url, const char *text,
                           const char *ca_file, dl_error *err);

#endif
