#!/usr/bin/env bash
# pull.sh: `devlog pull` and `devlog verify`: what was pushed comes back, byte for byte, from a
# folder and from Azurite; nothing that a remote lists is written outside of the folder.
#
# Takes the program; prints TAP.
#
# shellcheck disable=SC2016,SC2119
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
# shellcheck source=tests/support/azure.sh
source "$here/../support/azure.sh"

# pull ARGUMENT...: a pull from $to, and verify the same for a verify.
pull() {
  [[ -e azure.ini ]] || settings ''
  AZURE_STORAGE_KEY=${key-$AZURITE_KEY} devlog_run pull --from "$to" --config azure.ini "$@"
}

verify() {
  [[ -e azure.ini ]] || settings ''
  AZURE_STORAGE_KEY=${key-$AZURITE_KEY} devlog_run verify --to "$to" --config azure.ini "$@"
}

# Files with hard names and sizes, and times of last change that are not now.
make_tree() {
  "$azurite_python" - "$1" <<'PYTHON'
import os, random, sys
random.seed(11)
names = ["with space", "100%", "a#b", "what?", "a+b&c=d", "quote'\"", "%zz", "naïve", "日本語",
         "e\u0301", "emoji 😀", "semi;colon,comma", "~tilde", "[x]{y}", "$(id)", "-rf", "x" * 200,
         " leading", "trailing ", "star*", "new\nline", "back\\slash", "dot.", "%41", "..."]
sizes = [0, 1, 65535, 65536, 65537, 300 * 1024]
for i in range(120):
    folder = os.path.join(sys.argv[1], *[f"d{i % 7}"] * (i % 5 if i % 40 else 30))
    name = f"{names[i % len(names)]}-{i}" if i % 3 else f"{i:04}"
    if name[0] == ".":
        name = "x" + name
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name + random.choice([".jsonl", ".md", ".toml"]))
    with open(path, "wb") as f:
        f.write(random.randbytes(sizes[i % 6] if i % 4 == 0 else random.randrange(3000)))
    os.utime(path, ns=(0, 10**18 + i * 1000003))
with open(os.path.join(sys.argv[1], "large.jsonl"), "wb") as f:
    f.write(random.randbytes(20 * 1024 * 1024))
with open(os.path.join(sys.argv[1], b"bytes-\xff\xfe.md" if len(sys.argv) > 2 else "last.md"), "wb") as f:
    f.write(b"last")
PYTHON
}

# same_times FOLDER FOLDER: each file has the same time of last change in both.
same_times() {
  (cd "$1" && find . -type f -printf '%p %T@\n' | sort) >times1
  (cd "$2" && find . -type f -printf '%p %T@\n' | sort) >times2
  cmp times1 times2
}

# round_trip: push, wipe, pull, compare; and again with nothing to do.
round_trip() {
  rmdir "$base/entries" "$base/events"
  make_tree "$base"
  push
  expect_code 0
  mv "$base" before
  pull
  expect_code 0
  diff -r before "$base"
  same_times before "$base"
  [[ $(stat -c %a "$base") == 700 ]]
  if find "$base" -name '.devlog-*' | grep .; then return 1; fi

  pull --json
  expect_code 0
  field files_downloaded 0
  field bytes_received 0
  field files_unchanged 122
  verify
  expect_code 0
  verify --download --json
  expect_code 0
  field files_equal 122
  push
  expect_code 0
  field files_uploaded 0
  field bytes_sent 0
}

t_folder() {
  to=$url
  settings ''
  round_trip
  diff -r "$remote" "$base"
}

t_azurite() {
  new_container
  round_trip
}

# A log that has grown elsewhere costs what is new.
grown() {
  head -c 9000000 /dev/urandom >"$base/events/a.jsonl"
  push
  expect_code 0
  cp -r "$base" other
  echo '{"more":1}' >>"$base/events/a.jsonl"
  push
  expect_code 0
  pull --dir other --json
  expect_code 0
  field files_downloaded 1
  field bytes_received 11
  cmp "$base/events/a.jsonl" other/events/a.jsonl

  # One byte in the first segment.
  printf X | dd of=other/events/a.jsonl bs=1 seek=5 conv=notrunc status=none
  pull --dir other --json
  expect_code 6
  field bytes_received 0
  verify --dir other --json
  expect_code 1
  expect_json out '[(d["kind"], d["path"]) for d in lines[-1]["differences"]] == [
    ("content", "events/a.jsonl")]'
  cp other/events/a.jsonl mine
  pull --dir other --json --force
  expect_code 0
  field files_kept 1
  field bytes_received $((4 << 20))
  cmp "$base/events/a.jsonl" other/events/a.jsonl
  cmp mine other/events/a.jsonl.orig
}

t_grown_folder() {
  to=$url
  settings ''
  grown
}

