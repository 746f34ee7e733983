"""The types of results are the schema's, key by key; what it lets out is missed by no reader."""

from __future__ import annotations

import importlib.resources
import json
import types
import typing
from typing import Any

import pytest

from benchmark_results import model, result
from xncaps_benchmark import result_types, results, terminal
from xncaps_benchmark.report import render

ROOTS = {"result": result_types.Result, "summary": result_types.Summary}


def _schema(name: str) -> dict[str, Any]:
    folder = importlib.resources.files("xncaps_benchmark") / "schema"
    return json.loads((folder / f"{name}.schema.json").read_text("utf-8"))


def _differences(kind: Any, schema: dict[str, Any], root: dict[str, Any], place: str) -> list[str]:
    """What a type and its schema do not have in common, further down too."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    options = schema.get("anyOf") or [schema]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        [kind] = [part for part in typing.get_args(kind) if part is not type(None)]
    [schema] = [part for part in options if part.get("type") != "null"]
    if "$ref" in schema:
        return _differences(kind, schema, root, place)
    if typing.get_origin(kind) is list and schema.get("type") == "array":
        return _differences(typing.get_args(kind)[0], schema["items"], root, f"{place}[]")
    if not typing.is_typeddict(kind):
        known = {str: "string", int: "integer", float: "number", bool: "boolean"}.get(kind)
        wrong = known is not None and schema.get("type") not in (None, known)
        return [f"{place}: {kind} and {schema}"] if wrong else []
    if "properties" not in schema:
        return []  # the summary: it has a schema of its own
    hints = typing.get_type_hints(kind)
    required = {key for key in hints if key in kind.__required_keys__}
    found = []
    if required != set(schema.get("required", [])):
        found.append(f"{place}: always there {required ^ set(schema.get('required', []))}")
    if set(hints) != set(schema["properties"]):
        found.append(f"{place}: keys {set(hints) ^ set(schema['properties'])}")
    for key in set(hints) & set(schema["properties"]):
        inner = schema["properties"][key]
        found += _differences(hints[key], inner, root, f"{place}/{key}")
    return found


@pytest.mark.parametrize("name", sorted(ROOTS))
def test_the_types_are_those_of_the_schema(name: str) -> None:
    schema = _schema(name)
    assert _differences(ROOTS[name], schema, schema, name) == []


def test_a_type_that_differs_is_found() -> None:
    schema = _schema("result")
    del schema["properties"]["notes"]
    schema["$defs"]["sample"]["required"].remove("score")
    schema["$defs"]["tensor"]["properties"]["dtype"] = {"type": "integer"}
    assert len(_differences(result_types.Result, schema, schema, "result")) == 4  # a tensor twice


def test_what_a_result_may_leave_out_is_missed_by_no_reader() -> None:
    """As another program may write it: the keys of a model that the schema asks for, no others."""
    bare = model("bare", 10.0)
    for key in set(bare) - result_types.Model.__required_keys__:
        del bare[key]
    told = results.check_result(result([bare, model("other", 20.0)]))
    assert "bare" in render([told]) and "bare" in terminal.table(told)
