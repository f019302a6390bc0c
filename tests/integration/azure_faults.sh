#!/usr/bin/env bash
# azure_faults.sh: pushes through a server that misbehaves (tests/fault/server.py) to Azurite
# behind it. Whatever goes wrong: what is called uploaded is there byte for byte, the exit code
# is the documented one, the push ends in time, and says why in one line.
#
# Takes the program; prints TAP.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
# shellcheck source=tests/support/azure.sh
source "$here/../support/azure.sh"

make_certificates "$work/certificates"
certificates=$work/certificates

# one_file [BYTES]: a new container, and a folder with one file of so many random bytes.
one_file() {
  new_container
  head -c "${1:-1000}" /dev/urandom >"$base/events/a.jsonl"
}

# on_put ACTIONS [MEMBER]...: one file, and these actions for its upload; more members of the
# rule, as JSON, may follow.
on_put() {
  local members='"method": "PUT"' member
  for member in "${@:2}"; do members+=", $member"; done
  faults "[{$members, \"do\": [$1]}]"
}

# on_list ACTIONS [MEMBER]...: the same for the listing.
on_list() {
  local members='"target": "comp=list"' member
  for member in "${@:2}"; do members+=", $member"; done
  faults "[{$members, \"do\": [$1]}]"
}

# on_block, on_commit, on_layout: the same for the blocks of a file that is sent in parts, for the
# list that makes a blob of them, and for the question what blocks there are.
on_block() {
  on_put "$1" '"target": "comp=block&"' "${@:2}"
}

on_commit() {
  on_put "$1" '"target": "comp=blocklist"' "${@:2}"
}

on_layout() {
  local members='"method": "GET", "target": "comp=blocklist"' member
  for member in "${@:2}"; do members+=", $member"; done
  faults "[{$members, \"do\": [$1]}]"
}

# other_blocks [ID]: another program began to store the file, in blocks with ids that ours cannot
# stand beside, and did not end: our next push sends the file whole.
other_blocks() {
  azure_client stage "$container" events/a.jsonl "${1:-000001}"
}

# What is larger than this goes in parts (lib/push/multipart.c), of this size at first.
whole_bytes=65536
part_bytes=4194304

# An answer to a block as the service gives it, and whether or not it has the bytes.
staged='"201 Created", {"x-ms-content-crc64": "=x-ms-content-crc64"}'

# An answer to a put as the service gives it, and whether or not it has the bytes.
stored='"201 Created", {"Content-MD5": "=content-md5", "ETag": "\"0x1\""}'

# sent_again: the file arrived with the second try.
sent_again() {
  expect_code 0
  field files_uploaded 1
  expect_requests 'count("PUT") == 2'
  remote_is
}

# parts_sent BLOCKS COMMITS: the file arrived in parts, with so many requests for blocks and so
# many lists.
parts_sent() {
  expect_code 0
  field files_uploaded 1
  expect_requests "count('PUT', 'comp=block&') == $1 and count('PUT', 'comp=blocklist') == $2"
  remote_is
}

# parts_not_sent CODE TEXT BLOCKS COMMITS: the file failed, with so many requests, at least one
# and at most; and nothing of it is to be seen.
parts_not_sent() {
  expect_failures "$1" 1 "$2"
  expect_requests "1 <= count('PUT', 'comp=block&') <= $3"
  expect_requests "count('PUT', 'comp=blocklist') == $4"
  expect_proven
  [[ -z $(azure_client list "$container") ]]
}

# not_sent CODE TEXT PUTS: the file failed, and was tried so often.
not_sent() {
  expect_failures "$1" 1 "$2"
  expect_requests "count('PUT') == $3"
  expect_proven
}

# ---------------------------------------------------------------- J1, J3: cut connections

# cut_files FROM TO [BYTES]: files with the position of a cut in their names, small ones or of more
# than so many bytes.
cut_files() {
  rm -rf "$base"
  mkdir "$base"
  local i
  for ((i = $1; i <= $2; i++)); do
    printf 'file %d\n' "$i" >"$base/cut-$i.md"
    if (($# > 2)); then fill "$3" >>"$base/cut-$i.md"; fi
  done
}

# arrived TEXT: how many files the server got a PUT of, whole, with TEXT in its target.
arrived() {
  "$azurite_python" - "$1" <<'PYTHON'
import json, sys
requests = [e for e in map(json.loads, open("requests", encoding="utf-8")) if "method" in e]
print(len({r["target"] for r in requests if r["method"] == "PUT" and sys.argv[1] in r["target"]
           and r["body_bytes"] == int(r["headers"]["content-length"])}))
PYTHON
}

# Replies are cut at every byte, of the status line, of the header and before the blank line:
# never a success, and with a second try all is well.
#
# cut_replies END WHAT [OPTION]...: of whole files, of blocks, or of commits.
cut_replies() {
  local end=$1 what=$2 from n=0
  local target='' size=()
  [[ $what == whole ]] || size=("$whole_bytes")
  [[ $what != block ]] || target='.*comp=block&'
  [[ $what != commit ]] || target='.*comp=blocklist'
  faults "[{\"method\": \"PUT\", \"target\": \"cut-(\\\\d+)$target\", \"each\": true, \"times\": 1,
    \"do\": [[\"forward\", {\"send\": \"\\\\1\"}], [\"$end\"]]}]" "${@:3}"
  for from in 0 64 128 192 256 320 384 448 512; do
    cut_files "$from" $((from + 63)) "${size[@]}"
    settings "${tls_settings[@]}" '[sync]' 'retries = 0' 'timeout = 10'
    : >requests
    push
    expect_proven
    [[ $code == 5 || $code == 1 || $from -ge 320 ]]
    local failed resent
    failed=$(sed -n 's/.*"files_failed":\([0-9]*\).*/\1/p' out)
    n=$((n + failed))
    # What arrived is there all the same, and the next push finds that out and sends nothing; but
    # for blocks, without which there was no commit. All arrives, unless a reset after a whole
    # reply met the next file.
    case $what in
    whole) resent=$((64 - $(arrived cut-))) ;;
    block) resent=$failed ;;
    commit) resent=$((64 - $(arrived comp=blocklist))) ;;
    esac
    settings "${tls_settings[@]}"
    push
    expect_code 0
    field files_uploaded "$resent"
    azure_client compare "$container" "$base" '' more
  done
  # The answer to a block is shorter.
  if [[ $what == block ]]; then ((n > 200)); else ((n > 300)); fi
}

t_cut_reply() {
  new_container
  tls_settings=('')
  cut_replies fin whole
}

t_reset_reply() {
  new_container
  tls_settings=('')
  cut_replies rst whole
}

# An end of the connection that TLS did not announce is a cut too.
t_cut_reply_tls() {
  new_container
  tls_settings=('[remote]' "ca_file = $certificates/ca.pem")
  to=${to/http:/https:}
  azurite_url=${azurite_url/http:/https:} cut_replies rst whole \
    --cert "$certificates/good.pem" --key "$certificates/good.key"
}

t_cut_reply_to_block() {
  new_container
  tls_settings=('')
  cut_replies fin block
}

