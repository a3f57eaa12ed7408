#!/usr/bin/env bash
# Steadyhand from a fresh clone: installs what is missing, says so, then does what it was asked. Works with bash 3.2.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$here/.venv
python=$venv/bin/python
stamp=$venv/.set-up # what the environment was set up for; not there while that goes on or after an interruption

usage() {
  cat <<'TEXT'
Steadyhand replays a workflow by looking at the screen, and knows when to stop.

  ./run.sh setup       install what is missing: Python packages into .venv, Chromium, language data, fonts
  ./run.sh demo        record a workflow on a small application, replay it on three changed releases of it
  ./run.sh test        every check and test; further arguments go to pytest
  ./run.sh COMMAND     any other command of steadyhand, such as: ./run.sh check flow.yaml

Each of them does the set-up by itself when it is needed.
TEXT
}

say() { printf 'run.sh: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# --- packages of the system

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

need() { # PACKAGE...: installs Debian packages, or says what has to be installed by hand
  has_command apt-get ||
    die "Something is missing: install what Debian calls '$*' by your system's own means, then start again."
  [ "$(id -u)" = 0 ] || has_command sudo ||
    die "Something is missing, and there is neither root nor sudo: have 'apt-get install $*' run, then start again."
  say "installing from the system's packages: $* ..."
  local output
  output=$(
    exec 2>&1
    as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a || true # takes up one that was interrupted
    as_root apt-get update -qq || true # one dead source among many need not matter
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
  ) || die "apt-get could not install '$*': $output"
}

is_file() { # PATTERN...: does any file match
  local pattern
  for pattern in "$@"; do compgen -G "$pattern" >/dev/null && return 0; done
  return 1
}

has_command() { # NAME...: is any of them on the PATH
  local name
  for name in "$@"; do command -v "$name" >/dev/null && return 0; done
  return 1
}

has_browser() {
  [ -n "${STEADYHAND_CHROMIUM:-}" ] && return 0
  has_command chromium chromium-browser google-chrome google-chrome-stable microsoft-edge msedge && return 0
  local revision # of Chromium that this release of Playwright drives; any, while Playwright is not there yet
  revision=$(grep -hsA1 '"name": "chromium"' "$venv"/lib/python3*/site-packages/playwright/driver/package/browsers.json |
    tr -dc '0-9') || revision='*'
  is_file "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}/chromium-$revision/INSTALLATION_COMPLETE" \
    "$HOME/Library/Caches/ms-playwright/chromium-$revision/INSTALLATION_COMPLETE" \
    "/Applications/Google Chrome.app" "/Applications/Chromium.app" "/Applications/Microsoft Edge.app"
}

has_languages() { # the data with which the text reader reads English and French, in one folder
  local folder
  for folder in "${TESSDATA_PREFIX:-/nowhere}" /usr/share/tesseract-ocr/{5,4.00}/tessdata /usr/{,local/}share/tessdata; do
    [ -f "$folder/eng.traineddata" ] && [ -f "$folder/fra.traineddata" ] && return 0
  done
  return 1
}

has_font() { # NAME: an upright cut of a font family
  [ -n "$(find /usr/share/fonts /usr/local/share/fonts "$HOME/.fonts" "$HOME/.local/share/fonts" \
    -name "$1*" -print 2>/dev/null | head -n 1)" ]
}

has_libatomic() { # Playwright's Node.js needs it, and minimal systems lack it
  is_file /usr/lib{,64}/{,*/}libatomic.so.1
}

is_ubuntu() { # whose package chromium only hands on to a snap, which cannot be driven
  grep -qs '^ID=ubuntu' /etc/os-release
}

set_up_system() { # GOAL: what the Python packages do not bring along, all at once
  [ "$(uname)" != Darwin ] || return 0
  local packages=() base
  if ! is_sound && ! has_command uv; then
    base=$(find_python)
    "$base" -c 'import ensurepip, venv' 2>/dev/null ||
      packages+=("$("$base" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
  fi
  has_languages || packages+=(tesseract-ocr-eng tesseract-ocr-fra)
  has_font LiberationSans || packages+=(fonts-liberation)
  has_font DejaVuSans || packages+=(fonts-dejavu-core)
  has_libatomic || packages+=(libatomic1)
  has_browser || is_ubuntu || packages+=(chromium)
  [ "$1" != test ] || has_command Xvfb || packages+=(xvfb)
  [ "$1" != test ] || has_command xdotool || packages+=(xdotool)
  [ ${#packages[@]} = 0 ] || need "${packages[@]}"
}

set_up_browser() { # where there is no package of one that can be driven
  has_browser && return
  say "installing Playwright's own Chromium ..."
  "$python" -m playwright install --with-deps chromium >&2 ||
    die "No browser could be installed: install Chrome, Chromium or Edge, or set STEADYHAND_CHROMIUM to the path of one."
}

# --- packages of Python

is_python() { # COMMAND: does it start, and is it new enough
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if is_python "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  die "Python 3.11 or later is needed and was not found: install it (on Debian 12 and Ubuntu 24.04: apt-get install python3), then start again."
}

place() { # what an environment must not outlive: its folder and its Python, which an update of the system may replace
  printf '%s %s' "$here" "$(readlink -f "$python" || true)"
}

is_sound() { # was it set up here, with this Python: then it can be installed into
  [ -x "$python" ] && case $(cat "$stamp" 2>/dev/null) in "$(place) "*) true ;; *) false ;; esac
}

make_venv() {
  local base
  base=$(find_python)
  say "making .venv with $("$base" --version) ..."
  rm -rf "$venv"
  if has_command uv; then
    uv venv --quiet --python "$base" "$venv" || die "uv could not make $venv; its reason stands above."
    return
  fi
  "$base" -m venv "$venv" || die "Python could not make $venv; its reason stands above."
}

install() { # what pip and uv both understand
  if has_command uv; then
    uv pip install --quiet --python "$python" "$@"
  else
    "$python" -m pip install --quiet --no-input --disable-pip-version-check "$@"
  fi
}

set_up_python() {
  local sum
  sum=$(cat "$here/pyproject.toml" "$here/requirements.lock" | cksum)
  [ -x "$python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(place) $sum" ] && return
  if [ "$(uname)" = Darwin ] && ! has_command tesseract; then
    die "The text reader is built here against Tesseract: run 'brew install tesseract tesseract-lang pkgconf', then start again."
  fi
  is_sound || make_venv
  rm -f "$stamp"
  say "installing the locked Python packages into .venv (about a minute the first time) ..."
  install --no-deps --require-hashes -r "$here/requirements.lock" ||
    die "The Python packages could not be installed; the reason stands above."
  install --no-deps --no-build-isolation --editable "$here" ||
    die "Steadyhand itself could not be installed; the reason stands above."
  printf '%s %s\n' "$(place)" "$sum" >"$stamp"
}

set_up() { # GOAL
  set_up_system "$1"
  set_up_python
  set_up_browser
}

# --- what can be asked for

run_tests() {
  cd "$here"
  PATH=$venv/bin:$PATH
  ruff check
  ruff format --check
  mypy
  lint-imports
  shellcheck run.sh .ci/run
  pytest --cov --cov-report=term-missing "$@"
}

case ${1:-help} in
  help | -h | --help)
    usage
    ;;
  setup)
    set_up test
    say "everything is there"
    ;;
  test)
    shift
    set_up test
    run_tests "$@"
    ;;
  *)
    set_up use
    exec "$venv/bin/steadyhand" "$@"
    ;;
esac
