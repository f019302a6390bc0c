/* cli/editor.h: the user's editor. */
#ifndef CLI_EDITOR_H
#define CLI_EDITOR_H

#include <stdbool.h>

/* Lets the user edit the file with $VISUAL, else $EDITOR, else vi, and waits for the end.
 * @return false: the editor failed, which was said on stderr. */
bool editor_run(const char *path);

#endif
