"""Makes the golden files that pytest and the app's JUnit tests read: `python make.py [FOLDER]`.

What is expected comes from Pillow and NumPy: the picture turned, then cut and resized in bytes by
Pillow's BILINEAR. docs/android.md says what the app does to a picture.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
ROTATIONS = (0, 90, 180, 270)
# Odd sizes, wider and higher than square; cut from scikit-learn's two photographs.
PICTURES = {"china.png": (0, (121, 90)), "flower.png": (1, (64, 97))}
# name: height, width, channels, type, scale, zero point, mean, std, invert
SPECS: dict[str, dict[str, Any]] = {
    "digits": {"shape": [28, 28, 1], "type": "float32", "mean": [0], "std": [1], "invert": True},
    "color": {"shape": [16, 24, 3], "type": "float32", "mean": [127.5], "std": [127.5]},
    "channels": {"shape": [9, 7, 3], "type": "float32", "mean": [120, 115, 100],
                 "std": [60, 58, 57]},
    "int8": {"shape": [8, 8, 3], "type": "int8", "scale": 1.0, "zero_point": -128},
    "uint8": {"shape": [80, 70, 1], "type": "uint8", "scale": 1.0, "zero_point": 0},
    "steps": {"shape": [12, 11, 3], "type": "int8", "mean": [127, 120, 110], "std": [60, 50, 55],
              "scale": 0.0186, "zero_point": -3},
}  # fmt: skip
# name: width, height, row stride of Y, row stride of U and V, pixel stride of U and V
FRAMES = {
    "i420": (64, 48, 64, 32, 1),
    "padded": (65, 49, 71, 41, 1),
    "nv21": (63, 50, 80, 77, 2),
}


def picture(index: int, size: tuple[int, int]) -> np.ndarray:
    """A photograph at this (width, height), uint8 [height, width, 3]."""
    from sklearn.datasets import load_sample_images

    image = Image.fromarray(load_sample_images()["images"][index])
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def planes(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Y at full size, U and V at half (rounded up), as a camera gives them."""
    yuv = np.asarray(Image.fromarray(rgb).convert("YCbCr"))
    return yuv[:, :, 0], yuv[::2, ::2, 1], yuv[::2, ::2, 2]


def lay_out(plane: np.ndarray, row_stride: int, pixel_stride: int) -> bytes:
    """A plane's bytes, with 0xAA where no pixel is, and no padding after the last pixel."""
    rows, columns = plane.shape
    out = np.full((rows, row_stride), 0xAA, np.uint8)
    out[:, : columns * pixel_stride : pixel_stride] = plane
    return out.tobytes()[: (rows - 1) * row_stride + (columns - 1) * pixel_stride + 1]


def colors(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """JFIF's formula, uint8 [height, width, 3]."""
    height, width = y.shape
    u, v = (np.repeat(np.repeat(c, 2, 0), 2, 1)[:height, :width] - 128.0 for c in (u, v))
    rgb = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], -1)
    return np.clip(np.floor(rgb + 0.5), 0, 255).astype(np.uint8)


def part(picture: Image.Image, size: tuple[int, int], share: float) -> Image.Image:
    """A share of the sides of the largest centred part, resized to (width, height), rows first.

    A share of 0.5 is exact in floating point, so that it does not matter when it is multiplied.
    """
    ratio = size[0] / size[1]
    width, height = picture.size
    cut = np.array([min(width, ratio * height), min(height, width / ratio)]) * share
    left, top = (np.array(picture.size) - cut) / 2
    right, bottom = (left + cut[0], top + cut[1])
    rows = picture.resize((size[0], height), Image.Resampling.BILINEAR, (left, 0, right, height))
    return rows.resize(size, Image.Resampling.BILINEAR, (0, top, size[0], bottom))


