"""A folder of pictures as images to score files on: one folder a class, as trained on."""

from __future__ import annotations

import io
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from xncaps_benchmark.errors import BenchmarkError, ModelError
from xncaps_benchmark.images import MAX_BYTES, Images

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
MAX_FILE_BYTES = 200 * 10**6
MAX_PIXELS = 100 * 10**6
# Only formats that Pillow decodes by itself: its EPS reader, say, would start another program.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")


def read(
    folder: pathlib.Path, shape: tuple[int, int, int], class_names: Sequence[str] = ()
) -> Images:
    """Every picture of FOLDER/CLASS/..., or of FOLDER/test/CLASS/... where there is such a folder.

    Each is turned upright as its EXIF data say, cut to the shape's aspect about its centre, scaled
    (bilinear) and made grey or RGB, as `xncaps evaluate --data folder` does. It is a data set and
    no camera's picture: nothing is inverted, whatever the file's metadata say of the camera's.

    Args:
        folder: of folders of pictures. Pictures that lie in it directly have no label.
        shape: (H, W, C) of the models' input, C 1 or 3.
        class_names: the model's, in its order; the folders are named like them, by their numbers,
            or (where they are not known) sorted by name.

    Raises:
        BenchmarkError: no pictures, one that cannot be read, folders that are no classes of the
            model, more than fits, Pillow is not installed.
    """
    files, names = _labelled(folder, class_names)
    if len(files) * int(np.prod(shape)) > MAX_BYTES:
        raise ModelError(f"{folder}: expected at most {MAX_BYTES} bytes of pixels.")
    pixels = np.empty((len(files), *shape), np.uint8)
    for index, (path, _) in enumerate(files):
        pixels[index] = decode(path, shape)
    labels = np.array([label for _, label in files], np.int64)
    return Images(pixels.astype(np.float32), labels, tuple(names), folder.name[:200])


def _labelled(
    folder: pathlib.Path, class_names: Sequence[str]
) -> tuple[list[tuple[pathlib.Path, int]], Sequence[str]]:
    """(file, label) of every picture, and the names of the classes."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: expected a folder of pictures. Received: no folder.")
    root = folder / "test" if (folder / "test").is_dir() else folder
    classes = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        files, names = [(path, -1) for path in _find(root)], class_names
    else:
        numbers, names = _numbers(root, [path.name for path in classes], class_names)
        files = [
            (path, number)
            for place, number in zip(classes, numbers, strict=True)
            for path in _find(place)
        ]
    if not files:
        endings = ", ".join(SUFFIXES)
        raise ModelError(f"{folder}: expected pictures ({endings}). Received: none.")
    return files, names


def _numbers(
    root: pathlib.Path, found: list[str], class_names: Sequence[str]
) -> tuple[list[int], Sequence[str]]:
    """The class of each folder, by its name, its number, or (names not known) its place."""
    known = list(class_names)
    if not known:
        return list(range(len(found))), found
    if set(found) <= set(known):
        return [known.index(name) for name in found], known
    if all(name.isdigit() and int(name) < len(known) for name in found):
        return [int(name) for name in found], known
    odd = sorted(set(found) - set(known))
    raise BenchmarkError(
        f"--accuracy: expected folders named like the model's classes ({', '.join(known[:20])}) "
        f"or their numbers in {root}. Received: {', '.join(odd[:20])}."
    )


def _find(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def decode(path: pathlib.Path, shape: tuple[int, int, int]) -> np.ndarray:
    """One picture as uint8 [H, W, C]: see `read`.

    Raises:
        ModelError: too large, no picture, or damaged; one line that names the file.
        BenchmarkError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise BenchmarkError(
            "--accuracy: a folder of pictures needs Pillow: pip install "
            "'xncaps-benchmark[pictures]', or give an .npz"
        ) from error
    height, width, channels = shape
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError(f"a file of more than {MAX_FILE_BYTES // 10**6} MB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's opinion of large pictures and odd tags
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                most = f"at most {MAX_PIXELS // 10**6} million are taken"
                raise ValueError(f"{picture.width}x{picture.height} pixels; {most}")
            ImageOps.exif_transpose(picture, in_place=True)
            flat = _opaque(picture).convert("L" if channels == 1 else "RGB")
            if flat.size != (width, height):
                flat = ImageOps.fit(flat, (width, height), Image.Resampling.BILINEAR)
            return np.asarray(flat, np.uint8).reshape(shape)
    except Exception as error:
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more on damaged
        # files; each means the same to the user, and the cause stays attached.
        text = " ".join(str(error).split())[:200] or type(error).__name__
        if text.startswith("cannot identify"):
            text = "a file of another kind, or a damaged one"
        raise ModelError(f"{path}: expected a sound picture. Received: {text}") from error


def _opaque(picture: Any) -> Any:
    """Transparent parts become white, 16-bit grey becomes 8-bit."""
    from PIL import Image

    if picture.mode.startswith("I"):  # convert('L') would clip what is over 255
        deep = picture.convert("I")
        low, high = deep.getextrema()
        if low < 0 or high > 0xFFFF:
            raise ValueError("grey values outside 0 to 65535")
        return deep.point([(value + 128) // 257 for value in range(1 << 16)], "L")
    if picture.mode == "F":
        raise ValueError("floating-point pixels, whose range is unknown")
    if not picture.has_transparency_data:
        return picture
    clear = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
