"""What a converted file says of itself: from the model, its run and the versions that made it."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xncaps_converters import samples
from xncaps_converters.binary_weights import UnpackedLayer
from xncaps_converters.clone import flat_layers
from xncaps_files.metadata import FORMAT_VERSION, LIGHT_ON_DARK, InputWords, Metadata, Origin
from xncaps_files.metadata_format import InputTensor
from xncaps_files.scores import ScoreScale
from xncaps_tf.data import catalogue
from xncaps_tf.errors import ConversionError

_PACKAGES = ("xncaps-tf", "tensorflow", "tf-keras", "larq", "larq-compute-engine")
_KERNEL_QUANTIZERS = ("kernel_quantizer", "depthwise_quantizer", "pointwise_quantizer")


XNIDR = "XnIDR: nothing bitpacked, its binarisation is of activations"


@dataclass(frozen=True)
class BinaryLayer:
    """A layer with a binary weight.

    Attributes:
        name, kind: of the layer.
        bits: whether the file keeps the weight as bits.
        reason: why it does not.
    """

    name: str
    kind: str
    bits: bool
    reason: str = ""


def describe(
    model: Any,
    to: str,
    *,
    model_sha256: str,
    data: str | None,
    layers: Sequence[BinaryLayer] = (),
    passes: Sequence[str] = (),
    changes: Sequence[str] = (),
) -> Metadata:
    """The metadata of a file.

    Args:
        model: the Keras model.
        to: the format.
        model_sha256: hash of the saved model.
        data: name of the data set that the model was made for, None where not known.
        layers: every layer with a binary weight.
        passes: the exact rewrites that were made before, in words.
        changes: words of `bounds.CHANGES` for what is not exact.
    """
    from xncaps_tf import models

    origin: Origin = {
        "format_version": FORMAT_VERSION,
        "format": to,
        "model": {"name": model.name, "sha256": model_sha256},
        "versions": _versions(),
        "data": data,
        "input": _input_words(model, data),
        "output": ScoreScale(models.score_kind(model)).to_json(),
        "binary_layers": [
            {"name": each.name, "kind": each.kind, "bits": each.bits} for each in layers
        ],
        "passes": list(passes),
        "changes": list(changes),
        "notes": list(notes_of(model)),
    }
    if date := _date():
        origin["date"] = date
    return Metadata(
        name=model.name,
        description=f"{model.name}, converted by xncaps convert --to {to}.",
        class_names=models.class_names(model) or (),
        input=_input(model, origin["input"]),
        origin=origin,
    )


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # larq-compute-engine on Linux ARM
            continue
    return found


def _date() -> str | None:
    """SOURCE_DATE_EPOCH as a date; without it a file would change with every conversion."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        return None
    try:
        moment = datetime.datetime.fromtimestamp(int(given), datetime.timezone.utc)
    except (ValueError, OverflowError, OSError) as error:
        raise ConversionError(
            f"expected seconds since 1970. Received: SOURCE_DATE_EPOCH={given!r}."
        ) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _input_words(model: Any, data: str | None) -> InputWords:
    """What TFLite's form has no field for; null where not known."""
    if len(model.inputs) != 1 or not samples.takes_pixels(model):
        return {"kind": "tensor", "channel_order": None, "polarity": None}
    polarity = None
    if data is not None:
        polarity = LIGHT_ON_DARK if catalogue.is_light_on_dark(data) else "any"
        polarity = None if data == "folder" else polarity
    channels = samples.input_shape(model)[-1]
    return {
        "kind": "image",
        "channel_order": "RGB" if channels == 3 else "GRAYSCALE",
        "polarity": polarity,
        "minimum": 0,
        "maximum": 255,
    }


def _input(model: Any, words: InputWords) -> InputTensor:
    if words["kind"] != "image":
        return InputTensor("input", "Float values, as the Keras model takes them.")
    height, width, _ = samples.input_shape(model)
    return InputTensor(
        name="image",
        description="Pixels from 0 to 255; scaling is a part of the model.",
        color_space=words["channel_order"],
        size=(height, width),
        mean=(0.0,),
        std=(1.0,),
        minimum=0.0,
        maximum=255.0,
    )


def notes_of(model: Any) -> tuple[str, ...]:
    """What must be said of a converted model, in words: `convert`, `inspect` and the report do."""
    kinds = {type(layer).__name__ for layer in flat_layers(model)}
    return (XNIDR,) if "XnIDR" in kinds else ()


def binary_layers(model: Any, unpacked: Sequence[UnpackedLayer]) -> tuple[BinaryLayer, ...]:
    """Every layer with a binary weight, and whether it is kept as bits."""
    reasons = {layer.name: layer.reason for layer in unpacked}
    found: list[BinaryLayer] = []
    for layer in flat_layers(model):
        if any(getattr(layer, name, None) is not None for name in _KERNEL_QUANTIZERS):
            bits, reason = layer.name not in reasons, reasons.get(layer.name, "")
            found.append(BinaryLayer(layer.name, type(layer).__name__, bits, reason))
    return tuple(found)
