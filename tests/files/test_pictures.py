"""Pictures of a user's own: what is read, what is refused, what a pattern means."""

from __future__ import annotations

import io
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from xncaps_files import pictures
from xncaps_files.errors import DataError


def _write(path: pathlib.Path) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (12, 10), 100).save(path)
    return path


QUARTERS = np.zeros((4, 8, 3), np.uint8)  # left half red, right half blue
QUARTERS[:, :4, 0] = 255
QUARTERS[:, 4:, 2] = 255


@pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "ppm", "webp", "gif"])
def test_read_gives_the_pixels(tmp_path: pathlib.Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(QUARTERS).save(path, **({"lossless": True} if ending == "webp" else {}))
    found = pictures.read(path, (4, 8, 3))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, QUARTERS)


def test_read_of_a_jpeg_is_close(tmp_path: pathlib.Path) -> None:
    Image.new("RGB", (16, 16), (200, 30, 90)).save(tmp_path / "a.jpg", quality=95)
    found = pictures.read(tmp_path / "a.jpg", (16, 16, 3))
    np.testing.assert_allclose(found, np.broadcast_to([200, 30, 90], found.shape), atol=3)


def test_read_makes_grey_and_rgb_of_each_other(tmp_path: pathlib.Path) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / "rgb.png")
    Image.new("L", (5, 4), 77).save(tmp_path / "grey.png")
    grey = pictures.read(tmp_path / "rgb.png", (4, 8, 1))
    assert grey.shape == (4, 8, 1) and grey[0, 0, 0] == 76 and grey[0, 7, 0] == 29  # ITU-R 601
    rgb = pictures.read(tmp_path / "grey.png", (4, 5, 3))
    assert rgb.shape == (4, 5, 3) and (rgb == 77).all()


def test_read_cuts_about_the_centre_and_scales(tmp_path: pathlib.Path) -> None:
    wide = np.zeros((10, 30), np.uint8)
    wide[:, 10:20] = 200  # the middle square
    Image.fromarray(wide).save(tmp_path / "wide.png")
    found = pictures.read(tmp_path / "wide.png", (5, 5, 1))
    assert found.shape == (5, 5, 1)
    assert (found[:, 1:4] == 200).all()  # the antialiasing looks a pixel over the edge of the cut
    assert (found[:, [0, 4]] > 150).all()


def _resized(pixels: np.ndarray, size: int, low: float, high: float) -> np.ndarray:
    """Axis 0 to `size` outputs of the part [low, high): Pillow's BILINEAR of bytes."""
    low, high = float(np.float32(low)), float(np.float32(high))
    scale = float(np.float32(high - low)) / size
    reach = max(scale, 1.0)
    rows = []
    for number in range(size):
        centre = low + (number + 0.5) * scale
        first, last = max(0, int(centre - reach + 0.5)), min(len(pixels), int(centre + reach + 0.5))
        raw = [max(0.0, 1 - abs((s - centre + 0.5) / reach)) for s in range(first, last)]
        weights = [int(0.5 + weight / sum(raw) * 2**22) for weight in raw]
        samples = pixels[first:last].astype(np.int64)
        rows.append((np.tensordot(weights, samples, 1) + 2**21) >> 22)
    return np.stack(rows)


@pytest.mark.parametrize("size", [(61, 90), (90, 61), (200, 9), (7, 5), (5, 60), (64, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_fit_is_rows_then_columns_in_whole_numbers(size: tuple[int, int], channels: int) -> None:
    width, height = 24, 20
    pixels = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), np.uint8)
    found = pictures.fit(Image.fromarray(pixels), (height, width, channels))
    if channels == 1:
        pixels = np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
    across = min(size[0], width / height * size[1])
    down = min(size[1], size[0] / (width / height))
    left, top = (size[0] - across) * 0.5, (size[1] - down) * 0.5
    rows = _resized(pixels.swapaxes(0, 1), width, left, left + across).swapaxes(0, 1)
    np.testing.assert_array_equal(found, _resized(rows, height, top, top + down))
    by_pillow = ImageOps.fit(
        Image.fromarray(pixels.squeeze()), (width, height), Image.Resampling.BILINEAR
    )
    # some versions of Pillow shrink the columns of some pictures first
    difference = found.squeeze() - np.asarray(by_pillow, np.int64)
    assert abs(difference).max() <= (1 if size[1] - height > 2 * (size[0] - width) else 0)


def test_fit_refuses_what_has_no_middle() -> None:
    thread = Image.new("L", (1, 40_000_000))
    with pytest.raises(DataError, match="can be cut to 28x28. Received: 1x40000000 pixels"):
        pictures.fit(thread, (28, 28, 1))


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a)),
    ],
)
def test_read_and_measure_follow_exif(
    tmp_path: pathlib.Path, orientation: int, turn: Callable[[np.ndarray], np.ndarray]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(QUARTERS).save(tmp_path / "a.png", exif=exif)
    wanted = turn(QUARTERS)
    assert pictures.measure(tmp_path / "a.png") == wanted.shape
    np.testing.assert_array_equal(pictures.read(tmp_path / "a.png", wanted.shape), wanted)


def test_read_puts_transparent_pictures_on_white(tmp_path: pathlib.Path) -> None:
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (pictures.read(tmp_path / "clear.png", (2, 2, 3)) == 255).all()
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / "p.png", transparency=0)
    assert (pictures.read(tmp_path / "p.png", (2, 2, 1)) == 255).all()


