#!/usr/bin/env bash
# Measures this machine: makes an environment without TensorFlow, writes files of single ops and runs
# `xncaps_benchmark bench` on them and on small trained networks.
# usage: scripts/board_result.sh OUT.json [OPTIONS of bench...]
set -euo pipefail
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1"); shift
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
if [ -z "${BOARD_PYTHON:-}" ]; then
  if [ ! -x .venv-board/bin/pip ]; then
    "$python" -c 'import ensurepip' 2>/dev/null || scripts/apt.sh "making .venv-board" python3-venv
    "$python" -m venv --clear .venv-board
  fi
  BOARD_PYTHON=$PWD/.venv-board/bin/python
  "$BOARD_PYTHON" -m pip install --quiet --disable-pip-version-check ./files ./native ./benchmark flatbuffers
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$BOARD_PYTHON" scripts/board_files.py "$work"
"$BOARD_PYTHON" -m xncaps_benchmark bench "$work"/*.tflite -o "$out" "$@"
echo "board: $out"
