"""What looking in one place gives."""

from __future__ import annotations

from dataclasses import dataclass

from xncaps_tf.data.dataset import Dataset


@dataclass(frozen=True)
class NotFound:
    """The place holds no file of the kind; `why` goes into the error if every place fails."""

    why: str


Found = Dataset | NotFound