def test_read_keeps_the_range_of_16_bit_grey(tmp_path: pathlib.Path) -> None:
    values = np.array([[0, 127, 129, 257 * 100, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert pictures.read(tmp_path / "deep.png", (1, 5, 1))[0, :, 0].tolist() == [0, 0, 1, 100, 255]
    assert pictures.measure(tmp_path / "deep.png") == (1, 5, 1)


def _whole_png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(QUARTERS.repeat(8, axis=0).repeat(8, axis=1)).save(buffer, "PNG")
    return buffer.getvalue()


def test_read_refuses_what_cannot_be_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="none.png: cannot be read: No such file"):
        pictures.read(tmp_path / "none.png", (2, 2, 3))
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        pictures.read(tmp_path, (2, 2, 3))
    (tmp_path / "long.png").write_bytes(_whole_png())
    monkeypatch.setattr(pictures, "MAX_FILE_BYTES", 50)
    for endless in (tmp_path / "long.png", pathlib.Path("/dev/zero")):
        with pytest.raises(DataError, match=f"{endless}: expected a picture of at most 0 MB"):
            pictures.read(endless, (2, 2, 3))


@pytest.mark.parametrize("shape", [(2, 2, 2), (0, 2, 3), (2, 2, 4)])
def test_read_refuses_a_shape(tmp_path: pathlib.Path, shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"C 1 or 3. Received: shape=\("):
        pictures.read(tmp_path / "a.png", shape)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of odd tags; the picture is whole
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mutated_pictures_give_pixels_or_a_data_error(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]))
    buffer = io.BytesIO()
    Image.fromarray(QUARTERS).save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            assert pictures.read(file.name, (4, 8, 3)).shape == (4, 8, 3)
        except DataError as error:
            assert file.name in str(error) and "\n" not in str(error)


def test_expand_takes_files_folders_and_globs(
    tmp_path: pathlib.Path,
) -> None:
    names = ["b.png", "a.JPG", "in/c.png", "in/deep/d.webp", ".hidden.png"]
    for name in names:
        _write(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    b, a, c, d = (tmp_path / name for name in names[:4])
    assert pictures.expand([tmp_path]) == sorted([a, b, c, d])
    assert pictures.expand([b, tmp_path / "in"]) == [b, c, d]
    assert pictures.expand([str(tmp_path / "*.png"), b]) == [b]
    assert pictures.expand([str(tmp_path / "**" / "*.png")]) == sorted([b, c])
    assert pictures.expand([tmp_path / "notes.txt"]) == [tmp_path / "notes.txt"]  # read refuses it
    assert pictures.expand([]) == []


def test_expand_takes_names_that_look_like_globs(
    tmp_path: pathlib.Path,
) -> None:
    path = _write(tmp_path / "a[1].png")
    assert pictures.expand([path]) == [path]


def test_expand_names_what_gives_nothing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: expected pictures in the folder"):
        pictures.expand([tmp_path / "empty"])
    with pytest.raises(DataError, match=r"\*.png: expected a file, a folder or a glob"):
        pictures.expand([str(tmp_path / "*.png")])
    with pytest.raises(DataError, match="Received: an empty name"):
        pictures.expand([""])


def test_reading_pictures_loads_no_tensorflow(root: pathlib.Path) -> None:
    code = "import sys; from xncaps_files import pictures; print('tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stdout.strip() == "False"
