# shellcheck shell=bash
# lib.sh: what the shell tests share. Source it, call `check` for each test function,
# and close with `finish`; prints TAP.
#
# A test runs in a shell of its own (set -e), in a new folder that is its home, with
# nothing of the caller's settings; it fails when one of its commands does.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The interpreter itself: a wrapper in PATH might look for its files in HOME.
python=$(python3 -c 'import sys; print(sys.executable)')
tests=0
failures=0

# new_home: makes the current folder the home of a user with an empty journal.
new_home() {
  local name
  for name in "${!DEVLOG_@}" NO_COLOR XDG_CONFIG_HOME XDG_DATA_HOME; do unset "$name"; done
  export HOME=$PWD XDG_STATE_HOME=$PWD/state LC_ALL=C.UTF-8 TERM=dumb
  base=$HOME/.devlog
  remote=$HOME/remote
  # shellcheck disable=SC2034 # for the tests
  url=file://$remote
  mkdir -p "$base/events" "$base/entries"
}

# check NAME FUNCTION: one test point; what a failed test said follows as a comment.
check() {
  local folder status=0
  folder=$(mktemp -d "${TMPDIR:-/tmp}/devlog-test-XXXXXX")
  folder=$(cd "$folder" && pwd -P)
  tests=$((tests + 1))
  # Not in a condition, where set -e would count for nothing.
  set +e
  (
    set -e
    cd "$folder"
    new_home
    set -x
    "$2"
  ) >"$folder/log" 2>&1
  status=$?
  set -e
  if ((status == 77)); then
    echo "ok $tests - $1 # SKIP $(<"$folder/skipped")"
  elif ((status == 0)); then
    echo "ok $tests - $1"
  else
    failures=$((failures + 1))
    echo "not ok $tests - $1"
    # Names in a test may hold anything; the comment is plain text.
    tail -n 40 "$folder/log" | LC_ALL=C tr -c '\n -~' '?' | sed 's/^/# /'
  fi
  chmod -R u+rwX "$folder"
  rm -rf "$folder"
}

# skip REASON: ends a test that cannot be run here.
skip() {
  echo "$1" >skipped
  exit 77
}

finish() {
  echo "1..$tests"
  ((tests > 0 && failures == 0)) || exit 1
}

# run COMMAND...: its output goes to the files out and err, its exit code to $code.
run() {
  code=0
  "$@" >out 2>err </dev/null || code=$?
}

# The same for COMMAND without root's power to read every file.
run_unprivileged() {
  if (($(id -u) != 0)); then
    run "$@"
    return
  fi
  command -v setpriv || skip 'root, and no setpriv to be less'
  run setpriv --bounding-set -dac_override,-dac_read_search \
    --inh-caps -dac_override,-dac_read_search "$@"
}

expect_code() {
  [[ $code == "$1" ]] || {
    cat out err
    echo "exit code $code instead of $1"
    return 1
  }
}

expect_empty() {
  [[ ! -s $1 ]] || {
    cat "$1"
    echo "$1 is not empty"
    return 1
  }
}

# expect_text FILE TEXT: FILE has a line with TEXT in it.
expect_text() {
  grep -F -q -e "$2" "$1" || {
    cat "$1"
    echo "$1 does not say: $2"
    return 1
  }
}

expect_no_text() {
  ! grep -F -q -e "$2" "$1" || {
    cat "$1"
    echo "$1 says: $2"
    return 1
  }
}

# expect_golden FILE NAME: FILE is golden/NAME.txt, but for the home and the duration.
expect_golden() {
  local text
  text=$(<"$1")
  printf '%s\n' "${text//"$HOME"//home/me}" |
    sed -E 's/^(   Duration: )[0-9]+\.[0-9]{2}s$/\11.23s/' >normal
  diff -u "$here/golden/$2.txt" normal
}

expect_ascii() {
  ! LC_ALL=C grep -n -e '[^ -~]' "$1"
}

expect_same() {
  cmp "$1" "$2"
}

# expect_json FILE EXPRESSION: each line of FILE is a JSON object, and the Python
# expression holds for the list of them, `lines`.
expect_json() {
  "$python" -c '
import json, sys
text = open(sys.argv[1], "rb").read()
assert text.endswith(b"\n"), "the last line has no end"
assert text.isascii(), "not ASCII"
lines = [json.loads(line) for line in text.split(b"\n")[:-1]]
assert all(type(line) is dict for line in lines), "not an object"
assert eval("(" + sys.argv[2] + ")"), "does not hold: %s\n%s" % (sys.argv[2], text.decode())
' "$1" "$2"
}

# fill N: N bytes of text.
fill() {
  head -c "$1" /dev/zero | tr '\0' '#'
}

# within SECONDS COMMAND...: waits until COMMAND succeeds, at most so long.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.02
  done
}
