/* cli/cmd_version.c: `devlog version`: gives the version of the program, and that
 * of the library where it is another. */
#include <stdio.h>
#include <string.h>

#include <devlog/devlog.h>

#include "cmd.h"
#include "exits.h"
#include "usage.h"

const char cmd_version_help[] = "Usage: devlog version\n"
                                "\n"
                                "Shows the version of devlog, and that of libdevlogsync if it is\n"
                                "another one.\n"
                                "\n"
                                "Example:\n"
                                "  devlog version\n";

int cmd_version(int argc, char **argv) {
  int code;
  if (!usage_plain(argc, argv, 0, &code)) return code;
  (void)printf("devlog %s\n", DL_VERSION_STRING);
  if (strcmp(dl_version(), DL_VERSION_STRING) != 0)
    (void)printf("libdevlogsync %s\n", dl_version());
  return EXIT_DONE;
}
