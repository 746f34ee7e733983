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
_ARCHIVE = {"metadata.json", "config.json", "model.weights.h5"}


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
    """What `keras.models.load_model` makes of a .keras file, its weights read from the disk.

    Keras lets HDF5 read them within the archive, where each step back reads the entry from its
    start: 25 s for a ResNet-50 that takes one second this way. Files with further parts (assets of
    text layers) are left to Keras.

    Raises:
        DataError: the weights do not fit on the disk of temporary files.
    """
    with zipfile.ZipFile(path) as archive:
        if set(archive.namelist()) != _ARCHIVE:
            return keras.models.load_model(path, custom_objects=custom_objects, compile=compile)
        config = json.loads(archive.read("config.json"))
        if not compile:
            config["compile_config"] = None
        model = _from_config(config, custom_objects)
        with tempfile.TemporaryDirectory() as folder:
            model.load_weights(_extracted(archive, "model.weights.h5", folder))
    return model


def _extracted(archive: zipfile.ZipFile, name: str, folder: str) -> str:
    """A part of an archive as a file; a full disk is told apart from a damaged archive."""
    try:
        return archive.extract(name, folder)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        size = archive.getinfo(name).file_size
        raise DataError(
            f"load_model: expected room for {size} bytes of weights in {folder}. Received: "
            f"{error.strerror}; make room there, or set TMPDIR to another folder."
        ) from error


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
