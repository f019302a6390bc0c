#!/usr/bin/env bash
# large.sh: 10,000 files of 50 MiB in all through the program, and what each push
# after the first one costs, seen from outside by strace.
#
# Takes the program; prints TAP.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

push() {
  run "$devlog" push --to "$url" --json "$@"
}

# field NAME VALUE: the result line says so.
field() {
  expect_json out "lines[-1]['$1'] == $2"
}

# Files whose stamps are older than a filesystem's granularity are trusted.
settle() {
  sleep 0.03
}

make_tree() {
  "$python" - "$base" <<'PYTHON'
import os, random, sys
base = sys.argv[1]
random.seed(1)
for i in range(10000):
    folder = os.path.join(base, "events", "%02d" % (i % 40))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "%05d.jsonl" % i), "wb") as f:
        f.write(random.randbytes(5242 + (i < 8800)))
PYTHON
}

# A push; the files of the folder that it opens go to the file opens.
traced_push() {
  # The leak sanitizer does not work in a traced process.
  run env "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" strace -f -qq -e trace=open,openat,openat2,creat -o trace "$devlog" push --to "$url" --json
  grep -E '"[^"]*\.jsonl"' trace >opens || true
}

t_tree() {
  command -v strace || skip 'no strace'
  rmdir "$base/entries" # an empty folder is not pushed
  make_tree
  settle
  push
  expect_code 0
  field files_uploaded 10000
  field total_bytes "$((50 * 1024 * 1024))"
  diff -r "$base" "$remote"

  traced_push
  expect_code 0
  field files_unchanged 10000
  field files_uploaded 0
  expect_empty opens
  grep -q 'openat.*events' trace # the trace did see something
  run "$devlog" push --to "$url"
  expect_code 0
  expect_text out 'No files needed uploading'

  touch "$base/events/07/00007.jsonl"
  settle
  traced_push
  expect_code 0
  grep -q '"00007.jsonl"' opens
  field files_uploaded 0
  field bytes_sent 0
  field files_unchanged 10000

  echo more >>"$base/events/07/00007.jsonl"
  settle
  push
  expect_code 0
  field files_uploaded 1
  field files_modified 1
  expect_json out "[l['path'] for l in lines if l['event'] == 'file_upload_complete'] == ['events/07/00007.jsonl']"
  diff -r "$base" "$remote"

  rm -r "$XDG_STATE_HOME"
  push
  expect_code 0
  field files_uploaded 0
  field files_unchanged 10000
}

# Everything at the remote and in the state, by content and by stamps.
fingerprint() {
  (
    find "$remote" "$XDG_STATE_HOME" -printf '%p %s %T@ %C@ %i\n' | sort
    find "$remote" "$XDG_STATE_HOME" -type f -print0 | sort -z | xargs -0 sha256sum
  ) | sha256sum
}

t_dry_run() {
  fill 10 >"$base/entries/a.md"
  fill 20 >"$base/entries/b.md"
  push
  expect_code 0
  fill 30 >"$base/entries/a.md"
  fill 40 >"$base/entries/c.md"
  local before
  before=$(fingerprint)
  push --dry-run
  expect_code 0
  field files_skipped 2
  field total_bytes 70
  field files_uploaded 0
  expect_json out "[l['path'] for l in lines if l['event'] == 'file_would_upload'] == ['entries/a.md', 'entries/c.md']"
  [[ $(fingerprint) == "$before" ]]
  run "$devlog" push --to "$url" --dry-run --mode all
  expect_code 0
  expect_text out 'Dry run - would upload 2 file(s):'
  [[ $(fingerprint) == "$before" ]]
}

# The one that fails is named; the rest is at the remote, and the next push sends just that one.
t_unreadable() {
  rmdir "$base/entries"
  local i
  for i in {100..199}; do fill "$i" >"$base/events/$i.jsonl"; done
  chmod 000 "$base/events/142.jsonl"
  run_unprivileged "$devlog" push --to "$url" --json
  expect_code 1
  field files_uploaded 99
  field files_failed 1
  field last_push_ns 0
  expect_json out "[(e['path'], 'Permission denied' in e['message']) for e in lines[-1]['errors']] == [('events/142.jsonl', True)]"
  chmod 644 "$base/events/142.jsonl"
  push
  expect_code 0
  field files_uploaded 1
  expect_json out "lines[-1]['last_push_ns'] > 0"
  diff -r "$base" "$remote"
}

# Killed at any moment, the push leaves nothing torn, and the next one ends the work.
t_killed() {
  local i
  for i in {1..100}; do fill $((i * 37)) >"$base/events/$i.jsonl"; done
  local round pid files
  for round in {1..10}; do
    "$devlog" push --to "$url" --quiet --jobs 4 &
    pid=$!
    sleep "0.0$((RANDOM % 50 + 10))"
    kill -KILL "$pid" || true
    wait "$pid" || true
    if [[ -d $remote ]]; then
      files=$(find "$remote" -name '*.jsonl' -printf '%P\n')
      while IFS= read -r name; do
        [[ -z $name ]] || cmp "$base/$name" "$remote/$name"
      done <<<"$files"
    fi
    echo "more $round" >>"$base/entries/log.md"
    for i in {1..20}; do echo "$round" >>"$base/entries/$i.md"; done
  done
  push --mode all
  expect_code 0
  diff -r "$base" "$remote"
}

check 'a tree of 10,000 files' t_tree
check 'a dry run changes nothing' t_dry_run
check 'one unreadable file of 100' t_unreadable
check 'killed at random moments' t_killed
finish
