"""On a board, with xncaps-runtime alone: what is in pictures, and how long it takes.

python examples/board.py MODEL PICTURE...

MODEL is a .tflite file, or zoo:NAME, a file of the package xncaps-zoo.
"""

from __future__ import annotations

import statistics
import sys
import time

from xncaps_runtime import Classifier

RUNS = 50


def main(model: str, *pictures: str) -> None:
    classifier = Classifier(model, num_threads=2)
    for picture, ranking in zip(pictures, classifier(pictures, top=3), strict=True):
        print(picture, *(f"{name} {share:.2f}" for name, share in ranking))
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        classifier(pictures[0])
        times.append(time.perf_counter() - start)
    print(
        f"{1e3 * statistics.median(times):.2f} ms a picture, read from its file (median of {RUNS})"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
