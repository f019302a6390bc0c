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
  uint64_t sent_bytes;
} bar_file;

typedef struct bar_sample {
  uint64_t time_ms, bytes;
} bar_sample;

/* Set up with {0}. Until bar_start, every other call does nothing. */
typedef struct bar {
  bool on, utf8;
  pthread_t painter;
  pthread_mutex_t lock; /* of all below, and of standard output while the bar is on */
  pthread_cond_t wake;
  bool ended, visible;
  uint64_t files, files_done;
  uint64_t bytes, bytes_done; /* bytes_done: with what was sent of the open files */
  bar_file *open;
  size_t open_count, open_capacity;
  bar_sample samples[BAR_SAMPLES];
  size_t sample_count; /* taken so far; the newest BAR_SAMPLES are kept */
} bar;

/* Shows the bar from now on; without the means for it there is none. */
void bar_start(bar *b, bool utf8, uint64_t files, uint64_t bytes);

/* So much of a file was sent by now. */
void bar_sent(bar *b, const char *path, uint64_t sent_bytes);

/* A file is done with; failed: its bytes will not come. */
void bar_file_done(bar *b, const char *path, uint64_t size_bytes, bool failed);

/* Around all that is printed while the bar may be on. */
void bar_hold(bar *b);
void bar_release(bar *b);

/* Takes it off the screen for good and frees what it holds. */
void bar_stop(bar *b);

#endif
