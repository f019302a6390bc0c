#!/usr/bin/env bash
# journal.sh: the commands on the journal as people and scripts use them: what they print,
# what they write, exit codes; editors, standard input, terminals, crashes, many at once.
#
# Takes the program; prints TAP.
# shellcheck disable=SC2016 # scripts of editors are expanded there
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(readlink -f "$1")
unset VISUAL EDITOR
day=20250911

dl() {
  run "$devlog" "$@"
}

# The sample of the design, as the seed's program wrote it.
sample() {
  rm -rf "$base"
  mkdir -p "$base/events"
  cat >"$base/events/20250909.jsonl" <<'EOF'
{"type":"Created","data":{"id":"20250909","content":"Paired with @alice on ::search-service,\nlearned about +rust lifetimes","timestamp":"2025-09-09T17:40:00+02:00"}}
{"type":"AnnotationParsed","data":{"tags":["rust"],"people":["alice"],"projects":["search-service"],"timestamp":"2025-09-09T17:40:00+02:00"}}
EOF
  cat >"$base/events/$day.jsonl" <<'EOF'
{"type":"Created","data":{"id":"20250911","content":"Wrote the runbook","timestamp":"2025-09-11T17:55:00+02:00"}}
{"type":"ContentUpdated","data":{"content":"Wrote the runbook for ::search-service, @bob and @alice and @bob reviewed it","timestamp":"2025-09-11T18:20:00+02:00"}}
{"type":"AnnotationParsed","data":{"tags":[],"people":["bob","alice","bob"],"projects":["search-service"],"timestamp":"2025-09-11T18:20:00+02:00"}}
EOF
}

# expect_sample FILE NAME: as expect_golden, with one point in time for all of this zone.
export TZ=NPT-5:45
expect_sample() {
  sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\+05:45/2026-01-02T10:00:00+05:45/g' "$1" >timeless
  expect_golden timeless "journal-$2"
}

# editor TEXT...: an editor that is a script of these lines; the file is $1.
editor() {
  printf '#!/bin/sh\nset -e\n' >"$HOME/my editor"
  printf '%s\n' "$@" >>"$HOME/my editor"
  chmod +x "$HOME/my editor"
  export VISUAL="'$HOME/my editor'"
}

# A terminal as input and output: `new` starts the editor only there.
on_terminal() {
  command -v script || skip 'no script(1)'
  local command
  printf -v command ' %q' "$@"
  code=0
  script -q -e -c "$command" /dev/null >out 2>err </dev/null || code=$?
}

# No file of a text that was on its way is left anywhere.
expect_no_draft() {
  run find "$TMPDIR" -mindepth 1 -name 'devlog-*'
  expect_empty out
}

# ---------------------------------------------------------------- the command line

t_help() {
  local command
  for command in new edit show list; do
    dl help "$command"
    expect_code 0
    expect_empty err
    expect_text out "Usage: devlog $command "
    expect_text out 'Example:'
    expect_text out '--dir'
    expect_text out '--config'
    expect_ascii out
    [[ $(wc -L <out) -le 80 ]]
    cp out help
    dl "$command" --help
    expect_same out help
  done
  dl help
  [[ $(grep -o -E '^  (new|edit|show|list|push) ' out | tr -d '\n ') == neweditshowlistpush ]]
  [[ ! -e $base/entries/$day.md ]]
}

# wrong TEXT COMMAND LINE...: refused with a reason; nothing is written.
wrong() {
  local text=$1
  shift
  dl "$@"
  expect_code 2
  expect_empty out
  expect_text err "$text"
  run find "$base" -type f
  expect_empty out
}

t_wrong_usage() {
  wrong "did you mean 'show'?" shwo
  wrong "did you mean 'list'?" lits
  wrong "did you mean '--formatted'?" show --format
  wrong "did you mean '--limit'?" list --limits 3
  wrong "option '--message' needs a value" new -m
  wrong "option '--message' needs a value that is not empty" new -m ''
  wrong "option '--id' needs a value that is not empty" show ''
  wrong "option '--dir' needs a value" list --dir=
  wrong "unexpected argument 'text'" new text
  wrong "unexpected argument 'b'" show a b
  wrong "the ID is given twice, '20250911' and '20250912'" edit --id 20250911 20250912
  wrong 'valid: a number from 1 on' list --limit 0
  wrong 'valid: a number from 1 on' list --limit -1
  wrong 'valid: a number from 1 on' list --limit 3x
  wrong 'valid: auto, always, never' list --color blue
}

