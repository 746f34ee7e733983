"""Training: a config, a run folder, Keras's fit, and resuming after any kind of death.

The config and the run folder load no TensorFlow, so that a run exists before TensorFlow does; the
rest is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xncaps_files.lazy import attach
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.run_folder import RunFolder

if TYPE_CHECKING:
    from xncaps_tf.training.fit import TrainResult as TrainResult
    from xncaps_tf.training.fit import resume as resume
    from xncaps_tf.training.fit import run as run
    from xncaps_tf.training.scoring import Evaluation as Evaluation
    from xncaps_tf.training.scoring import evaluate as evaluate

_LAZY = {
    "TrainResult": "fit",
    "resume": "fit",
    "run": "fit",
    "Evaluation": "scoring",
    "evaluate": "scoring",
}

__all__ = ["Evaluation", "RunFolder", "TrainConfig", "TrainResult", "evaluate", "resume", "run"]


__getattr__ = attach(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
