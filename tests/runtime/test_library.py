"""The package and its native library are of one version."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from xncaps_files import releases
from xncaps_runtime import RuntimeLibraryError, _library, info


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    _library._library.cache_clear()
    yield
    _library._library.cache_clear()


def test_a_library_of_another_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    own = info()["version"]
    _library._library.cache_clear()
    monkeypatch.setattr(releases, "version", lambda name: "7.0.0")
    with pytest.raises(
        RuntimeLibraryError, match=rf"own version\. Received: {own}, at .*install xncaps-runtime"
    ):
        info()
