#!/usr/bin/env bash
# headers.sh: each public header stands alone, in C11 and C++17, for gcc and clang,
# without a warning and without padding; and its _INIT macros name every field.
#
# Takes the folders to include from (the one with the headers, and the one with the
# version.h that the build wrote); prints TAP.
set -euo pipefail

folders=("$@")
work=$(mktemp -d "${TMPDIR:-/tmp}/devlog-lint-XXXXXX")
trap 'rm -rf "$work"' EXIT

count=0
failed=0
flags=(-fsyntax-only -Wall -Wextra -pedantic -Wpadded -Werror)
for folder in "${folders[@]}"; do flags+=("-I$folder"); done

# result RC NAME: one test point; what the compiler said stands in $work/said.
result() {
  count=$((count + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $count - $2"
  else
    failed=1
    echo "not ok $count - $2"
    sed 's/^/# /; 8q' "$work/said"
  fi
}

# source_for HEADER NAME: a file that uses nothing but the header, twice, and its _INIT macros.
source_for() {
  echo "#include <devlog/$2>"
  echo "#include <devlog/$2>"
  sed -n 's/^#define DL_\([A-Z_]*\)_INIT\b.*/\1/p' "$1" | while read -r macro; do
    echo "extern const dl_${macro,,} planted_${macro,,};"
    echo "const dl_${macro,,} planted_${macro,,} = DL_${macro}_INIT;"
  done
  echo "extern int planted;"
}

# compile COMPILER STANDARD SUFFIX: all headers, each by itself.
compile() {
  local header name rc
  if ! command -v "$1" >"$work/said"; then
    count=$((count + 1))
    echo "ok $count - headers for $1 # SKIP $1 is not installed"
    return
  fi
  for header in "${headers[@]}"; do
    name=${header##*/}
    source_for "$header" "$name" >"$work/use.$3"
    rc=0
    "$1" "-std=$2" "${flags[@]}" "$work/use.$3" >"$work/said" 2>&1 || rc=$?
    result $rc "$name alone, $1 -std=$2"
  done
}

# planted TEXT: a header with a mistake that the flags must catch.
planted() {
  local rc=0
  mkdir -p "$work/devlog"
  printf '#include <stdint.h>\n%s\n' "$1" >"$work/devlog/planted.h"
  source_for "$work/devlog/planted.h" planted.h >"$work/use.c"
  gcc -std=c11 "${flags[@]}" "-I$work" "$work/use.c" >"$work/said" 2>&1 || rc=$?
  result $((rc == 0)) "noticed: ${1##*$'\n'}"
}

shopt -s nullglob
headers=()
for folder in "${folders[@]}"; do headers+=("$folder"/devlog/*.h); done
: >"$work/said"
result $((${#headers[@]} < 7)) "there are headers (${#headers[@]})"

compile gcc c11 c
compile g++ c++17 cpp
compile clang c11 c
compile clang++ c++17 cpp
if command -v gcc >"$work/said"; then
  planted 'struct bad { uint32_t a; uint64_t b; };'
  planted 'size_t bad(void);'
  planted 'int first; int first = 1; int first = 2;'
  planted $'typedef struct dl_bad { int32_t a; int32_t b; } dl_bad;\n#define DL_BAD_INIT {1}'
fi
echo "1..$count"
exit $failed
