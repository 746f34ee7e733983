"""Result files: written whole or not at all, checked against the schema on both ways."""

from __future__ import annotations

import importlib.resources
import json
import os
import pathlib
import tempfile
from collections.abc import Iterable
from functools import cache
from typing import Any

from xncaps_benchmark.errors import ResultError

FORMAT = "xncaps-benchmark"
FORMAT_VERSION = 1
MAX_RESULT_BYTES = 256 << 20
MAX_SUMMARY_BYTES = 1 << 20


@cache
def _validator(name: str) -> Any:
    import jsonschema

    text = (importlib.resources.files("xncaps_benchmark") / "schema" / name).read_text("utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def check_result(result: Any, name: str = "result") -> dict[str, Any]:
    """The result as it is, if it follows the schema.

    Raises:
        ResultError: the first place where it does not.
    """
    _check("result.schema.json", result, name)
    for model in result["models"]:
        if model["summary"] is not None:
            check_summary(model["summary"], f"{name}: summary of {model['name']}")
    return result


def check_summary(summary: Any, name: str = "summary") -> dict[str, Any]:
    """The same for FILE.summary.json."""
    return _check("summary.schema.json", summary, name)


def _check(schema: str, value: Any, name: str) -> dict[str, Any]:
    validator = _validator(schema)
    if not validator.is_valid(value):
        error = _worst(validator.iter_errors(value))
        place = "/".join(str(part) for part in error.absolute_path) or "the whole"
        message = " ".join(error.message.split())
        raise ResultError(f"{name}: {place}: {message[:200]}")
    return value


def _worst(errors: Iterable[Any]) -> Any:
    """The error that says most: inside of a `null or ...` the one of the other branch."""
    from jsonschema.exceptions import best_match

    return best_match(errors)


def read_result(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads a result file.

    Raises:
        ResultError: not JSON, too large, or not what the schema says.
    """
    return check_result(_read_json(pathlib.Path(path), MAX_RESULT_BYTES), str(path))


def read_summary(path: pathlib.Path) -> dict[str, Any]:
    """Reads FILE.summary.json (docs/measuring.md has its schema)."""
    return check_summary(_read_json(path, MAX_SUMMARY_BYTES), str(path))


def _read_json(path: pathlib.Path, limit: int) -> Any:
    try:
        if (size := path.stat().st_size) > limit:
            raise ResultError(
                f"{path}: expected at most {limit >> 20} MiB. Received: {size} bytes."
            )
        return json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise ResultError(
            f"{path}: expected JSON. Received: {' '.join(str(error).split())[:200]}"
        ) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def write_result(result: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Writes a result that follows the schema: beside, fsync, rename."""
    check_result(result)
    write_text(
        pathlib.Path(path), json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    )


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        pathlib.Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
