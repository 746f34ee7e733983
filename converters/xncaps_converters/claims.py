"""Which layers of a model give way to which others: one taker a layer, shapes that still fit.

What is rewritten before a conversion, exact passes and capsule layers that become ops, is claimed
here first, and made in one copy of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xncaps_converters.clone import Replacement
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import ConversionError

# By the layer itself (its `id`), as a nested model may have a layer of the same name.
Replacements = Mapping[int, Callable[[], Replacement]]
Shape = tuple[int | None, ...]


class Claims:
    """The layers of one model that are to be replaced.

    Args:
        model: a built functional or sequential Keras model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._makers: dict[int, Callable[[], Replacement]] = {}
        self._takers: dict[int, str] = {}

    def add(self, taker: str, found: Replacements) -> None:
        """Claims layers, and checks that the model's shapes fit with all claims up to now.

        Args:
            taker: who wants them, for messages.
            found: of each layer (its `id`) a function that makes its replacement.

        Raises:
            ConversionError: a layer has been claimed before, or another shape would reach a layer
                that is left as it is, or the model's end. Nothing is claimed then.
        """
        for layer, taken in self._takers.items():
            if layer in found:
                raise ConversionError(
                    f"expected one rewrite a layer. Received: {taker} for {self._name(layer)!r}, "
                    f"which {taken} has claimed."
                )
        makers = {**self._makers, **found}
        _check_model(self._model, makers, taker)
        self._makers = makers
        self._takers.update(dict.fromkeys(found, taker))

    def __contains__(self, layer: Any) -> bool:
        return id(layer) in self._makers

    def replace(self, layer: Any) -> Replacement | None:
        """For `clone`: what takes a layer's place, None where nobody has claimed it."""
        maker = self._makers.get(id(layer))
        return None if maker is None else maker()

    def _name(self, number: int) -> str:
        layers = self._model._flatten_layers(recursive=True, include_self=False)
        return next((layer.name for layer in layers if id(layer) == number), "?")


def _check_model(model: Any, makers: Replacements, taker: str) -> None:
    """Follows the shapes from node to node; only replaced layers may see or make other ones."""
    shapes: dict[int, Shape] = {}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            before = tf.nest.flatten(node.outputs)
            after = [_shape(tensor.shape) for tensor in before]
            if not node.is_input:
                given = [shapes.get(id(t), _shape(t.shape)) for t in node.keras_inputs]
                after = _outputs(node, given, after, makers, taker)
            shapes |= {id(tensor): shape for tensor, shape in zip(before, after, strict=True)}
    for tensor in model.outputs:
        if shapes[id(tensor)][1:] != _shape(tensor.shape)[1:]:
            raise ConversionError(
                f"{taker}: expected {model.name!r} to keep its outputs "
                f"{list(_shape(tensor.shape))}. Received: {list(shapes[id(tensor)])}."
            )


def _outputs(
    node: Any, given: list[Shape], before: list[Shape], makers: Replacements, taker: str
) -> list[Shape]:
    """The output shapes of a node whose inputs have the shapes `given`."""
    layer = node.layer
    if isinstance(layer, keras.Model):
        _check_model(layer, makers, taker)
    maker = makers.get(id(layer))
    if maker is not None:
        made = maker().layer.compute_output_shape(given[0] if len(given) == 1 else given)
        return [_shape(made)]
    for tensor, shape in zip(node.keras_inputs, given, strict=True):
        if shape[1:] != _shape(tensor.shape)[1:]:
            raise ConversionError(
                f"{taker}: expected layer {layer.name!r}, which is not replaced, to get "
                f"{list(_shape(tensor.shape))}. Received: {list(shape)}."
            )
    return before


def _shape(shape: Any) -> Shape:
    return tuple(None if size is None else int(size) for size in tf.TensorShape(shape))
