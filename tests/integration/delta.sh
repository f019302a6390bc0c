#!/usr/bin/env bash
# delta.sh: what a push of a changed file sends, counted by a server between the program and
# Azurite, with rclone and a client of our own as witnesses.
#
# Takes the program and delta_appends; prints TAP. With DELTA_FULL=1 in the full sizes, which
# takes minutes.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
appends=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
# shellcheck source=tests/support/azure.sh
source "$here/../support/azure.sh"

mib=$((1024 * 1024))
# In MiB: the log, the first push that is killed, the sparse file; files; kills.
log_mib=40 killed_mib=48 sparse_mib=512 many_files=20000 kills=8
appends_made=300 appended=mixed
if [[ ${DELTA_FULL-} == 1 ]]; then
  log_mib=512 killed_mib=256 sparse_mib=5120 many_files=100000 kills=20
  appends_made=1000 appended=large
fi
log=events/log.jsonl
# A block id as long as ours, and not ours.
their_id=$(printf %060d 0)

# ---------------------------------------------------------------- helpers

exec 3>&1

# figure TEXT: one that is shown also when all is well.
figure() {
  echo "# $*" >&3
}

# For rclone: the remote "azurite:", without any file of settings.
rclone() {
  env RCLONE_CONFIG=/dev/null RCLONE_CONFIG_AZURITE_TYPE=azureblob \
    RCLONE_CONFIG_AZURITE_USE_EMULATOR=true "RCLONE_CONFIG_AZURITE_ENDPOINT=$AZURITE_ENDPOINT" \
    rclone --retries 1 --low-level-retries 2 --stats 0 "$@"
}

# random_bytes N: bytes that no push has seen.
random_bytes() {
  head -c "$1" /dev/urandom
}

# more N: N bytes more for the log.
more() {
  random_bytes "$1" >>"$base/$log"
}

# write_at FILE OFFSET: puts standard input there, in place.
write_at() {
  dd of="$1" bs=64K seek="$2" oflag=seek_bytes conv=notrunc status=none
}

# settle: what was written so far is old enough that its stamps are believed.
settle() {
  sleep 0.03
}

# A push that has to end well, and then the remote is the folder.
push_good() {
  : >requests
  push "$@"
  expect_code 0
  remote_is
}

# sent N: the last push sent so many bytes of content, and nothing was lost on the way.
sent() {
  field bytes_sent "$1"
}

# expect_blocks EXPRESSION: holds for the blocks of the log, as sizes: `committed` and `staged`.
expect_blocks() {
  azure_client blocks "$container" "${2-$log}" >blocks.json
  "$azurite_python" -c '
import json, sys
blocks = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
committed = [block["size"] for block in blocks if not block["staged"]]
staged = [block["size"] for block in blocks if block["staged"]]
assert eval("(" + sys.argv[2] + ")"), f"does not hold: {sys.argv[2]}\n{committed}\n{staged}"
' blocks.json "$1"
}

# expect_md5: what is stored as MD5 of each blob is that of the file.
expect_md5() {
  azure_client list "$container" >list.json
  "$azurite_python" - "$base" <<'PYTHON'
import hashlib, json, sys
for blob in map(json.loads, open("list.json", encoding="utf-8")):
    with open(f"{sys.argv[1]}/{blob['name']}", "rb") as file:
        assert hashlib.file_digest(file, "md5").hexdigest() == blob["md5"], blob
PYTHON
}

# hold TARGET: the first PUT to it waits at the server until `release`.
hold() {
  rm -f held.held held
  faults '[{"method": "PUT", "target": "'"$1"'", "times": 1, "do": [["hold", "'"$PWD/held"'"], ["forward"]]}]'
}

wait_held() {
  within 30 test -e held.held
}

release() {
  : >held
}

# push_behind ARGUMENT...: a push in the background; pushed waits for its end.
push_behind() {
  (
    push "$@"
    echo "$code" >code
  ) &
  pushing=$!
}

pushed() {
  wait "$pushing"
  code=$(<code)
}

# put_theirs FILE: somebody else stores the log. In a block: the emulator, other than the service,
# leaves staged blocks where they are when a blob is stored whole.
put_theirs() {
  azure_client stage_file "$container" "$log" "$their_id" "$1"
  azure_client commit "$container" "$log" "$their_id"
}

