#!/usr/bin/env bash
# init_azure.sh: `devlog init` and `devlog status --remote` against Azurite, the official emulator of
# Azure Storage: good and bad logins, containers that are there and not.
#
# Takes the program; prints TAP.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
# shellcheck source=tests/support/azure.sh
source "$here/../support/azure.sh"

init() {
  AZURE_STORAGE_KEY=${key-$AZURITE_KEY} devlog_run init "$@"
}

status() {
  AZURE_STORAGE_KEY=${key-$AZURITE_KEY} devlog_run status --remote
}

t_good_key() {
  new_container
  init "$to"
  expect_code 0
  expect_empty err
  expect_text out 'answers; nothing is there yet'
  AZURE_STORAGE_KEY=$AZURITE_KEY devlog_run push --quiet
  expect_code 0
  remote_is
  status
  expect_code 0
  expect_text out 'To push:     nothing'
  init "$to" --config again.ini
  expect_code 0
  expect_text out 'answers; it has files already'
}

t_bad_key() {
  new_container
  local key=bm90IHRoZSBrZXk=
  init "$to"
  expect_code 4
  expect_text err 'devlog: the remote cannot be used yet: refused (AuthorizationFailure); the login is wrong'
  expect_text err 'the login is taken from AZURE_STORAGE_KEY'
  expect_text err "$base/config.ini is kept"
  [[ -f $base/config.ini && $(wc -l <err) == 3 ]]
  status
  expect_code 4
  key=$AZURITE_KEY
  status
  expect_code 0
  expect_text out '  new      config.ini'
}

t_no_key() {
  new_container
  local key=
  init "$to"
  expect_code 4
  expect_text err 'no login was found'
  expect_text err 'AZURE_STORAGE_KEY'
}

t_no_container() {
  new_container
  init "$to-missing"
  expect_code 3
  expect_text err 'there is no container'
  expect_text err "set create = yes in $base/config.ini, or push once with --create"
  [[ -f $base/config.ini ]]
}

t_create() {
  new_container
  to+=-made
  container+=-made
  init "$to" --create
  expect_code 0
  expect_text out 'answers; nothing is there yet'
  AZURE_STORAGE_KEY=$AZURITE_KEY devlog_run push --quiet
  expect_code 0
  remote_is
}

t_key_file() {
  new_container
  printf '%s\n' "$AZURITE_KEY" >account.key
  chmod 600 account.key
  local key=
  init "$to"
  expect_code 4
  sed -i "s|^#account_key_file = .*|account_key_file = $HOME/account.key|" "$base/config.ini"
  status
  expect_code 0
}

# A service that accepts and says nothing: the trial ends.
t_silent() {
  new_container
  faults '[{"target": "comp=list", "do": [["silent"]]}]'
  init "$to"
  expect_code 5
  expect_within 30
  expect_text err "$base/config.ini is kept"
}

check 'a good key' t_good_key
check 'a bad key' t_bad_key
check 'no key' t_no_key
check 'no container' t_no_container
check 'a container to be made' t_create
check 'a key in a file' t_key_file
check 'a service that says nothing' t_silent
check 'no secret was shown or kept' t_no_secret
finish
