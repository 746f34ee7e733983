#!/usr/bin/env bash
# The runtime's Python tests with the aarch64 wheel under qemu-user: results, never speed.
# usage: native/arm_pytest.sh PYTHON WHEELS SYSROOT (made by arm_sysroot.sh)
set -euo pipefail
python=$1 wheels=$2 sysroot=$(cd "$3" && pwd)
site=$sysroot/test-site
rm -rf "$site"
mkdir -p "$site"
unzip -qo "$wheels"/xncaps_runtime-*_aarch64.whl -d "$site"
for package in files/xncaps_files tests/support/runtime_models; do  # plain Python: any machine's will do
  ln -s "$PWD/$package" "$site/"
done
packages=$("$python" -c 'import pytest, pathlib; print(pathlib.Path(pytest.__file__).parents[1])')
for name in pytest _pytest pluggy iniconfig packaging pygments py.py; do
  ln -s "$packages/$name" "$site/$name"
done
# A child process would need the emulator registered with the kernel: that test stays out.
ARM_SITE=$site PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 "$sysroot/pyarm" -m pytest -q -p no:cacheprovider -p no:faulthandler \
  -c /dev/null --rootdir=. --import-mode=importlib tests/runtime/test_caps_ops.py tests/runtime/test_lce_golden.py tests/runtime/test_stock.py tests/runtime/test_main.py \
  --deselect tests/runtime/test_main.py::test_the_package_needs_no_tensorflow