t_cut_reply_to_commit() {
  new_container
  tls_settings=('')
  cut_replies fin commit
}

t_reset_reply_to_commit() {
  new_container
  tls_settings=('')
  cut_replies rst commit
}

# The list of blocks reaches the service up to every byte of its head and its body: no blob.
t_cut_commit() {
  new_container
  local from stored=0 direct=$to
  # shellcheck disable=SC2016 # \\1 is for the server
  faults '[{"method": "PUT", "target": "cut-(\\d+).*comp=blocklist",
    "do": [["forward", {"request": "\\1"}], ["rst"]]}]'
  local faulty=$to
  for ((from = 0; from < 1024; from += 64)); do
    cut_files "$from" $((from + 63)) "$whole_bytes"
    settings '[sync]' 'retries = 0' 'timeout = 10'
    to=$faulty
    push
    expect_failures 5 64 ''
    expect_proven
    settings ''
    to=$direct
    push
    expect_code 0
    azure_client compare "$container" "$base" '' more
    # Those whose list arrived whole were stored, and only their answer was lost.
    stored=$((stored + $(sed -n 's/.*"files_unchanged":\([0-9]*\).*/\1/p' out)))
  done
  ((0 < stored && stored < 500))
}

t_cut_reply_again() {
  new_container
  cut_files 0 95
  # shellcheck disable=SC2016 # \\1 is for the server
  faults '[{"method": "PUT", "target": "cut-(\\d+)", "each": true, "times": 1,
    "do": [["forward", {"send": "\\1"}], ["rst"]]}]'
  push
  expect_code 0
  field files_uploaded 96
  remote_is
  expect_requests 'count("PUT") == 2 * 96'
}

t_reset_request() {
  local size
  for size in 0 1 1000 $whole_bytes; do
    one_file "$size"
    on_put "[\"read\", $((size / 2))], [\"rst\"]" '"times": 1'
    push
    sent_again
  done
}

t_reset_parts() {
  local size
  for size in $((whole_bytes + 1)) 3000000 $part_bytes; do
    one_file "$size"
    on_block "[\"read\", $((size / 2))], [\"rst\"]" '"times": 1'
    push
    parts_sent 2 1
    one_file "$size"
    on_commit '["read", 60], ["rst"]' '"times": 1'
    push
    parts_sent 1 2
  done
  # One block of three is sent again, and no other.
  one_file $((2 * part_bytes + 5))
  on_block '["read", 1000000], ["rst"]' '"skip": 1' '"times": 1'
  push
  parts_sent 4 1
  expect_requests "sum(r['body_bytes'] for r in requests if 'comp=block&' in r['target']) in (
    $((2 * part_bytes + 5)) + 1000000, $((2 * part_bytes + 5)) + 5)"
}

# The backend gets a part of the request, and never stores it.
t_half_request() {
  one_file $whole_bytes
  on_put '["forward", {"request": 30000}]' '"times": 1'
  push
  sent_again
}

t_half_block() {
  one_file 100000
  on_block '["forward", {"request": 50000}]' '"times": 1'
  push
  parts_sent 2 1
}

t_reset_connection() {
  one_file
  faults '[{"connection": 1, "do": [["rst"]]}, {"connection": 2, "do": [["fin"]]}]'
  push
  expect_code 0
  remote_is
}

t_reset_always() {
  one_file
  settings '[sync]' 'retries = 2'
  on_put '["rst"]'
  push
  # libcurl itself sends once more what it sent on a kept connection.
  expect_failures 5 1 'tried 3 times'
  expect_requests '3 <= count("PUT") <= 4'
  on_list '["rst"]'
  push
  expect_error 5 'tried 3 times'
  expect_requests 'len(requests) == 3'
}

# A kept connection that the server has closed meanwhile costs nothing.
t_stale_connection() {
  new_container
  cut_files 1 20
  on_put '["forward"], ["fin"]'
  settings '[sync]' 'retries = 1'
  push --jobs 2
  expect_code 0
  remote_is
}

# ---------------------------------------------------------------- J2: early answers

# early_answer END: the large file of other_blocks, whose put is answered before it is read.
early_answer() {
  one_file 30000000
  other_blocks
  settings '[sync]' 'retries = 0' 'timeout = 3'
  on_put "[\"reply\", $stored], [\"$1\"]"
  push
  not_sent 5 '' 1
  expect_within 20
  [[ -z $(azure_client list "$container") ]]
}

t_early_answer() {
  local end
  for end in fin rst silent; do early_answer "$end"; done
}

# As many blocks as are on their way at once; each is sent once, and no list names them.
t_early_answer_to_block() {
  local end
  for end in fin rst silent; do
    one_file 30000000
    settings '[sync]' 'retries = 0' 'timeout = 3'
    on_block "[\"reply\", $staged], [\"$end\"]"
    push
    parts_not_sent 5 '' 8 0
    expect_within 20
  done
}

# An answer that says nothing of the bytes, to a block that was read, or one that never arrived.
t_wrong_answer_to_block() {
  local change
  for change in '{"x-ms-content-crc64": null}' '{"x-ms-content-crc64": "AAAAAAAAAAA="}' \
    '{"x-ms-content-crc64": "garbage"}' '{"x-ms-content-crc64": ""}' \
    '{"Content-Length": "10"}' '{"x-ms-request-id": null}'; do
    one_file 100000
    settings '[sync]' 'retries = 0' 'timeout = 2'
    on_block "[\"forward\", {\"set\": $change}], [\"fin\"]"
    push
    parts_not_sent 5 '' 1 0
    expect_within 20
  done
  for change in '200 OK' '202 Accepted' '204 No Content'; do
    one_file 100000
    settings '[sync]' 'retries = 0'
    on_block "[\"forward\", {\"status\": \"HTTP/1.1 $change\"}], [\"fin\"]"
    push
    parts_not_sent 5 '' 1 0
  done
  # A good answer to a block that the service does not have: the list is refused.
  one_file 100000
  settings '[sync]' 'retries = 0'
  on_block "[\"read\", \"all\"], [\"reply\", $staged]"
  push
  parts_not_sent 1 'staged block is gone' 2 2
  one_file 100000
  on_block "[\"read\", \"all\"], [\"reply\", $staged]" '"times": 1'
  push
  parts_sent 2 2
}

t_wrong_answer_to_commit() {
  local change
  for change in '{"set": {"ETag": null}}' '{"set": {"ETag": "*"}}' \
    '{"set": {"Content-Length": "10"}}' '{"set": {"x-ms-request-id": null}}' \
    '{"status": "HTTP/1.1 200 OK"}' '{"status": "HTTP/1.1 202 Accepted"}'; do
    one_file 100000
    settings '[sync]' 'retries = 0' 'timeout = 2'
    on_commit "[\"forward\", $change], [\"fin\"]"
    push
    expect_failures 5 1 ''
    expect_proven
    expect_requests 'count("PUT", "comp=blocklist") == 1'
    # It is there, and the next push finds out.
    push
    expect_code 0
    field files_uploaded 0
    field files_unchanged 1
    remote_is
  done
}

# ---------------------------------------------------------------- J4: busy