# in_background MACHINE ARGUMENT...: a push with a state of its own; its output goes to MACHINE.out
# and MACHINE.err, its exit code to MACHINE.code.
in_background() {
  local name=$1
  shift
  (
    status=0
    XDG_STATE_HOME=$PWD/$name.state AZURE_STORAGE_KEY=$AZURITE_KEY timeout 120 "$devlog" push \
      --to "$to" --json "$@" >"$name.out" 2>"$name.err" </dev/null || status=$?
    echo "$status" >"$name.code"
  ) &
}

# expect_ended MACHINE CODE
expect_ended() {
  cat "$1.out" "$1.err" >>"$captured"
  [[ $(<"$1.code") == "$2" ]] || {
    cat "$1.out" "$1.err" "$1.code"
    return 1
  }
}

# A log of several blocks is at the remote; later pushes go through the server that counts.
pushed_log() {
  new_container
  random_bytes $((${1-9} * mib)) >"$base/$log"
  push
  expect_code 0
  settle
  faults '[]'
}

# ---------------------------------------------------------------- the main job

# What is sent for 1 KiB more: lists, one block, one commit.
expect_small() {
  sent 1024
  expect_requests "len(requests) <= $1"
  expect_requests 'sum(r["body_bytes"] for r in requests if "comp=block&" in r["target"]) == 1024'
  expect_requests 'sum(r["body_bytes"] for r in requests) <= 16384'
}

t_append() {
  pushed_log "$log_mib"
  random_bytes 1024 >>"$base/$log"
  push_good
  expect_small 4
  expect_blocks "committed[-1] == 1024 and sum(committed) == $log_mib * $mib + 1024"
  rm -r "$XDG_STATE_HOME"
  random_bytes 1024 >>"$base/$log"
  push_good
  expect_small 9
  # Another machine: a copy of the file, and no state.
  mkdir -p second/events
  cp "$base/$log" "second/$log"
  base=$PWD/second
  XDG_STATE_HOME=$PWD/second-state
  random_bytes 1024 >>"$base/$log"
  push_good --dir "$base"
  expect_small 9
  rclone check --download "$base" "azurite:$container"
}

# Many small appends by one process; see delta_appends.c.
t_appends() {
  new_container
  AZURE_STORAGE_KEY=$AZURITE_KEY azure_client attend "$container" "$log" \
    "$appends" "$to" "$base" "$PWD/state" "$appends_made" "$appended" >counts || {
    cat counts
    return 1
  }
  figure "$(<counts)"
  remote_is
  expect_md5
}

t_edits() {
  pushed_log 21
  local file=$base/$log
  echo 'in the middle' | write_at "$file" $((9 * mib))
  push_good
  sent $((4 * mib))
  expect_blocks 'len(committed) == 6'
  # Over the border of two blocks.
  random_bytes 100 | write_at "$file" $((8 * mib - 50))
  push_good
  sent $((8 * mib))
  # In the last block, which is small.
  random_bytes 100 | write_at "$file" $((21 * mib - 200))
  push_good
  sent "$mib"
  # Nothing but the time.
  touch "$file"
  push_good
  sent 0
  field files_uploaded 0
  # Moved to other places that are aligned: known by content.
  local first
  first=$(mktemp -p .)
  head -c $((4 * mib)) "$file" >"$first"
  dd if="$file" of="$file" bs=4M skip=2 count=1 conv=notrunc status=none
  write_at "$file" $((8 * mib)) <"$first"
  push_good
  sent 0
  field files_uploaded 1
}

t_shorter() {
  pushed_log 21
  local file=$base/$log
  truncate -s $((13 * mib)) "$file"
  push_good
  sent "$mib"
  expect_blocks "committed == [4 * $mib] * 3 + [$mib]"
  # At the border of two blocks there is nothing to send.
  truncate -s $((8 * mib)) "$file"
  push_good
  sent 0
  field files_uploaded 1
  # Rotated away, and begun anew.
  mv "$file" "$base/events/log.1.jsonl"
  random_bytes $((5 * mib)) >"$file"
  push_good
  sent $((13 * mib))
  # Written anew in place, as long as before.
  random_bytes $((5 * mib)) >"$file"
  push_good
  sent $((5 * mib))
  # The same by a rotation that copies the log and truncates it, and it has grown since.
  : >"$file"
  random_bytes $((6 * mib)) >>"$file"
  push_good
  sent $((6 * mib))
  expect_md5
  : >"$file"
  push_good
  sent 0
}

