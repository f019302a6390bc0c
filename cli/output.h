/* cli/output.h: standard input, output and error as a whole. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>

/* Once, at the start: the three are open, and a closed pipe is an error, no death.
 * @return false: not even /dev/null can be opened. */
bool output_prepare(void);

/* Once, at the end. False: something that was to be on stdout is not there. */
bool output_finish(void);

#endif
