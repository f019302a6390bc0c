/* tests/integration/test_pull_verify.c: what dl_pull and dl_verify promise, through the public
 * interface: on the file storage, in memory, and on one that is hostile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/pusher.h"
#include "support/shelf.h"
#include "support/support.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static pusher p;
static dl_pull_options options;
static dl_pull_result result;
static dl_error err;

/* What the callbacks of the last pull saw. */
static struct {
  int calls, cancel_at, errors, started, completed, would, retried, busy;
  char notes[2048];
} seen;

static void reset(void) {
  options = (dl_pull_options)DL_PULL_OPTIONS_INIT;
  result = (dl_pull_result)DL_PULL_RESULT_INIT;
  memset(&seen, 0, sizeof seen);
}

static void setup(void) {
  pusher_open(&p, NULL);
  reset();
}

static void teardown(void) {
  dl_pull_result_clear(&result);
  pusher_close(&p);
}

static int count(int *counter) {
  (*counter)++;
  return ++seen.calls == seen.cancel_at;
}

static int on_any(const dl_progress_event *event, void *user) {
  int none = 0;
  (void)event;
  (void)user;
  return count(&none);
}

static int on_error(const dl_progress_event *event, void *user) {
  (void)user;
  ck_assert_ptr_nonnull(event->error);
  ck_assert_str_ne(event->message, "");
  return count(&seen.errors);
}

static int on_started(const dl_progress_event *event, void *user) {
  (void)event;
  (void)user;
  return count(&seen.started);
}

static int on_completed(const dl_progress_event *event, void *user) {
  (void)user;
  ck_assert_uint_le(event->reused_bytes, event->size_bytes);
  return count(&seen.completed);
}

static int on_would(const dl_progress_event *event, void *user) {
  (void)event;
  (void)user;
  return count(&seen.would);
}

static int on_retry(const dl_progress_event *event, void *user) {
  (void)event;
  (void)user;
  return count(&seen.retried);
}

static int on_note(const dl_progress_event *event, void *user) {
  (void)user;
  size_t used = strlen(seen.notes);
  (void)snprintf(seen.notes + used, sizeof seen.notes - used, "%s: %s\n", event->path,
                 event->message);
  return count(&seen.busy);
}

static const dl_progress progress = {
    .struct_size = sizeof progress,
    .scan_start = on_any,
    .scan_complete = on_any,
    .change_detection_start = on_any,
    .change_detection_complete = on_any,
    .upload_start = on_any,
    .file_upload_start = on_started,
    .file_upload_complete = on_completed,
    .file_upload_error = on_error,
    .retry = on_retry,
    .upload_complete = on_any,
    .file_would_upload = on_would,
    .note = on_note,
};

static dl_status pull_with(dl_sync *sync) {
  int cancel_at = seen.cancel_at;
  memset(&seen, 0, sizeof seen);
  seen.cancel_at = cancel_at;
  dl_pull_result_clear(&result);
  err = (dl_error)DL_ERROR_INIT;
  return dl_pull(sync, &options, &progress, &result, &err);
}

static void pull_ok(uint64_t downloaded) {
  dl_status status = pull_with(p.sync);
  ck_assert_msg(status == DL_OK, "%s: %s", dl_status_name(status), err.message);
  ck_assert_uint_eq(result.files_downloaded, downloaded);
  ck_assert_uint_eq(result.error_count, 0);
  ck_assert_int_eq(result.stage, DL_STAGE_DONE);
}

/* One file fails, with this status. */
static void pull_refuses(const char *path, dl_status why) {
  ck_assert_int_eq(pull_with(p.sync), DL_ERR_PARTIAL);
  ck_assert_uint_eq(result.error_count, 1);
  ck_assert_str_eq(result.errors[0]->path, path);
  ck_assert_msg(result.errors[0]->status == (int32_t)why, "%s: %s",
                dl_status_name((dl_status)result.errors[0]->status), result.errors[0]->message);
  ck_assert_uint_eq(result.files_failed, 1);
  ck_assert_int_eq(seen.errors, 1);
}

static void push_ok(void) {
  dl_status status = pusher_push(&p);
  ck_assert_msg(status == DL_OK, "%s: %s", dl_status_name(status), p.err.message);
}

static void assert_text(const char *name, const char *text) {
  char *content = support_read(p.src, name, NULL);
  ck_assert_str_eq(content, text);
  free(content);
}

static void remove_file(const char *name) {
  char *path = support_path(p.src, name);
  ck_assert_int_eq(unlink(path), 0);
  free(path);
}

static struct stat stat_of(const char *name) {
  struct stat st;
  char *path = support_path(p.src, name);
  ck_assert_int_eq(stat(path, &st), 0);
  free(path);
  return st;
}

/* The same folder as seen from another machine: another state. */
static dl_sync *elsewhere(void) {
  pusher other = p;
  char *src = support_path(p.root, "other");
  char *root = support_path(p.root, "elsewhere");
  char url[4096];
  (void)mkdir(src, 0700);
  (void)mkdir(root, 0700);
  (void)snprintf(url, sizeof url, "file://%s/remote", p.root);
  other.src = src;
  other.root = root;
  dl_sync *sync = pusher_another(&other, url);
  free(src);
  free(root);
  return sync;
}

