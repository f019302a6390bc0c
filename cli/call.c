/* cli/call.c: takes options and what to call, tells how that goes, gives the exit code. */
#include "call.h"

#include <inttypes.h>

#include "console.h"
#include "exits.h"
#include "json.h"
#include "reporter.h"
#include "signals.h"
#include "text.h"
#include "where.h"

static dl_status configure(const push_options *o, dl_config **config, dl_error *err) {
  const where at = {o->dir, o->to, o->config, o->words == &words_pull ? "--from" : "--to"};
  dl_status status = where_set(&at, config, err);
  if (status == DL_OK && o->jobs != NULL) {
    status = dl_config_set(*config, "sync.jobs", o->jobs, err);
  }
  if (status == DL_OK && o->create) status = dl_config_set(*config, "remote.create", "yes", err);
  return status == DL_OK ? where_read(&at, *config, err) : status;
}

static dl_status run(call *c, call_fn fn, const reporter *r, int *signal, dl_error *err) {
  dl_config *config = NULL;
  dl_sync *sync = NULL;
  dl_status status = configure(c->options, &config, err);
  if (status == DL_OK) status = dl_sync_new(config, &sync, err);
  r->begin(r->progress.user, status == DL_OK ? config : NULL, c->options);
  if (status == DL_OK) {
    signals_catch(sync);
    status = fn(c, sync, &r->progress, err);
    *signal = signals_release();
  }
  dl_sync_free(sync);
  dl_config_free(config);
  return status;
}

static void explain(const call *c, const outcome *end, int signal) {
  const wording *w = c->options->words;
  uint64_t files = end->verified != NULL ? end->verified->files_equal : end->result->files_uploaded;
  if (end->status == DL_OK) return;
  if (signal == 0) {
    complain("%s", end->err->message);
  } else if (end->verified != NULL) {
    complain("interrupted: %" PRIu64 " file%s compared; nothing is proven before all are", files,
             text_plural(files));
  } else {
    complain("interrupted: %" PRIu64 " file%s %s; %s again to go on", files, text_plural(files),
             w->did, w->topic);
  }
}

int call_run(const push_options *options, call_fn fn) {
  console for_people;
  json_report for_programs = {.incomplete = false};
  reporter report;
  if (options->json) {
    json_init(&for_programs, options, &report);
  } else {
    console_init(&for_people, options, &report);
  }
  call c = {options, DL_PUSH_RESULT_INIT, DL_PULL_RESULT_INIT, DL_VERIFY_RESULT_INIT};
  dl_error err = DL_ERROR_INIT;
  int signal = 0;
  dl_status status = run(&c, fn, &report, &signal, &err);
  int code = exit_code(status, &c.result, signal);
  if (status == DL_ERR_ARGUMENT && options->key_count > 0) code = EXIT_USAGE;
  outcome end = {.status = status, .exit_code = code, .result = &c.result, .err = &err};
  if (options->words == &words_pull) end.pulled = &c.pulled;
  if (options->words == &words_verify) end.verified = &c.verified;
  report.finish(report.progress.user, &end);
  explain(&c, &end, signal);
  if (end.pulled == NULL) dl_push_result_clear(&c.result);
  dl_pull_result_clear(&c.pulled);
  dl_verify_result_clear(&c.verified);
  if (for_programs.incomplete && code == EXIT_DONE) code = EXIT_FAILED;
  return code;
}
