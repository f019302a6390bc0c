/* The `file` storage among things that are no plain files: links are not
 * followed, nothing blocks, and what is in the way is not lost. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "directory_kit.h"

/* Makes root/NAME a link to top/outside, or to a file in there. */
static void make_link(const char *name, const char *target) {
  char *from = support_path(root, name);
  char *to = support_path(top, target);
  ck_assert_int_eq(0, symlink(to, from));
  free(from);
  free(to);
}

static void assert_outside_untouched(void) {
  char *text = support_read(top, "outside/file", NULL);
  ck_assert_str_eq(text, "outside");
  free(text);
  char *path = support_path(top, "outside");
  struct stat st;
  ck_assert_int_eq(0, stat(path, &st));
  ck_assert(!support_exists(top, "outside/new"));
  free(path);
}

static dl_status put_new(const char *key, dl_error *err) {
  bytes content = bytes_text("new");
  source from = {.content = content};
  dl_put_request request = put_request(key, &from);
  dl_put_result result = DL_PUT_RESULT_INIT;
  *err = (dl_error)DL_ERROR_INIT;
  dl_status status = try_put(&storage, &request, &result, err);
  if (status != DL_OK) ck_assert_str_ne(err->message, "");
  bytes_clear(&content);
  return status;
}

static void assert_not_readable(const char *key) {
  dl_error err = DL_ERROR_INIT;
  object o = {0};
  bytes is = {0};
  ck_assert_int_ne(dl__storage_stat(&storage, key, object_take, &o, &err), DL_OK);
  ck_assert_ptr_null(o.key);
  ck_assert_int_ne(try_get(&storage, key, &is, &err), DL_OK);
}

START_TEST(link_as_folder) {
  put_text(&storage, "a", "1");
  support_write(top, "outside/file", "outside");
  make_link("link", "outside");
  dl_error err;
  ck_assert_int_ne(put_new("link/new", &err), DL_OK);
  ck_assert_str_eq(err.path, "link/new");
  ck_assert_int_ne(put_new("link/file", &err), DL_OK);
  ck_assert_int_ne(put_new("link/deeper/new", &err), DL_OK);
  assert_not_readable("link/file");
  ck_assert_int_ne(dl__storage_remove(&storage, "link/file", &err), DL_OK);
  assert_keys(&storage, "", "a");
  assert_outside_untouched();
}
END_TEST

/* A put may take the link's own place; it may not write through it. */
START_TEST(link_as_target) {
  put_text(&storage, "a", "1");
  support_write(top, "outside/file", "outside");
  make_link("link", "outside/file");
  assert_not_readable("link");
  assert_keys(&storage, "", "a");
  dl_error err;
  dl_status status = put_new("link", &err);
  assert_outside_untouched();
  if (status == DL_OK) assert_text(&storage, "link", "new");
}
END_TEST

START_TEST(link_removed_not_followed) {
  put_text(&storage, "a", "1");
  support_write(top, "outside/file", "outside");
  make_link("link", "outside/file");
  dl_error err = DL_ERROR_INIT;
  (void)dl__storage_remove(&storage, "link", &err);
  assert_outside_untouched();
}
END_TEST

/* Dangling, to itself, to the folder above: listed by none, entered by none. */
START_TEST(links_to_nowhere) {
  put_text(&storage, "a/b", "1");
  make_link("dangling", "nothing");
  make_link("self", "remote/self");
  make_link("a/up", "remote");
  assert_keys(&storage, "", "a/b");
  assert_not_readable("dangling");
  assert_not_readable("self");
  assert_not_readable("a/up/a/b");
  dl_error err;
  if (put_new("dangling", &err) == DL_OK) assert_text(&storage, "dangling", "new");
  ck_assert(!support_exists(top, "nothing"));
}
END_TEST

START_TEST(file_where_folder_is_needed) {
  put_text(&storage, "a", "a file");
  dl_error err;
  ck_assert_int_eq(put_new("a/b", &err), DL_ERR_STORAGE);
  ck_assert_str_eq(err.path, "a/b");
  ck_assert_msg(strstr(err.message, "file") != NULL, "%s", err.message);
  ck_assert_int_eq(put_new("a/b/c", &err), DL_ERR_STORAGE);
  assert_text(&storage, "a", "a file");
  assert_keys(&storage, "", "a");
  ck_assert_int_eq(temporaries(), 0);
}
END_TEST

START_TEST(folder_where_file_is_needed) {
  put_text(&storage, "a/b", "in a folder");
  dl_error err;
  ck_assert_int_eq(put_new("a", &err), DL_ERR_STORAGE);
  ck_assert_str_eq(err.path, "a");
  ck_assert_msg(strstr(err.message, "folder") != NULL, "%s", err.message);
  assert_text(&storage, "a/b", "in a folder");
  assert_keys(&storage, "", "a/b");
  ck_assert_int_eq(temporaries(), 0);
}
END_TEST

START_TEST(fifo_does_not_block) {
  put_text(&storage, "a", "1");
  char *path = support_path(root, "fifo");
  ck_assert_int_eq(0, mkfifo(path, 0600));
  assert_keys(&storage, "", "a");
  assert_not_readable("fifo");
  dl_error err;
  ck_assert_int_ne(put_new("fifo/a", &err), DL_OK);
  if (put_new("fifo", &err) == DL_OK) assert_text(&storage, "fifo", "new");
  free(path);
}
END_TEST

/* Named like an object on its way, but nothing that a put leaves. */
START_TEST(fifo_named_as_temporary) {
  put_text(&storage, "a", "1");
  char *path = support_path(root, ".devlog-0000000000000000.tmp");
  ck_assert_int_eq(0, mkfifo(path, 0600));
  assert_keys(&storage, "", "a");
  free(path);
}
END_TEST

START_TEST(link_named_as_temporary) {
  put_text(&storage, "a", "1");
  support_write(top, "outside/file", "outside");
  make_link(".devlog-0000000000000000.tmp", "outside/file");
  assert_keys(&storage, "", "a");
  assert_outside_untouched();
}
END_TEST

START_TEST(socket_does_not_block) {
  put_text(&storage, "a", "1");
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(fd, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char *path = support_path(root, "socket");
  ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path) + 1);
  ck_assert_int_eq(0, bind(fd, (const struct sockaddr *)&address, sizeof address));
  assert_keys(&storage, "", "a");
  assert_not_readable("socket");
  (void)close(fd);
  free(path);
}
END_TEST

void directory_links(Suite *suite) {
  TCase *tc = directory_case(suite, "links");
  tcase_set_timeout(tc, 20);
  tcase_add_test(tc, link_as_folder);
  tcase_add_test(tc, link_as_target);
  tcase_add_test(tc, link_removed_not_followed);
  tcase_add_test(tc, links_to_nowhere);
  tcase_add_test(tc, file_where_folder_is_needed);
  tcase_add_test(tc, folder_where_file_is_needed);
  tcase_add_test(tc, fifo_does_not_block);
  tcase_add_test(tc, fifo_named_as_temporary);
  tcase_add_test(tc, link_named_as_temporary);
  tcase_add_test(tc, socket_does_not_block);
}