t_wrong_dates() {
  local id
  for id in 20230229 19000229 20250431 20251301 2025 today ../../x 202509111; do
    wrong 'a real date is needed, YYYYMMDD' new --id "$id" -m text
    wrong 'a real date is needed, YYYYMMDD' show "$id"
    wrong 'a real date is needed, YYYYMMDD' edit "$id"
  done
  dl new --id 20240229 -m 'a leap day'
  expect_code 0
}

# ---------------------------------------------------------------- new

t_new() {
  dl new --id $day -m 'Paired with @alice on ::search-service, learned +rust'
  expect_code 0
  expect_empty err
  expect_sample out new
  expect_sample "$base/events/$day.jsonl" events
  expect_sample "$base/entries/$day.md" entry
}

t_new_ascii() {
  LC_ALL=C dl new --id $day -m 'Paired with @alice'
  expect_code 0
  expect_ascii out
  expect_text out '* Wrote the entry 20250911'
}

t_new_makes_the_folder() {
  rm -rf "$base"
  umask 0
  dl new -m text
  expect_code 0
  local id
  id=$(basename "$base"/events/*.jsonl .jsonl)
  # Today, unless midnight was in between.
  [[ $id == "$(date +%Y%m%d)" || $id == "$(date -d yesterday +%Y%m%d)" ]]
  [[ $(stat -c %a "$base" "$base/events" "$base/entries" | sort -u) == 700 ]]
  [[ $(stat -c %a "$base"/*/* | sort -u) == 600 ]]
}

t_new_exists() {
  dl new --id $day -m first
  cp "$base/events/$day.jsonl" before
  dl new --id $day -m second
  expect_code 1
  expect_empty out
  expect_golden err journal-exists
  run "$devlog" new --id $day # before anything is asked or read
  expect_code 1
  expect_golden err journal-exists
  expect_same "$base/events/$day.jsonl" before
}

t_new_from_input() {
  code=0
  printf 'line one @bob\n\nline three\n\n\n' | "$devlog" new --id $day >out 2>err || code=$?
  expect_code 0
  dl show $day
  tail -n 3 out >text
  printf 'line one @bob\n\nline three\n' | cmp - text
}

t_new_empty_input() {
  local text
  for text in '' '\n' ' \t\r\n\n'; do
    code=0
    # shellcheck disable=SC2059 # the escapes are meant
    printf "$text" | "$devlog" new --id $day >out 2>err || code=$?
    expect_code 2
    expect_text err 'the text is empty: nothing is written'
  done
  [[ ! -e $base/events/$day.jsonl ]]
}

t_new_bad_input() {
  code=0
  printf 'a\0b' | "$devlog" new --id $day >out 2>err || code=$?
  expect_code 1
  expect_text err 'holds a NUL byte'
  code=0
  printf 'a\377b' | TMPDIR=$PWD "$devlog" new --id $day >out 2>err || code=$?
  expect_code 2
  expect_text err 'not UTF-8'
  code=0
  fill 16777217 | "$devlog" new --id $day >out 2>err || code=$?
  expect_code 1
  expect_text err 'more than the 16777216 bytes'
  [[ ! -e $base/events/$day.jsonl ]]
}

# What came by a pipe is nowhere else: it is kept if it cannot be stored.
t_input_is_not_lost() {
  rm -rf "$base"
  echo 'no folder' >"$base"
  code=0
  echo precious | TMPDIR=$PWD "$devlog" new --id $day >out 2>err || code=$?
  expect_code 1
  grep -F 'the text stands in ' err || {
    # The folder was refused before anything was read.
    expect_text err 'cannot open the folder of the journal'
  }
  rm "$base"
  mkdir -p "$base/events"
  chmod 500 "$base/events"
  code=0
  echo precious | TMPDIR=$PWD run_with_input "$devlog" new --id $day || code=$?
  expect_code 1
  expect_text err "cannot open $base/events/$day.jsonl"
  local kept
  kept=$(sed -n 's/^devlog: the text stands in //p' err)
  [[ $(<"$kept") == precious ]]
  [[ $(stat -c %a "$kept") == 600 && $(stat -c %a "$(dirname "$kept")") == 700 ]]
}

