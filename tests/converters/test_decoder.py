"""Of a network with a decoder the classifier is converted: the same file as without one."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import xncaps
from xncaps_tf import models


@pytest.mark.parametrize("to", ["float", "fused", "lce"])
def test_the_file_is_the_classifiers(to: str, tmp_path: pathlib.Path) -> None:
    plain = models.build("small_cnn", "xnodr", (8, 8, 1), 4, seed=4, class_names=list("abcd"))
    both = models.with_decoder(plain, seed=1)
    both.save(tmp_path / "both.keras")
    expected = xncaps.convert(plain, to=to, verify=False)
    in_memory = xncaps.convert(both, to=to, verify=False)
    assert in_memory.data == expected.data
    from_file = xncaps.convert(tmp_path / "both.keras", to=to, verify=False)
    sums = [file.metadata.origin["model"]["sha256"] for file in (from_file, expected)]
    assert sums[0] != sums[1]  # of another file
    one, other = (np.frombuffer(file.data, np.uint8) for file in (from_file, expected))
    assert len(one) == len(other)
    # The hash, in the metadata, and twice the checksum of the zip that these are kept in.
    assert (one != other).sum() <= 64 + 2 * 4
