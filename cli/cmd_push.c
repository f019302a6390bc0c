/* cli/cmd_push.c: `devlog push`: takes the options, pushes the folder. */
#include <devlog/devlog.h>

#include "call.h"
#include "cmd.h"
#include "options.h"

const char cmd_push_help[] =
    "Usage: devlog push [OPTION]...\n"
    "\n"
    "Sends the files of a folder that are new or changed to its remote. What exists\n"
    "only at the remote is left alone. A file whose object was changed there by\n"
    "another machine since it was pushed from here is not overwritten but named as a\n"
    "conflict, unless the object is a beginning of the file (a log that has all of\n"
    "it), or with --force.\n"
    "\n"
    "What and where:\n"
    "  --dir DIR      the folder; else $DEVLOG_HOME, else ~/.devlog\n"
    "  --to URL       the remote, file:///mnt/backup/devlog or\n"
    "                 https://ACCOUNT.blob.core.windows.net/CONTAINER; else url of\n"
    "                 [remote] in the config file. No password belongs in it.\n"
    "  --create       make the container if it is not there yet\n"
    "  --config FILE  the config file; else $DEVLOG_CONFIG, else DIR/config.ini\n"
    "\n"
    "How:\n"
    "  --mode incremental  compare with the remote only what changed since the last\n"
    "                      push from here (the default)\n"
    "  --mode all          compare every file with the remote\n"
    "  --checksum          read every file whole and compare its content; believe no\n"
    "                      time stamp and no memory of an earlier push\n"
    "  --force             send every file whole, whatever the remote has and\n"
    "                      whoever changed it\n"
    "  --dry-run           only say what would be sent\n"
    "  --jobs N            files sent at the same time, 1 to 256; else jobs in the\n"
    "                      section [sync] of the config file, else 64\n"
    "  --wait              if a push or pull of this folder is running, wait for its\n"
    "                      end\n"
    "\n"
    "What it tells:\n"
    "  --quiet         nothing but errors\n"
    "  --verbose       also settings, skipped files and why, retries, more counts\n"
    "  --json          one JSON object a line instead of text; with --quiet only the\n"
    "                  first and the last\n"
    "  --color WHEN    always, never, or auto (the default): on a terminal, unless\n"
    "                  NO_COLOR is set or TERM is dumb\n"
    "  --help          this\n"
    "\n"
    "The report goes to standard output, errors to standard error. In names and\n"
    "messages, what could harm a terminal is shown as \\n, \\x1b and the like, and a\n"
    "backslash as \\\\.\n"
    "\n"
    "JSON: the first line has schema \"devlog.push/1\", the last has event \"result\"\n"
    "with the counts, exit_code and errors; in between, an event for each step. Where\n"
    "a path is not valid UTF-8, path_base64 beside path holds its bytes.\n"
    "\n"
    "Exit codes:\n"
    "  0  all is at the remote, as far as this push and the ones before it know (to\n"
    "     ask the remote: --mode all, or devlog verify)\n"
    "  1  some files failed           5  remote not reachable or busy: try later\n"
    "  2  wrong command line          6  remote changed by somebody else\n"
    "  3  configuration               7  a push or pull is running\n"
    "  4  login or permission         130, 143  interrupted\n"
    "\n"
    "Example:\n"
    "  devlog push --dir /var/log/app --to file:///mnt/backup/app --dry-run\n";

static dl_status push(call *c, dl_sync *sync, const dl_progress *progress, dl_error *err) {
  const push_options *o = c->options;
  dl_push_options options = DL_PUSH_OPTIONS_INIT;
  options.mode = (int32_t)o->mode;
  options.force = o->force;
  options.dry_run = o->dry_run;
  options.checksum = o->checksum;
  options.wait = o->wait;
  return dl_push(sync, &options, progress, &c->result, err);
}

int cmd_push(int argc, char **argv) {
  push_options options;
  int code;
  if (!options_read(&options, &words_push, argc, argv, &code)) return code;
  return call_run(&options, push);
}
