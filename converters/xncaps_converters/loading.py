"""What lies around a saved model: the config of its run, and its hash."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pathlib
from typing import Any

_log = logging.getLogger(__name__)
_CONFIG = "config.json"


def run_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The config of the run that a model lies in (its folder's config.json); empty if none.

    Another program's config.json, which many a model lies beside, is none.
    """
    file = pathlib.Path(path).resolve().parent / _CONFIG
    if not file.is_file():
        return {}
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # UnicodeDecodeError is one
        _log.info("%s is no JSON, so no run's config", file)
        return {}
    is_ours = isinstance(config, dict) and "xncaps_version" in config
    return config if is_ours else {}


def sha256(path: str | os.PathLike[str]) -> str:
    """Hash of a file, or of the names and contents of a folder's files."""
    root = pathlib.Path(path)
    if root.is_file():
        return hashlib.sha256(root.read_bytes()).hexdigest()
    total = hashlib.sha256()
    for file in sorted(item for item in root.rglob("*") if item.is_file()):
        total.update(file.relative_to(root).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()