# As run_unprivileged, but with the input of the caller.
run_with_input() {
  if (($(id -u) != 0)); then
    "$@" >out 2>err
    return
  fi
  command -v setpriv || skip 'root, and no setpriv to be less'
  setpriv --bounding-set -dac_override,-dac_read_search \
    --inh-caps -dac_override,-dac_read_search "$@" >out 2>err
}

# ---------------------------------------------------------------- the editor

t_new_by_editor() {
  export TMPDIR=$PWD
  editor '[ "$#" = 1 ]' 'stat -c "%a %n" "$1" "$(dirname "$1")" >"$HOME/modes"' \
    '[ ! -s "$1" ]' 'echo "Written with @bob" >"$1"'
  on_terminal "$devlog" new --id $day
  expect_code 0
  expect_text out 'Wrote the entry 20250911'
  [[ $(cut -d ' ' -f 1 modes | tr '\n' ' ') == '600 700 ' ]]
  head -n 1 modes | grep -q "/$day.md\$"
  expect_no_draft
  dl show $day
  expect_text out 'Written with @bob'
}

t_new_by_editor_empty() {
  export TMPDIR=$PWD
  editor true
  on_terminal "$devlog" new --id $day
  expect_code 2
  expect_text out 'the text is empty: nothing is written'
  expect_no_draft
  [[ ! -e $base/events/$day.jsonl ]]
}

t_new_by_editor_failed() {
  export TMPDIR=$PWD
  editor 'echo half >"$1"' 'exit 3'
  on_terminal "$devlog" new --id $day
  expect_code 1
  expect_text out 'ended with 3: nothing is written'
  [[ ! -e $base/events/$day.jsonl ]]
  local kept
  kept=$(tr -d '\r' <out | sed -n 's/^devlog: the text stands in //p')
  [[ $(<"$kept") == half ]]
}

t_no_editor() {
  export TMPDIR=$PWD
  VISUAL=/nowhere/editor on_terminal "$devlog" new --id $day
  expect_code 1
  expect_text out 'was not found: set VISUAL or EDITOR, or use -m'
  expect_no_draft
}

t_edit() {
  export TMPDIR=$PWD
  sample
  editor '[ "$(tail -c 1 "$1" | od -An -c | tr -d " ")" = "\\n" ]' \
    'sed -i "s/runbook/+handbook/" "$1"'
  dl edit $day
  expect_code 0
  expect_empty err
  expect_sample out edit
  expect_no_draft
  tail -n 2 "$base/events/$day.jsonl" >events
  expect_sample events edit-events
  expect_sample "$base/entries/$day.md" edit-entry
  dl edit --id $day
  expect_code 0
  expect_text out 'Nothing changed'
}

t_edit_unchanged() {
  export TMPDIR=$PWD
  sample
  cp "$base/events/$day.jsonl" before
  local script
  for script in true 'printf "\n\n" >>"$1"' 'touch "$1"'; do
    editor "$script"
    dl edit $day
    expect_code 0
    expect_sample out unchanged
    expect_no_draft
  done
  expect_same "$base/events/$day.jsonl" before
}

t_edit_failed() {
  export TMPDIR=$PWD
  sample
  cp "$base/events/$day.jsonl" before
  editor 'exit 1'
  dl edit $day
  expect_code 1
  expect_text err 'ended with 1: nothing is written'
  expect_no_text err 'the text stands in'
  expect_no_draft
  editor ': >"$1"'
  dl edit $day
  expect_code 2
  expect_text err 'the text is empty: nothing is written'
  editor 'kill -TERM $$'
  dl edit $day
  expect_code 1
  expect_text err 'was ended by signal 15'
  editor 'rm "$1"'
  dl edit $day
  expect_code 1
  expect_same "$base/events/$day.jsonl" before
}

