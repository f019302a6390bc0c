/* storage/azure_sign.c: takes a request and the key of an account, and gives the
 * signature, as in "Authorize with Shared Key", version 2015-02-21 and later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/hash.h"
#include "storage/azure_auth.h"

#define BLANKS " \t"

/* A header or a query parameter, pointing into what was given. */
typedef struct field {
  const char *name;
  size_t name_length;
  const char *value;
  size_t value_length;
} field;

/* Takes "Name: value" apart, without the spaces around the value. False: no colon. */
static bool split(const char *line, field *out) {
  const char *colon = strchr(line, ':');
  if (colon == NULL) return false;
  const char *value = colon + 1 + strspn(colon + 1, BLANKS);
  size_t length = strlen(value);
  while (length > 0 && strchr(BLANKS, value[length - 1]) != NULL) length--;
  *out = (field){line, (size_t)(colon - line), value, length};
  return true;
}

static char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int compare(const char *a, size_t a_length, const char *b, size_t b_length, bool lower) {
  for (size_t i = 0; i < a_length && i < b_length; i++) {
    unsigned char x = (unsigned char)(lower ? to_lower(a[i]) : a[i]);
    unsigned char y = (unsigned char)(lower ? to_lower(b[i]) : b[i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return a_length < b_length ? -1 : a_length > b_length;
}

static int compare_names(const field *x, const field *y) {
  return compare(x->name, x->name_length, y->name, y->name_length, true);
}

/* By name, then value. The service sorts names by the rules of a language, in which '_' stands
 * elsewhere than among the bytes: names with it are not used. */
static int compare_fields(const void *a, const void *b) {
  const field *x = a;
  const field *y = b;
  int names = compare_names(x, y);
  return names != 0 ? names : compare(x->value, x->value_length, y->value, y->value_length, false);
}

static bool add_lower(dl__buf *buf, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = to_lower(text[i]);
    if (!dl__buf_add(buf, &c, 1)) return false;
  }
  return true;
}

static bool add_field(dl__buf *buf, const field *f) {
  return add_lower(buf, f->name, f->name_length) && dl__buf_add_text(buf, ":") &&
         dl__buf_add(buf, f->value, f->value_length);
}

/* The value of a header, or nothing, and the end of the line. */
static bool add_header(dl__buf *buf, const char *const *headers, const char *name) {
  for (; *headers != NULL; headers++) {
    field f;
    if (split(*headers, &f) && f.name_length == strlen(name) &&
        strncasecmp(f.name, name, f.name_length) == 0) {
      return dl__buf_add(buf, f.value, f.value_length) && dl__buf_add_text(buf, "\n");
    }
  }
  return dl__buf_add_text(buf, "\n");
}

/* The lines that each request has. x-ms-date stands among the others: Date is not sent. */
static bool add_standard(dl__buf *buf, const dl__azure_call *call, const char *const *headers) {
  static const char *const behind[] = {"Content-MD5",         "Content-Type", "Date",
                                       "If-Modified-Since",   "If-Match",     "If-None-Match",
                                       "If-Unmodified-Since", "Range"};
  char length[32] = "";
  if (call->content_length > 0) {
    (void)snprintf(length, sizeof length, "%llu", (unsigned long long)call->content_length);
  }
  bool good = dl__buf_add_text(buf, call->method) && dl__buf_add_text(buf, "\n") &&
              add_header(buf, headers, "Content-Encoding") &&
              add_header(buf, headers, "Content-Language") && dl__buf_add_text(buf, length) &&
              dl__buf_add_text(buf, "\n");
  for (size_t i = 0; good && i < sizeof behind / sizeof behind[0]; i++) {
    good = add_header(buf, headers, behind[i]);
  }
  return good;
}

static bool add_ms_headers(dl__buf *buf, const char *const *headers) {
  size_t lines = 0;
  while (headers[lines] != NULL) lines++;
  DL__AUTO_FREE field *fields = calloc(lines + 1, sizeof *fields);
  if (fields == NULL) return false;
  size_t count = 0;
  for (size_t i = 0; i < lines; i++) {
    if (strncasecmp(headers[i], "x-ms-", 5) == 0 && split(headers[i], &fields[count])) count++;
  }
  qsort(fields, count, sizeof *fields, compare_fields);
  for (size_t i = 0; i < count; i++) {
    if (!add_field(buf, &fields[i]) || !dl__buf_add_text(buf, "\n")) return false;
  }
  return true;
}

/* The values of one name are joined by commas. */
static bool add_query(dl__buf *buf, const char *const *query) {
  size_t pairs = 0;
  while (query != NULL && query[2 * pairs] != NULL) pairs++;
  DL__AUTO_FREE field *fields = calloc(pairs + 1, sizeof *fields);
  if (fields == NULL) return false;
  for (size_t i = 0; i < pairs; i++) {
    const char *name = query[2 * i];
    const char *value = query[2 * i + 1];
    fields[i] = (field){name, strlen(name), value, strlen(value)};
  }
  qsort(fields, pairs, sizeof *fields, compare_fields);
  for (size_t i = 0; i < pairs; i++) {
    bool again = i > 0 && compare_names(&fields[i - 1], &fields[i]) == 0;
    bool good = again ? dl__buf_add_text(buf, ",") &&
                            dl__buf_add(buf, fields[i].value, fields[i].value_length)
                      : dl__buf_add_text(buf, "\n") && add_field(buf, &fields[i]);
    if (!good) return false;
  }
  return true;
}

dl_status dl__azure_string_to_sign(const char *account, const dl__azure_call *call,
                                   const char *const *signed_headers, dl__buf *out, dl_error *err) {
  bool good = add_standard(out, call, signed_headers) && add_ms_headers(out, signed_headers) &&
              dl__buf_add_text(out, "/") && dl__buf_add_text(out, account) &&
              dl__buf_add_text(out, call->path) && add_query(out, call->query);
  return good ? DL_OK : dl__fail_no_memory(err);
}

dl_status dl__azure_sign(const char *account, const void *key, size_t key_size,
                         const dl__azure_call *call, const char *const *signed_headers,
                         dl__buf *signature, dl_error *err) {
  dl__buf text = {0};
  uint8_t hmac[DL__HMAC_BYTES];
  dl_status status = dl__azure_string_to_sign(account, call, signed_headers, &text, err);
  if (status == DL_OK) {
    status = dl__hmac_sha256(key, key_size, text.data, text.length, hmac, err);
  }
  dl__buf_clear(&text);
  if (status == DL_OK && !dl__base64_add(signature, hmac, sizeof hmac)) {
    status = dl__fail_no_memory(err);
  }
  return status;
}
