r"""How big a model is and how much it computes: of each layer, and in all.

The method, which the figures of other sources need not share:

- **Parameters** are the floating-point weights, trainable or not (BatchNorm has four a channel, two
  of them trainable). Integer weights, such as the step counter of SeededDropout, are state and no
  parameters. **Binary** parameters are those whose quantizer has a `precision` of 1.
- **MACs** are multiply-accumulates of one forward pass of one example (batch 1): of a convolution
  its kernel's size times the output pixels, of a dense layer its kernel's size (times the positions
  it is applied to), of a transposed convolution times the input pixels. Of a capsule layer: the
  projection N J D E; the weighted sums R N J E; the agreements (R - 1) N J E. **Binary MACs** are
  those of which both operands are quantized to one bit: a QuantConv2D with two such quantizers, the
  projection of an XnODR, the agreements of an XnIDR. Everything else that costs time (bias,
  normalisation, activation, pooling, upsampling, squash, softmax, lengths, the multiplication by
  means of absolute values, binarising itself) is no MAC and is not counted. A layer that is called
  several times counts once. A layer whose MACs are not known has `macs` None and is listed in
  `uncounted`; totals leave it out.
- **Bytes as trained**: each parameter at the size of its type, mostly 4.
- **Bytes as packed**: binary parameters at one bit, rounded up to whole bytes a weight; BatchNorm
  as two numbers a channel, a factor and an offset, where beta and moving mean, gamma and moving
  variance come in pairs; and 4 bytes for each multiplier that a packed layer needs besides its
  bits: XnODR's means of the weight over D, N J E of them (`bytes_multipliers`, part of
  `bytes_packed`).
  A file of a given converter may be larger (padding) or smaller (float16): `xncaps inspect` counts
  what is in a file.

`larq.models.summary` counts the same binary parameters, the same MACs and binary MACs of
convolutions and dense layers, and as memory `bytes_packed - bytes_multipliers`, but for the
counters above. It counts two of BatchNorm's four numbers as parameters, and no MACs of capsule
layers.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, cast

from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import CapsFC, XnIDR, XnODR

_FLOAT_BYTES = 4
_NO_MACS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.Embedding,
)
_UNKNOWN_MACS = (
    keras.layers.Dot,
    keras.layers.Attention,
    keras.layers.AdditiveAttention,
    keras.layers.Lambda,
)
_BATCH_NORM_PAIRS = (("beta", "moving_mean"), ("gamma", "moving_variance"))


@dataclass(frozen=True)
class LayerAccount:
    """Figures of one layer; the module's docstring says how they are counted.

    Attributes:
        name: the layer's, with the names of the models around it and slashes where it is nested.
        kind: its class.
        output_shape: without the batch, or None if unknown or several.
        parameters: all of them; `trainable` and `binary` are parts.
        macs: all of them, or None if not known; `binary_macs` is a part.
        bytes_trained: of the weights in training.
        bytes_packed: of the weights when packed; `bytes_multipliers` is a part.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...] | None
    parameters: int
    trainable: int
    binary: int
    macs: int | None
    binary_macs: int
    bytes_trained: int
    bytes_packed: int
    bytes_multipliers: int


@dataclass(frozen=True)
class Account:
    """Figures of a model: a `LayerAccount` a layer, and the sums.

    Attributes:
        name: the model's.
        layers: in the order of the model, nested models taken apart.
    """

    name: str
    layers: tuple[LayerAccount, ...]

    def total(self, figure: str) -> int:
        """The sum of one figure over all layers; unknown MACs count as none."""
        return sum(getattr(layer, figure) or 0 for layer in self.layers)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Names of the layers whose MACs are not known."""
        return tuple(layer.name for layer in self.layers if layer.macs is None)

    @property
    def binary_share(self) -> float:
        """Share of the MACs that are binary, 0 to 1."""
        return self.total("binary_macs") / max(1, self.total("macs"))

    @property
    def binary_parameter_share(self) -> float:
        """Share of the parameters that are binary, 0 to 1."""
        return self.total("binary") / max(1, self.total("parameters"))

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values for JSON: name, totals, shares, uncounted, layers."""
        figures = [
            field.name for field in dataclasses.fields(LayerAccount) if "int" in str(field.type)
        ]
        figures.remove("output_shape")
        return {
            "name": self.name,
            "totals": {figure: self.total(figure) for figure in figures},
            "binary_share_of_macs": self.binary_share,
            "binary_share_of_parameters": self.binary_parameter_share,
            "uncounted": list(self.uncounted),
            "layers": [dataclasses.asdict(layer) for layer in self.layers],
        }


