#!/usr/bin/env bash
# status.sh: `devlog init` and `devlog status` as people and scripts use them: what they print,
# what they make, exit codes.
#
# Takes the program; prints TAP.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(readlink -f "$1")
export TZ=UTC
today=$(date +%Y%m%d)

status() {
  run "$devlog" status "$@"
}

push() {
  "$devlog" push --to "$url" --quiet
}

# expect_shown NAME: out is golden/NAME.txt, but for the home and the times.
expect_shown() {
  sed -E -i -e "s/$today/20261122/" \
    -e 's/^(Last push:   )[0-9-]{10} [0-9:]{5} \(.*\)$/\12026-11-22 18:04 (2 hours ago)/' out
  expect_golden out "$1"
}

# One file of each kind. What is at the remote has the times of long ago.
sample() {
  fill 60 >"$base/entries/20251031.md"
  fill 67 >"$base/config.ini"
  fill 99 >"$base/events/$today.jsonl"
  fill 10 >"$base/entries/gone.md"
  push
  fill 1024 >>"$base/events/$today.jsonl"
  echo changed >"$base/entries/20251031.md"
  rm "$base/entries/gone.md"
  : >"$base/entries/t"$'\xc3\xbc'"r"$'\e'".md"
}

# ---------------------------------------------------------------- status

t_status() {
  sample
  status --to "$url"
  expect_code 0
  expect_empty err
  expect_shown status
}

t_status_ascii() {
  sample
  LC_ALL=C status --to "$url"
  expect_code 0
  expect_ascii out
  expect_shown status-ascii
}

# all_files: names, sizes, times and content of all files, but those of the test itself.
all_files() {
  find .devlog remote state -printf '%p %s %T@ %C@\n' | sort
  find .devlog remote state -type f -exec cksum {} + | sort
}

t_status_changes_nothing() {
  sample
  all_files >before
  status --to "$url"
  expect_code 0
  status --to "$url" --remote
  expect_code 0
  all_files >after
  expect_same before after
}

t_status_nothing() {
  sample
  push
  status --to "$url"
  expect_code 0
  expect_shown status-nothing
}

t_status_never() {
  status --to "$url"
  expect_code 0
  expect_shown status-never
  [[ ! -e $remote && ! -e $XDG_STATE_HOME ]]
}

t_status_remote() {
  sample
  status --to "$url" --remote
  expect_code 0
  expect_shown status
  push
  rm "$remote/config.ini"
  status --to "$url"
  expect_text out 'To push:     nothing'
  status --to "$url" --remote
  expect_code 0
  expect_text out 'To push:     1 file (67 bytes)'
  expect_text out '  missing  config.ini (67 bytes)'
}

t_status_touched() {
  truncate -s 9M "$base/big.md"
  push
  touch "$base/big.md"
  status --to "$url"
  expect_text out 'To push:     1 file to compare'
  expect_text out '  touched  big.md (9.0 MiB, may have changed)'
  status --to "$url" --remote
  expect_text out 'To push:     nothing'
}

# A remote that cannot answer is not asked.
t_status_asks_nobody() {
  printf '[remote]\nurl = https://nobody.invalid/container\n' >"$base/config.ini"
  status
  expect_code 0
  expect_text out '  new      config.ini'
}

t_status_remote_unreachable() {
  printf '[remote]\nurl = http://127.0.0.1:1/account/container\n[sync]\nretries = 0\n' \
    >"$base/config.ini"
  AZURE_STORAGE_KEY=a2V5 status --remote
  expect_code 5
  expect_empty out
  [[ $(wc -l <err) == 1 ]]
}

t_status_unreadable() {
  mkdir -p "$base/events"
  printf '%s' 1234 >"$base/events/a.jsonl"
  chmod 000 "$base/events/a.jsonl"
  run_unprivileged "$devlog" status --to "$url"
  expect_code 0
  expect_text out '  new      events/a.jsonl (4 bytes, cannot be read)'
}