t_grown_azurite() {
  new_container
  grown
}

# blob NAME [SIZE]: an entry of a listing.
blob() {
  printf '<Blob><Name>%s</Name><Properties><Content-Length>%s</Content-Length>' "$1" "${2-5}"
  printf '<Etag>0x1</Etag></Properties></Blob>'
}

# listing BLOBS: the fault server lists these instead.
listing() {
  faults "$("$azurite_python" -c '
import json, sys
print(json.dumps([{"method": "GET", "target": "comp=list", "do": [["forward", {
    "body": ["<Blobs.*</Blobs>|<Blobs */>",
             "<Blobs>" + sys.argv[1].replace("\\", r"\\") + "</Blobs>"]}]]}]))' "$1")"
}

t_hostile() {
  new_container
  printf good >"$base/good.md"
  mkdir "$base/link" && printf inside >"$base/link/inside.md"
  push
  expect_code 0
  # What is here stands in the way of what is there.
  rm -r "$base" && mkdir -p "$base/dir.md" outside && ln -s "$HOME/outside" "$base/link"
  ln -s "$HOME/outside/target" "$base/link.md"
  printf file >"$base/file.md"
  cp -r outside outside.before
  local names=(../escaped.md /abs.md a//b.md ./dot.md a/../../up.md '..\up.md' a/.. .. . dir.md
    file.md/below.md link.md link/inside.md 'tab&#9;..&#9;/x.md')
  listing "$(for name in "${names[@]}"; do blob "$name"; done; blob good.md 4;
    printf '<Blob><Name Encoded="true">%s</Name><Properties><Content-Length>5</Content-Length>%s' \
      '..%2Fencoded.md' '</Properties></Blob>')"
  find . -path ./.devlog -prune -o -printf '%p %T@\n' | grep -v -e requests -e log | sort >before
  pull
  expect_code 1
  for name in ../escaped.md /abs.md a//b.md ./dot.md a/../../up.md '..\\up.md' a/.. dir.md \
    file.md/below.md link.md link/inside.md ../encoded.md; do
    expect_text out "  ❌ $name: "
  done
  expect_text out 'Files downloaded: 1'
  [[ $(<"$base/good.md") == good ]]
  diff -r outside outside.before
  [[ -L $base/link && -d $base/dir.md && $(<"$base/file.md") == file && ! -e escaped.md ]]
  [[ $(find "$base" -type f | sort | tr '\n' ' ') == "$base/file.md $base/good.md " ]]
  if find / -xdev -maxdepth 2 -name abs.md | grep .; then return 1; fi
  find . -maxdepth 1 -name '*.md' >found
  expect_empty found
}

# What comes is not what the listing promised: nothing gets a name.
t_damaged() {
  new_container
  printf 'the content' >"$base/a.md"
  push
  expect_code 0
  rm "$base/a.md"
  faults '[{"method": "GET", "target": "a\\.md", "do": [["forward", {"body": ["content", "CONTENT"],
    "set": {"Content-MD5": null}}]]}]'
  pull
  expect_code 1
  expect_text out 'a.md: what came is not what the remote says of the object'
  [[ $(find "$base" -type f) == '' ]]
}

t_lying_size() {
  new_container
  printf 'the content' >"$base/a.md"
  push
  expect_code 0
  rm "$base/a.md"
  listing "$(blob a.md 7)"
  pull
  expect_code 0 # the second try asks the object itself
  [[ $(<"$base/a.md") == 'the content' ]]
}

t_gone() {
  new_container
  printf 'the content' >"$base/a.md"
  push
  expect_code 0
  rm "$base/a.md"
  listing "$(blob a.md 11)$(blob never.md 3)"
  pull
  expect_code 1
  expect_text out 'never.md: was deleted at the remote while it was pulled'
  [[ $(<"$base/a.md") == 'the content' && ! -e $base/never.md ]]
}

# ---------------------------------------------------------------- what is said

# small: three files at the remote and none in the folder.
small() {
  to=$url
  settings ''
  printf 'entry\n' >"$base/entries/20250911.md"
  fill 89 >"$base/events/20250911.jsonl"
  : >"$base/notes.toml"
  push
  expect_code 0
  rm -r "$base"
}

t_text() {
  small
  pull --jobs 1 --dry-run
  expect_code 0
  expect_golden out pull-dry-run
  [[ ! -e $base ]]
  pull --jobs 1
  expect_code 0
  expect_golden out pull-first
  expect_empty err
  pull
  expect_golden out pull-nothing
  verify
  expect_code 0
  expect_golden out verify-equal
  echo mine >"$base/entries/20250911.md"
  pull
  expect_code 6
  expect_golden out pull-conflict
  [[ $(<"$base/entries/20250911.md") == mine ]]
  rm "$base/notes.toml" && : >"$base/only.md"
  verify
  expect_code 1
  expect_golden out verify-different
  expect_text err 'devlog: 3 difference(s) between folder and remote'
  verify --quiet
  expect_code 1
  expect_empty out
  expect_text err 'devlog: only.md: is not at the remote'
  pull --jobs 1 --force
  expect_code 0
  expect_golden out pull-force
  [[ $(<"$base/entries/20250911.md.orig") == mine && -e $base/only.md ]]
}