t_busy() {
  local status
  for status in '500 Internal' '502 Bad Gateway' '503 Server Busy' '504 Timeout' \
    '408 Request Timeout' '429 Too Many Requests'; do
    one_file
    on_put "[\"read\", \"all\"], [\"reply\", \"$status\"]" '"times": 1'
    push
    sent_again
    expect_within 5
    rm -r "$XDG_STATE_HOME"
    on_list "[\"reply\", \"$status\"]" '"times": 2'
    push
    expect_code 0
    expect_requests 'count("GET") == 3 and count("PUT") == 0'
  done
}

# busy_for HEADERS: one busy answer with these headers.
busy_for() {
  one_file
  on_put "[\"read\", \"all\"], [\"reply\", \"503 Server Busy\", $1]" '"times": 1'
  push
}

t_retry_after() {
  local waited='requests[-1]["ms"] - requests[-2]["ms"]'
  busy_for '{"Retry-After": "2"}'
  sent_again
  expect_requests "2000 <= $waited < 5000"
  busy_for "{\"Retry-After\": \"$(LC_ALL=C date -u -d '+3 seconds' '+%a, %d %b %Y %T GMT')\"}"
  sent_again
  expect_requests "1500 <= $waited < 6000"
  busy_for '{"x-ms-retry-after-ms": "1500"}'
  sent_again
  expect_requests "1500 <= $waited < 4000"
  local garbage
  for garbage in 'soon' '-5' '1e9' '' 'Mon, 01 Jan 1990 00:00:00 GMT' '0'; do
    busy_for "{\"Retry-After\": \"$garbage\"}"
    sent_again
    expect_requests "$waited < 2000"
  done
}

# Longer than a push may take: it ends instead.
t_retry_after_for_ever() {
  one_file
  settings '[sync]' 'timeout = 1'
  on_put '["read", "all"], ["reply", "503 Server Busy", {"Retry-After": "1000000000"}]'
  push
  not_sent 5 '503' 1
  expect_within 5
}

t_busy_always() {
  one_file
  settings '[sync]' 'retries = 3'
  on_put '["read", "all"], ["reply", "503 Server Busy", {"x-ms-error-code": "ServerBusy"}]'
  push
  not_sent 5 'ServerBusy' 4
  expect_json out "lines[-1]['errors'][0]['http_status'] == 503"
  expect_json out "lines[-1]['errors'][0]['retryable']"
  expect_within 15
}

# A remote that is down does not cost every file all of its retries.
t_busy_for_all() {
  new_container
  cut_files 1 500
  on_put '["read", "all"], ["reply", "503 Server Busy"]'
  push
  expect_failures 5 500 503
  expect_requests 'count("PUT") <= 500 + 150'
  expect_within 60
}

# ---------------------------------------------------------------- J5: a plain no

# refused_with STATUS ERROR-CODE EXIT-CODE TEXT: said once, and not asked again.
refused_with() {
  one_file
  on_put "[\"read\", \"all\"], [\"reply\", \"$1\", {\"x-ms-error-code\": \"$2\"}]"
  push
  not_sent "$3" "$4" 1
  expect_within 5
}

t_refused() {
  refused_with '400 Bad Request' InvalidHeaderValue 1 InvalidHeaderValue
  refused_with '400 Bad Request' '' 1 400
  refused_with '403 Forbidden' AuthenticationFailed 4 key
  refused_with '403 Forbidden' AuthorizationPermissionMismatch 4 AuthorizationPermissionMismatch
  refused_with '403 Forbidden' '' 4 ''
  refused_with '404 Not Found' ContainerNotFound 1 'no container'
  refused_with '409 Conflict' BlobImmutableDueToPolicy 1 BlobImmutableDueToPolicy
  refused_with '409 Conflict' BlobAlreadyExists 6 'somebody else'
  refused_with '412 Precondition Failed' ConditionNotMet 6 'somebody else'
  refused_with '412 Precondition Failed' LeaseIdMissing 1 LeaseIdMissing
  refused_with '413 Too Large' RequestBodyTooLarge 1 RequestBodyTooLarge
  refused_with '416 Range Not Satisfiable' InvalidRange 1 InvalidRange
  refused_with '507 Full' '' 1 507
}

t_error_bodies() {
  local body
  for body in '' 'no XML' '<Error><Code>AuthenticationFailed' '<html>403</html>' \
    '<!DOCTYPE a [<!ENTITY b \"c\">]><Error><Code>&b;</Code></Error>' \
    '<Error><Code>Weird\u001b[31mCode</Code></Error>'; do
    one_file
    on_put "[\"read\", \"all\"], [\"reply\", \"403 Forbidden\", {}, \"$body\"]"
    push
    not_sent 4 '' 1
    expect_no_text out '\u001b'
  done
}

# The body of a refusal repeats what was signed, with a signature.
t_error_detail() {
  one_file
  local signature=c2lnbmF0dXJlIG9mIHRoZSBzZXJ2ZXI=
  local body="<Message>The MAC signature found is not the same</Message>"
  body+="<AuthenticationErrorDetail>$signature</AuthenticationErrorDetail>"
  secret $signature
  on_put "[\"read\", \"all\"], [\"reply\", \"403 Forbidden\", {},
    \"<Error><Code>AuthenticationFailed</Code>$body</Error>\"]"
  push
  not_sent 4 key 1
  expect_no_text out c2lnbmF0
}

t_md5_mismatch() {
  local mismatch='["read", "all"], ["reply", "400 Bad Request", {"x-ms-error-code": "Md5Mismatch"}]'
  one_file
  on_put "$mismatch" '"times": 1'
  push
  sent_again
  one_file
  settings '[sync]' 'retries = 2'
  on_put "$mismatch"
  push
  not_sent 5 Md5Mismatch 3
}

# A bit that flips on the way: the service notices.
t_flipped_bit() {
  new_container
  fill 1000 >"$base/events/a.jsonl"
  settings '[sync]' 'retries = 1'
  on_put '["forward", {"flip": 500}]' '"times": 1'
  push
  sent_again
}

# In a block: refused, and the file is read anew, for it might have been that which changed.
t_flipped_bit_in_block() {
  local size
  for size in 100000 3000000; do
    one_file "$size"
    settings '[sync]' 'retries = 0'
    on_block '["forward", {"flip": 70000}]' '"times": 1'
    push
    parts_sent 2 1
    expect_json out 'sum(e["event"] == "retry" for e in lines) == 1'
  done
  one_file $((2 * part_bytes + 5))
  on_block '["forward", {"flip": 3}]' '"times": 1'
  push
  expect_code 0
  remote_is
  one_file 100000
  on_block '["forward", {"flip": 99999}]'
  push
  parts_not_sent 1 'changed while' 2 0
}

# In the list: refused, and sent once more; by the emulator, which does not look at the MD5, since
# it knows no such block.
t_flipped_bit_in_commit() {
  one_file 100000
  settings '[sync]' 'retries = 1'
  on_commit '["forward", {"flip": 60}]' '"times": 1'
  push
  parts_sent 2 2
}

# ---------------------------------------------------------------- J6: lost answers

