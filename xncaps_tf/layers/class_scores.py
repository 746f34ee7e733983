"""The end of a model: its scores and the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_tf")
class ClassScores(keras.layers.Layer):
    """Passes scores through unchanged and keeps the names of their classes in its config.

    A saved model thereby knows what its outputs mean, with no file beside it.

    Examples:
        >>> ClassScores(["cat", "dog"])(tf.constant([[0.1, 0.9]])).numpy()
        array([[0.1, 0.9]], dtype=float32)

    Args:
        class_names: one string a class, in the order of the scores, or None if unknown.
        name: the layer's name.

    Input shape: `[B, classes]`.
    Output shape: `[B, classes]`, float32 under mixed precision.

    Raises:
        TypeError: `class_names` is not a sequence of strings.
        ValueError: a name is there twice, or their number is not the number of scores.
    """

    def __init__(
        self, class_names: Sequence[str] | None = None, name: str = "scores", **kwargs: Any
    ) -> None:
        if kwargs.get("dtype") is None and keras.mixed_precision.global_policy().name in (
            "mixed_float16",
            "mixed_bfloat16",
        ):
            kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        self.class_names = _check_names(class_names)

    def build(self, input_shape: Any) -> None:
        classes = tf.TensorShape(input_shape)[-1]
        if self.class_names is not None and classes not in (None, len(self.class_names)):
            raise ValueError(
                f"ClassScores: expected one name for each of the {classes} scores. "
                f"Received: {len(self.class_names)} in class_names={list(self.class_names)}."
            )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        return tf.identity(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tf.TensorShape(input_shape)

    def get_config(self) -> dict[str, Any]:
        names = None if self.class_names is None else list(self.class_names)
        return {**super().get_config(), "class_names": names}


def _check_names(names: Any) -> tuple[str, ...] | None:
    """The names as a tuple that Keras does not wrap."""
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise TypeError(
            f"ClassScores: expected a sequence of strings or None. Received: class_names={names!r}."
        )
    given = tuple(cast(Sequence[Any], names))
    wrong = [name for name in given if not isinstance(name, str)]
    if wrong:
        raise TypeError(f"ClassScores: expected strings. Received: {wrong[0]!r} in class_names.")
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise ValueError(
            f"ClassScores: expected different names. Received: {twice[0]!r} twice in class_names."
        )
    return given
