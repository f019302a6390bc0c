/* cli/bar.c: takes how far which file is, draws a line of it on standard
 * output. A thread of its own draws, ten times a second: so the clock goes on while
 * a big file is read and nothing happens, and what thousands of small files print
 * goes out in few pieces, each with the bar below it. */
#include "bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "term.h"
#include "text.h"

#define REDRAW_MS    100
#define ESTIMATE_MS  1000 /* what was seen for less time says nothing of the time left */
#define LEFT_WIDTH   12   /* room for the time left, so that the bar keeps its length */
#define CELLS_MAX    30
#define CELLS_MIN    5
#define CELLS_AROUND 5 /* "  [", "]", and the space behind */
#define LINE_SIZE    256

/* Neither a lock of ours nor a wait on it can fail once it is set up. */
static void lock(bar *b) {
  (void)pthread_mutex_lock(&b->lock);
}

static void unlock(bar *b) {
  (void)pthread_mutex_unlock(&b->lock);
}

static bar_file *find(bar *b, const char *path) {
  for (size_t i = 0; i < b->open_count; i++) {
    if (strcmp(b->open[i].path, path) == 0) return &b->open[i];
  }
  return NULL;
}

/* NULL: no memory; the bar is a little wrong then, and the push goes on. */
static bar_file *add(bar *b, const char *path) {
  if (b->open_count == b->open_capacity) {
    size_t capacity = b->open_capacity * 2 + 16;
    bar_file *grown = realloc(b->open, capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    b->open = grown;
    b->open_capacity = capacity;
  }
  char *copy = strdup(path);
  if (copy == NULL) return NULL;
  b->open[b->open_count] = (bar_file){.path = copy};
  return &b->open[b->open_count++];
}

static void close_file(bar *b, const char *path) {
  bar_file *file = find(b, path);
  if (file == NULL) return;
  free(file->path);
  *file = b->open[--b->open_count];
}

/* What was sent may be less than before: a retry begins again. */
static void set_done(bar *b, const char *path, uint64_t sent_bytes, uint64_t reused_bytes) {
  bar_file *file = find(b, path);
  if (file == NULL) file = add(b, path);
  if (file == NULL) return;
  b->bytes_sent += sent_bytes - file->sent_bytes;
  b->bytes_done += sent_bytes - file->sent_bytes + reused_bytes - file->reused_bytes;
  file->sent_bytes = sent_bytes;
  file->reused_bytes = reused_bytes;
}

void bar_progress(bar *b, const char *path, uint64_t sent_bytes, uint64_t reused_bytes) {
  if (!b->on) return;
  lock(b);
  set_done(b, path, sent_bytes, reused_bytes);
  unlock(b);
}

void bar_file_done(bar *b, const char *path, uint64_t size_bytes, uint64_t reused_bytes) {
  if (!b->on) return;
  lock(b);
  if (reused_bytes > size_bytes) reused_bytes = size_bytes;
  set_done(b, path, size_bytes - reused_bytes, reused_bytes);
  b->files_done++;
  close_file(b, path);
  unlock(b);
}

void bar_file_failed(bar *b, const char *path, uint64_t size_bytes) {
  if (!b->on) return;
  lock(b);
  set_done(b, path, 0, 0);
  b->files_done++;
  b->bytes -= size_bytes <= b->bytes ? size_bytes : b->bytes;
  close_file(b, path);
  unlock(b);
}

static void erase(bar *b) {
  if (b->visible) (void)fputs("\r\x1b[K", stdout);
  b->visible = false;
}

void bar_hold(bar *b) {
  if (!b->on) return;
  lock(b);
  erase(b);
}

void bar_release(bar *b) {
  if (b->on) unlock(b);
}

static uint64_t now_ms(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it cannot fail for this clock */
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Bytes sent per second over the samples; *seen_ms: the time between the first and now. */
static double take_sample(bar *b, uint64_t *seen_ms) {
  bar_sample now = {now_ms(), b->bytes_sent};
  b->samples[b->sample_count % BAR_SAMPLES] = now;
  b->sample_count++;
  bar_sample first = b->samples[b->sample_count < BAR_SAMPLES ? 0 : b->sample_count % BAR_SAMPLES];
  *seen_ms = now.time_ms - first.time_ms;
  if (*seen_ms == 0 || now.bytes < first.bytes) return 0;
  return (double)(now.bytes - first.bytes) / (double)*seen_ms * 1000;
}

/* rate: bytes per second; 0: not known. */
static void format_left(char *out, size_t size, const bar *b, double rate) {
  uint64_t bytes = b->bytes > b->bytes_done ? b->bytes - b->bytes_done : 0;
  double seconds = rate > 0 ? (double)bytes / rate : 1e9;
  unsigned s = seconds < 100 * 3600 ? (unsigned)(seconds + 0.5) : 0;
  if (seconds >= 100 * 3600) {
    (void)snprintf(out, size, "-:-- left");
  } else if (s >= 3600) {
    (void)snprintf(out, size, "%u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
  } else {
    (void)snprintf(out, size, "%u:%02u left", s / 60, s % 60);
  }
}

/* The share that is done, in 1/limit; of the files if all of them are empty. */
static unsigned share(const bar *b, unsigned limit) {
  uint64_t done = b->bytes > 0 ? b->bytes_done : b->files_done;
  uint64_t all = b->bytes > 0 ? b->bytes : b->files;
  if (done >= all) return limit;
  return (unsigned)((double)done / (double)all * limit);
}

/* As many cells as there is room for; fewer than CELLS_MIN say nothing. */
static void draw_cells(const bar *b, size_t room) {
  if (room < CELLS_MIN + CELLS_AROUND) return;
  unsigned cells = (unsigned)(room - CELLS_AROUND < CELLS_MAX ? room - CELLS_AROUND : CELLS_MAX);
  unsigned full = share(b, cells);
  const char *done = b->utf8 ? "█" : "#", *rest = b->utf8 ? "░" : "-";
  (void)fputs("  [", stdout);
  for (unsigned i = 0; i < cells; i++) (void)fputs(i < full ? done : rest, stdout);
  (void)fputs("]", stdout);
}

static void draw(bar *b) {
  uint64_t seen_ms;
  double rate = take_sample(b, &seen_ms);
  char done[32], all[32], speed[32], left[32], text[LINE_SIZE];
  text_bytes(done, sizeof done, (double)b->bytes_done);
  text_bytes(all, sizeof all, (double)b->bytes);
  text_bytes(speed, sizeof speed, rate);
  format_left(left, sizeof left, b, seen_ms < ESTIMATE_MS ? 0 : rate);
  int digits = snprintf(NULL, 0, "%" PRIu64, b->files);
  int length =
      snprintf(text, sizeof text, "  %3u%%  %*" PRIu64 "/%" PRIu64 " files  %7s of %s  %7s/s  ",
               share(b, 100), digits, b->files_done, b->files, done, all, speed);
  if (length < 0) return;
  /* The last column stays free: with it full some terminals go to the next line. */
  size_t width = term_width() - 1, reserved = (size_t)length + LEFT_WIDTH;
  (void)snprintf(text + length, sizeof text - (size_t)length, "%s", left);
  erase(b);
  draw_cells(b, width > reserved ? width - reserved : 0);
  (void)printf("%.*s", (int)width, text);
  b->visible = true;
  (void)fflush(stdout); /* a failure stays in stdout's error flag, seen at the end */
}

static void *paint(void *user) {
  bar *b = user;
  lock(b);
  while (!b->ended) {
    uint64_t until = now_ms() + REDRAW_MS;
    struct timespec time = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};
    /* It returns 0 when woken: too early, or because the bar ends. */
    if (pthread_cond_timedwait(&b->wake, &b->lock, &time) != 0) draw(b);
  }
  unlock(b);
  return NULL;
}

/* The waits are by the clock that nobody sets. */
static bool init_wake(bar *b) {
  pthread_condattr_t how;
  if (pthread_condattr_init(&how) != 0) return false;
  bool done = pthread_condattr_setclock(&how, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(&b->wake, &how) == 0;
  (void)pthread_condattr_destroy(&how);
  return done;
}

void bar_start(bar *b, bool utf8, uint64_t files, uint64_t bytes) {
  *b = (bar){.utf8 = utf8, .files = files, .bytes = bytes};
  b->samples[b->sample_count++] = (bar_sample){now_ms(), 0};
  if (pthread_mutex_init(&b->lock, NULL) != 0) return;
  if (!init_wake(b)) {
    (void)pthread_mutex_destroy(&b->lock);
    return;
  }
  b->on = pthread_create(&b->painter, NULL, paint, b) == 0;
  if (b->on) return;
  (void)pthread_cond_destroy(&b->wake);
  (void)pthread_mutex_destroy(&b->lock);
}

void bar_stop(bar *b) {
  if (!b->on) return;
  lock(b);
  b->ended = true;
  (void)pthread_cond_signal(&b->wake);
  unlock(b);
  (void)pthread_join(b->painter, NULL);
  erase(b);
  (void)fflush(stdout);
  for (size_t i = 0; i < b->open_count; i++) free(b->open[i].path);
  free(b->open);
  (void)pthread_cond_destroy(&b->wake);
  (void)pthread_mutex_destroy(&b->lock);
  *b = (bar){0};
}