t_lost_answer() {
  one_file
  on_put '["forward", {"send": 0}], ["rst"]' '"times": 1'
  push
  expect_code 0
  field files_uploaded 1
  remote_is
  # And when the file is there already, in an older version.
  echo more >>"$base/events/a.jsonl"
  on_put '["forward", {"send": 0}], ["rst"]' '"times": 1'
  push --mode all
  expect_code 0
  field files_uploaded 1
  remote_is
}

t_lost_answer_no_retry() {
  one_file
  settings '[sync]' 'retries = 0'
  on_put '["forward", {"send": 60}], ["fin"]' '"times": 1'
  push
  not_sent 5 '' 1
  push
  expect_code 0
  field files_uploaded 0
  field files_unchanged 1
  remote_is
}

# The answer is lost, and somebody else writes before the second try: theirs stays.
t_lost_answer_and_conflict() {
  one_file
  echo theirs >theirs
  on_put '["forward", {"send": 0}], ["wait", 2], ["rst"]' '"times": 1'
  (
    sleep 1
    azure_client put "$container" events/a.jsonl theirs
  ) &
  push
  wait $!
  expect_failures 6 1 'somebody else'
  azure_client get "$container" events/a.jsonl | cmp - theirs
}

# The answer is lost, and for a moment nobody can say whether what is there is ours.
t_lost_answer_and_busy() {
  local size
  for size in 1000 100000; do
    one_file "$size"
    settings '[sync]' 'retries = 3'
    faults '[{"method": "PUT", "target": "jsonl($|\\?comp=blocklist)", "times": 1,
        "do": [["forward", {"send": 0}], ["rst"]]},
      {"method": "HEAD", "times": 1, "do": [["reply", "503 Server Busy"]]}]'
    push
    expect_code 0
    field files_uploaded 1
    expect_requests 'count("HEAD") == 2'
    remote_is
  done
  # It stays so: then it is no conflict, but to be asked later.
  one_file 100000
  settings '[sync]' 'retries = 1'
  faults '[{"method": "PUT", "target": "comp=blocklist", "times": 1,
      "do": [["forward", {"send": 0}], ["rst"]]},
    {"method": "HEAD", "do": [["reply", "503 Server Busy"]]}]'
  push
  expect_failures 5 1 '503'
  push
  expect_code 0
  field files_unchanged 1
}

t_lost_answer_to_commit() {
  one_file 100000
  on_commit '["forward", {"send": 0}], ["rst"]' '"times": 1'
  push
  parts_sent 1 2
  # And when an older version is there.
  echo more >>"$base/events/a.jsonl"
  on_commit '["forward", {"send": 0}], ["rst"]' '"times": 1'
  push
  parts_sent 1 2
  expect_requests 'count("PUT", "comp=block&") == 1'
  # Without another try: not uploaded, until the next push looks.
  echo more >>"$base/events/a.jsonl"
  settings '[sync]' 'retries = 0'
  on_commit '["forward", {"send": 60}], ["fin"]' '"times": 1'
  push
  expect_failures 5 1 ''
  expect_proven
  push
  expect_code 0
  field files_uploaded 0
  field files_unchanged 1
  remote_is
}

t_lost_answer_to_commit_and_conflict() {
  one_file 100000
  head -c 100000 /dev/zero >theirs
  on_commit '["forward", {"send": 0}], ["wait", 2], ["rst"]' '"times": 1'
  (
    sleep 1
    azure_client put "$container" events/a.jsonl theirs
  ) &
  push
  wait $!
  expect_failures 6 1 'nothing was overwritten'
  azure_client get "$container" events/a.jsonl | cmp - theirs
  # As it says: the next push replaces it.
  push
  expect_code 0
  remote_is
}

# ---------------------------------------------------------------- what blocks there are

# bad_layout ACTIONS: what a file is made of cannot be learned: it is not sent, and after that it is.
bad_layout() {
  one_file $((part_bytes + 1000))
  settings '[sync]' 'retries = 0' 'timeout = 3'
  local direct=$to
  on_layout "$1"
  push
  [[ $code == 5 || $code == 1 ]]
  expect_failures "$code" 1 ''
  expect_requests 'count("PUT") == 0'
  expect_within 15
  expect_proven
  to=$direct
  push
  expect_code 0
  remote_is
}

t_bad_layout() {
  local body
  bad_layout '["rst"]'
  bad_layout '["silent"]'
  bad_layout '["reply", "503 Server Busy"]'
  bad_layout '["reply", "200 OK", {"x-ms-request-id": null}, "<BlockList/>"]'
  bad_layout '["reply", "302 Found", {"Location": "http://127.0.0.1:1/"}]'
  bad_layout '["send", "HTTP/1.1 200 OK\r\nx-ms-request-id: 1\r\n\r\n<BlockList>"],
    ["repeat", "<CommittedBlocks>", 1000], ["fin"]'
  local block='<Block><Name>MDAwMDAx</Name><Size>1</Size></Block>'
  for body in '' '<' '<html></html>' '<BlockList>' '<BlockList></Wrong>' \
    '<!DOCTYPE x [<!ENTITY a \"b\">]><BlockList>&a;</BlockList>' \
    "<BlockList><CommittedBlocks>${block/1<\/Size/-1</Size}</CommittedBlocks></BlockList>" \
    "<BlockList><CommittedBlocks>${block/<Size>1<\/Size>/}</CommittedBlocks></BlockList>" \
    "<BlockList><UncommittedBlocks>${block/<Name>*<\/Name>/}</UncommittedBlocks></BlockList>" \
    "<BlockList><UncommittedBlocks>$block</UncommittedBlocks>"; do
    bad_layout "[\"reply\", \"200 OK\", {}, \"$body\"]"
  done
}

# The answer is cut at some bytes: nothing is sent on its word, and a second try helps.
t_cut_layout() {
  local end
  for end in 0 1 100 300 -1 -5 -12 -40; do
    one_file $((part_bytes + 1000))
    other_blocks
    on_layout "[\"forward\", {\"send\": $end}], [\"fin\"]" '"times": 1'
    push
    expect_code 0
    field files_uploaded 1
    expect_requests 'count("GET", "comp=blocklist") >= 2'
    remote_is
  done
}

# claim KIND: a list that says that all blocks of the file are there, staged or committed, as JSON.
claim() {
  "$python" - "$base/events/a.jsonl" "$part_bytes" "$1" <<'PYTHON'
import base64, hashlib, json, struct, sys
data = open(sys.argv[1], "rb").read()
size = int(sys.argv[2])
blocks = ""
for at in range(0, len(data), size):
    part = data[at:at + size]
    name = b"\x01" + hashlib.sha256(part).digest() + struct.pack(">QI", len(part), 0)
    blocks += f"<Block><Name>{base64.b64encode(name).decode()}</Name><Size>{len(part)}</Size></Block>"
kind = sys.argv[3]
headers = {"x-ms-blob-content-length": str(len(data) if kind == "Committed" else 0)}
if kind == "Committed":
    headers["ETag"] = '"0x1"'
body = f"<BlockList><{kind}Blocks>{blocks}</{kind}Blocks></BlockList>"
print(json.dumps(["reply", "200 OK", headers, body]))
PYTHON
}