t_edit_missing() {
  editor 'touch "$HOME/started"'
  dl edit $day
  expect_code 1
  expect_golden err journal-missing
  dl edit # today
  expect_code 1
  [[ ! -e started ]]
}

# Somebody else was quicker: neither text is lost.
t_edit_conflict() {
  export TMPDIR=$PWD
  sample
  editor "VISUAL='sed -i s/runbook/theirs/' '$devlog' edit $day" 'sed -i s/runbook/mine/ "$1"'
  dl edit $day
  expect_code 1
  expect_text err 'was changed by somebody else since it was read'
  local kept
  kept=$(sed -n 's/^devlog: the text stands in //p' err)
  grep -q 'Wrote the mine' "$kept"
  dl show $day
  expect_text out 'Wrote the theirs'
}

# VISUAL with options, before EDITOR; a name is never a command.
t_editor_variables() {
  sample
  VISUAL='sed -i -e s/runbook/one/' EDITOR=false dl edit $day
  expect_code 0
  VISUAL='' EDITOR='sed -i s/one/two/' dl edit $day
  expect_code 0
  dl show $day
  expect_text out 'Wrote the two'
  mkdir 'tmp $(touch oops) ; touch oops "'"'"
  TMPDIR="$PWD/"'tmp $(touch oops) ; touch oops "'"'" VISUAL='sed -i s/two/three/' dl edit $day
  expect_code 0
  [[ ! -e oops ]]
  dl show $day
  expect_text out 'Wrote the three'
}

# Ctrl-C in the editor is the editor's business.
t_interrupt_in_editor() {
  sample
  editor 'trap : INT' 'kill -INT $(cut -d " " -f 4 /proc/$PPID/stat) $PPID $$' 'sed -i s/runbook/one/ "$1"'
  run env --default-signal=INT "$devlog" edit $day
  expect_code 0
  dl show $day
  expect_text out 'Wrote the one'
}

# ---------------------------------------------------------------- show

t_show() {
  sample
  dl show $day
  expect_code 0
  expect_empty err
  expect_golden out journal-show
  dl show --id 20250909
  expect_golden out journal-show-lines
}

t_show_formatted() {
  sample
  dl show 20250909 --formatted
  expect_code 0
  expect_golden out journal-formatted
  dl show 20250909 --formatted --color always
  expect_golden out journal-formatted-color
  LC_ALL=C dl show 20250909 --formatted
  expect_ascii out
}

t_show_missing() {
  dl show $day
  expect_code 1
  expect_empty out
  expect_golden err journal-missing
}

t_show_today() {
  dl new -m 'of today'
  dl show
  expect_code 0
  expect_text out 'of today'
}

t_show_color() {
  sample
  on_terminal env TERM=xterm "$devlog" show $day --formatted
  expect_text out $'\e[36m@bob\e[0m'
  expect_text out $'\e[35m::search-service\e[0m'
  on_terminal env TERM=xterm "$devlog" show $day
  expect_no_text out $'\e'
  on_terminal env TERM=xterm NO_COLOR=1 "$devlog" show $day --formatted
  expect_no_text out $'\e'
  on_terminal env TERM=dumb "$devlog" show $day --formatted
  expect_no_text out $'\e'
  on_terminal env TERM=xterm "$devlog" show $day --formatted --color never
  expect_no_text out $'\e'
}

# A pipe gets the bytes, a terminal no orders; names and texts from files are foreign.
t_show_hostile() {
  mkdir -p "$base/events"
  printf '%s\n' '{"type":"Created","data":{"content":"a\u001b[31mb\\\tc\nd","timestamp":"x\u001b"}}' \
    '{"type":"AnnotationParsed","data":{"tags":["\u001b[32m\n"],"people":[],"projects":[]}}' \
    >"$base/events/$day.jsonl"
  dl show $day
  expect_code 0
  tail -n 2 out >text
  printf 'a\e[31mb\\\tc\nd\n' | cmp - text
  expect_text out 'Tags: \x1b[32m\n'
  on_terminal "$devlog" show $day
  expect_no_text out $'\e'
  expect_text out 'a\x1b[31mb'
  dl show $day --formatted
  expect_no_text out $'\e'
  dl list
  expect_no_text out $'\e'
  dl list --json
  expect_json out 'lines[1]["content"] == "a\x1b[31mb\\\tc\nd" and lines[1]["created_at"] == ""'
}