# Up to 64 KiB a file goes whole.
t_small() {
  new_container
  local file=$base/$log
  random_bytes 65000 >"$file"
  push_good
  expect_blocks 'committed == []'
  random_bytes 536 >>"$file"
  push_good
  sent 65536
  expect_blocks 'committed == []'
  random_bytes 1 >>"$file"
  push_good
  sent 65537
  expect_blocks 'committed == [65537]'
  random_bytes 10 >>"$file"
  push_good
  sent 10
  expect_blocks 'committed == [65537, 10]'
  truncate -s 65536 "$file"
  push_good
  sent 65536
  expect_blocks 'committed == []'
  random_bytes 100000 >>"$file"
  push_good
  sent 165536
  expect_blocks 'committed == [165536]'
  expect_md5
}

# A file of several places with the same bytes.
t_repeated() {
  new_container
  local file=$base/$log
  head -c $((21 * mib)) /dev/zero >"$file"
  push_good
  sent $((5 * mib))
  expect_md5
  head -c 1000 /dev/zero >>"$file"
  push_good
  sent 1000
  echo x | write_at "$file" 0
  push_good
  sent $((4 * mib))
  expect_md5
}

# ---------------------------------------------------------------- at the same time, and killed

# block_counts STAGED LOG...: prints how many blocks the servers were sent, how many different ones,
# and how many of those in the file STAGED.
block_counts() {
  "$azurite_python" - "$@" <<'PYTHON'
import json, sys, urllib.parse
staged = {block["id"] for block in map(json.loads, open(sys.argv[1], encoding="utf-8"))}
sent = []
for log in sys.argv[2:]:
    for entry in map(json.loads, open(log, encoding="utf-8")):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(entry.get("target", "")).query)
        if query.get("comp") == ["block"]:
            sent += query["blockid"]
print(len(sent), len(set(sent)), len([block for block in sent if block in staged]))
PYTHON
}

# blocks_sent N LOG PID: the server was sent so many, or the push has ended.
blocks_sent() {
  (($(grep -c 'comp=block&' "$2") >= $1)) || ! kill -0 "$3" 2>/dev/null
}

# Killed again and again: what was staged is not sent again.
t_killed() {
  new_container
  random_bytes $((killed_mib * mib)) >"$base/$log"
  settings ''
  echo '[]' >none.json
  : >staged
  local round pid status made=1 all different again
  for ((round = 1; round <= kills; round++)); do
    # A server each: the one before may still hand on what it has got.
    to=$AZURITE_ENDPOINT/$container
    : >"requests.$round"
    start_faults faults.log --log "requests.$round" --backend "$azurite_url" none.json
    to=${to/"$azurite_url"/"http://127.0.0.1:$faults_port"}
    AZURE_STORAGE_KEY=$AZURITE_KEY "$devlog" push --to "$to" --config azure.ini --quiet \
      --jobs 4 &
    pid=$!
    within 60 blocks_sent $((RANDOM % 4)) "requests.$round" "$pid"
    sleep "0.0$((RANDOM % 9))"
    kill -KILL "$pid" || true
    status=0
    wait "$pid" || status=$?
    read -r all different again < <(block_counts staged "requests.$round")
    [[ $again == 0 ]]
    azure_client blocks "$container" "$log" >staged
    # Equal also if the kill came between the commit and the end.
    if remote_is; then
      made=$((made + 1))
      random_bytes $((killed_mib * mib)) >"$base/$log"
    else
      ((status != 0))
    fi
  done
  to=$AZURITE_ENDPOINT/$container
  faults '[]'
  push_good
  read -r all different again < <(block_counts staged requests)
  [[ $again == 0 ]]
  # No file is uploaded if the last one to be killed had its commit still on its way.
  expect_json out "lines[-1]['bytes_sent'] + lines[-1]['bytes_reused'] ==
    lines[-1]['files_uploaded'] * $killed_mib * $mib"
  expect_json out "lines[-1]['bytes_sent'] == $all * 4 * $mib"
  expect_blocks "len(committed) * 4 == $killed_mib and staged == []"
  # In vain was only what was on its way: one for each worker and kill.
  read -r all different again < <(block_counts staged requests requests.*)
  figure "$kills kills, $made contents of $((killed_mib / 4)) blocks: $all blocks sent"
  ((different * 4 == made * killed_mib && all <= different + kills * 4))
  expect_md5
}

