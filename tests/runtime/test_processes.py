"""A process that has run the delegate on two threads forks, as servers do, and ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

import runtime_models as make

# The child has none of its parent's threads: it runs on its own and deletes all, then the parent.
_RUN = """
import os, signal, sys, time
import numpy as np
from xncaps_runtime import delegate_path
from ai_edge_litert import interpreter as litert
delegate = litert.load_delegate(delegate_path(), {"num_threads": "2"})
interpreter = litert.Interpreter(sys.argv[1], experimental_delegates=[delegate])
interpreter.allocate_tensors()
source = interpreter.get_input_details()[0]["index"]
target = interpreter.get_output_details()[0]["index"]
interpreter.set_tensor(source, np.load(sys.argv[2]))
interpreter.invoke()
want = interpreter.get_tensor(target)
time.sleep(0.05)
child = os.fork()
if child == 0:
    signal.alarm(60)
    interpreter.invoke()
    good = np.allclose(interpreter.get_tensor(target), want, atol=1e-6)
    del interpreter, delegate
    os._exit(0 if good else 3)
status = os.waitpid(child, 0)[1]
interpreter.invoke()
assert np.array_equal(interpreter.get_tensor(target), want)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_child_runs_on_one_thread_and_deletes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    kernel = rng.normal(0, 0.1, (1152, 16, 8, 16)).astype(np.float32)
    model = make.caps_model("XnCapsFc", [kernel], (1, 1152, 8), (1, 16, 16))
    (tmp_path / "model.tflite").write_bytes(model)
    np.save(tmp_path / "u.npy", rng.normal(size=(1, 1152, 8)).astype(np.float32))
    command = [sys.executable, "-c", _RUN, tmp_path / "model.tflite", tmp_path / "u.npy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, (done.returncode, done.stderr)


def test_a_process_ends_without_a_word() -> None:
    """Where Python clears modules first, as it does after TensorFlow was imported."""
    code = (
        "import sys\nfrom xncaps_runtime import load_delegate\nkept = load_delegate()\n"
        "sys.modules['ai_edge_litert.interpreter'].ctypes = None\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Exception ignored" in done.stderr) == (0, False), done.stderr