# The provider refuses it without a request: nothing is written.
t_init_refused_url() {
  rm -rf "$base"
  local bad
  for bad in https://acct.blob.core.windows.net https://acct.blob.core.windows.net/Upper_Case memory://x \
    'https://acct.blob.core.windows.net/logs#SEKRET'; do
    run "$devlog" init "$bad"
    expect_code 3
    expect_empty out
    expect_no_text err SEKRET
    [[ ! -e $base ]]
  done
}

t_status_not_configured() {
  status
  expect_code 3
  expect_empty out
  expect_text err "devlog: no remote is configured yet: run 'devlog init'"
  rm -r "$base"
  status
  expect_code 3
  expect_text err "run 'devlog init'"
  status --json
  expect_code 3
  expect_json out 'lines[-1]["status"] == "DL_ERR_CONFIG" and lines[-1]["exit_code"] == 3
    and "devlog init" in lines[-1]["error"]["message"]'
}

# What is wrong in the file is told, not that there is none.
t_status_wrong_config() {
  printf '[remote]\nurl = http://example.com/x/y\n' >"$base/config.ini"
  status
  expect_code 3
  expect_text err "$base/config.ini:2: remote.url: refused: plain http"
  expect_no_text err 'devlog init'
  printf 'what\n' >"$base/config.ini"
  status
  expect_code 3
  expect_text err "$base/config.ini:1: "
}

t_status_no_folder() {
  status --dir nowhere --to "$url"
  expect_code 3
  expect_text err nowhere
  expect_text err 'does not exist'
}

t_status_options_repeated() {
  mkdir other
  echo '{}' >other/a.jsonl
  status --dir other --to "$url"
  expect_code 0
  expect_text out 'Next:        devlog push, with the same --dir, --to'
}

t_status_json() {
  sample
  status --to "$url" --json
  expect_code 0
  expect_empty err
  expect_json out 'lines[0]["schema"] == "devlog.status/1" and lines[0]["event"] == "start"'
  expect_json out "lines[0]['base'] == '$base' and lines[0]['remote'] == '$url'
    and lines[0]['remote_asked'] is False"
  expect_json out '[(l["kind"], l["path"], l["size_bytes"], l["before_bytes"]) for l in lines
    if l["event"] == "change"] == [("changed", "entries/20251031.md", 8, 60),
    ("new", "entries/t\xfcr\x1b.md", 0, 0),
    ("grown", "events/'"$today"'.jsonl", 1123, 99)]'
  expect_json out '(lambda r: r["event"] == "result" and r["status"] == "DL_OK"
    and r["exit_code"] == 0 and r["error"] is None and r["files_found"] == 4
    and r["files_new"] == 1 and r["files_grown"] == 1 and r["files_changed"] == 1
    and r["files_touched"] == 0 and r["files_missing"] == 0 and r["files_unchanged"] == 1
    and r["files_deleted_locally"] == 1 and r["total_bytes"] == 1131
    and r["entries_today"] == 1 and r["last_push_ns"] > 0)(lines[-1])'
}

t_status_color() {
  sample
  status --to "$url"
  expect_no_text out $'\e'
  status --to "$url" --color always
  expect_text out $'  \e[32mgrown  \e[0m  '
  status --to "$url" --color never
  expect_no_text out $'\e'
}

t_status_full_output() {
  sample
  local option
  for option in --color=never --json; do
    code=0
    "$devlog" status --to "$url" $option >/dev/full 2>err || code=$?
    [[ $code == 1 ]]
    expect_text err 'devlog: cannot write to standard output'
  done
}

# A push that is running is not in the way.
t_status_during_push() {
  truncate -s 2G "$base/events/big.jsonl"
  "$devlog" push --to "$url" >push.out 2>&1 &
  pid=$!
  within 60 grep -q Uploading push.out
  kill -STOP "$pid"
  status --to "$url"
  kill -KILL "$pid"
  wait "$pid" || true
  expect_code 0
  expect_text out '  new      events/big.jsonl (2.0 GiB)'
}

# ---------------------------------------------------------------- init

init() {
  run "$devlog" init "$@"
}

mode_of() {
  stat -c %a "$1"
}

