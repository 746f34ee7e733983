"""Frames of a camera, by OpenCV, which is an extra of what offers a camera."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xncaps_files.errors import DataError

if TYPE_CHECKING:
    from PIL import Image


def frames(source: int | str = 0, count: int | None = None) -> Iterator[tuple[str, Image.Image]]:
    """('frame 1', a picture in RGB), and so on.

    Args:
        source: number of the camera, or the path of a video file.
        count: of the frames; None: without end.

    Raises:
        DataError: no OpenCV, no camera that opens, or one that stopped.
    """
    try:
        import cv2
    except ImportError as error:
        raise DataError(
            f"--camera: expected OpenCV. Received: {error}; pip install opencv-python-headless."
        ) from error
    from PIL import Image

    capture = cv2.VideoCapture(source)
    try:
        if not capture.isOpened():
            raise DataError(
                f"--camera: expected a camera. Received: {source}, which does not open."
            )
        number = 0
        while count is None or number < count:
            number += 1
            good, frame = capture.read()
            if not good:
                raise DataError(
                    f"--camera: expected a frame. Received: none from {source}, which stopped."
                )
            yield f"frame {number}", Image.fromarray(frame[:, :, ::-1])
    finally:
        capture.release()
