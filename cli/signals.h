/* cli/signals.h: Ctrl-C and kill end a push in order. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <devlog/devlog.h>

/* From now on the first SIGINT or SIGTERM cancels the push of sync, the second
 * ends the program at once. One that was ignored stays ignored (nohup, sh's `&`).
 * @param sync  borrowed until signals_release. */
void signals_catch(dl_sync *sync);

/* The signals do again what they did before.
 * @return the signal that came, or 0. */
int signals_release(void);

#endif
