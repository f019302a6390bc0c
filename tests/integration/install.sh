#!/usr/bin/env bash
# install.sh: installs into a folder of its own as a stranger would, and uses what
# is there by pkg-config alone: all examples, in C and C++, shared and static.
#
# Takes the top of the source tree; prints TAP. Its build is its own too, so that
# the installed paths are those that were configured.
# shellcheck disable=SC2317 # the functions are called by point
set -euo pipefail

top=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/devlog-install-XXXXXX")
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
build=$work/build
unset DESTDIR CFLAGS CXXFLAGS CPPFLAGS LDFLAGS DEVLOG_HOME DEVLOG_CONFIG PKG_CONFIG_SYSROOT_DIR
export HOME=$work/home

count=0
failed=0

# point NAME COMMAND...: a test point; what the command prints is shown if it fails.
point() {
  local name=$1
  shift
  count=$((count + 1))
  if ("$@") >"$work/said" 2>&1 </dev/null; then
    echo "ok $count - $name"
  else
    failed=1
    echo "not ok $count - $name"
    sed 's/^/# /; 40q' "$work/said"
  fi
}

# expect PART TEXT: shows the text; fails if the part is not in it.
expect() {
  printf '%s\n' "$2"
  [[ $2 == *"$1"* ]] || { echo "expected: $1" && return 1; }
}

finish() {
  echo "1..$count"
  exit $failed
}

# ---------------------------------------------------------------- install

# Only what is installed is built: not the tests.
install_it() {
  meson setup "$build" "$top" --prefix="$prefix" || return
  local targets
  targets=$(meson introspect "$build" --installed | python3 -c '
import json, os, sys
build = os.path.realpath(sys.argv[1])
for path in json.load(sys.stdin):
    if os.path.realpath(path).startswith(build) and not os.path.exists(path):
        print(os.path.relpath(path, build))' "$build") || return
  # shellcheck disable=SC2086 # one target a word
  ninja -C "$build" $targets || return
  meson install -C "$build" --no-rebuild
}

point "install into a prefix" install_it
if ((failed)); then finish; fi

libdir=$(dirname "$(find "$prefix" -name libdevlogsync.a)")
export PKG_CONFIG_PATH=$libdir/pkgconfig

installed_files() {
  local file
  for file in "$top"/include/devlog/*.h; do
    cmp "$file" "$prefix/include/devlog/${file##*/}" || return
  done
  ls "$prefix/include/devlog/version.h" "$libdir/libdevlogsync.so" "$libdir/libdevlogsync.so.0" \
    "$libdir/libdevlogsync.a" "$libdir/pkgconfig/devlogsync.pc" "$prefix/bin/devlog"
}

# Nothing that is installed may know where it was built.
no_build_paths() {
  ! grep -rlF -e "$build" -e "$top" "$prefix/include" "$libdir/pkgconfig" &&
    ! readelf -d "$prefix/bin/devlog" "$libdir/libdevlogsync.so" | grep -F -e "$build" -e "$top"
}

pc_describes() {
  pkg-config --exists --print-errors devlogsync || return
  pkg-config --validate devlogsync || return
  expect "-I$prefix/include" "$(pkg-config --cflags devlogsync)" || return
  # A program needs only this library; what the library needs is its own business, until
  # the program takes the library into itself.
  test "$(pkg-config --libs-only-l devlogsync | xargs)" = "-ldevlogsync" || return
  local library libs
  libs=$(pkg-config --static --libs-only-l devlogsync) || return
  for library in curl crypto expat inih jansson sqlite3; do expect "-l$library" "$libs" || return; done
}

pc_moves() {
  local flags
  flags=$(pkg-config --define-variable=prefix=/elsewhere --cflags --libs devlogsync) || return
  expect "-I/elsewhere/include" "$flags" && expect "-L/elsewhere${libdir#"$prefix"}" "$flags"
}

point "headers, libraries, program and devlogsync.pc are there" installed_files
point "nothing installed names the build folder" no_build_paths
point "pkg-config: valid; only -ldevlogsync for a shared program, all for a static one" pc_describes
point "pkg-config: the prefix may be moved" pc_moves

# ---------------------------------------------------------------- examples

warnings=(-O1 -Wall -Wextra -pedantic -Werror)

# compile shared|static NAME: by pkg-config, into $work/KIND-NAME.
compile() {
  local kind=$1 name=$2 source flags libs compiler=(cc -std=c11)
  source=$top/examples/$name.c
  if [ ! -f "$source" ]; then
    source=$top/examples/$name.cpp
    compiler=(c++ -std=c++17)
  fi
  flags=$(pkg-config --cflags devlogsync) || return
  if [ "$kind" = shared ]; then
    libs=$(pkg-config --libs devlogsync) || return
  else
    libs=$(pkg-config --static --libs devlogsync) || return
    libs=${libs/-ldevlogsync/-l:libdevlogsync.a}
  fi
  # shellcheck disable=SC2086 # flags are words
  "${compiler[@]}" "${warnings[@]}" $flags -o "$work/$kind-$name" "$source" $libs || return
  local needed
  needed=$(readelf -d "$work/$kind-$name" | grep -c 'NEEDED.*libdevlogsync') || true
  test "$needed" = "$([ "$kind" = shared ] && echo 1 || echo 0)"
}

