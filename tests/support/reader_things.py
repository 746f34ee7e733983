"""What a page takes for granted: data, pictures, models and files that its reader has already."""

from __future__ import annotations

import pathlib
import re
import shutil
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from click.testing import CliRunner
from PIL import Image

import benchmark_files
import drawn_grocery
import pages
from shown_commands import ROOT

Invoke = Callable[[list[str], pathlib.Path], None]


def picture(path: pathlib.Path, invoke: Invoke) -> None:
    Image.new("L", (20, 20), 200).save(path)


def pictures(path: pathlib.Path, invoke: Invoke) -> None:
    """Of many colours, as a photograph's: the app's tests count those of a screen."""
    path.mkdir(parents=True)
    across, down = np.meshgrid(np.linspace(0, 255, 640), np.linspace(0, 255, 480))
    for number in range(2):
        pixels = np.stack([across, down, np.full_like(across, 90 * number)], axis=-1)
        Image.fromarray(pixels.astype(np.uint8)).save(path / f"{number}.jpg")


def scans(path: pathlib.Path, invoke: Invoke) -> None:
    (path / "2024").mkdir(parents=True)
    picture(path / "2024" / "a.png", invoke)


def photos(path: pathlib.Path, invoke: Invoke) -> None:
    """Two classes: noise about red, noise about blue."""
    generator = np.random.default_rng(1)
    for name, colour in (("red", (200, 40, 40)), ("blue", (40, 40, 200))):
        (path / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.array(colour) + generator.integers(-40, 40, (48, 48, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(path / name / f"{number}.jpg")


def _idx(path: pathlib.Path, array: np.ndarray[Any, Any]) -> None:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


def mnist(path: pathlib.Path, invoke: Invoke) -> None:
    """Scikit-learn's digits in MNIST's files and size."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    path.mkdir(parents=True, exist_ok=True)
    large = np.kron(digits.images * 15.9, np.ones((3, 3)))  # [n, 24, 24]
    large = np.pad(large, ((0, 0), (2, 2), (2, 2)))
    for stem, part in (("train", slice(0, 400)), ("t10k", slice(400, 600))):
        _idx(path / f"{stem}-images-idx3-ubyte", large[part])
        _idx(path / f"{stem}-labels-idx1-ubyte", digits.target[part])


def cifar10(path: pathlib.Path, invoke: Invoke) -> None:
    """The six binary files of a few records, each class of a brightness of its own."""
    generator = np.random.default_rng(2)
    path.mkdir(parents=True, exist_ok=True)
    for name in (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"):
        records = b""
        for label in np.arange(40) % 10:
            pixels = generator.integers(0, 30, 3072) + 22 * label
            records += bytes([label]) + pixels.astype(np.uint8).tobytes()
        (path / name).write_bytes(records)


def grocery(path: pathlib.Path, invoke: Invoke) -> None:
    """Of much noise: flat pictures are little beside what int8 rounds away."""
    splits = {"train": (0, 1, 2) * 10, "val": (2, 0, 1) * 4, "test": (1, 2, 0) * 4}
    drawn_grocery.write(path.parent, splits, noise=150)


def data(path: pathlib.Path, invoke: Invoke) -> None:
    """Every data set, each where it is looked for in a folder of all."""
    mnist(path / "mnist", invoke)
    mnist(path / "fashion_mnist", invoke)
    cifar10(path / "cifar10", invoke)
    grocery(path / "GroceryStoreDataset", invoke)


def run(path: pathlib.Path, invoke: Invoke) -> None:
    """A run folder of digits."""
    words = "train --data digits --epochs 1 --limit 100 --batch-size 20 --out"
    invoke([*words.split(), str(path)], path.parent)


def teacher(path: pathlib.Path, invoke: Invoke) -> None:
    from xncaps_tf import models

    path.mkdir(parents=True)
    models.build("small_cnn", "dense", (32, 32, 3), 10, seed=1).save(path / "best.keras")


def keras_model(path: pathlib.Path, invoke: Invoke) -> None:
    from xncaps_tf import models

    models.build("small_cnn", "xnodr", (8, 8, 1), 10, seed=1).save(path)


def tflite(path: pathlib.Path, invoke: Invoke) -> None:
    """A checked file of digits, with its stored check."""
    digits = ROOT / "android_demo/models/digits.tflite"
    shutil.copy(digits, path)
    shutil.copy(f"{digits}.expected.npz", f"{path}.expected.npz")


def linear_file(path: pathlib.Path, invoke: Invoke) -> None:
    """A file of built-in ops alone, with its stored check."""
    digits = benchmark_files.train()
    digits.write(path)
    digits.write_expected(pathlib.Path(f"{path}.expected.npz"))


def lce_file(path: pathlib.Path, invoke: Invoke) -> None:
    run(path.parent / "lce", invoke)
    words = f"convert {path.parent}/lce/best.keras --to lce --samples 20 -o"
    invoke([*words.split(), str(path)], path.parent)


def converted(path: pathlib.Path, invoke: Invoke) -> None:
    """FILE, of the run MODEL."""
    words = f"convert {path.parent}/MODEL --to fused --samples 20 -o"
    invoke([*words.split(), str(path)], path.parent)


def result(path: pathlib.Path, invoke: Invoke) -> None:
    shutil.copy(ROOT / "tests/golden/formats/v2/result.json", path)


def runtime_aar(path: pathlib.Path, invoke: Invoke) -> None:
    """TensorFlow Lite's, as the build of the app fetches it."""
    [fetched] = pathlib.Path.home().glob(
        ".m2/repository/org/tensorflow/tensorflow-lite/2.16.1/tensorflow-lite-2.16.1.aar"
    )
    shutil.copy(fetched, path)


def plugin(path: pathlib.Path, invoke: Invoke) -> None:
    """The module that docs/models.md shows."""
    text = (ROOT / "docs/models.md").read_text("utf-8")
    [code] = [code for code in pages.blocks(text) if "register_backbone(" in code]
    path.write_text(code)


# A name on a page -> what makes it, where the page has a command with that name.
EVERYWHERE: Mapping[str, Callable[[pathlib.Path, Invoke], None]] = {
    "photos": photos,
    "GroceryStoreDataset": grocery,
    "DIR": data,
    "DATA": data,
    "DIR_WITH_MNIST": mnist,
    "FOLDER": mnist,
    "digit.png": picture,
    "image.png": picture,
    "photo.jpg": picture,
    "pictures": pictures,
    "scans": scans,
    "model.tflite": tflite,
    "MODEL.keras": keras_model,
    "MODEL": run,
    "FILE": tflite,
    "JSON": result,
    "BIG": teacher,
    "my_networks": plugin,
}
OF_PAGE: Mapping[str, Mapping[str, Callable[[pathlib.Path, Invoke], None]]] = {
    "benchmark/README.md": {"capsfc.tflite": tflite, "xnodr.tflite": tflite},
    "docs/measuring.md": {"capsfc.tflite": linear_file, "xnodr.tflite": linear_file},
    "docs/converting.md": {
        "RUN": run,
        "xnodr_lce.tflite": lce_file,
        "FILE": converted,
    },
    "docs/data.md": {"FILE": converted},
    "docs/android.md": {
        "runs/digits": run,
        "A": tflite,
        "B": tflite,
        "FOLDER": pictures,
        "FILE.aar": runtime_aar,
    },
}


def provide(page: str, commands: list[str], folder: pathlib.Path, invoke: Invoke) -> None:
    """Puts into a folder what the commands of a page take for granted.

    Args:
        page: its name.
        commands: those of it that are run, and what their rules put into them.
        folder: where the reader is.
        invoke: runs the toolkit's command with arguments, in a folder.
    """
    for name, make in {**EVERYWHERE, **OF_PAGE.get(page, {})}.items():
        word = re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w=-])(?!\.\w)")
        if any(word.search(command.replace("$PWD/", "")) for command in commands):
            place = folder / (f"{name}.py" if make is plugin else name)
            place.parent.mkdir(parents=True, exist_ok=True)
            make(place, invoke)


def toolkit(arguments: list[str], folder: pathlib.Path) -> None:
    """`xncaps ARGUMENTS`, for those who make such things."""
    from xncaps.main import cli

    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, f"{arguments}: {done.output} {done.exception!r}"
