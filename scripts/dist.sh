#!/usr/bin/env bash
# Builds every sdist and wheel into dist/, uses each wheel alone where nothing is installed but what it
# declares, and runs the command line's tests on all of them, in a folder outside the tree.
# usage: scripts/dist.sh VENV [build|NAME...]: all, the build alone, or the build and some wheels alone
# ALONE_PYTHON=python3.13 uses the wheels named with another Python than VENV's.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD python=$PWD/$1/bin/python; shift
rm -rf dist && mkdir dist

for project in files zoo . benchmark native; do
  "$python" -m build --outdir dist "$project" >/dev/null
done
"$python" - dist/* <<'PY'
import pathlib, subprocess, sys, tarfile, zipfile
known = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                       check=True, capture_output=True, text=True).stdout.splitlines()
sources = set(map(pathlib.PurePosixPath, known))
folders = {"files": "files", "zoo": "zoo", "tf": "", "benchmark": "benchmark", "runtime": "native"}
for name in sys.argv[1:]:
    if name.endswith(".tar.gz"):
        folder = folders[pathlib.Path(name).name.split("-")[0].removeprefix("xncaps_")]
        with tarfile.open(name) as archive:
            inside = [path.split("/", 1)[1] for path in archive.getnames() if "/" in path]
        made = [path for path in inside if path not in ("PKG-INFO", ".gitignore")
                and pathlib.PurePosixPath(folder, path) not in sources]
        if made:
            sys.exit(f"dist: {name} has {len(made)} files that are no sources, {made[0]} for one")
    else:
        inside = zipfile.ZipFile(name).namelist()
    for wanted in ("LICENSE", "NOTICE"):
        if not any(path.split("/")[-1] == wanted for path in inside):
            sys.exit(f"dist: {name} has no {wanted}")
    print("dist:", name)
PY

[ "${1:-}" != build ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
alone=("$@")
[ $# -gt 0 ] || alone=(zoo files runtime benchmark tf)
for name in "${alone[@]}"; do
  "${ALONE_PYTHON:-$python}" -m venv --without-pip "$work/alone"  # Debian's Python may lack ensurepip
  "$python" -m pip --python "$work/alone" install --quiet --disable-pip-version-check \
    --constraint constraints/high.txt --find-links dist "xncaps-$name"
  "$python" -m pip --python "$work/alone" check --quiet --disable-pip-version-check
  (cd "$work" && "$work/alone/bin/python" -I "$root/scripts/alone.py" "$name" "$root/tests/golden")
  rm -rf "$work/alone"
done
[ $# -eq 0 ] || exit 0

"$python" -m venv --without-pip "$work/venv"
wheels=(dist/*.whl)
"$python" -m pip --python "$work/venv" install --quiet --disable-pip-version-check --constraint constraints/high.txt \
  "${wheels[@]}" pytest pytest-timeout hypothesis
mkdir "$work/tests" "$work/docs"
cp -r tests/conftest.py tests/cli tests/golden tests/support "$work/tests/"
cp -r experiments pyproject.toml "$work/" && cp docs/results.md "$work/docs/"
cd "$work"
"$work/venv/bin/python" - "$root" <<'PY'
import pathlib, sys, xncaps, xncaps_benchmark, xncaps_converters, xncaps_tf
for module in (xncaps, xncaps_tf, xncaps_converters, xncaps_benchmark):
    if pathlib.Path(sys.argv[1]) in pathlib.Path(module.__file__).parents:
        sys.exit(f"dist: {module.__name__} was imported from the tree, not from its wheel")
PY
# `xncaps android` builds from a checkout, so its tests have nothing to build here; Ray is an extra;
# test_variables reads the sources.
"$work/venv/bin/python" -m pytest --rootdir "$work" --import-mode=importlib tests/cli \
  --ignore tests/cli/test_android.py --ignore tests/cli/test_reproduce_ray.py \
  --ignore tests/cli/test_variables.py -m "not slow"
