#!/usr/bin/env bash
# pytest in two processes, one a core; what the first prints follows when the second has ended.
# usage: scripts/unit.sh PYTHON [PYTEST-OPTION...]
set -uo pipefail
cd "$(dirname "$0")/.."
python=$1; shift
first=(tests/training tests/cli tests/data tests/benchmark tests/test_demo.py tests/test_readme.py)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$python" -m pytest --durations=10 "$@" "${first[@]}" >"$log" 2>&1 &
"$python" -m pytest --durations=10 "$@" "${first[@]/#/--ignore=}" tests
second=$?
wait $!
status=$?
cat "$log"
exit $((status ? status : second))