# Blocks that are not there are found missing at the commit; then all is looked at anew.
t_lying_layout() {
  one_file $((part_bytes + 1000))
  settings '[sync]' 'retries = 0'
  on_layout "$(claim Uncommitted)" '"times": 1'
  push
  parts_sent 2 2
  one_file $((part_bytes + 1000))
  on_layout "$(claim Uncommitted)"
  push
  expect_failures 1 1 'staged block is gone'
  expect_requests 'count("PUT", "comp=block&") == 0 and count("PUT", "comp=blocklist") == 2'
  expect_proven
  [[ -z $(azure_client list "$container") ]]
  # A blob that was not listed: somebody else's.
  one_file $((part_bytes + 1000))
  on_layout "$(claim Committed)"
  push
  expect_failures 6 1 'Push again'
  expect_requests 'count("PUT") == 0'
  [[ -z $(azure_client list "$container") ]]
}

# More staged blocks than any answer that is taken can name: whole, then.
t_large_layout() {
  local large='["send", "HTTP/1.1 200 OK\r\nx-ms-request-id: 1\r\nContent-Length: 20000000\r\n\r\n"],
    ["repeat", "                                                                ", null]'
  one_file $((part_bytes + 1000))
  local direct=$to
  on_layout "$large"
  push
  expect_code 0
  field files_uploaded 1
  expect_requests 'count("PUT") == 1 and count("GET", "comp=blocklist") == 1'
  remote_is
  # Nor does a comparison fail for it.
  to=$direct
  echo more >>"$base/events/a.jsonl"
  push
  expect_code 0
  rm -r "$XDG_STATE_HOME"
  on_layout "$large"
  push
  expect_code 0
  remote_is
}

# Blocks that another program has left, of ids that ours cannot stand beside: whole, though the
# emulator takes them for a blob; but never over a blob.
t_blocks_of_others() {
  local size id
  for size in 0 1000 $whole_bytes 100000 $part_bytes $((part_bytes + 1)); do
    for id in 000001 001 "$(fill 64)" "$(fill 45)"; do
      one_file "$size"
      other_blocks "$id"
      [[ -z $(azure_client list "$container") ]]
      faults '[]'
      push
      expect_code 0
      field files_uploaded 1
      remote_is
      [[ $(azure_client staged "$container" events/a.jsonl) == 0 ]]
      # And it is found to be the same.
      rm -r "$XDG_STATE_HOME"
      push
      expect_code 0
      field files_uploaded 0
      field files_unchanged 1
    done
  done
  for size in 1000 100000; do
    one_file "$size"
    other_blocks
    push --force
    expect_code 0
    remote_is
  done
}

# The other program ends its work at the last moment: a conflict.
t_blocks_of_others_and_conflict() {
  one_file 100000
  other_blocks
  echo theirs >theirs
  on_commit '["wait", 2], ["forward"]'
  (
    sleep 1
    azure_client put "$container" events/a.jsonl theirs
  ) &
  push
  wait $!
  expect_failures 6 1 'nothing was overwritten'
  azure_client get "$container" events/a.jsonl | cmp - theirs
}

# ---------------------------------------------------------------- J7: answers that do not fit

t_wrong_answer() {
  local change
  for change in '{"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}' '{"Content-MD5": "garbage"}' \
    '{"Content-MD5": null}' '{"ETag": null}' '{"Content-Length": "10"}' \
    '{"x-ms-request-id": null}'; do
    one_file
    settings '[sync]' 'retries = 0' 'timeout = 2'
    on_put "[\"forward\", {\"set\": $change}], [\"fin\"]"
    push
    not_sent 5 '' 1
    expect_within 20
  done
  for change in '200 OK' '202 Accepted' '204 No Content' '206 Partial Content'; do
    one_file
    settings '[sync]' 'retries = 0'
    on_put "[\"forward\", {\"status\": \"HTTP/1.1 $change\"}], [\"fin\"]"
    push
    not_sent 5 '' 1
  done
}

# Something that answers all requests with a page of its own, as in a hotel.
t_portal() {
  local headers
  for headers in '{"x-ms-request-id": null}' '{}'; do
    one_file
    settings '[sync]' 'retries = 1'
    on_list "[\"reply\", \"200 OK\", $headers, \"<html><body>Welcome!</body></html>\"]"
    push
    [[ $code == 5 || $code == 1 ]]
    [[ $(wc -l <err) == 1 ]]
    expect_requests 'count("PUT") == 0'
  done
  on_put "[\"read\", \"all\"], [\"reply\", \"200 OK\", {}, \"<html>Welcome!</html>\"]"
  push
  expect_failures 5 1 ''
}

# ---------------------------------------------------------------- J8: slow servers

# too_slow ACTIONS [BYTES]: the push ends by its timeout.
too_slow() {
  one_file "${2:-1000}"
  settings '[sync]' 'retries = 0' 'timeout = 2'
  on_put "$1"
  push
  not_sent 5 '' 1
  expect_within 15
}

t_silent() {
  too_slow '["silent"]'
}

t_never_reads() {
  one_file 30000000
  other_blocks
  settings '[sync]' 'retries = 0' 'timeout = 2'
  on_put '["silent"]'
  push
  not_sent 5 '' 1
  expect_within 15
}

t_never_reads_blocks() {
  one_file 30000000
  settings '[sync]' 'retries = 0' 'timeout = 2'
  on_block '["silent"]'
  push
  parts_not_sent 5 '' 8 0
  expect_within 15
}

t_silent_to_commit() {
  one_file 100000
  settings '[sync]' 'retries = 0' 'timeout = 2'
  on_commit '["silent"]'
  push
  parts_not_sent 5 '' 1 1
  expect_within 15
}

t_slow_loris() {
  too_slow "[\"read\", \"all\"], [\"drip\", \"HTTP/1.1 201 Created\\r\\nX: $(fill 90)\", 0.2]"
}

t_endless_headers() {
  too_slow '["read", "all"], ["send", "HTTP/1.1 201 Created\r\n"], ["repeat", "X: y\r\n", null]'
  too_slow '["read", "all"], ["send", "HTTP/1.1 201 Created\r\nX: "], ["repeat", "yyyyyyyy", null]'
}

t_endless_continue() {
  too_slow '["read", "all"], ["repeat", "HTTP/1.1 100 Continue\r\n\r\n", null]'
}

t_silent_list() {
  one_file
  settings '[sync]' 'retries = 0' 'timeout = 2'
  on_list '["silent"]'
  push
  expect_error 5 'sync.timeout'
  expect_within 10
}

# A remote that keeps silent does not cost every file its time-out; the next push ends the work.
t_silent_for_all() {
  new_container
  cut_files 1 200
  settings '[sync]' 'retries = 2' 'timeout = 1'
  local direct=$to
  on_put '["silent"]'
  push --jobs 8
  expect_failures 5 200 ''
  expect_within 15
  expect_requests '8 <= count("PUT") < 100'
  to=$direct
  push --jobs 8
  expect_code 0
  field files_uploaded 200
  remote_is
}

