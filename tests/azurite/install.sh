#!/usr/bin/env bash
# install.sh: installs Azurite, the official emulator of Azure Storage, as package-lock.json
# pins it, into .cache/azurite (not under version control); nothing to do if it is there.
#
# Prints the script that node is to run. Needs node and npm; runs no script of any package.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${DEVLOG_AZURITE_DIR:-$(dirname "$(dirname "$here")")/.cache/azurite}

for tool in node npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "install.sh: no $tool here: apt-get install nodejs npm" >&2
    exit 1
  fi
done

# Several tests may ask at the same time.
mkdir -p "$target"
exec 9>"$target/lock"
flock 9

# The copy of package-lock.json comes last, so that it says that all the rest is there.
if ! cmp -s "$here/package-lock.json" "$target/installed.json"; then
  rm -f "$target/installed.json"
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$target"
  cd "$target"
  for try in 1 2 3; do
    if npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 9>&-; then break; fi
    if ((try == 3)); then
      echo "install.sh: npm ci failed in $target" >&2
      exit 1
    fi
  done
  cp package-lock.json installed.json
fi
echo "$target/node_modules/azurite/dist/src/blob/main.js"
