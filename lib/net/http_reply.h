/* net/http_reply.h: the header of a reply, for http.c. */
#ifndef DL_NET_HTTP_REPLY_H
#define DL_NET_HTTP_REPLY_H

#include "net/http.h"

/* Keeps one header line as the wire has it. False: no memory. */
bool dl__http_add_header(dl__http_reply *reply, const char *line, size_t length);

/* Two different lengths let two readers see two different replies. */
bool dl__http_lengths_differ(const dl__http_reply *reply);

/* True if the body had no announced end: one that was cut off looks whole. */
bool dl__http_length_unknown(const dl__http_reply *reply);

#endif
