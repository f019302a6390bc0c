/* replay.c: takes a folder and gives each file in it to a target, in an ordinary build. Prints
 * TAP, one point a file; a target that finds a promise broken aborts, behind the name of the file.
 * An empty folder is a failure: it proves nothing. */
#include <dirent.h>

#include "fuzz.h"

#define FILE_MAX ((size_t)1024 * 1024)

static int is_file(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* False: it cannot be read, or is too large for a seed. */
static bool replay(const char *path) {
  FILE *file = fopen(path, "rb");
  uint8_t *data = malloc(FILE_MAX);
  size_t size = file != NULL && data != NULL ? fread(data, 1, FILE_MAX, file) : FILE_MAX;
  bool good = size < FILE_MAX && ferror(file) == 0;
  if (file != NULL) good = fclose(file) == 0 && good;
  /* In memory of just that size: a sanitizer then sees the first byte too many. */
  uint8_t *fit = good ? malloc(size > 0 ? size : 1) : NULL;
  if (fit != NULL) {
    memcpy(fit, data, size);
    (void)LLVMFuzzerTestOneInput(fit, size);
    (void)LLVMFuzzerTestOneInput(fit, size); /* nothing of the first time is left over */
  }
  free(data);
  free(fit);
  return fit != NULL;
}

int main(int argc, char **argv) {
  struct dirent **entries = NULL;
  if (argc != 2) {
    (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  int count = scandir(argv[1], &entries, is_file, alphasort);
  if (count <= 0) {
    printf("1..1\nnot ok 1 - %s has no seed\n", argv[1]);
    return 1;
  }
  int failed = 0;
  printf("1..%d\n", count);
  for (int i = 0; i < count; i++) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
    printf("# %s\n", entries[i]->d_name);
    (void)fflush(stdout); /* a target may abort */
    bool good = length > 0 && (size_t)length < sizeof path && replay(path);
    printf("%sok %d - %s\n", good ? "" : "not ", i + 1, entries[i]->d_name);
    failed += good ? 0 : 1;
    free(entries[i]);
  }
  free(entries);
  return failed > 0 ? 1 : 0;
}
