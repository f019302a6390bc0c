/* tests/integration/test_push_faults.c: what dl_push promises when things go
 * wrong on the way, with a storage that lets the test step in. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "support/hook.h"
#include "support/pusher.h"
#include "support/support.h"

#define BIG_SIZE ((size_t)3 * 1024 * 1024) /* more than a worker's buffer */

static pusher p;
static hook h;
static const dl_storage *inner;

static void setup_with(uint32_t caps) {
  h = (hook){.caps = caps};
  hook_register(&h);
  inner = hook_open_inner();
  pusher_open(&p, "hook://test");
}

static void setup(void) {
  setup_with(DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL);
}

static void teardown(void) {
  pusher_close(&p);
  dl_storage_close(inner);
}

static void assert_remote(const char *key, const void *content, size_t size) {
  size_t got = 0;
  char *data = hook_read(inner, key, &got);
  ck_assert_msg(data != NULL, "no object %s", key);
  ck_assert_uint_eq(size, got);
  ck_assert_int_eq(0, memcmp(content, data, size));
  free(data);
}

static void push_ok(uint64_t uploaded) {
  dl_status status = pusher_push(&p);
  ck_assert_msg(status == DL_OK, "%s: %s %s", dl_status_name(status), p.err.message,
                p.last_message);
  ck_assert_uint_eq(uploaded, p.result.files_uploaded);
}

static char *make_big(char first) {
  char *data = malloc(BIG_SIZE + 1);
  ck_assert_ptr_nonnull(data);
  for (size_t i = 0; i < BIG_SIZE; i++) data[i] = (char)('a' + (i * 7 + i / 4096) % 26);
  data[0] = first;
  data[BIG_SIZE] = '\0';
  support_write_bytes(p.src, "big.jsonl", data, BIG_SIZE);
  return data;
}

START_TEST(nothing_to_compare_makes_no_request) {
  support_write(p.src, "a.md", "one");
  support_settle();
  push_ok(1);
  ck_assert_int_eq(1, atomic_load(&h.lists));
  push_ok(0);
  ck_assert_int_eq(1, atomic_load(&h.lists));
  ck_assert_int_eq(1, atomic_load(&h.puts));
}
END_TEST

/* The second edit keeps size and time, and comes in the same instant as the push. */
START_TEST(edit_right_after_the_push_is_seen) {
  char *path = support_path(p.src, "a.md");
  const struct timespec times[2] = {{1000, 0}, {1000, 0}};
  for (int i = 0; i < 100; i++) {
    char text[8];
    (void)snprintf(text, sizeof text, "%04d", i);
    support_write(p.src, "a.md", text);
    ck_assert_int_eq(0, utimensat(AT_FDCWD, path, times, 0));
    push_ok(1);
    assert_remote("a.md", text, 4);
  }
  free(path);
}
END_TEST

static dl_status fail_list(hook *hk, dl_error *err) {
  (void)hk;
  return dl_error_set(err, DL_ERR_NETWORK, NULL, "the remote is away; try later");
}

START_TEST(failed_listing_sends_nothing) {
  support_write(p.src, "a.md", "one");
  h.on_list = fail_list;
  ck_assert_int_eq(DL_ERR_NETWORK, pusher_push(&p));
  ck_assert_int_eq(DL_STAGE_CHANGE_DETECTION, p.result.stage);
  ck_assert_str_eq("the remote is away; try later", p.err.message);
  ck_assert_int_eq(0, atomic_load(&h.puts));
  ck_assert_int_eq(0, p.detect_complete);
  h.on_list = NULL;
  push_ok(1);
}
END_TEST

static dl_status cancel_in_list(hook *hk, dl_error *err) {
  (void)hk;
  dl_cancel(p.sync);
  return dl_error_set(err, DL_ERR_CANCELLED, NULL, "cancelled");
}

START_TEST(cancelled_listing_is_no_want_of_memory) {
  support_write(p.src, "a.md", "one");
  h.on_list = cancel_in_list;
  ck_assert_int_eq(DL_ERR_CANCELLED, pusher_push(&p));
  ck_assert_int_eq(DL_ERR_CANCELLED, p.err.status);
  ck_assert_int_eq(DL_STAGE_CHANGE_DETECTION, p.result.stage);
  ck_assert_int_eq(1, atomic_load(&h.lists));
  ck_assert_int_eq(0, atomic_load(&h.puts));
  h.on_list = NULL;
  push_ok(1);
}
END_TEST

