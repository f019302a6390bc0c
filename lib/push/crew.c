/* push/crew.c: takes a number of jobs and the limits, gives the workers' readers. */
#include "push/crew.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/error.h"

/* What the buffers take of the memory, and what one has at least and at most. */
#define BUFFERS_SHARE    8
#define BUFFER_MIN_BYTES ((size_t)64 * 1024)
#define BUFFER_MAX_BYTES ((size_t)1024 * 1024)

/* About what a worker with its connection takes besides. */
#define WORKER_BYTES ((uint64_t)1024 * 1024)

/* A worker holds the file, its folder, a connection or target, and some on the way. */
#define DESCRIPTORS_KEPT   64
#define DESCRIPTORS_WORKER 8

/* Fewer workers rather than files that fail for want of descriptors. */
static size_t affordable(size_t jobs) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return jobs;
  rlim_t rest = files.rlim_cur > DESCRIPTORS_KEPT ? files.rlim_cur - DESCRIPTORS_KEPT : 0;
  size_t most = (size_t)(rest / DESCRIPTORS_WORKER);
  if (most == 0) most = 1;
  return jobs < most ? jobs : most;
}

dl_status dl__crew_init(dl__crew *crew, size_t jobs, uint64_t memory_bytes, bool md5,
                        const atomic_bool *cancel, dl_error *err) {
  *crew = (dl__crew){.jobs = affordable(jobs)};
  uint64_t most = memory_bytes / WORKER_BYTES;
  if (most == 0) most = 1;
  if (crew->jobs > most) crew->jobs = (size_t)most;
  uint64_t size = memory_bytes / BUFFERS_SHARE / crew->jobs;
  if (size > BUFFER_MAX_BYTES) size = BUFFER_MAX_BYTES;
  if (size < BUFFER_MIN_BYTES) size = BUFFER_MIN_BYTES;
  crew->readers = calloc(crew->jobs, sizeof *crew->readers);
  if (crew->readers == NULL) return dl__fail_no_memory(err);
  dl_status status = DL_OK;
  for (size_t i = 0; status == DL_OK && i < crew->jobs; i++) {
    status = dl__reader_init(&crew->readers[i], (size_t)size, md5, cancel, err);
  }
  return status;
}

void dl__crew_clear(dl__crew *crew) {
  for (size_t i = 0; crew->readers != NULL && i < crew->jobs; i++) {
    dl__reader_clear(&crew->readers[i]);
  }
  free(crew->readers);
  *crew = (dl__crew){0};
}
