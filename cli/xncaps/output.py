"""What a person sees: results and one-line errors; the chatter of native libraries goes to a log.

TensorFlow's C++ code writes to file descriptors 1 and 2 whatever TF_CPP_MIN_LOG_LEVEL says, and a
failed conversion dumps pages of MLIR there. So both descriptors point to a log file while a command
runs, and Python's sys.stdout and sys.stderr keep the real ones.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import sys
import tempfile
import traceback
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

import click

from xncaps_files.printable import printable

_KEPT_LOGS = 20


@dataclass
class Log:
    """Where native output goes: `path` is None when it goes to the screen.

    `verbose` (-v) shows tracebacks there, too; where there is none of both, as of --help, they are
    of no use to anybody.
    """

    path: pathlib.Path | None
    keep: bool = False
    verbose: bool = False


def log_folder() -> pathlib.Path:
    """$XNCAPS_LOG_DIR, else xncaps/ in the user's state folder (XDG)."""
    if given := os.environ.get("XNCAPS_LOG_DIR"):
        return pathlib.Path(given)
    state = os.environ.get("XDG_STATE_HOME") or pathlib.Path.home() / ".local" / "state"
    return pathlib.Path(state) / "xncaps"


@contextlib.contextmanager
def native_output_to_log(arguments: list[str]) -> Generator[Log]:
    """Sends descriptors 1 and 2 to a log file; sys.stdout and sys.stderr stay on the real ones."""
    quick = not arguments or "--help" in arguments or "-h" in arguments or "--version" in arguments
    verbose = bool(arguments) and arguments[0] in ("-v", "--verbose")
    if quick or verbose:
        yield Log(None, verbose=verbose)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    path = _new_log(arguments)
    log = Log(path)
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = os.dup(1), os.dup(2)
    kept = sys.stdout, sys.stderr
    with open(path, "ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = _text_stream(out, kept[0].encoding)
    sys.stderr = _text_stream(err, kept[1].encoding)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("xncaps: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield log
    finally:
        logging.getLogger().removeHandler(handler)
        opened = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = kept
        for stream in opened:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        for descriptor, kept_as in ((out, 1), (err, 2)):
            os.dup2(descriptor, kept_as)
            os.close(descriptor)
        if not log.keep:
            path.unlink(missing_ok=True)


def _text_stream(descriptor: int, encoding: str) -> TextIO:
    return os.fdopen(os.dup(descriptor), "w", buffering=1, encoding=encoding, errors="replace")


def _new_log(arguments: list[str]) -> pathlib.Path:
    """An empty log file; the oldest beyond the kept number are removed."""
    folder = log_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="xncaps-", suffix=".log", dir=folder)
    except OSError:  # a read-only home: the log still has to go somewhere
        folder = pathlib.Path(tempfile.gettempdir())
        handle, name = tempfile.mkstemp(prefix="xncaps-", suffix=".log")
    os.write(handle, os.fsencode(f"xncaps {' '.join(arguments)}\n"))  # names of any bytes
    os.close(handle)
    logs = sorted(folder.glob("xncaps-*.log"), key=lambda file: file.stat().st_mtime)
    for old in logs[:-_KEPT_LOGS]:
        old.unlink(missing_ok=True)
    return pathlib.Path(name)


def error_line(text: str) -> None:
    """One line on stderr, whatever the text held."""
    print("xncaps: " + printable(" ".join(text.split())), file=sys.stderr)


def say(*lines: str) -> None:
    """Lines on stdout; what strangers' names hold moves no cursor."""
    click.echo("\n".join(map(printable, lines)))


def show(
    document: Mapping[str, object], lines: Iterable[str], *, as_json: bool, indent: int | None = 2
) -> None:
    """A result on stdout in the form that is asked for: one JSON object, or lines for people."""
    import json

    if as_json:
        click.echo(json.dumps(document, indent=indent))
    else:
        say(*lines)


def failure(error: Exception, log: Log) -> int:
    """Prints the error in one line, writes its traceback to the log (or the screen with -v)."""
    from xncaps_files import releases
    from xncaps_files.errors import XncapsError, error_text

    text = "".join(traceback.format_exception(error))
    if log.verbose:
        sys.stderr.write(text)
    if log.path is not None:
        log.keep = True
        with open(log.path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    expected = isinstance(error, (XncapsError, OSError))
    message = error_text(error) if expected else releases.explain(error)
    message = message or f"{type(error).__name__}: {_short(str(error))}"
    error_line(message + (f" (log: {log.path})" if log.path else ""))
    return 1


def _short(text: str, limit: int = 300) -> str:
    """The first lines of a foreign library's message: MLIR dumps belong to the log."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[:limit] + " ..."


def broken_pipe() -> int:
    """The reader went away (`xncaps ... | head`): nothing to say, and no second error at exit."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")
    return 141
