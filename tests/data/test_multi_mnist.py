"""The tfds builder of MultiMNIST: dummy data, registration, both commands, what it writes."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before tfds imports TensorFlow

import tensorflow_datasets as tfds

from xncaps_tf import data
from xncaps_tf.data import overlap
from xncaps_tf.data.multi_mnist import Builder
from xncaps_tf.errors import DataError

SMALL = {"train": 60, "test": 20}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pictures, and no folder of the user's."""
    monkeypatch.setattr(Builder, "SIZES", SMALL)


def _built(folder: pathlib.Path, manual: pathlib.Path, config: str) -> Any:
    builder = Builder(config=config, data_dir=str(folder))
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual))
    )
    return builder


class TestDummyData(tfds.testing.DatasetBuilderTestCase):
    """tfds's own checks of a builder: features, splits, checksums, serialisation, two builds."""

    DATASET_CLASS = Builder
    SPLITS = {"train": SMALL["train"], "test": SMALL["test"]}
    BUILDER_CONFIG_NAMES_TO_TEST = list(overlap.CONFIGS)
    DL_DOWNLOAD_RESULT = [  # the test case gives every download of the builder this result
        "images-idx3-ubyte.gz",
        "labels-idx1-ubyte.gz",
    ]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _dummy(
        cls, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
    ) -> Iterator[None]:
        import gzip

        folder = tmp_path_factory.mktemp("dummy")
        generator = np.random.default_rng(0)
        pixels = generator.integers(0, 256, (30, 28, 28), np.uint8)
        labels = (np.arange(30) % 10).astype(np.uint8)
        heads = (b"\0\0\x08\x03\0\0\0\x1e\0\0\0\x1c\0\0\0\x1c", b"\0\0\x08\x01\0\0\0\x1e")
        for name, head, array in zip(cls.DL_DOWNLOAD_RESULT, heads, (pixels, labels), strict=True):
            (folder / name).write_bytes(gzip.compress(head + array.tobytes()))
        cls.EXAMPLE_DIR = folder
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Builder, "SIZES", SMALL)
            yield


@pytest.mark.parametrize("config", overlap.CONFIGS)
def test_built_pictures_are_those_composed_on_the_fly(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any], few: None, config: str
) -> None:
    write_mnist(tmp_path / "manual")
    _built(tmp_path, tmp_path / "manual", config)
    name = "multi_mnist" if config == overlap.DEFAULT else f"multi_mnist/{config}"
    for split, size in SMALL.items():
        prepared = data.load(name, split, tmp_path)
        assert "multi_mnist" in prepared.source and len(prepared) == size
        composed = overlap.dataset(
            data.load("mnist", split, tmp_path / "manual"), config, size=size
        )
        # tfds shuffles what it writes, always in the same way.
        rows = {image.tobytes(): label for image, label in zip(*composed.numpy(), strict=True)}
        images, labels = prepared.numpy()
        assert images.dtype == overlap.CONFIGS[config].dtype
        assert {image.tobytes() for image in images} == set(rows)
        for image, label in zip(images, labels, strict=True):
            np.testing.assert_array_equal(label, rows[image.tobytes()])


def test_load_composes_where_nothing_is_built(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    write_mnist(tmp_path)
    found = data.load("multi_mnist/efficient_capsnet", "test", tmp_path)
    assert len(found) == 40_000 and found.name == "multi_mnist/efficient_capsnet"
    assert found.image_shape == (36, 36, 1) and found.num_labels == 2
    with pytest.raises(DataError, match="multi_mnist: found nowhere.*no multi_mnist/published/VER"):
        data.load("multi_mnist", "test", tmp_path / "none")


def test_builder_names_a_damaged_file_of_the_user(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any], few: None
) -> None:
    write_mnist(tmp_path / "manual")
    path = tmp_path / "manual" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="train-images-idx3-ubyte: expected 31360 bytes"):
        _built(tmp_path, tmp_path / "manual", "published")


def test_info_states_both_configs() -> None:
    for name, config in overlap.CONFIGS.items():
        builder = Builder(config=name)
        assert config.text in builder.info.description
        assert builder.info.features["image"].shape == (36, 36, 1)
        assert len(builder.url_infos) == 4  # the checksums of MNIST's four files


BUILD = """
import sys
import xncaps_tf
from tensorflow_datasets.scripts.cli import build
try:
    from tensorflow_datasets.scripts.cli.cli_utils import make_flags_parser
except ImportError:  # before tensorflow-datasets 4.9.8
    import argparse
    parser = argparse.ArgumentParser()
    build.register_subparser(parser.add_subparsers())
    arguments = parser.parse_args(sys.argv[1:])
    arguments.subparser_fn(arguments)
else:
    make_flags_parser(build.Args, description="tfds")(sys.argv[1:]).execute()
"""
COMMANDS = {
    # What `tfds build` runs; the whole command `tfds` starts only where apache-beam is installed.
    "tfds build": (["-c", BUILD, "build", "multi_mnist", "--imports=xncaps_tf.data.multi_mnist"]),
    "module": (["-m", "xncaps_tf.data.multi_mnist"]),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_commands_build_every_config(
    tmp_path: pathlib.Path,
    write_mnist: Callable[..., Any],
    root: pathlib.Path,
    command: list[str],
) -> None:
    write_mnist(tmp_path / "manual")
    done = subprocess.run(
        [
            *(sys.executable, *command),
            f"--data_dir={tmp_path / 'out'}",
            f"--manual_dir={tmp_path / 'manual'}",
            "--max_examples_per_split=7",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for config in overlap.CONFIGS:
        info = tmp_path / "out" / "multi_mnist" / config / "1.0.0" / "dataset_info.json"
        assert info.is_file(), done.stderr[-2000:]
    assert len(data.load("multi_mnist", "train", tmp_path / "out")) == 7


def test_the_module_says_in_one_line_what_is_damaged(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from xncaps_tf.data.multi_mnist.__main__ import main

    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"")
    code = main([f"--manual_dir={tmp_path}", f"--data_dir={tmp_path / 'out'}"])
    error = capsys.readouterr().err.strip().split("\n")[-1]
    assert code == 1
    assert error.startswith(f"error: {tmp_path}/t10k-labels-idx1-ubyte: expected an IDX file")
