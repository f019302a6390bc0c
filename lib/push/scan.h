/* push/scan.h: folder -> list of its files. */
#ifndef DL_PUSH_SCAN_H
#define DL_PUSH_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "base/fs.h"
#include "push/config.h"

typedef struct dl__file {
  char *key;
  dl__stamp stamp;
} dl__file;

/* Something that was found and left out, and why. */
typedef struct dl__scan_note {
  char *path;
  const char *message;
} dl__scan_note;

typedef struct dl__tree {
  int fd; /* the folder, open */
  dl__file *files;
  size_t count;
  size_t capacity;
  uint64_t total_bytes;
  size_t left_out; /* regular files that no pattern of include takes */
  dl__scan_note *notes;
  size_t note_count;
  size_t note_capacity;
} dl__tree;

/* A file or folder, whatever its name. */
typedef struct dl__file_id {
  uint64_t dev;
  uint64_t ino;
} dl__file_id;

typedef struct dl__scan_request {
  const char *base;
  const dl__patterns *include;
  const dl__patterns *exclude;
  const dl__file_id *avoid; /* never opened nor listed: the state's own files */
  size_t avoid_count;
} dl__scan_request;

/* Lists the regular files that match include and not exclude, sorted by key.
 * Hidden names and those of config.h's fixed list are left out; symbolic links
 * and special files too, with a note. The caller clears *out, also on failure. */
dl_status dl__scan(const dl__scan_request *request, dl__tree *out, dl_error *err);

/* False for the keys that no scan gives, whatever the patterns: a part of it is hidden, or on
 * the fixed list. */
bool dl__scan_takes(const char *key);

void dl__tree_clear(dl__tree *tree);

#endif
