"""Classifies pictures with a .tflite file: class names and preprocessing come from the file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from xncaps_runtime.errors import RuntimeLibraryError
from xncaps_runtime.interpreter import Interpreter


def class_names(path: str | Path) -> tuple[str, ...] | None:
    """The labels in the file's metadata (a text file in the ZIP at its end), or None."""
    data = Path(path).read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return None
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        texts = [name for name in archive.namelist() if name.endswith(".txt")]
        if not texts:
            return None
        return tuple(archive.read(texts[0]).decode("utf-8").splitlines())


def open_model(path: str | Path, num_threads: int = 1) -> Interpreter:
    """An interpreter of the file, ready to run.

    Raises:
        RuntimeLibraryError: not a model, or one that does not take one picture [1, H, W, C].
    """
    try:
        interpreter = Interpreter(path, num_threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise RuntimeLibraryError(f"{path}: {' '.join(str(error).split())}") from error
    shape = interpreter.get_input_details()[0]["shape"]
    if len(shape) != 4 or shape[3] not in (1, 3):
        raise RuntimeLibraryError(
            f"{path}: expected an input of pictures [1, H, W, 1 or 3]. Received: {list(shape)}."
        )
    return interpreter


def to_input(picture: Image.Image, details: dict[str, Any]) -> np.ndarray:
    """The picture at the input's size and type: pixels 0 to 255, [1, H, W, C]."""
    _, height, width, channels = (int(n) for n in details["shape"])
    mode = "L" if channels == 1 else "RGB"
    resized = picture.convert(mode).resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(resized, np.float32).reshape(1, height, width, channels)
    if details["dtype"] == np.float32:
        return pixels
    scale, zero = details["quantization"]
    limits = np.iinfo(details["dtype"])
    quantised = np.round(pixels / (scale or 1.0)) + zero
    return np.clip(quantised, limits.min, limits.max).astype(details["dtype"])


def classify(interpreter: Interpreter, picture: Image.Image) -> np.ndarray:
    """Scores of the classes, float32 [classes]."""
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], to_input(picture, details))
    interpreter.invoke()
    output = interpreter.get_output_details()[0]
    scores = interpreter.get_tensor(output["index"])[0].astype(np.float32).reshape(-1)
    scale, zero = output["quantization"]
    return scores if output["dtype"] == np.float32 else (scores - zero) * np.float32(scale or 1.0)


def load_picture(path: str | Path) -> Image.Image:
    """Raises RuntimeLibraryError, which names the file, where it is no picture."""
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture.copy()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise RuntimeLibraryError(f"{path}: not a readable picture ({error})") from error


def camera_frames() -> Iterator[Image.Image]:
    """Pictures of the first camera; needs the extra `camera`."""
    try:
        import cv2
    except ImportError as error:
        raise RuntimeLibraryError(
            "--camera needs OpenCV: pip install 'xncaps-runtime[camera]'"
        ) from error
    capture = cv2.VideoCapture(0)
    try:
        if not capture.isOpened():
            raise RuntimeLibraryError("--camera: expected a camera. Received: none that opens.")
        while True:
            good, frame = capture.read()
            if not good:
                raise RuntimeLibraryError("--camera: the camera stopped giving pictures.")
            yield Image.fromarray(frame[:, :, ::-1])
    finally:
        capture.release()


def top(scores: np.ndarray, names: tuple[str, ...] | None, count: int) -> list[dict[str, Any]]:
    """The `count` best classes: class number, label, score."""
    order = np.argsort(-scores, kind="stable")[:count]
    return [
        {
            "class": int(i),
            "label": names[i] if names is not None and i < len(names) else str(int(i)),
            "score": float(scores[i]),
        }
        for i in order
    ]


def as_text(name: str, best: list[dict[str, Any]], as_json: bool) -> str:
    """One line of a prediction."""
    if as_json:
        return json.dumps({"file": name, "top": best})
    return f"{name}: " + ", ".join(f"{b['label']} {b['score']:.3f}" for b in best)