t_init() {
  rm -r "$base"
  init
  expect_code 0
  expect_empty err
  expect_shown init
  expect_golden "$base/config.ini" init-config
  [[ $(mode_of "$base") == 700 && $(mode_of "$base/events") == 700 ]]
  [[ $(mode_of "$base/entries") == 700 && $(mode_of "$base/config.ini") == 600 ]]
  [[ $(find "$base" | wc -l) == 4 ]]
}

t_init_then_push() {
  rm -r "$base"
  init
  echo '{}' >"$base/events/20250911.jsonl"
  run "$devlog" push --dry-run
  expect_code 0
  expect_text out 'Dry run - would upload 2 file(s)'
  run "$devlog" push
  expect_code 0
  expect_same "$base/config.ini" .local/share/devlog/remote/config.ini
  status
  expect_code 0
  expect_text out 'To push:     nothing'
}

t_init_data_home() {
  XDG_DATA_HOME=$HOME/'data % #1' init
  expect_code 0
  expect_text "$base/config.ini" "url = file://$HOME/data%20%25%20%231/devlog/remote"
  [[ -d $HOME/'data % #1/devlog/remote' ]]
  run "$devlog" push
  expect_code 0
  expect_same "$base/config.ini" "$HOME/data % #1/devlog/remote/config.ini"
}

# Two folders never share a remote that nobody chose.
t_init_other_folder() {
  init --dir some/where
  expect_code 0
  expect_text some/where/config.ini "url = file://$HOME/.local/share/devlog/remotes$HOME/some/where"
  expect_text out ', with the same --dir'
  DEVLOG_HOME=$HOME/.other init
  expect_code 0
  expect_text .other/config.ini "url = file://$HOME/.local/share/devlog/remotes$HOME/.other"
  init --dir nowhere/../x
  expect_code 3
  expect_text err 'name one, as in devlog init file:///'
  [[ ! -e nowhere ]]
}

t_init_url() {
  init "$url"
  expect_code 0
  expect_text "$base/config.ini" "url = $url"
  expect_text "$base/config.ini" '#provider = file'
  expect_text out 'answers; nothing is there yet'
  echo '{}' >"$base/a.jsonl"
  "$devlog" push --quiet
  init --config my.ini "$url"
  expect_code 0
  expect_text out 'answers; it has files already'
  [[ $(mode_of my.ini) == 600 ]]
  DEVLOG_CONFIG=my2.ini init "$url"
  expect_code 0
  expect_same my.ini my2.ini
}

t_init_home_url() {
  init file://~/backup
  expect_code 0
  expect_text "$base/config.ini" 'url = file://~/backup'
  expect_text out "Remote:      file://$HOME/backup"
}

t_init_azure_without_answer() {
  init https://account.invalid/container
  expect_code 5
  expect_text "$base/config.ini" '#provider = azure'
  expect_text err 'devlog: the remote cannot be used yet: '
  expect_text err "$base/config.ini is kept"
}

t_init_never_overwrites() {
  echo '; mine' >"$base/config.ini"
  init "$url"
  expect_code 3
  expect_empty out
  expect_text err "devlog: $base/config.ini exists already and is left as it is: edit it"
  [[ $(<"$base/config.ini") == '; mine' && $(wc -l <err) == 1 ]]
  rm "$base/config.ini"
  ln -s nowhere "$base/config.ini"
  init "$url"
  expect_code 3
  [[ -L $base/config.ini && ! -e $base/nowhere ]]
  rm "$base/config.ini"
  mkdir "$base/config.ini"
  init "$url"
  expect_code 3
  [[ ! -e $remote ]]
}

# Many at once: one wins.
t_init_race() {
  local i pids=() won=0
  for i in {1..8}; do
    "$devlog" init "file://$HOME/remote$i" >"out$i" 2>&1 &
    pids+=($!)
  done
  for i in "${!pids[@]}"; do
    code=0
    wait "${pids[i]}" || code=$?
    [[ $code == 0 || $code == 3 ]]
    if ((code == 0)); then
      won=$((won + 1))
      expect_text "$base/config.ini" "url = file://$HOME/remote$((i + 1))"
    fi
  done
  ((won == 1))
  [[ $(find "$base" -name '.*init*') == '' ]]
}