/* The remote is what another machine pushes. */
static void push_elsewhere(const char *name, const char *text) {
  char *src = support_path(p.root, "other");
  support_write(src, name, text);
  free(src);
  dl_sync *sync = elsewhere();
  dl_push_options force = DL_PUSH_OPTIONS_INIT;
  force.force = 1;
  ck_assert_int_eq(dl_push(sync, &force, NULL, NULL, NULL), DL_OK);
  dl_sync_free(sync);
}

START_TEST(restores_what_was_pushed) {
  const struct timespec times[2] = {{1000, 0}, {1000000000, 123456789}};
  support_write(p.src, "events/a.jsonl", "{}\n");
  support_write(p.src, "empty.md", "");
  char *path = support_path(p.src, "events/a.jsonl");
  ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
  push_ok();
  support_rmdir(strdup(p.src));
  pull_ok(2);
  assert_text("events/a.jsonl", "{}\n");
  assert_text("empty.md", "");
  struct stat st = stat_of("events/a.jsonl");
  ck_assert_int_eq(st.st_mtim.tv_sec, 1000000000);
  ck_assert_int_eq(st.st_mtim.tv_nsec, 123456789);
  ck_assert_uint_eq(st.st_mode & 0777, 0600);
  ck_assert_uint_eq(stat_of("events").st_mode & 0777, 0700);
  ck_assert_uint_eq(result.total_bytes, 3);
  ck_assert_uint_eq(result.bytes_received, 3);
  ck_assert_int_eq(seen.completed, 2);
  pull_ok(0);
  ck_assert_uint_eq(result.files_unchanged, 2);
  push_ok();
  ck_assert_uint_eq(p.result.files_uploaded, 0);
  free(path);
}
END_TEST

START_TEST(replaces_what_only_the_remote_changed) {
  support_write(p.src, "a.md", "mine");
  char *path = support_path(p.src, "a.md");
  ck_assert_int_eq(chmod(path, 0640), 0);
  free(path);
  support_settle();
  push_ok();
  push_elsewhere("a.md", "not mine");
  pull_ok(1);
  assert_text("a.md", "not mine");
  ck_assert_uint_eq(stat_of("a.md").st_mode & 0777, 0640);
  ck_assert(!support_exists(p.src, "a.md.orig"));
}
END_TEST

/* What a pull left here may be replaced by the next one, too. */
START_TEST(replaces_what_was_pulled) {
  const struct timespec times[2] = {{1000, 0}, {1000000000, 0}};
  support_write(p.src, "a.md", "first");
  char *path = support_path(p.src, "a.md");
  ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
  free(path);
  push_ok();
  remove_file("a.md");
  pull_ok(1);
  push_elsewhere("a.md", "2nd");
  pull_ok(1);
  assert_text("a.md", "2nd");
}
END_TEST

/* The same where it was changed elsewhere a moment before. */
START_TEST(replaces_what_was_pulled_just_now) {
  support_write(p.src, "a.md", "first");
  push_ok();
  remove_file("a.md");
  support_settle();
  pull_ok(1);
  push_elsewhere("a.md", "2nd");
  pull_ok(1);
  assert_text("a.md", "2nd");
}
END_TEST

/* What only grows is never given up for another file, though it was pushed from here. */
START_TEST(a_log_that_was_pushed_over) {
  support_write(p.src, "events/a.jsonl", "mine\n");
  support_settle();
  push_ok();
  static const char *const others[] = {"other", "another one\n", "few"};
  for (size_t i = 0; i < COUNT(others); i++) {
    push_elsewhere("events/a.jsonl", others[i]);
    for (options.dry_run = 0; options.dry_run < 2; options.dry_run++) {
      pull_refuses("events/a.jsonl", DL_ERR_CONFLICT);
    }
    assert_text("events/a.jsonl", "mine\n");
  }
  push_elsewhere("events/a.jsonl", "mine\nmore\n");
  options.dry_run = 0;
  pull_ok(1);
  assert_text("events/a.jsonl", "mine\nmore\n");
  push_elsewhere("events/a.jsonl", "other\n");
  options.force = 1;
  pull_ok(1);
  ck_assert_uint_eq(result.files_kept, 1);
  ck_assert_ptr_nonnull(strstr(seen.notes, "kept beside it as a.jsonl.orig; append the lines"));
  assert_text("events/a.jsonl", "other\n");
  assert_text("events/a.jsonl.orig", "mine\nmore\n");
}
END_TEST

/* Without a memory. */
static void refuses_saying(const char *path, const char *what) {
  if (support_exists(p.root, "state")) support_rmdir(support_path(p.root, "state"));
  pull_refuses(path, DL_ERR_CONFLICT);
  ck_assert_msg(strstr(result.errors[0]->message, what) != NULL, "%s", result.errors[0]->message);
}

/* Nobody knows which side was changed, but what has grown here shows. */
START_TEST(says_what_differs) {
  size_t size = (size_t)9 << 20;
  char *data = calloc(1, size);
  ck_assert_ptr_nonnull(data);
  support_write(p.src, "a.md", "first");
  support_write_bytes(p.src, "b.jsonl", data, size);
  push_ok();
  support_append(p.src, "a.md", ", more");
  refuses_saying("a.md", "has more here than at the remote");
  support_write(p.src, "a.md", "another");
  refuses_saying("a.md", "differs from the remote");
  support_write(p.src, "a.md", "1st");
  refuses_saying("a.md", "differs from the remote");
  support_write(p.src, "a.md", "first");
  support_append(p.src, "b.jsonl", "more");
  refuses_saying("b.jsonl", "has more here than at the remote");
  data[0] = 'x';
  data[size - 1] = 'x';
  support_write_bytes(p.src, "b.jsonl", data, size);
  support_append(p.src, "b.jsonl", "more");
  refuses_saying("b.jsonl", "differs from the remote");
  free(data);
}
END_TEST

