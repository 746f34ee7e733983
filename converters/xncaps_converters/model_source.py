"""A Keras model and where it comes from: its file, the hash of that, the config of its run."""

from __future__ import annotations

import hashlib
import logging
import os
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from xncaps_files import strict_json
from xncaps_tf.data.catalogue import NAMES
from xncaps_tf.errors import DataError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunData:
    """The data set that a run names, and the folder where it lies; None where not known."""

    name: str | None = None
    folder: str | None = None


@dataclass(frozen=True)
class ModelSource:
    """A Keras model, loaded once.

    Attributes:
        model: functional or sequential, built.
        sha256: of the saved model; of a model in memory that of its config and weights.
        data: of the run that it lies in.
    """

    model: Any
    sha256: str
    data: RunData

    @classmethod
    def of(cls, model: Any) -> ModelSource:
        """Of a path (a .keras or .h5 file, a SavedModel, a run), a Keras model or a built layer.

        Of a network with a decoder it is the classifier alone.

        Raises:
            DataError: there is no such file, or it is damaged.
            ConversionError: it is subclassed, not built, or computes in a half precision.
        """
        import xncaps_tf
        from xncaps_converters.clone import as_model
        from xncaps_tf.models import without_decoder
        from xncaps_tf.saving import model_path

        if isinstance(model, (str, os.PathLike)):
            path = model_path(cast("str | os.PathLike[str]", model))
            loaded = as_model(xncaps_tf.load_model(path, compile=False))
            return cls(loaded, sha256(path), run_data(path))
        model = without_decoder(as_model(model))
        return cls(model, _sha256_in_memory(model), RunData())


def _sha256_in_memory(model: Any) -> str:
    total = hashlib.sha256(model.to_json().encode())
    for weight in model.get_weights():
        total.update(weight.tobytes())
    return total.hexdigest()


def run_data(path: str | os.PathLike[str]) -> RunData:
    """The data of the run that a model lies in, by the config.json of its folder.

    Another program's config.json, which many a model lies beside, is none. Where the run was given
    data of the caller's own, it names none.

    Raises:
        DataError: it names a data set that there is not, or a folder that is no path.
    """
    from xncaps_tf.training.run_folder import RunFolder

    run = RunFolder(pathlib.Path(path).resolve().parent)
    file = run.config
    if not file.is_file():
        return RunData()
    try:
        config: Any = strict_json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # UnicodeDecodeError is one
        _log.info("%s is no JSON, so no run's config", file)
        return RunData()
    if not isinstance(config, dict) or "xncaps_version" not in config:
        return RunData()
    found = _checked(cast("dict[str, object]", config), file)
    return RunData() if run.own_data.is_file() else found


def _checked(config: Mapping[str, object], file: pathlib.Path) -> RunData:
    """DataError unless the data set has a name of ours and its folder is a path, or null."""
    name, folder = config.get("data"), config.get("data_dir")
    if name is not None and not (isinstance(name, str) and name in NAMES):
        raise DataError(
            f"{file}: expected data to be one of {', '.join(NAMES)}, or null. "
            f"Received: data={name!r:.50}."
        )
    if folder is not None and not isinstance(folder, str):
        raise DataError(
            f"{file}: expected data_dir to be a path or null. Received: data_dir={folder!r:.50}."
        )
    return RunData(name, folder)


def sha256(path: str | os.PathLike[str]) -> str:
    """Hash of a file, or of the names and contents of a folder's files."""
    root = pathlib.Path(path)
    if root.is_file():
        return hashlib.sha256(root.read_bytes()).hexdigest()
    total = hashlib.sha256()
    for file in sorted(item for item in root.rglob("*") if item.is_file()):
        name = file.relative_to(root).as_posix().encode("utf-8", "surrogateescape")
        total.update(name + b"\0")
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()
