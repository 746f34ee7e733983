"""A copy of a Keras model with some layers replaced and its batch size fixed or left open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError


@dataclass(frozen=True)
class Replacement:
    """A layer that takes another's place.

    Attributes:
        layer: the new layer, not built yet.
        transfer: called with (old, new) once both are built; sets the new layer's weights.
    """

    layer: Any
    transfer: Callable[[Any, Any], None]


Replace = Callable[[Any], Replacement | None]


def copy_weights(old: Any, new: Any) -> None:
    """The transfer of a layer that has the same weights as the one it replaces."""
    new.set_weights(old.get_weights())


def clone(model: Any, replace: Replace | None = None, *, batch_size: int | None = None) -> Any:
    """Copies a functional or sequential model, layers, weights and names.

    Args:
        model: a built `keras.Model`, functional or sequential; such models may be nested in it.
        replace: given a layer, returns its `Replacement`, or None to copy it.
        batch_size: of the copy's inputs; None leaves it open.

    Returns:
        A new `keras.Model` that shares nothing with `model`.

    Raises:
        ConversionError: the model is subclassed, so that its graph is not known, or not built.
    """
    model = as_model(model)
    job = _Clone(replace or (lambda layer: None))
    inputs = [
        keras.Input(
            batch_shape=(batch_size, *tensor.shape[1:]),
            dtype=tensor.dtype,
            name=tensor.node.layer.name,
        )
        for tensor in model.inputs
    ]
    copy = job.copy(model, inputs)
    for old, new, transfer in job.pairs:
        transfer(old, new)
    return copy


def as_model(model: Any) -> Any:
    """The model itself, or a bare built layer as a model of it alone.

    Raises:
        ConversionError: it is subclassed, not built, or computes in a half precision.
    """
    model = _as_model(model)
    for layer in flat_layers(model):
        policy = getattr(layer, "dtype_policy", None)
        if policy is not None and "float16" in policy.name:
            raise ConversionError(
                f"layer {layer.name!r}: expected float32. Received: the policy {policy.name}; "
                "build the model under the policy float32 and give it these weights (set_weights)."
            )
    return model


def _as_model(model: Any) -> Any:
    if isinstance(model, keras.Model):
        if not isinstance(model, _functional_class()):
            raise ConversionError(
                f"{type(model).__name__} {model.name!r}: expected a functional or sequential Keras "
                "model, whose graph is known. Received: a subclassed one; call it on a keras.Input "
                "and build keras.Model(inputs, outputs)."
            )
        if not model.built or not model.inputs:
            raise ConversionError(
                f"{model.name!r}: expected a built model. Received: one whose input shape is not "
                "known; call model.build(input_shape)."
            )
        return model
    if not isinstance(model, keras.layers.Layer):
        raise ConversionError(
            f"expected a Keras model or layer. Received: a {type(model).__name__}."
        )
    shape = getattr(model, "_build_input_shape", None)
    if not model.built or shape is None:
        raise ConversionError(
            f"layer {model.name!r}: expected a built layer. Received: one that was never called."
        )
    inputs = keras.Input(tuple(shape)[1:], name="input")
    return keras.Model(inputs, model(inputs), name=model.name)


def flat_layers(model: Any) -> list[Any]:
    """Every layer of a model, those inside nested models and layers too; models left out."""
    found = model._flatten_layers(recursive=True, include_self=False)
    return [layer for layer in found if not isinstance(layer, keras.Model)]


_Pair = tuple[Any, Any, Callable[[Any, Any], None]]  # a layer, its copy, what sets its weights


@dataclass
class _Clone:
    """One run of `clone`: the layers that it made, to set their weights at the end."""

    replace: Replace
    pairs: list[_Pair] = field(default_factory=list[_Pair])

    def copy(self, model: Any, inputs: Any = None) -> Any:
        copy = keras.models.clone_model(model, input_tensors=inputs, clone_function=self.layer)
        copy.trainable = model.trainable
        return copy

    def layer(self, layer: Any) -> Any:
        if isinstance(layer, _functional_class()):
            return self.copy(layer)
        replacement = self.replace(layer)
        if replacement is None:
            twin = layer.__class__.from_config(layer.get_config())
            replacement = Replacement(twin, copy_weights)
        self.pairs.append((layer, replacement.layer, replacement.transfer))
        return replacement.layer


def _functional_class() -> type:
    """The class of functional models, which Keras 2 has no public name for; Sequential is one."""
    return next(c for c in keras.Sequential.__mro__ if c.__name__ == "Functional")