START_TEST(refuses_what_was_changed_here) {
  support_write(p.src, "a.md", "first");
  push_ok();
  support_write(p.src, "a.md", "my own second");
  pull_refuses("a.md", DL_ERR_CONFLICT);
  assert_text("a.md", "my own second");
  push_elsewhere("a.md", "their second, which is longer");
  pull_refuses("a.md", DL_ERR_CONFLICT);
  assert_text("a.md", "my own second");
  ck_assert(!support_exists(p.src, "a.md.orig"));
}
END_TEST

/* Somebody took the end of a log away: that is a change, too. */
START_TEST(refuses_what_was_shortened_here) {
  support_write(p.src, "a.jsonl", "one\ntwo\n");
  push_ok();
  support_write(p.src, "a.jsonl", "one\n");
  pull_refuses("a.jsonl", DL_ERR_CONFLICT);
  assert_text("a.jsonl", "one\n");
}
END_TEST

START_TEST(force_keeps_what_was_changed_here) {
  support_write(p.src, "a.md", "first");
  push_ok();
  options.force = 1;
  support_write(p.src, "a.md", "mine 1");
  pull_ok(1);
  ck_assert_uint_eq(result.files_kept, 1);
  ck_assert_str_eq(seen.notes, "a.md: what was here is kept beside it as a.md.orig\n");
  support_write(p.src, "a.md", "mine 2");
  pull_ok(1);
  ck_assert_str_eq(seen.notes, "a.md: what was here is kept beside it as a.md.orig.1\n");
  assert_text("a.md", "first");
  assert_text("a.md.orig", "mine 1");
  assert_text("a.md.orig.1", "mine 2");
  pull_ok(0);
}
END_TEST

START_TEST(takes_what_grew_elsewhere) {
  support_write(p.src, "a.jsonl", "one\n");
  push_elsewhere("a.jsonl", "one\ntwo\n");
  options.dry_run = 1;
  pull_ok(0);
  ck_assert_int_eq(seen.would, 1);
  assert_text("a.jsonl", "one\n");
  options.dry_run = 0;
  pull_ok(1);
  assert_text("a.jsonl", "one\ntwo\n");
  options.force = 1;
  support_write(p.src, "a.jsonl", "on");
  pull_ok(1); /* is what was pushed, but shorter; the remote has all of it */
  ck_assert_uint_eq(result.files_kept, 0);
}
END_TEST

START_TEST(a_dry_run_tells_and_changes_nothing) {
  support_write(p.src, "a.md", "a");
  support_write(p.src, "b.md", "bb");
  push_ok();
  remove_file("a.md");
  support_write(p.src, "b.md", "mine");
  options.dry_run = 1;
  ck_assert_int_eq(pull_with(p.sync), DL_ERR_PARTIAL);
  ck_assert_int_eq(seen.would, 1);
  ck_assert_uint_eq(result.files_skipped, 1);
  ck_assert_uint_eq(result.total_bytes, 1);
  ck_assert_str_eq(result.errors[0]->path, "b.md");
  ck_assert(!support_exists(p.src, "a.md"));
  support_rmdir(strdup(p.src));
  pull_ok(0);
  ck_assert_uint_eq(result.files_skipped, 2);
  ck_assert(!support_exists(p.root, "src"));
}
END_TEST

START_TEST(reuses_what_is_here) {
  size_t size = (size_t)9 << 20;
  char *data = malloc(size);
  ck_assert_ptr_nonnull(data);
  for (size_t i = 0; i < size; i++) data[i] = (char)(i * 2654435761u >> 13);
  support_write_bytes(p.src, "a.jsonl", data, size);
  push_ok();
  char *path = support_path(p.src, "a.jsonl");
  ck_assert_int_eq(truncate(path, (off_t)size - 1000), 0);
  char *state = support_path(p.root, "state");
  support_rmdir(state);
  options.dry_run = 1;
  pull_ok(0);
  ck_assert_uint_eq(result.files_skipped, 1);
  options.dry_run = 0;
  pull_ok(1);
  ck_assert_uint_eq(result.bytes_reused, (uint64_t)8 << 20);
  ck_assert_uint_eq(result.bytes_received, (uint64_t)1 << 20);
  size_t now;
  char *content = support_read(p.src, "a.jsonl", &now);
  ck_assert_uint_eq(now, size);
  ck_assert_int_eq(memcmp(content, data, size), 0);
  free(content);
  free(path);
  free(data);
}
END_TEST