t_growing() {
  new_container
  random_bytes $((3 * mib)) >"$base/$log"
  push_good
  azure_client follow "$container" "$log" "$base/$log" "$PWD/stop" >follow.out 2>follow.err &
  local reader=$! writer round
  # In pieces of all sizes, so that a push mostly meets it in the middle of a growth.
  "$azurite_python" - "$base/$log" stop <<'PYTHON' &
import os, random, sys, time
with open(sys.argv[1], "ab", buffering=0) as log:
    while not os.path.exists(sys.argv[2]) and log.tell() < 100 << 20:
        log.write(random.randbytes(int(2 ** random.uniform(0, 18))))
        time.sleep(0.002)
PYTHON
  writer=$!
  for round in {1..10}; do
    push
    expect_code 0
    field files_failed 0
  done
  : >stop
  wait "$writer"
  wait "$reader" || {
    cat follow.out follow.err
    return 1
  }
  figure "$round pushes while it grew, $(<follow.out) contents seen by a reader"
  (($(<follow.out) >= 5))
  push_good
  expect_md5
}

t_lock() {
  pushed_log 5
  random_bytes 1000 >>"$base/$log"
  hold 'comp=blocklist'
  in_background first --config azure.ini
  local first=$! holder
  wait_held
  holder=$(pgrep -f "^[^ ]*devlog push --to $to ")
  export XDG_STATE_HOME=$PWD/first.state
  AZURE_STORAGE_KEY=$AZURITE_KEY run timeout 20 "$devlog" push --to "$to" --json
  expect_code 7
  expect_text err 'running'
  expect_text err "$holder"
  AZURE_STORAGE_KEY=$AZURITE_KEY timeout 60 "$devlog" push --to "$to" --json --wait \
    >waited.out 2>waited.err </dev/null &
  local second=$!
  # It says whom it waits for, and does not end.
  within 20 grep -q '"note"' waited.out
  kill -0 "$second"
  release
  wait "$first"
  wait "$second" || {
    cat waited.out waited.err
    return 1
  }
  expect_json waited.out "lines[-1]['files_failed'] == 0 and lines[-1]['files_uploaded'] == 0"
  remote_is
}

# Two machines push the same name; the one that commits last is told.
t_two_machines() {
  local kind
  for kind in first grown; do
    new_container
    mkdir -p "$kind.one/events" "$kind.two/events"
    random_bytes $((9 * mib)) >"$kind.one/$log"
    if [[ $kind == grown ]]; then
      in_background "$kind.one" --dir "$kind.one"
      wait
      expect_ended "$kind.one" 0
      cp "$kind.one/$log" "$kind.two/$log"
      echo 'more of one' >>"$kind.one/$log"
    fi
    random_bytes $((2 * mib)) >>"$kind.two/$log"
    hold 'comp=blocklist'
    in_background "$kind.one" --dir "$kind.one"
    local one=$!
    wait_held
    in_background "$kind.two" --dir "$kind.two"
    wait $!
    expect_ended "$kind.two" 0
    azure_client compare "$container" "$kind.two"
    release
    wait "$one"
    expect_ended "$kind.one" 6
    expect_text "$kind.one.out" 'somebody else'
    azure_client compare "$container" "$kind.two"
    stop_server "$faults_pid"
    to=$AZURITE_ENDPOINT/$container
  done
  # It stays a conflict, for what is there is not what this machine knew; --force goes over it.
  in_background grown.one --dir grown.one
  wait $!
  expect_ended grown.one 6
  azure_client compare "$container" grown.two
  in_background grown.one --dir grown.one --force
  wait $!
  expect_ended grown.one 0
  azure_client compare "$container" grown.one
  # Without the server in between: whatever happens, the content is that of one of them.
  local round
  for round in 1 2 3; do
    echo "$round" | tee -a "grown.one/$log" >>"grown.two/$log"
    random_bytes "$mib" >>"grown.two/$log"
    in_background grown.one --dir grown.one
    one=$!
    in_background grown.two --dir grown.two
    wait "$!" "$one"
    grep -x -E '0|6' grown.one.code
    grep -x -E '0|6' grown.two.code
    azure_client compare "$container" grown.one || azure_client compare "$container" grown.two
  done
}

