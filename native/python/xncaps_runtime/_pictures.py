"""A picture of a file: upright, opaque, 8 bits a channel, grey or RGB.

The file may be a stranger's: only common formats are tried, and file and picture are measured
before anything is decoded.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from xncaps_runtime.errors import RuntimeLibraryError

MAX_FILE_BYTES = 200 * 10**6
MAX_PIXELS = 100 * 10**6  # a decoded picture takes up to four bytes a pixel
# Only formats that Pillow decodes by itself: its EPS reader, say, would start another program.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")


def load(path: str | Path) -> Image.Image:
    """The picture in mode L (where the file is grey) or RGB, turned as its EXIF data say.

    Transparent parts become white, 16-bit grey becomes 8-bit, an animation gives its first frame.

    Raises:
        RuntimeLibraryError: too large, no picture, or damaged; one line that names the file.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise RuntimeLibraryError(
            f"{path}: expected a picture of at most {MAX_FILE_BYTES // 10**6} MB. "
            "Received: a larger file."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's opinion of large pictures and odd tags
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                most = f"at most {MAX_PIXELS // 10**6} million are taken"
                raise ValueError(f"{picture.width}x{picture.height} pixels; {most}")
            ImageOps.exif_transpose(picture, in_place=True)
            return _flat(picture)
    except UnidentifiedImageError as error:
        raise RuntimeLibraryError(
            f"{path}: expected a picture ({', '.join(_FORMATS)}). "
            "Received: a file of another kind, or a damaged one."
        ) from error
    except Exception as error:
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more on damaged
        # files; each means the same to the user, and the cause stays attached.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RuntimeLibraryError(
            f"{path}: expected a sound picture. Received: {reason}"
        ) from error


def _flat(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # convert('L') would clip what is over 255
        deep = picture.convert("I")
        low, high = deep.getextrema()
        if low < 0 or high > 0xFFFF:  # type: ignore[operator]
            raise ValueError("grey values outside 0 to 65535")
        return deep.point([(value + 128) // 257 for value in range(1 << 16)], "L")
    if picture.mode == "F":
        raise ValueError("floating-point pixels, whose range is unknown")
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")
