/* floor.c: what a push costs at the least: takes the same files, sends them by libcurl and
 * libcrypto alone, over as many connections and signed the same way, and gives the exit code 0 if
 * all of it was stored. Uses nothing of our library, and measures nothing: bench.py does.
 *
 *   floor small URL CONNECTIONS DIR                 each file of DIR by one Put Blob, with its MD5
 *   floor blocks URL CONNECTIONS FILE BLOCK_BYTES   FILE by Put Block and Put Block List
 *   floor append URL CONNECTIONS FILE BLOCK_BYTES OLD_BYTES
 *                               only what stands behind OLD_BYTES, a multiple of BLOCK_BYTES, into
 *                               the blob that `blocks` made
 *   floor hash FILE             prints the SHA-256 and the MD5 of FILE
 *   floor hash-crc FILE         prints the SHA-256 and the CRC-64/NVME of FILE
 *
 * `blocks` and `append` compute no digest of what they send, so that the cost of sending and the
 * cost of `hash` can be added. URL is http://HOST/ACCOUNT/CONTAINER[/FOLDER], with nothing in it
 * that would have to be escaped; AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY are in the
 * environment. */
#include "floor.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define SMALL_MAX       ((size_t)1024 * 1024)
#define BLOCKS_MAX      50000

/* Digits in three times so many bytes become letters and digits only, without padding. */
#define ID_DIGITS 6
#define ID_SIZE   (ID_DIGITS / 3 * 4 + 1)

/* What all threads share; it does not change while they work, but for next. */
static struct {
  remote to;
  int fd; /* of the file or the folder */
  const char *name;
  char **names; /* small */
  uint64_t size;
  uint64_t block;
  uint64_t first; /* where next starts */
  uint64_t count; /* of names or blocks */
  atomic_uint_fast64_t next;
} all;

typedef struct worker {
  pthread_t thread;
  connection c;
  char *memory; /* SMALL_MAX */
} worker;

_Noreturn void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)fputs("floor: ", stderr);
  (void)vfprintf(stderr, format, args);
  (void)fputc('\n', stderr);
  va_end(args);
  _exit(1);
}

void must(bool good, const char *what) {
  if (!good) die("%s failed", what);
}

void print(char *to, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = vsnprintf(to, size, format, args);
  va_end(args);
  if (length < 0 || (size_t)length >= size) die("too long: %s", to);
}

/* ---------------------------------------------------------------- sending */

