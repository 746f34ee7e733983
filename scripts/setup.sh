#!/usr/bin/env bash
# Makes VENV with every distribution of this project, at the versions of CONSTRAINTS.
# usage: scripts/setup.sh VENV CONSTRAINTS
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 constraints=$2

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

python=
for name in ${PYTHON:-} python3.11 python3.12 python3.10 python3; do
  if command -v "$name" >/dev/null && "$name" -c \
      'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; then
    python=$name; break
  fi
done
[ -n "$python" ] || fail "expected Python 3.10 to 3.12 on the PATH; apt-get install python3"

if [ ! -x "$venv/bin/pip" ]; then
  say "making $venv with $("$python" --version)"
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    packages="python3-venv python3-pip"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      say "apt-get install $packages"
      apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install $packages >/dev/null
    else
      fail "expected $python with ensurepip; as root: apt-get install $packages"
    fi
  fi
  rm -rf "$venv"
  "$python" -m venv "$venv"
fi

say "installing the packages of $constraints (minutes the first time)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$constraints" \
  --editable ./benchmark[report,ssh,adb] --editable '.[dev,docs]'
say "done"
