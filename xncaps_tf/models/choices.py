"""The words of the registry; imports nothing, so that a command's --help can list them."""

from __future__ import annotations

BACKBONES = (
    "small_cnn",
    "quicknet",
    "quicknet_small",
    "quicknet_medium",
    "quicknet_large",
    "mobilenet_v2",
    "resnet50",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
)
HEADS = ("capsfc", "xnodr", "xnidr", "dense")
UPSAMPLING = ("nearest", "bilinear")  # and of resizing
SCALES = ("channel", "capsule", "none")  # of xnodr's bits
BINARY_HEADS = ("xnodr", "xnidr")
QUANTIZERS = ("caps_sign", "ste_sign")  # of xnodr and xnidr: -1 at zero, as published, or +1
FEATURES = ("last_conv", "last_block")
RESIZING = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