t_conflict() {
  pushed_log 9
  cp "$base/$log" theirs
  printf '\nof somebody else\n' >>theirs
  printf '\nmine\n' >>"$base/$log"
  hold 'comp=blocklist'
  push_behind
  wait_held
  put_theirs theirs
  release
  pushed
  expect_failures 6 1 'somebody else'
  azure_client get "$container" "$log" | cmp - theirs
  tail -n 1 "$base/$log" | grep -x mine
  # With force it goes over it, even if it is written at this moment, which clears our blocks away.
  stop_server "$faults_pid"
  to=$AZURITE_ENDPOINT/$container
  hold 'comp=blocklist'
  push_behind --force
  wait_held
  put_theirs theirs
  release
  pushed
  expect_code 0
  remote_is
  sent "$((2 * (9 * mib + 6)))"
}

# ---------------------------------------------------------------- things in the way

# Blobs in blocks that others made.
t_foreign_blob() {
  new_container
  random_bytes $((9 * mib)) >"$base/$log"
  rclone copy --azureblob-upload-cutoff 1Mi --azureblob-chunk-size 4Mi "$base" "azurite:$container"
  expect_blocks 'len(committed) == 3'
  push
  expect_code 0
  sent 0
  more 5
  push_good
  sent "$((9 * mib + 5))"
  expect_md5
  more 9
  push_good
  sent 9
  # Put in one piece, over what we have made.
  cp "$base/$log" theirs
  azure_client put "$container" "$log" theirs
  more 9
  push_good
  sent "$((9 * mib + 5 + 18))"
  # Ours and theirs in one blob.
  azure_client blocks "$container" "$log" >blocks.json
  printf 'theirs' >theirs
  azure_client stage_file "$container" "$log" "$their_id" theirs
  mapfile -t ids < <("$azurite_python" -c 'import json, sys
for line in sys.stdin: print(json.loads(line)["id"])' <blocks.json)
  azure_client commit "$container" "$log" "${ids[@]:0:2}" "$their_id" "${ids[@]:2}"
  more 9
  push --mode all
  expect_failures 6 1 'somebody else'
  push_good --force
  more 9
  push_good
  sent 9
}

# staged_by_others ID [NAME]: a block of nobody's blob.
staged_by_others() {
  printf 'theirs' >theirs
  azure_client stage_file "$container" "${2-$log}" "$1" theirs
}

# Staged blocks with ids of another length make the service refuse ours.
t_foreign_staged() {
  local id
  for id in "$(printf 'short' | base64)" "$their_id"; do
    new_container
    # Nothing there yet: a file of several blocks, and one of a single one. The emulator, other
    # than the service, has a blob already where only blocks are staged.
    random_bytes $((5 * mib)) >"$base/$log"
    random_bytes "$mib" >"$base/events/one.jsonl"
    staged_by_others "$id"
    staged_by_others "$id" events/one.jsonl
    push
    if [[ $code != 0 ]]; then
      expect_failures 6 2 'somebody else'
      push_good --force
    fi
    remote_is
    # Over a blob of ours.
    rm -r "$XDG_STATE_HOME"
    more 5
    staged_by_others "$id"
    push_good
    # Forced.
    staged_by_others "$id"
    staged_by_others "$id" events/one.jsonl
    push_good --force
    # Once they are gone it goes on in blocks. (The emulator leaves them when a blob is stored
    # whole.)
    local over=()
    if [[ $id != "$their_id" ]]; then
      azure_client commit "$container" "$log" "$id"
      over=(--force) # it is somebody else's now
    fi
    more 5
    push_good "${over[@]}"
    more 9
    push_good
    sent 9
    expect_blocks 'staged == []'
    expect_md5
  done
}

# Staged blocks that were there when the push looked, and not when it named them.
t_vanished_staged() {
  new_container
  random_bytes $((9 * mib)) >"$base/$log"
  # Ends at the commit, with all blocks staged.
  faults '[{"method": "PUT", "target": "comp=blocklist", "do": [["read", "all"], ["reply", "403 No"]]}]'
  push
  stop_server "$faults_pid"
  expect_blocks "len(staged) == 3 and committed == []"
  to=$AZURITE_ENDPOINT/$container
  hold 'comp=blocklist'
  push_behind
  wait_held
  put_theirs "$base/$log"
  azure_client delete "$container" "$log"
  release
  pushed
  expect_code 0
  remote_is
  # Found, not found any more, sent.
  sent "$((9 * mib))"
  expect_json out "any(line['event'] == 'retry' for line in lines)"
  expect_md5
}

# The service says that a block is not there.
t_vanished_once() {
  pushed_log 9
  more 5
  stop_server "$faults_pid"
  to=$AZURITE_ENDPOINT/$container
  faults '[{"method": "PUT", "target": "comp=blocklist", "times": 1, "do": [["read", "all"], ["reply",
    "400 The specified block list is invalid.", {"x-ms-error-code": "InvalidBlockList"},
    "<?xml version=\"1.0\"?><Error><Code>InvalidBlockList</Code><Message>no</Message></Error>"]]}]'
  push
  expect_code 0
  remote_is
  expect_requests 'count("PUT", "comp=blocklist") == 2'
  expect_json out "any(line['event'] == 'retry' for line in lines)"
  # What was staged the first time is not sent again.
  sent 5
}

