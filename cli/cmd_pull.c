/* cli/cmd_pull.c: `devlog pull`: takes the options, brings back what the remote has. */
#include <devlog/devlog.h>

#include "call.h"
#include "cmd.h"
#include "options.h"

const char cmd_pull_help[] =
    "Usage: devlog pull [OPTION]... [KEY]...\n"
    "\n"
    "Brings back to a folder what its remote has and the folder has not. A KEY is a\n"
    "file as push shows it, or a folder with all below it; without one, everything is\n"
    "pulled. What exists only in the folder is left alone.\n"
    "\n"
    "A file that was changed here is not replaced: it is refused by name, unless the\n"
    "remote only has more of it. What is in the folder already is not sent again.\n"
    "\n"
    "What and where:\n"
    "  --dir DIR      the folder, made if it is not there; else $DEVLOG_HOME, else\n"
    "                 ~/.devlog\n"
    "  --from URL     the remote, as --to of push (which may be said here, too); else\n"
    "                 url of [remote] in the config file\n"
    "  --config FILE  the config file; else $DEVLOG_CONFIG, else DIR/config.ini\n"
    "\n"
    "How:\n"
    "  --force        replace what was changed here, too; it is kept beside as\n"
    "                 NAME.orig (or NAME.orig.1 and so on)\n"
    "  --dry-run      only say what would be pulled, and what refused\n"
    "  --jobs N       files got at the same time, 1 to 256; else jobs in the section\n"
    "                 [sync] of the config file, else 64\n"
    "  --wait         if a push or pull of this folder is running, wait for its end\n"
    "\n"
    "What it tells:\n"
    "  --quiet        nothing but errors\n"
    "  --verbose      also settings, retries, more counts\n"
    "  --json         one JSON object a line instead of text; with --quiet only the\n"
    "                 first and the last\n"
    "  --color WHEN   always, never, or auto (the default)\n"
    "  --help         this\n"
    "\n"
    "JSON: as that of push, with schema \"devlog.pull/1\"; its events and counts say\n"
    "download for upload, and received for sent.\n"
    "\n"
    "Exit codes:\n"
    "  0  all that was asked for is   5  remote not reachable or busy: try later\n"
    "     here                        6  changed here: all that failed did so\n"
    "  1  some files failed           7  a push or pull is running\n"
    "  2  wrong command line          130, 143  interrupted\n"
    "  3  configuration\n"
    "  4  login or permission\n"
    "\n"
    "Examples:\n"
    "  devlog pull --dir /var/log/app --from file:///mnt/backup/app --dry-run\n"
    "  devlog pull events/20250911.jsonl entries\n";

/* The reports know results of a push. */
static void view(const dl_pull_result *from, dl_push_result *to) {
  to->stage = from->stage;
  to->files_found = from->files_found;
  to->files_unchanged = from->files_unchanged;
  to->files_uploaded = from->files_downloaded;
  to->files_skipped = from->files_skipped;
  to->files_failed = from->files_failed;
  to->total_bytes = from->total_bytes;
  to->bytes_sent = from->bytes_received;
  to->bytes_reused = from->bytes_reused;
  to->duration_ms = from->duration_ms;
  to->error_count = from->error_count;
  to->errors = from->errors;
}

static dl_status pull(call *c, dl_sync *sync, const dl_progress *progress, dl_error *err) {
  const push_options *o = c->options;
  dl_pull_options options = DL_PULL_OPTIONS_INIT;
  options.force = o->force;
  options.dry_run = o->dry_run;
  options.wait = o->wait;
  options.keys = o->keys;
  options.key_count = o->key_count;
  dl_status status = dl_pull(sync, &options, progress, &c->pulled, err);
  view(&c->pulled, &c->result);
  return status;
}

int cmd_pull(int argc, char **argv) {
  push_options options;
  int code;
  if (!options_read(&options, &words_pull, argc, argv, &code)) return code;
  return call_run(&options, pull);
}