/* P5: the file as it was when it was opened is sent; the rest next time. */
static dl_status append_once(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)request;
  (void)err;
  hk->on_put = NULL;
  support_append(p.src, "big.jsonl", "tail");
  return DL_OK;
}

START_TEST(growing_file_is_sent_as_it_was) {
  char *data = make_big('A');
  h.on_put = append_once;
  push_ok(1);
  ck_assert_int_eq(0, p.retried);
  assert_remote("big.jsonl", data, BIG_SIZE);
  push_ok(1);
  data = realloc(data, BIG_SIZE + 5);
  ck_assert_ptr_nonnull(data);
  memcpy(data + BIG_SIZE, "tail", 5);
  assert_remote("big.jsonl", data, BIG_SIZE + 4);
  free(data);
}
END_TEST

static dl_status shrink(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)err;
  if (strcmp(request->key, "big.jsonl") != 0) return DL_OK;
  char *path = support_path(p.src, "big.jsonl");
  struct stat st;
  ck_assert_int_eq(0, stat(path, &st));
  ck_assert_int_eq(0, truncate(path, st.st_size / 2));
  free(path);
  if (hk->arg != NULL) hk->on_put = NULL;
  return DL_OK;
}

START_TEST(shrunk_file_is_tried_once_more) {
  char *data = make_big('A');
  h.on_put = shrink;
  h.arg = &h; /* once only */
  push_ok(1);
  ck_assert_int_eq(1, p.retried);
  assert_remote("big.jsonl", data, BIG_SIZE / 2);
  free(data);
}
END_TEST

START_TEST(file_that_keeps_shrinking_is_reported) {
  char *data = make_big('A');
  support_write(p.src, "a.md", "one");
  h.on_put = shrink;
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_int_eq(1, p.retried);
  ck_assert_uint_eq(1, p.result.files_uploaded);
  ck_assert_uint_eq(1, p.result.files_failed);
  ck_assert_int_eq(DL_ERR_SOURCE_CHANGED, p.result.errors[0]->status);
  ck_assert_str_eq("big.jsonl", p.result.errors[0]->path);
  ck_assert_ptr_null(hook_read(inner, "big.jsonl", NULL));
  free(data);
}
END_TEST

static dl_status edit_once(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)request;
  (void)err;
  hk->on_put = NULL;
  free(make_big('B'));
  return DL_OK;
}

START_TEST(file_edited_in_place_is_never_half_and_half) {
  char *data = make_big('A');
  h.on_put = edit_once;
  push_ok(1);
  ck_assert_int_eq(1, p.retried);
  data[0] = 'B';
  assert_remote("big.jsonl", data, BIG_SIZE);
  free(data);
}
END_TEST

static dl_status replace_once(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)request;
  (void)err;
  hk->on_put = NULL;
  support_write(p.src, "new.tmp", "new content");
  char *from = support_path(p.src, "new.tmp");
  char *to = support_path(p.src, "big.jsonl");
  ck_assert_int_eq(0, rename(from, to));
  free(from);
  free(to);
  return DL_OK;
}

START_TEST(replaced_file_is_tried_once_more) {
  free(make_big('A'));
  h.on_put = replace_once;
  push_ok(1);
  ck_assert_int_eq(1, p.retried);
  assert_remote("big.jsonl", "new content", 11);
}
END_TEST

static dl_status delete_it(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)hk;
  (void)request;
  (void)err;
  char *path = support_path(p.src, "big.jsonl");
  (void)unlink(path);
  free(path);
  return DL_OK;
}

START_TEST(deleted_file_is_reported) {
  free(make_big('A'));
  h.on_put = delete_it;
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_ptr_nonnull(strstr(p.result.errors[0]->message, "vanished"));
  ck_assert_ptr_null(hook_read(inner, "big.jsonl", NULL));
}
END_TEST

static void swap_for_link(pusher *pp) {
  if (pp->detect_complete != 1 || pp->upload_start != 0) return;
  char *path = support_path(pp->src, "a.md");
  ck_assert_int_eq(0, unlink(path));
  ck_assert_int_eq(0, symlink("/etc/passwd", path));
  free(path);
}

