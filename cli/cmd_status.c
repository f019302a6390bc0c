/* cli/cmd_status.c: `devlog status`: takes the options, compares the folder with what is remembered
 * or with the remote, and tells what a push would send; changes nothing. */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <devlog/devlog.h>

#include "cmd.h"
#include "exits.h"
#include "status_report.h"
#include "text.h"
#include "usage.h"
#include "where.h"

const char cmd_status_help[] =
    "Usage: devlog status [OPTION]...\n"
    "\n"
    "Shows the remote, the last push, and which files the next one would send, and\n"
    "why. Compares with what is remembered of earlier pushes and asks nobody, unless\n"
    "--remote is given. Changes nothing.\n"
    "\n"
    "What and where:\n"
    "  --dir DIR      the folder; else $DEVLOG_HOME, else ~/.devlog\n"
    "  --to URL       the remote; else url of [remote] in the config file\n"
    "  --config FILE  the config file; else $DEVLOG_CONFIG, else DIR/config.ini\n"
    "  --remote       compare every file with the remote\n"
    "\n"
    "What it tells:\n"
    "  --json         one JSON object a line instead of text\n"
    "  --color WHEN   always, never, or auto (the default): on a terminal, unless\n"
    "                 NO_COLOR is set or TERM is dumb\n"
    "  --help         this\n"
    "\n"
    "Why a file is sent:\n"
    "  new      not pushed yet\n"
    "  grown    longer than when it was pushed\n"
    "  changed  different in another way\n"
    "  touched  may have changed: as long as it was, but with other time stamps; a\n"
    "           push compares it with the remote\n"
    "  missing  was pushed, and is not at the remote any more (with --remote)\n"
    "\n"
    "JSON: the first line has schema \"devlog.status/1\", the last has event \"result\"\n"
    "with the counts and exit_code; in between, event \"change\" for each file. Where a\n"
    "path is not valid UTF-8, path_base64 beside path holds its bytes.\n"
    "\n"
    "Exit codes: 0 if it could tell, also if there is something to push; else those\n"
    "of 'devlog push'.\n"
    "\n"
    "Example:\n"
    "  devlog status --dir /var/log/app --to file:///mnt/backup/app\n";

enum { OPT_COLOR = 256, OPT_CONFIG, OPT_DIR, OPT_JSON, OPT_REMOTE, OPT_TO };

static bool take(status_report *o, int value) {
  switch (value) {
  case OPT_COLOR:
    return where_take_color(&o->color, "status", optarg);
  case OPT_CONFIG:
    return where_take(&o->at.config, "status", "config", optarg);
  case OPT_DIR:
    return where_take(&o->at.dir, "status", "dir", optarg);
  case OPT_JSON:
    o->as_json = true;
    return true;
  case OPT_REMOTE:
    o->remote = true;
    return true;
  case OPT_TO:
    return where_take(&o->at.to, "status", "to", optarg);
  default:
    return false;
  }
}

static bool read_options(status_report *o, int argc, char **argv, int *code) {
  static const struct option longs[] = {{"color", required_argument, NULL, OPT_COLOR},
                                        {"config", required_argument, NULL, OPT_CONFIG},
                                        {"dir", required_argument, NULL, OPT_DIR},
                                        {"help", no_argument, NULL, 'h'},
                                        {"json", no_argument, NULL, OPT_JSON},
                                        {"remote", no_argument, NULL, OPT_REMOTE},
                                        {"to", required_argument, NULL, OPT_TO},
                                        {NULL, 0, NULL, 0}};
  *o = (status_report){.color = COLOR_AUTO};
  optind = 0; /* begins afresh after the options before the command */
  int value;
  *code = EXIT_USAGE;
  while ((value = usage_next(argc, argv, "status", ":h", longs)) != USAGE_END) {
    if (value == 'h') {
      *code = usage_help("status");
      return false;
    }
    if (value == USAGE_WRONG || !take(o, value)) return false;
  }
  return !usage_stray(argc, argv, "status", 0);
}

/* The entries of today: an entry is a day, and its file says that there is one. */
static unsigned entries_today(const char *base) {
  char path[4096];
  char day[16];
  struct tm now;
  struct stat st;
  time_t seconds = time(NULL);
  if (localtime_r(&seconds, &now) == NULL || strftime(day, sizeof day, "%Y%m%d", &now) == 0) {
    return 0;
  }
  int length = snprintf(path, sizeof path, "%s/events/%s.jsonl", base, day);
  if (length < 0 || (size_t)length >= sizeof path || stat(path, &st) != 0) return 0;
  return S_ISREG(st.st_mode) && st.st_size > 0 ? 1 : 0;
}

static dl_status compare(status_report *t, const dl_config *config, dl_compare_result *result,
                         dl_error *err) {
  dl_sync *sync = NULL;
  dl_compare_options options = DL_COMPARE_OPTIONS_INIT;
  options.remote = t->remote;
  dl_status status = dl_sync_new(config, &sync, err);
  if (status == DL_OK) status = dl_compare(sync, &options, status_report_change, t, result, err);
  dl_sync_free(sync);
  return t->no_memory ? dl_error_set(err, DL_ERR_NO_MEMORY, NULL, "out of memory") : status;
}

int cmd_status(int argc, char **argv) {
  status_report report;
  int code;
  if (!read_options(&report, argc, argv, &code)) return code;
  dl_config *config = NULL;
  dl_compare_result result = DL_COMPARE_RESULT_INIT;
  const dl_push_result none = DL_PUSH_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  dl_status status = where_set(&report.at, &config, &err);
  if (status == DL_OK) status = where_read(&report.at, config, &err);
  status_report_begin(&report, status == DL_OK ? config : NULL);
  if (status == DL_OK) status = compare(&report, config, &result, &err);
  code = exit_code(status, &none, 0);
  status_end end = {status, code, &result, &err, 0};
  if (status == DL_OK) end.entries_today = entries_today(dl_config_get(config, "base"));
  status_report_end(&report, config, &end);
  if (status != DL_OK) complain("%s", err.message);
  status_report_clear(&report);
  dl_config_free(config);
  return report.json.incomplete && code == EXIT_DONE ? EXIT_FAILED : code;
}
