"""The one Keras of this package: `from xncaps_tf._keras import keras`.

Larq 0.14 is written for Keras 2 (`tf_keras`). If TensorFlow was imported without
TF_USE_LEGACY_KERAS=1, `tf.keras` is Keras 3 and `import larq` dies with a message that says nothing
of the cause; so that is checked here, before larq is imported by anyone.
"""

from __future__ import annotations

import os
import sys

_FIX = (
    "set TF_USE_LEGACY_KERAS=1 in the environment, or import xncaps_tf before tensorflow, "
    "in a new process"
)

if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() not in ("1", "true"):
    raise ImportError(
        "xncaps_tf: expected Keras 2 (tf_keras) as TensorFlow's Keras. Received: "
        f"TF_USE_LEGACY_KERAS={os.environ.get('TF_USE_LEGACY_KERAS')!r}; {_FIX}."
    )

_TENSORFLOW_FIRST = "tensorflow" in sys.modules

import tensorflow as tf  # noqa: E402

try:
    import tf_keras as keras  # noqa: E402
except ImportError as error:
    raise ImportError(
        "xncaps_tf: expected the package tf-keras of the same minor version as TensorFlow "
        f"{tf.__version__}. Received: {error}; pip install 'tf-keras=={tf.__version__[:4]}.*'."
    ) from error

if tf.keras.layers.Layer is not keras.layers.Layer:
    raise ImportError(
        "xncaps_tf: expected Keras 2 (tf_keras) as TensorFlow's Keras. Received: Keras "
        f"{tf.keras.__version__}, since tensorflow was imported before xncaps_tf without "
        f"TF_USE_LEGACY_KERAS=1; {_FIX}."
        if _TENSORFLOW_FIRST
        else f"xncaps_tf: tf.keras is Keras {tf.keras.__version__}, not tf_keras; {_FIX}."
    )

__all__ = ["keras", "tf"]
