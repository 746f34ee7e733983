"""A network of your own: trained with a capsule head, converted, checked, written.

python examples/own_network.py OUT
"""

from __future__ import annotations

import pathlib
import sys

import xncaps
from xncaps_tf import data, layers, training
from xncaps_tf._keras import keras


def network() -> keras.Model:
    """8x8 pixels from 0 to 255 to one score a class, with XnODR in the place of a Dense."""
    image = keras.Input((8, 8, 1))
    x = keras.layers.Rescaling(1 / 255.0)(image)
    x = keras.layers.Conv2D(16, 3, activation="relu")(x)
    x = keras.layers.Conv2D(16, 3, activation="relu")(x)  # [B, 4, 4, 16]
    x = keras.layers.BatchNormalization(momentum=0.9)(layers.CapsuleReshape(8)(x))  # [B, 32, 8]
    x = layers.XnODR(10, 16)(keras.layers.ReLU()(x))  # [B, 10, 16]
    # Without it the lengths start near zero, where squash has hardly any gradient.
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.Model(
        image, layers.Length()(keras.layers.ReLU()(x)), name="own_network"
    )  # [B, 10]


def main(out: str) -> None:
    digits = data.load("digits", "train")
    config = training.TrainConfig(epochs=6, batch_size=50)
    run = training.run(config, pathlib.Path(out) / "run", model=network(), data=digits)
    made = xncaps.convert(run.folder.best, to="fused", data="digits")
    made.write(pathlib.Path(out) / "own_network.tflite")
    for line in (*made.notes, *(made.verification.lines() if made.verification else ())):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1])
