#!/usr/bin/env bash
# Runs the fuzzer that clang built, guided by coverage, from the corpus in the repository.
# usage: fuzz/run.sh FUZZER -max_total_time=SECONDS|-runs=COUNT [MORE OF LIBFUZZER'S OPTIONS]
# XNCAPS_FUZZ_NEW, XNCAPS_FUZZ_ARTIFACTS: folders to keep new inputs and findings in.
set -euo pipefail
fuzzer=$1; shift
here=$(cd "$(dirname "$0")" && pwd)
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
log=$found/log
# What it finds new stays out of the repository: fuzz/corpus is made by -merge=1 (README.md).
new=${XNCAPS_FUZZ_NEW:-$found/corpus}
mkdir -p "$new"
if ! "$fuzzer" -max_len=400 -timeout=60 -rss_limit_mb=3000 -malloc_limit_mb=100000 \
    -artifact_prefix="${XNCAPS_FUZZ_ARTIFACTS:-$PWD/}" "$@" "$new" "$here/corpus" > "$log" 2>&1; then
  tail -60 "$log" >&2
  echo "fuzz: a finding; its input is in ${XNCAPS_FUZZ_ARTIFACTS:-$PWD/}" >&2
  exit 1
fi
grep -E '^Done|accepted and run' "$log"
