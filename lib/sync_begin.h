/* sync_begin.h: what a push, a pull and a verify begin with. */
#ifndef DL_SYNC_BEGIN_H
#define DL_SYNC_BEGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "push/progress.h"
#include "push/scan.h"
#include "push/state.h"
#include "push/statedir.h"
#include "sync.h"

/* One call on a dl_sync: the folder, and what is remembered of it. */
typedef struct dl__session {
  dl_sync *sync;
  dl__progress progress;
  char *base; /* real path */
  dl__statedir statedir;
  dl__state *state; /* NULL until dl__session_remember */
  dl__rows rows;
} dl__session;

/* No I/O. progress may be NULL. The caller clears it. */
void dl__session_init(dl__session *session, dl_sync *sync, const dl_progress *progress);
void dl__session_clear(dl__session *session);

/* Finds the folder, and names its state. DL_ERR_CONFIG: it is not there. */
dl_status dl__session_open(dl__session *session, dl_error *err);

/* Takes the lock and opens the state; read_only: neither locks nor changes anything. wait: until
 * the lock is free. */
dl_status dl__session_remember(dl__session *session, bool read_only, bool wait, dl_error *err);

/* Lists the folder as the patterns of the configuration say, and tells of it. The caller clears
 * *out, also on failure. */
dl_status dl__session_scan(dl__session *session, dl__tree *out, dl_error *err);

/* How many threads may work; asked: 0 for what the configuration says. */
uint32_t dl__session_jobs(const dl__session *session, uint32_t asked);

/* DL_ERR_CANCELLED if it is to end. */
dl_status dl__session_check_cancel(const dl__session *session, dl_error *err);

void dl__session_note(const dl__session *session, const char *path, const char *message);

#endif
