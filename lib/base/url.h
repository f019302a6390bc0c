/* base/url.h: the little that is asked of a URL before a storage sees it.
 * A URL may hold a secret, so no message made here ever shows one. */
#ifndef DL_BASE_URL_H
#define DL_BASE_URL_H

#include <stdbool.h>

#include <devlog/error.h>

/* The value of a hex digit, of either case; -1: it is none. */
int dl__hex_value(char c);

/* True for SCHEME://, with something behind it. */
bool dl__url_is_formed(const char *url);

/* True if url starts with scheme and "://"; case does not matter. */
bool dl__url_has_scheme(const char *url, const char *scheme);

/* True if url names this machine for certain: localhost, 127.0.0.0/8 or [::1]. What another
 * program could read in a different way (a user name, an odd address) is not. */
bool dl__url_is_loopback(const char *url);

/* True if url holds USER:PASSWORD@ or, in its query, a signature (sig=). */
bool dl__url_has_secret(const char *url);

/* True if text holds a byte below 0x20, or 0x7f: it could break a line of a request or a log. */
bool dl__text_has_control(const char *text);

/* The folder that file:///PATH or file://localhost/PATH means: absolute, percent escapes
 * decoded, no trailing slash but that of "/". *path is freed by the caller.
 * DL_ERR_CONFIG: another form, host or a bad escape; the message says what to write. */
dl_status dl__url_file_path(const char *url, char **path, dl_error *err);

#endif
