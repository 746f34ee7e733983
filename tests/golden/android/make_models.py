"""Makes the trained models that the app's tests run, with what Python's runtime says of them.

`python make_models.py [FOLDER]`, minutes; needs the toolkit. The models are small enough to commit:
one capsule network on digits as plain float ops and with the fused op, and the app's own model's
expected outputs. Training is not bit-reproducible over machines: tests read the files as they are.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import sys
from typing import Any

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
APP_MODEL = ROOT / "android_demo/models/digits.tflite"
CASES = 16


def trained() -> tuple[Any, Any]:
    """A small XnODR network on digits and its test split."""
    from xncaps_tf import data, layers, losses
    from xncaps_tf._keras import keras

    keras.utils.set_random_seed(3)
    train, test = data.load("digits", "train"), data.load("digits", "test")
    pixels = keras.Input(train.image_shape, name="pixels")
    x = keras.layers.Rescaling(1 / 255)(pixels)
    for filters in (16, 64):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    x = layers.CapsuleReshape(capsule_dim=8)(keras.layers.Flatten()(x))
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    x = layers.XnODR(10, 16)(x)
    x = layers.ClassScores(train.class_names)(layers.Length()(x))
    model = keras.Model(pixels, x, name="tiny_digits")
    images, labels = train.numpy()
    model.compile(keras.optimizers.Adam(3e-3), losses.MarginLoss())
    model.fit(images.astype(np.float32), np.eye(10, dtype=np.float32)[labels], 50, 15, verbose=0)
    return model, test


def outputs(model: bytes, images: np.ndarray) -> np.ndarray:
    """The scores by LiteRT with the delegate of xncaps_runtime, float32 [n, classes]."""
    import xncaps_runtime

    interpreter = xncaps_runtime.Interpreter(model)
    interpreter.allocate_tensors()
    scores = []
    for image in images:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        scores.append(
            interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].copy()
        )
    return np.stack(scores).astype(np.float32)


def write(folder: pathlib.Path) -> None:
    """Writes the models, their inputs and outputs, and an index with hashes."""
    from xncaps_converters import convert_float, convert_fused, metadata, origin

    model, test = trained()
    images, labels = test.numpy()
    chosen = np.linspace(0, len(images) - 1, CASES).astype(int)
    images, labels = images[chosen].astype(np.float32), labels[chosen]
    (folder / "digits.inputs.f32").write_bytes(images.astype("<f4").tobytes())
    files = {"tiny_float": convert_float(model), "tiny_fused": convert_fused(model)}
    for name, content in files.items():
        about = origin.describe(
            model, name.removeprefix("tiny_"), [], model_sha256="0" * 64, data="digits"
        )
        files[name] = metadata.add(content, about)
    rows = []
    for name, content in files.items():
        (folder / f"{name}.tflite").write_bytes(content)
        rows.append(_row(folder, name, content, images, labels.tolist()))
    _write_index(folder, labels.tolist(), rows)
    write_app(folder)


def write_app(folder: pathlib.Path) -> None:
    """What the app's own model says of the inputs in the folder, and its row of the index."""
    images = np.fromfile(folder / "digits.inputs.f32", "<f4").reshape(CASES, 8, 8, 1)
    index = json.loads((folder / "models.json").read_text(encoding="utf-8"))
    rows = [row for row in index["models"] if row["model"] != "app"]
    rows.append(_row(folder, "app", APP_MODEL.read_bytes(), images, index["labels"]))
    _write_index(folder, index["labels"], rows)


def _row(
    folder: pathlib.Path, name: str, content: bytes, images: np.ndarray, labels: list[int]
) -> dict[str, Any]:
    scores = outputs(content, images)
    (folder / f"{name}.outputs.f32").write_bytes(scores.astype("<f4").tobytes())
    right = int((scores.argmax(-1) == np.array(labels)).sum())
    digest = hashlib.sha256(content).hexdigest()
    return {"model": name, "sha256": digest, "bytes": len(content), "right": right}


def _write_index(folder: pathlib.Path, labels: list[int], rows: list[dict[str, Any]]) -> None:
    index = {"cases": CASES, "labels": labels, "models": rows}
    (folder / "models.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
