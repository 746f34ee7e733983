"""Which boards can take part, and which wheels are theirs."""

from __future__ import annotations

import pathlib
import zipfile
from typing import Any

import pytest

from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.targets import wheels


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"system": "darwin"}, "expected Linux. Received: darwin"),
        ({"version": [3, 7]}, "expected Python 3.10 or newer. Received: 3.7"),
    ],
    ids=["system", "python"],
)
def test_boards_that_cannot_take_part_are_refused(told: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        wheels.board({**PI, **told}, "pi")


@pytest.mark.parametrize("version", [(3, 10), (3, 13), (4, 0)])
def test_every_python_from_3_10_on_takes_part(version: tuple[int, int]) -> None:
    assert wheels.board({**PI, "version": list(version)}, "pi").version == version


PI: dict[str, Any] = {
    "version": [3, 11],
    "machine": "aarch64",
    "libc": ["glibc", "2.31"],
    "system": "linux",
    "home": "/home/pi",
    "free": 1 << 34,
    "missing": ["numpy", "click"],
}


def test_wheels_for_a_board_are_of_its_tags(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip itself chooses among wheels of a folder that stands for the index."""
    index, out = tmp_path / "index", tmp_path / "out"
    index.mkdir()
    for name in (
        "numpy-1.0-cp311-cp311-manylinux_2_28_aarch64",
        "numpy-1.0-cp311-cp311-manylinux_2_28_x86_64",
        "numpy-2.0-cp311-cp311-manylinux_2_34_aarch64",  # newer than the board's glibc
        "numpy-1.0-cp312-cp312-manylinux_2_28_aarch64",
        "click-8.1-py3-none-any",
    ):
        _fake_wheel(index, name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    found = wheels.download(wheels.board(PI, "pi"), out, runtime=False)
    assert [path.name for path in found] == [
        "click-8.1-py3-none-any.whl",
        "numpy-1.0-cp311-cp311-manylinux_2_28_aarch64.whl",
    ]
    with pytest.raises(BenchmarkError, match="pip download: ERROR.*[Rr]ich|rich"):
        wheels.download(wheels.board({**PI, "missing": ["rich"]}, "pi"), out, runtime=False)


def _fake_wheel(folder: pathlib.Path, name: str) -> None:
    package, version = name.split("-")[:2]
    info = f"{package}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}.whl", "w") as archive:
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        )
        tag = "-".join(name.split("-")[2:])
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        archive.writestr(f"{info}/RECORD", "")
