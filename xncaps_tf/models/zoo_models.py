"""The Keras models behind the zoo's files, to evaluate, train further or convert anew."""

from __future__ import annotations

import hashlib
from typing import Any

import xncaps_zoo
from xncaps_tf.errors import DataError
from xncaps_tf.saving import load_model


def pretrained(name: str) -> Any:
    """The trained Keras model that a file of the zoo was converted from.

    Examples:
        >>> pretrained("mnist-cnn-xnodr").output_shape
        (None, 10)

    Args:
        name: of a file of `xncaps_zoo`. Those whose Keras model takes under 5 MB have it beside
            them; of the others the experiment makes it.

    Returns:
        A `keras.Model`: float32 `[B, H, W, C]`, pixels 0 to 255 -> scores float32 `[B, J]`.

    Raises:
        DataError: there is no file of that name, its card cannot be read, it has no Keras model
            beside it, or that is not the one of its card.
    """
    if name not in xncaps_zoo.names():
        raise DataError(
            f"pretrained: expected one of {', '.join(xncaps_zoo.names())}. Received: name={name!r}."
        )
    path = xncaps_zoo.path(name).with_suffix(".keras")
    try:
        card = xncaps_zoo.card(name)
    except ValueError as error:
        raise DataError(f"pretrained: {error}") from error
    if not path.is_file():
        experiment, seed = card["experiment"]["name"], card["experiment"]["seed"]
        raise DataError(
            f"pretrained: expected one of {', '.join(_with_models())}, whose Keras models are "
            f"small. Received: name={name!r}; xncaps reproduce {experiment} makes its model, "
            f"experiments_out/{experiment}/seed-{seed}/run/best.keras."
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = card["file"].get("keras_sha256", card["file"]["model_sha256"])  # older cards: one hash
    if found != wanted:
        raise DataError(
            f"{path}: expected the model of its card, SHA-256 {wanted}. "
            f"Received: {found}; install xncaps-zoo anew."
        )
    return load_model(path, compile=False)


def _with_models() -> list[str]:
    names = xncaps_zoo.names()
    return [name for name in names if xncaps_zoo.path(name).with_suffix(".keras").is_file()]
