"""Settings of every test: the right Keras, quiet TensorFlow, few threads, the real data."""

from __future__ import annotations

import os
import pathlib

import pytest

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

ROOT = pathlib.Path(__file__).resolve().parents[1]
FASHION_MNIST = pathlib.Path("/usr/share/datasets/fashion-mnist")  # Debian: dataset-fashion-mnist


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    """The checkout that is tested."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> tuple[str, pathlib.Path]:
    """(name, folder) of a whole real data set: MNIST of XNCAPS_DATA_DIR, else Fashion-MNIST."""
    given = os.environ.get("XNCAPS_DATA_DIR")
    if given:
        return "mnist", pathlib.Path(given)
    if not FASHION_MNIST.is_dir():
        pytest.fail(
            f"expected real data in {FASHION_MNIST}; apt-get install dataset-fashion-mnist "
            "(as `make test` does), or set XNCAPS_DATA_DIR to a folder with MNIST's IDX files"
        )
    return "fashion_mnist", FASHION_MNIST