t_silent_connection() {
  one_file
  settings '[sync]' 'retries = 0' 'timeout = 2'
  faults '[{"connection": 0, "do": [["silent"]]}]'
  push
  expect_error 5
  expect_within 10
}

# Slow, but it goes on.
t_slow_but_good() {
  local slow='["read", 20000], ["wait", 1], ["read", 20000], ["wait", 1], ["forward"]'
  one_file $whole_bytes
  settings '[sync]' 'timeout = 3'
  on_put "$slow"
  push
  expect_code 0
  remote_is
  expect_requests 'count("PUT") == 1'
  one_file 2000000
  on_put "${slow//20000/500000}"
  push
  parts_sent 1 1
}

# Ctrl-C ends the push while the server says nothing.
t_interrupted() {
  one_file
  local key=$AZURITE_KEY
  settings ''
  on_put '["silent"]'
  AZURE_STORAGE_KEY=$key env --default-signal=INT \
    "$devlog" push --to "$to" --config azure.ini >out 2>err &
  local pid=$! start=$SECONDS
  within 20 grep -q Uploading out
  sleep 0.5
  kill -INT "$pid"
  code=0
  wait "$pid" || code=$?
  expect_code 130
  ((SECONDS - start <= 8))
  [[ -z $(azure_client list "$container") ]]
}

# Ctrl-C ends the waiting for a busy server too.
t_interrupted_wait() {
  one_file
  settings ''
  on_put '["read", "all"], ["reply", "503 Server Busy", {"Retry-After": "20"}]'
  AZURE_STORAGE_KEY=$AZURITE_KEY env --default-signal=INT \
    "$devlog" push --to "$to" --config azure.ini >out 2>err &
  local pid=$! start=$SECONDS
  within 20 grep -q '"PUT"' requests
  sleep 0.5
  kill -INT "$pid"
  code=0
  wait "$pid" || code=$?
  expect_code 130
  ((SECONDS - start <= 8))
}

# ---------------------------------------------------------------- J9: odd HTTP

# odd_put TEXT: this answer to an upload is a failure.
odd_put() {
  one_file
  settings '[sync]' 'retries = 0' 'timeout = 3'
  on_put "[\"read\", \"all\"], [\"send\", \"$1\"], [\"fin\"]"
  push
  [[ $code == 1 || $code == 5 ]]
  expect_failures "$code" 1 ''
  expect_within 15
}

t_odd_http() {
  local id='x-ms-request-id: 1\r\n' etag='ETag: \"1\"\r\n' end='Content-Length: 0\r\n\r\n'
  odd_put 'hello'
  odd_put '201'
  odd_put 'HTTP/1.1\r\n\r\n'
  odd_put "HTTP/1.1 2O1 Created\r\n$id$etag$end"
  odd_put "HTTP/9.9 201 Created\r\n$id$etag$end"
  odd_put "HTTP/1.1 999 What\r\n$id$end"
  odd_put "HTTP/1.1 000 What\r\n$id$end"
  odd_put "HTTP/1.1 101 Switching Protocols\r\n\r\n"
  odd_put "HTTP/1.1 201 Created\r\n$id${etag}X: a\u0000b\r\n$end"
  odd_put "HTTP/1.1 201 Created\r\n$id${etag}Content-Length: -1\r\n\r\n"
  odd_put "HTTP/1.1 201 Created\r\n$id${etag}Content-Length: 5\r\n$end"
  odd_put "HTTP/1.1 201 Created\r\n$id${etag}Content-Length: 99999999999999999999\r\n\r\n"
  odd_put "HTTP/1.1 201 Created\r\n$id${etag}Transfer-Encoding: chunked\r\n\r\nzz\r\n"
  odd_put "HTTP/1.1 201 Created\r\n$id${etag}$end"
  odd_put "SSH-2.0-OpenSSH\r\n"
}