t_ascii() {
  small
  export LC_ALL=C
  pull --jobs 1
  expect_code 0
  expect_ascii out
  expect_golden out pull-ascii
  verify
  expect_ascii out
  expect_golden out verify-ascii
}

t_keys() {
  small
  pull --json entries/ notes.toml
  expect_code 0
  field files_downloaded 2
  [[ -e $base/notes.toml && ! -e $base/events ]]
  pull events/2025
  expect_code 1
  expect_text out 'events/2025: the remote has no such file or folder'
  for name in ../x /etc/passwd a//b . ''; do
    pull "$name"
    expect_code 2
    expect_text err 'not a path below the folder'
  done
}

t_json() {
  small
  pull --json --jobs 1
  expect_code 0
  expect_json out 'lines[0]["schema"] == "devlog.pull/1"'
  expect_json out '[l["event"] for l in lines if l["event"] != "file_download_progress"] == [
    "start", "scan_start", "scan_complete", "change_detection_start", "change_detection_complete",
    "download_start"] + ["file_download_start", "file_download_complete"] * 3 + [
    "download_complete", "result"]'
  expect_json out '(lambda r: r["files_downloaded"] == 3 and r["total_bytes"] == 95
    and r["bytes_received"] == 95 and r["stage"] == "done" and r["errors"] == [])(lines[-1])'
  verify --json
  expect_json out 'lines[0]["schema"] == "devlog.verify/1" and lines[-1]["differences"] == []
    and lines[-1]["files_equal"] == 3'
}

# A typing error must not look like a remote that has nothing new.
t_nothing() {
  small
  local right=$to
  to=$url.typo
  pull
  expect_code 1
  expect_text err 'the remote has no files; is its URL right?'
  [[ ! -e $base && ! -e $remote.typo ]]
  to=$right
  pull
  expect_code 0
  to=$url.typo
  pull
  expect_code 1
  rm -r "$base" && mkdir "$base"
  verify
  expect_text out 'nothing to compare'
}

t_usage() {
  small
  pull --checksum
  expect_code 2
  verify stray
  expect_code 2
  verify --force
  expect_code 2
  run "$devlog" pull --help
  expect_code 0
  expect_text out 'Examples:'
  run "$devlog" help verify
  expect_code 0
}

# A pull that is killed leaves no file half done, and the next one nothing of it.
t_killed() {
  new_container
  head -c 3000000 /dev/urandom >"$base/a.jsonl"
  push
  expect_code 0
  mv "$base" before
  faults '[{"method": "GET", "target": "a\\.jsonl$", "times": 1, "do": [["read", "all"],
    ["forward", {"send": 1000000}], ["silent"]]}]'
  settings ''
  AZURE_STORAGE_KEY=$AZURITE_KEY "$devlog" pull --from "$to" --config azure.ini >/dev/null 2>&1 &
  local pid=$!
  within 20 eval '[[ -n $(find "$base" -name ".devlog-*" -size +100k 2>/dev/null) ]]'
  kill -9 $pid
  wait $pid || true
  [[ ! -e $base/a.jsonl ]]
  pull
  expect_code 0
  cmp before/a.jsonl "$base/a.jsonl"
  [[ $(find "$base" -type f | wc -l) == 1 ]]
}

t_locked() {
  small
  mkdir -p "$base"
  pull --dry-run # makes nothing
  [[ ! -e $XDG_STATE_HOME/never ]]
  pull
  local lock
  lock=$(find "$XDG_STATE_HOME" -name '*.lock')
  flock "$lock" -c "sleep 60" &
  within 10 eval '! flock -n "$lock" true'
  pull
  expect_code 7
  kill %1
  wait || true
}

check 'push, wipe, pull: a folder' t_folder
check 'push, wipe, pull: Azurite' t_azurite
check 'a log that grew, and one that was changed: a folder' t_grown_folder
check 'a log that grew, and one that was changed: Azurite' t_grown_azurite
check 'a hostile listing writes nothing outside' t_hostile
check 'damaged content gets no name' t_damaged
check 'a size that is not true' t_lying_size
check 'objects that vanish' t_gone
check 'the text of pull and verify' t_text
check 'plain ASCII' t_ascii
check 'single keys' t_keys
check 'JSON' t_json
check 'a remote that is not there' t_nothing
check 'usage' t_usage
check 'killed' t_killed
check 'locked' t_locked
check 'no secret is shown' t_no_secret
finish
