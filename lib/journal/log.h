/* journal/log.h: the file with the events of a day, events/YYYYMMDD.jsonl. */
#ifndef DL_JOURNAL_LOG_H
#define DL_JOURNAL_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "journal/event.h"

typedef enum dl__log_mode {
  DL__LOG_READ,  /* among other readers */
  DL__LOG_WRITE, /* alone */
  DL__LOG_CREATE /* alone; file and folder are made if they are missing */
} dl__log_mode;

#define DL__LOG_NAME_SIZE sizeof "events/YYYYMMDD.jsonl"

/* Set it up with DL__LOG_INIT. Open, it holds the lock. */
typedef struct dl__log {
  const char *base; /* of the journal, for messages; borrowed */
  char name[DL__LOG_NAME_SIZE];
  int dir_fd, fd;
  struct timespec mtime; /* as of the last reading or writing */
  /* What dl__log_read found: */
  uint64_t events;  /* lines that are a JSON object */
  uint64_t damaged; /* lines that are none, with an end */
  bool ended;       /* the last line has its end, or there is none */
  bool torn;        /* it has none, and is no event */
} dl__log;

#define DL__LOG_INIT                                                                               \
  { .dir_fd = -1, .fd = -1, .ended = true }

/* Opens the file of a day and waits for its lock. DL_ERR_NOT_FOUND: there is none;
 * DL_ERR_JOURNAL. base: the name of the folder base_fd. */
dl_status dl__log_open(dl__log *log, const char *base, int base_fd, const char *id,
                       dl__log_mode mode, dl_error *err);
void dl__log_close(dl__log *log);

typedef dl_status (*dl__event_fn)(const dl__event *event, void *user, dl_error *err);

/* Hands out the events one after the other, whatever their type; stops at the first
 * status that is not DL_OK and returns it. Damaged lines are skipped and counted. */
dl_status dl__log_read(dl__log *log, dl__event_fn each, void *user, dl_error *err);

/* Appends whole lines, after dl__log_read, and makes them durable; a last line
 * without an end gets it. No lines: only that. On failure nothing was appended, but
 * where the message says that it is not sure. */
dl_status dl__log_append(dl__log *log, const dl__buf *lines, dl_error *err);

#endif