def account(model: Any) -> Account:
    """Counts a Keras model, layer by layer, or a single built layer.

    Examples:
        >>> account(models.build("mobilenet_v2", "xnodr", (32, 32, 3), 10)).total("parameters")
        3751584

    Args:
        model: a built `keras.Model` or `keras.layers.Layer`.

    Raises:
        TypeError: it is neither.
        ValueError: it has not been built, so that its weights are not known.
    """
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(
            f"account: expected a Keras model or layer. Received: model={type(model).__name__}."
        )
    if not model.built:
        raise ValueError(
            f"account: expected a model that is built. Received: {model.name!r}; call it on an "
            "input first."
        )
    return Account(model.name, tuple(_account_layer(layer, name) for layer, name in _leaves(model)))


def _leaves(layer: Any, prefix: str = "") -> list[tuple[Any, str]]:
    """The layers that are no models, with the path of names that leads to each."""
    if not isinstance(layer, keras.Model):
        return [(layer, prefix + layer.name)]
    leaves: list[tuple[Any, str]] = []
    for inner in layer.layers:
        if isinstance(inner, keras.Model):
            leaves += _leaves(inner, f"{prefix}{inner.name}/")
        else:
            leaves.append((inner, prefix + inner.name))
    return leaves


def _account_layer(layer: Any, name: str) -> LayerAccount:
    weights = [weight for weight in layer.weights if _is_floating(weight)]
    trainable = {id(weight) for weight in layer.trainable_weights}
    binary = {id(weight) for weight in _binary_weights(layer)}
    multipliers = _FLOAT_BYTES * _multipliers(layer)
    macs, binary_macs = _macs(layer)
    return LayerAccount(
        name=name,
        kind=type(layer).__name__,
        output_shape=_output_shape(layer),
        parameters=sum(_size(weight) for weight in weights),
        trainable=sum(_size(weight) for weight in weights if id(weight) in trainable),
        binary=sum(_size(weight) for weight in weights if id(weight) in binary),
        macs=macs,
        binary_macs=binary_macs,
        bytes_trained=sum(_bytes(weight) for weight in weights),
        bytes_packed=multipliers
        + sum(_bytes(weight, id(weight) in binary) for weight in _folded(layer, weights)),
        bytes_multipliers=multipliers,
    )


def _is_floating(weight: Any) -> bool:
    """Whether it is a weight that is trained or averaged; a table of words has no type at all."""
    kind = getattr(weight, "dtype", None)
    return kind is not None and kind.is_floating


def _size(weight: Any) -> int:
    return math.prod(weight.shape)


def _bytes(weight: Any, is_binary: bool = False) -> int:
    return math.ceil(_size(weight) / 8) if is_binary else _size(weight) * weight.dtype.size


def _output_shape(layer: Any) -> tuple[int | None, ...] | None:
    """Without the batch; None for a layer that was never called, or has several outputs."""
    try:
        shape: Any = layer.output_shape
    except (AttributeError, RuntimeError):  # Keras's answers for "not called" and "called twice"
        return None
    shapes = cast("list[Any]", shape) if isinstance(shape, list) else [shape]
    if len(shapes) != 1 or not isinstance(shapes[0], (tuple, tf.TensorShape)):
        return None
    return tuple(tf.TensorShape(shapes[0]).as_list()[1:])


def _is_binary(quantizer: Any) -> bool:
    return getattr(quantizer, "precision", None) == 1


def _are_binary(layer: Any, *quantizers: str) -> bool:
    """Whether the layer has each of these quantizers, all of one bit."""
    return all(_is_binary(getattr(layer, quantizer, None)) for quantizer in quantizers)


def _binary_weights(layer: Any) -> list[Any]:
    """The weights whose quantizer leaves them one bit."""
    pairs = (
        ("kernel_quantizer", "kernel"),
        ("depthwise_quantizer", "depthwise_kernel"),
        ("pointwise_quantizer", "pointwise_kernel"),
    )
    return [
        getattr(layer, weight)
        for quantizer, weight in pairs
        if _is_binary(getattr(layer, quantizer, None)) and getattr(layer, weight, None) is not None
    ]


