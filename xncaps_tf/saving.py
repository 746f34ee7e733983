"""Loads saved models: everything registered, nothing from the file run as Python code."""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import pkgutil
import re
import zipfile
from collections.abc import Iterator
from typing import Any, cast

from xncaps_tf._keras import keras, load_archive, saved_model_configs
from xncaps_tf.errors import DataError
from xncaps_tf.model_files import model_of
from xncaps_tf.models.decoder import without_decoder

# What may stand in a saved model without being registered by whoever loads it. Keras would import
# any other module that a config names, and call what it finds there.
_MODULES = ("keras", "tf_keras", "larq", "xncaps_tf")
# How Keras says so where a config names no module, as in .h5 files.
_UNKNOWN_CLASS = re.compile(r"(?:Unknown [a-z ]+: '?|Cannot deserialize object of type `)([\w.>]+)")
_REGISTER = ("layers", "losses", "metrics", "models", "quantizers", "schedules")
_MOST_RATIO = 20  # of a part packed by somebody; Keras packs nothing
_MOST_CONFIG = 64 << 20  # bytes that are no matter in any case


def load_model(path: str | os.PathLike[str], *, compile: bool = True, decoder: bool = False) -> Any:
    """Loads a Keras model that was saved as .keras, .h5 or SavedModel.

    Registers all of this package's and larq's layers first, so it works in a fresh process. Python
    code in the file (Lambda layers, functions of other modules) is refused, not run. A .keras file
    is checked against its CRCs before.

    Args:
        path: a .keras or .h5 file, the folder of a SavedModel, or that of a run.
        compile: also restore the optimizer, loss and metrics the model was compiled with.
        decoder: of a network that was trained with a decoder, both: a model of two outputs, scores
            and picture, as it is saved. Else the classifier alone.

    Returns:
        A keras.Model.

    Raises:
        DataError: nothing is there, or it is damaged, no Keras model, or holds Python code; or the
            disk of temporary files is full, where the weights are unpacked.
    """
    register()
    path = model_path(path)
    if not path.exists():
        raise DataError(
            f"load_model: expected a .keras or .h5 file or a SavedModel folder. "
            f"Received: path={str(path)!r}, which does not exist."
        )
    try:
        for config in _configs(path):
            _refuse_code(config, path)
        if zipfile.is_zipfile(path):  # named .keras, as _configs has seen
            model = load_archive(path, _bare_names(), compile=compile)
        else:
            model = keras.models.load_model(path, custom_objects=_bare_names(), compile=compile)
    except DataError:
        raise
    except Exception as error:  # Keras, h5py, zipfile and TensorFlow each raise their own
        if unknown := _UNKNOWN_CLASS.search(str(error)):
            raise _unregistered(path, unknown[1]) from error
        if (version := _saved_by(path)).startswith("3."):
            raise DataError(
                "load_model: expected a model of Keras 2 (tf-keras), which larq needs. Received: "
                f"path={str(path)!r}, saved by Keras {version}; docs/errors.md shows how its "
                "weights move."
            ) from error
        lines = str(error).strip().splitlines()
        raise DataError(
            "load_model: expected a model saved by Keras as .keras, .h5 or SavedModel. Received: "
            f"path={str(path)!r}, which cannot be read "
            f"({type(error).__name__}: {lines[0] if lines else 'no message'})."
        ) from error
    if not isinstance(model, keras.Model):
        form = "a SavedModel" if path.is_dir() else "a file"
        raise DataError(
            f"load_model: expected a model saved by Keras. Received: path={str(path)!r}, {form} of "
            "something else."
        )
    return model if decoder else without_decoder(model)


def model_path(path: str | os.PathLike[str]) -> pathlib.Path:
    """The model that is meant by a path: what lies there, or of a run folder its best.keras.

    Raises:
        DataError: it is a run folder whose first epoch has not ended.
    """
    path = pathlib.Path(path)
    model = model_of(path)
    if model != path and not model.is_file():
        raise DataError(
            f"{path}: expected a run with a model. Received: one without {model.name}, which has "
            "not finished its first epoch."
        )
    return model


def register() -> None:
    """Registers this package's and larq's serialisable objects with Keras."""
    for name in _REGISTER:
        module = importlib.import_module(f"xncaps_tf.{name}")
        for inner in pkgutil.iter_modules(getattr(module, "__path__", [])):
            importlib.import_module(f"xncaps_tf.{name}.{inner.name}")


def _bare_names() -> dict[str, Any]:
    """Our classes by their names without the package: .h5 files name nested objects so."""
    registered = keras.saving.get_custom_objects()
    return {
        name.partition(">")[2]: item
        for name, item in registered.items()
        if name.startswith("xncaps_tf>") and isinstance(item, type)
    }


