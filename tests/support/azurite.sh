#!/usr/bin/env bash
# azurite.sh: Azurite and the fault server as processes of a test, and certificates for them.
#
# Sourced, it gives the functions below. Run as `azurite.sh COMMAND...`, it starts Azurite, runs
# COMMAND with AZURITE_ENDPOINT, AZURITE_ACCOUNT and AZURITE_KEY in its environment, and ends
# with its exit code. A server ends with the shell that started it, however that ends.
set -euo pipefail

azurite_support=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
azurite_python=$(python3 -c 'import sys; print(sys.executable)')

# The account that is built into Azurite; its key is in Microsoft's documentation.
export AZURITE_ACCOUNT=devstoreaccount1
export AZURITE_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
unset AZURITE_ACCOUNTS AZURITE_DB
azurite_pids=()

# start_server LOG PATTERN COMMAND...: runs COMMAND in the background and waits for the line of its
# output, which goes to the file LOG, that matches the regular expression PATTERN. Sets server_pid
# and server_found, the first group of it. At most 60 s.
start_server() {
  local log=$1 pattern=$2 line end=$((SECONDS + 60))
  shift 2
  : >"$log"
  # The signal reaches it even if this shell is killed.
  setpriv --pdeathsig KILL "$@" >"$log" 2>&1 </dev/null &
  server_pid=$!
  azurite_pids+=("$server_pid")
  while ((SECONDS < end)) && kill -0 "$server_pid" 2>/dev/null; do
    while IFS= read -r line; do
      if [[ $line =~ $pattern ]]; then
        server_found=${BASH_REMATCH[1]}
        return
      fi
    done <"$log"
    sleep 0.02
  done
  echo "no server: $*" >&2
  cat "$log" >&2
  stop_server "$server_pid"
  return 1
}

# stop_server PID: ends a server at once, and returns when it has ended.
stop_server() {
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

stop_servers() {
  local pid
  for pid in "${azurite_pids[@]}"; do stop_server "$pid"; done
  azurite_pids=()
}

# start_azurite LOG [OPTION]...: Azurite on a free port of this machine (or azurite_port, if it is
# set), everything in memory.
# Sets azurite_pid and azurite_url (http://127.0.0.1:PORT; https with --cert FILE --key FILE).
start_azurite() {
  local log=$1 script
  shift
  script=$("$azurite_support/../azurite/install.sh")
  start_server "$log" 'successfully listens on (.*)$' \
    node "$script" --blobHost 127.0.0.1 --blobPort "${azurite_port:-0}" --inMemoryPersistence \
    --disableTelemetry --silent "$@"
  # shellcheck disable=SC2034 # for the tests
  azurite_pid=$server_pid azurite_url=$server_found
  export AZURITE_ENDPOINT=$server_found/$AZURITE_ACCOUNT
}

# start_faults LOG [OPTION]...: the fault server (tests/fault/server.py) on a free port.
# Sets faults_pid and faults_port.
start_faults() {
  local log=$1
  shift
  start_server "$log" '^port ([0-9]+)$' \
    "$azurite_python" -B "$azurite_support/../fault/server.py" "$@"
  # shellcheck disable=SC2034 # for the tests
  faults_pid=$server_pid faults_port=$server_found
}

# azure_client COMMAND...: tests/support/azure_client.py, a client that shares no code with ours.
azure_client() {
  "$azurite_python" -B "$azurite_support/azure_client.py" "$@"
}

# sign_certificate FOLDER NAME FROM TO ALTNAME: NAME.pem and NAME.key, by the CA in FOLDER.
sign_certificate() {
  local folder=$1 name=$2
  printf 'subjectAltName = %s\n' "$5" >"$folder/$name.ext"
  openssl req -config "$folder/openssl.cnf" -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
    -nodes -subj "/CN=devlog test $name" -keyout "$folder/$name.key" -out "$folder/$name.csr"
  openssl ca -config "$folder/openssl.cnf" -batch -notext -in "$folder/$name.csr" \
    -startdate "$3" -enddate "$4" -extfile "$folder/$name.ext" -out "$folder/$name.pem"
}

# make_certificates FOLDER: a CA of its own (ca.pem), and for 127.0.0.1 and localhost a good
# certificate, one that is expired, one not valid yet, one for another host, one self-signed.
make_certificates() {
  local folder=$1 here='IP:127.0.0.1, DNS:localhost' year
  year=$(date -u +%Y)
  mkdir -p "$folder"
  cat >"$folder/openssl.cnf" <<CONFIG
[req]
distinguished_name = name
[name]
[ca_extensions]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[self_extensions]
subjectAltName = $here
[ca]
default_ca = own
[own]
dir = $folder
database = $folder/database
new_certs_dir = $folder
certificate = $folder/ca.pem
private_key = $folder/ca.key
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CONFIG
  : >"$folder/database"
  local new=(openssl req -config "$folder/openssl.cnf" -x509 -newkey ec
    -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30)
  (
    "${new[@]}" -subj '/CN=devlog test CA' -extensions ca_extensions \
      -keyout "$folder/ca.key" -out "$folder/ca.pem"
    "${new[@]}" -subj '/CN=devlog test self' -extensions self_extensions \
      -keyout "$folder/self.key" -out "$folder/self.pem"
    sign_certificate "$folder" good "$((year - 1))0101000000Z" "$((year + 2))0101000000Z" "$here"
    sign_certificate "$folder" expired 20200101000000Z 20200201000000Z "$here"
    sign_certificate "$folder" future "$((year + 1))0601000000Z" "$((year + 2))0101000000Z" "$here"
    sign_certificate "$folder" other "$((year - 1))0101000000Z" "$((year + 2))0101000000Z" \
      'DNS:other.example'
  ) >"$folder/log" 2>&1 || {
    cat "$folder/log" >&2
    return 1
  }
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  folder=$(mktemp -d "${TMPDIR:-/tmp}/devlog-azurite-XXXXXX")
  trap 'stop_servers; rm -rf "$folder"' EXIT
  start_azurite "$folder/log"
  code=0
  "$@" || code=$?
  exit "$code"
fi
