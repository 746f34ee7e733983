#!/usr/bin/env bash
# Builds the wheels for x86-64 and aarch64 against glibc 2.28, shows by auditwheel that they are.
# usage: native/wheels.sh PYTHON OUT
set -euo pipefail
cd "$(dirname "$0")"
python=$1 out=$2
export PYTHON=$python SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1700000000}
mkdir -p "$out"
for arch in x86_64 aarch64; do
  export XNCAPS_ZIG_TARGET=$arch-linux-gnu.2.28
  rm -f "$out"/xncaps_runtime-*_"$arch".whl
  CMAKE_TOOLCHAIN_FILE=$PWD/toolchains/zig.cmake "$python" -m pip wheel --quiet --no-deps --no-build-isolation \
    --config-settings=build-dir="build/wheel-$arch" \
    --config-settings=wheel.platlib=true --config-settings=wheel.tags=py3-none-manylinux_2_28_"$arch" \
    --wheel-dir "$out" .
  wheel=$(ls "$out"/xncaps_runtime-*_"$arch".whl)
  report=$("$python" -m auditwheel show "$wheel")
  # auditwheel names the oldest platform the wheel fits: the tag may not promise more.
  echo "$report" | grep -Eq "\"manylinux_2_([0-9]|1[0-9]|2[0-8])_$arch\"" || {
    echo "$wheel: not manylinux_2_28 or older" >&2; echo "$report" >&2; exit 1; }
  if unzip -p "$wheel" xncaps_runtime/libxncaps_delegate.so | strings | grep -q 'libstdc++\.so'; then
    echo "$wheel: needs libstdc++" >&2; exit 1
  fi
  echo "$wheel"
done