t_lost_commit() {
  local what
  for what in '["fin"]' '["rst"]'; do
    pushed_log 9
    stop_server "$faults_pid"
    more 5
    to=$AZURITE_ENDPOINT/$container
    faults '[{"method": "PUT", "target": "comp=blocklist", "times": 1,
      "do": [["forward", {"send": 40}], '"$what"']}]'
    push_good
    sent 5
    field files_uploaded 1
    expect_requests 'count("PUT", "comp=block&") == 1'
    expect_md5
    settle
    push_good
    sent 0
    field files_uploaded 0
  done
}

# A block that arrives with another bit is refused and sent again.
t_flipped_bit() {
  new_container
  random_bytes $((9 * mib)) >"$base/$log"
  faults '[{"method": "PUT", "target": "comp=block&", "skip": 1, "times": 1,
    "do": [["forward", {"flip": 12345}]]}]'
  push_good
  expect_md5
  expect_requests 'count("PUT", "comp=block&") == 4'
}

# ---------------------------------------------------------------- checksums, and what is read

t_md5() {
  new_container
  random_bytes $((13 * mib)) >"$base/$log"
  random_bytes 100000 >"$base/entries/a.md"
  push_good
  expect_md5
  rclone check "$base" "azurite:$container"
  random_bytes 1000 >>"$base/$log"
  random_bytes 1000 >>"$base/entries/a.md"
  push_good
  expect_md5
  local round
  for round in {1..5}; do
    random_bytes $((round * 1000)) >>"$base/$log"
    # The second machine has no state that could keep a sum.
    if ((round == 3)); then rm -r "$XDG_STATE_HOME"; fi
    push_good
    expect_md5
  done
  rclone check "$base" "azurite:$container"
  rclone md5sum "azurite:$container" | sort >theirs
  (cd "$base" && find . -type f -printf '%P\0' | xargs -0 md5sum) | sort | cmp - theirs
}

t_no_md5() {
  new_container
  settings '[sync]' 'content_md5 = no'
  random_bytes $((9 * mib)) >"$base/$log"
  push_good
  azure_client list "$container" >list.json
  expect_json list.json "[blob['md5'] for blob in lines] == ['']"
  more 5
  push_good
  sent 5
  rm -r "$XDG_STATE_HOME"
  push_good
  sent 0
  field files_unchanged 1
  more 5
  push_good --checksum
  sent 5
  rclone check --download "$base" "azurite:$container"
  # From now on with, and the state has no sum to go on from.
  settings ''
  more 5
  push_good
  sent 5
  expect_md5
}

# bytes_read NAME ARGUMENT...: a push; how many bytes of the file NAME it read goes to the file bytes.
bytes_read() {
  local name=$1
  shift
  AZURE_STORAGE_KEY=$AZURITE_KEY ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" run timeout 120 \
    strace -f -qq -y -e trace=read,pread64,readv,preadv,mmap -o trace \
    "$devlog" push --to "$to" --config azure.ini --json "$@"
  expect_code 0
  # Else not all of what is read would be seen.
  grep mmap trace >maps || true
  expect_no_text maps "$name>"
  "$azurite_python" - "$name>" trace >bytes <<'PYTHON'
import re, sys
total, begun = 0, {}
for line in open(sys.argv[2], encoding="utf-8", errors="replace"):
    pid, _, call = line.partition(" ")
    if "unfinished ..." in call:
        begun[pid] = call
    elif "resumed>" in call:
        call = begun.pop(pid, "") + call
    result = re.search(r"= (\d+)$", call.rstrip())
    if sys.argv[1] in call and result and "unfinished" not in call.split("resumed")[-1]:
        total += int(result[1])
print(total)
PYTHON
}

