"""The best classes of a picture, and how the commands show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files.scores import ScoreScale


class Ranking(list[tuple[str, float]]):
    """(name, share) of the best classes, best first; shares are 0 to 1, of all classes together 1.

    Attributes:
        classes: the numbers of the same classes.
        is_none: whether the file's threshold says that the picture is of none of them.
    """

    def __init__(
        self, entries: Sequence[tuple[str, float]], classes: Sequence[int], is_none: bool
    ) -> None:
        super().__init__(entries)
        self.classes = tuple(classes)
        self.is_none = is_none

    @classmethod
    def of(cls, shares: NDArray[Any], names: Sequence[str], scale: ScoreScale, top: int) -> Ranking:
        """Of a picture's shares [classes], the `top` best."""
        order = np.argsort(-shares, kind="stable")[:top]
        classes: list[int] = order.tolist()
        entries = [(names[number], float(shares[number])) for number in classes]
        return cls(entries, classes, bool(scale.is_none(shares)))

    def line(self, picture: str) -> str:
        """For a person."""
        said = ", ".join(f"{name} {share:.3f}" for name, share in self)
        return f"{picture}: {'none of these; ' if self.is_none else ''}{said}"

    def to_dict(self, picture: str) -> dict[str, object]:
        """For JSON: `class` is the name of one, `number` its place among the outputs."""
        top = [
            {"class": name, "number": number, "score": share}
            for number, (name, share) in zip(self.classes, self, strict=True)
        ]
        return {"picture": picture, "none_of_these": self.is_none, "top": top}