def _configs(path: pathlib.Path) -> Iterator[Any]:
    """The configs in a saved model, as Keras will read them."""
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise DataError(
                "load_model: expected a SavedModel folder. Received: "
                f"path={str(path)!r}, which has no saved_model.pb."
            )
        yield from saved_model_configs(path)
    elif not path.is_file():  # a pipe or device, which may have no end
        raise DataError(
            f"load_model: expected a file or a folder. Received: path={str(path)!r}, neither."
        )
    elif _is_tflite(path):
        raise DataError(
            "load_model: expected a Keras model (.keras, .h5, a SavedModel or a run folder). "
            f"Received: path={str(path)!r}, a TFLite file."
        )
    elif zipfile.is_zipfile(path):
        if path.suffix != ".keras":
            raise DataError(
                "load_model: expected the suffix .keras of a file in that format. "
                f"Received: path={str(path)!r}."
            )
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive, path)
            damaged = archive.testzip()
            if damaged is not None:
                raise DataError(
                    f"load_model: expected a sound file. Received: path={str(path)!r}, whose part "
                    f"{damaged} is damaged (wrong CRC)."
                )
            yield json.loads(archive.read("config.json"))
    else:
        import h5py

        if not h5py.is_hdf5(path):
            raise DataError(
                "load_model: expected a model saved by Keras as .keras, .h5 or SavedModel. "
                f"Received: path={str(path)!r}, which cannot be read: it is empty, cut off or of "
                "another kind (neither a ZIP nor an HDF5 file)."
            )
        with h5py.File(path, "r") as file:
            for name in ("model_config", "training_config"):
                if name in file.attrs:
                    yield json.loads(str(file.attrs[name]))


def _is_tflite(path: pathlib.Path) -> bool:
    """Whether it is one; those with metadata are ZIP files as well."""
    with open(path, "rb") as file:
        return file.read(8)[4:] == b"TFL3"


def _check_sizes(archive: zipfile.ZipFile, path: pathlib.Path) -> None:
    """Keras stores its parts unpacked; a few bytes that unpack to gigabytes are no model."""
    parts = archive.infolist()
    size, packed = sum(p.file_size for p in parts), sum(p.compress_size for p in parts)
    if size > _MOST_RATIO * packed + _MOST_CONFIG:
        largest = max(parts, key=lambda part: part.file_size)
        raise DataError(
            f"load_model: expected parts that are about as large as the file. Received: "
            f"path={str(path)!r}, with {size} bytes in {packed}, {largest.filename!r} of "
            f"{largest.file_size} bytes among them."
        )


def _saved_by(path: pathlib.Path) -> str:
    """The version of Keras that a file names, or ''."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return str(json.loads(archive.read("metadata.json"))["keras_version"])
        import h5py

        with h5py.File(path, "r") as file:
            return str(file.attrs["keras_version"])
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return ""  # a damaged file, whose own error is told


def _refuse_code(config: Any, path: pathlib.Path) -> None:
    """DataError if the config names Python code that is neither Keras's, larq's nor registered."""
    for item in _dicts(config):
        name = str(item.get("class_name"))
        if name.rpartition(">")[2] in ("Lambda", "__lambda__"):
            raise DataError(
                f"load_model: expected a model without Python code. Received: path={str(path)!r} "
                f"with a {name}; make it a registered layer."
            )
        module = item.get("module")
        names = [item.get("registered_name"), name if name != "function" else item.get("config")]
        if not isinstance(module, str) or "class_name" not in item:
            continue
        if any(isinstance(n, str) and keras.saving.get_registered_object(n) for n in names):
            continue
        allowed = _MODULES if name != "function" else ("builtins",)  # Keras's own functions
        if module.partition(".")[0] not in allowed:
            raise _unregistered(path, f"{module}.{names[1]}")


def _unregistered(path: pathlib.Path, name: str) -> DataError:
    """A layer of somebody's own; no module that a file names is imported to find it."""
    return DataError(
        f"load_model: expected layers of Keras, larq or xncaps_tf, or registered ones. Received: "
        f"path={str(path)!r} with {name}; import the module that registers it before, or pass "
        "--plugin MODULE to the command."
    )


def _dicts(config: Any) -> Iterator[dict[str, object]]:
    """Every dict in a config, at any depth."""
    stack: list[Any] = [config]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            values = cast("dict[str, object]", item)
            yield values
            stack.extend(values.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(cast("list[Any]", item))
