"""Every environment variable that the toolkit looks at, in one list: for `xncaps info`."""

from __future__ import annotations

import os

# name: what it does where it is set.
VARIABLES = {
    "SOURCE_DATE_EPOCH": "seconds since 1970: the date in a converted file, which has none else",
    "TFDS_DATA_DIR": "where tensorflow_datasets keeps what it has prepared",
    "TF_CONFIG": "the cluster and this process's place in it, for --strategy multi_worker",
    "TF_CPP_MIN_LOG_LEVEL": "TensorFlow's own messages; 2 while a command runs",
    "TF_ENABLE_ONEDNN_OPTS": "oneDNN's kernels; 1 unless it is set",
    "TF_USE_LEGACY_KERAS": "Keras 2, which larq needs; 1 unless it is set",
    "XDG_STATE_HOME": "the folder above that of the logs",
    "XNCAPS_DATA_DIR": "where data sets lie, for make and the tests",
    "XNCAPS_ISA": "the kernels' instruction set: scalar, avx2, avx512, neon; the best else",
    "XNCAPS_LOG_DIR": "the folder of the logs of failed commands",
}


def settings() -> dict[str, str]:
    """The value of each, or what it would do."""
    return {
        name: os.environ[name] if name in os.environ else f"not set ({does})"
        for name, does in VARIABLES.items()
    }
