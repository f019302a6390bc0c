/* cli/status_report.c: takes what dl_compare found, writes it as text or as JSON on standard
 * output. */
#include "status_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"
#include "text.h"

static const char *kind_name(int32_t kind) {
  static const char *const names[] = {
      [DL_CHANGE_NEW] = "new",         [DL_CHANGE_GROWN] = "grown",
      [DL_CHANGE_CHANGED] = "changed", [DL_CHANGE_TOUCHED] = "touched",
      [DL_CHANGE_MISSING] = "missing",
  };
  bool known = kind > 0 && (size_t)kind < sizeof names / sizeof names[0];
  return known ? names[kind] : "differs";
}

void status_report_begin(status_report *t, const dl_config *config) {
  if (!t->as_json) return;
  json_line l = json_line_new(&t->json, "devlog.status/1", "start");
  json_line_text(&l, "version", dl_version());
  json_line_path(&l, "base", dl_config_get(config, "base"));
  json_line_path(&l, "config", dl_config_get(config, "config"));
  json_line_path(&l, "remote", dl_config_get(config, "remote.url"));
  json_line_flag(&l, "remote_asked", t->remote);
  json_line_print(&l);
}

static int change_json(const dl_change *change, status_report *t) {
  json_line l = json_line_new(&t->json, NULL, "change");
  json_line_text(&l, "kind", kind_name(change->kind));
  json_line_path(&l, "path", change->path);
  json_line_number(&l, "size_bytes", (int64_t)change->size_bytes);
  json_line_number(&l, "before_bytes", (int64_t)change->before_bytes);
  json_line_print(&l);
  return 0;
}

static void end_json(status_report *t, const status_end *end) {
  const dl_compare_result *r = end->result;
  const struct {
    const char *name;
    uint64_t count;
  } counts[] = {
      {"files_found", r->files_found},         {"files_new", r->files_new},
      {"files_grown", r->files_grown},         {"files_changed", r->files_changed},
      {"files_touched", r->files_touched},     {"files_missing", r->files_missing},
      {"files_unchanged", r->files_unchanged}, {"files_deleted_locally", r->files_deleted_locally},
      {"total_bytes", r->total_bytes},         {"entries_today", end->entries_today}};
  json_line l = json_line_new(&t->json, NULL, "result");
  json_line_end(&l, end->status, end->exit_code, end->err);
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    json_line_number(&l, counts[i].name, (int64_t)counts[i].count);
  }
  json_line_number(&l, "last_push_ns", r->last_push_ns);
  json_line_print(&l);
}

static bool keep(status_report *t, const dl_change *change) {
  if (t->count == t->capacity) {
    size_t capacity = t->capacity * 2 + 16;
    dl_change *grown = realloc(t->items, capacity * sizeof *grown);
    if (grown == NULL) return false;
    t->items = grown;
    t->capacity = capacity;
  }
  char *path = strdup(change->path);
  if (path == NULL) return false;
  t->items[t->count] = *change;
  t->items[t->count++].path = path;
  return true;
}

void status_report_clear(status_report *t) {
  for (size_t i = 0; i < t->count; i++) free((char *)(uintptr_t)t->items[i].path);
  free(t->items);
}

int status_report_change(const dl_change *change, void *user) {
  status_report *t = user;
  if (t->as_json) return change_json(change, t);
  if (keep(t, change)) return 0;
  t->no_memory = true;
  return 1;
}

/* A line of a name and a text from outside. */
static void print_text(term screen, const char *name, const char *text) {
  (void)printf("%-13s", name);
  text_print(stdout, text, screen.utf8);
  (void)fputc('\n', stdout);
}

/* How long ago, in the largest unit that fits; a time to come gives nothing. */
static void print_age(int64_t seconds) {
  static const struct {
    int64_t seconds;
    const char *name;
  } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}};
  if (seconds < 0) return;
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    int64_t count = seconds / units[i].seconds;
    if (count == 0) continue;
    (void)printf(" (%" PRId64 " %s%s ago)", count, units[i].name, count == 1 ? "" : "s");
    return;
  }
  (void)fputs(" (just now)", stdout);
}

