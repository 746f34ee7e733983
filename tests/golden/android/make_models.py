"""Makes the trained models that the app's tests run, with what Python's runtime says of them.

`python make_models.py [FOLDER]`, minutes; needs the toolkit. `make_models.py --only lce|composite`
makes one of the last two anew. The models are small enough to commit: one capsule network on digits
as plain float ops and with the fused op, the app's own model's expected outputs, a binary network
as `xncaps convert --to lce` writes it, and a file of `xncaps convert --to composite`, which the app
has to refuse. Training is not bit-reproducible over machines: tests read the files as they are.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
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
    _fit(model, train, losses.MarginLoss())
    return model, test


def _fit(model: Any, train: Any, loss: Any) -> None:
    from xncaps_tf._keras import keras

    images, labels = train.numpy()
    model.compile(keras.optimizers.Adam(3e-3), loss)
    model.fit(images.astype(np.float32), np.eye(10, dtype=np.float32)[labels], 50, 15, verbose=0)


def binary() -> Any:
    """A QuickNet of two sections with 32 filters on digits: three one-bit convolutions."""
    from xncaps_tf import data, layers
    from xncaps_tf._keras import keras
    from xncaps_tf.models import quicknet
    from xncaps_tf.models.interfaces import BackboneOptions

    keras.utils.set_random_seed(3)
    train = data.load("digits", "train")
    quicknet.SIZES["golden"] = quicknet.Size((1, 1), 32, "full")
    pixels = keras.Input(train.image_shape, name="pixels")
    x = quicknet.quicknet(pixels, BackboneOptions(), size="golden").tensor
    x = keras.layers.Dense(10, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(pixels, layers.ClassScores(train.class_names)(x), name="binary_digits")
    _fit(model, train, "categorical_crossentropy")
    return model


def composite() -> Any:
    """A capsule layer and nothing else: the app never runs it, so it is not trained."""
    from xncaps_tf import layers
    from xncaps_tf._keras import keras

    keras.utils.set_random_seed(3)
    pixels = keras.Input((8, 8, 1), name="pixels")
    x = layers.CapsuleReshape(capsule_dim=8)(keras.layers.Flatten()(pixels))
    x = layers.Length()(layers.XnODR(10, 4)(x))
    return keras.Model(pixels, layers.ClassScores(tuple("0123456789"))(x), name="composite")


def convert(model: Any, to: str) -> bytes:
    """The file of `xncaps convert MODEL.keras --to FORMAT`, verified on digits."""
    with tempfile.TemporaryDirectory() as folder:
        saved, out = pathlib.Path(folder, "model.keras"), pathlib.Path(folder, "model.tflite")
        model.save(saved)
        command = [sys.executable, "-m", "xncaps", "convert", str(saved),
                   "--to", to, "--data", "digits", "-o", str(out)]  # fmt: skip
        subprocess.run(command, check=True)
        return out.read_bytes()


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
    from xncaps_converters import convert_float, convert_fused, describe, graph_edit

    model, test = trained()
    images, labels = test.numpy()
    chosen = np.linspace(0, len(images) - 1, CASES).astype(int)
    images, labels = images[chosen].astype(np.float32), labels[chosen]
    (folder / "digits.inputs.f32").write_bytes(images.astype("<f4").tobytes())
    files = {"tiny_float": convert_float(model), "tiny_fused": convert_fused(model)}
    for name, content in files.items():
        to = name.removeprefix("tiny_")
        about = describe.describe(model, to, model_sha256="0" * 64, data="digits")
        files[name] = graph_edit.with_metadata(content, about)
    rows = []
    for name, content in files.items():
        (folder / f"{name}.tflite").write_bytes(content)
        rows.append(_row(folder, name, content, images, labels.tolist()))
    _write_index(folder, labels.tolist(), rows)
    write_app(folder)
    write_lce(folder)
    write_composite(folder)


def write_app(folder: pathlib.Path) -> None:
    """What the app's own model says of the inputs in the folder, and its row of the index."""
    _add(folder, "app", APP_MODEL.read_bytes())


def write_lce(folder: pathlib.Path) -> None:
    """The binary network as larq-compute-engine's ops, and its row of the index."""
    content = convert(binary(), "lce")
    (folder / "binary_lce.tflite").write_bytes(content)
    _add(folder, "binary_lce", content)


def write_composite(folder: pathlib.Path) -> None:
    """A file with STABLEHLO_COMPOSITE; it has no row, since nothing may run it."""
    (folder / "composite.tflite").write_bytes(convert(composite(), "composite"))


def _add(folder: pathlib.Path, name: str, content: bytes) -> None:
    """Puts a model's outputs for the folder's inputs beside it, and its row into the index."""
    images = np.fromfile(folder / "digits.inputs.f32", "<f4").reshape(CASES, 8, 8, 1)
    index = json.loads((folder / "models.json").read_text(encoding="utf-8"))
    rows = [row for row in index["models"] if row["model"] != name]
    rows.append(_row(folder, name, content, images, index["labels"]))
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


def main(arguments: list[str]) -> None:
    one = {"lce": write_lce, "composite": write_composite}
    if arguments[:1] == ["--only"]:
        one[arguments[1]](HERE)
    else:
        write(pathlib.Path(arguments[0]) if arguments else HERE)


if __name__ == "__main__":
    main(sys.argv[1:])
