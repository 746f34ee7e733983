"""Pictures of a user's own: files, folders and globs, read into what a model takes.

A picture comes from anywhere, so a file is measured before it is decoded, only common formats are
tried, and every fault is one line that names the file. Needs Pillow (the extra `pictures`).
"""

from __future__ import annotations

import contextlib
import glob
import io
import logging
import math
import os
import threading
import warnings
from collections import Counter
from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from xncaps_files.errors import DataError, one_line
from xncaps_files.printable import printable

_log = logging.getLogger(__name__)
SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)
MAX_FILE_BYTES = 200 * 10**6
MAX_PIXELS = 100 * 10**6  # a decoded picture takes up to four bytes a pixel

# Only formats that Pillow decodes by itself: its EPS reader, say, would start another program.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
# Pillow knows the other formats from the start; it would load these two on their first use, and two
# threads that do so at the same time can fail.
_LOADED = (TiffImagePlugin, WebPImagePlugin)
Image.preinit()
_WARNINGS = threading.Lock()  # warnings.catch_warnings changes what all threads share
_FILTER = Image.Resampling.BILINEAR
_ORIENTATION = 0x0112  # EXIF's tag
_TURNS = {  # what makes the picture upright; ImageOps.exif_transpose would read EXIF once more
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_GREY_16_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")


def load(path: str | Path, *, content: bytes | None = None) -> Image.Image:
    """The whole picture in mode L (where the file is grey) or RGB, upright and opaque, as `read`.

    Args:
        path: the file, or the name of `content` for errors.
        content: the bytes of the file, where they are at hand.

    Raises:
        DataError: as `read` does.
    """
    picture = _opened(path, content)
    with picture, _one_line_errors(path):
        return flatten(picture)


def flatten(picture: Image.Image) -> Image.Image:
    """An opened picture in mode L (where it is grey) or RGB, upright and opaque.

    Raises:
        ValueError: its pixels have no range that is known.
    """
    return _to_mode(_upright(picture), "L" if picture.mode in ("1", "L", *_GREY_16_BIT) else "RGB")


def read(path: str | Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """The picture as a model takes it: float32 [H, W, C], whole numbers of 0 to 255.

    It is turned as its EXIF orientation says, and `fit` to the shape; transparent parts become
    white, 16-bit grey becomes 8-bit, an animation gives its first frame.

    Args:
        path: the file.
        shape: (H, W, C) with C 1 or 3.

    Raises:
        DataError: the file is missing, too large, no picture, or damaged.
        ValueError: C is neither 1 nor 3, or a side is not positive.
    """
    return decode(path, shape).astype(np.float32)


def decode(
    path: str | Path,
    shape: tuple[int, int, int],
    *,
    content: bytes | None = None,
    is_exact: bool = False,
) -> NDArray[np.uint8]:
    """The same as uint8.

    Args:
        path: the file, or the name of `content` for errors.
        shape: (H, W, C) with C 1 or 3.
        content: the bytes of the file, where they are at hand.
        is_exact: a picture of another height or width is an error instead of being scaled.

    Raises:
        DataError, ValueError: as `read` does.
    """
    _check_shape(shape)
    height, width, _ = shape
    flat = load(path, content=content)
    with flat, _one_line_errors(path):
        if is_exact and flat.size != (width, height):
            raise ValueError(f"{flat.size[0]}x{flat.size[1]} pixels, not {width}x{height}")
        return fit(flat, shape)


def fit(flat: Image.Image, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A picture of mode L or RGB as uint8 [H, W, C]: the one rule by which pixels are made.

    Made grey where C is 1 (Pillow's 'L': (19595 R + 38470 G + 7471 B + 32768) >> 16), cut to the
    aspect of (H, W) about its centre, scaled by a triangle that widens when it shrinks (Pillow's
    BILINEAR of bytes, which rounds), first to the width, then to the height, and repeated where C
    is 3 and it is grey. The Android app does the same to the bit (tests/golden/android).

    Raises:
        DataError: the picture is so long and thin that its middle cannot be told.
        ValueError: C is neither 1 nor 3, or a side is not positive.
    """
    _check_shape(shape)
    height, width, channels = shape
    flat = flat.convert("L" if channels == 1 else "RGB")
    if flat.size == (width, height):
        return np.asarray(flat, np.uint8).reshape(shape)
    left, top, right, bottom = _part(flat.size, width / height)
    if right <= left or bottom <= top:
        raise DataError(
            f"expected a picture that can be cut to {width}x{height}. "
            f"Received: {flat.size[0]}x{flat.size[1]} pixels."
        )
    # In two steps, since versions of Pillow differ in which they do first. The first is done for
    # those rows alone that the second looks at.
    reach = max((bottom - top) / height, 1)
    first, last = max(0, math.floor(top - reach)), min(flat.size[1], math.ceil(bottom + reach))
    rows = flat.resize((width, last - first), _FILTER, (left, first, right, last))
    fitted = rows.resize((width, height), _FILTER, (0, top - first, width, bottom - first))
    return np.asarray(fitted, np.uint8).reshape(shape)


def _part(size: tuple[int, int], ratio: float) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the largest centred part whose width is `ratio` heights.

    As ImageOps.fit has it, and as Pillow passes it on: in single precision.
    """
    width, height = size
    across = ratio * height if width / height > ratio else float(width)
    down = width / ratio if width / height < ratio else float(height)
    left, top = (width - across) * 0.5, (height - down) * 0.5
    corners = np.array((left, top, left + across, top + down), np.float32)
    left, top, right, bottom = corners.tolist()
    return left, top, right, bottom


def measure(path: str | Path) -> tuple[int, int, int]:
    """(H, W, C) of a picture by its header alone, as it is when turned upright; C is 1 or 3.

    Raises:
        DataError: as `read` does, for what the header shows.
    """
    picture = _opened(path, None)
    with picture:
        with _one_line_errors(path):
            is_turned = (
                picture.getexif().get(_ORIENTATION, 1) >= 5
            )  # EXIF: width and height change places
            mode = picture.mode
            width, height = picture.size[::-1] if is_turned else picture.size
    return height, width, 1 if mode in ("1", "L", "LA", *_GREY_16_BIT) else 3


def find(folder: Path) -> list[Path]:
    """Every file under a folder with the ending of a picture, sorted; hidden ones left out."""
    found: list[Path] = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(root, name)
            for name in files
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
        ]
    return sorted(found)


def say_left_out(folder: Path) -> None:
    """A warning of the files that `find` does not take, where all else goes on."""
    if others := left_out(folder):
        _log.warning("%s: left out %s; save photographs as JPEG or PNG", folder, printable(others))


def left_out(folder: Path) -> str:
    """What `find` does not take, '3 files (.heic 2, .txt 1)', '' where there is nothing.

    Hidden files and folders are meant to be left out, and not told.
    """
    seen = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    shown = (path for path in seen if not any(part.startswith(".") for part in path.parts))
    endings = Counter(path.suffix.lower() or path.name for path in shown)
    others = {ending: count for ending, count in endings.items() if ending not in SUFFIXES}
    if not others:
        return ""
    number = sum(others.values())
    kinds = ", ".join(f"{ending} {others[ending]}" for ending in sorted(others)[:5])
    return f"{number} file{'s' * (number > 1)} ({kinds})"


def expand(patterns: Iterable[str | Path]) -> list[Path]:
    """The files that are meant by files, folders (with all below) and globs ('**' too).

    In the order given, those of one folder or glob sorted, none twice.

    Raises:
        DataError: a pattern or folder gives no file; the pattern is named.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        if not str(pattern):  # of a variable that is not set; a Path would be this folder
            raise DataError("expected a file, a folder or a glob. Received: an empty name.")
        given = Path(pattern).expanduser()
        if given.is_dir():
            paths = find(given)
            if not paths:
                raise DataError(
                    f"{given}: expected pictures in the folder ({', '.join(sorted(SUFFIXES))}). "
                    "Received: none."
                )
        elif given.exists():
            paths = [given]
        else:
            matches = sorted(glob.glob(str(given), recursive=True))
            paths = [Path(match) for match in matches if os.path.isfile(match)]
            if not paths:
                raise DataError(
                    f"{given}: expected a file, a folder or a glob. Received: no match."
                )
        found.update(dict.fromkeys(paths))
    return list(found)


def _check_shape(shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    if channels not in (1, 3) or height < 1 or width < 1:
        raise ValueError(
            "images: expected a shape (H, W, C) with positive sides and C 1 or 3. "
            f"Received: shape={tuple(shape)}."
        )


@contextlib.contextmanager
def _one_line_errors(path: str | Path) -> Generator[None, None, None]:
    """Turns whatever Pillow raises on a damaged file into one DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        # Pillow's decoders raise OSError, SyntaxError, ValueError, IndexError, struct.error and
        # more on damaged files; each means the same to the user, and the cause stays attached.
        raise DataError(
            f"{path}: expected a sound picture. Received: {one_line(error)}."
        ) from error


def _opened(path: str | Path, content: bytes | None) -> Image.Image:
    """The picture, opened and measured but not yet decoded."""
    if content is None:
        try:
            size = os.stat(path).st_size
            if size <= MAX_FILE_BYTES:
                with open(path, "rb") as file:  # a device has no size, and may have no end
                    content = file.read((size or MAX_FILE_BYTES) + 1)
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
        except ValueError as error:  # a name with a NUL in it
            raise DataError(f"{str(path)!r}: cannot be read: {error}.") from error
    if content is None or len(content) > MAX_FILE_BYTES:
        raise DataError(
            f"{path}: expected a picture of at most {MAX_FILE_BYTES // 10**6} MB. "
            "Received: a larger file."
        )
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
        warnings.simplefilter("ignore", UserWarning)  # of damaged EXIF
        with _one_line_errors(path):
            try:
                picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            except UnidentifiedImageError as error:
                raise DataError(
                    f"{path}: expected a picture ({', '.join(_FORMATS)}). "
                    "Received: a file of another kind, or a damaged one."
                ) from error
            except Image.DecompressionBombError as error:
                raise DataError(_too_large(path, "far more")) from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        picture.close()
        raise DataError(_too_large(path, f"{width}x{height}"))
    return picture


def _too_large(path: str | Path, found: str) -> str:
    most = MAX_PIXELS // 10**6
    return f"{path}: expected a picture of at most {most} million pixels. Received: {found}."


def _upright(picture: Image.Image) -> Image.Image:
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # as above
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    return picture if turn is None else picture.transpose(turn)


def _to_mode(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode in _GREY_16_BIT:  # convert('L') would clip what is over 255
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("grey values outside 0 to 65535")
        picture = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if picture.mode == "F":
        raise ValueError("floating-point pixels, whose range is unknown")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        ground = Image.new("RGBA", clear.size, "white")
        picture = Image.alpha_composite(ground, clear)
    return picture.convert("RGB").convert(mode) if picture.mode == "CMYK" else picture.convert(mode)
