#!/usr/bin/env bash
# cli.sh: the program as people and scripts use it: options, what it prints, exit codes.
#
# Takes the program; prints TAP.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(readlink -f "$1")

push() {
  run "$devlog" push --to "$url" --jobs 1 "$@"
}

# The folder of the sample in the design: one file is at the remote, two are not.
sample() {
  fill 12 >"$base/entries/20250910.md"
  push --quiet
  expect_code 0
  printf '; %s\n' "$(fill 64)" >"$base/config.ini"
  fill 89 >"$base/events/20250911.jsonl"
}

# ---------------------------------------------------------------- the command line

# wrong COMMAND LINE...: it is refused, with one line of reason and one of help.
wrong() {
  run "$devlog" "$@"
  expect_code 2
  expect_empty out
  [[ $(wc -l <err) == 2 ]]
  grep -q -x "devlog: .*" err
  tail -n 1 err | grep -q -x "Try 'devlog \(push \|version \|help \)\?--help'\."
}

t_help() {
  run "$devlog" help
  expect_code 0
  expect_empty err
  expect_text out 'push '
  expect_ascii out
  cp out help
  run "$devlog" --help
  expect_code 0
  expect_same out help
  run "$devlog" -h
  expect_same out help
}

t_help_push() {
  run "$devlog" help push
  expect_code 0
  expect_empty err
  local option
  for option in mode checksum force dry-run dir to create config jobs wait json quiet verbose \
    color help; do
    expect_text out "--$option"
  done
  expect_text out 'Example'
  expect_ascii out
  [[ $(wc -L <out) -le 80 ]]
  cp out help
  run "$devlog" push --dry-run --help
  expect_code 0
  expect_same out help
  [[ ! -e $remote ]]
}

t_version() {
  run "$devlog" version
  expect_code 0
  grep -q -x 'devlog [0-9]*\.[0-9]*\.[0-9]*' out
  [[ $(wc -l <out) == 1 ]]
  cp out version
  run "$devlog" --version
  expect_same out version
}

t_no_command() {
  run "$devlog"
  expect_code 2
  expect_empty out
  expect_text err 'Usage: devlog'
}

t_wrong_command() {
  wrong pusj
  expect_text err "unknown command 'pusj' (did you mean 'push'?)"
  wrong helmet
  expect_text err "unknown command 'helmet'"
  expect_no_text err 'did you mean'
  wrong ''
  wrong help pish
  wrong help push version
  wrong version now
  wrong version --long
}

t_wrong_option() {
  wrong push --dryrun
  expect_text err "unknown option '--dryrun' (did you mean '--dry-run'?)"
  wrong push -x
  expect_text err "unknown option '-x'"
  wrong push --force=yes
  expect_text err "option '--force' takes no value"
  wrong push --checksum=sha256
  wrong push --wait=10
  wrong push --to
  expect_text err "option '--to' needs a value"
  wrong push there
  expect_text err "unexpected argument 'there'"
  wrong push --quiet --verbose
  wrong --nothing
}

t_abbreviated_option() {
  wrong push --dry
  expect_text err "unknown option '--dry' (did you mean '--dry-run'?)"
  wrong push --mod all
  wrong push --mod=all
  wrong push --co never
  wrong --vers
}

t_unknown_value_is_not_shown() {
  wrong push --password=geheim
  expect_no_text err geheim
}

t_wrong_mode() {
  wrong push --mode everything
  expect_text err "wrong mode 'everything' (valid: incremental, all)"
  wrong push --mode=
  expect_text err 'valid: incremental, all'
  wrong push --mode Incremental
}

t_wrong_color() {
  wrong push --color blue
  expect_text err 'valid: auto, always, never'
}

t_wrong_jobs() {
  local jobs
  for jobs in '' 0 -1 +4 4x 0x4 ' 4' 4.0 257 99999999999999999999; do
    wrong push --jobs "$jobs"
    expect_text err 'valid: 1 to 256'
  done
}

t_empty_value() {
  wrong push --dir ''
  wrong push --to=
  wrong push --config ''
}

t_control_characters_in_argument() {
  wrong push $'\e[31m\nred'
  expect_text err "unexpected argument '\\x1b[31m\\nred'"
}

# ---------------------------------------------------------------- configuration