# ---------------------------------------------------------------- list

t_list() {
  sample
  dl list
  expect_code 0
  expect_empty err
  expect_golden out journal-list
  dl list --limit 1
  [[ $(cut -c 1-8 out) == "$day" ]]
  dl list --color always
  expect_golden out journal-list-color
}

t_list_empty() {
  dl list
  expect_code 0
  expect_empty err
  expect_golden out journal-list-empty
  rm -rf "$base"
  dl list
  expect_golden out journal-list-empty
  [[ ! -e $base ]]
}

t_list_width() {
  sample
  dl new --id 20250912 -m "$(printf 'x%.0s' {1..200})"
  dl new --id 20250913 -m "$(printf '日本%.0s' {1..50})"
  dl new --id 20250914 -m "short +$(printf 't%.0s' {1..200})"
  local width
  for width in 20 40 61 80; do
    on_terminal sh -c "stty cols $width; exec '$devlog' list"
    [[ $(tr -d '\r' <out | wc -l) == 5 ]]
    tr -d '\r' <out >lines
    [[ $(wc -L <lines) -lt $width ]]
    expect_text lines '…'
  done
  dl list # whole where nothing is cut
  [[ $(grep -o x out | wc -l) == 200 ]]
}

t_list_json() {
  sample
  dl list --json
  expect_code 0
  expect_empty err
  expect_json out "lines[0]['schema'] == 'devlog.list/1' and lines[0]['base'] == '$base'"
  expect_json out '[l["event"] for l in lines] == ["start", "entry", "entry", "result"]'
  expect_json out '[l["id"] for l in lines[1:-1]] == ["20250911", "20250909"]'
  expect_json out 'lines[1]["people"] == ["bob", "alice", "bob"] and lines[1]["tags"] == []
    and lines[1]["created_at"] == "2025-09-11T17:55:00+02:00"
    and lines[1]["updated_at"] == "2025-09-11T18:20:00+02:00"
    and lines[2]["content"].endswith("\nlearned about +rust lifetimes")'
  expect_json out 'lines[-1]["entries"] == 2 and lines[-1]["exit_code"] == 0
    and lines[-1]["status"] == "DL_OK" and lines[-1]["error"] is None'
  dl list --json --limit 1
  expect_json out 'len(lines) == 3'
}

t_list_failure() {
  sample
  ln -s 20250909.jsonl "$base/events/20250910.jsonl"
  dl list
  expect_code 1
  [[ $(wc -l <out) == 2 ]]
  expect_text err "note: $base/events/20250910.jsonl: a symbolic link"
  expect_text err '1 of the entries could not be read'
  dl list --json
  expect_code 1
  expect_json out 'lines[-1]["status"] == "DL_ERR_PARTIAL" and lines[-1]["exit_code"] == 1
    and lines[-1]["entries"] == 2'
}

t_closed_output() {
  sample
  code=0
  "$devlog" list >/dev/full 2>err || code=$?
  [[ $code == 1 ]]
  expect_text err 'cannot write to standard output'
  code=0
  "$devlog" list --json >/dev/full 2>err || code=$?
  [[ $code == 1 ]]
  code=0
  "$devlog" new --id 20250912 -m text >/dev/full 2>err || code=$?
  [[ $code == 1 ]]
  dl show 20250912 # it was written all the same
  expect_code 0
}

