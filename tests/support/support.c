/* tests/support/support.c: see support.h. */
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int support_main(Suite *suite) {
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

char *support_path(const char *dir, const char *name) {
  size_t size = strlen(dir) + strlen(name) + 2;
  char *path = malloc(size);
  ck_assert_ptr_nonnull(path);
  (void)snprintf(path, size, "%s/%s", dir, name);
  return path;
}

char *support_tmpdir(void) {
  const char *base = getenv("TMPDIR");
  char *path = support_path(base != NULL && base[0] == '/' ? base : "/tmp", "devlog-test-XXXXXX");
  ck_assert_msg(mkdtemp(path) != NULL, "mkdtemp %s: %s", path, strerror(errno));
  return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk) {
  (void)st;
  (void)type;
  (void)walk;
  return remove(path);
}

/* Folders that a test locked must be opened before they can be emptied. */
static int unlock_one(const char *path, const struct stat *st, int type, struct FTW *walk) {
  (void)walk;
  if (type == FTW_DNR || (type == FTW_D && (st->st_mode & 0700) != 0700)) (void)chmod(path, 0700);
  return 0;
}

void support_rmdir(char *path) {
  (void)nftw(path, unlock_one, 32, FTW_PHYS);
  ck_assert_msg(nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) == 0, "rm -r %s: %s", path,
                strerror(errno));
  free(path);
}

static void make_parents(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int made = mkdir(path, 0777);
    ck_assert_msg(made == 0 || errno == EEXIST, "mkdir %s: %s", path, strerror(errno));
    *slash = '/';
  }
}

static void write_with(const char *dir, const char *name, const void *data, size_t size,
                       const char *mode) {
  char *path = support_path(dir, name);
  make_parents(path);
  FILE *file = fopen(path, mode);
  ck_assert_msg(file != NULL, "open %s: %s", path, strerror(errno));
  ck_assert_uint_eq(size, fwrite(data, 1, size, file));
  ck_assert_int_eq(0, fclose(file));
  free(path);
}

void support_write_bytes(const char *dir, const char *name, const void *data, size_t size) {
  write_with(dir, name, data, size, "wb");
}

void support_write(const char *dir, const char *name, const char *text) {
  write_with(dir, name, text, strlen(text), "wb");
}

void support_append(const char *dir, const char *name, const char *text) {
  write_with(dir, name, text, strlen(text), "ab");
}

char *support_read(const char *dir, const char *name, size_t *size) {
  char *path = support_path(dir, name);
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "open %s: %s", path, strerror(errno));
  ck_assert_int_eq(0, fseek(file, 0, SEEK_END));
  long length = ftell(file);
  ck_assert_int_ge(length, 0);
  rewind(file);
  char *data = malloc((size_t)length + 1);
  ck_assert_ptr_nonnull(data);
  ck_assert_uint_eq((size_t)length, fread(data, 1, (size_t)length, file));
  data[length] = '\0';
  (void)fclose(file);
  free(path);
  if (size != NULL) *size = (size_t)length;
  return data;
}

bool support_exists(const char *dir, const char *name) {
  char *path = support_path(dir, name);
  struct stat st;
  bool there = lstat(path, &st) == 0;
  free(path);
  return there;
}

void support_settle(void) {
  struct timespec left = {0, 25 * 1000 * 1000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

void support_drop_root_powers(void) {
  if (geteuid() != 0) return;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  ck_assert_int_eq(0, syscall(SYS_capget, &header, sets));
  uint32_t powers = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
  sets[0].effective &= ~powers;
  ck_assert_int_eq(0, syscall(SYS_capset, &header, sets));
}
