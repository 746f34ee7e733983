"""Files by their path or, where `xncaps_zoo` is installed, by the name of a trained one."""

from __future__ import annotations

import os
import types
from pathlib import Path

from xncaps_files.errors import DataError

PREFIX = "zoo:"


def holds(path: Path) -> bool:
    """Whether a file is one of `xncaps_zoo`, whose card and stored check belong to it."""
    zoo = _package()
    return zoo is not None and path.resolve() in {zoo.path(name).resolve() for name in zoo.names()}


def resolve(model: str | os.PathLike[str]) -> Path:
    """The file that is meant by a path, by 'zoo:NAME' or, where there is no such path, by NAME.

    Raises:
        DataError: there is no such file or name.
    """
    text = os.fspath(model)
    path = Path(text)
    is_name = text.startswith(PREFIX)
    may_be_name = not path.exists() and path.name == text and path.suffix == ""
    if not is_name and not may_be_name:
        return path
    name = text.removeprefix(PREFIX)
    zoo = _package()
    if zoo is None:
        raise DataError(
            f"{text}: no such file. To use the name of a trained model: pip install xncaps-zoo."
        )
    try:
        return zoo.path(name)
    except KeyError as error:
        known = ", ".join(zoo.names()) or "none is in this version"
        raise DataError(
            f"{text}: expected a file or the name of a trained model ({known}). Received: neither."
        ) from error


def _package() -> types.ModuleType | None:
    """`xncaps_zoo`, where it is installed; imported only where a name is asked for."""
    try:
        import xncaps_zoo
    except ImportError:
        return None
    return xncaps_zoo
