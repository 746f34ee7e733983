"""`python -m xncaps_runtime info [FILE]` and `python -m xncaps_runtime predict FILE IMAGE...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from xncaps_runtime import _metadata, _pictures, _predict
from xncaps_runtime._library import info
from xncaps_runtime.errors import RuntimeLibraryError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m xncaps_runtime", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    about = commands.add_parser("info", help="the library; with FILE also its inputs and outputs")
    about.add_argument("file", nargs="?", help="a .tflite file")
    predict = commands.add_parser(
        "predict", help="classify pictures, prepared as the file's metadata say"
    )
    predict.add_argument("file", help="a .tflite file")
    predict.add_argument("images", nargs="*", help="pictures")
    predict.add_argument("--camera", action="store_true", help="the first camera, until Ctrl-C")
    predict.add_argument("--top", type=int, default=3, help="number of classes to show")
    predict.add_argument("--threads", type=int, default=1)
    predict.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _info(path: str | None) -> None:
    lines = [f"{key}: {value}" for key, value in info().items()]
    if path is not None:
        interpreter = _open(path, 1)
        for kind, tensors in (
            ("input", interpreter.get_input_details()),
            ("output", interpreter.get_output_details()),
        ):
            for t in tensors:
                shape = "x".join(str(n) for n in t["shape"])
                lines.append(f"{kind}: {t['name']} {shape} {t['dtype'].__name__}")
        about = _metadata.read(path)
        names = about.class_names
        lines.append(f"classes: {', '.join(names) if names else 'not named in the file'}")
        scaling = f"mean {list(about.mean)}, std {list(about.std)}"
        lines.append(f"pixels: {scaling}{', inverted' if about.invert else ''}")
    for line in lines:
        _say(line)


def _say(line: str) -> None:
    """Prints a line; names come from files of strangers, so what is no text becomes '?'."""
    plain = "".join(char if char.isprintable() else "?" for char in line)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(plain.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def _open(path: str, threads: int) -> _predict.Interpreter:
    if not Path(path).is_file():
        raise RuntimeLibraryError(f"{path}: no such file")
    return _predict.open_model(path, threads)


def _run_predict(args: argparse.Namespace) -> None:
    if bool(args.images) == args.camera:
        raise RuntimeLibraryError("predict: expected pictures or --camera, one of the two.")
    if args.top < 1 or args.threads < 1:
        raise RuntimeLibraryError("predict: expected --top and --threads of at least 1.")
    interpreter = _open(args.file, args.threads)
    about = _metadata.read(args.file)
    about.check(int(interpreter.get_input_details()[0]["shape"][3]))
    if args.camera:
        pictures = (("camera", frame) for frame in _predict.camera_frames())
    else:
        pictures = ((path, _pictures.load(path)) for path in args.images)
    for name, picture in pictures:
        scores = _predict.classify(interpreter, picture, about)
        best = _predict.top(scores, about.class_names, args.top)
        _say(_predict.as_text(name, best, args.json))


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; 0, or 1 with one line on stderr."""
    args = _parser().parse_args(arguments)
    try:
        if args.command == "info":
            _info(args.file)
        else:
            _run_predict(args)
    except KeyboardInterrupt:
        return 130
    except (RuntimeLibraryError, OSError) as error:
        sys.stderr.write(f"xncaps_runtime: {' '.join(str(error).split())}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