# expect_read LEAST MOST
expect_read() {
  (($(<bytes) >= $1 && $(<bytes) <= $2)) || {
    echo "read $(<bytes) bytes instead of $1 to $2"
    return 1
  }
}

t_append_only() {
  command -v strace || skip 'no strace'
  new_container
  settings ''
  local size=$((21 * mib)) name
  random_bytes "$size" >"$base/$log"
  cp "$base/$log" "$base/events/log.md"
  push_good
  for name in log.jsonl log.md; do
    settle
    random_bytes 1000 >>"$base/events/$name"
    bytes_read "$name"
    if [[ $name == log.jsonl ]]; then
      # The first segment, the last full one, the small one behind it, and the new bytes.
      expect_read $((9 * mib)) $((9 * mib + 2000))
    else
      expect_read $((size + 1000)) $((size + 2000))
    fi
    sent 1000
    remote_is
    expect_md5
  done
  # Again: there is one small segment more.
  settle
  random_bytes 1000 >>"$base/$log"
  bytes_read log.jsonl
  expect_read $((9 * mib)) $((9 * mib + 4000))
  remote_is
  expect_md5
  settle
  random_bytes 1000 >>"$base/$log"
  bytes_read log.jsonl --checksum
  expect_read "$size" $((3 * size))
  sent 1000
  remote_is
  expect_md5
  # Without a state there is nothing to go on from.
  rm -r "$XDG_STATE_HOME"
  random_bytes 1000 >>"$base/$log"
  bytes_read log.jsonl
  expect_read "$size" $((3 * size))
  sent 1000
}

t_checksum() {
  pushed_log 9
  # Its start is another one, behind a back that looks the same.
  random_bytes 100 | write_at "$base/$log" 1000
  push_good --checksum
  sent $((4 * mib))
  expect_md5
  more 5
  random_bytes 100 | write_at "$base/$log" 1000
  push_good --checksum
  sent $((4 * mib + 5))
  expect_md5
  # Stamps that lie.
  settle
  push_good
  touch -r "$base/$log" stamp
  random_bytes 100 | write_at "$base/$log" 1000
  touch -r stamp "$base/$log"
  push_good --checksum
  sent $((4 * mib))
}

# ---------------------------------------------------------------- what it says and what it takes

t_report() {
  pushed_log 9
  more 5
  push_good
  expect_json out "lines[-1]['bytes_sent'] == 5 and lines[-1]['bytes_reused'] == 9 * $mib"
  expect_json out "[(e['sent_bytes'], e['reused_bytes']) for e in lines if e['event'] == 'file_upload_complete'] == [(5, 9 * $mib)]"
  more 5
  AZURE_STORAGE_KEY=$AZURITE_KEY devlog_run push --to "$to" --config azure.ini
  expect_code 0
  cat out
  grep -F 'Sent: 5 B of 9.0 MiB' out
  more 5
  AZURE_STORAGE_KEY=$AZURITE_KEY devlog_run push --to "$to" --config azure.ini --verbose
  expect_code 0
  cat out
  grep -F 'Sent: 5 B of 9.0 MiB' out
  grep -E "Bytes reused: $((9 * mib + 10))" out
}

t_jobs() {
  local jobs
  for jobs in 1 32; do
    new_container
    random_bytes $((17 * mib)) >"$base/$log"
    push_good --jobs "$jobs"
    sent $((17 * mib))
    expect_md5
    random_bytes $((9 * mib)) >>"$base/$log"
    push_good --jobs "$jobs"
    expect_md5
  done
}

# Many large files, and small ones between them; every thread has something to send.
t_many_large() {
  new_container
  local i
  for i in {1..8}; do random_bytes $((5 * mib + i)) >"$base/events/$i.jsonl"; done
  small_files 50
  push_good --jobs 8
  expect_md5
  for i in {1..8}; do echo "$i" >>"$base/events/$i.jsonl"; done
  push_good --jobs 8
  expect_md5
  expect_json out "lines[-1]['bytes_sent'] == 16 and lines[-1]['files_uploaded'] == 8"
}