# refused URL: nothing is made, and nothing of the URL is shown.
refused() {
  rm -rf "$base"
  init "$1"
  expect_code 3
  expect_no_text err geheim
  [[ $(wc -l <err) == 1 && ! -e $base ]]
}

t_init_wrong_url() {
  refused 'https://account.blob.core.windows.net/logs?sv=2022&sig=geheim'
  expect_text err 'holds a password or a signature'
  refused 'https://me:geheim@account.blob.core.windows.net/logs'
  refused http://example.com/account/logs
  refused ftp://example.com/logs
  refused /mnt/backup
  refused "file://$base/inside"
  expect_text err 'is inside the folder that is pushed'
  init ''
  expect_code 2
  init "$url" more
  expect_code 2
}

t_init_hard_url() {
  init "file://$HOME/with space ; and more"
  expect_code 3
  expect_text err 'cannot stand in a config file'
  init "file://$HOME/$(fill 200)"
  expect_code 3
  [[ $(find "$base" -type f) == '' ]]
  init "file://$HOME/with space"
  expect_code 0
  expect_text "$base/config.ini" "url = \"file://$HOME/with space\""
}

t_init_create() {
  init --create "$url"
  expect_code 0
  grep -x 'create = yes' "$base/config.ini"
  "$devlog" push --dry-run --quiet
}

t_init_not_writable() {
  chmod 500 "$base"
  run_unprivileged "$devlog" init "$url"
  expect_code 3
  expect_text err "$base"
  expect_text err 'Permission denied'
  init --config nowhere/my.ini "$url"
  expect_code 3
  expect_text err 'nowhere/my.ini: No such file'
}

t_init_remote_not_there() {
  init "file://$HOME/not/mounted"
  expect_code 3
  expect_text err 'devlog: the remote cannot be used yet: '
  expect_text err 'mount it'
  expect_text err "devlog status --remote"
  [[ -f $base/config.ini ]]
}

