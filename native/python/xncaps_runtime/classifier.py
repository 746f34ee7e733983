"""Pictures to ranked class names with a .tflite file: what it is to be fed comes from the file."""

from __future__ import annotations

import math
import numbers
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from xncaps_files import metadata, tflite
from xncaps_files.errors import DataError
from xncaps_files.preprocessing import Preprocessing, TensorDetails, dequantise, quantise
from xncaps_files.ranking import Ranking
from xncaps_files.scores import ScoreScale
from xncaps_files.zoo import resolve
from xncaps_runtime._arguments import check_threads
from xncaps_runtime.compiled import CompiledInterpreter
from xncaps_runtime.errors import RuntimeLibraryError
from xncaps_runtime.interpreter import Interpreter

if TYPE_CHECKING:
    from PIL import Image

    Picture = str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]

_APIS = {"interpreter": Interpreter, "compiled_model": CompiledInterpreter}
_BATCH = 32  # of a file that takes any number


class Classifier:
    """Says what is in pictures, by a file of this toolkit or any TFLite classifier of images.

    Size, channels, scaling, polarity, class names and the scale of the scores are the file's own
    (docs/metadata.md); a file without metadata takes pixels of 0 to 255 and its classes are
    numbered. Calls of several threads are served one after another.

    Example:
        >>> classifier = Classifier("model.tflite", num_threads=2)
        >>> page = np.full((100, 80), 255, np.uint8)
        >>> len(classifier(page, top=3))
        3
        >>> for ranking in classifier((page, page)):
        ...     (name, share), *others = ranking
        >>> 0 <= share <= 1
        True

    Args:
        model: path of a .tflite file, or the name of one of `xncaps_zoo`, also as 'zoo:NAME'.
        num_threads: threads of the interpreter and of our ops, 1 or more.
        invert: whether pictures are inverted; None: as the file's polarity says, which takes every
            picture for dark strokes on light ground.
        api: of LiteRT, "interpreter" or "compiled_model" (LiteRT 2's, see docs/litert2.md); the
            scores are the same.

    Attributes:
        names: of the classes.
        shape: (H, W, C) of the input.
        preprocessing, scale: what the file says of its pixels and of its scores.

    Raises:
        RuntimeLibraryError: the file cannot be run, or it is no classifier of one picture.
        DataError: no such file or name, or a file or metadata that is damaged or does not fit.
        ValueError: num_threads is no positive int, or an unknown api.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        num_threads: int = 1,
        *,
        invert: bool | None = None,
        api: str = "interpreter",
    ) -> None:
        self.path = resolve(model)
        data = tflite.load(self.path)
        about = metadata.read(data, str(self.path))
        self.preprocessing = Preprocessing() if about is None else about.preprocessing
        self.scale = ScoreScale() if about is None else about.scores
        self._interpreter = _open(self.path, data, num_threads, api)
        self._lock = threading.Lock()  # an interpreter serves one thread at a time
        self._source: TensorDetails = self._interpreter.get_input_details()[0]
        self._target: TensorDetails = self._interpreter.get_output_details()[0]
        self._batch = int(self._source["shape"][0])
        self.shape = _shape(self.path, self._source)
        self.preprocessing.check(self.shape[2])
        self._invert = self.preprocessing.invert if invert is None else invert
        self.names = _names(self.path, about, self._target)

    @overload
    def __call__(self, pictures: Picture, *, top: int = 5) -> Ranking: ...
    @overload
    def __call__(self, pictures: Sequence[Picture], *, top: int = 5) -> list[Ranking]: ...

    def __call__(
        self, pictures: Picture | Sequence[Picture], *, top: int = 5
    ) -> Ranking | list[Ranking]:
        """The `top` best classes of a picture, or a list of such of several.

        Args:
            pictures: a path, the bytes of a picture's file, a PIL image, an array of uint8 [H, W],
                [H, W, 1 or 3]; or a list of such, or an array [n, H, W, C].
            top: how many classes, 1 or more.

        Raises:
            DataError: a picture that is missing, damaged or of another kind.
            ValueError: `top` is no int of 1 or more.
        """
        if isinstance(top, bool) or not isinstance(top, numbers.Integral) or top < 1:
            raise ValueError(f"Classifier: expected top >= 1. Received: top={top!r}.")
        is_one = isinstance(pictures, (str, bytes, os.PathLike)) or not (
            isinstance(pictures, (list, tuple))
            or (isinstance(pictures, np.ndarray) and pictures.ndim == 4)
        )
        several: Any = [pictures] if is_one else pictures
        shares = self.shares(several)
        rankings = [Ranking.of(each, self.names, self.scale, top) for each in shares]
        return rankings[0] if is_one else rankings

    def shares(self, pictures: Sequence[Picture]) -> NDArray[Any]:
        """Shares [n, classes] of n pictures, float64: see `xncaps_files.scores`."""
        return self.scale.shares(self.outputs(pictures))

    def outputs(self, pictures: Sequence[Picture]) -> NDArray[Any]:
        """The file's own outputs [n, classes] of n pictures, float32."""
        found = [np.empty((0, len(self.names)), np.float32)]
        size = self._batch if self._is_fixed else _BATCH
        for start in range(0, len(pictures), size):
            inputs = np.stack([self._input(each) for each in pictures[start : start + size]])
            found.append(self._run(inputs))
        return np.concatenate(found)

    @property
    def _is_fixed(self) -> bool:
        signature = self._source.get("shape_signature", self._source["shape"])
        return not len(signature) or int(signature[0]) != -1

    def _input(self, picture: Picture) -> NDArray[Any]:
        """float32 [H, W, C]."""
        about = self.preprocessing
        flat = Preprocessing(about.mean, about.std, self._invert, about.channel_order)
        return flat.apply(as_image(picture), self.shape)

    def _run(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """float32 [n, classes] of inputs [n, H, W, C], filled up to the file's batch."""
        with self._lock:
            return self._run_alone(inputs)

    def _run_alone(self, inputs: NDArray[Any]) -> NDArray[Any]:
        count = len(inputs)
        if self._is_fixed:
            filler = np.repeat(inputs[-1:], self._batch - count, axis=0)
            inputs = np.concatenate([inputs, filler])
        elif count != self._batch:
            self._interpreter.resize_tensor_input(self._source["index"], list(inputs.shape))
            self._interpreter.allocate_tensors()
            self._batch = count
        self._interpreter.set_tensor(self._source["index"], quantise(inputs, self._source))
        self._interpreter.invoke()
        raw = self._interpreter.get_tensor(self._target["index"])
        return dequantise(raw, self._target).reshape(len(inputs), -1)[:count]


def as_image(picture: Picture) -> Image.Image:
    """A picture in mode L or RGB, upright and opaque.

    Raises:
        DataError: it is missing, damaged or of another kind.
    """
    from PIL import Image

    from xncaps_files import pictures

    if isinstance(picture, (bytes, bytearray, memoryview)):
        return pictures.load("the picture", content=bytes(picture))
    if isinstance(picture, Image.Image):
        try:
            return pictures.flatten(picture)
        except (ValueError, OSError) as error:
            raise DataError(f"expected a sound picture. Received: {error}.") from error
    if isinstance(picture, (str, os.PathLike)):
        return pictures.load(Path(picture))
    array = np.asarray(picture)
    plane = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    fits = plane.ndim == 2 or (plane.ndim == 3 and plane.shape[2] == 3)
    if array.dtype != np.uint8 or not fits or not array.size:
        raise DataError(
            "expected a path, bytes, a PIL image or an array of uint8 [H, W] or [H, W, 1 or 3]. "
            f"Received: {array.dtype} {list(array.shape)}."
        )
    return Image.fromarray(plane)


def _open(path: Path, data: bytes, num_threads: int, api: str) -> Any:
    check_threads("Classifier", num_threads)
    if api not in _APIS:
        raise ValueError(f"Classifier: expected api one of {tuple(_APIS)}. Received: api={api!r}.")
    try:
        interpreter = _APIS[api](data, num_threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise RuntimeLibraryError(f"{path}: {' '.join(str(error).split())}") from error
    ends = len(interpreter.get_input_details()), len(interpreter.get_output_details())
    if ends != (1, 1):
        raise RuntimeLibraryError(
            f"{path}: expected one input and one output. Received: {ends[0]} and {ends[1]}."
        )
    return interpreter


def _shape(path: Path, source: TensorDetails) -> tuple[int, int, int]:
    shape = tuple(int(size) for size in source["shape"])
    if len(shape) != 4 or shape[3] not in (1, 3) or min(shape) < 1:
        raise RuntimeLibraryError(
            f"{path}: expected an input of pictures [1, H, W, 1 or 3]. Received: {list(shape)}."
        )
    return shape[1], shape[2], shape[3]


def _names(path: Path, about: metadata.Metadata | None, target: TensorDetails) -> tuple[str, ...]:
    shape = [int(size) for size in target["shape"]]
    count = max(shape[1:], default=0)
    if math.prod(shape[1:]) != count or count < 1:  # a map of them is no classifier's
        raise DataError(f"{path}: expected an output of scores [1, classes]. Received: {shape}.")
    names = () if about is None else about.class_names
    if names and len(names) != count:
        raise DataError(
            f"{path}: expected {count} class names, one a score. Received: {len(names)}."
        )
    return names or tuple(str(number) for number in range(count))
