"""What a file says of pictures that it should know, and of foreign ones: for 'none of these'."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xncaps.reproduce import running
from xncaps.reproduce.experiments import Experiment
from xncaps.reproduce.running import Place
from xncaps_files.errors import XncapsError

if TYPE_CHECKING:
    from xncaps_converters.samples import Inputs
    from xncaps_tf.data import Dataset


@dataclass(frozen=True)
class Judged:
    """Outputs [n, classes] of a file, and the labels [n] of what they are of.

    Attributes:
        kind: what the outputs are, one of `scores.KINDS`.
        held_out: of the hold-out, which the scale is fitted on.
        test: of the whole test split.
        foreign: of the whole test split of another data set.
        foreign_title: of that data set, with what must be said of its pictures.
    """

    kind: str
    held_out: NDArray[np.floating[Any]]
    held_out_labels: NDArray[np.integer[Any]]
    test: NDArray[np.floating[Any]]
    test_labels: NDArray[np.integer[Any]]
    foreign: NDArray[np.floating[Any]]
    foreign_title: str


def run(
    experiment: Experiment, seed: int, foreign: str, place: Place, source: pathlib.Path
) -> Judged:
    """Runs a file of an experiment on its data and on a foreign data set.

    Raises:
        XncapsError: the experiment has no hold-out, or the file does not say what its scores are.
    """
    from xncaps_converters import interpreters
    from xncaps_files import metadata, tflite
    from xncaps_tf import data as datasets

    file = tflite.parse(tflite.load(source), str(source))
    height, width, channels = file.main.tensors[file.main.inputs[0]].shape[1:]
    shape = (height, width, channels)

    def outputs(ds: Dataset) -> NDArray[Any]:
        return interpreters.run(file, fitted(ds, shape))[1]

    known = running.held_out(experiment, seed, place, shape, "zoo")
    told = metadata.read(file.data)
    kind = told.scores.kind if told is not None else None
    if kind is None:
        raise XncapsError(
            f"zoo: expected a file that says what its scores are. Received: {source}."
        )
    data = experiment.config.data
    test = datasets.load_for(shape, data, "test", place.data_dir(data))
    others = datasets.load_for(shape, foreign, "test", place.data_dir(foreign))
    return Judged(
        kind,
        outputs(known),
        known.labels,
        outputs(test),
        test.labels,
        outputs(others),
        others.title,
    )


def fitted(ds: Dataset, shape: tuple[int, int, int]) -> Inputs:
    """The images of a data set as a file takes them, made to fit as every picture is."""
    from xncaps_converters.samples import DatasetInputs
    from xncaps_files import pictures
    from xncaps_runtime.classifier import as_image

    class Fitted(DatasetInputs):
        @property
        def shape(self) -> tuple[int, ...]:
            return len(self), *shape

        def __getitem__(self, rows: Any, /) -> NDArray[Any]:
            pixels = np.rint(super().__getitem__(rows)).astype(np.uint8)
            fitting = [pictures.fit(as_image(each), shape) for each in pixels]
            return np.stack(fitting).astype(np.float32)

    return DatasetInputs(ds) if ds.image_shape == shape else Fitted(ds)
