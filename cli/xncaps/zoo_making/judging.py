"""What a file says of pictures that it should know, and of foreign ones: for 'none of these'."""

from __future__ import annotations

import dataclasses
import pathlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps.reproduce.experiments import Experiment
from xncaps.reproduce.running import Place
from xncaps_files.errors import XncapsError

_MOST_IMAGES = 2500  # of a split


@dataclass(frozen=True)
class Judged:
    """Outputs [n, classes] of a file, and the labels [n] of what they are of.

    Attributes:
        kind: what the outputs are, one of `scores.KINDS`.
        held_out: of the hold-out, which the scale is fitted on.
        test: of the test split, at most 2,500 images.
        foreign: of another data set's test split, likewise.
    """

    kind: str
    held_out: NDArray[np.floating[Any]]
    held_out_labels: NDArray[np.integer[Any]]
    test: NDArray[np.floating[Any]]
    test_labels: NDArray[np.integer[Any]]
    foreign: NDArray[np.floating[Any]]


def run(
    experiment: Experiment, seed: int, foreign: str, place: Place, source: pathlib.Path
) -> Judged:
    """Runs a file of an experiment on its data and on a foreign data set.

    Raises:
        XncapsError: the experiment has no hold-out, or the file does not say what its scores are.
    """
    from xncaps_files import metadata
    from xncaps_tf import data as datasets
    from xncaps_tf.training import inputs

    config = dataclasses.replace(
        experiment.config, seed=seed, data_dir=place.data_dir(experiment.config.data)
    )
    model = _Runner(source)
    _, held_out = inputs.load(config, model.shape)
    if held_out is None:
        raise XncapsError(f"zoo: expected a hold-out. Received: none of {experiment.name}.")
    told = metadata.read(source.read_bytes())
    kind = told.origin["output"]["scores"] if told is not None else None
    if kind is None:
        raise XncapsError(
            f"zoo: expected a file that says what its scores are. Received: {source}."
        )
    test = _some(datasets.load_for(model.shape, config.data, "test", config.data_dir))
    others = _some(datasets.load_for(model.shape, foreign, "test", place.data_dir(foreign)))
    return Judged(
        kind,
        model.outputs(held_out),
        held_out.labels,
        model.outputs(test),
        test.labels,
        model.outputs(others),
    )


def _some(ds: Any) -> Any:
    from xncaps_tf import data as datasets

    return ds if len(ds) <= _MOST_IMAGES else datasets.sample(ds, _MOST_IMAGES, 0)


class _Runner:
    """The file in the stock runtime with the delegate; foreign pictures are made to fit."""

    def __init__(self, path: pathlib.Path) -> None:
        from xncaps_runtime import Interpreter

        self._interpreter = Interpreter(path)
        self._interpreter.allocate_tensors()
        (told,), (gave,) = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        self._input, self._output = told["index"], gave["index"]
        height, width, channels = (int(side) for side in told["shape"][1:])
        self.shape = (height, width, channels)

    def outputs(self, ds: Any) -> NDArray[Any]:
        """Of every image of a data set, [n, classes]."""
        from xncaps_tf import data as datasets

        found: list[NDArray[Any]] = []
        for images, _ in datasets.batches(ds, 50):
            for image in self._fitting(images.numpy()):
                self._interpreter.set_tensor(self._input, image[np.newaxis])
                self._interpreter.invoke()
                found.append(self._interpreter.get_tensor(self._output)[0].copy())
        return np.array(found)

    def _fitting(self, images: NDArray[Any]) -> NDArray[Any]:
        """[n, H, W, C], made to fit as every picture is."""
        from xncaps_files import pictures
        from xncaps_runtime.classifier import as_image

        if images.shape[1:] == self.shape:
            return images
        pixels = np.rint(images).astype(np.uint8)
        fitted = np.stack([pictures.fit(as_image(each), self.shape) for each in pixels])
        return fitted.astype(np.float32)
