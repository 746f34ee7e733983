"""Weights of a backbone: from a file, or of ImageNet, downloaded by Keras or from a package."""

from __future__ import annotations

import os
import pathlib
import socket
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray

from xncaps_tf._keras import keras
from xncaps_tf.errors import DataError
from xncaps_tf.models import efficientnet_weights

# What Keras will download, to see first whether it can be reached, and where Keras keeps it.
_URL = "https://storage.googleapis.com/tensorflow/keras-applications"
IMAGENET_FILES = {
    "mobilenet_v2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
    "resnet50": "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
}
_FOLDERS = {"mobilenet_v2": "mobilenet_v2", "resnet50": "resnet"}
_PROBE_SECONDS = 10.0  # both together stay below half a minute
_STALL_SECONDS = 15.0


def load(core: Any, weights: str | os.PathLike[str], backbone: str) -> None:
    """Sets the weights of a backbone.

    Args:
        core: the backbone's model, `Features.core`.
        weights: 'imagenet', or a file: HDF5 of the backbone alone (what `core.save_weights`, or
            `save_weights` of the same network of keras.applications, writes), or a whole model in
            .keras, of which the layers of the same name are taken.
        backbone: its name in the registry.

    Raises:
        ValueError: 'imagenet' for a backbone that has no such weights.
        DataError: no such file, it does not fit, or the download failed (within 30 s).
    """
    if str(weights) == "imagenet":
        copy(imagenet(backbone), core, f"the ImageNet weights of {backbone}")
        return
    path = pathlib.Path(weights)
    if not path.is_file():
        raise DataError(
            "build: expected weights to be None, 'imagenet' or a file. "
            f"Received: weights={str(path)!r}, which is no file."
        )
    if path.suffix == ".keras":
        copy(_by_layer(_whole_model(path)), core, str(path))
        return
    try:
        core.load_weights(str(path))
    except (ValueError, KeyError, OSError) as error:
        raise DataError(
            f"build: expected the weights of {backbone} in {path}. Received: {_line(error)}"
        ) from error


def _whole_model(path: pathlib.Path) -> Any:
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise DataError(
            f"build: expected a Keras model in {path}. Received: {_line(error)}"
        ) from error


def imagenet(backbone: str) -> dict[str, list[NDArray[Any]]]:
    """Layer name -> the weights of its layer that were trained on ImageNet.

    Raises:
        ValueError: the backbone has none.
        DataError: they are not installed, damaged, or cannot be downloaded.
    """
    if backbone in efficientnet_weights.PUBLISHED:
        return efficientnet_weights.imagenet(backbone)
    if backbone in IMAGENET_FILES:
        return _by_layer(_keras_imagenet(backbone))
    known = ", ".join((*IMAGENET_FILES, *efficientnet_weights.PUBLISHED))
    raise ValueError(
        f"build: expected weights to be None or a file for {backbone}, 'imagenet' for one of "
        f"{known}. Received: weights='imagenet'."
    )


def _keras_imagenet(backbone: str) -> Any:
    """Keras's model of that name with its ImageNet weights, downloaded unless they are cached."""
    applications = {
        "mobilenet_v2": keras.applications.MobileNetV2,
        "resnet50": keras.applications.ResNet50,
    }
    file = IMAGENET_FILES[backbone]
    url = f"{_URL}/{_FOLDERS[backbone]}/{file}"
    if not (_cache_folder() / file).exists():
        _probe(url)
    try:
        with _no_stall():
            return applications[backbone](
                include_top=False, weights="imagenet", input_shape=(224, 224, 3)
            )
    except Exception as error:  # Keras raises a bare Exception for a failed download
        raise _no_download(url, error) from error


def _cache_folder() -> pathlib.Path:
    """Where keras.utils.get_file looks: it knows no KERAS_HOME."""
    home = pathlib.Path.home() / ".keras"
    if not os.access(home, os.W_OK):
        home = pathlib.Path("/tmp/.keras")  # noqa: S108 - Keras's own choice
    return home / "models"


def _probe(url: str) -> None:
    """Raises DataError where the server does not answer in time; name look-ups may hang too."""
    failure: list[BaseException] = [TimeoutError(f"no answer in {_PROBE_SECONDS:.0f} s")]

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310
            with urllib.request.urlopen(request, timeout=_PROBE_SECONDS):
                failure.clear()
        except Exception as error:  # handed to the thread that waits
            failure.insert(0, error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    if failure:
        raise _no_download(url, failure[0]) from failure[0]


@contextmanager
def _no_stall() -> Generator[None, None, None]:
    """A download that stands still ends with an error; Keras sets no time limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALL_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _no_download(url: str, error: BaseException) -> DataError:
    return DataError(
        f"build: expected to download {url} (weights='imagenet'). Received: {_line(error)}. "
        f"Put the file into {_cache_folder()}, or give it as weights=FILE."
    )


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _by_layer(model: Any) -> dict[str, list[NDArray[Any]]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def copy(given: dict[str, list[NDArray[Any]]], target: Any, origin: str) -> None:
    """Gives each layer of the target the weights of its name.

    Args:
        given: layer name -> arrays, as `set_weights` takes them.
        target: a Keras model.
        origin: of the weights, for errors.

    Raises:
        DataError: a layer is not given, or has weights of other shapes.
    """
    for layer in target.layers:
        if not layer.weights:
            continue
        values = given.get(layer.name)
        shapes = [tuple(weight.shape) for weight in layer.weights]
        received = None if values is None else [value.shape for value in values]
        if received != shapes:
            raise DataError(
                f"build: expected {origin} to hold the layer {layer.name!r} with weights of shapes "
                f"{shapes}. Received: {'no such layer' if received is None else received}."
            )
        layer.set_weights(values)
