"""Networks that were trained for some seconds, and everything that runs a file."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xncaps_converters import interpreters
from xncaps_files import tflite
from xncaps_tf import data, losses, models
from xncaps_tf._keras import keras, tf

Run = Callable[[str, bytes, np.ndarray], np.ndarray]
# A binary backbone takes longer until its scores are far enough apart to be told from one another.
_EPOCHS = {"small_cnn": 2, "quicknet": 8}


def _train(head: str, backbone: str) -> Any:
    keras.utils.set_random_seed(1)  # of the shuffling; the weights have a seed of their own
    dataset = data.load("digits", "train")
    model = models.build(
        backbone, head, dataset.image_shape, 10, seed=1, class_names=dataset.class_names
    )
    model.compile("adam", losses.MarginLoss() if head != "dense" else "categorical_crossentropy")
    images, labels = dataset.subset(np.arange(960)).numpy()
    pixels, targets = images.astype(np.float32), np.eye(10)[labels]
    model.fit(pixels, targets, epochs=_EPOCHS[backbone], batch_size=32, verbose=0)
    return model


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pathlib.Path]:
    """(head, backbone) -> a .keras file alone in a folder; each is trained once."""
    made: dict[tuple[str, str], pathlib.Path] = {}

    def path(head: str, backbone: str = "small_cnn") -> pathlib.Path:
        if (head, backbone) not in made:
            file = tmp_path_factory.mktemp(f"{backbone}_{head}") / "best.keras"
            _train(head, backbone).save(file)
            made[head, backbone] = file
        return made[head, backbone]

    return path


def _run_by(interpreter: Any, inputs: np.ndarray) -> np.ndarray:
    return interpreters.in_batches(interpreters.open_tflite(interpreter, len(inputs)), inputs)


def _tf_lite(file: bytes, inputs: np.ndarray) -> np.ndarray:
    return _run_by(tf.lite.Interpreter(model_content=file), inputs)


def _tf_lite_xncaps(file: bytes, inputs: np.ndarray) -> np.ndarray:
    from xncaps_runtime import delegate_path

    delegate = tf.lite.experimental.load_delegate(delegate_path())
    interpreter = tf.lite.Interpreter(model_content=file, experimental_delegates=[delegate])
    return _run_by(interpreter, inputs)


def _open_twice(file: tflite.TfliteFile, count: int) -> interpreters.Opened:
    """The delegate in an interpreter and in LiteRT's CompiledModel, equal to the bit."""
    from xncaps_runtime import CompiledInterpreter, Interpreter

    step, batch = interpreters.open_tflite(Interpreter(file.data), count)
    compiled, _ = interpreters.open_tflite(CompiledInterpreter(file.data), count)

    def both(chunk: np.ndarray) -> np.ndarray:
        made = step(chunk)
        np.testing.assert_array_equal(compiled(chunk), made)
        return made

    return both, batch


@pytest.fixture(scope="session", autouse=True)
def compiled_model() -> Iterator[None]:
    """Whatever file these tests run with the delegate, CompiledModel runs as well."""
    with pytest.MonkeyPatch.context() as patch:
        entries = (
            replace(entry, open=_open_twice) if entry.name == "litert+xncaps" else entry
            for entry in interpreters.RUNTIMES
        )
        patch.setattr(interpreters, "RUNTIMES", tuple(entries))
        yield


@pytest.fixture(scope="session")
def run_file(compiled_model: None) -> Run:
    """(runtime's name, file, inputs) -> outputs, by that runtime whatever the file's ops are.

    Those of `interpreters.RUNTIMES`, and TensorFlow's own as 'tf.lite' and 'tf.lite+xncaps'.
    """

    def by(entry: interpreters.Runtime) -> Callable[[bytes, np.ndarray], np.ndarray]:
        return lambda file, inputs: entry.run(tflite.parse(file), inputs)

    runs = {entry.name: by(entry) for entry in interpreters.RUNTIMES}
    runs |= {"tf.lite": _tf_lite, "tf.lite+xncaps": _tf_lite_xncaps}
    return lambda name, file, inputs: runs[name](file, inputs)


@pytest.fixture(scope="session")
def knows_composites() -> Callable[[str], bool]:
    """Whether a runtime of that name has composite ops: tf.lite has not in TensorFlow 2.16."""
    from tensorflow.lite.python import schema_py_generated

    new = hasattr(schema_py_generated.BuiltinOperator, "STABLEHLO_COMPOSITE")
    return lambda name: new or not name.startswith("tf.lite")
