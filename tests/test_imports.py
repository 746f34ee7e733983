"""Every module of every distribution can be imported and has what it promises, at both ends of the
supported range."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

PACKAGES = (
    "xncaps",
    "xncaps_tf",
    "xncaps_converters",
    "xncaps_benchmark",
    "xncaps_runtime",
    "xncaps_files",
    "xncaps_zoo",
)


def _modules() -> Iterator[str]:
    for name in PACKAGES:
        yield name
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            # The delegate's shared library looks like an extension module by its name.
            if not module.name.endswith(("__main__", "libxncaps_delegate")):
                yield module.name


@pytest.mark.parametrize("name", _modules())
def test_module_imports(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__name__ == name
    # Names that are looked up when they are asked for point to modules that may have moved.
    missing = [public for public in getattr(module, "__all__", ()) if not hasattr(module, public)]
    assert not missing
