#!/usr/bin/env bash
# Unpacks the C headers of TFLite's AARs (Maven Central) into OUT/<version>/headers.
# usage: native/aar_headers.sh OUT VERSION...
set -euo pipefail
out=$1; shift
for version in "$@"; do
  [ -f "$out/$version/headers/tensorflow/lite/core/c/common.h" ] && continue
  mkdir -p "$out/$version"
  mvn -q -B -Dstyle.color=never dependency:copy -Dartifact="org.tensorflow:tensorflow-lite:$version:aar" \
    -DoutputDirectory="$(cd "$out/$version" && pwd)"
  unzip -qo "$out/$version/tensorflow-lite-$version.aar" 'headers/*' -d "$out/$version"
done
