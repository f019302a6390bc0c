/* cli/cmd_push.c: `devlog push`: takes the options, pushes the folder, tells how
 * it goes through a reporter, and gives the exit code. */
#include <inttypes.h>

#include <devlog/devlog.h>

#include "cmd.h"
#include "console.h"
#include "exits.h"
#include "json.h"
#include "options.h"
#include "reporter.h"
#include "signals.h"
#include "text.h"

const char cmd_push_help[] =
    "Usage: devlog push [OPTION]...\n"
    "\n"
    "Sends the files of a folder that are new or changed to its remote. What exists\n"
    "only at the remote is left alone.\n"
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
    "  --force             send every file whole, whatever the remote has\n"
    "  --dry-run           only say what would be sent\n"
    "  --jobs N            files sent at the same time, 1 to 256; else jobs in the\n"
    "                      section [sync] of the config file, else 32\n"
    "  --wait              if another push of this folder is running, wait for its\n"
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
    "  0  all is at the remote        5  remote not reachable or busy: try later\n"
    "  1  some files failed           6  remote changed by somebody else\n"
    "  2  wrong command line          7  another push is running\n"
    "  3  configuration               130, 143  interrupted\n"
    "  4  login or permission\n"
    "\n"
    "Example:\n"
    "  devlog push --dir /var/log/app --to file:///mnt/backup/app --dry-run\n";

static dl_status configure(const push_options *o, dl_config **config, dl_error *err) {
  const struct {
    const char *name, *value;
  } given[] = {{"base", o->dir},
               {"remote.url", o->to},
               {"config", o->config},
               {"sync.jobs", o->jobs},
               {"remote.create", o->create ? "yes" : NULL}};
  dl_status status = dl_config_new(config, err);
  for (size_t i = 0; status == DL_OK && i < sizeof given / sizeof given[0]; i++) {
    if (given[i].value != NULL) status = dl_config_set(*config, given[i].name, given[i].value, err);
  }
  return status == DL_OK ? dl_config_load(*config, err) : status;
}

/* The push itself, with the signals caught while it runs. */
static dl_status run(const push_options *o, const reporter *r, dl_push_result *result, int *signal,
                     dl_error *err) {
  dl_config *config = NULL;
  dl_sync *sync = NULL;
  dl_status status = configure(o, &config, err);
  if (status == DL_OK) status = dl_sync_new(config, &sync, err);
  r->begin(r->progress.user, status == DL_OK ? config : NULL, o);
  if (status == DL_OK) {
    dl_push_options options = DL_PUSH_OPTIONS_INIT;
    options.mode = (int32_t)o->mode;
    options.force = o->force;
    options.dry_run = o->dry_run;
    options.checksum = o->checksum;
    options.wait = o->wait;
    signals_catch(sync);
    status = dl_push(sync, &options, &r->progress, result, err);
    *signal = signals_release();
  }
  dl_sync_free(sync);
  dl_config_free(config);
  return status;
}

static void explain(const outcome *end, int signal) {
  const dl_push_result *r = end->result;
  if (end->status == DL_OK) return;
  if (signal == 0) {
    complain("%s", end->err->message);
  } else {
    complain("interrupted: %" PRIu64 " file(s) uploaded; push again to go on", r->files_uploaded);
  }
}

int cmd_push(int argc, char **argv) {
  push_options options;
  int code;
  if (!options_push(&options, argc, argv, &code)) return code;
  console for_people;
  json_report for_programs = {false};
  reporter report;
  if (options.json) {
    json_init(&for_programs, &options, &report);
  } else {
    console_init(&for_people, &options, &report);
  }
  dl_push_result result = DL_PUSH_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  int signal = 0;
  dl_status status = run(&options, &report, &result, &signal, &err);
  code = exit_code(status, &result, signal);
  const outcome end = {status, code, &result, &err};
  report.finish(report.progress.user, &end);
  explain(&end, signal);
  dl_push_result_clear(&result);
  if (for_programs.incomplete && code == EXIT_DONE) code = EXIT_FAILED;
  return code;
}
