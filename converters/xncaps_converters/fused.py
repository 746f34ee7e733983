"""Keras -> TFLite file in which a whole capsule layer is one custom op of the native runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xncaps_converters import engines, join, lce, markers, packing, quantize
from xncaps_converters.bounds import CHANGES
from xncaps_converters.clone import Replacement, as_model, clone, flat_layers
from xncaps_files import tflite
from xncaps_files.ops import LCE_OPS, XNCAPS_OPS
from xncaps_tf.errors import ConversionError
from xncaps_tf.layers import CapsFC, XnIDR, XnODR

BACKBONES = ("float32", "int8", "dynamic")


@dataclass(frozen=True)
class FusedOptions:
    """How a model is fused.

    Attributes:
        scales: of XnODR's bits: 'channel' (exact), 'capsule' or 'none'.
        scale_type: 'float32' (exact) or 'float16'.
        backbone: 'float32', 'int8' (calibrated after training) or 'dynamic' (int8 weights only).
    """

    scales: str = "channel"
    scale_type: str = "float32"
    backbone: str = "float32"

    def __post_init__(self) -> None:
        _one_of("scales", self.scales, packing.SCALES)
        _one_of("scale_type", self.scale_type, packing.SCALE_TYPES)
        _one_of("backbone", self.backbone, BACKBONES)

    @property
    def changes(self) -> tuple[str, ...]:
        """What of the model these options change, in words; empty where the result is exact."""
        return tuple(CHANGES[word].words for word in self.changed)

    @property
    def changed(self) -> tuple[str, ...]:
        """The words of these options that change the model; see `bounds.CHANGES`."""
        given = (self.scales, self.scale_type, self.backbone)
        return tuple(word for word in given if word in CHANGES)


def convert_fused(
    model: Any,
    *,
    batch_size: int | None = 1,
    options: FusedOptions | None = None,
    calibration: np.ndarray | None = None,
    allow_float: bool = False,
) -> bytes:
    """Converts a Keras model; each capsule layer becomes one op.

    `XnODR` becomes XnCapsOdr (bits and scales), `XnIDR` XnCapsIdr and `CapsFC` XnCapsFc (float32
    weights). Binary convolutions become LCE's ops, by LCE's converter. The file runs in any TFLite
    that has loaded the delegate of `xncaps-runtime`.

    Args:
        model: a functional or sequential Keras model, or a built layer.
        batch_size: of the file's inputs; None leaves it open.
        options: how; the default changes nothing but the order of sums.
        calibration: images `[n, H, W, C]`, as the model takes them; needed for an int8 backbone.
        allow_float: accept capsule layers and binary weights that stay as float operations.

    Returns:
        The TFLite file, without metadata.

    Raises:
        ConversionError: a layer cannot be fused or packed (it is named), the converter left an op
            out, or the options do not go together.
    """
    options = options or FusedOptions()
    model = as_model(model)
    plan = _plan(model, options)
    if plan.left and not allow_float:
        raise ConversionError(
            "expected every capsule layer to have no quantizer or xncaps' own on both operands. "
            f"Received: {'; '.join(plan.left)}. --allow-float (allow_float=True) keeps them as "
            "float operations."
        )
    prepared = clone(model, plan.replacement, batch_size=batch_size)
    if options.backbone == "int8":
        data = _int8(model, prepared, calibration)
    else:
        data = _convert(prepared, dynamic=options.backbone == "dynamic")
    _check(model, plan, data, allow_float)
    return data


@dataclass
class _Plan:
    """Which layers become which ops, and which cannot.

    Attributes:
        ops: by the layer itself (its `id`): two networks in one may have layers of one name.
        left: the others, in words.
    """

    ops: dict[int, markers.FusedOp]
    left: list[str]

    def replacement(self, layer: Any) -> Replacement | None:
        op = self.ops.get(id(layer))
        if op is not None:
            return Replacement(markers.FusedCapsules(op, name=layer.name), lambda old, new: None)
        return None if _is_capsule_layer(layer) else lce.replacement(layer)


def _plan(model: Any, options: FusedOptions) -> _Plan:
    plan = _Plan({}, [])
    for layer in filter(_is_capsule_layer, flat_layers(model)):
        op = markers.fused_op(layer, scales=options.scales, scale_type=options.scale_type)
        if op is None:
            plan.left.append(f"{type(layer).__name__} {layer.name!r} {_quantizers(layer)}")
        else:
            plan.ops[id(layer)] = op
    return plan


def _is_capsule_layer(layer: Any) -> bool:
    return isinstance(layer, (CapsFC, XnODR, XnIDR))


def _quantizers(layer: Any) -> str:
    given = markers.quantizers_of(layer)
    return ", ".join(
        f"{name}={'None' if value is None else type(value).__name__}"
        for name, value in given.items()
    )


def _convert(prepared: Any, *, dynamic: bool = False) -> bytes:
    """One conversion: by LCE's converter where there are binary convolutions, else TensorFlow's."""
    if lce.has_binary_convolutions(prepared):
        if dynamic:
            raise ConversionError(
                "expected a float backbone for dynamic-range weights. Received: one of binary "
                "convolutions, whose weights are bits already; leave --dynamic-range out."
            )
        return engines.run_lce(prepared)
    return engines.run_tensorflow(prepared, custom_ops=True, dynamic_range=dynamic)


def _int8(model: Any, prepared: Any, calibration: np.ndarray | None) -> bytes:
    """An int8 backbone and a float head, converted one by one and joined.

    Calibration runs the model in TFLite's own interpreter, which has no capsule op: so only the
    part in front of the head is calibrated.
    """
    if calibration is None:
        raise ConversionError(
            "expected images to calibrate an int8 backbone with. Received: none; pass --data, or "
            "calibration=images."
        )
    if lce.has_binary_convolutions(prepared):
        raise ConversionError(
            "expected a float backbone to make int8. Received: one of binary convolutions; LCE has "
            "no calibration after training."
        )
    backbone, head = quantize.split_before_head(prepared)
    first = quantize.convert_int8(backbone, calibration)
    return join.join(first, _convert(head))


def _check(model: Any, plan: _Plan, data: bytes, allow_float: bool) -> None:
    """Every promised op is in the file, and none that no interpreter has."""
    file = tflite.parse(data)
    names = [op.name for op in file.ops]
    for name in sorted(XNCAPS_OPS):
        wanted = sum(op.name == name for op in plan.ops.values())
        if names.count(name) != wanted:
            raise ConversionError(
                f"expected {wanted} {name} in the file. Received: {names.count(name)}; the "
                "converter dropped a marked layer."
            )
    known = XNCAPS_OPS | LCE_OPS
    unresolved = [name for name in file.custom_ops if name not in known]
    if unresolved:
        raise ConversionError(
            "expected TFLite's, LCE's and xncaps' ops only. Received: "
            f"{', '.join(unresolved)}, which no interpreter has."
        )
    fused = {layer.name for layer in flat_layers(model) if id(layer) in plan.ops}
    floats = [layer for layer in lce.unpacked_layers(model, file) if layer.name not in fused]
    if floats and not allow_float:
        raise ConversionError(
            "expected every binary weight to be kept as bits. Received: "
            + "; ".join(map(str, floats))
            + ". --allow-float (allow_float=True) keeps them as float32."
        )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(
            f"convert_fused: expected {name} to be one of {', '.join(allowed)}. "
            f"Received: {name}={value!r}."
        )