t_giant_header() {
  one_file
  settings '[sync]' 'retries = 0'
  on_put '["read", "all"], ["send", "HTTP/1.1 201 Created\r\n"],
    ["repeat", "X-Long: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 40000],
    ["send", "Content-Length: 0\r\n\r\n"]'
  push
  expect_failures 5 1 ''
}

# The old form of an answer is a whole one all the same.
t_http_1_0() {
  one_file
  on_put '["read", "all"], ["forward", {"status": "HTTP/1.0 201 Created"}], ["fin"]'
  push
  expect_code 0
  remote_is
}

# A body that nobody asked to be packed.
t_packed() {
  one_file
  on_list '["forward", {"gzip": true}]'
  push
  [[ $code == 5 || $code == 1 ]]
  [[ $(wc -l <err) == 1 ]]
  expect_requests 'count("PUT") == 0 and "accept-encoding" not in requests[0]["headers"]'
}

# ---------------------------------------------------------------- I3: sent elsewhere

t_redirects() {
  one_file
  echo '[]' >elsewhere.json
  start_faults elsewhere.log --log elsewhere --backend "$azurite_url" elsewhere.json
  local elsewhere=http://127.0.0.1:$faults_port status target
  for status in 301 302 303 307 308; do
    for target in "$elsewhere/devstoreaccount1/$container/x" 'file:///etc/passwd' \
      'https://127.0.0.1:1/' '/devstoreaccount1/other' ''; do
      settings '[sync]' 'retries = 1'
      on_list "[\"reply\", \"$status Moved\", {\"Location\": \"$target\"}]"
      push
      expect_error 5 "$status"
      expect_requests 'len(requests) == 1'
      expect_within 5
    done
    on_put "[\"read\", \"all\"], [\"reply\", \"$status Moved\", {\"Location\": \"$elsewhere/\"}]"
    push
    not_sent 5 "$status" 1
  done
  expect_empty elsewhere
}

# ---------------------------------------------------------------- K1, K2, K3: listings

# bad_list ACTIONS: the listing fails, and nothing is written on its word.
bad_list() {
  one_file
  settings '[sync]' 'retries = 0' 'timeout = 3'
  on_list "$1"
  push
  [[ $code == 5 || $code == 1 ]]
  [[ $(wc -l <err) == 1 && $(wc -c <err) -lt 500 ]]
  expect_requests 'count("PUT") == 0'
  expect_within 15
}

t_endless_list() {
  bad_list '["send", "HTTP/1.1 200 OK\r\nx-ms-request-id: 1\r\n\r\n<EnumerationResults><Blobs>"],
    ["repeat", "<Blob><Name>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</Name></Blob>", null]'
  bad_list '["send", "HTTP/1.1 200 OK\r\nx-ms-request-id: 1\r\nContent-Length: 1000000000\r\n\r\n"],
    ["repeat", "                                                                ", null]'
}

# size_of NUMBER: the properties of a blob of so many bytes.
size_of() {
  printf '<Properties><Content-Length>%s</Content-Length></Properties>' "$1"
}

t_bad_xml() {
  local xml name='<Name>events/a.jsonl</Name>' page='<EnumerationResults><Blobs>'
  # shellcheck disable=SC2016
  for xml in '' '<' 'no XML' '<html></html>' '<EnumerationResults>' \
    "$page" "$page<Blob>$name</Blob>" \
    '<EnumerationResults></Wrong>' '<EnumerationResults><a></EnumerationResults>' \
    '<!DOCTYPE x><EnumerationResults/>' \
    '<!DOCTYPE x [<!ENTITY a \"b\">]><EnumerationResults>&a;</EnumerationResults>' \
    '<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><EnumerationResults/>' \
    '<EnumerationResults>&undefined;</EnumerationResults>' \
    '<EnumerationResults>\u0000</EnumerationResults>' \
    '<EnumerationResults>&#0;</EnumerationResults>' \
    '<EnumerationResults>\u00ff\u00fe</EnumerationResults>' \
    '<?xml version=\"1.0\" encoding=\"KOI-17\"?><EnumerationResults/>' \
    '<EnumerationResults/><EnumerationResults/>' '<EnumerationResults/>more' \
    "$page<Blob>$name</Blob></Blobs></EnumerationResults>" \
    "$page<Blob>$(size_of 1)</Blob></Blobs></EnumerationResults>" \
    "$page<Blob>$name$(size_of -1)</Blob></Blobs></EnumerationResults>" \
    "$page<Blob>$name$(size_of 9x)</Blob></Blobs></EnumerationResults>"; do
    bad_list "[\"reply\", \"200 OK\", {}, \"$xml\"]"
  done
}

t_deep_xml() {
  bad_list '["send", "HTTP/1.1 200 OK\r\nx-ms-request-id: 1\r\nConnection: close\r\n\r\n"],
    ["repeat", "<a>", 1000000], ["fin"]'
  bad_list '["send", "HTTP/1.1 200 OK\r\nx-ms-request-id: 1\r\nConnection: close\r\n\r\n<"],
    ["repeat", "aaaaaaaaaaaaaaaa", 900000], ["fin"]'
}

# A listing that was cut between two blobs, without a length, is no listing.
t_cut_list() {
  new_container
  cut_files 1 50
  settings ''
  AZURITE_ENDPOINT=$azurite_url/$AZURITE_ACCOUNT push
  expect_code 0
  rm -r "$XDG_STATE_HOME"
  settings '[sync]' 'retries = 0'
  local cut='["forward", {"set": {"Content-Length": null, "Connection": "close"}, "send": 8000}]'
  on_list "$cut, [\"fin\"]"
  push
  [[ $code == 5 || $code == 1 ]]
  expect_requests 'count("PUT") == 0'
  on_list "$cut, [\"fin\"]" '"times": 1'
  settings '[sync]' 'retries = 1'
  push
  expect_requests 'count("PUT") == 0'
}

# The second page fails once: the listing starts over, and nothing is sent twice.
t_second_page_again() {
  new_container
  cut_files 1 20
  push
  expect_code 0
  rm -r "$XDG_STATE_HOME"
  local marked='["<NextMarker ?/>", "<NextMarker>a</NextMarker>"]' failure
  for failure in '["reply", "503 Server Busy"]' '["forward", {"send": 900}], ["rst"]'; do
    rm -rf "$XDG_STATE_HOME"
    faults "[{\"target\": \"comp=list.*marker=a\", \"times\": 1, \"do\": [$failure]},
      {\"target\": \"marker=a\", \"do\": [[\"forward\"]]},
      {\"target\": \"comp=list\", \"do\": [[\"forward\", {\"body\": $marked}]]}]"
    push
    expect_code 0
    field files_unchanged 20
    field files_uploaded 0
    field files_deleted_locally 0
    expect_requests 'count("PUT") == 0 and count("GET") == 4 and count("GET", "marker=a") == 2'
    to=$AZURITE_ENDPOINT/$container
  done
}

# Metadata of other programs can make a page larger than what is taken.
t_large_page() {
  new_container
  cut_files 1 20
  push
  expect_code 0
  rm -r "$XDG_STATE_HOME"
  faults '[{"target": "comp=list.*maxresults=5000", "do": [
    ["send", "HTTP/1.1 200 OK\r\nx-ms-request-id: 1\r\nContent-Length: 20000000\r\n\r\n"],
    ["repeat", "                                                                ", null]]}]'
  push
  expect_code 0
  field files_unchanged 20
  expect_requests 'count("PUT") == 0 and count("GET", "maxresults=500") == len(requests) == 2'
}

t_repeated_marker() {
  new_container
  cut_files 1 5
  settings '[sync]' 'retries = 0'
  on_list '["forward", {"body": ["<NextMarker/>", "<NextMarker>a</NextMarker>"]}]'
  push
  [[ $code == 5 || $code == 1 ]]
  [[ $(wc -l <err) == 1 ]]
  expect_requests 'len(requests) < 10'
  expect_within 10
}

t_empty_page() {
  new_container
  cut_files 1 5
  push
  expect_code 0
  rm -r "$XDG_STATE_HOME"
  on_list '["reply", "200 OK", {},
    "<EnumerationResults><Blobs/><NextMarker>a</NextMarker></EnumerationResults>"]' '"times": 1'
  push
  expect_code 0
  field files_unchanged 5
  expect_requests 'count("GET") == 2 and "marker=a" in requests[1]["target"]'
}

# Unsorted, and everything twice.
t_repeated_names() {
  new_container
  cut_files 1 30
  push
  expect_code 0
  rm -r "$XDG_STATE_HOME"
  on_list '["forward", {"body": ["(<Blob>.*</Blob>)", "\\g<1>\\g<1>"]}]'
  push
  expect_code 0
  field files_unchanged 30
  field files_uploaded 0
  field files_deleted_locally 0
}

# Names that no key of ours has are somebody else's, and left alone.
t_strange_names_in_list() {
  one_file
  local name blobs=
  for name in ../../etc/x.md /abs.md %41.md a//b.md a/./b.md .. . / a/; do
    blobs+="<Blob><Name>$name</Name>$(size_of 1)</Blob>"
  done
  on_list "[\"forward\", {\"body\": [\"<Blobs/>\", \"<Blobs>$blobs</Blobs>\"]}]"
  push
  expect_code 0
  field files_uploaded 1
  remote_is
}

# ---------------------------------------------------------------- the clock

# minutes N: the time in N minutes, as a server writes it.
minutes() {
  LC_ALL=C date -u -d "$1 minutes" '+%a, %d %b %Y %T GMT'
}

skew() {
  local detail='Request date header too old'
  detail="<AuthenticationErrorDetail>$detail</AuthenticationErrorDetail>"
  printf '["read", "all"], ["reply", "403 Forbidden", {"Date": "%s"}, "%s"]' "$(minutes "$1")" \
    "<Error><Code>AuthenticationFailed</Code>$detail</Error>"
}

t_clock() {
  one_file
  on_list "$(skew +17)" '"times": 1'
  push
  expect_code 0
  remote_is
  # The second request, and all others, are signed with the time of the server.
  expect_requests '(lambda t: all(16 * 60 < (t(r["headers"]["x-ms-date"]) -
    t(requests[0]["headers"]["x-ms-date"])).total_seconds() < 18 * 60 for r in requests[1:]))(
    __import__("email.utils").utils.parsedate_to_datetime)'
}

