"""Small networks that were trained for some seconds, so that their scores are not all zero."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xncaps_tf import data, losses, models


def _train(head: str, backbone: str) -> Any:
    dataset = data.load("digits", "train")
    model = models.build(
        backbone, head, dataset.image_shape, 10, seed=1, class_names=dataset.class_names
    )
    model.compile("adam", losses.MarginLoss() if head != "dense" else "categorical_crossentropy")
    images, labels = dataset.subset(np.arange(960)).numpy()
    model.fit(images.astype(np.float32), np.eye(10)[labels], epochs=2, batch_size=32, verbose=0)
    return model


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pathlib.Path]:
    """(head, backbone) -> a .keras file alone in a folder; each is trained once."""
    made: dict[tuple[str, str], pathlib.Path] = {}

    def path(head: str, backbone: str = "small_cnn") -> pathlib.Path:
        if (head, backbone) not in made:
            file = tmp_path_factory.mktemp(f"{backbone}_{head}") / "best.keras"
            _train(head, backbone).save(file)
            made[head, backbone] = file
        return made[head, backbone]

    return path