START_TEST(single_keys) {
  support_write(p.src, "events/a.jsonl", "a");
  support_write(p.src, "events2/b.jsonl", "b");
  support_write(p.src, "c.md", "c");
  push_ok();
  support_rmdir(strdup(p.src));
  const char *folder[] = {"events/"};
  options.keys = folder;
  options.key_count = 1;
  pull_ok(1);
  ck_assert_uint_eq(result.files_found, 1);
  ck_assert(support_exists(p.src, "events/a.jsonl") && !support_exists(p.src, "events2"));
  const char *two[] = {"c.md", "events2/b.jsonl"};
  options.keys = two;
  options.key_count = 2;
  pull_ok(2);
  const char *none[] = {"event"};
  options.keys = none;
  options.key_count = 1;
  pull_refuses("event", DL_ERR_NOT_FOUND);
  static const char *const wrong[] = {"../x", "/x", "a//b", ".", "", NULL};
  for (size_t i = 0; i < COUNT(wrong); i++) {
    options.keys = &wrong[i];
    ck_assert_int_eq(pull_with(p.sync), DL_ERR_ARGUMENT);
  }
}
END_TEST

static char *outside;

/* What stands in the way, by itself. */
static void obstruct(int how) {
  char *path = support_path(p.src, "d");
  outside = support_path(p.root, "outside");
  ck_assert_int_eq(mkdir(outside, 0700), 0);
  support_write(p.src, "d/a.md", "theirs");
  push_ok();
  support_rmdir(strdup(p.src));
  ck_assert_int_eq(mkdir(p.src, 0700), 0);
  char *file = support_path(p.src, "d/a.md");
  if (how == 0) ck_assert_int_eq(symlink(outside, path), 0);
  if (how == 1) support_write(p.src, "d", "a file");
  if (how > 1) ck_assert_int_eq(mkdir(path, 0700), 0);
  if (how == 2) ck_assert_int_eq(symlink("../../outside/a.md", file), 0);
  if (how == 3) ck_assert_int_eq(mkdir(file, 0700), 0);
  if (how == 4) ck_assert_int_eq(mkfifo(file, 0600), 0);
  free(file);
  free(path);
}

START_TEST(refuses_what_is_in_the_way) {
  obstruct(_i);
  options.force = (uint32_t)_i % 2;
  pull_refuses("d/a.md", DL_ERR_DOWNLOAD);
  ck_assert(!support_exists(outside, "a.md"));
  ck_assert(!support_exists(p.src, "d/a.md.orig"));
  free(outside);
}
END_TEST

/* Cancelled at each of its callbacks: every file is whole or not there, and nothing else is. */
START_TEST(cancelled_anywhere) {
  for (int i = 0; i < 5; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "e/%d.md", i);
    support_write(p.src, name, "content");
  }
  push_ok();
  options.jobs = 2;
  dl_status status = DL_ERR_CANCELLED;
  for (int at = 1; status != DL_OK || seen.calls >= at; at++) {
    ck_assert_int_lt(at, 100);
    if (support_exists(p.root, "src")) support_rmdir(strdup(p.src));
    seen.cancel_at = at;
    status = pull_with(p.sync);
    ck_assert_msg(status == DL_OK || status == DL_ERR_CANCELLED, "%s", err.message);
    uint64_t there = 0;
    for (int i = 0; i < 5; i++) {
      char name[32];
      (void)snprintf(name, sizeof name, "e/%d.md", i);
      if (!support_exists(p.src, name)) continue;
      assert_text(name, "content");
      there++;
    }
    ck_assert_uint_eq(there, result.files_downloaded);
  }
  seen.cancel_at = 0;
}
END_TEST

static int pull_inside(const dl_progress_event *event, void *user) {
  (void)event;
  *(dl_status *)user = dl_pull(p.sync, NULL, NULL, NULL, NULL);
  return 0;
}

static int push_inside(const dl_progress_event *event, void *user) {
  (void)event;
  dl_sync *another = pusher_another(&p, NULL);
  *(dl_status *)user = dl_push(another, NULL, NULL, NULL, NULL);
  dl_sync_free(another);
  return 0;
}

START_TEST(excludes_other_calls) {
  dl_status inside = DL_OK;
  support_write(p.src, "a.md", "a");
  push_ok();
  dl_progress inner = DL_PROGRESS_INIT;
  inner.user = &inside;
  inner.scan_start = pull_inside;
  ck_assert_int_eq(dl_pull(p.sync, NULL, &inner, NULL, NULL), DL_OK);
  ck_assert_int_eq(inside, DL_ERR_BUSY);
  inner.scan_start = push_inside;
  ck_assert_int_eq(dl_pull(p.sync, NULL, &inner, NULL, NULL), DL_OK);
  ck_assert_int_eq(inside, DL_ERR_LOCKED);
}
END_TEST

