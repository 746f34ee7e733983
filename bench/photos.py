"""How long one's own photographs take, from a folder of pictures to a checked int8 file.

    python bench/photos.py                      # 500 drawn pictures in 10 classes
    python bench/photos.py --grocery FOLDER     # the Grocery Store data set, 81 classes
    python bench/photos.py --classes 2 --pictures 10 --epochs 2    # whether it runs at all

Runs the commands of the README in processes of their own and prints what each took. Exits with 1
above the limits, 3 and 10 minutes. They are for two idle cores: nothing else may run.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import goals
import numpy as np
from PIL import Image, ImageDraw

SIDE = 348
BACKBONE = "--backbone efficientnet_lite0 --weights imagenet --freeze-backbone".split()


def draw(folder: pathlib.Path, classes: int, count: int, seed: int = 0) -> None:
    """Writes `count` JPEG pictures a class: shapes of a colour and number of corners of its own."""
    rng = np.random.default_rng(seed)
    for index in range(classes):
        target = folder / f"shape{index}"
        target.mkdir(parents=True)
        for number in range(count):
            noise = rng.integers(60, 200, (12, 12, 3), dtype=np.uint8)
            picture = Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            radius = int(rng.integers(50, 130))
            x, y = (int(v) for v in rng.integers(radius, SIDE - radius, 2))
            hue = Image.new("HSV", (1, 1), (index * 255 // classes, 220, 230)).convert("RGB")
            ImageDraw.Draw(picture).regular_polygon(
                (x, y, radius),
                3 + index % 5,
                rotation=int(rng.integers(360)),
                fill=hue.getpixel((0, 0)),
            )
            picture.save(target / f"{number:03d}.jpg", quality=90)


def timed(*arguments: str) -> float:
    """Minutes that a command took.

    Raises:
        SystemExit: it failed.
    """
    command = [sys.executable, "-m", "xncaps", *arguments]
    began = time.monotonic()
    done = subprocess.run(command, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}, check=False)
    if done.returncode:
        raise SystemExit(f"bench: expected exit code 0. Received: {done.returncode} of {command}")
    return (time.monotonic() - began) / 60


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--grocery", help="folder of the Grocery Store data set")
    parser.add_argument("--classes", type=int, default=10, help="of drawn pictures")
    parser.add_argument("--pictures", type=int, default=50, help="of each class")
    parser.add_argument("--head", default="xnodr")
    parser.add_argument("--epochs", default="30")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        data = "grocery" if options.grocery else "folder"
        source = options.grocery or str(work / "photos")
        if not options.grocery:
            draw(work / "photos", options.classes, options.pictures)
        chosen = ["--data", data, "--data-dir", source, "--out", str(work / "run")]
        training = ["--head", options.head, "--epochs", options.epochs, "--batch-size", "32"]
        trained = timed("train", *BACKBONE, *chosen, *training)
        best, file = str(work / "run" / "best.keras"), str(work / "photos.tflite")
        converted = timed("convert", best, "--to", "fused", "--int8", "-o", file)
        size = os.path.getsize(file) / 1e6
    print(
        f"{data}: train {60 * trained:.0f} s, convert and check {60 * converted:.0f} s, in all "
        f"{trained + converted:.2f} min (at most {goals.MINUTES[data]:g}); file {size:.2f} MB"
    )
    missed = goals.missed_minutes(data, trained + converted)
    for text in missed:
        print(f"FAILED {text}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
