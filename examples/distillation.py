"""A small network with one-bit capsules learns from the answers of a larger float one.

python examples/distillation.py OUT [EPOCHS]

It prints the accuracy of the teacher, of the student taught by labels alone, and of the same
student taught by the teacher's answers as well; which of the two is better is a matter of the data
and of the seed. The taught one becomes a checked file.
"""

from __future__ import annotations

import dataclasses
import pathlib
import sys

import xncaps
from xncaps_tf import data, layers, load_model, training
from xncaps_tf._keras import keras


def student() -> keras.Model:
    """8x8 pixels to 10 scores; the most weights are XnODR's, which become bits."""
    image = keras.Input((8, 8, 1))
    x = keras.layers.Rescaling(1 / 255.0)(image)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)  # [B, 3, 3, 8]
    x = keras.layers.BatchNormalization(momentum=0.9)(layers.CapsuleReshape(8)(x))  # [B, 9, 8]
    x = layers.XnODR(10, 8)(keras.layers.ReLU()(x))  # [B, 10, 8]
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.Model(image, layers.Length()(keras.layers.ReLU()(x)), name="student")  # [B, 10]


def main(out: str, epochs: str = "6") -> None:
    place = pathlib.Path(out)
    config = training.TrainConfig(
        backbone="small_cnn", head="capsfc", data="digits", epochs=int(epochs), batch_size=50
    )
    teacher = training.run(config, place / "teacher").folder.best
    digits = data.load("digits", "train")
    alone = training.run(config, place / "alone", model=student(), data=digits).folder.best
    taught = dataclasses.replace(config, teacher=str(teacher), teacher_weight=0.7)
    both = training.run(taught, place / "taught", model=student(), data=digits).folder.best
    test = data.load("digits", "test")
    for name, file in (("teacher", teacher), ("student alone", alone), ("student taught", both)):
        model = load_model(file, compile=False)
        found = training.evaluate(model, test)
        print(f"{name:<15} {model.count_params():>8,} weights   accuracy {found.accuracy:.4f}")
    file = place / "student.tflite"
    xncaps.convert(both, to="fused", out=file, data="digits")
    print(f"{file}: {file.stat().st_size:,} bytes, checked against Keras")


if __name__ == "__main__":
    main(*sys.argv[1:])
