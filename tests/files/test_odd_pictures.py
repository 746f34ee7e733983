"""Pictures as they come: every form that is taken, every form that is refused, in one list."""

from __future__ import annotations

import io
import os
import pathlib
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from xncaps_files import pictures
from xncaps_files.errors import DataError

SIZE = (20, 30)  # height, width


def _draw(kind: type[np.generic] | str = np.uint8, channels: int = 3) -> np.ndarray:
    """Smooth colours, so that JPEG and scaling have something to do; [H, W(, C)]."""
    down, across = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    planes = [
        128 + 127 * np.sin((down * (c + 1) + across * (3 - c)) / 7 + c) for c in range(channels)
    ]
    scale = 257 if np.dtype(kind).itemsize > 1 else 1
    pixels = np.rint(np.stack(planes, -1) * scale).astype(kind)
    return pixels[..., 0] if channels == 1 else pixels


def _saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _turned(orientation: int, form: str, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _saved(Image.fromarray(_draw()), form, exif=exif, **options)


def _rgb() -> Image.Image:
    return Image.fromarray(_draw())


def _grey() -> Image.Image:
    return Image.fromarray(_draw(channels=1))


def _frames(form: str, **options: Any) -> bytes:
    rest = [Image.new("RGB", (SIZE[1], SIZE[0]), colour) for colour in ("red", "lime")]
    return _saved(_rgb(), form, save_all=True, append_images=rest, **options)


def _png(width: int, height: int, *, colour: int = 2, depth: int = 8, data: bytes = b"") -> bytes:
    """A PNG by hand: its header, chunks of `data`, no more."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + data


def _chunk(name: bytes, data: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + crc


def _deep_rgb() -> bytes:
    """16-bit RGB, which Pillow cannot write."""
    rows = _draw(np.dtype(">u2"))  # type: ignore[arg-type]
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return _png(SIZE[1], SIZE[0], depth=16, data=_chunk(b"IDAT", packed) + _chunk(b"IEND", b""))


def _clear_rgb() -> Image.Image:
    picture = _rgb()
    picture.putpixel((3, 3), (1, 2, 3))
    return picture


def _rgba(mode: str = "RGBA") -> Image.Image:
    return Image.fromarray(_draw(channels=4)).convert(mode)


ODD: dict[str, Callable[[], bytes]] = {
    "grey": lambda: _saved(_grey(), "PNG"),
    "rgb": lambda: _saved(_rgb(), "PNG"),
    "jpeg": lambda: _saved(_rgb(), "JPEG"),
    "jpeg-grey": lambda: _saved(_grey(), "JPEG", progressive=True),
    "jpeg-cmyk": lambda: _saved(_rgb().convert("CMYK"), "JPEG"),
    "tiff-cmyk": lambda: _saved(_rgb().convert("CMYK"), "TIFF"),
    "tiff-ycbcr": lambda: _saved(_rgb().convert("YCbCr"), "TIFF"),
    "tiff-lzw": lambda: _saved(_rgb(), "TIFF", compression="tiff_lzw"),
    "grey-16": lambda: _saved(Image.fromarray(_draw(np.uint16, 1)), "PNG"),
    "tiff-16": lambda: _saved(Image.fromarray(_draw(np.uint16, 1)), "TIFF"),
    "pgm-16": lambda: _saved(Image.fromarray(_draw(np.uint16, 1)), "PPM"),
    "tiff-32": lambda: _saved(Image.fromarray(_draw(np.int32, 1)), "TIFF"),
    "rgb-16": _deep_rgb,
    "one-bit": lambda: _saved(_grey().convert("1"), "PNG"),
    "palette": lambda: _saved(_rgb().convert("P"), "PNG"),
    "palette-clear": lambda: _saved(_rgb().convert("P"), "PNG", transparency=3),
    "palette-alpha": lambda: _saved(_rgb().convert("P"), "PNG", transparency=bytes(range(256))),
    "alpha": lambda: _saved(_rgba(), "PNG"),
    "alpha-grey": lambda: _saved(_rgba("LA"), "PNG"),
    "colour-clear": lambda: _saved(_clear_rgb(), "PNG", transparency=(1, 2, 3)),
    "grey-clear": lambda: _saved(_grey(), "PNG", transparency=128),
    "bmp": lambda: _saved(_rgb(), "BMP"),
    "webp": lambda: _saved(_rgba(), "WEBP"),
    "gif-animated": lambda: _frames("GIF"),
    "gif-clear": lambda: _saved(_rgba(), "GIF"),
    "webp-animated": lambda: _frames("WEBP", lossless=True),
    "png-animated": lambda: _frames("PNG"),
    "tiff-pages": lambda: _frames("TIFF"),
    **{f"turned-{n}": lambda n=n: _turned(n, "PNG") for n in range(2, 9)},
    "turned-jpeg": lambda: _turned(6, "JPEG"),
    "turned-webp": lambda: _turned(8, "WEBP"),
    "turned-tiff": lambda: _turned(6, "TIFF"),
    "turned-tiff-lzw": lambda: _turned(5, "TIFF", compression="tiff_lzw"),
    "turned-no-how": lambda: _turned(77, "PNG"),
    "large": lambda: _saved(Image.new("1", (10_000, 9_500)), "PNG"),  # Pillow warns, we do not
}


GREY = (
    "grey",
    "jpeg-grey",
    "grey-16",
    "grey-clear",
    "tiff-16",
    "pgm-16",
    "tiff-32",
    "one-bit",
    "large",
)
# How far decoded pixels may lie from what was drawn: lossy forms, and colours of a palette.
LOSSY = {"jpeg": 90, "palette": 70, "gif": 70, "ycbcr": 3}
NOT_THE_DRAWING = ("one-bit", "clear", "alpha", "turned", "tiff-32", "large", "webp")


@pytest.mark.parametrize("form", ODD)
@pytest.mark.filterwarnings("error")
def test_every_form_is_read(form: str) -> None:
    picture = pictures.load("odd.png", content=ODD[form]())  # the ending tells nothing
    assert picture.mode == ("L" if form in GREY else "RGB")
    height, width = SIZE
    turned = {(height, width), (width, height)} if "turned" in form else {(height, width)}
    assert (picture.height, picture.width) in turned or form == "large"
    if any(word in form for word in NOT_THE_DRAWING):
        return
    drawn = _draw(channels=1 if picture.mode == "L" else 3).astype(int)
    most = max((most for word, most in LOSSY.items() if word in form), default=1)  # 16 bit: 1
    assert np.abs(np.asarray(picture).astype(int) - drawn).max() <= most


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "another kind, or a damaged one"),
    "text": (lambda: b"hello, I am no picture", "another kind, or a damaged one"),
    "eps": (lambda: EPS, "another kind, or a damaged one"),
    "pdf": (lambda: b"%PDF-1.4\n", "another kind, or a damaged one"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "another kind, or a damaged"),
    "icon": (lambda: _saved(_rgb(), "ICO"), "another kind, or a damaged one"),
    "png-cut": (lambda: _saved(_rgb(), "PNG")[:200], "sound picture. Received: .*truncated"),
    "jpeg-cut": (lambda: _saved(_rgb(), "JPEG")[:700], "sound picture. Received: .*truncated"),
    "tiff-cut": (lambda: _saved(_rgb(), "TIFF")[:900], "sound picture. Received: "),
    "gif-cut": (lambda: _saved(_rgb(), "GIF")[:300], "expected a (sound )?picture"),
    "webp-cut": (lambda: _saved(_rgb(), "WEBP")[:100], "expected a (sound )?picture"),
    "bomb": (lambda: _png(60_000, 60_000, data=_chunk(b"IDAT", b"")), "far more|3600000000 pixels"),
    "large": (
        lambda: _png(10_001, 10_000, data=_chunk(b"IDAT", b"") + _chunk(b"IEND", b"")),
        "10001x10000",
    ),
    "text-bomb": (
        lambda: _png(8, 8, data=_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26)))),
        "expected a (sound )?picture",
    ),
    "floats": (
        lambda: _saved(Image.fromarray(np.ones((8, 8), np.float32)), "TIFF"),
        "floating-point pixels",
    ),
    "negative": (
        lambda: _saved(Image.fromarray(np.full((8, 8), -1, np.int32)), "TIFF"),
        "outside 0 to 65535",
    ),
    "deep": (
        lambda: _saved(Image.fromarray(np.full((8, 8), 70_000, np.int32)), "TIFF"),
        "outside 0 to 65535",
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.filterwarnings("error")
def test_a_fault_is_one_line_that_names_the_file(tmp_path: pathlib.Path, hostile: str) -> None:
    make, message = HOSTILE[hostile]
    path = tmp_path / "hostile.png"
    path.write_bytes(make())
    with pytest.raises(DataError, match=message) as caught:
        pictures.read(path, (8, 8, 3))
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "android"


@pytest.fixture
def ghostscript(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with a `gs` that leaves a mark when it is started."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "gs").write_text(f"#!/bin/sh\ntouch {folder}/started\n")
    (folder / "gs").chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("hostile", "message"),
    [(name, HOSTILE[name][1]) for name in ("eps", "bomb", "png-cut", "large")],
    ids=["eps", "bomb", "cut", "large"],
)
def test_predict_ends_with_1_and_starts_no_program(
    tmp_path: pathlib.Path, ghostscript: pathlib.Path, hostile: str, message: str
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(HOSTILE[hostile][0]())
    good = tmp_path / "good.png"
    good.write_bytes(_saved(_rgb(), "PNG"))
    command = [sys.executable, "-m", "xncaps_runtime", "predict", str(GOLDEN / "tiny_float.tflite")]
    ran = subprocess.run(
        [*command, str(good), str(bad)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{ghostscript}:{os.environ['PATH']}"},
    )
    assert ran.returncode == 1, ran.stderr
    assert ran.stdout.startswith(f"{good}: ") and ran.stdout.count("\n") == 1
    error = [line for line in ran.stderr.splitlines() if not line.startswith("INFO: ")]
    assert len(error) == 1 and error[0].startswith(f"xncaps_runtime: {bad}: expected a "), error
    assert not (ghostscript / "started").exists()


def test_damaged_exif_is_passed_over_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    file = io.BytesIO()
    tag = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)  # turned
    cut = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 9) + tag  # of nine tags one is there
    Image.fromarray(_draw()).save(file, "JPEG", exif=cut)
    assert pictures.load("cut.jpg", content=file.getvalue()).size in (SIZE, SIZE[::-1])
    assert [str(each.message) for each in recwarn] == []


def test_a_name_that_no_file_can_have_is_one_line() -> None:
    with pytest.raises(DataError, match=r"'a\\x00b.png': cannot be read: embedded null"):
        pictures.load("a\0b.png")
