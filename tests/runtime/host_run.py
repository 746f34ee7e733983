"""Run by test_hosts.py in a process of its own: files in one runtime, with our delegate.

usage: host_run.py MODULE DELEGATE FOLDER: runs each FOLDER/*.tflite on the .npy beside it, writes
what comes out to *.out.npy, or to *.txt why it was refused. Batches are resized.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np


def run(module: Any, load: Any, library: str, file: Path) -> None:
    delegate = load(library, {"num_threads": "2"})
    interpreter = module.Interpreter(str(file), experimental_delegates=[delegate])
    inputs = np.load(file.with_suffix(".npy"))
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    for batch in (1, len(inputs)):
        interpreter.resize_tensor_input(source["index"], inputs[:batch].shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], inputs[:batch])
        interpreter.invoke()
    np.save(file.with_suffix(".out.npy"), interpreter.get_tensor(target["index"]))


def main(name: str, library: str, folder: str) -> None:
    module: Any = importlib.import_module(name)
    module = module.lite if name == "tensorflow" else module
    load = getattr(module, "load_delegate", None) or module.experimental.load_delegate
    for file in sorted(Path(folder).glob("*.tflite")):
        try:
            run(module, load, library, file)
        except (RuntimeError, ValueError) as error:
            file.with_suffix(".txt").write_text(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
