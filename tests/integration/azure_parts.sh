#!/usr/bin/env bash
# azure_parts.sh: runs test_azure_parts against Azurite, reached directly (AZURITE_ENDPOINT) and
# through a fault server (FAULTS_ENDPOINT) that cuts off the first answer to a commit of a blob
# whose name has "lost" in it.
#
# Takes the program, which prints TAP.
set -euo pipefail
# shellcheck source=tests/support/azurite.sh
source "$(dirname "${BASH_SOURCE[0]}")/../support/azurite.sh"

unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
work=$(mktemp -d "${TMPDIR:-/tmp}/devlog-parts-XXXXXX")
trap 'stop_servers; rm -rf "$work"' EXIT
start_azurite "$work/azurite.log"
cat >"$work/rules.json" <<'RULES'
[{"method": "PUT", "target": "lost.*comp=blocklist", "each": true, "times": 1,
  "do": [["forward", {"send": 40}], ["fin"]]}]
RULES
start_faults "$work/faults.log" --log "$work/requests" --backend "$azurite_url" "$work/rules.json"
export FAULTS_ENDPOINT=http://127.0.0.1:$faults_port/$AZURITE_ACCOUNT
code=0
"$1" || code=$?
exit "$code"