static void print_last_push(int64_t last_push_ns) {
  char text[32];
  struct tm when;
  time_t seconds = (time_t)(last_push_ns / 1000000000);
  (void)printf("%-13s", "Last push:");
  if (last_push_ns == 0 || localtime_r(&seconds, &when) == NULL ||
      strftime(text, sizeof text, "%Y-%m-%d %H:%M", &when) == 0) {
    (void)puts("never");
    return;
  }
  (void)fputs(text, stdout);
  print_age((int64_t)(time(NULL) - seconds));
  (void)fputc('\n', stdout);
}

static void format_size(char *out, size_t size, uint64_t bytes) {
  if (bytes < 1000) {
    (void)snprintf(out, size, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
  } else {
    text_bytes(out, size, (double)bytes);
  }
}

/* A push would have to read it; what is only at the remote is not asked. */
static bool is_locked(const char *base, const dl_change *change) {
  char path[PATH_MAX];
  int length = snprintf(path, sizeof path, "%s/%s", base, change->path);
  if (length < 0 || (size_t)length >= sizeof path) return false;
  return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 && errno == EACCES;
}

static void print_change(term screen, const char *base, const dl_change *change) {
  bool grown = change->kind == DL_CHANGE_GROWN;
  const char *color = change->kind == DL_CHANGE_NEW || grown ? GREEN : YELLOW;
  char size[32];
  format_size(size, sizeof size, change->size_bytes - (grown ? change->before_bytes : 0));
  (void)printf("  %s%-7s%s  ", screen.color ? color : "", kind_name(change->kind),
               screen.color ? "\x1b[0m" : "");
  text_print(stdout, change->path, screen.utf8);
  (void)printf(" (%s%s%s%s)\n", grown ? "+" : "", size,
               change->kind == DL_CHANGE_TOUCHED ? ", may have changed" : "",
               is_locked(base, change) ? ", cannot be read" : "");
}

static void print_to_push(term screen, const char *base, const dl_compare_result *r,
                          const status_report *t) {
  uint64_t files = r->files_new + r->files_grown + r->files_changed + r->files_missing;
  char size[32];
  format_size(size, sizeof size, r->total_bytes);
  (void)printf("%-13s", "To push:");
  if (files > 0) (void)printf("%" PRIu64 " file%s (%s)", files, text_plural(files), size);
  if (r->files_touched > 0) {
    (void)printf("%s%" PRIu64 " file%s to compare", files > 0 ? ", " : "", r->files_touched,
                 text_plural(r->files_touched));
  }
  (void)puts(t->count == 0 ? "nothing" : "");
  for (size_t i = 0; i < t->count; i++) print_change(screen, base, &t->items[i]);
  if (r->files_deleted_locally > 0) {
    (void)printf("%-13s%" PRIu64 " file%s (left alone)\n", "Remote only:", r->files_deleted_locally,
                 text_plural(r->files_deleted_locally));
  }
}

static void print_next(const where *w, const dl_compare_result *r) {
  const where of_folder = {.dir = w->dir};
  bool empty = r->files_found == 0;
  (void)printf("%-13sdevlog %s", "Next:", empty ? "new" : "push");
  where_print_same(empty ? &of_folder : w);
}

static void print_all(const status_report *t, const dl_config *config, const dl_compare_result *r,
                      unsigned today) {
  term screen = term_probe(t->color);
  print_text(screen, "Folder:", dl_config_get(config, "base"));
  print_text(screen, "Remote:", dl_config_get(config, "remote.url"));
  print_last_push(r->last_push_ns);
  if (today == 0) {
    (void)printf("%-13s%s\n", "Today:", "no entry");
  } else {
    (void)printf("%-13s%u entr%s\n", "Today:", today, today == 1 ? "y" : "ies");
  }
  print_to_push(screen, dl_config_get(config, "base"), r, t);
  if (t->count > 0 || r->files_found == 0) print_next(&t->at, r);
}

void status_report_end(status_report *t, const dl_config *config, const status_end *end) {
  if (t->as_json) {
    end_json(t, end);
  } else if (end->status == DL_OK) {
    print_all(t, config, end->result, end->entries_today);
  }
}
