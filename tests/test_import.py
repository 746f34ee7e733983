"""Which Keras is loaded, when, and what is said where it is the wrong one."""

from __future__ import annotations

import os
import subprocess
import sys


def _run(code, **environment):
    env = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=600,
        env={**env, **environment},
    )


def test_import_loads_no_tensorflow_and_chooses_keras_2():
    code = (
        "import sys, os, xncaps_tf;"
        "assert not {'tensorflow', 'tf_keras', 'larq'} & set(sys.modules);"
        "assert os.environ['TF_USE_LEGACY_KERAS'] == '1'; assert 'layers' in dir(xncaps_tf);"
        "import tensorflow as tf; import tf_keras;"
        "assert tf.keras.layers.Layer is tf_keras.layers.Layer; import larq; xncaps_tf.layers.XnODR"
    )
    done = _run(code)
    assert done.returncode == 0, done.stderr[-2000:]


def test_tensorflow_imported_before_without_the_variable_says_what_to_do():
    done = _run("import tensorflow as tf; tf.keras.layers; import xncaps_tf.layers")

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: xncaps_tf: expected Keras 2 (tf_keras)")
    assert "tensorflow was imported before xncaps_tf" in last
    assert "set TF_USE_LEGACY_KERAS=1" in last and "in a new process" in last


def test_the_variable_set_to_zero_says_what_to_do():
    done = _run("import xncaps_tf.layers", TF_USE_LEGACY_KERAS="0")

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "Received: TF_USE_LEGACY_KERAS='0'" in last and "TF_USE_LEGACY_KERAS=1" in last


def test_tensorflow_imported_before_with_the_variable_is_fine():
    done = _run("import tensorflow; import xncaps_tf.layers", TF_USE_LEGACY_KERAS="1")

    assert done.returncode == 0, done.stderr[-2000:]


def test_unknown_attribute_is_named():
    done = _run("import xncaps_tf; xncaps_tf.no_such_thing")

    assert "module 'xncaps_tf' has no attribute 'no_such_thing'" in done.stderr