static void send_small(worker *w, const char *name) {
  int fd = openat(all.fd, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die("%s: cannot be opened", name);
  ssize_t size = read(fd, w->memory, SMALL_MAX);
  if (size < 0 || (size_t)size == SMALL_MAX) die("%s: cannot be read, or is too large", name);
  (void)close(fd);
  char md5[BASE64_SIZE];
  connection_md5(&w->c, w->memory, (size_t)size, md5);
  put p = {name, "", "", md5, "x-ms-blob-type:BlockBlob", w->memory, (uint64_t)size};
  connection_put(&w->c, &p);
}

static void block_id(uint64_t index, char id[ID_SIZE]) {
  char digits[32];
  print(digits, sizeof digits, "%0*llu", ID_DIGITS, (unsigned long long)index);
  (void)EVP_EncodeBlock((unsigned char *)id, (const unsigned char *)digits, ID_DIGITS);
}

static void send_block(worker *w, uint64_t index) {
  char id[ID_SIZE];
  char query[TEXT_MAX];
  char resource[TEXT_MAX];
  block_id(index, id);
  print(query, sizeof query, "?comp=block&blockid=%s", id);
  print(resource, sizeof resource, "\nblockid:%s\ncomp:block", id);
  uint64_t offset = index * all.block;
  uint64_t bytes = all.size - offset < all.block ? all.size - offset : all.block;
  w->c.file.offset = offset;
  w->c.file.end = offset + bytes;
  put p = {all.name, query, resource, "", "", NULL, bytes};
  connection_put(&w->c, &p);
}

static void *work(void *user) {
  worker *w = user;
  for (uint64_t i; (i = atomic_fetch_add(&all.next, 1)) < all.count;) {
    if (all.names != NULL) {
      send_small(w, all.names[i]);
    } else {
      send_block(w, i);
    }
  }
  return NULL;
}

static void send_list(worker *w) {
  static const char head[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
  size_t room = sizeof head + all.count * (ID_SIZE + sizeof "<Latest></Latest>") + 64;
  char *body = malloc(room);
  must(body != NULL, "malloc");
  print(body, room, "%s", head);
  size_t length = strlen(body);
  for (uint64_t i = 0; i < all.count; i++) {
    char id[ID_SIZE];
    block_id(i, id);
    print(body + length, room - length, "<Latest>%s</Latest>", id);
    length += strlen(body + length);
  }
  print(body + length, room - length, "</BlockList>");
  put p = {all.name, "?comp=blocklist", "\ncomp:blocklist", "", "", body, strlen(body)};
  connection_put(&w->c, &p);
  free(body);
}

/* No more threads than there is work for, but one for the list. */
static void send_all(uint64_t connections) {
  static worker workers[CONNECTIONS_MAX];
  atomic_init(&all.next, all.first);
  must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init");
  uint64_t left = all.count - all.first;
  size_t count = (size_t)(left < connections ? left : connections);
  if (count == 0) count = 1;
  for (size_t i = 0; i < count; i++) {
    workers[i].memory = malloc(SMALL_MAX);
    must(workers[i].memory != NULL, "malloc");
    connection_open(&workers[i].c, &all.to, all.fd);
    must(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "pthread_create");
  }
  for (size_t i = 0; i < count; i++) must(pthread_join(workers[i].thread, NULL) == 0, "join");
  if (all.names == NULL) send_list(&workers[0]);
  for (size_t i = 0; i < count; i++) {
    connection_close(&workers[i].c);
    free(workers[i].memory);
  }
  curl_global_cleanup();
}

/* ---------------------------------------------------------------- the command line */

static uint64_t number(const char *text, uint64_t least, uint64_t most) {
  char *end;
  unsigned long long value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < least || value > most) {
    die("wrong number: %s", text);
  }
  return value;
}

static void read_names(const char *folder) {
  DIR *dir = opendir(folder);
  all.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir == NULL || all.fd < 0) die("%s: cannot be read", folder);
  size_t room = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    if (all.count == room) {
      room = 2 * room + 64;
      char **more = realloc(all.names, room * sizeof *more);
      must(more != NULL, "realloc");
      all.names = more;
    }
    all.names[all.count] = strdup(entry->d_name);
    must(all.names[all.count++] != NULL, "strdup");
  }
  must(closedir(dir) == 0 && all.count > 0, "looking for files");
}

static void open_file(const char *path) {
  struct stat st;
  all.fd = open(path, O_RDONLY | O_CLOEXEC);
  if (all.fd < 0 || fstat(all.fd, &st) != 0) die("%s: cannot be opened", path);
  const char *slash = strrchr(path, '/');
  all.name = slash != NULL ? slash + 1 : path;
  all.size = (uint64_t)st.st_size;
}

static void read_remote(const char *url) {
  const char *key = getenv("AZURE_STORAGE_KEY");
  const char *host = strstr(url, "://");
  all.to.url = url;
  all.to.path = host != NULL ? strchr(host + 3, '/') : NULL;
  all.to.account = getenv("AZURE_STORAGE_ACCOUNT");
  must(all.to.account != NULL && key != NULL && all.to.path != NULL, "finding where and as whom");
  size_t length = strlen(key);
  must(length > 0 && length < sizeof all.to.key, "the key");
  int bytes = EVP_DecodeBlock(all.to.key, (const unsigned char *)key, (int)length);
  must(bytes > 3, "the key");
  for (; key[length - 1] == '='; length--) bytes--; /* it counts the padding as zeros */
  all.to.key_bytes = (size_t)bytes;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  bool md5 = strcmp(mode, "hash") == 0 && argc == 3;
  bool crc = strcmp(mode, "hash-crc") == 0 && argc == 3;
  bool small = strcmp(mode, "small") == 0 && argc == 5;
  bool blocks = strcmp(mode, "blocks") == 0 && argc == 6;
  bool append = strcmp(mode, "append") == 0 && argc == 7;
  if (md5 || crc) {
    open_file(argv[2]);
    hash_file(all.fd, md5);
    return 0;
  }
  if (!small && !blocks && !append) die("the head of floor.c has its arguments");
  read_remote(argv[2]);
  if (small) {
    read_names(argv[4]);
  } else {
    open_file(argv[4]);
    all.block = number(argv[5], 1, UINT32_MAX);
    all.count = all.size / all.block + (all.size % all.block != 0);
    must(all.count <= BLOCKS_MAX, "a list of so many blocks");
    if (append) all.first = number(argv[6], 0, all.size) / all.block;
  }
  send_all(number(argv[3], 1, CONNECTIONS_MAX));
  for (uint64_t i = 0; all.names != NULL && i < all.count; i++) free(all.names[i]);
  free(all.names);
  return 0;
}
