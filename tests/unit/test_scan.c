/* The scan: which names are considered, which are left out, and that it says so. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "push/config.h"
#include "push/scan.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char *dir;
static dl__tree tree;
static dl_error err;
static dl__patterns include;
static dl__patterns exclude;

/* The patterns as the configuration gives them; NULL: its defaults. */
static void use_patterns(const char *included, const char *excluded) {
  dl__patterns_clear(&include);
  dl__patterns_clear(&exclude);
  dl_config *config;
  ck_assert_int_eq(dl_config_new(&config, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "sync.include", included, &err), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "sync.exclude", excluded, &err), DL_OK);
  ck_assert_int_eq(dl__config_patterns(config, "sync.include", &include, &err), DL_OK);
  ck_assert_int_eq(dl__config_patterns(config, "sync.exclude", &exclude, &err), DL_OK);
  dl_config_free(config);
}

static void setup(void) {
  dir = support_tmpdir();
  tree = (dl__tree){.fd = -1};
  err = (dl_error)DL_ERROR_INIT;
  use_patterns(NULL, NULL);
}

static void teardown(void) {
  dl__tree_clear(&tree);
  dl__tree_clear(&tree);
  dl__patterns_clear(&include);
  dl__patterns_clear(&exclude);
  support_rmdir(dir);
}

static dl_status scan_folder(const char *base) {
  dl__scan_request request = {base, &include, &exclude, NULL, 0};
  dl__tree_clear(&tree);
  return dl__scan(&request, &tree, &err);
}

/* The keys that were found, in their order, each with a '|' behind. */
static void expect_files(const char *keys) {
  char found[8192] = "";
  for (size_t i = 0; i < tree.count; i++) {
    ck_assert_uint_lt(strlen(found) + strlen(tree.files[i].key) + 2, sizeof found);
    strcat(strcat(found, tree.files[i].key), "|");
  }
  ck_assert_str_eq(found, keys);
}

static void expect_notes(const char *paths) {
  char found[2048] = "";
  for (size_t i = 0; i < tree.note_count; i++) {
    strcat(strcat(found, tree.notes[i].path), "|");
    ck_assert_str_ne(tree.notes[i].message, "");
  }
  ck_assert_str_eq(found, paths);
}

static void expect_scan(const char *keys) {
  dl_status status = scan_folder(dir);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  expect_files(keys);
}

static void make(const char *const *names, int count) {
  for (int i = 0; i < count; i++) support_write(dir, names[i], "1234");
}

START_TEST(default_patterns) {
  static const char *const names[] = {
      "config.ini", "events/1.jsonl", "entries/a.md",    "a.toml", "x.json",
      "y.txt",      "sub/config.ini", "config.ini.bak",  "md",     "a.md.bak",
      "A.MD",       "notes.jsonl~",   "sub/deep/er/b.md"};
  make(names, COUNT(names));
  expect_scan("a.toml|config.ini|entries/a.md|events/1.jsonl|sub/config.ini|sub/deep/er/b.md|");
  expect_notes("");
  ck_assert_uint_eq(tree.total_bytes, 6 * 4);
}
END_TEST

START_TEST(what_is_always_left_out) {
  static const char *const names[] = {".hidden.md",
                                      ".git/a.md",
                                      "sub/.hidden.md",
                                      "sub/.x/y.md",
                                      "target/a.md",
                                      "sub/target/a.md",
                                      "node_modules/b.md",
                                      "cache/c.md",
                                      "a/cache/d.md",
                                      "a.tmp",
                                      "sub/a.md.tmp",
                                      "a.lock",
                                      "Cargo.lock",
                                      ".tmp",
                                      "..a.md",
                                      "targets/kept.md",
                                      "Cache/kept.md",
                                      "a.tmp.md",
                                      "lock.md",
                                      "my.target/kept.md"};
  make(names, COUNT(names));
  use_patterns("*", NULL);
  expect_scan("Cache/kept.md|a.tmp.md|lock.md|my.target/kept.md|targets/kept.md|");
  expect_notes("");
}
END_TEST

