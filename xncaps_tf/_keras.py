"""The one Keras of this package: `from xncaps_tf._keras import keras`.

Larq 0.14 is written for Keras 2 (`tf_keras`). If TensorFlow was imported without
TF_USE_LEGACY_KERAS=1, `tf.keras` is Keras 3 and `import larq` dies with a message that says nothing
of the cause; so that is checked here, before larq is imported by anyone.
"""

from __future__ import annotations

import errno
import json
import os
import pathlib
import sys
import tempfile
import zipfile
from typing import Any

_FIX = (
    "set TF_USE_LEGACY_KERAS=1 in the environment, or import xncaps_tf before tensorflow, "
    "in a new process"
)

if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() not in ("1", "true"):
    raise ImportError(
        "xncaps_tf: expected Keras 2 (tf_keras) as TensorFlow's Keras. Received: "
        f"TF_USE_LEGACY_KERAS={os.environ.get('TF_USE_LEGACY_KERAS')!r}; {_FIX}."
    )

_TENSORFLOW_FIRST = "tensorflow" in sys.modules

import tensorflow as tf  # noqa: E402

try:
    import tf_keras as keras  # noqa: E402
except ImportError as error:
    raise ImportError(
        "xncaps_tf: expected the package tf-keras of the same minor version as TensorFlow "
        f"{tf.__version__}. Received: {error}; pip install 'tf-keras=={tf.__version__[:4]}.*'."
    ) from error

if tf.keras.layers.Layer is not keras.layers.Layer:
    raise ImportError(
        "xncaps_tf: expected Keras 2 (tf_keras) as TensorFlow's Keras. Received: Keras "
        f"{tf.keras.__version__}, since tensorflow was imported before xncaps_tf without "
        f"TF_USE_LEGACY_KERAS=1; {_FIX}."
        if _TENSORFLOW_FIRST
        else f"xncaps_tf: tf.keras is Keras {tf.keras.__version__}, not tf_keras; {_FIX}."
    )

from tensorflow.python.eager import context, record  # noqa: E402
from tf_keras.protobuf import saved_metadata_pb2  # noqa: E402
from tf_keras.src.saving import saving_lib, serialization_lib  # noqa: E402

from xncaps_tf.errors import DataError  # noqa: E402

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WEIGHTS = "model.weights.h5"  # in a .keras file
_ASSETS = "assets"


def is_recorded() -> bool:
    """Whether a gradient tape is recording what is computed right now (it has no public name)."""
    return record.could_possibly_record()


def check_peer_health(task: str, timeout: float) -> None:
    """Asks another worker's server for a sign of life (multi-worker; no public name).

    Args:
        task: '/job:worker/replica:0/task:1'.
        timeout: seconds.

    Raises:
        tf.errors.OpError: the worker is dead, stopped, or another one than before.
    """
    running: Any = context.context()
    running.check_collective_ops_peer_health(task, int(timeout * 1000))


def saved_model_configs(path: pathlib.Path) -> list[Any]:
    """Configs of the layers in the folder of a SavedModel; empty where Keras did not write it."""
    file = path / "keras_metadata.pb"
    if not file.is_file():
        return []
    metadata: Any = saved_metadata_pb2.SavedMetadata()  # pyright: ignore[reportAttributeAccessIssue]
    metadata.ParseFromString(file.read_bytes())
    return [json.loads(node.metadata) for node in metadata.nodes]


def load_archive(path: pathlib.Path, custom_objects: dict[str, Any], *, compile: bool) -> Any:
    """What `keras.models.load_model` makes of a .keras file, its parts read from the disk.

    Keras lets HDF5 read the weights within the archive, where each step back reads the entry from
    its start: 25 s for a ResNet-50 that takes one second this way. Assets (the words of text
    layers) it unpacks too, and leaves them behind where it fails.

    Raises:
        DataError: weights and assets do not fit on the disk of temporary files.
    """
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if _WEIGHTS not in names:  # of another layout: Keras knows it, or says what is amiss
            return keras.models.load_model(path, custom_objects=custom_objects, compile=compile)
        config = json.loads(archive.read("config.json"))
        if not compile:
            config["compile_config"] = None
        model = _from_config(config, custom_objects)
        assets = [name for name in names if name.startswith(f"{_ASSETS}/")]
        with tempfile.TemporaryDirectory() as folder:
            _extract(archive, [_WEIGHTS, *assets], folder)
            _load_state(model, pathlib.Path(folder), has_assets=bool(assets))
    return model


def _extract(archive: zipfile.ZipFile, names: list[str], folder: str) -> None:
    """Parts of an archive as files; a full disk is told apart from a damaged archive."""
    try:
        archive.extractall(folder, names)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        size = sum(archive.getinfo(name).file_size for name in names)
        raise DataError(
            f"load_model: expected room for {size} bytes of weights in {folder}. Received: "
            f"{error.strerror}; make room there, or set TMPDIR to another folder."
        ) from error


def _load_state(model: Any, folder: pathlib.Path, *, has_assets: bool) -> None:
    """Gives a model what lies unpacked in a folder, as Keras does with an archive."""
    library: Any = saving_lib  # its stores have no public name
    assets = library.DiskIOStore(str(folder / _ASSETS), mode="r") if has_assets else None
    weights = library.H5IOStore(str(folder / _WEIGHTS), mode="r")
    try:
        library._load_state(model, weights, assets, inner_path="", visited_trackables=set())
    finally:
        weights.close()


def _from_config(config: Any, custom_objects: dict[str, Any]) -> Any:
    """The object of a .keras file's config, in the state in which Keras itself reads it."""
    flag: Any = saving_lib._SAVING_V3_ENABLED  # it has no public name
    before = getattr(flag, "value", False)
    flag.value = True
    try:
        with serialization_lib.ObjectSharingScope():
            return serialization_lib.deserialize_keras_object(config, custom_objects)
    finally:
        flag.value = before


__all__ = ["check_peer_health", "is_recorded", "keras", "load_archive", "saved_model_configs", "tf"]
