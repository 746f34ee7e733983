"""One run of an experiment, from its config to its line of results."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import pathlib
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xncaps.reproduce import result_lines
from xncaps.reproduce.experiments import FILES, Experiment
from xncaps.runs import run_or_resume
from xncaps_files import strict_json
from xncaps_files.errors import XncapsError
from xncaps_files.writing import write_text

if TYPE_CHECKING:
    from xncaps_tf.data import Dataset

Say = Callable[[str], None]
_CLOCK_SECONDS = 20.0


@dataclasses.dataclass(frozen=True)
class Place:
    """Where runs and results lie.

    Attributes:
        out: OUT/NAME/seed-N holds the run and the files of each.
        results: the lines.
        data_dirs: name of a data set -> the folder of its files; '' -> that of all others.
    """

    out: pathlib.Path
    results: pathlib.Path
    data_dirs: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])

    def data_dir(self, data: str) -> str | None:
        """The folder to look for a data set in; None: where Debian and Keras put it."""
        return self.data_dirs.get(data.split("/")[0], self.data_dirs.get(""))

    def folder(self, experiment: Experiment, seed: int) -> pathlib.Path:
        """Of one run and its files."""
        return self.out / experiment.name / f"seed-{seed}"

    def model(self, experiment: Experiment, seed: int) -> pathlib.Path:
        """The trained model that stands for a run."""
        return self.folder(experiment, seed) / "run" / "best.keras"

    def file(self, experiment: Experiment, seed: int, word: str) -> pathlib.Path:
        """What that model is converted to, by a word of `FILES`."""
        return self.folder(experiment, seed) / f"{experiment.name}-{word}.tflite"

    @contextlib.contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Holds the folder for one process.

        Raises:
            XncapsError: another one runs experiments in it.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        with open(self.out / ".lock", "a", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise XncapsError(
                    f"reproduce: expected no other process in {self.out}. Received: one that runs "
                    "experiments there; wait for it or choose another --out."
                ) from None
            yield


def finished(experiment: Experiment, seed: int, place: Place) -> result_lines.ResultLine | None:
    """The line of a run that needs no repeating: the same config, every file measured."""
    line = line_of(experiment, seed, place)
    return None if line is None or files_to_come(experiment, line) else line


def line_of(experiment: Experiment, seed: int, place: Place) -> result_lines.ResultLine | None:
    """The line of a run of the config as it is now, whatever files it has; None: there is none."""
    key = (experiment.name, experiment.config_hash, seed)
    lines = (line for line in result_lines.read(place.results) if result_lines.key(line) == key)
    return next(lines, None)


def files_to_come(experiment: Experiment, line: result_lines.ResultLine) -> list[str]:
    """The words of the files that the experiment has got since the line was written."""
    made = {file["to"] for file in line["files"]}
    return [word for word in experiment.files if word not in made]


def run(
    experiment: Experiment,
    seed: int,
    place: Place,
    starts: dict[str, pathlib.Path],
    say: Say = lambda text: None,
) -> result_lines.ResultLine:
    """Trains, or takes up what is there, scores, converts; returns the line without writing it.

    Where the run has ended and has its line, the files are made that the line lacks; all of them
    where those of the line do not lie beside the run: then it was trained anew, to another model.

    Args:
        experiment: what to run.
        seed: of the training.
        place: where.
        starts: 'init' and 'teacher' -> the model to use, where the experiment has one.
        say: called with a line for a person.

    Raises:
        XncapsError: the data are not found, the folder holds another run, a file is not verified.
    """
    from xncaps_tf.training.progress import Lines

    folder = place.folder(experiment, seed)
    folder.mkdir(parents=True, exist_ok=True)
    config = dataclasses.replace(
        experiment.config,
        seed=seed,
        data_dir=place.data_dir(experiment.config.data),
        feature_cache=str(place.out / "features"),
        **{field: str(path) for field, path in starts.items()},
    )
    with _clock(folder / "minutes.json") as clock:
        trained = run_or_resume(config, folder / "run", Lines(say))
    say(f"{experiment.name}, seed {seed}: {len(trained.rows)} epochs, {clock():.0f} minutes")
    before = line_of(experiment, seed, place)
    if (
        before is None
        or not trained.was_finished
        or not _are_there(before["files"], place, experiment, seed)
    ):
        return _line(experiment, seed, place, trained, clock())
    words = files_to_come(experiment, before)
    images = before["keras"]["score"]["images"]
    more = [_file(word, place, experiment, seed, images) for word in words]
    return {**before, "files": [*before["files"], *more]}


def _are_there(
    files: list[result_lines.FileResult], place: Place, experiment: Experiment, seed: int
) -> bool:
    """Whether these very files lie beside a run."""
    from xncaps_converters.model_source import sha256

    paths = {place.file(experiment, seed, file["to"]): file["sha256"] for file in files}
    return all(path.is_file() and sha256(path) == wanted for path, wanted in paths.items())


def _line(
    experiment: Experiment, seed: int, place: Place, trained: Any, minutes: float
) -> result_lines.ResultLine:
    import xncaps_tf
    from xncaps_benchmark import machine
    from xncaps_tf import accounting
    from xncaps_tf.training import evaluate

    config = experiment.config
    path = place.model(experiment, seed)
    model = xncaps_tf.load_model(path, compile=False)
    shape = tuple(model.input_shape[1:])
    images = _scored_images(experiment, seed, place, shape)
    scored = evaluate(model, images, batch_size=50)
    right = scored.right.reshape(-1)
    account = accounting.account(model)
    about = machine.describe()
    line: result_lines.ResultLine = {
        "format": "xncaps-experiment-result",
        "format_version": result_lines.FORMAT_VERSION,
        "experiment": experiment.name,
        "config_hash": experiment.config_hash,
        "choices": experiment.choices,
        "xncaps_version": xncaps_tf.__version__,
        "seed": seed,
        "data": {
            "name": config.data,
            "title": images.title,
            "split": experiment.split,
            "images": len(images),
        },
        "keras": {
            "score": result_lines.score(int(right.sum()), len(right)),
            "per_class": scored.per_class,
            "right": result_lines.pack(right),
        },
        "files": [_file(word, place, experiment, seed, len(right)) for word in experiment.files],
        "parameters": account.total("parameters"),
        "trainable": account.total("trainable"),
        "binary_parameters": account.total("binary"),
        "macs": account.total("macs"),
        "binary_macs": account.total("binary_macs"),
        "bytes_packed": account.total("bytes_packed"),
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.rows),
        "minutes": round(minutes, 1),
        "machine": {
            "processor": about["cpu"],
            "cores": about.get("cpus", 1),
            "system": about.get("os", ""),
        },
    }
    if config.data == "grocery":
        line["coarse"] = _coarse(np.array(scored.confusion), place)
    return line


def _scored_images(
    experiment: Experiment, seed: int, place: Place, shape: tuple[int, ...]
) -> Dataset:
    """The whole test split; of a trial what its training held out."""
    from xncaps_tf import data as datasets

    if experiment.split != "test":
        return held_out(experiment, seed, place, shape, "reproduce")
    data = experiment.config.data
    return datasets.load_for(shape, data, "test", place.data_dir(data))


def held_out(
    experiment: Experiment, seed: int, place: Place, shape: tuple[int, ...], who: str
) -> Dataset:
    """What a run's training held out, every picture of it checked; of the others none is read.

    Raises:
        XncapsError: nothing was held out; `who` is what the error begins with.
        DataError: a picture cannot be read.
    """
    from xncaps_tf.training import inputs

    data_dir = place.data_dir(experiment.config.data)
    config = dataclasses.replace(experiment.config, seed=seed, data_dir=data_dir)
    _, images = inputs.load(config, shape, check=False)
    if images is None:
        raise XncapsError(f"{who}: expected a hold-out. Received: none of {experiment.name}.")
    images.check()
    return images


def _coarse(confusion: NDArray[Any], place: Place) -> result_lines.Score:
    """The score of the coarse classes that the fine answers lie in; of images by class, answer."""
    from xncaps_tf import data as datasets

    train = datasets.load("grocery", "train", place.data_dir("grocery"))
    coarse = datasets.load("grocery/coarse", "train", place.data_dir("grocery"))
    of_fine = np.zeros(train.num_classes, np.int64)
    of_fine[train.labels] = coarse.labels
    is_right = of_fine[:, np.newaxis] == of_fine  # [class, answer]
    return result_lines.score(int(confusion[is_right].sum()), int(confusion.sum()))


def _file(
    word: str, place: Place, experiment: Experiment, seed: int, answers: int
) -> result_lines.FileResult:
    """Converts and scores one file on the whole test split of `answers` labels."""
    from xncaps_converters import conversion
    from xncaps_converters.model_source import sha256
    from xncaps_converters.output_formats import Options

    to, options = FILES[word]
    path = place.file(experiment, seed, word)
    data = experiment.config.data
    check = conversion.Check(data, place.data_dir(data), samples=None)
    model = place.model(experiment, seed)
    checked = conversion.convert_file(model, path, to, Options(**options), check).verification
    if checked is None or checked.accuracy_file is None:
        raise XncapsError(f"{path}: expected a file scored on labels. Received: no score.")
    correct = round(checked.accuracy_file * answers)
    return {
        "to": word,
        "bytes": path.stat().st_size,
        "score": result_lines.score(correct, answers),
        "runtime": checked.runtime,
        "sha256": sha256(path),
    }


def _minutes(path: pathlib.Path) -> float:
    try:
        return float(strict_json.loads(path.read_text("utf-8"))["minutes"])
    except (ValueError, KeyError, TypeError) as error:
        raise XncapsError(
            f"{path}: expected the minutes of a run so far. Received: {type(error).__name__}: "
            f"{error}; remove it to count anew."
        ) from error


@contextlib.contextmanager
def _clock(path: pathlib.Path) -> Generator[Callable[[], float], None, None]:
    """Counts minutes over all sittings; a killed one loses at most `_CLOCK_SECONDS`."""
    before = _minutes(path) if path.is_file() else 0.0
    start, ended = time.monotonic(), threading.Event()

    def minutes() -> float:
        return before + (time.monotonic() - start) / 60

    def write() -> None:
        write_text(path, json.dumps({"minutes": minutes()}) + "\n")

    def keep() -> None:
        while not ended.wait(_CLOCK_SECONDS):
            write()

    thread = threading.Thread(target=keep, name="reproduce-clock", daemon=True)
    thread.start()
    try:
        yield minutes
    finally:
        ended.set()
        thread.join()
        write()