static const char *const garden[] = {"a.md",     "a/b.md", "a/b/c.md", "a/x.txt",  "b/b.md",
                                     "b/c/b.md", "z.txt",  "[x].md",   "a/b-1.md", "events/1.md"};

static const struct {
  const char *include;
  const char *exclude;
  const char *keys;
} gardens[] = {
    {"*", NULL, "[x].md|a.md|a/b-1.md|a/b.md|a/b/c.md|a/x.txt|b/b.md|b/c/b.md|events/1.md|z.txt|"},
    {"b.md", NULL, "a/b.md|b/b.md|b/c/b.md|"},
    {"a/*", NULL, "a/b-1.md|a/b.md|a/x.txt|"},
    {"*/b.md", NULL, "a/b.md|b/b.md|"},
    {"*/*/*.md", NULL, "a/b/c.md|b/c/b.md|"},
    {"a/b.md", NULL, "a/b.md|"},
    {"?.md", NULL, "a.md|a/b.md|a/b/c.md|b/b.md|b/c/b.md|events/1.md|"},
    {"[ab].md", NULL, "a.md|a/b.md|b/b.md|b/c/b.md|"},
    {"\\[x\\].md", NULL, "[x].md|"},
    {"*.txt, a.md", NULL, "a.md|a/x.txt|z.txt|"},
    {"nothing", NULL, ""},
    {"*.md", "b", "[x].md|a.md|a/b-1.md|a/b.md|events/1.md|"},
    {"*.md", "a/b", "[x].md|a.md|a/b-1.md|a/b.md|b/b.md|b/c/b.md|events/1.md|"},
    {"*.md", "a b", "[x].md|a.md|events/1.md|"},
    {"*.md", "a/*", "[x].md|a.md|b/b.md|b/c/b.md|events/1.md|"},
    {"*.md", "b.md", "[x].md|a.md|a/b-1.md|a/b/c.md|events/1.md|"},
    {"*.md", "*/b.md", "[x].md|a.md|a/b-1.md|a/b/c.md|b/c/b.md|events/1.md|"},
    {"*.md", "events/1.md [[]*", "a.md|a/b-1.md|a/b.md|a/b/c.md|b/b.md|b/c/b.md|"},
    {"*", "*", ""},
};

START_TEST(patterns_choose) {
  make(garden, COUNT(garden));
  use_patterns(gardens[_i].include, gardens[_i].exclude);
  expect_scan(gardens[_i].keys);
}
END_TEST

START_TEST(an_excluded_folder_is_not_entered) {
  static const char *const names[] = {"a.md", "private/b.md", ".hid/c.md", "cache/d.md"};
  make(names, COUNT(names));
  use_patterns(NULL, "private");
  support_drop_root_powers();
  static const char *const locked[] = {"private", ".hid", "cache"};
  for (int i = 0; i < COUNT(locked); i++) {
    char *path = support_path(dir, locked[i]);
    ck_assert_int_eq(chmod(path, 0), 0);
    free(path);
  }
  expect_scan("a.md|");
}
END_TEST

static void link_to(const char *target, const char *name) {
  char *path = support_path(dir, name);
  ck_assert_msg(symlink(target, path) == 0, "%s: %s", path, strerror(errno));
  free(path);
}

START_TEST(links_are_noted_and_not_followed) {
  char *outside = support_tmpdir();
  support_write(outside, "secret.md", "secret");
  support_write(dir, "d/a.md", "1234");
  char *target = support_path(outside, "secret.md");
  link_to(target, "file.md");
  link_to(outside, "folder");
  link_to("nowhere", "d/dangling.md");
  link_to("loop.md", "loop.md");
  link_to(".", "d/self");
  link_to("/", ".hidden");
  link_to("nowhere", "x.tmp");
  expect_scan("d/a.md|");
  expect_notes("d/dangling.md|d/self|file.md|folder|loop.md|");
  use_patterns(NULL, "folder d/self *.md");
  expect_scan("");
  expect_notes("");
  free(target);
  support_rmdir(outside);
}
END_TEST

