"""Keras -> TFLite file in which a whole capsule layer is one custom op of the native runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from xncaps_converters import binary_weights, engines, join, marked_layers, passes, quantize, to_lce
from xncaps_converters.claims import Claims
from xncaps_converters.clone import Replacement, as_model, clone, flat_layers
from xncaps_converters.output_formats import FusedOptions, Made, Options, Report, silent
from xncaps_files import tflite
from xncaps_files.op_codes import LCE_OPS, XNCAPS_OPS
from xncaps_tf.errors import ConversionError
from xncaps_tf.layers import CapsFC, XnIDR, XnODR


def convert_fused(
    model: Any,
    *,
    batch_size: int | None = 1,
    options: FusedOptions | None = None,
    calibration: NDArray[Any] | None = None,
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
    given = every_option(options, batch_size, calibration, allow_float)
    return make(as_model(model), given).data


def every_option(
    options: FusedOptions | None,
    batch_size: int | None,
    calibration: NDArray[Any] | None,
    allow_float: bool,
) -> Options:
    """The arguments of `convert_fused` and `convert_composite` as one record."""
    return Options(
        **asdict(options or FusedOptions()),
        batch_size=batch_size,
        allow_float=allow_float,
        passes=False,
        calibration=lambda: calibration,
    )


def make(model: Any, options: Options, report: Report = silent) -> Made:
    """`convert_fused` as an entry of the table of formats; it can make exact rewrites before."""
    report("copy the model", 0)
    claims = Claims(model)
    rewrites = passes.claim(model, claims) if options.passes else ()
    ops = _fusable(model, options)
    layers = [layer for layer in flat_layers(model) if id(layer) in ops]
    claims.add("fusing", {id(layer): _marked(layer, ops[id(layer)]) for layer in layers})

    def replacement(layer: Any) -> Replacement | None:
        if layer in claims:
            return claims.replace(layer)
        return None if _is_capsule_layer(layer) else to_lce.replacement(layer)

    prepared = clone(model, replacement, batch_size=options.batch_size)
    if options.backbone == "int8":
        data = _int8(prepared, options, report)
    else:
        report("convert", 0)
        data = _convert(prepared, dynamic=options.backbone == "dynamic")
    file = tflite.parse(data)
    return Made(file, _check(model, ops, file, options), rewrites)


def _marked(layer: Any, op: marked_layers.FusedOp) -> Callable[[], Replacement]:
    return lambda: Replacement(
        marked_layers.FusedCapsules(op, name=layer.name), lambda old, new: None
    )


def _fusable(model: Any, options: Options) -> dict[int, marked_layers.FusedOp]:
    """The op of each capsule layer, by the layer itself (its `id`), as names may occur twice."""
    ops: dict[int, marked_layers.FusedOp] = {}
    left: list[str] = []
    for layer in filter(_is_capsule_layer, flat_layers(model)):
        op = marked_layers.fused_op(layer, scales=options.scales, scale_type=options.scale_type)
        if op is None:
            left.append(f"{type(layer).__name__} {layer.name!r} {_quantizers(layer)}")
        else:
            ops[id(layer)] = op
    if left and not options.allow_float:
        raise ConversionError(
            "expected every capsule layer to have no quantizer or xncaps' own on both operands. "
            f"Received: {'; '.join(left)}. --allow-float (allow_float=True) keeps them as "
            "float operations."
        )
    return ops


def _is_capsule_layer(layer: Any) -> bool:
    return isinstance(layer, (CapsFC, XnODR, XnIDR))


def _keeps_capsules(layer: Any) -> bool:
    return _is_capsule_layer(layer) or isinstance(layer, marked_layers.FusedCapsules)


def _quantizers(layer: Any) -> str:
    given = marked_layers.quantizers_of(layer)
    return ", ".join(
        f"{name}={'None' if value is None else type(value).__name__}"
        for name, value in given.items()
    )


def _convert(prepared: Any, *, dynamic: bool = False) -> bytes:
    """One conversion: by LCE's converter where there are binary convolutions, else TensorFlow's."""
    if to_lce.has_binary_convolutions(prepared):
        if dynamic:
            raise ConversionError(
                "expected a float backbone for dynamic-range weights. Received: one of binary "
                "convolutions, whose weights are bits already; leave --dynamic-range out."
            )
        return engines.run_lce(prepared)
    return engines.run_tensorflow(prepared, custom_ops=True, dynamic_range=dynamic)


def _int8(prepared: Any, options: Options, report: Report) -> bytes:
    """An int8 backbone and a float capsule head, converted one by one and joined.

    Calibration runs the model in TFLite's own interpreter, which has no capsule op: so only the
    part in front of the head is calibrated. Without a capsule layer that is all but a softmax.
    """
    images = None if options.calibration is None else options.calibration()
    if images is None:
        raise ConversionError(
            "expected images to calibrate an int8 backbone with. Received: none; pass --data, or "
            "calibration=images."
        )
    if to_lce.has_binary_convolutions(prepared):
        raise ConversionError(
            "expected a float backbone to make int8. Received: one of binary convolutions; LCE has "
            "no calibration after training."
        )
    report("convert", 0)
    split = quantize.split_before_softmax
    if any(map(_keeps_capsules, flat_layers(prepared))):
        split = quantize.split_before_head
    backbone, head = split(prepared)
    first = quantize.convert_int8(backbone, images, report)
    return first if head is None else join.join(first, _convert(head))


def _check(
    model: Any, ops: dict[int, marked_layers.FusedOp], file: tflite.TfliteFile, options: Options
) -> tuple[binary_weights.UnpackedLayer, ...]:
    """Every promised op is in the file, and none that no interpreter has; what stayed float."""
    names = [op.name for op in file.ops]
    for name in sorted(XNCAPS_OPS):
        wanted = sum(op.name == name for op in ops.values())
        if names.count(name) != wanted:
            raise ConversionError(
                f"expected {wanted} {name} in the file. Received: {names.count(name)}; the "
                "converter dropped a marked layer."
            )
    to_lce.check_ops(file, XNCAPS_OPS | LCE_OPS)
    fused = {layer.name for layer in flat_layers(model) if id(layer) in ops}
    unpacked = [each for each in binary_weights.unpacked(model, file) if each.name not in fused]
    if unpacked and not options.allow_float:
        raise ConversionError(
            "expected every binary weight to be kept as bits. Received: "
            + "; ".join(map(str, unpacked))
            + ". --allow-float (allow_float=True) keeps them as float32."
        )
    return tuple(unpacked)
