"""Builds the Android parts: `build.py apk|aar|native|shim|artifacts --help`."""

from __future__ import annotations

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from xncaps_android.commands import BuildError  # noqa: E402
from xncaps_android.folders import BUILD, ROOT  # noqa: E402

# The app's models where none are named, in the order of its list; the zoo's where they are there.
ZOO = (
    "grocery-lite0-xnodr-int8",
    "grocery-lite0-capsfc-int8",
    "cifar10-lite0-xnodr-int8",
    "mnist-cnn-xnodr",
)
# With them: what a person on a train still downloads.
MOST_BYTES = 25_000_000
DIGITS = ROOT / "android_demo/models/digits.tflite"


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        for line in options.run(options):
            print(line)
    except BuildError as error:
        print(f"android: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    apk = commands.add_parser("apk", help="the signed app with its models")
    apk.add_argument("--model", type=pathlib.Path, action="append", help="again for each further")
    apk.add_argument("--runtime", type=pathlib.Path, help="an AAR in place of Maven Central's")
    apk.add_argument("--label", help="the app's name on the home screen")
    apk.add_argument("--keystore", type=pathlib.Path, help="default: a debug key")
    apk.add_argument("-o", "--out", type=pathlib.Path, default=BUILD / "xncaps-demo.apk")
    apk.set_defaults(run=_apk)
    check = commands.add_parser("check", help="whether the app's runtime takes a model")
    check.add_argument("--model", type=pathlib.Path, required=True)
    check.set_defaults(run=_check)
    aar = commands.add_parser("aar", help="the delegate as AAR with POM")
    aar.add_argument("-o", "--out", type=pathlib.Path, default=ROOT / "dist")
    aar.set_defaults(run=_aar)
    shim = commands.add_parser("shim", help="what Android's libraries need to run on Linux")
    shim.set_defaults(run=_shim)
    commands.add_parser("native", help="our libraries for both ABIs").set_defaults(run=_native)
    commands.add_parser("artifacts", help="fetch from Maven Central").set_defaults(run=_artifacts)
    resources = commands.add_parser("test-resources", help="compiled resources for Robolectric")
    resources.add_argument("--model", type=pathlib.Path, action="append")
    resources.set_defaults(run=_test_resources)
    return parser


def default_models() -> list[pathlib.Path]:
    """Those of the zoo that are in the checkout, and the digits where it has no larger ones."""
    found = [
        path for path in (ROOT / f"zoo/{name}/{name}.tflite" for name in ZOO) if path.is_file()
    ]
    return found if any(path.stem.startswith("mnist") for path in found) else [*found, DIGITS]


def _apk(options: argparse.Namespace) -> list[str]:
    from xncaps_android import apk

    report = apk.build(
        options.model or default_models(), options.out, label=options.label,
        keystore=options.keystore, runtime=options.runtime,
        most_bytes=None if options.model or options.runtime else MOST_BYTES,
    )  # fmt: skip
    return [*report, f"apk: {options.out}"]


def _check(options: argparse.Namespace) -> list[str]:
    from xncaps_android import model

    return [f"op of the delegate: {name}" for name in model.check(options.model)]


def _aar(options: argparse.Namespace) -> list[str]:
    from xncaps_android import aar

    return [f"aar: {path}" for path in aar.build(options.out)]


def _shim(options: argparse.Namespace) -> list[str]:
    from xncaps_android import shim

    return [f"shim: {shim.build(abi)}" for abi in ("x86_64", "arm64-v8a")]


def _native(options: argparse.Namespace) -> list[str]:
    from xncaps_android import native, versions

    return [f"library: {path}" for abi in versions.abis() for path in native.build(abi)]


def _artifacts(options: argparse.Namespace) -> list[str]:
    from xncaps_android import artifacts

    artifacts.fetch()
    return []


def _test_resources(options: argparse.Namespace) -> list[str]:
    from xncaps_android import robolectric

    return [f"resources: {robolectric.prepare(options.model or [DIGITS])}"]


if __name__ == "__main__":
    sys.exit(main())