t_clock_refused() {
  one_file
  on_list "$(skew +17)"
  push
  expect_error 4 'clock' 'min behind'
  grep -E -q '1[67] min behind' err
  expect_requests 'len(requests) == 2'
  on_list "$(skew -20)"
  push
  expect_error 4 'min ahead'
  expect_within 5
}

# The clock is found out by many workers at once; what they sign then is taken.
t_clock_of_workers() {
  new_container
  cut_files 1 40
  on_put '["wait", 0.3], '"$(skew +17)" '"times": 16'
  push --jobs 16
  expect_code 0
  remote_is
}

# ---------------------------------------------------------------- TLS and tokens

# secure: what faults starts from here on speaks TLS, in the name of Azurite; the arguments are
# more lines of the settings.
secure() {
  settings '[remote]' "ca_file = $certificates/ca.pem" "$@"
  to=${to/http:/https:}
}

# over_tls RULES: the fault server with a good certificate.
over_tls() {
  faults "$1" --cert "$certificates/good.pem" --key "$certificates/good.key"
}

t_cut_handshake() {
  local end
  for end in fin rst; do
    one_file
    secure '[sync]' 'retries = 1'
    over_tls "[{\"connection\": 1, \"do\": [[\"$end\"]]}]"
    push
    expect_code 0
    remote_is
    expect_requests 'len(connections) >= 2'
    one_file
    secure '[sync]' 'retries = 0'
    over_tls "[{\"connection\": 0, \"do\": [[\"$end\"]]}]"
    push
    expect_error 5 'broke'
    expect_within 5
  done
}

# with_token RULES: a push with a token, which a service at hand gives out as often as it is
# asked; the fault server plays RULES.
with_token() {
  printf '[{"do": [["reply", "200 OK", {}, "%s"]]}]' \
    '{\"access_token\": \"t0ken-c4nary\", \"expires_in\": 3600}' >token.json
  secret t0ken-c4nary
  start_faults token.log --log tokens token.json
  local endpoint=http://127.0.0.1:$faults_port/token
  over_tls "$1"
  IDENTITY_ENDPOINT=$endpoint IDENTITY_HEADER=c4nary-header key='' push
}

# A token that is refused is worth one try more of each request.
t_token_refused() {
  local refusal='["reply", "401 Unauthorized", {"x-ms-error-code": "InvalidAuthenticationInfo"}]'
  new_container
  cut_files 1 5
  secure
  with_token "[{\"do\": [[\"read\", \"all\"], $refusal]}]"
  expect_error 4
  expect_requests 'len(requests) == 2'
  expect_within 5
  new_container
  secure
  with_token "[{\"method\": \"PUT\", \"do\": [[\"read\", \"all\"], $refusal]},
    {\"do\": [[\"reply\", \"200 OK\", {}, \"<EnumerationResults><Blobs/></EnumerationResults>\"]]}]"
  expect_failures 4 5 ''
  expect_requests 'count("GET") == 1 and count("PUT") == 2 * 5'
  expect_requests 'all(r["headers"]["authorization"] == "Bearer t0ken-c4nary" for r in requests)'
}

check 'replies that are cut at every byte' t_cut_reply
check 'replies that are reset at every byte' t_reset_reply
check 'replies that are cut at every byte, TLS' t_cut_reply_tls
check 'replies to blocks that are cut at every byte' t_cut_reply_to_block
check 'replies to commits that are cut at every byte' t_cut_reply_to_commit
check 'replies to commits that are reset at every byte' t_reset_reply_to_commit
check 'commits that are cut at every byte' t_cut_commit
check 'cut replies are asked for again' t_cut_reply_again
check 'requests that are reset' t_reset_request
check 'blocks and commits that are reset' t_reset_parts
check 'half a request arrives' t_half_request
check 'half a block arrives' t_half_block
check 'a connection that is reset' t_reset_connection
check 'all connections are reset' t_reset_always
check 'connections that the server closes' t_stale_connection
check 'an answer before the upload' t_early_answer
check 'an answer before the block' t_early_answer_to_block
check 'answers to blocks that do not fit' t_wrong_answer_to_block
check 'answers to commits that do not fit' t_wrong_answer_to_commit
check 'a busy server' t_busy
check 'how long a busy server asks to wait' t_retry_after
check 'a wait that is too long' t_retry_after_for_ever
check 'a server that stays busy' t_busy_always
check 'a server that stays busy, many files' t_busy_for_all
check 'refusals' t_refused
check 'bodies of refusals' t_error_bodies
check 'a refusal that holds a signature' t_error_detail
check 'a checksum that does not match' t_md5_mismatch
check 'a bit that flips on the way' t_flipped_bit
check 'a bit of a block that flips on the way' t_flipped_bit_in_block
check 'a bit of a commit that flips on the way' t_flipped_bit_in_commit
check 'a lost answer' t_lost_answer
check 'a lost answer and no retry' t_lost_answer_no_retry
check 'a lost answer and another writer' t_lost_answer_and_conflict
check 'a lost answer that cannot be asked for' t_lost_answer_and_busy
check 'a lost answer to a commit' t_lost_answer_to_commit
check 'a lost answer to a commit and another writer' t_lost_answer_to_commit_and_conflict
check 'block lists that are none' t_bad_layout
check 'block lists that are cut' t_cut_layout
check 'block lists that lie' t_lying_layout
check 'a block list that is too large' t_large_layout
check 'staged blocks of another program' t_blocks_of_others
check 'staged blocks of another program that ends its work' t_blocks_of_others_and_conflict
check 'answers that do not fit' t_wrong_answer
check 'something that is not the service' t_portal
check 'a silent server' t_silent
check 'a server that never reads' t_never_reads
check 'a server that never reads blocks' t_never_reads_blocks
check 'a server that is silent to a commit' t_silent_to_commit
check 'a server that drips' t_slow_loris
check 'endless headers' t_endless_headers
check 'endless 100 Continue' t_endless_continue
check 'a silent listing' t_silent_list
check 'a server that is silent to all of 200 files' t_silent_for_all
check 'a silent connection' t_silent_connection
check 'a server that is slow but good' t_slow_but_good
check 'interrupted while the server is silent' t_interrupted
check 'interrupted while waiting for the next try' t_interrupted_wait
check 'odd HTTP' t_odd_http
check 'a giant header' t_giant_header
check 'HTTP/1.0' t_http_1_0
check 'a packed reply' t_packed
check 'redirects' t_redirects
check 'an endless listing' t_endless_list
check 'listings that are not XML' t_bad_xml
check 'deep and long XML' t_deep_xml
check 'a listing that is cut' t_cut_list
check 'a second page that fails once' t_second_page_again
check 'a page that is too large' t_large_page
check 'a listing that goes round in circles' t_repeated_marker
check 'an empty page' t_empty_page
check 'a listing with all names twice' t_repeated_names
check 'a listing with names of nobody' t_strange_names_in_list
check 'a clock that is 17 minutes behind' t_clock
check 'a clock that stays wrong' t_clock_refused
check 'a wrong clock and many workers' t_clock_of_workers
check 'a TLS handshake that is cut' t_cut_handshake
check 'a token that is refused' t_token_refused
check 'no secret in any output' t_no_secret
finish
