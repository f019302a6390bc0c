/* floor.h: the parts of the floor: floor.c shares out the work, floor_put.c sends, floor_hash.c
 * computes digests. Whatever fails ends the program. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <curl/curl.h>
#include <openssl/evp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_MAX    4096
#define BASE64_SIZE 64 /* room for a digest of up to 32 bytes */

/* Where all connections send to; it does not change while they work. */
typedef struct remote {
  const char *url;
  const char *path; /* of url */
  const char *account;
  unsigned char key[256];
  size_t key_bytes;
} remote;

/* One of them: a handle of libcurl, and what signing needs, made once. */
typedef struct connection {
  const remote *to;
  CURL *curl;
  EVP_MAC_CTX *mac;
  EVP_MD_CTX *md;
  EVP_MD *md5;
  struct {
    int fd;
    uint64_t offset, end;
  } file; /* where a body is read from that is not in memory */
  char error[CURL_ERROR_SIZE];
} connection;

/* What is sent with one PUT. */
typedef struct put {
  const char *name;
  const char *query;    /* as it stands in the URL, with "?", or "" */
  const char *resource; /* the same as it is signed */
  const char *md5;      /* or "" */
  const char *own;  /* one more x-ms- header, "name:value", that sorts before x-ms-date; or "" */
  const char *body; /* NULL: read from the connection's file */
  uint64_t bytes;
} put;

__attribute__((format(printf, 1, 2))) _Noreturn void die(const char *format, ...);
void must(bool good, const char *what);

/* snprintf; what does not fit ends the program. */
__attribute__((format(printf, 3, 4))) void print(char *to, size_t size, const char *format, ...);

void connection_open(connection *c, const remote *to, int fd);
void connection_close(connection *c);
void connection_put(connection *c, const put *p);

/* As Base64. */
void connection_md5(connection *c, const void *data, size_t size, char base64[BASE64_SIZE]);

/* Prints SHA-256 and CRC-64/NVME of what is read. */
void hash_file(int fd, bool md5);

#endif
