"""CIFAR-10 from its binary files and from packed JPEG."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xncaps_tf import data
from xncaps_tf.data.catalogue import CIFAR10_CLASSES
from xncaps_tf.errors import DataError


def _write_bin(folder: pathlib.Path, records: int = 4) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The six published files, a few records each, written by their description."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    written: dict[str, list[tuple[np.ndarray, int]]] = {"train": [], "test": []}
    names = [("train", f"data_batch_{number}.bin") for number in range(1, 6)]
    for split, name in [*names, ("test", "test_batch.bin")]:
        content = b""
        for record in range(records):
            image = generator.integers(0, 256, (32, 32, 3), np.uint8)
            written[split].append((image, record % 10))
            planes = [image[:, :, channel].tobytes() for channel in range(3)]
            content += bytes([record % 10]) + b"".join(planes)
        (folder / name).write_bytes(content)
    return {
        split: (np.stack([image for image, _ in rows]), np.array([label for _, label in rows]))
        for split, rows in written.items()
    }


@pytest.mark.parametrize("inside", ["", "cifar10", "cifar-10-batches-bin"])
def test_load_reads_the_binary_files(tmp_path: pathlib.Path, inside: str) -> None:
    written = _write_bin(tmp_path / inside)
    for split in data.SPLITS:
        found = data.load("cifar10", split, tmp_path)
        images, labels = found.numpy()
        np.testing.assert_array_equal(images, written[split][0])
        np.testing.assert_array_equal(labels, written[split][1])
        assert found.class_names == CIFAR10_CLASSES and found.title == "cifar10"


def test_load_refuses_damaged_binary_files(tmp_path: pathlib.Path) -> None:
    _write_bin(tmp_path)
    path = tmp_path / "data_batch_3.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DataError, match="data_batch_3.bin: expected records of 3073 bytes"):
        data.load("cifar10", "train", tmp_path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="data_batch_3.bin: .*Received: 0 bytes"):
        data.load("cifar10", "train", tmp_path)
    path.write_bytes(whole[:3073] + b"\x0a" + whole[3074:])
    with pytest.raises(DataError, match="data_batch_3.bin: .*0 to 9. Received: 10 in record 1"):
        data.load("cifar10", "train", tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="data_batch_1.bin: expected data_batch_3.bin beside it"):
        data.load("cifar10", "train", tmp_path)


def _packed(to_jpeg: Callable[[np.ndarray], bytes], side: int = 32) -> dict[str, Any]:
    """Three one-colour JPEG files in the packed format, classes in another order than ours."""
    files = [to_jpeg(np.full((side, side, 3), color, np.uint8)) for color in (10, 120, 250)]
    return {
        "jpeg": np.frombuffer(b"".join(files), np.uint8),
        "offsets": np.cumsum([0, *map(len, files)]).astype(np.uint32),
        "labels": np.array([0, 9, 1], np.uint8),
        "names": np.array(CIFAR10_CLASSES[::-1]),
    }


@pytest.mark.parametrize("inside", ["", "cifar10_jpeg"])
def test_load_reads_packed_jpeg(
    tmp_path: pathlib.Path, to_jpeg: Callable[[np.ndarray], bytes], inside: str
) -> None:
    (tmp_path / inside).mkdir(exist_ok=True)
    np.savez(tmp_path / inside / "test.npz", **_packed(to_jpeg))
    found = data.load("cifar10", "test", tmp_path)
    images, labels = found.numpy()
    assert images.shape == (3, 32, 32, 3)
    # A flat JPEG block keeps its mean to a quantisation step of the DC term, here at most 1.
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), [10, 120, 250], atol=1)
    assert [found.class_names[label] for label in labels] == ["truck", "airplane", "ship"]
    assert found.title == "cifar10 (JPEG copy)"


PACKED_DAMAGE: dict[str, tuple[dict[str, Any], str]] = {
    "offsets": ({"offsets": np.array([0, 5, 3, 9], np.uint32)}, "'offsets' that rise from 0 to"),
    "labels": ({"labels": np.array([0, 1], np.uint8)}, "one label an image. Received: 3 images, 2"),
    "label": ({"labels": np.array([0, 1, 10], np.uint8)}, "labels from 0 to 9. Received: .* to 10"),
    "names": ({"names": np.array(["cat", "dog"])}, "the classes airplane, .*Received: cat, dog"),
    "pickle": ({"names": np.array(["cat", None], object)}, "pickled objects, which are never"),
    "kind": ({"jpeg": np.zeros(9, np.int32)}, "expected 'jpeg' of kind 'u1'"),
}


@pytest.mark.parametrize(("change", "message"), PACKED_DAMAGE.values(), ids=PACKED_DAMAGE)
def test_load_refuses_damaged_packed_jpeg(
    tmp_path: pathlib.Path,
    to_jpeg: Callable[[np.ndarray], bytes],
    change: dict[str, Any],
    message: str,
) -> None:
    np.savez(tmp_path / "test.npz", **{**_packed(to_jpeg), **change})
    with pytest.raises(DataError, match=message) as caught:
        data.load("cifar10", "test", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'test.npz'}: ")


def test_load_names_the_damaged_image_of_packed_jpeg(
    tmp_path: pathlib.Path, to_jpeg: Callable[[np.ndarray], bytes]
) -> None:
    arrays = _packed(to_jpeg)
    broken = arrays["jpeg"].copy()
    broken[arrays["offsets"][1] : arrays["offsets"][1] + 20] = 0
    np.savez(tmp_path / "test.npz", **{**arrays, "jpeg": broken})
    with pytest.raises(DataError, match="test.npz, image 1: expected a picture"):
        data.load("cifar10", "test", tmp_path)
    np.savez(tmp_path / "test.npz", **_packed(to_jpeg, side=16))
    with pytest.raises(DataError, match="test.npz, image 0: .*Received: 16x16 pixels, not 32x32"):
        data.load("cifar10", "test", tmp_path)
