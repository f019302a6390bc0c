/* cli/bar.h: the live line at the bottom of the screen while files are sent. */
#ifndef CLI_BAR_H
#define CLI_BAR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rate is that of the samples kept: five seconds, at one for each drawing. */
#define BAR_SAMPLES 50

/* A file that is being sent. */
typedef struct bar_file {
  char *path;
  uint64_t sent_bytes, reused_bytes;
} bar_file;

typedef struct bar_sample {
  uint64_t time_ms, bytes; /* sent */
} bar_sample;

/* Set up with {0}. Until bar_start, every other call does nothing. */
typedef struct bar {
  bool on, utf8;
  pthread_t painter;
  pthread_mutex_t lock; /* of all below, and of standard output while the bar is on */
  pthread_cond_t wake;
  bool ended, visible;
  uint64_t files, files_done;
  uint64_t bytes, bytes_done; /* bytes_done: sent and reused, with that of the open files */
  uint64_t bytes_sent;        /* of bytes_done; only these make the rate */
  bar_file *open;
  size_t open_count, open_capacity;
  bar_sample samples[BAR_SAMPLES];
  size_t sample_count; /* taken so far; the newest BAR_SAMPLES are kept */
} bar;

/* Shows the bar from now on; without the means for it there is none. */
void bar_start(bar *b, bool utf8, uint64_t files, uint64_t bytes);

/* So much of a file was sent, and so much found at the remote, by now. */
void bar_progress(bar *b, const char *path, uint64_t sent_bytes, uint64_t reused_bytes);

/* A file is at the remote. */
void bar_file_done(bar *b, const char *path, uint64_t size_bytes, uint64_t reused_bytes);

/* A file is given up: its bytes will not come. */
void bar_file_failed(bar *b, const char *path, uint64_t size_bytes);

/* Around all that is printed while the bar may be on. */
void bar_hold(bar *b);
void bar_release(bar *b);

/* Takes it off the screen for good and frees what it holds. */
void bar_stop(bar *b);

#endif
