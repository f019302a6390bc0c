/* far.c: a server that is far away. Takes a round trip in ms, prints "port N", serves 127.0.0.1:N
 * until it is killed: it answers each request so long after it came, as the service would: a
 * list is empty, what is put is stored (and forgotten). A new connection costs two round trips
 * more, as TCP and TLS 1.3 do. Only the time is like that of the service: there is no limit of
 * its own that a client could meet. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX     ((size_t)16 * 1024)
#define DELAY_MAX_MS 10000

#define EMPTY_LIST                                                                                 \
  "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs/><NextMarker/>"            \
  "</EnumerationResults>"

static long round_trip_ms;

static void must(bool good, const char *what) {
  if (good) return;
  (void)fprintf(stderr, "far: %s failed\n", what);
  exit(1);
}

static void travel(void) {
  const struct timespec time = {round_trip_ms / 1000, round_trip_ms % 1000 * 1000000};
  (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* The value of a header, up to the end of its line; NULL: there is none. */
static const char *header(const char *head, const char *name) {
  for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, strlen(name)) == 0) return line + 2 + strlen(name);
  }
  return NULL;
}

/* Reads a head and drops the body behind it. False: the client has gone. */
static bool read_request(int fd, char head[HEAD_MAX + 1]) {
  size_t size = 0;
  const char *end = NULL;
  while (end == NULL) {
    ssize_t got = size < HEAD_MAX ? read(fd, head + size, HEAD_MAX - size) : 0;
    if (got <= 0) return false;
    size += (size_t)got;
    head[size] = '\0';
    end = strstr(head, "\r\n\r\n");
  }
  size_t body = size - (size_t)(end + 4 - head);
  const char *length = header(head, "content-length:");
  for (uint64_t left = length != NULL ? strtoull(length, NULL, 10) : 0; body < left;) {
    char drop[65536];
    left -= body;
    ssize_t got = read(fd, drop, left < sizeof drop ? (size_t)left : sizeof drop);
    if (got <= 0) return false;
    body = (size_t)got;
  }
  return true;
}

static bool answer(int fd, const char *head) {
  char reply[1024];
  bool put = strncmp(head, "PUT ", 4) == 0;
  const char *md5 = header(head, "content-md5:");
  int md5_size = md5 != NULL ? (int)strcspn(md5, "\r") : 0;
  int size =
      put ? snprintf(reply, sizeof reply,
                     "HTTP/1.1 201 Created\r\nx-ms-request-id: far\r\nETag: "
                     "\"0x1\"\r\nContent-MD5:%.*s\r\n"
                     "Content-Length: 0\r\n\r\n",
                     md5_size < 64 ? md5_size : 0, md5 != NULL ? md5 : "")
          : snprintf(reply, sizeof reply,
                     "HTTP/1.1 200 OK\r\nx-ms-request-id: far\r\nContent-Type: application/xml\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     sizeof EMPTY_LIST - 1, EMPTY_LIST);
  return write(fd, reply, (size_t)size) == size;
}

static void *serve(void *arg) {
  int fd = (int)(intptr_t)arg;
  char head[HEAD_MAX + 1];
  travel();
  travel();
  while (read_request(fd, head)) {
    travel();
    if (!answer(fd, head)) break;
  }
  (void)close(fd);
  return NULL;
}

int main(int argc, char **argv) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof here;
  const int on = 1;
  round_trip_ms = argc == 2 ? strtol(argv[1], NULL, 10) : -1;
  must(round_trip_ms >= 0 && round_trip_ms <= DELAY_MAX_MS, "usage: far MS; that");
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  must(listener >= 0 && bind(listener, (struct sockaddr *)&here, sizeof here) == 0 &&
           listen(listener, 512) == 0 &&
           getsockname(listener, (struct sockaddr *)&here, &size) == 0,
       "listening");
  (void)printf("port %u\n", (unsigned)ntohs(here.sin_port));
  must(fflush(stdout) == 0, "writing the port");
  for (;;) {
    pthread_t thread;
    int fd = accept(listener, NULL, NULL);
    must(fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "accepting");
    must(pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0, "a thread");
    (void)pthread_detach(thread);
  }
}
