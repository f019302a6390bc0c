/* cli/init_text.h: what stands in a new config file. */
#ifndef CLI_INIT_TEXT_H
#define CLI_INIT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include <devlog/devlog.h>

/* Writes the settings with a remark on each: the URL, and the others commented out with their
 * defaults.
 * @param config  where the defaults are from, and "remote.create", if it is yes.
 * @param url     as it was given, ~/ and all.
 * @return false: it could not be written. */
bool init_text_write(FILE *out, const dl_config *config, const char *url);

#endif