t_no_folder() {
  push --dir "$HOME/nowhere"
  expect_code 3
  expect_text err "devlog: "
  expect_text err "$HOME/nowhere"
  [[ $(wc -l <err) == 1 ]]
}

t_no_config() {
  run "$devlog" push
  expect_code 3
  expect_empty out
  [[ $(wc -l <err) == 1 ]]
  expect_text err "devlog: no remote is configured yet: run 'devlog init' or 'devlog init URL', or \
name one with --to"
  run "$devlog" pull
  expect_code 3
  expect_text err 'or name one with --from'
  run "$devlog" verify
  expect_code 3
  expect_text err 'or name one with --to'
}

t_wrong_remote() {
  run "$devlog" push --to foo
  expect_code 3
  expect_text err "devlog: --to 'foo': is not a URL"
  run "$devlog" pull --from foo
  expect_text err "devlog: --from 'foo': is not a URL"
  run "$devlog" push --to 'https://host/c%3Fsig=SECRET'
  expect_code 3
  expect_text err 'devlog: --to: holds a password or a signature'
  expect_no_text err SECRET
}

# Such a remote would be gone at once.
t_memory() {
  sample
  local command
  for command in push pull verify status; do
    run "$devlog" "$command" --to memory://x
    expect_code 3
    expect_text err 'devlog: memory:// ends with this program: it is for tests of programs'
  done
}

t_wrong_config() {
  printf '[remote]\nurl = %s\nwhat = this\n' "$url" >"$base/config.ini"
  run "$devlog" push
  expect_code 3
  expect_text err "devlog: $base/config.ini:3: "
}

t_config_file() {
  printf '[remote]\nurl = %s\n' "$url" >"$base/config.ini"
  echo '{}' >"$base/events/20250911.jsonl"
  run "$devlog" push
  expect_code 0
  expect_same "$base/events/20250911.jsonl" "$remote/events/20250911.jsonl"
}

t_options_win() {
  mkdir other
  echo '{}' >other/20250911.jsonl
  printf '[remote]\nurl = file:///nowhere\n[sync]\njobs = 3\n' >my.ini
  DEVLOG_HOME=/nowhere DEVLOG_CONFIG=/nowhere push --dir other --config my.ini
  expect_code 0
  expect_same other/20250911.jsonl "$remote/20250911.jsonl"
}

t_missing_config_file() {
  push --config "$HOME/nowhere.ini"
  expect_code 3
  expect_text err "$HOME/nowhere.ini"
}

# ---------------------------------------------------------------- the report

t_sample() {
  sample
  push
  expect_code 0
  expect_empty err
  expect_golden out first
  expect_same "$base/config.ini" "$remote/config.ini"
}

t_nothing_to_do() {
  sample
  push
  push
  expect_code 0
  expect_empty err
  expect_golden out nothing
  push --mode all
  expect_code 0
  expect_golden out nothing
}

t_dry_run() {
  sample
  push --dry-run
  expect_code 0
  expect_empty err
  expect_golden out dry-run
  [[ ! -e $remote/config.ini ]]
  push
  push --dry-run
  expect_golden out nothing
}

t_force() {
  sample
  push
  push --force
  expect_code 0
  expect_text out 'Files uploaded: 3'
}

t_checksum() {
  sample
  push
  push --checksum --json
  expect_code 0
  expect_json out 'lines[0]["checksum"] is True and lines[-1]["files_unchanged"] == 3'
}

t_ascii() {
  sample
  LC_ALL=C push
  expect_code 0
  expect_golden out ascii
  expect_ascii out
}

t_failure() {
  sample
  chmod 000 "$base/events/20250911.jsonl"
  run_unprivileged "$devlog" push --to "$url" --jobs 1
  expect_code 1
  expect_golden out failure
  expect_text err 'devlog: 1 file(s) could not be pushed'
  [[ $(wc -l <err) == 1 ]]
}

t_failure_ascii() {
  sample
  chmod 000 "$base/events/20250911.jsonl"
  LC_ALL=C run_unprivileged "$devlog" push --to "$url" --jobs 1
  expect_code 1
  expect_golden out ascii-failure
  expect_ascii out
}

t_failure_quiet() {
  sample
  chmod 000 "$base/events/20250911.jsonl"
  run_unprivileged "$devlog" push --to "$url" --quiet
  expect_code 1
  expect_empty out
  expect_text err 'devlog: events/20250911.jsonl: cannot be opened: Permission denied'
  expect_text err 'devlog: 1 file(s) could not be pushed'
}