# One open for each entry that is shown, none for the others, and no time to notice.
t_list_large() {
  mkdir -p "$base/events"
  "$python" - "$base/events" <<'EOF'
import datetime, json, sys
for i in range(10000):
    day = (datetime.date(1995, 1, 1) + datetime.timedelta(i)).strftime("%Y%m%d")
    with open(f"{sys.argv[1]}/{day}.jsonl", "w") as f:
        for event in (
            {"type": "Created", "data": {"id": day, "content": f"Day {i} with @alice +rust\n" +
             "x" * 500, "timestamp": "2025-09-11T10:00:00+02:00"}},
            {"type": "AnnotationParsed", "data": {"tags": ["rust"], "people": ["alice"],
             "projects": [], "timestamp": "2025-09-11T10:00:00+02:00"}}):
            f.write(json.dumps(event) + "\n")
EOF
  dl list # makes some .md
  local start end
  start=$(date +%s%N)
  dl list
  end=$(date +%s%N)
  expect_code 0
  [[ $(wc -l <out) == 10000 ]]
  echo "# 10,000 entries listed in $(((end - start) / 1000000)) ms" >&"$notes"
  (((end - start) / 1000000 < 10000))
  strace -f -o trace -e trace=openat "$devlog" list --limit 5 >out 2>err || skip 'no strace'
  [[ $(grep -c '[0-9]\{8\}\.jsonl' trace) == 5 ]]
}

# ---------------------------------------------------------------- folders and settings

t_dir() {
  dl new --dir other --id $day -m there
  expect_code 0
  [[ -e other/events/$day.jsonl && ! -e $base/events/$day.jsonl ]]
  DEVLOG_HOME=$HOME/other dl show $day
  expect_text out there
  DEVLOG_HOME=/nowhere dl show $day --dir other
  expect_text out there
  # shellcheck disable=SC2088 # the program's own ~
  DEVLOG_HOME='~/other' dl list
  expect_text out there
}

# What is wrong with the remote does not keep anybody from writing.
t_broken_config() {
  echo 'nonsense' >"$base/config.ini"
  dl new --id $day -m text --config /nowhere
  expect_code 0
  DEVLOG_CONFIG=/nowhere dl list
  expect_code 0
}

t_no_home() {
  run env -u HOME "$devlog" new -m text
  expect_code 3
  expect_empty out
  expect_text err 'set HOME'
}

t_symlinks() {
  mkdir away
  rmdir "$base/events"
  ln -s "$HOME/away" "$base/events"
  dl new --id $day -m text
  expect_code 1
  expect_text err 'symbolic link'
  run find away -type f
  expect_empty out
}

# ---------------------------------------------------------------- bad days

t_torn_line() {
  sample
  printf '{"type":"ContentUpdated","data":{"content":"half' >>"$base/events/$day.jsonl"
  dl show $day
  expect_code 0
  expect_golden err journal-torn
  expect_golden out journal-show-torn
  dl show $day
  expect_empty err
  expect_golden out journal-show-torn
  VISUAL='sed -i s/runbook/new/' dl edit $day
  expect_empty err
  dl show $day
  expect_text out 'Wrote the new'
  grep -q -x '{"type":"ContentUpdated","data":{"content":"half' "$base/events/$day.jsonl"
}

t_crash_before_md() {
  dl new --id $day -m 'text +tag'
  cp "$base/entries/$day.md" whole
  rm "$base/entries/$day.md"
  dl show $day
  expect_same "$base/entries/$day.md" whole
  echo stale >"$base/entries/$day.md"
  touch -d 2001-01-01 "$base/entries/$day.md"
  dl list
  expect_same "$base/entries/$day.md" whole
}

# Killed at every system call that changes something: the entry is there or it is not, the
# program said no more than the truth, and the next one works.
t_killed() {
  command -v strace || skip 'no strace'
  strace -o trace true 2>err || skip 'no ptrace'
  local call n kills=0
  for call in mkdirat openat flock write fdatasync fsync renameat futimens utimensat ftruncate; do
    for ((n = 1; n < 60; n++)); do
      rm -rf "$base"
      code=0
      strace -o trace -e trace="$call" -e inject="$call":signal=KILL:when=$n \
        "$devlog" new --id $day -m 'text +tag' >out 2>err || code=$?
      grep -q 'killed by SIGKILL' trace || break
      kills=$((kills + 1))
      dl show $day
      if [[ $code == 0 ]]; then expect_code 0; fi
      if [[ $code != 0 ]]; then
        [[ ! -e $base/events/$day.jsonl ]] || dl new --id $day -m 'text +tag'
        [[ -e $base/events/$day.jsonl ]] || dl new --id $day -m 'text +tag'
        dl show $day
      fi
      expect_code 0
      expect_text out 'Tags: tag'
      grep -q '^text +tag$' "$base/entries/$day.md"
      [[ ! -e $base/entries/.$day.md.tmp ]]
    done
  done
  echo "# killed at $kills places" >&"$notes"
  ((kills > 20))
}

