"""Frames of a camera, by OpenCV (the extra `camera`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xncaps_runtime.errors import RuntimeLibraryError

if TYPE_CHECKING:
    from PIL import Image


def frames() -> Iterator[Image.Image]:
    """Pictures of the first camera, RGB.

    Raises:
        RuntimeLibraryError: no OpenCV, no camera that opens, or one that stopped.
    """
    try:
        import cv2
    except ImportError as error:
        raise RuntimeLibraryError(
            "--camera needs OpenCV: pip install 'xncaps-runtime[camera]'"
        ) from error
    from PIL import Image

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