# A reason that all failed files share has an exit code of its own.
t_no_permission_at_remote() {
  echo '{}' >"$base/events/a.jsonl"
  echo '{}' >"$base/events/b.jsonl"
  mkdir -p "$remote/events"
  chmod 555 "$remote/events"
  run_unprivileged "$devlog" push --to "$url"
  expect_code 4
  expect_text out '2 error(s) occurred:'
  chmod 000 "$base/events/b.jsonl"
  run_unprivileged "$devlog" push --to "$url"
  expect_code 1
  expect_text out '2 error(s) occurred:'
}

t_damaged_state() {
  sample
  local state
  state=$(find "$XDG_STATE_HOME" -name '*.db')
  echo 'no database' >"$state"
  push
  expect_code 0
  expect_text out "ℹ️  $state: "
  expect_text out 'Files uploaded: 2'
}

t_quiet() {
  sample
  push --quiet
  expect_code 0
  expect_empty out
  expect_empty err
  expect_same "$base/config.ini" "$remote/config.ini"
}

t_verbose() {
  sample
  echo gone >"$remote/gone.md"
  ln -s /etc/passwd "$base/entries/20250912.md"
  push --verbose
  expect_code 0
  expect_golden out verbose
}

t_skipped() {
  ln -s /etc/passwd "$base/entries/20250912.md"
  mkfifo "$base/entries/20250913.md"
  push
  expect_code 0
  expect_text out 'ℹ️  2 files skipped (see --verbose)'
  expect_no_text out 20250912
  push --verbose
  expect_text out '  ℹ️  entries/20250912.md: '
  expect_text out '  ℹ️  entries/20250913.md: '
  expect_no_text out 'see --verbose'
}

strange_names() {
  local name
  rmdir "$base/events" "$base/entries"
  for name in 'back\slash' $'csi\xc2\x9b31m' $'line\nescape\e[31m' $'turned\xe2\x80\xaedm' \
    $'t\xc3\xbcr' $'\xff'; do
    : >"$base/$name.md"
  done
}

t_strange_names() {
  strange_names
  push
  expect_code 0
  expect_golden out names
}

t_strange_names_ascii() {
  strange_names
  LC_ALL=C push
  expect_code 0
  expect_ascii out
  expect_text out '  ok t\xc3\xbcr.md'
}

t_strange_folder() {
  mkdir $'a\e[31m\nb'
  push --dir $'a\e[31m\nb'
  expect_code 0
  expect_text out 'a\x1b[31m\nb"...'
}

# ---------------------------------------------------------------- JSON

t_json() {
  sample
  ln -s /etc/passwd "$base/entries/20250912.md"
  push --json
  expect_code 0
  expect_empty err
  expect_json out 'lines[0]["schema"] == "devlog.push/1" and lines[0]["event"] == "start"'
  expect_json out "lines[0]['base'] == '$base' and lines[0]['remote'] == '$url'"
  expect_json out '[l["event"] for l in lines if l["event"] != "file_upload_progress"] == [
    "start", "scan_start", "note", "scan_complete", "change_detection_start",
    "change_detection_complete", "upload_start", "file_upload_start", "file_upload_complete",
    "file_upload_start", "file_upload_complete", "upload_complete", "result"]'
  expect_json out '[(l["path"], l["size_bytes"], l["sent_bytes"], l["reused_bytes"]) for l in lines
    if l["event"] == "file_upload_complete"] == [
    ("config.ini", 67, 67, 0), ("events/20250911.jsonl", 89, 89, 0)]'
  expect_json out '(lambda r: r["status"] == "DL_OK" and r["exit_code"] == 0 and r["stage"] == "done"
    and r["error"] is None and r["errors"] == [] and r["files_found"] == 3
    and r["files_added"] == 2 and r["files_unchanged"] == 1 and r["files_uploaded"] == 2
    and r["files_failed"] == 0 and r["total_bytes"] == 156 and r["bytes_sent"] == 156
    and r["bytes_reused"] == 0
    and r["duration_ms"] >= 0 and r["last_push_ns"] > 0)(lines[-1])'
}

