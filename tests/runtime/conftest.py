"""The runtimes as they come from their makers, each with the delegate loaded by its own means."""

from __future__ import annotations

import importlib.util
import platform
from typing import Any

import numpy as np
import pytest

from xncaps_runtime import delegate_path


class Stock:
    """A stock runtime: `interpreter` is its class, `load` its function for external delegates."""

    def __init__(self, interpreter: Any, load: Any) -> None:
        self.interpreter, self.load = interpreter, load

    def delegate(self, **options: Any) -> Any:
        """Our delegate; options as its library knows them."""
        return self.load(delegate_path(), {key: str(value) for key, value in options.items()})

    def open(self, model: bytes, threads: int = 1, delegate: Any = None) -> Any:
        """An interpreter of the file, with a delegate of its own or the one that is given."""
        chosen = delegate or self.delegate(num_threads=threads)
        return self.interpreter(
            model_content=model, num_threads=threads, experimental_delegates=[chosen]
        )

    @staticmethod
    def run(interpreter: Any, inputs: np.ndarray) -> np.ndarray:
        """The only output for the only input, which is resized where its shape is another one."""
        [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
        if tuple(source["shape"]) != inputs.shape:
            interpreter.resize_tensor_input(source["index"], inputs.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], inputs)
        interpreter.invoke()
        return interpreter.get_tensor(target["index"])


def _litert() -> Stock:
    from ai_edge_litert import interpreter

    return Stock(interpreter.Interpreter, interpreter.load_delegate)


def _tensorflow() -> Stock:
    """Of the newest TensorFlow supported in `make test`, of the oldest in `make test-matrix`."""
    if platform.machine() == "aarch64" and importlib.util.find_spec("tensorflow") is None:
        pytest.skip("the emulated aarch64 has no TensorFlow")
    import tensorflow as tf

    return Stock(tf.lite.Interpreter, tf.lite.experimental.load_delegate)


RUNTIMES = {"litert": _litert, "tf.lite": _tensorflow}


@pytest.fixture(scope="session", params=RUNTIMES)
def stock(request: pytest.FixtureRequest) -> Stock:
    """Each runtime of this environment in turn."""
    return RUNTIMES[request.param]()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
