#!/usr/bin/env bash
# smoke.sh: the bench works: with little data it runs every program in every case and prints every
# ratio. How large a ratio is does not matter here.
#
# Takes the floor, the program and the far server; prints TAP.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"
floor=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
devlog=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
far=$(cd "$(dirname "$3")" && pwd)/$(basename "$3")
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/bench.py

run_bench() {
  run timeout -k 5 240 "$python" -B "$bench" --quick --floor "$floor" --devlog "$devlog" "$@"
}

# expect_ratio CASE TEXT: a line of the report begins so and has a number next.
expect_ratio() {
  tr -s ' ' <out | grep -E "^$1 $2 [0-9]+(\.[0-9]+)?( |\$)" || {
    cat out
    echo "no number for: $1 $2"
    return 1
  }
}

t_all() {
  run_bench --rounds 2 --jobs 3
  expect_code 0
  local case measure other
  for measure in CPU wall; do
    for case in small-first big-first big-append; do
      for other in floor rclone; do expect_ratio "$case" "$measure devlog / $other"; done
    done
    expect_ratio small-noop "$measure devlog / rclone"
  done
  for case in big-first big-append; do
    expect_ratio "$case" 'CPU devlog / \(hash \+ floor\)'
    expect_ratio "$case" hash
  done
  expect_ratio big-first 'CPU devlog-crc / \(hash-crc \+ floor\)'
  expect_ratio small-noop 'requests and connections'
  expect_ratio big-append 'bytes sent'
  expect_ratio big-append 'bytes sent / bytes appended'
  # A goal of the ratios, and what was promised whatever the machine: no request.
  expect_text out '<= 1.500 '
  expect_text out '<= 0 met'
}

t_only() {
  run_bench --rounds 1 --only small
  expect_code 0
  expect_ratio small-first 'CPU devlog / floor'
  expect_no_text out big-first
  run_bench --rounds 1 --only big
  expect_code 0
  expect_ratio big-append 'CPU devlog / rclone'
  expect_no_text out small-first
}

# One run that fails is the end of it: half a result would look like a good one.
t_failed_run() {
  devlog=$(type -P false)
  run_bench --rounds 1
  expect_code 1
  expect_text err 'exit code 1'
  expect_no_text out 'devlog /'
}

# A program that says it has sent everything, and has not.
t_nothing_sent() {
  devlog=$(type -P true)
  run_bench --rounds 1
  expect_code 1
  expect_text err 'devlog left 0 blobs'
}

t_wrong_arguments() {
  run_bench --rounds 0
  expect_code 2
  run_bench --jobs 257
  expect_code 2
}

# Each distance with each number of jobs, and the default beside them.
t_jobs() {
  run timeout -k 5 60 "$python" -B "$(dirname "$bench")/jobs.py" --far "$far" --devlog "$devlog" \
    --rounds 2 --files 40 --ms 1,5 --jobs 2,4
  expect_code 0
  local ms jobs
  for ms in 1 5; do
    for jobs in 2 4 64; do
      tr -s ' ' <out | grep -E "^ $ms $jobs( [0-9]+\.[0-9]+){6}\$"
    done
  done
  # 40 files, of which two at a time are 5 ms away, cannot take less.
  tr -s ' ' <out | awk '$1 == 5 && $2 == 2 { found = $3 >= 0.1 } END { exit !found }'
  devlog=$(type -P false)
  run "$python" -B "$(dirname "$bench")/jobs.py" --far "$far" --devlog "$devlog" --files 1 --ms 1
  expect_code 1
  expect_text err 'exit code 1'
}

# The check value of CRC-64/NVME.
t_hash() {
  printf 123456789 >digits
  run "$floor" hash-crc digits
  expect_code 0
  [[ $(<out) == "$(sha256sum digits | cut -d ' ' -f 1) ae8b14860a799888" ]]
  run "$floor" hash digits
  expect_code 0
  [[ $(<out) == "$(sha256sum digits | cut -d ' ' -f 1) $(md5sum digits | cut -d ' ' -f 1)" ]]
  head -c 200001 /dev/zero >zeros
  run "$floor" hash zeros
  expect_text out "$(sha256sum zeros | cut -d ' ' -f 1)"
}

check 'every program in every case, and every ratio' t_all
check 'only some cases' t_only
check 'a run that fails' t_failed_run
check 'a run that sends nothing' t_nothing_sent
check 'wrong arguments' t_wrong_arguments
check 'numbers of jobs' t_jobs
check 'the digest and the checksum of the floor' t_hash
finish