t_json_dry_run() {
  sample
  push --json --dry-run
  expect_code 0
  expect_json out '[l["path"] for l in lines if l["event"] == "file_would_upload"] == [
    "config.ini", "events/20250911.jsonl"]'
  expect_json out 'lines[0]["dry_run"] is True and lines[-1]["files_skipped"] == 2'
}

t_json_quiet() {
  sample
  push --json --quiet
  expect_code 0
  expect_json out '[l["event"] for l in lines] == ["start", "result"]'
}

t_json_failure() {
  sample
  chmod 000 "$base/events/20250911.jsonl"
  run_unprivileged "$devlog" push --to "$url" --json
  expect_code 1
  expect_text err 'devlog: 1 file(s) could not be pushed'
  expect_json out 'lines[-1]["status"] == "DL_ERR_PARTIAL" and lines[-1]["exit_code"] == 1'
  expect_json out '[(e["path"], e["status"]) for e in lines[-1]["errors"]] == [
    ("events/20250911.jsonl", "DL_ERR_UPLOAD")]'
  expect_json out '[l["path"] for l in lines if l["event"] == "file_upload_error"] == [
    "events/20250911.jsonl"]'
}

t_json_config_error() {
  run "$devlog" push --json
  expect_code 3
  expect_text err 'devlog: '
  expect_json out '[l["event"] for l in lines] == ["start", "result"]'
  expect_json out 'lines[1]["status"] == "DL_ERR_CONFIG" and lines[1]["exit_code"] == 3
    and "devlog init" in lines[1]["error"]["message"]'
}

t_json_strange_names() {
  strange_names
  push --json
  expect_code 0
  expect_json out '{(l["path"], l.get("path_base64")) for l in lines
    if l["event"] == "file_upload_complete"} == {
    ("back\\slash.md", None), ("csi\x9b31m.md", None), ("line\nescape\x1b[31m.md", None),
    ("turned\u202edm.md", None), ("t\xfcr.md", None), ("\ufffd.md", "/y5tZA==")}'
}

# ---------------------------------------------------------------- terminals

# on_terminal [VARIABLE=VALUE...] -- OPTION...: a push with a terminal as its output.
on_terminal() {
  command -v script || skip 'no script(1)'
  local settings=(TERM=xterm) options
  while [[ $1 != -- ]]; do
    settings+=("$1")
    shift
  done
  shift
  printf -v options ' %q' env "${settings[@]}" "$devlog" push --to "$url" "$@"
  script -q -e -c "$options" /dev/null >out </dev/null
}

t_color() {
  push
  expect_no_text out $'\e'
  push --color always
  expect_text out $'\e[1m🔄 DevLog Push\e[0m'
  NO_COLOR=1 push --color always
  expect_text out $'\e['
  push --color never
  expect_no_text out $'\e'
}

t_color_on_terminal() {
  on_terminal --
  expect_text out $'\e[1m'
  on_terminal NO_COLOR= --
  expect_text out $'\e[1m'
  on_terminal NO_COLOR=1 --
  expect_no_text out $'\e'
  on_terminal NO_COLOR=1 -- --color always
  expect_text out $'\e[1m'
  on_terminal TERM=dumb --
  expect_no_text out $'\e'
  on_terminal -- --color never
  expect_no_text out $'\e'
}

# A file that is being sent long enough to see the bar come and go.
t_bar() {
  truncate -s 512M "$base/events/big.jsonl"
  on_terminal -- --color never
  expect_text out $'\r\e[K'
  expect_text out '/1 files'
  expect_text out ' left'
  tail -n 4 out >end
  expect_no_text end $'\e'
  expect_text end 'Files uploaded: 1'
}

t_no_bar() {
  truncate -s 64M "$base/events/big.jsonl"
  on_terminal TERM=dumb --
  expect_no_text out $'\e'
  expect_no_text out '/1 files'
}

# ---------------------------------------------------------------- descriptors

t_full_output() {
  sample
  code=0
  "$devlog" push --to "$url" >/dev/full 2>err || code=$?
  [[ $code == 1 ]]
  expect_text err 'devlog: cannot write to standard output'
  expect_same "$base/config.ini" "$remote/config.ini"
  code=0
  "$devlog" push --to "$url" --json >/dev/full 2>err || code=$?
  [[ $code == 1 ]]
  code=0
  "$devlog" help >/dev/full 2>err || code=$?
  [[ $code == 1 ]]
}

