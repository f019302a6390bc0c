#!/usr/bin/env bash
# azure.sh: pushes to a real server: Azurite, the official emulator of Azure Storage, over http
# and https, with rclone and a client of our own as witnesses.
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

# ---------------------------------------------------------------- the main job

# 1,000 files of 0 bytes to 300 KiB, deep ones and those with names that are hard in a URL.
make_tree() {
  "$azurite_python" - "$1" <<'PYTHON'
import os, random, sys
random.seed(7)
names = ["with space", "100%", "a#b", "what?", "a+b&c=d", "quote'\"", "%zz", "naïve", "日本語",
         "e\u0301", "emoji 😀", "semi;colon,comma", "~tilde", "[x]{y}", "$(id)", "-rf", "x" * 200,
         " leading", "trailing ", "star*"]
sizes = [0, 1, 65535, 65536, 65537, 300 * 1024]
for i in range(1000):
    folder = os.path.join(sys.argv[1], *[f"d{i % 7}"] * (i % 5 if i % 100 else 30))
    name = f"{names[i % len(names)]}-{i}" if i % 3 == 0 else f"{i:04}"
    size = sizes[i // 20 % 6] if i % 20 == 0 else int(random.expovariate(1 / 4000))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + random.choice([".jsonl", ".md", ".toml"])), "wb") as f:
        f.write(random.randbytes(min(size, 300 * 1024)))
PYTHON
}

# For rclone: the remote "azurite:", without any file of settings.
rclone() {
  env RCLONE_CONFIG=/dev/null RCLONE_CONFIG_AZURITE_TYPE=azureblob \
    RCLONE_CONFIG_AZURITE_USE_EMULATOR=true "RCLONE_CONFIG_AZURITE_ENDPOINT=$AZURITE_ENDPOINT" \
    rclone --retries 1 --low-level-retries 2 --stats 0 "$@"
}

t_tree() {
  new_container
  rmdir "$base/entries" "$base/events"
  make_tree "$base"
  push
  expect_code 0
  field files_uploaded 1000
  remote_is
  rclone check "$base" "azurite:$container"
  rclone check --download "$base" "azurite:$container"

  push
  expect_code 0
  field files_uploaded 0
  field files_unchanged 1000

  rm -r "$XDG_STATE_HOME"
  push
  expect_code 0
  field files_uploaded 0
  field bytes_sent 0
  field files_unchanged 1000

  echo more >>"$base/0001.md" && touch "$base/new.md"
  push --mode all
  expect_code 0
  field files_uploaded 2
  remote_is
}

t_text_output() {
  new_container
  echo '{}' >"$base/events/a.jsonl"
  settings ''
  AZURE_STORAGE_KEY=$AZURITE_KEY devlog_run push --to "$to" --config azure.ini
  expect_code 0
  expect_empty err
  expect_text out 'Files uploaded: 1'
  AZURE_STORAGE_KEY=$AZURITE_KEY devlog_run push --to "$to" --config azure.ini --verbose
  expect_code 0
  expect_text out 'No files needed uploading'
}

# Names that are no text, that servers resolve or that listings do not keep.
t_odd_names() {
  new_container
  settings '[sync]' 'include = *'
  local name
  for name in $'line\nbreak' $'return\r' $'tab\t' $'one\x01' $'delete\x7f' $'byte\xff' \
    $'cut\xe2\x82' 'back\slash' 'dot.' '...' 'two..' '%2F' '%41' '%4a' '%' 'a%' '%25' \
    $'nonchar\xef\xbf\xbf' $'nfd e\xcc\x81' $'nfc \xc3\xa9' "$(fill 255)" ' ' '+' 'C:' \
    $'turned\xe2\x80\xaed' $'\xef\xbb\xbfbom'; do
    mkdir -p "$base/folder $name"
    printf '%q' "$name" >"$base/events/$name"
    printf 'in %q' "$name" >"$base/folder $name/x"
  done 2>/dev/null || true
  mkdir -p "$base/back" && echo other >"$base/back/slash"
  local count
  count=$(find "$base" -type f ! -name '.*' -printf x | wc -c)
  ((count > 45))
  push
  expect_code 0
  field files_uploaded "$count"
  remote_is
  rm -r "$XDG_STATE_HOME"
  push
  expect_code 0
  field files_uploaded 0
  field files_unchanged "$count"
}

t_grown_and_changed() {
  new_container
  small_files 20
  head -c 20000000 /dev/urandom >"$base/events/big.jsonl"
  push
  expect_code 0
  remote_is
  echo '{"more":1}' >>"$base/events/big.jsonl"
  : >"$base/events/00007.jsonl"
  printf 'x' | dd of="$base/events/00009.jsonl" bs=1 seek=5 conv=notrunc status=none
  push
  expect_code 0
  field files_uploaded 3
  remote_is
  rm "$base/events/00003.jsonl"
  push --mode all
  expect_code 0
  field files_uploaded 0
  field files_deleted_locally 1
  push --force
  expect_code 0
  field files_uploaded 20
}

t_rclone_was_here() {
  new_container
  make_tree "$base"
  rclone copy "$base" "azurite:$container"
  push
  expect_code 0
  field files_uploaded 0
  field bytes_sent 0
  expect_json out "lines[-1]['files_unchanged'] == lines[-1]['files_found'] == 1000"
}

t_prefix() {
  new_container
  small_files 12
  echo other >other
  azure_client put "$container" 'host10/a.md' other
  azure_client put "$container" 'a.md' other
  to+='/host1/my%20logs'
  push
  expect_code 0
  field files_uploaded 12
  field files_deleted_locally 0
  azure_client compare "$container" "$base" 'host1/my logs/'
  rm -r "$XDG_STATE_HOME"
  to+=/
  push
  expect_code 0
  field files_uploaded 0
  field files_unchanged 12
}

t_dry_run() {
  new_container
  small_files 3
  faults '[]'
  push --dry-run
  expect_code 0
  expect_requests 'count("PUT") == 0'
  [[ -z $(azure_client list "$container") ]]
}

# What a push of nothing new asks of the remote: without a state one list, with it nothing.
t_requests() {
  new_container
  small_files 5000
  push
  expect_code 0
  field files_uploaded 5000
  rm -r "$XDG_STATE_HOME"
  faults '[]'
  push
  expect_code 0
  field files_uploaded 0
  field files_unchanged 5000
  expect_requests 'len(requests) == 1 and count("GET", "comp=list") == 1'
  : >requests
  push
  expect_code 0
  field files_unchanged 5000
  expect_requests 'len(connections) == 0'
}

# More than a page of the listing.
t_pages() {
  new_container
  small_files 5001
  push
  expect_code 0
  rm -r "$XDG_STATE_HOME"
  faults '[]'
  push
  expect_code 0
  field files_unchanged 5001
  expect_requests 'len(requests) == 2 and count("GET", "comp=list") == 2'
}

# ---------------------------------------------------------------- logging in

t_wrong_key() {
  new_container
  small_files 5
  key=$(head -c 64 /dev/urandom | base64 -w 0)
  secret "$key"
  push
  expect_error 4 'login is wrong'
  expect_within 5
  [[ -z $(azure_client list "$container") ]]
}

t_malformed_key() {
  new_container
  key='no base64 at all!'
  secret "$key"
  push
  expect_error 3 'AZURE_STORAGE_KEY'
}

t_no_login() {
  new_container
  small_files 2
  settings ''
  devlog_run push --to "$to" --config azure.ini --json
  expect_error 4 'AZURE_STORAGE_KEY'
  expect_within 5
}

t_key_file() {
  new_container
  small_files 2
  settings '[remote]' "account_key_file = $HOME/key"
  (
    umask 077
    printf '%s\n' "$AZURITE_KEY" >key
  )
  key='' push
  expect_code 0
  remote_is
  chmod 644 key
  key='' push --force
  expect_error 3 "$HOME/key" 'chmod 600'
}

t_connection_string() {
  new_container
  small_files 2
  local all="DefaultEndpointsProtocol=http;AccountName=$AZURITE_ACCOUNT;AccountKey=$AZURITE_KEY"
  all+=";BlobEndpoint=$AZURITE_ENDPOINT"
  AZURE_STORAGE_CONNECTION_STRING=$all key='' push
  expect_code 0
  remote_is
}

# with_sas SAS [ARGUMENT]...: a push that logs in by it.
with_sas() {
  secret "${1##*sig=}"
  AZURE_STORAGE_SAS_TOKEN=$1 key='' push "${@:2}"
}

t_sas() {
  new_container
  small_files 10
  local sas
  sas=$(azure_client sas "$container" racwdl)
  with_sas "$sas"
  expect_code 0
  remote_is
  echo more >>"$base/events/00001.jsonl"
  with_sas "?$sas"
  expect_code 0
  field files_uploaded 1
  remote_is
  with_sas "$(azure_client sas "$container" rcwl)" --mode all
  expect_code 0
}

t_sas_refused() {
  new_container
  small_files 2
  with_sas "$(azure_client sas "$container" racwdl 2020-01-01 2020-02-01)"
  expect_error 4 'the SAS ended at 2020-02-01'
  with_sas "$(azure_client sas "$container" rl)"
  expect_failures 4 2 'SAS'
  with_sas "$(azure_client sas other-container racwdl)"
  expect_error 4 'login is wrong'
  with_sas 'sv=2021-12-02&sig=none'
  expect_error 4
  with_sas 'no signature'
  expect_error 3 'AZURE_STORAGE_SAS_TOKEN'
  [[ -z $(azure_client list "$container") ]]
}

t_sas_in_url() {
  new_container
  small_files 1
  local sas
  sas=$(azure_client sas "$container")
  secret "${sas##*sig=}"
  to="$to?$sas"
  push
  expect_code 3
  [[ -z $(azure_client list "$container") ]]
}

t_netrc() {
  new_container
  small_files 1
  (
    umask 077
    echo 'machine 127.0.0.1 login joe password netrc-canary' >.netrc
  )
  secret netrc-canary
  faults '[]'
  settings ''
  devlog_run push --to "$to" --config azure.ini
  expect_code 4
  expect_requests 'requests and all("authorization" not in r["headers"] for r in requests)'
}

# ---------------------------------------------------------------- containers

t_no_container() {
  new_container
  small_files 3
  to=$AZURITE_ENDPOINT/not-there
  push
  expect_error 3 "'not-there'" 'az storage container create' 'remote.create'
  expect_within 5
  settings '[remote]' 'create = yes'
  push
  expect_code 0
  container=not-there
  remote_is
}

# No body is sent before the container is there: each byte goes once.
t_create_first() {
  new_container
  small_files 20
  local i
  for i in 1 2 3 4 5 6; do head -c 3000000 /dev/urandom >"$base/events/large-$i.jsonl"; done
  local bytes
  bytes=$(cat "$base"/events/* | wc -c)
  container=first-$containers
  to=$AZURITE_ENDPOINT/$container
  local direct=$to
  # Long enough for all workers to be there.
  faults '[{"method": "PUT", "target": "restype=container", "do": [["wait", 0.5], ["forward"]]}]'
  push --create --jobs 16
  expect_code 0
  expect_empty err
  remote_is
  expect_requests 'count("PUT", "restype=container") == 1'
  expect_requests "sum(r['body_bytes'] for r in requests if 'comp=blocklist' not in r['target']) == $bytes"
  # One that cannot be made: nothing is sent, and not every worker tries.
  container=second-$containers
  to=${direct%/*}/$container
  settings '[sync]' 'retries = 0'
  faults '[{"method": "PUT", "target": "restype=container",
    "do": [["wait", 0.5], ["reply", "403 Forbidden",
      {"x-ms-error-code": "AuthorizationPermissionMismatch"}]]}]'
  push --create --jobs 16 --mode all
  expect_failures 4 26 'AuthorizationPermissionMismatch'
  expect_requests 'sum(r["body_bytes"] for r in requests) == 0'
  expect_requests 'count("PUT", "restype=container") <= 5'
}

# The container is made by the first upload, by whichever worker has it, and never by a dry run.
t_create() {
  new_container
  small_files 40
  container=to-come-$containers
  to=$AZURITE_ENDPOINT/$container
  local direct=$to
  faults '[]'
  push --dry-run --create
  expect_code 0
  expect_empty err
  field files_found 40
  expect_requests 'requests and all(r["method"] == "GET" for r in requests)'
  if azure_client list "$container" >listed; then return 1; fi
  expect_text listed ContainerNotFound
  push --dry-run --create --mode all
  expect_code 0
  if azure_client list "$container" >listed; then return 1; fi
  to=$direct
  push --create --jobs 16
  expect_code 0
  expect_empty err
  field files_uploaded 40
  field files_failed 0
  remote_is
  push --create --mode all
  expect_code 0
  field files_uploaded 0
  field files_unchanged 40
}

t_wrong_names() {
  new_container
  small_files 1
  to=$AZURITE_ENDPOINT/Big_Letters
  push
  expect_error 3 CONTAINER
  to=$AZURITE_ENDPOINT
  push
  expect_error 3
}

# ---------------------------------------------------------------- somebody else writes too

t_written_meanwhile() {
  new_container
  small_files 3
  echo 'of somebody else' >theirs
  faults '[{"method": "PUT", "target": "00001", "do": [["wait", 2], ["forward"]]}]'
  (
    sleep 1
    azure_client put "$container" events/00001.jsonl theirs
  ) &
  push
  wait $!
  expect_failures 6 1 'somebody else'
  expect_proven
  azure_client get "$container" events/00001.jsonl | cmp - theirs
  push --mode all
  expect_code 0
  remote_is
}

# Other bytes of the same number, under the metadata that we wrote.
t_written_with_our_metadata() {
  new_container
  fill 1000 >"$base/events/a.jsonl"
  push
  expect_code 0
  tr '#' '+' <"$base/events/a.jsonl" >theirs
  azure_client put "$container" events/a.jsonl theirs keep
  push --mode all
  expect_code 0
  field files_uploaded 1
  remote_is
  azure_client put "$container" events/a.jsonl theirs keep
  rm -r "$XDG_STATE_HOME"
  push
  expect_code 0
  field files_uploaded 1
  remote_is
}

# push_from MACHINE: a push with a state of its own.
push_from() {
  code=0
  XDG_STATE_HOME=$PWD/$1/state AZURE_STORAGE_KEY=$AZURITE_KEY "$devlog" push --dir "$1/files" \
    --to "$to" --jobs 4 --json >"$1/out" 2>"$1/err" </dev/null || code=$?
  echo "$code" >"$1/code"
}

# Two machines push the same names at the same time: each blob is that of the one who was told
# so, and the other one was told too.
t_two_machines() {
  new_container
  local machine file
  for machine in one two; do
    mkdir -p "$machine/files/events"
    small_files 300 "$machine/files"
    for file in "$machine"/files/events/*; do echo "$machine" >>"$file"; done
  done
  # Both have the empty listing before the first of them writes.
  faults '[{"method": "PUT", "times": 8, "do": [["wait", 2], ["forward"]]}]'
  local pids=()
  push_from one & pids+=("$!")
  push_from two & pids+=("$!")
  wait "${pids[@]}"
  cat ./*/out ./*/err >>"$captured"
  grep -x -E '0|6' one/code
  grep -x -E '0|6' two/code
  "$azurite_python" - <<'PYTHON'
import json
done = [{entry["path"] for entry in map(json.loads, open(f"{machine}/out", encoding="utf-8"))
         if entry["event"] == "file_upload_complete"} for machine in ("one", "two")]
assert not done[0] & done[1], "both were told that it is theirs"
assert len(done[0] | done[1]) == 300, "nobody has it"
PYTHON
  # Each has what it was told.
  azure_client proven "$container" one/files one/out
  azure_client proven "$container" two/files two/out
}

# Killed at any moment, the push leaves nothing torn, and the next one ends the work.
t_killed() {
  new_container
  small_files 400
  head -c 3000000 /dev/urandom >"$base/events/big.jsonl"
  settings ''
  local round pid
  for round in {1..10}; do
    AZURE_STORAGE_KEY=$AZURITE_KEY "$devlog" push --to "$to" --config azure.ini --quiet --jobs 4 &
    pid=$!
    sleep "0.$((RANDOM % 20 + 2))"
    kill -KILL "$pid" || true
    wait "$pid" || true
    echo "$round" >>"$base/events/big.jsonl"
  done
  push
  expect_code 0
  remote_is
  rm -r "$XDG_STATE_HOME"
  push
  expect_code 0
  field files_uploaded 0
}

t_ipv6() {
  [[ -e /proc/net/if_inet6 ]] || skip 'no IPv6'
  start_azurite azurite6.log --blobHost ::1
  new_container
  small_files 3
  push
  expect_code 0
  remote_is
}

# ---------------------------------------------------------------- the server goes away

has_begun() {
  [[ -e out && $(wc -l <out) -gt 200 ]]
}

# The server ends in the middle; what was pushed until then is lost with it.
t_server_killed() {
  start_azurite azurite.log
  local port=${azurite_url##*:} pid=$azurite_pid
  new_container
  small_files 3000
  settings '[sync]' 'retries = 2' 'timeout = 5'
  (
    within 60 has_begun
    stop_server "$pid"
  ) &
  push --jobs 4
  wait $!
  [[ $code == 5 || $code == 1 ]]
  expect_within 60
  expect_json out "lines[-1]['files_uploaded'] > 0 and lines[-1]['files_failed'] > 0"
  expect_json out "all(e['retryable'] for e in lines[-1]['errors'])"

  push
  expect_code 5
  expect_within 30

  azurite_port=$port start_azurite azurite2.log
  azure_client create "$container"
  push --mode all
  expect_code 0
  remote_is
}

t_nobody_listens() {
  new_container
  small_files 3
  settings '[sync]' 'retries = 1'
  to=http://127.0.0.1:1/devstoreaccount1/logs
  push
  expect_error 5
  expect_within 10
  to=https://nobody.invalid/logs
  push
  expect_error 5
  expect_within 20
}

# ---------------------------------------------------------------- TLS

# tls NAME: Azurite with that certificate; $to is a container of it.
tls() {
  start_azurite azurite-tls.log --cert "$certificates/$1.pem" --key "$certificates/$1.key"
  to=$AZURITE_ENDPOINT/logs
}

t_https() {
  tls good
  export AZURITE_CA=$certificates/ca.pem
  container=logs
  azure_client create logs
  small_files 200
  head -c 5000000 /dev/urandom >"$base/events/big.jsonl"
  settings '[remote]' "ca_file = $certificates/ca.pem"
  push
  expect_code 0
  field files_uploaded 201
  remote_is
  push
  field files_unchanged 201
  to=${to/127.0.0.1/localhost}
  push
  expect_code 0
  field files_uploaded 0
  field files_unchanged 201
}

# The same tree as over http, with rclone as a witness that looks at it over https too.
t_tree_https() {
  tls good
  export AZURITE_CA=$certificates/ca.pem
  container=logs
  azure_client create logs
  rmdir "$base/entries" "$base/events"
  make_tree "$base"
  settings '[remote]' "ca_file = $certificates/ca.pem"
  push
  expect_code 0
  field files_uploaded 1000
  remote_is
  rclone --ca-cert "$certificates/ca.pem" check "$base" azurite:logs
  rclone --ca-cert "$certificates/ca.pem" check --download "$base" azurite:logs
  # It would have noticed.
  echo more >>"$base/0001.md"
  if rclone --ca-cert "$certificates/ca.pem" check "$base" azurite:logs; then return 1; fi
}

# refused TEXT...: the server is not trusted: one line of reason, soon, and without a retry.
refused() {
  push
  expect_error 5 "$@"
  expect_within 5
}

t_untrusted() {
  small_files 2
  settings '[remote]' "ca_file = $certificates/ca.pem"
  local name
  for name in expired future other self; do
    tls "$name"
    refused certificate
    stop_server "$azurite_pid"
  done
}

t_unknown_ca() {
  small_files 2
  tls good
  refused certificate
}

# in_other_system COMMAND...: COMMAND, with the system's certificates replaced by the folder system.
in_other_system() {
  # shellcheck disable=SC2016 # for the inner shell
  unshare "${unshare[@]}" sh -c 'mount --bind "$0" /etc/ssl/certs && exec "$@"' "$PWD/system" "$@"
}

# A CA that the system trusts is not trusted beside a ca_file.
t_ca_file_only() {
  unshare=(-m)
  (($(id -u) == 0)) || unshare=(-r -m)
  mkdir system
  cp "$certificates/ca.pem" system/ours.pem
  cp "$certificates/self.pem" system/ca-certificates.crt
  openssl rehash system
  in_other_system test -e /etc/ssl/certs/ours.pem || skip 'no mount namespaces'
  small_files 2
  tls good
  export AZURITE_CA=$certificates/ca.pem
  container=logs
  azure_client create logs
  export -f in_other_system
  printf '#!/usr/bin/env bash\nunshare=(%s)\ncd %q\nin_other_system %q "$@"\n' \
    "${unshare[*]}" "$PWD" "$devlog" >other-system
  chmod +x other-system
  devlog=$PWD/other-system
  # With the system's certificates alone it is trusted: else this shows nothing.
  settings ''
  push
  [[ $code == 0 ]] || skip 'libcurl takes its certificates from elsewhere'
  field files_uploaded 2
  settings '[remote]' "ca_file = $certificates/self.pem"
  push --mode all
  expect_error 5 certificate
  settings '[remote]' "ca_file = $certificates/ca.pem"
  push --mode all
  expect_code 0
}

t_wrong_ca_file() {
  small_files 2
  tls good
  settings '[remote]' "ca_file = $HOME/not-there.pem"
  push
  expect_error 3 "$HOME/not-there.pem"
  echo 'no certificate' >garbage.pem
  settings '[remote]' "ca_file = $HOME/garbage.pem"
  push
  expect_error 3 "$HOME/garbage.pem"
}

t_http_behind_https() {
  new_container
  small_files 2
  to=${to/http:/https:}
  refused
}

t_https_behind_http() {
  small_files 2
  tls good
  to=${to/https:/http:}
  settings '[sync]' 'retries = 1'
  push
  expect_error 5
  expect_within 10
}

t_plain_http() {
  small_files 2
  to=http://192.0.2.1/devstoreaccount1/logs
  push
  expect_error 3 https
  expect_within 2
  to=http://localhost.example.org/logs
  push
  expect_error 3 https
}

# ---------------------------------------------------------------- proxies

# What a proxy sees of an https remote is the name of the host.
t_proxy() {
  small_files 3
  tls good
  export AZURITE_CA=$certificates/ca.pem
  azure_client create logs
  settings '[remote]' "ca_file = $certificates/ca.pem"
  : >requests
  printf '[{"method": "CONNECT", "do": [["tunnel"]]}]' >rules.json
  start_faults faults.log --log requests --backend "$azurite_url" rules.json
  https_proxy=http://127.0.0.1:$faults_port push
  expect_code 0
  container=logs
  remote_is
  expect_requests 'all(r["method"] == "CONNECT" and "authorization" not in r["headers"]
    and "devstoreaccount1" not in str(r) for r in requests)'
}

t_proxy_refuses() {
  small_files 3
  tls good
  settings '[remote]' "ca_file = $certificates/ca.pem" '[sync]' 'retries = 1'
  : >requests
  printf '[{"do": [["send", "%s"], ["fin"]]}]' \
    'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n' >rules.json
  start_faults faults.log --log requests rules.json
  https_proxy=http://127.0.0.1:$faults_port push
  expect_error 5 proxy
  expect_within 10
  expect_requests 'requests and all("authorization" not in r["headers"] for r in requests)'
}

# A proxy never sees what goes to the emulator by plain http.
t_proxy_and_loopback() {
  new_container
  small_files 3
  : >requests
  echo '[]' >rules.json
  start_faults faults.log --log requests rules.json
  http_proxy=http://127.0.0.1:$faults_port all_proxy=http://127.0.0.1:$faults_port push
  expect_requests 'all("authorization" not in r["headers"] for r in requests)'
  expect_code 0
  remote_is
}

check 'a tree of 1,000 files, seen by rclone too' t_tree
check 'text output' t_text_output
check 'odd names' t_odd_names
check 'files that grew, shrank and changed' t_grown_and_changed
check 'files that rclone has pushed' t_rclone_was_here
check 'a prefix' t_prefix
check 'a dry run writes nothing' t_dry_run
check 'requests of a push of nothing new: 5,000 files' t_requests
check 'a listing of two pages' t_pages
check 'a wrong key' t_wrong_key
check 'a key that is none' t_malformed_key
check 'no login' t_no_login
check 'a key file' t_key_file
check 'a connection string' t_connection_string
check 'a SAS' t_sas
check 'a SAS that is refused' t_sas_refused
check 'a SAS in the URL' t_sas_in_url
check '.netrc is not used' t_netrc
check 'no container' t_no_container
check 'a container that is made before anything is sent' t_create_first
check 'a container that is made, but not by a dry run' t_create
check 'names that cannot be' t_wrong_names
check 'somebody else writes meanwhile' t_written_meanwhile
check "somebody else's bytes under our metadata" t_written_with_our_metadata
check 'two machines at the same time' t_two_machines
check 'killed at random moments' t_killed
check 'IPv6' t_ipv6
check 'the server is killed' t_server_killed
check 'nobody listens' t_nobody_listens
check 'https with a CA of its own' t_https
check 'a tree of 1,000 files over https, seen by rclone too' t_tree_https
check 'certificates that are wrong' t_untrusted
check 'a CA that is not known' t_unknown_ca
check "a CA file instead of the system's certificates" t_ca_file_only
check 'a CA file that is none' t_wrong_ca_file
check 'https to a plain http server' t_http_behind_https
check 'http to a server of https' t_https_behind_http
check 'plain http to another machine' t_plain_http
check 'a proxy' t_proxy
check 'a proxy that refuses' t_proxy_refuses
check 'no proxy for the emulator' t_proxy_and_loopback
check 'no secret in any output' t_no_secret
finish