START_TEST(symlink_put_in_place_is_not_followed) {
  support_write(p.src, "a.md", "one");
  p.on_event = swap_for_link;
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_int_eq(1, p.failed);
  ck_assert_ptr_null(hook_read(inner, "a.md", NULL));
}
END_TEST

START_TEST(success_without_the_bytes_is_no_success) {
  support_write(p.src, "a.md", "one");
  h.lie = 1;
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_uint_eq(0, p.result.files_uploaded);
  ck_assert_int_eq(DL_ERR_STORAGE, p.result.errors[0]->status);
  h.lie = 0;
  push_ok(1);
}
END_TEST

static dl_status fail_b(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)hk;
  if (strcmp(request->key, "b.md") != 0) return DL_OK;
  return dl_error_set(err, DL_ERR_STORAGE, request->key, "no room");
}

START_TEST(row_that_the_remote_contradicts_is_forgotten) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  support_settle();
  push_ok(2);
  ck_assert_int_eq(DL_OK, inner->remove(inner->self, "b.md", NULL));
  p.options.mode = DL_MODE_ALL;
  h.on_put = fail_b;
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  h.on_put = NULL;
  p.options.mode = DL_MODE_INCREMENTAL;
  push_ok(1); /* the old row must not make b.md look confirmed */
  assert_remote("b.md", "two", 3);
}
END_TEST

static dl_status somebody_else_writes(hook *hk, const dl_put_request *request, dl_error *err);

static dl_status give_theirs(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                             dl_error *err) {
  (void)user;
  (void)err;
  (void)size;
  ck_assert_uint_eq(0, offset);
  memcpy(buf, "theirs", 6);
  *got = 6;
  return DL_OK;
}

static dl_status somebody_else_writes(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)err;
  hk->on_put = NULL;
  dl_put_request theirs = DL_PUT_REQUEST_INIT;
  dl_put_result result = DL_PUT_RESULT_INIT;
  theirs.key = request->key;
  theirs.size_bytes = 6;
  theirs.read = give_theirs;
  return inner->put(inner->self, &theirs, &result, NULL);
}

START_TEST(write_of_another_machine_is_not_overwritten) {
  support_write(p.src, "a.md", "one");
  h.on_put = somebody_else_writes;
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_int_eq(DL_ERR_CONFLICT, p.result.errors[0]->status);
  assert_remote("a.md", "theirs", 6);
  push_ok(1); /* compared anew, and so sent over what it was compared with */
  support_write(p.src, "a.md", "two");
  h.on_put = somebody_else_writes;
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_int_eq(DL_ERR_CONFLICT, p.result.errors[0]->status);
  support_write(p.src, "a.md", "three");
  h.on_put = somebody_else_writes;
  p.options.force = 1;
  push_ok(1);
  assert_remote("a.md", "three", 5);
}
END_TEST

/* Cancels at the n-th callback, for every n there is; then a good push ends it. */
START_TEST(every_callback_can_cancel) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  p.options.jobs = 1;
  int callbacks = 0;
  for (p.cancel_at = 1; p.cancel_at < 64; p.cancel_at++) {
    char text[32];
    (void)snprintf(text, sizeof text, "content %d", p.cancel_at);
    support_write(p.src, "a.md", text);
    support_write(p.src, "b.md", text);
    dl_status status = pusher_push(&p);
    callbacks = p.calls;
    if (p.calls < p.cancel_at) break;
    bool all_sent = p.result.files_uploaded == 2;
    ck_assert_int_eq(all_sent ? DL_OK : DL_ERR_CANCELLED, status);
    ck_assert_uint_eq(0, p.result.files_failed);
  }
  ck_assert_int_gt(callbacks, 8);
  ck_assert_uint_eq(2, p.result.files_uploaded);
}
END_TEST

static dl_status cancel_in_put(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)hk;
  (void)request;
  (void)err;
  dl_cancel(p.sync);
  return DL_OK;
}

START_TEST(cancel_from_another_thread_stops_the_file_on_its_way) {
  free(make_big('A'));
  h.on_put = cancel_in_put;
  ck_assert_int_eq(DL_ERR_CANCELLED, pusher_push(&p));
  ck_assert_uint_eq(1, p.result.files_skipped);
  ck_assert_ptr_null(hook_read(inner, "big.jsonl", NULL));
  h.on_put = NULL;
  push_ok(1);
}
END_TEST

