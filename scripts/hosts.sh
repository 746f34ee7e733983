#!/usr/bin/env bash
# Unpacks the runtimes that the delegate is tested in, each in a folder of its own beside the environment's.
# usage: scripts/hosts.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2
# Wheels for NumPy 1 bring theirs; the others take the environment's.
old_numpy=numpy==1.26.4
while read -r name packages; do
  [ -f "$folder/$name/.complete" ] && continue
  rm -rf "${folder:?}/$name"
  # shellcheck disable=SC2086
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/$name" $packages
  touch "$folder/$name/.complete"
done <<EOF_HOSTS
tflite-runtime-2.14.0 tflite-runtime==2.14.0 $old_numpy
litert-1.0.1 ai-edge-litert==1.0.1 $old_numpy
litert-1.4.0 ai-edge-litert==1.4.0 $old_numpy
litert-2.0.3 ai-edge-litert==2.0.3
litert-2.2.0 ai-edge-litert==2.2.0
litert-2.3.0 ai-edge-litert==2.3.0
EOF_HOSTS
