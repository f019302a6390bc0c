/* tests/support/pusher.h: a folder, a remote, a state, and a push from the one to
 * the other with the events counted. */
#ifndef DL_TESTS_PUSHER_H
#define DL_TESTS_PUSHER_H

#include <devlog/devlog.h>

typedef struct pusher {
  char *root; /* holds src/ and state/, and remote/ for the file storage */
  char *src;
  dl_sync *sync;
  dl_push_options options;
  dl_push_result result;
  dl_error err;
  /* What the callbacks saw in the last push. */
  int scan_start, scan_complete, detect_start, detect_complete, upload_start, upload_complete;
  int started, progressed, completed, failed, retried, would_upload, notes;
  char last_path[DL_KEY_MAX + 1];     /* of the last file that ended or would be sent */
  char last_message[1024];            /* of the last failure, retry or note */
  int cancel_at;                      /* the n-th callback says no; 0: none does */
  int calls;                          /* callbacks so far */
  void (*on_event)(struct pusher *p); /* at every callback; or NULL */
  void *arg;                          /* the test's own */
} pusher;

/* url: NULL means a file storage at root/remote. */
void pusher_open(pusher *p, const char *url);
/* A new dl_sync for the same folder, remote and state. */
dl_sync *pusher_another(const pusher *p, const char *url);
void pusher_close(pusher *p);

/* One push; p->result and p->err are those of this push. */
dl_status pusher_push(pusher *p);

#endif
