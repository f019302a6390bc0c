/* A log that grows by small pieces, with a push after each, by one process: what is sent in all,
 * and whether the remote is the file each time. delta.sh runs it.
 *
 *   delta_appends URL FOLDER STATE COUNT KIND
 *
 * KIND: mixed: sizes of all orders of magnitude from 1 B to 1 MiB; large: any size up to 1 MiB.
 * After each push it prints "look SIZE MD5" and waits for a line, see `attend` of azure_client.py.
 * Prints the counts in the end; exit code 1 and a line of reason if something is not as it should
 * be. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <devlog/devlog.h>

#include "base/hash.h"
#include "push/segment.h"

#define KEY       "events/log.jsonl"
#define PIECE_MAX ((size_t)1 << 20)
#define START     ((size_t)100000) /* the log before the first append: it goes in parts */
#define LOOK_EACH 100              /* how often the whole content is read back */
#define TIMES_MAX 4                /* bytes sent for each that was appended, at most */

static struct {
  dl_sync *sync;
  const dl_storage *storage;
  char path[4096];
  dl__md5 *md5; /* of all that was appended */
  uint64_t size_bytes, appended_bytes, sent_bytes;
  size_t most_small, most_segments;
  uint64_t random;
  bool large;
  char piece[PIECE_MAX];
} all = {.random = 88172645463325252u};

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)vprintf(format, args);
  va_end(args);
  (void)putchar('\n');
  exit(1);
}

static void must(dl_status status, const dl_error *err, const char *what) {
  if (status != DL_OK) fail("%s: %s: %s", what, dl_status_name(status), err->message);
}

/* xorshift64: the same each time. */
static uint64_t next_random(void) {
  all.random ^= all.random << 13;
  all.random ^= all.random >> 7;
  all.random ^= all.random << 17;
  return all.random;
}

static size_t next_size(void) {
  size_t below = all.large ? PIECE_MAX : (size_t)1 << (next_random() % 21);
  return 1 + (size_t)(next_random() % below);
}

static void append(size_t size) {
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
    uint64_t bytes = next_random();
    memcpy(all.piece + i, &bytes, size - i < sizeof bytes ? size - i : sizeof bytes);
  }
  FILE *file = fopen(all.path, "ab");
  if (file == NULL || fwrite(all.piece, 1, size, file) != size || fclose(file) != 0) {
    fail("cannot append to %s", all.path);
  }
  dl__md5_add(all.md5, all.piece, size);
  all.size_bytes += size;
}

static void set(dl_config *config, const char *name, const char *value) {
  dl_error err = DL_ERROR_INIT;
  must(dl_config_set(config, name, value, &err), &err, name);
}

static void open_all(char **argv) {
  dl_error err = DL_ERROR_INIT;
  dl_config *config;
  must(dl_config_new(&config, &err), &err, "dl_config_new");
  set(config, "remote.url", argv[1]);
  set(config, "base", argv[2]);
  set(config, "state_dir", argv[3]);
  must(dl_sync_new(config, &all.sync, &err), &err, "dl_sync_new");
  must(dl_storage_create(config, &all.storage, &err), &err, "dl_storage_create");
  dl_config_free(config);
  must(dl__md5_new(&all.md5, &err), &err, "MD5");
  (void)snprintf(all.path, sizeof all.path, "%s/%s", argv[2], KEY);
}

static void push(void) {
  dl_error err = DL_ERROR_INIT;
  dl_push_result result = DL_PUSH_RESULT_INIT;
  dl_status status = dl_push(all.sync, NULL, NULL, &result, &err);
  if (status == DL_ERR_PARTIAL) fail("push: %s", result.errors[0]->message);
  must(status, &err, "push");
  if (result.files_uploaded != 1) fail("%d files uploaded", (int)result.files_uploaded);
  if (result.bytes_sent + result.bytes_reused != all.size_bytes) fail("the counts are wrong");
  all.sent_bytes += result.bytes_sent;
  dl_push_result_clear(&result);
}

/* ---- what is there now ---- */

/* Who started this looks up the size and the MD5 that are stored, and answers. */
static void check_stored(void) {
  uint8_t md5[DL__MD5_BYTES];
  dl__md5_get(all.md5, md5);
  (void)printf("look %llu ", (unsigned long long)all.size_bytes);
  for (size_t i = 0; i < sizeof md5; i++) (void)printf("%02x", md5[i]);
  (void)putchar('\n');
  (void)fflush(stdout);
  if (getchar() != '\n') fail("that is not what is stored");
}

/* The segments of the object, as the next push will see them. */
static int add_segment(const dl_segment *segment, void *user) {
  dl__segment own = {.offset_bytes = dl__segments_end(user), .size_bytes = segment->size_bytes};
  if (segment->staged != 0) fail("a staged part is left");
  if (!dl__segments_add(user, &own)) fail("no memory");
  return 0;
}

static void check_segments(void) {
  dl_error err = DL_ERROR_INIT;
  dl__segments segments = {0};
  dl_layout layout = DL_LAYOUT_INIT;
  must(all.storage->layout(all.storage->self, KEY, add_segment, &segments, &layout, &err), &err,
       "layout");
  if (dl__segments_end(&segments) != all.size_bytes) fail("the segments are not the object");
  size_t small = segments.count - dl__segments_first_small(&segments);
  if (small > DL__SEGMENTS_SMALL_MAX) fail("%zu small segments", small);
  if (small > all.most_small) all.most_small = small;
  if (segments.count > all.most_segments) all.most_segments = segments.count;
  dl__segments_clear(&segments);
}

static dl_status add_to_md5(void *user, const void *data, size_t size, dl_error *err) {
  (void)err;
  dl__md5_add(user, data, size);
  return DL_OK;
}

static void check_content(void) {
  dl_error err = DL_ERROR_INIT;
  dl__md5 *md5;
  uint8_t here[DL__MD5_BYTES], there[DL__MD5_BYTES];
  must(dl__md5_new(&md5, &err), &err, "MD5");
  dl_get_request request = DL_GET_REQUEST_INIT;
  request.key = KEY;
  request.write = add_to_md5;
  request.write_user = md5;
  must(all.storage->get(all.storage->self, &request, &err), &err, "get");
  dl__md5_get(md5, there);
  dl__md5_get(all.md5, here);
  dl__md5_free(md5);
  if (memcmp(here, there, sizeof here) != 0) fail("the content is another one");
}

int main(int argc, char **argv) {
  if (argc != 6) fail("delta_appends URL FOLDER STATE COUNT KIND");
  int count = atoi(argv[4]);
  all.large = strcmp(argv[5], "large") == 0;
  open_all(argv);
  append(START);
  push();
  all.sent_bytes = 0;
  for (int i = 1; i <= count; i++) {
    size_t size = next_size();
    append(size);
    all.appended_bytes += size;
    push();
    check_stored();
    check_segments();
    if (i % LOOK_EACH == 0 || i == count) check_content();
    if (all.sent_bytes > TIMES_MAX * (all.appended_bytes + START)) fail("too much was sent");
  }
  (void)printf("%d appends of %llu bytes: %llu bytes sent, %.2f times; at most %zu small segments "
               "of %zu\n",
               count, (unsigned long long)all.appended_bytes, (unsigned long long)all.sent_bytes,
               (double)all.sent_bytes / (double)all.appended_bytes, all.most_small,
               all.most_segments);
  dl__md5_free(all.md5);
  dl_storage_close(all.storage);
  dl_sync_free(all.sync);
  return 0;
}