# Every setting of the library stands there, and each one is accepted as it stands.
t_init_settings() {
  init "$url"
  local name lines=()
  mapfile -t lines < <(sed -n 's/^ \*   \(remote\|sync\)\.\([a-z_0-9]*\) .*/\2/p' \
    "$here/../../include/devlog/config.h")
  ((${#lines[@]} == 13))
  for name in "${lines[@]}"; do
    [[ $(grep -c -E "^#?$name = " "$base/config.ini") == 1 ]]
  done
  cp "$base/config.ini" written
  for name in "${lines[@]}"; do
    sed "s/^#$name = /$name = /" written >"$base/config.ini"
    run "$devlog" push --dry-run
    expect_code 0
  done
  sed 's/^#\([a-z_0-9]* = \)/\1/' written >"$base/config.ini"
  [[ $(grep -c '^[a-z_0-9]* = ' "$base/config.ini") == 13 ]]
  run "$devlog" push --dry-run
  expect_code 0
  # It would have noticed.
  sed 's/^#jobs = .*/jobs = many/' written >"$base/config.ini"
  run "$devlog" push --dry-run
  expect_code 3
}

# ---------------------------------------------------------------- a terminal asks

# answered TEXT [ARGUMENT]...: init on a terminal where somebody types TEXT; out is all of it.
answered() {
  code=0
  "$python" -c '
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], [sys.argv[2], "init"] + sys.argv[3:])
seen, answer = b"", sys.argv[1].encode().decode("unicode_escape").encode()
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    if answer and b"]: " in seen:
        os.write(terminal, answer)
        answer = b""
sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' "$1" "$devlog" "${@:2}" >out || code=$?
}

t_asks() {
  answered "  $url \\n"
  expect_code 0
  expect_text out "Remote URL [file://$HOME/.local/share/devlog/remote]: "
  expect_text out "Remote:      $url"
  expect_text "$base/config.ini" "url = $url"
  [[ ! -e .local/share/devlog ]]
}

t_asks_and_takes_default() {
  answered '\n'
  expect_code 0
  expect_text "$base/config.ini" "url = file://$HOME/.local/share/devlog/remote"
}

t_asks_and_gets_no_answer() {
  rm -r "$base"
  answered '\x04'
  expect_code 1
  expect_text out 'no answer: nothing was written'
  [[ ! -e $base && ! -e .local ]]
}

t_asks_only_if_needed() {
  answered 'file:///nowhere\n' "$url"
  expect_code 0
  expect_no_text out 'Remote URL'
  answered 'file:///nowhere\n'
  expect_code 3
  expect_no_text out 'Remote URL'
  expect_text out 'exists already'
}

# ---------------------------------------------------------------- the command lines

t_help() {
  local name
  for name in init status; do
    run "$devlog" help "$name"
    expect_code 0
    expect_golden out "help-$name"
    expect_text out Example
    expect_ascii out
    [[ $(wc -L <out) -le 82 ]]
    cp out help
    run "$devlog" "$name" --help
    expect_code 0
    expect_same out help
  done
  run "$devlog" help
  expect_text out 'init '
  expect_text out 'status '
}

# wrong TEXT ARGUMENT...: refused, with one line of reason and one of help.
wrong() {
  run "$devlog" "${@:2}"
  expect_code 2
  expect_empty out
  expect_text err "$1"
  [[ $(wc -l <err) == 2 ]]
}

t_wrong() {
  wrong "did you mean 'status'?" statsu
  wrong "did you mean 'init'?" inti
  wrong "did you mean '--remote'?" status --remte
  wrong "did you mean '--create'?" init --creat
  wrong "unexpected argument 'now'" status now
  wrong "option '--dir' needs a value" status --dir
  wrong "option '--dir' needs a value that is not empty" init --dir ''
  wrong "option '--json' takes no value" status --json=1
  wrong 'valid: auto, always, never' status --color blue
  tail -n 1 err | grep -x "Try 'devlog status --help'."
}

check 'status: one of each' t_status
check 'status: in a locale of ASCII' t_status_ascii
check 'status: changes nothing' t_status_changes_nothing
check 'status: nothing to push' t_status_nothing
check 'status: nothing at all' t_status_never
check 'status: against the remote' t_status_remote
check 'status: a file in parts that was touched' t_status_touched
check 'status: asks nobody' t_status_asks_nobody
check 'status: a remote that is not there' t_status_remote_unreachable
check 'status of a file that cannot be read' t_status_unreadable
check 'init with a URL that its provider refuses' t_init_refused_url
check 'status: nothing is configured' t_status_not_configured
check 'status: a wrong config file' t_status_wrong_config
check 'status: no folder' t_status_no_folder
check 'status: the options for the push' t_status_options_repeated
check 'status: JSON' t_status_json
check 'status: colours' t_status_color
check 'status: full output' t_status_full_output
check 'status: while a push runs' t_status_during_push
check 'init: defaults' t_init
check 'init: what it wrote can be pushed with' t_init_then_push
check 'init: XDG_DATA_HOME' t_init_data_home
check 'init: another folder' t_init_other_folder
check 'init: a URL' t_init_url
check 'init: a URL below the home' t_init_home_url
check 'init: a service that does not answer' t_init_azure_without_answer
check 'init: never overwrites' t_init_never_overwrites
check 'init: many at once' t_init_race
check 'init: URLs that are refused' t_init_wrong_url
check 'init: URLs that a config file cannot hold' t_init_hard_url
check 'init: --create' t_init_create
check 'init: a folder that cannot be written' t_init_not_writable
check 'init: a remote that is not there' t_init_remote_not_there
check 'init: every setting is there and right' t_init_settings
check 'init: a terminal asks' t_asks
check 'init: a terminal asks, the default' t_asks_and_takes_default
check 'init: a terminal asks, no answer' t_asks_and_gets_no_answer
check 'init: asks only if needed' t_asks_only_if_needed
check 'help' t_help
check 'wrong command lines' t_wrong
finish
