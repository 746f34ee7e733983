"""Rules for 'none of these' side by side, on the files of the zoo: prints docs/zoo.md's table.

    python bench/none_of_these.py --data-dir DATA --data-dir grocery=FOLDER

Each rule is a number of a picture's outputs; its threshold keeps 95 % of the right answers on the
hold-out. Told are, on the test split, the share of the right answers that are kept, the share of
the foreign pictures that are accepted, and the area under the curve of one against the other (1:
told apart by some threshold, 0.5: by none).
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import xncaps_zoo
from xncaps.commands.reproduce import folders
from xncaps.reproduce import experiments
from xncaps.reproduce.running import Place
from xncaps.zoo_making import building, calibrating, judging
from xncaps_files.scores import ScoreScale

Floats = NDArray[np.float64]
SHIPPED = "highest share, T fitted (shipped)"


def rules(scale: ScoreScale) -> dict[str, Callable[[Floats], Floats]]:
    """A number of each picture by its outputs [n, classes]; a low one means none of these."""
    temperature = scale.temperature or 1.0
    plain, soft = (ScoreScale(scale.kind, T) for T in (None, 2 * temperature))

    def logits(outputs: Floats) -> Floats:
        is_share = scale.kind == "probabilities"
        return (np.log(np.maximum(outputs, 1e-12)) if is_share else outputs) / temperature

    def entropy(outputs: Floats) -> Floats:
        shares = scale.shares(outputs)
        return (shares * np.log(np.maximum(shares, 1e-30))).sum(axis=1)

    def margin(outputs: Floats) -> Floats:
        highest = np.sort(outputs, axis=1)
        return highest[:, -1] - highest[:, -2]

    return {
        SHIPPED: lambda outputs: scale.shares(outputs).max(axis=1),
        "highest share, 2 T": lambda outputs: soft.shares(outputs).max(axis=1),
        "highest share, no T": lambda outputs: plain.shares(outputs).max(axis=1),
        "highest output": lambda outputs: outputs.max(axis=1),
        "margin to the second": margin,
        "energy, log sum exp of outputs / T": lambda o: np.logaddexp.reduce(logits(o), axis=1),
        "entropy of the shares": entropy,
    }


def area(inside: Floats, outside: Floats) -> float:
    """How often a picture of the data has a higher number than a foreign one; ties count half."""
    order = np.sort(outside)
    below = np.searchsorted(order, inside, "left") + np.searchsorted(order, inside, "right")
    return float(below.mean() / (2 * len(outside)))


def lines(name: str, judged: judging.Judged) -> list[str]:
    """Rows of the table of one file."""
    scale = calibrating.fit(judged.held_out, judged.held_out_labels, judged.kind)
    right = judged.held_out.argmax(axis=1) == judged.held_out_labels
    known = judged.test.argmax(axis=1) == judged.test_labels
    found = []
    for what, rule in rules(scale).items():
        held, test, foreign = (
            rule(outputs.astype(np.float64))
            for outputs in (judged.held_out[right], judged.test[known], judged.foreign)
        )
        for kept in (0.95, 0.9) if what == SHIPPED else (0.95,):
            words = what if kept == 0.95 else f"the same, {kept:.0%} of the hold-out's kept"
            keeping = np.sort(held)[int((1 - kept) * len(held) + 1e-9)]
            # The file's own is rounded down, and the card's shares are by that.
            threshold = scale.threshold if words == SHIPPED else keeping
            found.append(
                f"| {name} | {words} | {(test >= threshold).mean():.1%} "
                f"| {(foreign >= threshold).mean():.1%} | {area(test, foreign):.3f} |"
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=xncaps_zoo.names())
    parser.add_argument("--data-dir", action="append", default=[], metavar="[DATA=]DIR")
    options = parser.parse_args()
    place = Place(pathlib.Path(), pathlib.Path(), folders(tuple(options.data_dir)))
    known, entries = experiments.read_all(), building.read_entries()
    print("| file | rule | right kept | foreign accepted | area |\n| --- | --- | --- | --- | --- |")
    for name in options.names:
        entry = entries[name]
        judged = judging.run(
            known[entry.experiment], entry.seed, entry.foreign, place, xncaps_zoo.path(name)
        )
        print("\n".join(lines(f"{name}, {judged.foreign_title}", judged)), flush=True)


if __name__ == "__main__":
    main()