# A single file is sent by all of the threads.
t_no_idle() {
  new_container
  random_bytes $((40 * mib)) >"$base/$log"
  faults '[{"method": "PUT", "target": "comp=block&", "do": [["read", "all"], ["wait", 0.4], ["forward"]]}]'
  push_good --jobs 8
  expect_requests 'len({r["connection"] for r in requests if "comp=block&" in r["target"]}) == 8'
}

# peak COMMAND...: its output goes to out; fails if it had more than 64 MiB of resident memory.
peak() {
  "$azurite_python" - "$@" <<'PYTHON'
import os, sys
command = sys.argv[1:]
out = os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
pid = os.posix_spawnp(command[0], command, os.environ,
                      file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss, file=open("peak", "w", encoding="utf-8"))
assert os.waitstatus_to_exitcode(status) == 0, "it failed"
PYTHON
  figure "peak resident: $(<peak) KiB"
  (($(<peak) <= 65536))
}

plain_program() {
  if grep -q -a -e __asan_init -e __tsan_init "$devlog"; then
    skip 'a program with a sanitizer has memory of its own'
  fi
}

t_memory_large() {
  plain_program
  new_container
  settings ''
  truncate -s $((sparse_mib * mib)) "$base/$log"
  echo 'an end' >>"$base/$log"
  export AZURE_STORAGE_KEY=$AZURITE_KEY
  peak "$devlog" push --to "$to" --config azure.ini --json
  field files_uploaded 1
  # Each block of zeros once.
  expect_json out "lines[-1]['bytes_sent'] < 64 * $mib"
  expect_blocks "sum(committed) == $sparse_mib * $mib + 7"
  more 5
  rm -r "$XDG_STATE_HOME"
  peak "$devlog" push --to "$to" --config azure.ini --json
  sent 5
}

t_memory_sent() {
  plain_program
  new_container
  settings ''
  random_bytes $((64 * mib)) >"$base/$log"
  export AZURE_STORAGE_KEY=$AZURITE_KEY
  peak "$devlog" push --to "$to" --config azure.ini --json
  sent $((64 * mib))
}

t_memory_files() {
  plain_program
  "$azurite_python" - "$base/events" "$many_files" <<'PYTHON'
import os, sys
for i in range(int(sys.argv[2])):
    folder = f"{sys.argv[1]}/{i // 1000:03}"
    if i % 1000 == 0:
        os.mkdir(folder)
    with open(f"{folder}/{i:06}.jsonl", "w", encoding="utf-8") as file:
        file.write(f"{i}\n")
PYTHON
  local arguments
  for arguments in '' '' '--mode all'; do
    # shellcheck disable=SC2086 # two words
    peak "$devlog" push --to "$url" --json --quiet $arguments
  done
  field files_found "$many_files"
}

check 'a log of many blocks and 1 KiB more' t_append
check 'many small appends' t_appends
check 'edits in the middle' t_edits
check 'shorter, rotated away, written anew' t_shorter
check 'over 64 KiB and back' t_small
check 'the same bytes in several places' t_repeated
check 'killed at random moments' t_killed
check 'appended to all the time' t_growing
check 'two pushes of one folder' t_lock
check 'two machines at the same time' t_two_machines
check 'somebody else writes before the commit' t_conflict
check 'a blob in blocks of others' t_foreign_blob
check 'staged blocks of others' t_foreign_staged
check 'staged blocks that vanish' t_vanished_staged
check 'a block that is not there' t_vanished_once
check 'the answer to the commit is lost' t_lost_commit
check 'a bit that flips on the way' t_flipped_bit
check 'the MD5 of the whole' t_md5
check 'without the MD5 of the whole' t_no_md5
check 'what is read of a file that only grows' t_append_only
check 'a checksum of everything' t_checksum
check 'what was saved is told' t_report
check 'jobs' t_jobs
check 'many large files' t_many_large
check 'no thread is idle' t_no_idle
check 'memory: a large file' t_memory_large
check 'memory: all of it is sent' t_memory_sent
check 'memory: many files' t_memory_files
check 'no secret in any output' t_no_secret
finish
