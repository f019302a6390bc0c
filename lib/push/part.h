/* push/part.h: the parts of one upload on their way: by the thread that cuts the
 * file, or by others that help it. */
#ifndef DL_PUSH_PART_H
#define DL_PUSH_PART_H

#include <pthread.h>

#include "push/segment.h"
#include "push/send.h"

/* The upload of one file. Its owner is the thread that began it. */
typedef struct dl__parts {
  const dl__send_request *request;
  dl_upload *upload;
  struct {
    pthread_mutex_t mutex;
    pthread_cond_t landed;
    size_t flying;    /* parts that other threads send */
    dl_status status; /* the first failure of one of them */
    dl_error error;
  } locked;
} dl__parts;

dl_status dl__parts_init(dl__parts *parts, const dl__send_request *request, dl_error *err);
void dl__parts_clear(dl__parts *parts);

/* Sends the segment, whose digests are set. in_buffer: its bytes are in the reader's buffer.
 * It may be on its way still when this returns, so DL_OK says nothing yet about it. */
dl_status dl__parts_send(dl__parts *parts, const dl__segment *segment, bool in_buffer,
                         dl_error *err);

/* Waits until nothing is on its way; DL_OK: every part that was sent is there. */
dl_status dl__parts_wait(dl__parts *parts, dl_error *err);

#endif
