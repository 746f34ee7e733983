"""What importing a package costs: seconds and memory beyond an empty Python's.

    python bench/import_cost.py

Each line runs in processes of its own, in turns with an empty one; the median of the differences
counts. Prints the table of docs/native.md.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

EMPTY = "pass"
LINES = (
    "import xncaps_runtime",
    "from xncaps_runtime import Interpreter",
    "from xncaps_runtime import Classifier",
    "import xncaps_files",
    "import xncaps_benchmark",
    "import xncaps_tf",
    "import xncaps",
)


def run(line: str) -> tuple[float, float]:
    """(seconds, MB at the most) of a Python that runs one line."""
    code = f"{line}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return time.perf_counter() - began, int(done.stdout) / 1000


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds: int = parser.parse_args().rounds
    turns = [{line: run(line) for line in (EMPTY, *LINES)} for _ in range(rounds + 1)][1:]
    print("| | seconds | MB |\n| --- | --- | --- |")
    for line in LINES:
        seconds = statistics.median(turn[line][0] - turn[EMPTY][0] for turn in turns)
        memory = statistics.median(turn[line][1] - turn[EMPTY][1] for turn in turns)
        print(f"| `{line}` | {max(seconds, 0):.2f} | {max(memory, 0):.0f} |")


if __name__ == "__main__":
    main()
