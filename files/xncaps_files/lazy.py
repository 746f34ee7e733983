"""Names of a package that are loaded when they are first used (PEP 562).

So importing a package, or asking the command line for help, loads no TensorFlow.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from typing import Any


def attach(
    package: str,
    attributes: Mapping[str, str],
    modules: Collection[str] = (),
) -> Callable[[str], Any]:
    """What a package binds to its `__getattr__`.

    Args:
        package: its `__name__`.
        attributes: by name, the module within the package that has it.
        modules: modules within the package that are names of it themselves.

    Returns:
        A function of a name that gives the attribute or module, or raises AttributeError.
    """

    def get(name: str) -> Any:
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        if name in attributes:
            return getattr(importlib.import_module(f"{package}.{attributes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