static void make_socket(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char *path = support_path(dir, name);
  ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  (void)close(fd);
  free(path);
}

START_TEST(special_files_are_noted_if_they_match) {
  static const char *const fifos[] = {"fifo.md", "other.fifo", "ex.md"};
  for (int i = 0; i < COUNT(fifos); i++) {
    char *path = support_path(dir, fifos[i]);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    free(path);
  }
  make_socket("socket.jsonl");
  make_socket("socket");
  support_write(dir, "a.md", "1234");
  use_patterns(NULL, "ex.md");
  expect_scan("a.md|");
  expect_notes("fifo.md|socket.jsonl|");
}
END_TEST

static dl__file_id id_of(const char *name) {
  char *path = support_path(dir, name);
  struct stat st;
  ck_assert_int_eq(stat(path, &st), 0);
  free(path);
  return (dl__file_id){st.st_dev, st.st_ino};
}

START_TEST(what_is_to_be_avoided) {
  static const char *const names[] = {"a.md", "b.md", "state/x.md", "state/y.md", "z.md"};
  make(names, COUNT(names));
  char *from = support_path(dir, "b.md");
  char *to = support_path(dir, "same.md"); /* another name of it */
  ck_assert_int_eq(link(from, to), 0);
  dl__file_id avoid[3] = {id_of("b.md"), id_of("state"), id_of("z.md")};
  avoid[2].dev++;
  dl__scan_request request = {dir, &include, &exclude, avoid, COUNT(avoid)};
  ck_assert_int_eq(dl__scan(&request, &tree, &err), DL_OK);
  expect_files("a.md|z.md|");
  expect_notes("");
  free(from);
  free(to);
}
END_TEST

#define N50 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static const char *const odd_names[] = {
    "\x01.md",  "\t.md",       "\n.md",   "\r\n.md",          " .md",
    "#.md",     "$(id).md",    "%.md",    "%2F.md",           "&.md",
    "'.md",     "*.md",        "+.md",    "-rf.md",           "?.md",
    "\\.md",    "a\n/b\nc.md", "dot..md", "end .md",          "a\xcc\x88.md",
    "\x7f.md",  "\xc3\xa4.md", "\xff.md", "\xff\xfe/\x80.md", N50 N50 N50 N50 N50 "nn.md",
    " lead.md", "\".md",
};

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In whatever locale the host chose. */
START_TEST(odd_names_are_found) {
  static const char *const locales[] = {"C", "C.UTF-8"};
  ck_assert_msg(setlocale(LC_ALL, locales[_i]) != NULL, "no locale %s", locales[_i]);
  make(odd_names, COUNT(odd_names));
  const char *sorted[COUNT(odd_names)];
  memcpy(sorted, odd_names, sizeof sorted);
  qsort(sorted, COUNT(odd_names), sizeof sorted[0], by_bytes);
  char keys[4096] = "";
  for (int i = 0; i < COUNT(odd_names); i++) strcat(strcat(keys, sorted[i]), "|");
  expect_scan(keys);
  use_patterns("*/*.md *.md", NULL);
  expect_scan(keys);
}
END_TEST

START_TEST(folders_without_files) {
  expect_scan("");
  ck_assert_uint_eq(tree.total_bytes, 0);
  ck_assert_int_ge(tree.fd, 0);
  ck_assert_int_ne(fcntl(tree.fd, F_GETFD) & FD_CLOEXEC, 0);
  support_write(dir, "a/b/c.bin", "");
  expect_scan("");
}
END_TEST

