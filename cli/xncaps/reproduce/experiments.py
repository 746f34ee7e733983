"""The experiments that have a name: what each trains, on which seeds, and what is made of it.

`experiments/index.json` lists them in the order in which they are run; `experiments/NAME.json` is
the config of a training, as `xncaps train --config` takes it too. Loads no TensorFlow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
from dataclasses import dataclass
from typing import Literal, TypedDict

from xncaps_files import versions
from xncaps_files.errors import DataError, XncapsError
from xncaps_tf.training.config import TrainConfig

FORMAT_VERSION = 1
_UPGRADES = ()  # from one version to the next
# Where a run happens, not what it computes.
_PLACES = (
    "data_dir",
    "threads",
    "seed",
    "init",
    "download",
    "save_steps",
    "teacher",
    "feature_cache",
)


class FileOptions(TypedDict, total=False):
    """Fields of the converters' FusedOptions."""

    backbone: str
    scale_type: str


# Words for the files that are made of a trained model: (format, further options).
FILES: dict[str, tuple[str, FileOptions]] = {
    "float": ("float", {}),
    "fused": ("fused", {}),
    "fused-int8": ("fused", {"backbone": "int8"}),
    "fused-int8-float16": ("fused", {"backbone": "int8", "scale_type": "float16"}),
    "lce": ("lce", {}),
}
TABLES = ("imagenet", "scratch", "ablation", "trial")


@dataclass(frozen=True)
class Experiment:
    """A training with a name.

    Attributes:
        name: of the config file and of the folder of its runs.
        title: for people.
        table: which table of the results it stands in, a word of `TABLES`.
        files: what its model is converted to, words of `FILES`.
        seeds: of its runs.
        init: name of the experiment whose model (of the same seed, else of its first) it starts
            from, or None.
        teacher: name of the experiment whose model teaches it, or None.
        hours: estimate for one seed on two idle cores.
        config: the training, without places and with the first seed.
    """

    name: str
    title: str
    table: str
    files: tuple[str, ...]
    seeds: tuple[int, ...]
    init: str | None
    teacher: str | None
    hours: float
    config: TrainConfig

    @property
    def split(self) -> Literal["test", "validation"]:
        """What its model is scored on: a trial chooses a recipe, and test is not for choosing."""
        return "validation" if self.table == "trial" else "test"

    @property
    def choices(self) -> dict[str, object]:
        """What in the config is not a default and bears on the result."""
        defaults = dataclasses.asdict(TrainConfig())
        chosen = {
            key: value
            for key, value in dataclasses.asdict(self.config).items()
            if value != defaults[key] and key not in _PLACES
        }
        starts = {"init": self.init, "teacher": self.teacher}
        return {**chosen, **{key: value for key, value in starts.items() if value}}

    @property
    def config_hash(self) -> str:
        """SHA-256 of `choices`, 16 hex digits: a new option with its default leaves it as it is.

        Of what it starts from it has the name alone: whoever changes that removes the lines of
        those that follow (docs/reproduce.md).
        """
        text = json.dumps(self.choices, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def chosen_seeds(self, count: int | None) -> tuple[int, ...]:
        """The first `count` seeds; beyond its own the numbers that follow."""
        if count is None:
            return self.seeds
        following = range(max(self.seeds) + 1, max(self.seeds) + 1 + count)
        return (*self.seeds, *following)[:count]


def folder() -> pathlib.Path:
    """The folder of the configs: in a checkout its own, else the one that was installed."""
    inside = pathlib.Path(__file__).resolve().parent / "configs"
    return (
        inside if inside.is_dir() else pathlib.Path(__file__).resolve().parents[3] / "experiments"
    )


def read_all(root: pathlib.Path | None = None) -> dict[str, Experiment]:
    """Every experiment by its name, in order.

    Raises:
        XncapsError: the index or a config is not as it should be.
    """
    root = root or folder()
    source = root / "index.json"
    try:
        document = json.loads(source.read_text(encoding="utf-8"))
        document = versions.upgrade(document, document["format_version"], _UPGRADES, str(source))
        found = [_read(root, entry, source) for entry in document["experiments"]]
    except DataError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise XncapsError(
            f"{source}: expected a list of experiments, format {FORMAT_VERSION}. "
            f"Received: {type(error).__name__}: {error}."
        ) from error
    named = {experiment.name: experiment for experiment in found}
    for experiment in found:
        for start in (experiment.init, experiment.teacher):
            if start is not None and start not in named:
                raise XncapsError(
                    f"{source}: expected {experiment.name} to start from an experiment that is "
                    f"listed. Received: {start!r}."
                )
    return named


class _Optional(TypedDict, total=False):
    seeds: list[int]
    init: str
    teacher: str


class _Entry(_Optional):
    """A row of the index."""

    name: str
    title: str
    table: str
    files: list[str]
    hours: float


def _check_words(entry: _Entry, source: pathlib.Path) -> None:
    """Raises XncapsError where a row has a key, table or file that there is not."""
    for what, known, given in (
        ("keys", _Entry.__required_keys__ | _Entry.__optional_keys__, entry),
        ("a table", TABLES, (entry["table"],)),
        ("files", FILES, entry["files"]),
    ):
        if unknown := [word for word in given if word not in known]:
            raise XncapsError(
                f"{source}: expected {what} of {entry['name']} among {', '.join(sorted(known))}. "
                f"Received: {', '.join(map(repr, unknown))}."
            )


def _read(root: pathlib.Path, entry: _Entry, source: pathlib.Path) -> Experiment:
    name, table = entry["name"], entry["table"]
    files, seeds = tuple(entry["files"]), tuple(entry.get("seeds", (0,)))
    _check_words(entry, source)
    if not seeds:
        raise XncapsError(f"{source}: expected seeds of {name}. Received: none.")
    config = TrainConfig.read(root / f"{name}.json")
    if table == "trial" and not config.validation:
        raise XncapsError(
            f"{source}: expected a trial to hold out what it is scored on. Received: {name}, whose "
            "config has no validation."
        )
    for start in ("init", "teacher"):
        if getattr(config, start) and not entry.get(start):
            raise XncapsError(
                f"{source}: expected the experiment that {name} has its {start} from. Received: "
                f"none, and {getattr(config, start)} in its config."
            )
    return Experiment(
        name=name,
        title=entry["title"],
        table=table,
        files=files,
        seeds=seeds,
        init=entry.get("init"),
        teacher=entry.get("teacher"),
        hours=float(entry["hours"]),
        config=dataclasses.replace(config, seed=seeds[0]),
    )


def choose(names: tuple[str, ...], known: dict[str, Experiment]) -> list[Experiment]:
    """The experiments of these names in the index's order, 'all' for all."""
    return [known[name] for name in known if "all" in names or name in names]