def preprocess(
    image: np.ndarray, degrees: int, spec: dict[str, Any], share: float = 1
) -> np.ndarray:
    """What the model gets of uint8 [height, width, 1 or 3], as float32; integers dequantised."""
    height, width, channels = spec["shape"]
    upright = np.rot90(image, -degrees // 90)
    upright = upright[:, :, 0] if upright.shape[2] == 1 else upright
    whole = Image.fromarray(np.ascontiguousarray(upright)).convert("L" if channels == 1 else "RGB")
    fitted = part(whole, (width, height), share)
    levels = np.asarray(fitted, np.float32).reshape(height, width, channels)
    if spec.get("invert"):
        levels = 255 - levels
    values = (levels - np.float32(spec.get("mean", [0]))) / np.float32(spec.get("std", [1]))
    if spec.get("type", "float32") == "float32":
        return values
    limits, scale, zero = np.iinfo(spec["type"]), np.float32(spec["scale"]), spec["zero_point"]
    steps = np.clip(np.round(values / scale) + zero, limits.min, limits.max)
    return ((steps - zero) * scale).astype(np.float32)


def cases(pictures: dict[str, np.ndarray]) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """Each case's description and expected values."""
    for name, pixels in pictures.items():
        for spec_name, spec in SPECS.items():
            for degrees in ROTATIONS:
                case = {"picture": name, "degrees": degrees, "spec": spec_name}
                yield case, preprocess(pixels, degrees, spec)
    for name, (width, height, *_) in FRAMES.items():
        y, u, v = planes(pictures["china.png"][:height, :width])
        for spec_name in ("digits", "color"):
            spec = SPECS[spec_name]
            pixels = y[:, :, None] if spec["shape"][2] == 1 else colors(y, u, v)
            for degrees, share in [*((degrees, 1) for degrees in ROTATIONS), (90, 0.5)]:
                case = {"frame": name, "degrees": degrees, "spec": spec_name, "share": share}
                yield case, preprocess(pixels, degrees, spec, share)


def statistics() -> dict[str, Any]:
    """Percentiles by numpy.percentile and top-k by a stable argsort, of seeded draws."""
    random = np.random.default_rng(6)
    durations = [random.integers(1, 10**9, size=n).tolist() for n in (1, 2, 7, 100, 250)]
    latency = [
        {"nanos": nanos, "percent": percent,
         "millis": float(np.percentile(nanos[-100:], percent) / 1e6)}
        for nanos in durations
        for percent in (0, 50, 90, 99, 100)
    ]  # fmt: skip
    top = []
    for classes in (1, 3, 10, 40):
        scores = np.round(random.random(classes), 1).astype(np.float32)  # with ties
        for k, threshold in ((1, 0.0), (3, 0.5), (50, 0.3), (2, 2.0)):
            order = np.argsort(-scores, kind="stable")
            kept = [int(i) for i in order if scores[i] >= np.float32(threshold)][:k]
            top.append({"scores": scores.tolist(), "k": k, "threshold": threshold, "top": kept})
    return {"latency": latency, "top": top}


def write(folder: pathlib.Path) -> None:
    """Writes every golden file but the models into a folder."""
    pictures = {name: picture(index, size) for name, (index, size) in PICTURES.items()}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / name, optimize=True)
    frames: dict[str, Any] = {}
    for name, (width, height, luma_row, chroma_row, pixel) in FRAMES.items():
        y, u, v = planes(pictures["china.png"][:height, :width])
        parts = [lay_out(y, luma_row, 1), *(lay_out(c, chroma_row, pixel) for c in (u, v))]
        (folder / f"{name}.yuv").write_bytes(b"".join(parts))
        frames[name] = {"width": width, "height": height, "luma_row": luma_row,
                        "chroma_row": chroma_row, "chroma_pixel": pixel,
                        "plane_bytes": [len(part) for part in parts]}  # fmt: skip
    rows, values, at = [], [], 0
    for case, expected in cases(pictures):
        rows.append({**case, "offset": at, "count": expected.size})
        values.append(expected.astype("<f4").tobytes())
        at += expected.size
    (folder / "expected.f32").write_bytes(b"".join(values))
    specs = {name: {"mean": [0], "std": [1], "invert": False, "scale": 0.0, "zero_point": 0, **spec}
             for name, spec in SPECS.items()}  # fmt: skip
    text = json.dumps({"specs": specs, "frames": frames, "cases": rows}, indent=1)
    (folder / "preprocessing.json").write_text(text + "\n", encoding="utf-8")
    text = json.dumps(statistics(), separators=(",", ":"))
    (folder / "statistics.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