t_closed_output() {
  sample
  code=0
  "$devlog" push --to "$url" >&- 2>err || code=$?
  [[ $code == 1 ]]
  expect_text err 'devlog: cannot write to standard output'
  expect_same "$base/config.ini" "$remote/config.ini"
  code=0
  "$devlog" version >&- 2>err || code=$?
  [[ $code == 1 ]]
}

t_closed_output_quiet() {
  sample
  "$devlog" push --to "$url" --quiet >&- 2>err
  expect_empty err
  expect_same "$base/config.ini" "$remote/config.ini"
}

t_all_closed() {
  sample
  code=0
  "$devlog" push --to "$url" <&- >&- 2>&- || code=$?
  [[ $code == 1 ]]
  expect_same "$base/config.ini" "$remote/config.ini"
  expect_same "$base/events/20250911.jsonl" "$remote/events/20250911.jsonl"
  # No file was given a number that messages are written to.
  run grep -r -l -a -e DevLog -e devlog: "$XDG_STATE_HOME" "$remote"
  expect_empty out
  push
  expect_golden out nothing
}

t_closed_pipe() {
  sample
  mkfifo pipe
  # shellcheck disable=SC2094 # a pipe that has lost its reader
  exec 3<>pipe 4>pipe 3<&-
  code=0
  "$devlog" push --to "$url" >&4 2>err || code=$?
  [[ $code == 1 ]]
  expect_same "$base/config.ini" "$remote/config.ini"
  expect_same "$base/events/20250911.jsonl" "$remote/events/20250911.jsonl"
}

t_failure_wins_over_full_output() {
  code=0
  "$devlog" push --json >/dev/full 2>err || code=$?
  [[ $code == 3 ]]
}

# ---------------------------------------------------------------- signals

is_gone() {
  ! kill -0 "$pid"
}

# Also if it ended: what comes then will notice.
is_uploading() {
  grep -q Uploading out || is_gone
}

# long_push: a push that goes on in the background, as process $pid.
long_push() {
  truncate -s 2G "$base/events/big.jsonl"
  echo small >"$base/events/a.jsonl"
  # The shell would have the signals ignored in what it starts with &.
  env --default-signal=INT,TERM "$devlog" push --to "$url" --jobs 1 >out 2>err &
  pid=$!
  within 60 is_uploading
}

# interrupted SIGNAL CODE: a push that would take long ends soon after SIGNAL.
interrupted() {
  long_push
  local start=$SECONDS
  kill -"$1" "$pid"
  within 20 is_gone || {
    kill -KILL "$pid"
    return 1
  }
  code=0
  wait "$pid" || code=$?
  expect_code "$2"
  ((SECONDS - start <= 6))
  [[ ! -e $remote/events/big.jsonl ]]
  expect_text err 'devlog: interrupted'
}

t_sigint() {
  interrupted INT 130
  expect_text out 'Upload incomplete'
  rm "$base/events/big.jsonl"
  push
  expect_code 0
  expect_same "$base/events/a.jsonl" "$remote/events/a.jsonl"
}

t_sigterm() {
  interrupted TERM 143
}

t_no_core_file() {
  ulimit -S -c "$(ulimit -H -c)"
  long_push
  grep -E '^Max core file size +1 +1 ' "/proc/$pid/limits"
  kill -KILL "$pid"
}

t_second_signal() {
  # The threads that are left behind are no mistake here.
  export TSAN_OPTIONS=${TSAN_OPTIONS:-}:report_thread_leaks=0
  long_push
  # Stopped, so that both come in one go: else the first might be enough.
  kill -STOP "$pid"
  kill -INT "$pid"
  kill -TERM "$pid"
  kill -CONT "$pid"
  code=0
  wait "$pid" || code=$?
  [[ $code == 130 || $code == 143 ]]
  expect_text err 'devlog: stopped at once'
  expect_no_text out 'Upload incomplete'
}

t_locked() {
  long_push
  kill -STOP "$pid"
  mv out first.out
  mv err first.err
  push
  kill -KILL "$pid"
  expect_code 7
  expect_text err "devlog: a push or pull of this folder and remote is running (process $pid on "
  [[ $(wc -l <err) == 1 ]]
}

