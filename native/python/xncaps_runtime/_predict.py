"""Classifies pictures with a .tflite file: class names and preprocessing come from the file.

What is done to a picture is what the Android app does (docs/android.md); the same golden files are
the test of both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from xncaps_runtime._metadata import InputAbout
from xncaps_runtime.errors import RuntimeLibraryError
from xncaps_runtime.interpreter import Interpreter

_LUMA = np.array([[0.299], [0.587], [0.114]], np.float32)


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
            f"{path}: expected an input of pictures [1, H, W, 1 or 3]. Received: {shape.tolist()}."
        )
    return interpreter


def preprocess(picture: Image.Image, shape: tuple[int, int, int], about: InputAbout) -> np.ndarray:
    """A picture as a model takes it, before quantisation.

    The largest centred part of the input's aspect, resized (bilinear, antialiased, in floating
    point), grey where the model has one channel, inverted and scaled as the file's metadata say.

    Args:
        picture: of mode L or RGB, as `_pictures.load` gives it.
        shape: (H, W, C), C 1 or 3.
        about: what the file says.

    Returns: float32 [H, W, C].
    """
    height, width, channels = shape
    pixels = np.asarray(picture, np.uint8).reshape(picture.height, picture.width, -1)
    pixels = _centred(pixels, width, height)
    resized = np.stack([_resized(pixels[..., c], width, height) for c in range(pixels.shape[2])], 2)
    if channels == 1 and resized.shape[2] == 3:
        resized = resized @ _LUMA  # [H, W, 1]
    resized = np.broadcast_to(resized, shape)
    values = 255 - resized if about.invert else resized
    mean, std = np.asarray(about.mean, np.float32), np.asarray(about.std, np.float32)
    return ((values - mean) / std).astype(np.float32)


def _centred(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """The largest part in the middle whose sides are as width : height."""
    down, across = pixels.shape[:2]
    box_width = min(across, max(1, down * width // height))
    box_height = min(down, max(1, across * height // width))
    left, top = (across - box_width) // 2, (down - box_height) // 2
    return pixels[top : top + box_height, left : left + box_width]


def _resized(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def to_input(picture: Image.Image, details: dict[str, Any], about: InputAbout) -> np.ndarray:
    """The picture as the input tensor takes it: its size and type, [1, H, W, C]."""
    _, height, width, channels = (int(n) for n in details["shape"])
    values = preprocess(picture, (height, width, channels), about)[None]
    if details["dtype"] == np.float32:
        return values
    scale, zero = details["quantization"]
    limits = np.iinfo(details["dtype"])
    quantised = np.round(values / (scale or 1.0)) + zero
    return np.clip(quantised, limits.min, limits.max).astype(details["dtype"])


def classify(interpreter: Interpreter, picture: Image.Image, about: InputAbout) -> np.ndarray:
    """Scores of the classes, float32 [classes]."""
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], to_input(picture, details, about))
    interpreter.invoke()
    output = interpreter.get_output_details()[0]
    scores = interpreter.get_tensor(output["index"])[0].astype(np.float32).reshape(-1)
    scale, zero = output["quantization"]
    return scores if output["dtype"] == np.float32 else (scores - zero) * np.float32(scale or 1.0)


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