START_TEST(arguments) {
  ck_assert_int_eq(dl_pull(NULL, NULL, NULL, NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_verify(NULL, NULL, NULL, NULL, &err), DL_ERR_ARGUMENT);
  options.jobs = 100000;
  ck_assert_int_eq(pull_with(p.sync), DL_ERR_ARGUMENT);
  options.jobs = 0;
  options.key_count = 1;
  ck_assert_int_eq(pull_with(p.sync), DL_ERR_ARGUMENT);
  dl_pull_result small = {.struct_size = 8};
  support_write(p.src, "a.md", "a");
  push_ok();
  support_write(p.src, "a.md", "b");
  ck_assert_int_eq(dl_pull(p.sync, NULL, NULL, &small, NULL), DL_ERR_PARTIAL);
  ck_assert_uint_eq(small.files_found, 0);
  ck_assert_int_eq(dl_pull(p.sync, NULL, NULL, NULL, NULL), DL_ERR_PARTIAL);
  dl_pull_result_clear(NULL);
  dl_verify_result_clear(NULL);
}
END_TEST

START_TEST(from_memory) {
  const dl_storage *keeper;
  dl_config *config;
  ck_assert_int_eq(dl_config_new(&config, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "remote.url", "memory://pull", NULL), DL_OK);
  ck_assert_int_eq(dl_storage_create(config, &keeper, NULL), DL_OK);
  dl_sync *sync = pusher_another(&p, "memory://pull");
  support_write(p.src, "a/b.md", "text");
  ck_assert_int_eq(dl_push(sync, NULL, NULL, NULL, NULL), DL_OK);
  support_rmdir(strdup(p.src));
  ck_assert_int_eq(pull_with(sync), DL_OK);
  assert_text("a/b.md", "text");
  ck_assert_int_eq(dl_verify(sync, NULL, NULL, NULL, NULL), DL_OK);
  dl_sync_free(sync);
  dl_storage_close(keeper);
  dl_config_free(config);
}
END_TEST

/* ---------------------------------------------------------------- a remote that is hostile */

#define SHA_OF_TEXT "sha256:982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"

static shelf s;

static dl_sync *open_shelf(shelf_object *objects, size_t number) {
  s = (shelf){.objects = objects, .count = number};
  shelf_register(&s);
  return pusher_another(&p, "shelf://x");
}

START_TEST(refuses_names_that_lead_outside) {
  shelf_object objects[] = {
      {"../x", "evil", NULL, 0, 0},      {"/abs", "evil", NULL, 0, 0},
      {"a//b", "evil", NULL, 0, 0},      {".", "evil", NULL, 0, 0},
      {"..", "evil", NULL, 0, 0},        {"", "evil", NULL, 0, 0},
      {"a/../../y", "evil", NULL, 0, 0}, {"a/", "evil", NULL, 0, 0},
      {"c", "file", NULL, 0, 0},         {"c/d", "evil", NULL, 0, 0},
      {"../x", "twice", NULL, 0, 0},     {"e/.devlog-0123456789abcdef.tmp", "evil", NULL, 0, 0},
      {"ok.md", "text", NULL, 0, 0},
  };
  dl_sync *sync = open_shelf(objects, COUNT(objects));
  ck_assert_int_eq(pull_with(sync), DL_ERR_PARTIAL);
  static const char *const refused[] = {"",   ".",         "..",   "../x", "/abs",
                                        "a/", "a/../../y", "a//b", "c/d"};
  ck_assert_uint_eq(result.error_count, COUNT(refused));
  for (size_t i = 0; i < COUNT(refused); i++) {
    ck_assert_str_eq(result.errors[i]->path, refused[i]);
    ck_assert_int_eq(result.errors[i]->status, DL_ERR_DOWNLOAD);
  }
  ck_assert_uint_eq(result.files_downloaded, 2);
  assert_text("ok.md", "text");
  assert_text("c", "file");
  ck_assert(!support_exists(p.root, "x") && !support_exists(p.root, "y"));
  ck_assert(!support_exists(p.src, "a") && !support_exists(p.src, "e"));
  dl_sync_free(sync);
}
END_TEST

/* As a push would not send them, a pull does not write them: no shell or git reads such a file. */
START_TEST(leaves_out_what_no_push_sends) {
  shelf_object objects[] = {
      {".bashrc", "text", SHA_OF_TEXT, 0, 0},     {".git/config", "text", SHA_OF_TEXT, 0, 0},
      {"a/.b/c.md", "text", SHA_OF_TEXT, 0, 0},   {"a/x.lock", "text", SHA_OF_TEXT, 0, 0},
      {"target/x.md", "text", SHA_OF_TEXT, 0, 0}, {"x.tmp", "text", SHA_OF_TEXT, 0, 0},
      {"target.md", "text", SHA_OF_TEXT, 0, 0},   {"y.tmp/target", "text", SHA_OF_TEXT, 0, 0},
  };
  dl_sync *sync = open_shelf(objects, COUNT(objects));
  options.force = 1;
  ck_assert_int_eq(pull_with(sync), DL_OK);
  ck_assert_uint_eq(result.files_found, 2);
  ck_assert_uint_eq(result.files_downloaded, 2);
  ck_assert_int_eq(seen.busy, 6);
  for (size_t i = 0; i < 6; i++) {
    ck_assert_ptr_nonnull(strstr(seen.notes, objects[i].key));
    ck_assert(!support_exists(p.src, objects[i].key));
  }
  assert_text("target.md", "text");
  assert_text("y.tmp/target", "text");
  dl_sync_free(sync);
}
END_TEST

/* The next push would go to where the new ones say. */
START_TEST(keeps_the_settings) {
  shelf_object objects[] = {{"config.ini", "text", SHA_OF_TEXT, 0, 0},
                            {"d/config.ini", "text", SHA_OF_TEXT, 0, 0}};
  dl_sync *sync = open_shelf(objects, COUNT(objects));
  static const char *const own[] = {"mine", "my own", "te"};
  for (size_t i = 0; i < COUNT(own); i++) {
    support_write(p.src, "config.ini", own[i]);
    ck_assert_int_eq(pull_with(sync), DL_OK);
    ck_assert_uint_eq(result.files_skipped, 1);
    ck_assert_ptr_nonnull(strstr(seen.notes, "config.ini: not pulled: the settings here"));
    assert_text("config.ini", own[i]);
    assert_text("d/config.ini", "text");
  }
  const char *key[] = {"config.ini"};
  options.keys = key;
  options.key_count = 1;
  ck_assert_int_eq(pull_with(sync), DL_OK);
  assert_text("config.ini", "text");
  options.key_count = 0;
  ck_assert_int_eq(pull_with(sync), DL_OK);
  ck_assert_str_eq(seen.notes, "");
  support_write(p.src, "config.ini", "mine");
  options.force = 1;
  ck_assert_int_eq(pull_with(sync), DL_OK);
  assert_text("config.ini", "text");
  assert_text("config.ini.orig", "mine");
  dl_sync_free(sync);
}
END_TEST

/* A wrong URL looks like a remote without files. */
START_TEST(a_remote_without_files) {
  support_rmdir(strdup(p.src));
  ck_assert_int_eq(pull_with(p.sync), DL_ERR_NOT_FOUND);
  ck_assert_ptr_nonnull(strstr(err.message, "the remote has no files"));
  ck_assert(!support_exists(p.root, "src"));
  const char *key[] = {"a.md"};
  options.keys = key;
  options.key_count = 1;
  pull_refuses("a.md", DL_ERR_NOT_FOUND);
  ck_assert(!support_exists(p.root, "src"));
  ck_assert_int_eq(mkdir(p.src, 0700), 0);
  options.key_count = 0;
  ck_assert_int_eq(pull_with(p.sync), DL_ERR_NOT_FOUND);
  memset(&seen, 0, sizeof seen);
  ck_assert_int_eq(dl_verify(p.sync, NULL, &progress, NULL, NULL), DL_OK);
  ck_assert_ptr_nonnull(strstr(seen.notes, "nothing to compare"));
}
END_TEST

static dl_status fail_one(shelf *on, const dl_get_request *request, dl_error *error) {
  if (strcmp(request->key, on->arg) != 0) return DL_OK;
  return dl_error_set(error, DL_ERR_STORAGE, request->key, "is archived");
}

/* It is refused by itself; the others are looked at. */
START_TEST(a_dry_run_with_one_that_cannot_be_read) {
  shelf_object objects[] = {{"a.md", "text", NULL, 0, 0}, {"b.md", "text", SHA_OF_TEXT, 0, 0}};
  char key[] = "a.md";
  dl_sync *sync = open_shelf(objects, COUNT(objects));
  s.on_get = fail_one;
  s.arg = key;
  support_write(p.src, "a.md", "te");
  options.dry_run = 1;
  ck_assert_int_eq(pull_with(sync), DL_ERR_PARTIAL);
  ck_assert_uint_eq(result.error_count, 1);
  ck_assert_str_eq(result.errors[0]->path, "a.md");
  ck_assert_int_eq(result.errors[0]->status, DL_ERR_STORAGE);
  ck_assert_int_eq(seen.would, 1);
  dl_sync_free(sync);
}
END_TEST

/* The state may lie in the folder; a remote must not plant a journal beside it. */
START_TEST(refuses_its_own_state) {
  char *state = support_path(p.src, "keep");
  dl_config *config;
  dl_sync *sync;
  shelf_object objects[] = {{"keep/devlog.db-journal", "evil", NULL, 0, 0}};
  s = (shelf){.objects = objects, .count = 1};
  shelf_register(&s);
  ck_assert_int_eq(dl_config_new(&config, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "base", p.src, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "state_dir", state, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "remote.url", "shelf://x", NULL), DL_OK);
  ck_assert_int_eq(dl_sync_new(config, &sync, NULL), DL_OK);
  ck_assert_int_eq(pull_with(sync), DL_ERR_PARTIAL);
  ck_assert_str_eq(result.errors[0]->message, "refused: this program keeps its state there");
  ck_assert(!support_exists(p.src, "keep/devlog.db-journal"));
  dl_sync_free(sync);
  dl_config_free(config);
  free(state);
}
END_TEST

START_TEST(refuses_content_that_is_not_proven) {
  shelf_object objects[] = {{"a.md", "text", SHA_OF_TEXT, 0, 0}, /* right */
                            {"b.md", "TEXT", SHA_OF_TEXT, 0, 0},
                            {"c.md", "text", SHA_OF_TEXT, 1, 0},
                            {"d.md", "text", NULL, UINT64_MAX / 2, 0}};
  dl_sync *sync = open_shelf(objects, COUNT(objects));
  ck_assert_int_eq(pull_with(sync), DL_ERR_PARTIAL);
  ck_assert_uint_eq(result.error_count, 3);
  for (size_t i = 0; i < 3; i++) ck_assert_int_eq(result.errors[i]->status, DL_ERR_DOWNLOAD);
  ck_assert_int_eq(seen.retried, 3);
  assert_text("a.md", "text");
  ck_assert(!support_exists(p.src, "b.md") && !support_exists(p.src, "c.md"));
  ck_assert(!support_exists(p.src, "d.md"));
  dl_sync_free(sync);
}
END_TEST

static dl_status swap(shelf *on, const dl_get_request *request, dl_error *error) {
  (void)request;
  (void)error;
  if (atomic_load(&on->gets) == 1) on->objects[0] = *(shelf_object *)on->arg;
  return DL_OK;
}

START_TEST(an_object_that_changes_is_tried_again) {
  shelf_object objects[] = {{"a.md", "first", NULL, 0, 0}};
  shelf_object next = {"a.md", "text", SHA_OF_TEXT, 0, 0};
  dl_sync *sync = open_shelf(objects, 1);
  s.on_get = swap;
  s.arg = &next;
  ck_assert_int_eq(pull_with(sync), DL_OK);
  ck_assert_int_eq(seen.retried, 1);
  assert_text("a.md", "text");
  dl_sync_free(sync);
}
END_TEST

/* Without a digest: read twice, and it is said. */
START_TEST(an_object_without_a_digest) {
  shelf_object objects[] = {{"a.md", "text", NULL, 0, 5}};
  dl_sync *sync = open_shelf(objects, 1);
  ck_assert_int_eq(pull_with(sync), DL_OK);
  ck_assert_int_eq(atomic_load(&s.gets), 2);
  ck_assert_ptr_nonnull(strstr(seen.notes, "read twice"));
  assert_text("a.md", "text");
  dl_sync_free(sync);
}
END_TEST

static dl_status meddle(shelf *on, const dl_get_request *request, dl_error *error) {
  (void)request;
  (void)error;
  support_write(p.src, "a.md", on->arg);
  return DL_OK;
}

/* Somebody writes the file here while it comes. */
START_TEST(a_file_that_is_written_meanwhile_stays) {
  shelf_object objects[] = {{"a.md", "text", SHA_OF_TEXT, 0, 0}};
  char mine[] = "mine";
  dl_sync *sync = open_shelf(objects, 1);
  s.on_get = meddle;
  s.arg = mine;
  ck_assert_int_eq(pull_with(sync), DL_ERR_PARTIAL);
  ck_assert_int_eq(result.errors[0]->status, DL_ERR_CONFLICT);
  assert_text("a.md", "mine");
  support_write(p.src, "a.md", "te");
  ck_assert_int_eq(pull_with(sync), DL_ERR_PARTIAL);
  assert_text("a.md", "mine");
  dl_sync_free(sync);
}
END_TEST

/* ---------------------------------------------------------------- verify */

static dl_verify_result verified;

static dl_status verify_with(dl_sync *sync, uint32_t download) {
  dl_verify_options how = DL_VERIFY_OPTIONS_INIT;
  how.download = download;
  dl_verify_result_clear(&verified);
  verified = (dl_verify_result)DL_VERIFY_RESULT_INIT;
  return dl_verify(sync, &how, &progress, &verified, &err);
}

static void assert_difference(size_t place, int32_t kind, const char *path) {
  ck_assert_uint_lt(place, verified.difference_count);
  ck_assert_str_eq(verified.differences[place]->path, path);
  ck_assert_int_eq(verified.differences[place]->kind, kind);
  ck_assert_str_ne(verified.differences[place]->message, "");
}

START_TEST(verify_names_each_difference) {
  support_drop_root_powers();
  support_write(p.src, "a.md", "same");
  support_write(p.src, "b.md", "same size");
  support_write(p.src, "c.md", "only remote");
  support_write(p.src, "e.md", "unreadable");
  push_ok();
  ck_assert_int_eq(verify_with(p.sync, 0), DL_OK);
  ck_assert_uint_eq(verified.files_equal, 4);
  ck_assert_int_eq(verify_with(p.sync, 1), DL_OK);
  support_write(p.src, "b.md", "SAME SIZE");
  remove_file("c.md");
  support_write(p.src, "d.md", "only local");
  char *path = support_path(p.src, "e.md");
  ck_assert_int_eq(chmod(path, 0), 0);
  free(path);
  for (uint32_t download = 0; download < 2; download++) {
    ck_assert_int_eq(verify_with(p.sync, download), DL_ERR_PARTIAL);
    ck_assert_uint_eq(verified.difference_count, 4);
    ck_assert_uint_eq(verified.files_equal, 1);
    assert_difference(0, DL_DIFFERENCE_CONTENT, "b.md");
    assert_difference(1, DL_DIFFERENCE_NOT_LOCAL, "c.md");
    assert_difference(2, DL_DIFFERENCE_NOT_REMOTE, "d.md");
    assert_difference(3, DL_DIFFERENCE_UNREADABLE, "e.md");
  }
  dl_verify_result_clear(&verified);
}
END_TEST

/* A stamp that the state vouches for proves nothing. */
START_TEST(verify_believes_no_stamp) {
  const struct timespec times[2] = {{1000, 0}, {1000, 0}};
  support_write(p.src, "a.md", "text");
  push_ok();
  char *remote = support_path(p.root, "remote");
  support_write(remote, "a.md", "TEXT");
  char *path = support_path(remote, "a.md");
  ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
  ck_assert_int_eq(verify_with(p.sync, 0), DL_ERR_PARTIAL);
  assert_difference(0, DL_DIFFERENCE_CONTENT, "a.md");
  free(path);
  free(remote);
  dl_verify_result_clear(&verified);
}
END_TEST

/* Only --download sees that the digest of the remote is not that of its bytes. */
START_TEST(verify_by_download) {
  shelf_object objects[] = {{"../x", "evil", NULL, 0, 0}, {"a.md", "TEXT", SHA_OF_TEXT, 0, 0}};
  support_write(p.src, "a.md", "text");
  dl_sync *sync = open_shelf(objects, COUNT(objects));
  ck_assert_int_eq(verify_with(sync, 0), DL_ERR_PARTIAL);
  ck_assert_uint_eq(verified.difference_count, 1);
  assert_difference(0, DL_DIFFERENCE_NOT_LOCAL, "../x");
  ck_assert_int_eq(verify_with(sync, 1), DL_ERR_PARTIAL);
  ck_assert_uint_eq(verified.difference_count, 2);
  assert_difference(1, DL_DIFFERENCE_CONTENT, "a.md");
  dl_verify_result_clear(&verified);
  dl_sync_free(sync);
}
END_TEST

/* An object that cannot be read is not said to be another one. */
START_TEST(verify_what_cannot_be_read) {
  shelf_object objects[] = {{"a.md", "text", NULL, 0, 0}, {"b.md", "TEXT", NULL, 0, 0}};
  char key[] = "a.md";
  support_write(p.src, "a.md", "text");
  support_write(p.src, "b.md", "text");
  dl_sync *sync = open_shelf(objects, COUNT(objects));
  s.on_get = fail_one;
  s.arg = key;
  for (uint32_t download = 0; download < 2; download++) {
    ck_assert_int_eq(verify_with(sync, download), DL_ERR_PARTIAL);
    ck_assert_uint_eq(verified.difference_count, 2);
    assert_difference(0, DL_DIFFERENCE_UNREADABLE, "a.md");
    assert_difference(1, DL_DIFFERENCE_CONTENT, "b.md");
  }
  dl_verify_result_clear(&verified);
  dl_sync_free(sync);
}
END_TEST

/* A file that no push sends is no difference, if it is here. */
START_TEST(verify_what_no_push_sends) {
  shelf_object objects[] = {{"a/.x", "text", NULL, 0, 0}, {"x.tmp", "text", NULL, 0, 0}};
  support_write(p.src, "x.tmp", "mine");
  dl_sync *sync = open_shelf(objects, COUNT(objects));
  memset(&seen, 0, sizeof seen);
  ck_assert_int_eq(verify_with(sync, 0), DL_ERR_PARTIAL);
  ck_assert_uint_eq(verified.difference_count, 1);
  assert_difference(0, DL_DIFFERENCE_NOT_LOCAL, "a/.x");
  ck_assert_ptr_nonnull(strstr(seen.notes, "x.tmp: not compared"));
  dl_verify_result_clear(&verified);
  dl_sync_free(sync);
}
END_TEST

START_TEST(verify_cancelled) {
  support_write(p.src, "a.md", "text");
  push_ok();
  memset(&seen, 0, sizeof seen);
  seen.cancel_at = 1;
  ck_assert_int_eq(verify_with(p.sync, 0), DL_ERR_CANCELLED);
  seen.cancel_at = 0;
  ck_assert_int_eq(verify_with(p.sync, 0), DL_OK);
  dl_verify_result_clear(&verified);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pull");
  TCase *tcase = tcase_create("pull");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 60);
  tcase_add_test(tcase, restores_what_was_pushed);
  tcase_add_test(tcase, replaces_what_only_the_remote_changed);
  tcase_add_test(tcase, replaces_what_was_pulled);
  tcase_add_test(tcase, refuses_what_was_changed_here);
  tcase_add_test(tcase, refuses_what_was_shortened_here);
  tcase_add_test(tcase, force_keeps_what_was_changed_here);
  tcase_add_test(tcase, takes_what_grew_elsewhere);
  tcase_add_test(tcase, a_dry_run_tells_and_changes_nothing);
  tcase_add_test(tcase, reuses_what_is_here);
  tcase_add_test(tcase, single_keys);
  tcase_add_loop_test(tcase, refuses_what_is_in_the_way, 0, 5);
  tcase_add_test(tcase, cancelled_anywhere);
  tcase_add_test(tcase, excludes_other_calls);
  tcase_add_test(tcase, arguments);
  tcase_add_test(tcase, from_memory);
  tcase_add_test(tcase, refuses_names_that_lead_outside);
  tcase_add_test(tcase, refuses_its_own_state);
  tcase_add_test(tcase, refuses_content_that_is_not_proven);
  tcase_add_test(tcase, an_object_that_changes_is_tried_again);
  tcase_add_test(tcase, an_object_without_a_digest);
  tcase_add_test(tcase, a_file_that_is_written_meanwhile_stays);
  tcase_add_test(tcase, verify_names_each_difference);
  tcase_add_test(tcase, verify_believes_no_stamp);
  tcase_add_test(tcase, verify_by_download);
  tcase_add_test(tcase, verify_cancelled);
  tcase_add_test(tcase, replaces_what_was_pulled_just_now);
  tcase_add_test(tcase, a_log_that_was_pushed_over);
  tcase_add_test(tcase, says_what_differs);
  tcase_add_test(tcase, leaves_out_what_no_push_sends);
  tcase_add_test(tcase, keeps_the_settings);
  tcase_add_test(tcase, a_remote_without_files);
  tcase_add_test(tcase, a_dry_run_with_one_that_cannot_be_read);
  tcase_add_test(tcase, verify_what_cannot_be_read);
  tcase_add_test(tcase, verify_what_no_push_sends);
  return support_main(suite);
}
