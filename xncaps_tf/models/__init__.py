"""Networks: a backbone and a head, joined by their names.

The names load no TensorFlow; `build` and the rest are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xncaps_files.lazy import attach
from xncaps_tf.models.choices import BACKBONES, FEATURES, HEADS, UPSAMPLING
from xncaps_tf.models.interfaces import HeadOptions
from xncaps_tf.models.registration import register_backbone, register_head

if TYPE_CHECKING:
    from xncaps_tf.models.decoder import with_decoder as with_decoder
    from xncaps_tf.models.decoder import without_decoder as without_decoder
    from xncaps_tf.models.endings import score_kind as score_kind
    from xncaps_tf.models.input_layers import CaffePreprocessing as CaffePreprocessing
    from xncaps_tf.models.normalization import BatchNorm as BatchNorm
    from xncaps_tf.models.registry import build as build
    from xncaps_tf.models.registry import class_names as class_names
    from xncaps_tf.models.registry import imagenet_classifier as imagenet_classifier
    from xncaps_tf.models.registry import is_capsule_head as is_capsule_head
    from xncaps_tf.models.zoo_models import pretrained as pretrained

_LAZY = {
    "BatchNorm": "normalization",
    "CaffePreprocessing": "input_layers",
    "build": "registry",
    "class_names": "registry",
    "imagenet_classifier": "registry",
    "is_capsule_head": "registry",
    "pretrained": "zoo_models",
    "score_kind": "endings",
    "with_decoder": "decoder",
    "without_decoder": "decoder",
}

__all__ = [
    "BACKBONES",
    "FEATURES",
    "HEADS",
    "UPSAMPLING",
    "BatchNorm",
    "CaffePreprocessing",
    "HeadOptions",
    "build",
    "class_names",
    "imagenet_classifier",
    "is_capsule_head",
    "pretrained",
    "register_backbone",
    "register_head",
    "score_kind",
    "with_decoder",
    "without_decoder",
]


__getattr__ = attach(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