t_eight_at_once() {
  export TMPDIR=$PWD # for the texts of those who were too late
  sample
  local i
  for i in {1..8}; do
    (
      for n in {1..5}; do
        VISUAL="sed -i '\$a line-$i-$n'" "$devlog" edit $day >"out$i" 2>"err$i" ||
          grep -q 'changed by somebody else' "err$i" || exit 1
      done
      "$devlog" new --id "2025100$i" -m "day $i" >"out$i" 2>"err$i"
      "$devlog" new --id 20251010 -m "from $i" >"out$i" 2>"err$i" || echo refused >>"refused"
    ) &
    children[i]=$!
  done
  for i in {1..8}; do wait "${children[i]}"; done
  [[ $(wc -l <refused) == 7 ]]
  dl list --json
  expect_code 0
  expect_json out 'len(lines) == 2 + 2 + 8 + 1 and all(l.get("lines_damaged", 0) == 0 for l in lines)'
}

# A day of which no line can be read is no entry, but it is told that something stands there.
t_no_event() {
  mkdir -p "$base/events"
  printf 'no event\n{"cut\n' >"$base/events/$day.jsonl"
  local said="note: $base/events/$day.jsonl: 2 lines are no event and are skipped"
  dl list
  expect_code 0
  expect_text err "$said"
  dl show $day
  expect_code 1
  expect_text err "$said"
  dl new --id $day -m 'text'
  expect_code 0
  expect_text err "$said"
  [[ $(wc -l <err) == 1 && $(wc -l <"$base/events/$day.jsonl") == 3 ]]
  dl list
  expect_empty err
  expect_text out "$day  text"
}

# What the journal writes is what a push sends.
t_push() {
  dl new --id $day -m 'text +tag'
  run "$devlog" push --to "$url"
  expect_code 0
  expect_text out 'Files uploaded: 2'
  diff -r "$base" "$remote"
  dl show $day
  run "$devlog" push --to "$url"
  expect_text out 'No files needed uploading'
}

exec {notes}>&1
check 'help of each command' t_help
check 'wrong command lines' t_wrong_usage
check 'only real dates' t_wrong_dates
check 'new' t_new
check 'new, plain ASCII' t_new_ascii
check 'new makes the folder' t_new_makes_the_folder
check 'an entry is never overwritten' t_new_exists
check 'new from standard input' t_new_from_input
check 'empty standard input' t_new_empty_input
check 'input that is no text' t_new_bad_input
check 'input that cannot be stored is kept' t_input_is_not_lost
check 'new by an editor' t_new_by_editor
check 'new by an editor, nothing written' t_new_by_editor_empty
check 'new by an editor that fails' t_new_by_editor_failed
check 'no editor' t_no_editor
check 'edit' t_edit
check 'edit, unchanged' t_edit_unchanged
check 'edit by an editor that fails' t_edit_failed
check 'edit what is not there' t_edit_missing
check 'edit what somebody else changes' t_edit_conflict
check 'VISUAL and EDITOR' t_editor_variables
check 'Ctrl-C in the editor' t_interrupt_in_editor
check 'show' t_show
check 'show --formatted' t_show_formatted
check 'show what is not there' t_show_missing
check 'show today' t_show_today
check 'colors of show on a terminal' t_show_color
check 'texts that could harm a terminal' t_show_hostile
check 'list' t_list
check 'list of nothing' t_list_empty
check 'list is cut to the terminal' t_list_width
check 'list --json' t_list_json
check 'list with an entry that cannot be read' t_list_failure
check 'full standard output' t_closed_output
check 'list of 10,000 entries' t_list_large
check 'folders' t_dir
check 'a broken config file is no matter' t_broken_config
check 'no home' t_no_home
check 'symbolic links are refused' t_symlinks
check 'a torn line is set aside and told once' t_torn_line
check 'a day of which nothing can be read' t_no_event
check 'a crash before the .md heals' t_crash_before_md
check 'killed at any step' t_killed
check 'eight at once' t_eight_at_once
check 'push of a journal' t_push
finish
