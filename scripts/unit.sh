#!/usr/bin/env bash
# pytest, a process for each folder of tests/: as many at once as there are cores, what takes longest first, and
# tests/benchmark beside them, which mostly waits for boards and phones. Each is printed when it has ended.
# usage: scripts/unit.sh PYTHON [PYTEST-OPTION...]
set -euo pipefail
cd "$(dirname "$0")/.."
export UNIT_PYTHON=$1; shift
UNIT_LOGS=$(mktemp -d); export UNIT_LOGS
trap 'rm -rf "$UNIT_LOGS"' EXIT
longest=(training top converters cli documented models runtime)  # top: the files beside the folders

one() {  # GROUP [PYTEST-OPTION...]
  local group=$1 status=0 paths; shift
  paths=("tests/$group")
  [ "$group" != top ] || paths=(tests/test_*.py)
  "$UNIT_PYTHON" -m pytest --durations=5 "$@" "${paths[@]}" > "$UNIT_LOGS/$group" 2>&1 || status=$?
  # Options like -k may leave nothing in a folder; without them, that is a failure.
  if [ "$status" = 5 ] && [ $# -gt 0 ]; then status=0; fi
  flock "$UNIT_LOGS" cat "$UNIT_LOGS/$group"
  echo "unit: $group ended with $status after $SECONDS s"
  return "$status"
}
export -f one

mapfile -t folders < <(printf '%s\n' tests/*/test_*.py | cut -d/ -f2 | sort -u)
mapfile -t others < <(printf '%s\n' "${folders[@]}" | grep -vxF -f <(printf '%s\n' benchmark "${longest[@]}"))
status=0
bash -c 'one "$@"' _ benchmark "$@" &
printf '%s\n' "${longest[@]}" "${others[@]}" | xargs -P "$(nproc)" -I{} bash -c 'one "$@"' _ {} "$@" || status=1
wait $! || status=1
exit $status
