"""`python -m xncaps_runtime info [FILE]` and `python -m xncaps_runtime predict FILE IMAGE...`."""

from __future__ import annotations

import argparse
import json
import sys

from xncaps_files import camera, metadata, releases, streams, tflite
from xncaps_files.errors import XncapsError, error_text
from xncaps_files.preprocessing import Preprocessing
from xncaps_files.printable import printable
from xncaps_files.scores import ScoreScale
from xncaps_files.zoo import resolve
from xncaps_runtime._library import info
from xncaps_runtime.classifier import Classifier
from xncaps_runtime.errors import RuntimeLibraryError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m xncaps_runtime", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    about = commands.add_parser("info", help="the library; with FILE also its inputs and outputs")
    about.add_argument("file", nargs="?", help="a .tflite file, or zoo:NAME")
    predict = commands.add_parser(
        "predict", help="classify pictures, prepared as the file's metadata say"
    )
    predict.add_argument("file", help="a .tflite file, or zoo:NAME")
    predict.add_argument("images", nargs="*", help="pictures")
    predict.add_argument("--camera", action="store_true", help="the first camera, until Ctrl-C")
    predict.add_argument("--top", type=int, default=3, help="number of classes to show")
    predict.add_argument("--threads", type=int, default=1)
    predict.add_argument(
        "--as-is", action="store_true", help="never invert: the pictures are light on dark already"
    )
    predict.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _info(model: str | None) -> None:
    lines = [f"{key}: {value}" for key, value in info().items()]
    if model is not None:
        path = resolve(model)
        data = tflite.load(path)
        for kind, ends in zip(("input", "output"), tflite.read_io(data, str(path)), strict=True):
            for end in ends:
                shape = "x".join(str(size) for size in end.shape)
                lines.append(f"{kind}: {end.name} {shape} {end.dtype}")
        about = metadata.read(data, str(path))
        names = () if about is None else about.class_names
        lines.append(f"classes: {', '.join(names) if names else 'not named in the file'}")
        pixels = Preprocessing() if about is None else about.preprocessing
        scaling = f"mean {list(pixels.mean)}, std {list(pixels.std)}"
        lines.append(f"pixels: {scaling}{', inverted' if pixels.invert else ''}")
        scale = ScoreScale() if about is None else about.scores
        facts = (f"{key} {value}" for key, value in scale.to_json().items() if value is not None)
        lines.append(f"output: {', '.join(facts) or 'scores of a kind that is not told'}")
    for line in lines:
        _say(line)


def _say(line: str) -> None:
    """Prints a line, in what the terminal can show."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(printable(line).encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def _run_predict(args: argparse.Namespace) -> None:
    if bool(args.images) == args.camera:
        raise RuntimeLibraryError("predict: expected pictures or --camera, one of the two.")
    if args.top < 1 or args.threads < 1:
        raise RuntimeLibraryError("predict: expected --top and --threads of at least 1.")
    classifier = Classifier(args.file, args.threads, invert=False if args.as_is else None)
    if args.camera:
        pictures = camera.frames()
    else:
        pictures = ((path, path) for path in args.images)
    for name, picture in pictures:
        ranking = classifier(picture, top=args.top)
        _say(json.dumps(ranking.to_dict(name)) if args.json else ranking.line(name))


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; 0, or 1 with one line on stderr."""
    streams.open_closed()
    args = _parser().parse_args(arguments)
    try:
        releases.check("xncaps-runtime")
        if args.command == "info":
            _info(args.file)
        else:
            _run_predict(args)
    except KeyboardInterrupt:
        return 130
    except (XncapsError, OSError) as error:
        sys.stderr.write(f"xncaps_runtime: {printable(' '.join(error_text(error).split()))}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
