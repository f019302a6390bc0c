#!/usr/bin/env bash
# session.sh: a day with devlog in a terminal of 80 columns (tmux): init, new, list, push, edit,
# push, show, status, verify; then the laptop is lost, and pull brings everything back. Looks at
# what stands on the screen.
#
# Takes the program; prints TAP.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
devlog=$(readlink -f "$1")

# The terminal's shell writes a line with the exit code of each command into `prompts`.
start_terminal() {
  command -v tmux || skip 'no tmux'
  mkdir -p bin
  ln -s "$devlog" bin/devlog
  cat >bin/writer <<'SCRIPT'
#!/bin/sh
test -s "$1" && echo "- and told @bob about it, +done" >>"$1" && exit
echo "Paired with @alice on ::search-service" >>"$1"
SCRIPT
  chmod +x bin/writer
  cat >shellrc <<'SCRIPT'
PS1='\$ '
PROMPT_COMMAND='echo $? >>"$HOME/prompts"'
export EDITOR=writer
unset VISUAL
SCRIPT
  tmux=(tmux -S "$PWD/socket" -f /dev/null)
  trap end_terminal EXIT
  # The size of the history belongs to the pane, so it is set before there is one.
  env -u TMUX "LC_ALL=$1" TERM=xterm-256color LC_CTYPE="$1" "PATH=$PWD/bin:$PATH" "HOME=$PWD" \
    "${tmux[@]}" new-session -d -x 80 -y 24 -s first 'sleep 300' \; \
    set-option -g history-limit 5000 \; set-option -g default-terminal screen-256color \; \
    new-window 'bash --rcfile shellrc -i'
  wait_prompts 1
}

# The shell in it writes into this folder until it has ended.
end_terminal() {
  "${tmux[@]}" kill-server
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    [[ -S socket ]] && "${tmux[@]}" list-sessions || return 0
    sleep 0.05
  done
}

wait_prompts() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    [[ -e prompts && $(wc -l <prompts) -ge $1 ]] && return
    sleep 0.1
  done
  "${tmux[@]}" capture-pane -p
  return 1
}

# enter COMMAND: types it, and waits until it has ended well.
enter() {
  local before
  before=$(wc -l <prompts)
  "${tmux[@]}" send-keys -l "$1"
  "${tmux[@]}" send-keys Enter
  wait_prompts $((before + 1))
  [[ $(tail -n 1 prompts) == 0 ]]
}

# The whole screen and what has gone out of it; a line that was wrapped is one line.
screen() {
  "${tmux[@]}" capture-pane -p -J -S - -E - | sed 's/ *$//' >screen
  cat screen
}

# The first command asks for the remote; the answer is the default.
answer_init() {
  local before
  before=$(wc -l <prompts)
  "${tmux[@]}" send-keys -l 'devlog init'
  "${tmux[@]}" send-keys Enter
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    "${tmux[@]}" capture-pane -p | grep -q 'Remote URL' && break
    sleep 0.1
  done
  "${tmux[@]}" send-keys Enter
  wait_prompts $((before + 1))
  [[ $(tail -n 1 prompts) == 0 ]]
}

spend_a_day() {
  rm -rf "$base"
  start_terminal "$1"
  answer_init
  enter 'devlog new'
  enter 'devlog list'
  enter 'devlog push'
  enter "devlog edit $(date +%Y%m%d)"
  enter 'devlog push'
  enter "devlog show $(date +%Y%m%d)"
  enter 'devlog status'
  enter 'devlog verify'
  cp -a "$base" before
  rm -rf "$base" "$XDG_STATE_HOME"
  enter "devlog pull --from file://$HOME/.local/share/devlog/remote"
  enter 'diff -r before .devlog && echo "nothing is lost"'
  screen
}

expect_screen() {
  local text
  for text; do grep -qF -- "$text" screen || { echo "not on the screen: $text"; return 1; }; done
}

# Nothing was wrapped, and nothing stands there that no terminal shows.
expect_readable() {
  awk -v most=80 '{ if (length($0) > most) { print "too long: " $0; bad = 1 } } END { exit bad }' screen
  ! grep -n '\\x' screen
}

t_utf8() {
  spend_a_day C.UTF-8
  expect_screen 'Paired with @alice on ::search-service' '- and told @bob about it, +done' \
    '✅' '🔍' 'Upload complete!' 'nothing is lost'
  expect_readable
}

t_c() {
  spend_a_day C
  expect_screen 'Paired with @alice on ::search-service' '- and told @bob about it, +done' \
    'Upload complete!' 'nothing is lost'
  expect_readable
  ! LC_ALL=C grep -n '[^ -~]' screen
}

check 'a day in a terminal, UTF-8' t_utf8
check 'a day in a terminal, plain ASCII' t_c
finish