# journal FOLDER: some files to push: small, empty, nested, with a line break in the name, big.
journal() {
  mkdir -p "$1/events" "$1/entries/deep/er"
  printf '{"type":"Created","data":{"id":"20250911","content":"x","timestamp":"2025-09-11T09:30:00+00:00"}}\n' \
    >"$1/events/20250911.jsonl"
  : >"$1/entries/empty.md"
  printf 'odd\n' >"$1/entries/deep/er/od d"$'\n'"#%.md"
  seq 1 200000 >"$1/events/20250912.jsonl"
}

# fresh: what each run begins with: a folder, no remote, no state.
fresh() {
  rm -rf "$work/run"
  mkdir -p "$work/run" "$HOME"
  export XDG_STATE_HOME=$work/run/state
  folder=$work/run/folder
  remote=$work/run/remote
  journal "$folder"
  sleep 0.1 # what changed just now is compared once more at the next push
}

# run KIND NAME ARGUMENT...
run() {
  local program=$work/$1-$2
  shift 2
  if [[ $program == */shared-* ]]; then
    LD_LIBRARY_PATH=$libdir "$program" "$@"
  else
    env -u LD_LIBRARY_PATH "$program" "$@"
  fi
}

run_push() {
  fresh
  expect "4 of 4 files sent" "$(run "$1" push "$folder" "file://$remote")" || return
  diff -r "$folder" "$remote" || return
  echo more >>"$folder/events/20250911.jsonl"
  expect "1 of 4 files sent" "$(run "$1" push "$folder" "file://$remote")" || return
  diff -r "$folder" "$remote" || return
  expect "0 of 4 files sent" "$(run "$1" push "$folder" "file://$remote")" || return
  local said
  said=$(run "$1" push "$work/run/nowhere" "file://$remote" 2>&1) && return 1
  expect "DL_ERR_CONFIG" "$said"
}

run_progress() {
  fresh
  local said code=0
  said=$(run "$1" progress "$folder" "file://$remote" 1) || code=$?
  # Cancelled, unless all files were on their way already when the first one was there.
  case $code in
    0) diff -r "$folder" "$remote" || return ;;
    3) ;;
    *) echo "exit $code: $said" && return 1 ;;
  esac
  fresh
  said=$(run "$1" progress "$folder" "file://$remote") || return
  local line
  for line in "looking into" "found 4 files" "files changed" "  > " "  = " "  ? " " failed"; do
    expect "$line" "$said" || return
  done
  diff -r "$folder" "$remote"
}

run_custom_storage() {
  fresh
  local said
  said=$(run "$1" custom_storage "$folder" 2>&1) || return
  expect "push 1: 1 list, 4 put" "$said" || return
  expect "push 2: 0 list, 0 put" "$said" || return
  run "$1" custom_storage "$folder" events/20250912.jsonl 2>/dev/null |
    cmp - "$folder/events/20250912.jsonl" || return
  said=$(run "$1" custom_storage "$folder" no/such 2>&1) && return 1
  expect "DL_ERR_NOT_FOUND" "$said"
}

run_embed() {
  fresh
  local said
  said=$(run "$1" embed "$folder" "file://$remote") || return
  expect "4 sent, 0 unchanged" "$said" || return
  diff -r "$folder" "$remote" || return
  expect "0 sent, 4 unchanged" "$(run "$1" embed "$folder" "file://$remote")" || return
  said=$(run "$1" embed "$folder" "nothing://$remote" 2>&1) && return 1
  expect "DL_ERR_CONFIG" "$said"
}

for example in "$top"/examples/*.c "$top"/examples/*.cpp; do
  name=$(basename "${example%.*}")
  for kind in shared static; do
    point "$name, $kind: compiles" compile "$kind" "$name"
    point "$name, $kind: runs" "run_$name" "$kind"
  done
done

makefile_builds() {
  cp -r "$top/examples" "$work/copy" || return
  make -C "$work/copy" || return
  local name
  for name in push progress custom_storage embed; do test -x "$work/copy/$name" || return; done
}

# The first C block of the README is the push example, word for word.
readme_example() {
  # shellcheck disable=SC2016 # backquotes of Markdown
  sed -n '/^```c$/,/^```$/p' "$top/README.md" | sed '/^```c$/d; /^```$/,$d' >"$work/readme.c"
  diff "$work/readme.c" "$top/examples/push.c"
}

program_pushes() {
  fresh
  LD_LIBRARY_PATH=$libdir "$prefix/bin/devlog" push --dir "$folder" --to "file://$remote" || return
  diff -r "$folder" "$remote"
}

if command -v make >/dev/null; then
  point "a copy of examples/ builds by its Makefile" makefile_builds
else
  count=$((count + 1))
  echo "ok $count - a copy of examples/ builds by its Makefile # SKIP make is not installed"
fi
point "the C program in README.md is examples/push.c" readme_example
point "the installed program pushes" program_pushes
finish
