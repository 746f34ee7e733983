"""The main job in one call: train four networks, convert, verify, measure, one page.

It may import everything; nothing imports it but the command line.
"""

from __future__ import annotations

import json
import os
import pathlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

from xncaps.runs import run_or_resume
from xncaps_tf.errors import XncapsError

if TYPE_CHECKING:
    from xncaps_benchmark.result_types import Result

Say = Callable[[str], None]


@dataclass(frozen=True)
class Network:
    """A network of the demo and the files that are made of it.

    Attributes:
        name: of its run folder and the stem of its files.
        title: for people.
        backbone, head: words of `models.build`.
        formats: what it is converted to.
        epochs_share: of the data set's epochs; binary convolutions train several times slower.
    """

    name: str
    title: str
    backbone: str
    head: str
    formats: tuple[str, ...]
    epochs_share: float = 1.0


# The float file of CapsFC is what every other is compared with.
NETWORKS = (
    Network("capsfc", "CapsFC", "small_cnn", "capsfc", ("float", "fused")),
    Network("xnodr", "XnODR", "small_cnn", "xnodr", ("fused", "lce")),
    Network("xnidr", "XnIDR", "small_cnn", "xnidr", ("fused", "lce")),
    Network("quicknet", "XnODR on QuickNet", "quicknet", "xnodr", ("fused", "lce"), 0.34),
)


# Learning rate, warm-up and decay are TrainConfig's defaults; these differ between data sets.
class _Length(TypedDict, total=False):
    """Fields of a TrainConfig."""

    epochs: int
    batch_size: int
    validation: float


TRAINING: dict[str, _Length] = {
    "digits": {"epochs": 30, "batch_size": 50},
    "mnist": {"epochs": 6, "batch_size": 100, "validation": 0.05},
    "fashion_mnist": {"epochs": 6, "batch_size": 100, "validation": 0.05},
    "cifar10": {"epochs": 10, "batch_size": 100, "validation": 0.05},
}


class Accuracy(TypedDict):
    """On a whole split."""

    data: str
    split: str
    images: int
    correct: int


class _Took(TypedDict, total=False):
    seconds: float  # not of a run that was trained before


class Training(_Took):
    """How a network was trained."""

    epochs: int
    seed: int


@dataclass(frozen=True)
class Trained:
    """A trained network: its model's file, what it reached, how long it took."""

    network: Network
    path: pathlib.Path
    accuracy: Accuracy
    training: Training
    account: Any


def run(
    out: str | os.PathLike[str],
    *,
    data: str = "digits",
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    epochs: int | None = None,
    networks: tuple[Network, ...] = NETWORKS,
    bench_seconds: float = 5.0,
    say: Say = lambda text: None,
) -> Result:
    """Trains, converts, verifies and measures; writes `index.html` and `result.json` in `out`.

    Args:
        out: folder; it holds a run folder and the files of each network. Runs that are finished or
            half done there are taken up, so an interrupted demo goes on where it was.
        data: name of a data set of single-label images.
        data_dir: where its files are.
        seed: of every training.
        epochs: in place of the data set's own number.
        networks: what to compare.
        bench_seconds: each file is timed for at most that long.
        say: called with a line for a person at each step.

    Returns:
        The measured result, as `xncaps_benchmark.measure` gives it.

    Raises:
        XncapsError: the data set is not found, a conversion is refused, a file is not verified.
    """
    from xncaps_benchmark import measure, results, write_report

    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    files: list[pathlib.Path] = []
    for number, network in enumerate(networks, start=1):
        say(f"[{number}/{len(networks)}] {network.title}: training")
        config = _config(network, data, data_dir, seed, epochs)
        trained = _train(network, config, folder / network.name, say)
        for to in network.formats:
            files.append(_convert(trained, to, folder, data, data_dir, say))
    say(f"measuring {len(files)} files in turns")
    # So many that the quickest network's, of some microseconds, last as long as valid ones have to.
    result = measure(files, seconds=bench_seconds, runs=4096, seed=seed)
    results.write_result(result, folder / "result.json")
    write_report([result], folder / "index.html", title=f"Capsule networks on {data}")
    return result


def _config(
    network: Network,
    data: str,
    data_dir: str | os.PathLike[str] | None,
    seed: int,
    epochs: int | None,
) -> Any:
    from xncaps_tf.training import TrainConfig

    if data not in TRAINING:
        raise XncapsError(
            f"demo: expected --data to be one of {', '.join(TRAINING)}. Received: {data!r}."
        )
    config = TrainConfig(
        backbone=network.backbone,
        head=network.head,
        data=data,
        data_dir=None if data_dir is None else str(data_dir),
        seed=seed,
        **TRAINING[data],
    )
    epochs = epochs or max(1, round(config.epochs * network.epochs_share))
    return replace(config, epochs=epochs)


def _train(network: Network, config: Any, folder: pathlib.Path, say: Say) -> Trained:
    """Trains, or takes up the run that is there, and scores it on the whole test split."""
    import xncaps_tf
    from xncaps_tf import accounting, training
    from xncaps_tf import data as datasets

    start = time.monotonic()
    result = run_or_resume(config, folder)
    seconds = time.monotonic() - start
    model = xncaps_tf.load_model(folder / "last.keras")
    test = datasets.load(config.data, "test", config.data_dir)
    scored = training.evaluate(model, test)
    right = round(scored.accuracy * scored.images)
    took = "trained before" if result.was_finished else f"{config.epochs} epochs in {seconds:.0f} s"
    say(f"      {took}; {scored.accuracy:.2%} of {scored.images:,} test images")
    accuracy: Accuracy = {
        "data": config.data,
        "split": "test",
        "images": scored.images,
        "correct": right,
    }
    info: Training = {"epochs": config.epochs, "seed": config.seed}
    if not result.was_finished:
        info["seconds"] = round(seconds, 1)
    path = folder / "last.keras"
    return Trained(network, path, accuracy, info, accounting.account(model))


def _convert(
    trained: Trained,
    to: str,
    folder: pathlib.Path,
    data: str,
    data_dir: str | os.PathLike[str] | None,
    say: Say,
) -> pathlib.Path:
    """Converts and verifies one file; writes what is known of it beside it."""
    from xncaps_converters import conversion

    path = folder / f"{trained.network.name}_{to}.tflite"
    check = conversion.Check(data, None if data_dir is None else str(data_dir), samples=None)
    converted = conversion.convert_file(trained.path, path, to, check=check)
    checked = converted.verification
    if checked is not None:
        say(
            f"      {path.name}: {converted.size:,} bytes; {checked.samples:,} images in "
            f"{checked.runtime}, largest error {checked.max_error:.1e}"
        )
    for note in converted.notes:
        say(f"        {note}")
    _write_summary(trained, to, path)
    return path


def _write_summary(trained: Trained, to: str, path: pathlib.Path) -> None:
    from xncaps_files.writing import write_all

    account = trained.account
    summary = {
        "format": "xncaps-summary",
        "format_version": 1,
        "title": f"{trained.network.title}, {to}",
        "backbone": trained.network.backbone,
        "head": trained.network.head,
        "parameters": account.total("parameters"),
        "trainable_parameters": account.total("trainable"),
        "binary_parameters": account.total("binary"),
        "macs": account.total("macs"),
        "binary_macs": account.total("binary_macs"),
        "bytes_trained": account.total("bytes_trained"),
        "bytes_packed": account.total("bytes_packed"),
        "accuracy": trained.accuracy,
        "training": trained.training,
    }
    text = json.dumps(summary, indent=2) + "\n"
    write_all({path.with_suffix(".summary.json"): text.encode()})
