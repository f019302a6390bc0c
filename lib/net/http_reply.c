/* net/http_reply.c: takes header lines as they came, keeps them in one text of
 * "name: value" lines, and answers questions about them. */
#include "net/http_reply.h"

#include <ctype.h>
#include <string.h>

bool dl__http_add_header(dl__http_reply *reply, const char *line, size_t length) {
  const char *colon = memchr(line, ':', length);
  if (colon == NULL) return true;
  size_t start = reply->headers.length;
  if (!dl__buf_add(&reply->headers, line, (size_t)(colon - line))) return false;
  for (size_t i = start; i < reply->headers.length; i++) {
    reply->headers.data[i] = (char)tolower((unsigned char)reply->headers.data[i]);
  }
  const char *value = colon + 1;
  const char *end = line + length;
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  while (end > value && (unsigned char)end[-1] <= ' ') end--;
  return dl__buf_add_text(&reply->headers, ": ") &&
         dl__buf_add(&reply->headers, value, (size_t)(end - value)) &&
         dl__buf_add_text(&reply->headers, "\n");
}

void dl__http_reply_clear(dl__http_reply *reply) {
  dl__buf_clear(&reply->body);
  dl__buf_clear(&reply->headers);
}

bool dl__http_header(const dl__http_reply *reply, const char *name, char *value, size_t size) {
  size_t length = strlen(name);
  value[0] = '\0';
  const char *line = reply->headers.data;
  while (line != NULL && *line != '\0') {
    const char *end = strchr(line, '\n');
    if (strncmp(line, name, length) == 0 && line[length] == ':') {
      size_t value_length = (size_t)(end - line) - length - 2;
      if (value_length >= size) return false;
      memcpy(value, line + length + 2, value_length);
      value[value_length] = '\0';
      return true;
    }
    line = end + 1;
  }
  return false;
}

bool dl__http_lengths_differ(const dl__http_reply *reply) {
  static const char name[] = "\ncontent-length: ";
  const char *first = NULL;
  size_t first_length = 0;
  const char *at = reply->headers.data;
  if (at != NULL && strncmp(at, name + 1, sizeof name - 2) == 0) {
    first = at + sizeof name - 2;
    first_length = strcspn(first, "\n");
  }
  while (at != NULL && (at = strstr(at, name)) != NULL) {
    at += sizeof name - 1;
    size_t length = strcspn(at, "\n");
    if (first != NULL && (length != first_length || strncmp(first, at, length) != 0)) return true;
    first = at;
    first_length = length;
  }
  return false;
}

bool dl__http_length_unknown(const dl__http_reply *reply) {
  char value[64];
  return reply->body_bytes > 0 && !dl__http_header(reply, "content-length", value, sizeof value) &&
         !dl__http_header(reply, "transfer-encoding", value, sizeof value);
}
