/* cli/cmd_verify.c: `devlog verify`: takes the options, compares folder and remote. */
#include <devlog/devlog.h>

#include "call.h"
#include "cmd.h"
#include "options.h"

const char cmd_verify_help[] =
    "Usage: devlog verify [OPTION]...\n"
    "\n"
    "Proves that a folder and its remote are equal, or names each difference. Every\n"
    "file is read, and no time stamp and no memory of an earlier push is believed.\n"
    "Nothing is changed.\n"
    "\n"
    "What and where:\n"
    "  --dir DIR      the folder; else $DEVLOG_HOME, else ~/.devlog\n"
    "  --to URL       the remote; else url of [remote] in the config file\n"
    "  --config FILE  the config file; else $DEVLOG_CONFIG, else DIR/config.ini\n"
    "\n"
    "How:\n"
    "  --download     read every byte of the remote, too; else its lists are\n"
    "                 believed: the digests that it keeps of objects and of their\n"
    "                 segments\n"
    "\n"
    "What it tells:\n"
    "  --quiet        nothing but errors and differences\n"
    "  --verbose      also settings, and skipped files and why\n"
    "  --json         one JSON object a line instead of text: schema\n"
    "                 \"devlog.verify/1\", the result with its differences in the last\n"
    "  --color WHEN   always, never, or auto (the default)\n"
    "  --help         this\n"
    "\n"
    "Exit codes:\n"
    "  0  folder and remote are equal  4  login or permission\n"
    "  1  they differ, or failed       5  remote not reachable or busy: try later\n"
    "  2  wrong command line           130, 143  interrupted\n"
    "  3  configuration\n"
    "\n"
    "Example:\n"
    "  devlog verify --dir /var/log/app --to file:///mnt/backup/app --download\n";

static dl_status verify(call *c, dl_sync *sync, const dl_progress *progress, dl_error *err) {
  dl_verify_options options = DL_VERIFY_OPTIONS_INIT;
  options.download = c->options->download;
  return dl_verify(sync, &options, progress, &c->verified, err);
}

int cmd_verify(int argc, char **argv) {
  push_options options;
  int code;
  if (!options_read(&options, &words_verify, argc, argv, &code)) return code;
  return call_run(&options, verify);
}
