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
  "$python" -c 'import ensurepip' 2>/dev/null || scripts/apt.sh "making $venv" python3-venv
  rm -rf "$venv"
  "$python" -m venv "$venv"
fi

say "installing the packages of $constraints (minutes the first time)"
export PIP_DISABLE_PIP_VERSION_CHECK=1
projects=(--editable ./files --editable ./zoo --editable './benchmark[report,ssh,adb]' --editable '.[camera,dev,docs,pretrained]')
[ ! -f native/pyproject.toml ] || projects+=(./native)
"$venv/bin/python" -m pip install --quiet --constraint "$constraints" "${projects[@]}"
say "done"
