/* push/foreign.h: an object that somebody else stored since it was pushed from here. */
#ifndef DL_PUSH_FOREIGN_H
#define DL_PUSH_FOREIGN_H

#include <devlog/error.h>

#include "push/send.h"

/* Whether the file may be sent over it. DL_OK: nothing of the object is lost, for the file
 * begins with all of it (a log that another machine went on with, and that was pulled or
 * appended to in the same way); DL_ERR_CONFLICT: it is lost; or the failure of file or storage.
 * request->remote is the object as it was listed. */
dl_status dl__foreign_check(const dl__send_request *request, dl_error *err);

#endif
