/* fuzz_log.c: any bytes as the file of a day. Every line is an event, damaged, torn or blank; an
 * event that is appended is always read; and the file for people holds the text as it is. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "journal/entry.h"
#include "journal/log.h"
#include "journal/markdown.h"

#define EVENT                                                                                      \
  "{\"type\":\"ContentUpdated\",\"data\":{\"content\":\"the last\",\"timestamp\":\"\"}}\n"

static dl_status take(const dl__event *event, void *user, dl_error *err) {
  return dl__entry_apply(user, event, err);
}

static void put(int fd, const void *data, size_t size, off_t at) {
  require(pwrite(fd, data, size, at) == (ssize_t)size);
}

static size_t lines_of(const uint8_t *data, size_t size) {
  size_t lines = size > 0 && data[size - 1] != '\n';
  for (size_t i = 0; i < size; i++) lines += data[i] == '\n';
  return lines;
}

/* Eight lines, of which no name or time breaks one, and the text. */
static void check_markdown(const dl__entry *entry) {
  dl__buf text = {0};
  require(dl__markdown_make("20250911", entry, &text, NULL) == DL_OK);
  const char *at = text.data;
  for (int line = 0; line < 8; line++) {
    size_t length = strcspn(at, "\n");
    require((length == 3 && strncmp(at, "---", 3) == 0) == (line == 0 || line == 7));
    at += length;
    require(*at++ == '\n');
  }
  size_t length = strlen(entry->content);
  require(strncmp(at, entry->content, length) == 0 && dl__utf8_is_valid(text.data));
  require(at[length] == '\0' ? length > 0 && at[length - 1] == '\n'
                             : strcmp(at + length, "\n") == 0);
  dl__buf_clear(&text);
}

static void read_log(dl__log *log, dl__entry *entry) {
  require(dl__log_read(log, take, entry, NULL) == DL_OK);
  require(dl__entry_finish(entry, NULL) == DL_OK);
  if (entry->content != NULL) check_markdown(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int fd = -1;
  if (fd < 0) fd = memfd_create("log", MFD_CLOEXEC);
  require(fd >= 0 && ftruncate(fd, 0) == 0);
  if (size > 0) put(fd, data, size, 0);
  dl__log log = DL__LOG_INIT;
  log.base = "journal";
  log.fd = fd;
  dl__entry entry = {0};
  read_log(&log, &entry);
  dl__entry_clear(&entry);
  require(log.events + log.damaged + (log.torn ? 1 : 0) <= lines_of(data, size));
  require(log.ended == (size == 0 || data[size - 1] == '\n') && !(log.torn && log.ended));

  const dl__log before = log;
  if (!log.ended) put(fd, "\n", 1, (off_t)size);
  put(fd, EVENT, sizeof EVENT - 1, (off_t)size + (log.ended ? 0 : 1));
  read_log(&log, &entry);
  require(log.ended && !log.torn && log.events == before.events + 1);
  require(log.damaged == before.damaged + (before.torn ? 1 : 0));
  require(same(entry.content, "the last"));
  dl__entry_clear(&entry);
  return 0;
}