static dl_status give_up(hook *hk, const dl_put_request *request, dl_error *err) {
  (void)hk;
  return dl_error_set(err, DL_ERR_CANCELLED, request->key, "no");
}

/* Only the push is cancelled: a storage that says so of itself has failed. */
START_TEST(storage_that_gives_up_is_no_success) {
  support_write(p.src, "a.md", "one");
  h.on_put = give_up;
  ck_assert_int_eq(DL_ERR_PARTIAL, pusher_push(&p));
  ck_assert_uint_eq(1, p.result.files_failed);
  ck_assert_int_eq(0, p.result.last_push_ns);
  ck_assert_int_eq(DL_ERR_STORAGE, p.result.errors[0]->status);
}
END_TEST

/* What is in memory now was not there when the state was written. */
START_TEST(volatile_storage_is_compared_each_time) {
  teardown();
  setup_with(DL_STORAGE_THREAD_SAFE | DL_STORAGE_CONDITIONAL | DL_STORAGE_VOLATILE);
  support_write(p.src, "a.md", "one");
  support_settle();
  push_ok(1);
  ck_assert_int_eq(DL_OK, inner->remove(inner->self, "a.md", NULL));
  push_ok(1);
  assert_remote("a.md", "one", 3);
}
END_TEST

/* A store to a mapped page that is dirty already moves no stamp by itself. */
START_TEST(mapped_write_is_seen) {
  support_write(p.src, "a.md", "one");
  char *path = support_path(p.src, "a.md");
  int fd = open(path, O_RDWR);
  ck_assert_int_ge(fd, 0);
  char *map = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ck_assert_ptr_ne(map, MAP_FAILED);
  map[0] = 'A';
  support_settle();
  push_ok(1);
  support_settle();
  map[0] = 'B';
  support_settle();
  struct statfs fs;
  ck_assert_int_eq(0, fstatfs(fd, &fs));
  if (fs.f_type != TMPFS_MAGIC) { /* there, no stamp ever moves */
    push_ok(1);
    assert_remote("a.md", "Bne", 3);
  }
  ck_assert_int_eq(0, munmap(map, 3));
  (void)close(fd);
  free(path);
}
END_TEST

START_TEST(cancel_before_the_push_holds_for_one_push) {
  support_write(p.src, "a.md", "one");
  dl_cancel(p.sync);
  ck_assert_int_eq(DL_ERR_CANCELLED, pusher_push(&p));
  ck_assert_int_eq(0, p.calls);
  push_ok(1);
}
END_TEST

static void push_again_inside(pusher *pp) {
  if (pp->scan_complete != 1 || pp->detect_start != 0) return;
  dl_error err = DL_ERROR_INIT;
  ck_assert_int_eq(DL_ERR_BUSY, dl_push(pp->sync, NULL, NULL, NULL, &err));
  dl_sync *other = pusher_another(pp, "hook://test");
  ck_assert_int_eq(DL_ERR_LOCKED, dl_push(other, NULL, NULL, NULL, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "running"));
  dl_sync_free(other);
}

START_TEST(one_push_at_a_time) {
  support_write(p.src, "a.md", "one");
  p.on_event = push_again_inside;
  push_ok(1);
  p.on_event = NULL;
  dl_sync *other = pusher_another(&p, "hook://test");
  ck_assert_int_eq(DL_OK, dl_push(other, NULL, NULL, NULL, NULL));
  dl_sync_free(other);
}
END_TEST

/* Even if somebody tidied the lock file away while a push runs. */
static void push_without_lock_file(pusher *pp) {
  if (pp->scan_complete != 1 || pp->detect_start != 0) return;
  char *state = support_path(pp->root, "state");
  DIR *dir = opendir(state);
  ck_assert_ptr_nonnull(dir);
  int removed = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    size_t length = strlen(entry->d_name);
    if (length < 5 || strcmp(entry->d_name + length - 5, ".lock") != 0) continue;
    ck_assert_int_eq(0, unlinkat(dirfd(dir), entry->d_name, 0));
    removed++;
  }
  ck_assert_int_eq(0, closedir(dir));
  ck_assert_int_eq(1, removed);
  free(state);
  dl_sync *other = pusher_another(pp, "hook://test");
  ck_assert_int_eq(DL_ERR_LOCKED, dl_push(other, NULL, NULL, NULL, NULL));
  dl_sync_free(other);
}

