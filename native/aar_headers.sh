#!/usr/bin/env bash
# Unpacks the C headers of TFLite's AARs (Maven Central) into OUT/<version>/headers.
# usage: native/aar_headers.sh OUT VERSION...
set -euo pipefail
out=$1; shift
for version in "$@"; do
  [ -f "$out/$version/headers/tensorflow/lite/core/c/common.h" ] && continue
  mvn -q -B dependency:get -Dartifact="org.tensorflow:tensorflow-lite:$version:aar" -Dtransitive=false
  repository=$(mvn -q -B help:evaluate -Dexpression=settings.localRepository -DforceStdout 2>/dev/null || true)
  aar=${repository:-$HOME/.m2/repository}/org/tensorflow/tensorflow-lite/$version/tensorflow-lite-$version.aar
  mkdir -p "$out/$version"
  unzip -qo "$aar" 'headers/*' -d "$out/$version"
done
