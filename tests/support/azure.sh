# shellcheck shell=bash
# azure.sh: what the shell tests that push to Azurite share. Source it after lib.sh; the program
# is in $devlog. It starts one Azurite for the whole script, and looks for secrets in everything
# that the program printed or kept.
#
# shellcheck disable=SC2154 # what lib.sh and the script set

# shellcheck source=tests/support/azurite.sh
source "$(dirname "${BASH_SOURCE[0]}")/azurite.sh"

unset "${!AZURE_@}" "${!RCLONE_@}" IDENTITY_ENDPOINT IDENTITY_HEADER
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY

work=$(mktemp -d "${TMPDIR:-/tmp}/devlog-azure-XXXXXX")
trap 'stop_servers; rm -rf "$work"' EXIT
captured=$work/captured
: >"$captured"
secrets=$work/secrets
: >"$secrets"
start_azurite "$work/azurite.log"
containers=0

# new_container: makes a container of its own for a test; sets $container and $to, its URL.
new_container() {
  container=test-$tests-$((containers += 1))
  azure_client create "$container"
  to=$AZURITE_ENDPOINT/$container
}

# settings [LINE]...: writes the config file that push uses.
settings() {
  printf '%s\n' "$@" >azure.ini
}

# secret TEXT: one more text that must not be shown.
secret() {
  printf '%s\n' "$1" >>"$secrets"
}

# devlog_run ARGUMENT...: the program; $took is how many seconds it took.
devlog_run() {
  local start=$EPOCHREALTIME
  run timeout -k 1 120 "$devlog" "$@"
  took=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000000))
  cat out err >>"$captured"
  find "$XDG_STATE_HOME" -type f -exec cat {} + >>"$captured" 2>/dev/null || true
}

# push ARGUMENT...: a push to $to, with the key unless $key is set to something else.
push() {
  [[ -e azure.ini ]] || settings ''
  AZURE_STORAGE_KEY=${key-$AZURITE_KEY} devlog_run push --to "$to" --config azure.ini --json "$@"
}

# field NAME VALUE: the result says so.
field() {
  expect_json out "lines[-1]['$1'] == $2"
}

# remote_is: the container holds the files of the folder, byte for byte, and no others.
remote_is() {
  azure_client compare "$container" "$base"
}

# expect_proven: whatever the push called uploaded is there, byte for byte.
expect_proven() {
  azure_client proven "$container" "$base" out
}

# expect_error CODE TEXT...: the push as a whole failed with this exit code and one line of
# reason, in which the texts stand.
expect_error() {
  expect_code "$1"
  [[ $(wc -l <err) == 1 ]]
  shift
  local text
  for text; do expect_text err "$text"; done
}

# expect_failures CODE N TEXT: N files failed, for this reason, each with a message of one line.
expect_failures() {
  expect_code "$1"
  field files_failed "$2"
  [[ $(wc -l <err) == 1 ]]
  [[ $3 != *\"* ]]
  expect_json out "[\"$3\" in e['message'] for e in lines[-1]['errors']] == [True] * $2"
  expect_json out "all(len(e['message'].splitlines()) == 1 for e in lines[-1]['errors'])"
  expect_json out "all(len(e['message']) < 400 for e in lines[-1]['errors'])"
}

# expect_within SECONDS: the last run took no longer.
expect_within() {
  ((took <= $1)) || {
    echo "took $took s instead of at most $1 s"
    return 1
  }
}

# small_files N [FOLDER]: N small files of different content.
small_files() {
  "$azurite_python" - "${2-$base}/events" "$1" <<'PYTHON'
import sys
for i in range(int(sys.argv[2])):
    with open(f"{sys.argv[1]}/{i:05}.jsonl", "w", encoding="utf-8") as file:
        file.write(f'{{"n":{i}}}\n' * (i % 40))
PYTHON
}

# faults RULES [OPTION]...: the fault server in front of Azurite, playing RULES; $to then goes
# through it, and its log is the file requests.
faults() {
  printf '%s' "$1" >rules.json
  shift
  : >requests
  start_faults faults.log --log requests --backend "$azurite_url" "$@" rules.json
  local path=${to#*://*/}
  to=${to%%:*}://127.0.0.1:$faults_port/$path
}

# expect_requests EXPRESSION: holds for the requests that the fault server saw, `requests`, and
# the connections, `connections`; each with the members of its log.
expect_requests() {
  "$azurite_python" -c '
import json, sys
seen = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
requests = [entry for entry in seen if entry["event"] == "request"]
connections = [entry for entry in seen if entry["event"] == "connection"]
count = lambda method, text="": sum(r["method"] == method and text in r["target"] for r in requests)
assert eval("(" + sys.argv[2] + ")"), "does not hold: %s\n%s" % (
    sys.argv[2], "\n".join(f"""{r["method"]} {r["target"]} {r["body_bytes"]}""" for r in requests))
' requests "$1"
}

# The last test of a script: the whole output of all pushes, and all that they kept.
t_no_secret() {
  [[ -s $captured ]]
  local more
  mapfile -t more <"$secrets"
  azure_client leaks "$captured" "${more[@]}"
  # It would have noticed.
  local form
  for form in "$AZURITE_KEY" "${AZURITE_KEY:0:30}" "${AZURITE_KEY//\//%2F}" \
    "$(base64 -d <<<"$AZURITE_KEY" | od -An -tx1 | tr -d ' \n')"; do
    (
      cat "$captured"
      printf 'x%s' "$form"
    ) >planted
    if azure_client leaks planted; then return 1; fi
  done
}