START_TEST(one_push_at_a_time_without_the_lock_file) {
  support_write(p.src, "a.md", "one");
  p.on_event = push_without_lock_file;
  push_ok(1);
}
END_TEST

/* A listing that was made for another file's sake is believed for all. */
START_TEST(listing_heals_what_the_state_vouched_for) {
  support_write(p.src, "a.md", "one");
  support_write(p.src, "b.md", "two");
  support_settle();
  push_ok(2);
  ck_assert_int_eq(DL_OK, inner->remove(inner->self, "b.md", NULL));
  support_write(p.src, "a.md", "new");
  push_ok(2);
  assert_remote("b.md", "two", 3);
}
END_TEST

START_TEST(storage_that_is_not_thread_safe_is_called_by_one_at_a_time) {
  teardown();
  setup_with(0);
  for (int i = 0; i < 50; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "%02d.md", i);
    support_write(p.src, name, name);
  }
  push_ok(50);
  ck_assert_int_eq(1, atomic_load(&h.most_running));
}
END_TEST

START_TEST(small_pieces_of_a_large_file_are_counted) {
  char *data = make_big('A');
  h.read_size = 1000;
  push_ok(1);
  assert_remote("big.jsonl", data, BIG_SIZE);
  ck_assert_uint_eq(BIG_SIZE, p.result.bytes_sent);
  ck_assert_int_gt(p.progressed, 0);
  free(data);
}
END_TEST

/* A state that cannot be written stops the push: what is sent must be recorded. */
START_TEST(state_that_cannot_be_made_stops_the_push) {
  support_drop_root_powers();
  support_write(p.src, "a.md", "one");
  support_write(p.root, "state/x", "");
  char *state = support_path(p.root, "state");
  ck_assert_int_eq(0, chmod(state, 0500));
  ck_assert_int_eq(DL_ERR_STATE, pusher_push(&p));
  ck_assert_int_eq(DL_STAGE_START, p.result.stage);
  ck_assert_ptr_nonnull(strstr(p.err.message, state));
  ck_assert_int_eq(0, atomic_load(&h.puts));
  ck_assert_int_eq(0, chmod(state, 0700));
  free(state);
}
END_TEST

static void add_changes(TCase *tcase) {
  tcase_add_test(tcase, growing_file_is_sent_as_it_was);
  tcase_add_test(tcase, shrunk_file_is_tried_once_more);
  tcase_add_test(tcase, file_that_keeps_shrinking_is_reported);
  tcase_add_test(tcase, file_edited_in_place_is_never_half_and_half);
  tcase_add_test(tcase, replaced_file_is_tried_once_more);
  tcase_add_test(tcase, deleted_file_is_reported);
  tcase_add_test(tcase, symlink_put_in_place_is_not_followed);
}

int main(void) {
  Suite *suite = suite_create("push_faults");
  TCase *tcase = tcase_create("hook");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 60);
  add_changes(tcase);
  tcase_add_test(tcase, nothing_to_compare_makes_no_request);
  tcase_add_test(tcase, edit_right_after_the_push_is_seen);
  tcase_add_test(tcase, failed_listing_sends_nothing);
  tcase_add_test(tcase, cancelled_listing_is_no_want_of_memory);
  tcase_add_test(tcase, success_without_the_bytes_is_no_success);
  tcase_add_test(tcase, row_that_the_remote_contradicts_is_forgotten);
  tcase_add_test(tcase, write_of_another_machine_is_not_overwritten);
  tcase_add_test(tcase, every_callback_can_cancel);
  tcase_add_test(tcase, cancel_from_another_thread_stops_the_file_on_its_way);
  tcase_add_test(tcase, cancel_before_the_push_holds_for_one_push);
  tcase_add_test(tcase, storage_that_gives_up_is_no_success);
  tcase_add_test(tcase, volatile_storage_is_compared_each_time);
  tcase_add_test(tcase, mapped_write_is_seen);
  tcase_add_test(tcase, one_push_at_a_time);
  tcase_add_test(tcase, one_push_at_a_time_without_the_lock_file);
  tcase_add_test(tcase, listing_heals_what_the_state_vouched_for);
  tcase_add_test(tcase, storage_that_is_not_thread_safe_is_called_by_one_at_a_time);
  tcase_add_test(tcase, small_pieces_of_a_large_file_are_counted);
  tcase_add_test(tcase, state_that_cannot_be_made_stops_the_push);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
