"""A conversion is one object on its way: the model is loaded once, each file is parsed once."""

from __future__ import annotations

import hashlib
import pathlib
from collections import Counter
from typing import Any

import numpy as np
import pytest

import xncaps_tf
from xncaps_converters import conversion, fuse_file
from xncaps_converters.output_formats import Options
from xncaps_files.flatbuffer import Source
from xncaps_tf import layers
from xncaps_tf._keras import keras

FEW = conversion.Check(samples=4)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each TFLite file was parsed, by the hash of its bytes."""
    seen: Counter[str] = Counter()
    root = Source.root

    def counted(self: Source, identifier: bytes, name: str) -> Any:
        if name == "model":
            seen[hashlib.sha256(self.data).hexdigest()] += 1
        return root(self, identifier, name)

    monkeypatch.setattr(Source, "root", counted)
    return seen


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    inputs = keras.Input((6, 6, 8))
    x = keras.layers.Conv2D(16, 3)(inputs)
    x = layers.XnODR(4, 4)(layers.CapsuleReshape(8)(x))
    path = tmp_path_factory.mktemp("once") / "net.keras"
    keras.Model(inputs, layers.Length()(x)).save(path)
    return path


@pytest.mark.parametrize(
    ("to", "options"),
    [
        ("float", Options()),
        ("lce", Options()),
        ("fused", Options()),
        ("fused", Options(backbone="int8", calibration=lambda: np.ones((2, 6, 6, 8), np.float32))),
        ("composite", Options()),
    ],
    ids=["float", "lce", "fused", "int8", "composite"],
)
def test_a_conversion_loads_once_and_parses_each_file_once(
    to: str,
    options: Options,
    saved: pathlib.Path,
    parsed: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[Any] = []
    load = xncaps_tf.load_model
    monkeypatch.setattr(xncaps_tf, "load_model", lambda *a, **k: loaded.append(a) or load(*a, **k))
    verified = options.backbone != "int8"  # by which untrained scores change their places
    made = conversion.convert(saved, to, options, FEW, verified=verified)
    assert len(loaded) == 1
    assert parsed[hashlib.sha256(made.data).hexdigest()] == verified
    assert set((+parsed).values()) == {1}  # nor what the converter gave, before it has metadata


def test_what_reads_a_file_parses_it_once(
    saved: pathlib.Path, parsed: Counter[str], tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "net.tflite"
    made = conversion.convert_file(saved, path, "float", Options(), FEW)
    digest = hashlib.sha256(made.data).hexdigest()
    parsed.clear()
    conversion.verify_file(saved, path, FEW)
    assert parsed == {digest: 1}
    parsed.clear()
    conversion.diff_file(saved, path, FEW)
    assert parsed == {digest: 1}
    parsed.clear()
    fuse_file.fuse_file(path, tmp_path / "fused.tflite")
    assert parsed[digest] == 1 and set(parsed.values()) == {1}
