"""Result files: written whole or not at all, checked against the schema on both ways."""

from __future__ import annotations

import importlib
import importlib.resources
import json
import math
import os
import pathlib
from collections.abc import Iterable
from functools import cache
from typing import Any

from xncaps_benchmark import upgrades
from xncaps_benchmark.errors import ResultError
from xncaps_benchmark.json_values import is_list, is_object
from xncaps_benchmark.result_types import Result, Summary
from xncaps_files import strict_json, writing

FORMAT = "xncaps-benchmark"
FORMAT_VERSION = upgrades.VERSION
MAX_RESULT_BYTES = 256 << 20
MAX_SAMPLES = 1_000_000
MAX_SUMMARY_BYTES = 1 << 20


@cache
def _validator(name: str) -> Any:
    import jsonschema

    text = (importlib.resources.files("xncaps_benchmark") / "schema" / name).read_text("utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def check_result(result: Any, name: str = "result") -> Result:
    """The result as it is, if it follows the schema.

    Raises:
        ResultError: the first place where it does not.
    """
    _check("result.schema.json", _without_samples(result, name), name)
    for model in result["models"]:
        if model.get("summary") is not None:
            check_summary(model["summary"], f"{name}: summary of {model['name']}")
    return result


def _without_samples(result: Any, name: str) -> Any:
    """The result with empty lists of samples, which are checked here: the schema would take 10 s
    for a million of them."""
    models = result.get("models") if is_object(result) else None
    if not is_object(result) or not is_list(models):
        return result
    return {
        **result,
        "models": [_without(model, index, name) for index, model in enumerate(models)],
    }


def _without(model: Any, index: int, name: str) -> Any:
    latency = model.get("latency") if is_object(model) else None
    if not is_object(model) or not is_object(latency):
        return model
    emptied = dict(latency)
    for key, kinds in (("samples_us", (int, float)), ("turns", (int,)), ("starts_s", (int, float))):
        values = latency.get(key)
        if is_list(values):
            good = all(type(v) in kinds and 0 <= v < math.inf for v in values)
            if not good or len(values) > MAX_SAMPLES:
                place = f"models/{index}/latency/{key}"
                raise ResultError(f"{name}: {place}: expected at most {MAX_SAMPLES} numbers >= 0")
            emptied[key] = []
    return {**model, "latency": emptied}


def check_summary(summary: Any, name: str = "summary") -> Summary:
    """The same for FILE.summary.json."""
    return _check("summary.schema.json", summary, name)


def _check(schema: str, value: Any, name: str) -> Any:
    validator = _validator(schema)
    if not validator.is_valid(value):
        error = _worst(validator.iter_errors(value))
        place = "/".join(str(part) for part in error.absolute_path) or "the whole"
        message = " ".join(error.message.split())
        raise ResultError(
            f"{name}: expected what {schema} says. Received: {place}: {message[:200]}"
        )
    return value


def _worst(errors: Iterable[Any]) -> Any:
    """The error that says most: inside of a `null or ...` the one of the other branch."""
    exceptions: Any = importlib.import_module("jsonschema.exceptions")  # it has few types
    return exceptions.best_match(errors)


def read_result(path: str | os.PathLike[str]) -> Result:
    """Reads a result file, also of an older format (`upgrades`) or without what may be left out.

    Raises:
        ResultError: not JSON, too large, or not what the schema says.
    """
    read = upgrades.upgraded(_read_json(pathlib.Path(path), MAX_RESULT_BYTES), str(path))
    result = check_result(read, str(path))
    for model in result["models"]:  # what the schema lets out, as where it was not measured
        model.setdefault("custom_ops", [])
        model.setdefault("drift", None)
        model.setdefault("memory", None)
        model.setdefault("summary", None)
    return result


def read_summary(path: pathlib.Path) -> Summary:
    """Reads FILE.summary.json (docs/measuring.md has its schema)."""
    found = upgrades.upgraded_summary(_read_json(path, MAX_SUMMARY_BYTES), str(path))
    return check_summary(found, str(path))


def _read_json(path: pathlib.Path, limit: int) -> Any:
    try:
        with open(path, "rb") as file:  # a device may have no end
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ResultError(f"{path}: expected at most {limit >> 20} MiB. Received: more.")
        return strict_json.loads(data.decode("utf-8"))
    except OSError as error:
        raise ResultError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ResultError(
            f"{path}: expected JSON. Received: {' '.join(str(error).split())[:200]}"
        ) from error


def write_result(result: Result, path: str | os.PathLike[str]) -> None:
    """Writes a result that follows the schema: beside, fsync, rename."""
    check_result(result)
    write_text(
        pathlib.Path(path), json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    )


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file whole or not at all, and the folder that it lies in.

    Of a file's name that is no UTF-8 it has '?' for what is none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    writing.write_text(path, text.encode("utf-8", "replace").decode())