# second_push: a push that waits in the background, as process $second.
second_push() {
  kill -STOP "$pid"
  rm "$base/events/big.jsonl"
  env --default-signal=TERM "$devlog" push --to "$url" --wait >second.out 2>second.err &
  second=$!
  within 60 grep -q DevLog second.out
  # One that does not wait is over by then; one that waits is not, however slow.
  sleep 0.3
  kill -0 "$second"
}

t_wait() {
  long_push
  second_push
  kill -KILL "$pid"
  code=0
  wait "$second" || code=$?
  expect_code 0
  expect_same "$base/events/a.jsonl" "$remote/events/a.jsonl"
  expect_text second.out 'Detecting changes'
  grep -E 'waiting for a push or pull of this folder \(process [0-9]+ on .*\) to end$' second.out
  expect_no_text second.out '.lock'
}

t_wait_interrupted() {
  long_push
  second_push
  kill -TERM "$second"
  code=0
  wait "$second" || code=$?
  kill -KILL "$pid"
  expect_code 143
  expect_text second.err 'devlog: interrupted'
}

t_no_wait() {
  sample
  push --wait
  expect_code 0
  expect_golden out first
}

# A push in the background of a script, or under nohup, is not ended by Ctrl-C.
t_ignored_signal() {
  truncate -s 256M "$base/events/big.jsonl"
  env --ignore-signal=INT "$devlog" push --to "$url" >out 2>err &
  pid=$!
  within 60 is_uploading
  kill -INT "$pid"
  wait "$pid"
  expect_text out 'Upload complete!'
}

check 'help lists the commands' t_help
check 'help push names every option' t_help_push
check 'version' t_version
check 'no command' t_no_command
check 'wrong command' t_wrong_command
check 'wrong option' t_wrong_option
check 'options must be written in full' t_abbreviated_option
check 'the value of an unknown option is not shown' t_unknown_value_is_not_shown
check 'wrong mode' t_wrong_mode
check 'wrong color' t_wrong_color
check 'wrong number of jobs' t_wrong_jobs
check 'empty values are refused' t_empty_value
check 'control characters in an argument' t_control_characters_in_argument
check 'missing folder' t_no_folder
check 'no configuration' t_no_config
check 'a remote that is no URL' t_wrong_remote
check 'memory:// is refused' t_memory
check 'wrong configuration' t_wrong_config
check 'remote from the config file' t_config_file
check 'options win over environment and config file' t_options_win
check 'missing config file' t_missing_config_file
check 'the sample' t_sample
check 'nothing to do' t_nothing_to_do
check 'dry run' t_dry_run
check 'force' t_force
check 'checksum' t_checksum
check 'plain ASCII' t_ascii
check 'a file that fails' t_failure
check 'a file that fails, plain ASCII' t_failure_ascii
check 'a file that fails, quiet' t_failure_quiet
check 'no permission at the remote' t_no_permission_at_remote
check 'a damaged state is told' t_damaged_state
check 'quiet' t_quiet
check 'verbose' t_verbose
check 'skipped files' t_skipped
check 'strange names' t_strange_names
check 'strange names, plain ASCII' t_strange_names_ascii
check 'a folder with a strange name' t_strange_folder
check 'JSON' t_json
check 'JSON of a dry run' t_json_dry_run
check 'JSON, quiet' t_json_quiet
check 'JSON of a failure' t_json_failure
check 'JSON of a configuration error' t_json_config_error
check 'JSON of strange names' t_json_strange_names
check 'colors' t_color
check 'colors on a terminal' t_color_on_terminal
check 'the bar on a terminal' t_bar
check 'no bar on a dumb terminal' t_no_bar
check 'full standard output' t_full_output
check 'closed standard output' t_closed_output
check 'closed standard output, quiet' t_closed_output_quiet
check 'all descriptors closed' t_all_closed
check 'closed pipe' t_closed_pipe
check 'the exit code of a failure stays' t_failure_wins_over_full_output
check 'SIGINT' t_sigint
check 'SIGTERM' t_sigterm
check 'a second signal' t_second_signal
check 'no core file that could hold a key' t_no_core_file
check 'SIGINT that is ignored' t_ignored_signal
check 'another push is running' t_locked
check 'another push is waited for' t_wait
check 'a wait is interrupted' t_wait_interrupted
check 'nothing to wait for' t_no_wait
finish
