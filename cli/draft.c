/* cli/draft.c: takes a text or a descriptor, gives a file to edit or the text. */
#include "draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <devlog/devlog.h>

#include "text.h"

static char *join(const char *folder, const char *name) {
  size_t size = strlen(folder) + strlen(name) + 2;
  char *path = malloc(size);
  if (path != NULL) (void)snprintf(path, size, "%s/%s", folder, name);
  return path;
}

static bool write_all(int fd, const char *text) {
  for (size_t left = strlen(text); left > 0;) {
    ssize_t put = write(fd, text, left);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text += put;
    left -= (size_t)put;
  }
  return true;
}

/* errno says what failed. */
static bool fill(const draft *d, const char *text) {
  int fd = open(d->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool written = write_all(fd, text);
  int failure = errno;
  if (close(fd) == 0 && written) return true;
  if (!written) errno = failure;
  (void)unlink(d->path);
  return false;
}

bool draft_make(draft *d, const char *id, const char *text) {
  const char *base = getenv("TMPDIR");
  char name[32];
  d->folder = join(base != NULL && base[0] == '/' ? base : "/tmp", "devlog-XXXXXX");
  (void)snprintf(name, sizeof name, "%.8s.md", id);
  if (d->folder != NULL && mkdtemp(d->folder) != NULL) {
    d->path = join(d->folder, name);
    if (d->path != NULL && fill(d, text)) return true;
    int failure = errno;
    (void)rmdir(d->folder);
    errno = failure;
  }
  complain("cannot make a file for the text in %s: %s; set TMPDIR to a folder with room",
           base != NULL && base[0] == '/' ? base : "/tmp", strerror(errno));
  free(d->path);
  free(d->folder);
  *d = (draft){NULL, NULL};
  return false;
}

void draft_keep(draft *d) {
  complain("the text stands in %s", d->path);
  free(d->path);
  free(d->folder);
  *d = (draft){NULL, NULL};
}

/* What an editor left beside the file (a backup) keeps the folder. */
void draft_remove(draft *d) {
  if (d->path != NULL) (void)unlink(d->path);
  if (d->folder != NULL) (void)rmdir(d->folder);
  free(d->path);
  free(d->folder);
  *d = (draft){NULL, NULL};
}

/* Room for one byte more than is allowed, which tells that there are more. */
static ssize_t read_all(int fd, char **text, size_t *capacity) {
  size_t size = 0;
  for (;;) {
    if (size == *capacity) {
      if (size > DL_ENTRY_SIZE_MAX) return (ssize_t)size;
      size_t wanted = size == 0 ? 4096 : size * 2;
      if (wanted > DL_ENTRY_SIZE_MAX) wanted = DL_ENTRY_SIZE_MAX + 1;
      char *grown = realloc(*text, wanted + 1);
      if (grown == NULL) return -1;
      *text = grown;
      *capacity = wanted;
    }
    ssize_t got = read(fd, *text + size, *capacity - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) return (ssize_t)size;
    size += (size_t)got;
  }
}

char *draft_read(int fd, const char *name) {
  char *text = NULL;
  size_t capacity = 0;
  ssize_t size = read_all(fd, &text, &capacity);
  if (size < 0) {
    complain("cannot read %s: %s", name, strerror(errno));
  } else if (size > DL_ENTRY_SIZE_MAX) {
    complain("%s: more than the %d bytes that an entry may have: shorten it", name,
             DL_ENTRY_SIZE_MAX);
  } else {
    text[size] = '\0';
    if (strlen(text) == (size_t)size) return text;
    complain("%s: holds a NUL byte, so it is not text: nothing is written", name);
  }
  free(text);
  return NULL;
}

char *draft_text(const draft *d) {
  int fd = open(d->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    complain("cannot read %s: %s", d->path, strerror(errno));
    return NULL;
  }
  char *text = draft_read(fd, d->path);
  (void)close(fd);
  return text;
}

bool draft_is_blank(const char *text) {
  return text[strspn(text, " \t\n\v\f\r")] == '\0';
}