def _multipliers(layer: Any) -> int:
    """XnODR's means of |W|: one for each n, j and e, for each n and j, or one."""
    if isinstance(layer, XnODR) and _is_binary(layer.kernel_quantizer):
        n, j, _, e = layer.kernel.shape
        return {"channel": n * j * e, "capsule": n * j, "none": 1}[layer.scales]
    return 0


def _folded(layer: Any, weights: list[Any]) -> list[Any]:
    """What is left of the weights in inference: BatchNorm's four numbers fold into two."""
    if not isinstance(layer, keras.layers.BatchNormalization):
        return weights
    names = {weight.name.split("/")[-1].split(":")[0]: weight for weight in weights}
    for trained, moving in _BATCH_NORM_PAIRS:
        if trained in names and moving in names:
            del names[trained]
    return list(names.values())


def _macs(layer: Any) -> tuple[int | None, int]:
    """MACs of one example, and how many of them are binary."""
    if isinstance(layer, (CapsFC, XnODR, XnIDR)):
        return _capsule_macs(layer)
    for kinds, count in _COUNTERS:
        if isinstance(layer, kinds):
            return count(layer)
    if isinstance(layer, _NO_MACS):
        return 0, 0
    known = not layer.trainable_weights and not isinstance(layer, _UNKNOWN_MACS)
    return (0, 0) if known else (None, 0)


def _capsule_macs(layer: Any) -> tuple[int, int]:
    n, j, d, e = layer.kernel.shape
    projection = n * j * d * e
    sums = layer.routing_iterations * n * j * e
    agreements = (layer.routing_iterations - 1) * n * j * e
    binary = 0
    if _are_binary(layer, "input_quantizer", "kernel_quantizer"):  # XnODR
        binary = projection
    elif _are_binary(layer, "prediction_quantizer", "pose_quantizer"):  # XnIDR
        binary = agreements
    return projection + sums + agreements, binary


def _pixels(layer: Any, shape: Any) -> int | None:
    """Positions of a feature map `[..., C]`, or `[C, ...]` where the layer says so."""
    if shape is None:
        return None
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    sides = shape[1:] if first else shape[:-1]
    return None if None in sides else math.prod(sides)


def _times(kernel: Any, pixels: int | None, is_binary: bool) -> tuple[int | None, int]:
    if pixels is None:
        return None, 0
    macs = _size(kernel) * pixels
    return macs, macs if is_binary else 0


def _kernel_macs(layer: Any) -> tuple[int | None, int]:
    is_binary = _are_binary(layer, "input_quantizer", "kernel_quantizer")
    return _times(layer.kernel, _pixels(layer, _output_shape(layer)), is_binary)


def _depthwise_macs(layer: Any) -> tuple[int | None, int]:
    is_binary = _are_binary(layer, "input_quantizer", "depthwise_quantizer")
    return _times(layer.depthwise_kernel, _pixels(layer, _output_shape(layer)), is_binary)


def _separable_macs(layer: Any) -> tuple[int | None, int]:
    pixels = _pixels(layer, _output_shape(layer))
    is_binary = _are_binary(layer, "intermediate_quantizer", "pointwise_quantizer")
    macs, binary = _times(layer.pointwise_kernel, pixels, is_binary)
    depthwise, binary_depthwise = _depthwise_macs(layer)
    if macs is None or depthwise is None:
        return None, 0
    return macs + depthwise, binary + binary_depthwise


def _transposed_macs(layer: Any) -> tuple[int | None, int]:
    shape = layer.input_shape
    is_binary = _are_binary(layer, "input_quantizer", "kernel_quantizer")
    return _times(layer.kernel, _pixels(layer, tuple(shape)[1:]), is_binary)


# The first row that fits counts: Keras derives its special convolutions from the plain ones.
_COUNTERS: tuple[tuple[Any, Any], ...] = (
    ((keras.layers.SeparableConv1D, keras.layers.SeparableConv2D), _separable_macs),
    ((keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D), _depthwise_macs),
    (
        (
            keras.layers.Conv1DTranspose,
            keras.layers.Conv2DTranspose,
            keras.layers.Conv3DTranspose,
        ),
        _transposed_macs,
    ),
    (
        (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.Dense),
        _kernel_macs,
    ),
)