START_TEST(stamps_are_those_of_the_files) {
  support_write(dir, "a.md", "12345");
  support_write(dir, "b.md", "");
  expect_scan("a.md|b.md|");
  struct stat st;
  ck_assert_int_eq(fstatat(tree.fd, "a.md", &st, 0), 0);
  dl__stamp stamp;
  dl__stamp_from(&stamp, &st);
  ck_assert(dl__stamp_same(&tree.files[0].stamp, &stamp));
  ck_assert_uint_eq(tree.files[0].stamp.dev, st.st_dev);
  ck_assert_uint_eq(tree.files[0].stamp.size_bytes, 5);
  ck_assert_uint_eq(tree.total_bytes, 5);
}
END_TEST

/* name below dir is no folder to scan; status, and the path in path and message. */
static void expect_refused(const char *name, dl_status status, int errnum) {
  char *path = support_path(dir, name);
  ck_assert_int_eq(scan_folder(path), status);
  ck_assert_int_eq(err.status, status);
  ck_assert_str_eq(err.path, path);
  ck_assert_msg(strstr(err.message, path) != NULL, "%s", err.message);
  if (err.errno_value != 0) ck_assert_int_eq(err.errno_value, errnum);
  ck_assert_uint_eq(tree.count, 0);
  free(path);
}

START_TEST(no_folder_to_scan) {
  support_write(dir, "file", "");
  support_write(dir, "locked/a.md", "");
  char *path = support_path(dir, "fifo");
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  free(path);
  expect_refused("missing", DL_ERR_CONFIG, ENOENT);
  expect_refused("file", DL_ERR_CONFIG, ENOTDIR);
  expect_refused("file/below", DL_ERR_CONFIG, ENOTDIR);
  expect_refused("fifo", DL_ERR_CONFIG, ENOTDIR);
  support_drop_root_powers();
  path = support_path(dir, "locked");
  ck_assert_int_eq(chmod(path, 0), 0);
  free(path);
  expect_refused("locked", DL_ERR_SCAN, EACCES);
}
END_TEST

START_TEST(an_unreadable_folder_below_fails_the_scan) {
  static const char *const names[] = {"a.md", "sub/locked/b.md", "z.md"};
  make(names, COUNT(names));
  support_drop_root_powers();
  char *path = support_path(dir, "sub/locked");
  ck_assert_int_eq(chmod(path, 0), 0);
  free(path);
  ck_assert_int_eq(scan_folder(dir), DL_ERR_SCAN);
  ck_assert_int_eq(err.errno_value, EACCES);
  ck_assert_str_eq(err.path, "sub/locked");
  ck_assert_msg(strstr(err.message, "sub/locked") != NULL, "%s", err.message);
  ck_assert_msg(strstr(err.message, dir) != NULL, "%s", err.message);
}
END_TEST

START_TEST(many_files) {
  char keys[300 * 8 + 1] = "";
  for (int i = 0; i < 300; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "f%03d.md", i);
    support_write(dir, name, "1");
    strcat(strcat(keys, name), "|");
  }
  expect_scan(keys);
  ck_assert_uint_eq(tree.total_bytes, 300);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("scan");
  TCase *tcase = tcase_create("scan");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, default_patterns);
  tcase_add_test(tcase, what_is_always_left_out);
  tcase_add_loop_test(tcase, patterns_choose, 0, COUNT(gardens));
  tcase_add_test(tcase, an_excluded_folder_is_not_entered);
  tcase_add_test(tcase, links_are_noted_and_not_followed);
  tcase_add_test(tcase, special_files_are_noted_if_they_match);
  tcase_add_test(tcase, what_is_to_be_avoided);
  tcase_add_loop_test(tcase, odd_names_are_found, 0, 2);
  tcase_add_test(tcase, folders_without_files);
  tcase_add_test(tcase, stamps_are_those_of_the_files);
  tcase_add_test(tcase, no_folder_to_scan);
  tcase_add_test(tcase, an_unreadable_folder_below_fails_the_scan);
  tcase_add_test(tcase, many_files);
  return support_main(suite);
}
