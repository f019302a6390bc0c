/* tests/support/answerer.h: a small HTTP server on this machine that answers what
 * a test says, and keeps the heads of all requests and the last body. Needs _GNU_SOURCE. */
#ifndef DL_TESTS_ANSWERER_H
#define DL_TESTS_ANSWERER_H

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct answer {
  const char *status;
  const char *headers; /* lines, each with its \r\n; or NULL */
  const char *body;
  size_t copies; /* so many of the body; 0: one */
} answer;

static struct {
  pthread_t thread;
  int fd;
  unsigned port;
  pthread_mutex_t mutex;
  answer answers[8]; /* the last one is given again and again */
  int count, given;
  char heads[32768]; /* of all requests */
  char body[8192];   /* of the last one, cut if it is longer */
} fake = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static inline void keep_body(const char *data, size_t size) {
  size_t have = strlen(fake.body);
  size_t room = sizeof fake.body - 1 - have;
  memcpy(fake.body + have, data, size < room ? size : room);
  fake.body[have + (size < room ? size : room)] = '\0';
}

/* Reads a request; its head goes to heads. */
static inline void read_request(int fd, size_t length) {
  char data[65536] = "";
  size_t size = 0;
  char *end = NULL;
  while ((end = strstr(data, "\r\n\r\n")) == NULL) {
    ssize_t got = recv(fd, data + size, sizeof data - 1 - size, 0);
    if (got <= 0) return;
    size += (size_t)got;
    data[size] = '\0';
  }
  end += 4;
  (void)snprintf(fake.heads + length, sizeof fake.heads - length, "%.*s", (int)(end - data), data);
  const char *line = strcasestr(data, "\r\ncontent-length:");
  size_t left = line != NULL && line < end ? strtoul(line + 17, NULL, 10) : 0;
  left -= size - (size_t)(end - data);
  memset(fake.body, 0, sizeof fake.body);
  keep_body(end, size - (size_t)(end - data));
  while (left > 0) {
    ssize_t got = recv(fd, data, left < sizeof data ? left : sizeof data, 0);
    if (got <= 0) return;
    keep_body(data, (size_t)got);
    left -= (size_t)got;
  }
}

static inline void reply(int fd, const answer *a) {
  char head[1024];
  size_t copies = a->copies > 0 ? a->copies : 1;
  (void)snprintf(head, sizeof head,
                 "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n"
                 "x-ms-request-id: 1\r\n%s\r\n",
                 a->status, strlen(a->body) * copies, a->headers != NULL ? a->headers : "");
  bool good = send(fd, head, strlen(head), MSG_NOSIGNAL) >= 0;
  for (size_t i = 0; good && i < copies; i++) {
    good = send(fd, a->body, strlen(a->body), MSG_NOSIGNAL) >= 0;
  }
}

static inline void *serve_all(void *arg) {
  for (;;) {
    int fd = accept(fake.fd, NULL, NULL);
    if (fd < 0) return arg;
    (void)pthread_mutex_lock(&fake.mutex);
    answer a = fake.answers[fake.given < fake.count ? fake.given : fake.count - 1];
    fake.given++;
    read_request(fd, strlen(fake.heads));
    (void)pthread_mutex_unlock(&fake.mutex);
    reply(fd, &a);
    (void)close(fd);
  }
}

static inline void start_fake(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  fake.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fake.fd, 0);
  ck_assert_int_eq(bind(fake.fd, (struct sockaddr *)&address, length), 0);
  ck_assert_int_eq(listen(fake.fd, 64), 0);
  ck_assert_int_eq(getsockname(fake.fd, (struct sockaddr *)&address, &length), 0);
  fake.port = ntohs(address.sin_port);
  ck_assert_int_eq(pthread_create(&fake.thread, NULL, serve_all, NULL), 0);
}

static inline void stop_fake(void) {
  (void)shutdown(fake.fd, SHUT_RDWR);
  ck_assert_int_eq(pthread_join(fake.thread, NULL), 0);
  ck_assert_int_eq(close(fake.fd), 0);
}

static inline void plan(answer a) {
  (void)pthread_mutex_lock(&fake.mutex);
  ck_assert_int_lt(fake.count, (int)(sizeof fake.answers / sizeof fake.answers[0]));
  fake.answers[fake.count++] = a;
  (void)pthread_mutex_unlock(&fake.mutex);
}

/* How many requests came, and, if text is not NULL, how often text stands in them. */
static inline int requests(const char *text) {
  (void)pthread_mutex_lock(&fake.mutex);
  int count = text != NULL ? 0 : fake.given;
  const char *at = fake.heads;
  while (text != NULL && (at = strcasestr(at, text)) != NULL) {
    count++;
    at++;
  }
  (void)pthread_mutex_unlock(&fake.mutex);
  return count;
}

#endif
