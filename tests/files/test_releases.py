"""Distributions of other releases, and of other states of one, are told in a line."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError

import pytest

import xncaps_runtime
from xncaps_files import releases
from xncaps_files.errors import XncapsError


def _installed(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    def version(name: str) -> str:
        word = name.removeprefix("xncaps-")
        if word not in versions:
            raise PackageNotFoundError(name)
        return versions[word]

    monkeypatch.setattr(releases, "version", version)


def test_what_is_installed_here_is_of_one_release() -> None:
    for name in releases.USES:
        releases.check(name)


@pytest.mark.parametrize("old", ["files", "benchmark", "zoo", "runtime"])
def test_one_of_another_release_is_named(monkeypatch: pytest.MonkeyPatch, old: str) -> None:
    others = {name: "0.2.0" for name in ("tf", "files", "benchmark", "zoo", "runtime")}
    _installed(monkeypatch, **(others | {old: "0.1.0"}))
    with pytest.raises(XncapsError, match=f"expected all of xncaps.*xncaps-{old} 0.1.0") as told:
        releases.check("xncaps-tf")
    assert str(told.value).endswith(f"; pip install xncaps-{old}==0.2.0, in a checkout make setup")


@pytest.mark.parametrize("name", ["xncaps-benchmark", "xncaps-runtime"])
def test_a_zoo_of_another_release_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    versions = {name.removeprefix("xncaps-"): "0.2.0"}
    _installed(monkeypatch, files="0.2.0", zoo="0.1.0", **versions)
    with pytest.raises(XncapsError, match=r"Received: xncaps-zoo 0\.1\.0; pip install"):
        releases.check(name)


def test_what_is_not_used_may_be_of_any_release(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, benchmark="0.2.0", files="0.2.0", tf="0.1.0")
    releases.check("xncaps-benchmark")
    _installed(monkeypatch, files="0.1.0")  # a source tree on the path
    releases.check("xncaps-benchmark")


def test_a_name_that_another_state_lacks_is_explained() -> None:
    with pytest.raises(AttributeError) as lost:
        xncaps_runtime.no_such_name  # noqa: B018
    with pytest.raises(ImportError) as gone:
        from xncaps_files.pictures import no_such_name  # noqa: F401  # pyright: ignore
    for error, name in ((lost.value, "xncaps-runtime"), (gone.value, "xncaps-files")):
        told = releases.explain(error)
        assert told is not None and f"Received: {name} 0." in told and "no_such_name" in told
        assert "\n" not in told


def test_one_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, tf="0.1.0")
    error = ModuleNotFoundError("No module named 'xncaps_runtime'", name="xncaps_runtime")
    assert releases.explain(error) == (
        "expected xncaps-runtime for this. Received: none; pip install xncaps-runtime"
    )


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'ray'", name="ray"),
        AttributeError("'list' object has no attribute 'x'", name="x", obj=[]),
        AttributeError("no attribute", name="x", obj=importlib),
        ValueError("xncaps_runtime"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_are_left_to_others(error: Exception) -> None:
    assert releases.explain(error) is None
