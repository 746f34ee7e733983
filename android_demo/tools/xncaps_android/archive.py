"""ZIP files with the same bytes for the same contents."""

from __future__ import annotations

import pathlib
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(out: pathlib.Path, files: Mapping[str, bytes], *, stored: tuple[str, ...] = ()) -> None:
    """Writes the files sorted by name, without dates or owners; `stored` suffixes uncompressed."""
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 0
            info.external_attr = 0
            keep = name.endswith(stored) if stored else False
            info.compress_type = zipfile.ZIP_STORED if keep else zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name], compresslevel=9)


def read(path: pathlib.Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
