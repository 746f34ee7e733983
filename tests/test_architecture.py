"""The one direction of data: every import of our packages is parsed, what is not allowed fails."""

from __future__ import annotations

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = {
    "xncaps": ROOT / "cli" / "xncaps",
    "xncaps_tf": ROOT / "xncaps_tf",
    "xncaps_converters": ROOT / "converters" / "xncaps_converters",
    "xncaps_benchmark": ROOT / "benchmark" / "xncaps_benchmark",
    "xncaps_runtime": ROOT / "native" / "python" / "xncaps_runtime",
    "xncaps_files": ROOT / "files" / "xncaps_files",
    "xncaps_zoo": ROOT / "zoo" / "xncaps_zoo",
}
LEAVES = {
    "xncaps_tf.errors",
}  # may be imported from anywhere in xncaps_tf and the converters
# Packages by floor, the ground first; two that import each other in either direction stand on one
# floor or are an error. The zoo is data: names are looked up in it.
FLOORS = (
    ("xncaps_zoo",),
    ("xncaps_files",),
    ("xncaps_tf", "xncaps_runtime"),
    ("xncaps_converters", "xncaps_benchmark"),
    ("xncaps",),
)
GROUND = "xncaps_files"  # what any package may import

# module prefix -> prefixes it may import of ours ("=name": that module alone); the longest matching
# prefix rules.
ALLOWED: dict[str, set[str]] = {
    "xncaps": {
        "xncaps",
        "xncaps_tf",
        "xncaps_converters",
        "xncaps_benchmark",
        "xncaps_runtime",
        "xncaps_zoo",
    },
    "xncaps_files": {"xncaps_files"},
    "xncaps_files.zoo": {"xncaps_files", "xncaps_zoo"},
    "xncaps_zoo": {"xncaps_zoo"},
    "xncaps_runtime": {"xncaps_runtime"},
    "xncaps_benchmark": {"xncaps_benchmark", "xncaps_runtime"},
    "xncaps_converters": {"xncaps_converters", "xncaps_tf", "xncaps_runtime"},
    "xncaps_tf": {"xncaps_tf"},
    "xncaps_tf._keras": set(),
    "xncaps_tf.errors": set(),
    "xncaps_tf.reference": {"xncaps_tf.reference"},
    "xncaps_tf.ops": {"xncaps_tf._keras", "xncaps_tf.ops"},
    "xncaps_tf.losses": {"xncaps_tf._keras", "xncaps_tf.ops"},
    "xncaps_tf.metrics": {"xncaps_tf._keras", "xncaps_tf.ops"},
    "xncaps_tf.schedules": {"xncaps_tf._keras", "xncaps_tf.ops"},
    "xncaps_tf.quantizers": {"xncaps_tf._keras", "xncaps_tf.ops"},
    "xncaps_tf.data": {"xncaps_tf._keras", "xncaps_tf.data"},
    "xncaps_tf.data.multi_mnist.__main__": {"=xncaps_tf", "xncaps_tf.data"},
    "xncaps_tf.layers": {
        "xncaps_tf._keras",
        "xncaps_tf.ops",
        "xncaps_tf.quantizers",
        "xncaps_tf.layers",
    },
    "xncaps_tf.models": {
        "xncaps_tf._keras",
        "xncaps_tf.ops",
        "xncaps_tf.layers",
        "xncaps_tf.models",
    },
    "xncaps_tf.models.zoo_models": {"xncaps_tf.saving", "xncaps_zoo"},
    "xncaps_tf.accounting": {
        "xncaps_tf._keras",
        "xncaps_tf.ops",
        "xncaps_tf.layers",
        "xncaps_tf.models",
    },
    "xncaps_tf.model_files": set(),
    "xncaps_tf.saving": {
        "xncaps_tf.model_files",
        "xncaps_tf._keras",
        "xncaps_tf.ops",
        "xncaps_tf.layers",
        "xncaps_tf.models",
        "xncaps_tf.losses",
        "xncaps_tf.metrics",
        "xncaps_tf.schedules",
    },
    "xncaps_tf.training": {
        "xncaps_tf._keras",
        "xncaps_tf.ops",
        "xncaps_tf.layers",
        "xncaps_tf.models",
        "xncaps_tf.losses",
        "xncaps_tf.metrics",
        "xncaps_tf.schedules",
        "xncaps_tf.data",
        "xncaps_tf.model_files",
        "xncaps_tf.saving",
        "xncaps_tf.training",
        "=xncaps_tf",  # the version of the package, for a run's config
    },
    "xncaps_tf.testing": {"xncaps_tf"},
}
# Foreign modules that a package must never import, anywhere.
FORBIDDEN = {
    "xncaps_files": {"tensorflow", "tf_keras", "larq", "larq_compute_engine", "ai_edge_litert"},
    "xncaps_runtime": {"tensorflow", "tf_keras", "larq", "larq_compute_engine"},
    "xncaps_benchmark": {"tf_keras", "larq", "tensorflow"},
    "xncaps_tf.reference": {"tensorflow", "tf_keras", "larq"},
}
KERAS = {"keras", "tf_keras"}  # only xncaps_tf._keras imports it


def _modules() -> list[tuple[str, pathlib.Path]]:
    found = []
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found.append((".".join((package, *parts)), path))
    return found


def _imports(name: str, path: pathlib.Path) -> list[tuple[int, str]]:
    """(line, module) of every import of a file, those inside functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, *([base] if base else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                is_module = _is_module(full)
                found.append((node.lineno, full if is_module else base))
    return found


def _is_module(name: str) -> bool:
    folder = PACKAGES.get(name.split(".")[0])
    if folder is None:
        return False
    path = folder.joinpath(*name.split(".")[1:])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _longest(name: str, prefixes: dict[str, set[str]]) -> str | None:
    fits = [prefix for prefix in prefixes if name == prefix or name.startswith(prefix + ".")]
    return max(fits, key=len) if fits else None


def _may_import(importer: str, imported: str) -> bool:
    rule = _longest(importer, ALLOWED)
    if rule is None:
        return False
    if imported.split(".")[0] == GROUND:
        return True
    if imported in LEAVES and importer.startswith(("xncaps_tf", "xncaps_converters")):
        return True
    return any(
        imported == allowed.removeprefix("=")
        or (not allowed.startswith("=") and imported.startswith(allowed + "."))
        for allowed in ALLOWED[rule]
    )


@pytest.mark.parametrize(("name", "path"), _modules(), ids=lambda value: str(value).split("/")[-1])
def test_imports_go_one_way(name: str, path: pathlib.Path) -> None:
    wrong = []
    for line, imported in _imports(name, path):
        top = imported.split(".")[0]
        if top in PACKAGES and not _may_import(name, imported):
            wrong.append(f"{path}:{line}: {name} may not import {imported}")
        for package, foreign in FORBIDDEN.items():
            if (name == package or name.startswith(package + ".")) and top in foreign:
                wrong.append(f"{path}:{line}: {package} may not import {imported}")
        if top in KERAS and name != "xncaps_tf._keras":
            wrong.append(f"{path}:{line}: import keras from xncaps_tf._keras, not {imported}")
    assert not wrong, "\n".join(wrong)


def _uses() -> dict[str, set[str]]:
    """Which top-level packages of ours each of them imports."""
    uses: dict[str, set[str]] = {package: set() for package in PACKAGES}
    for name, path in _modules():
        top = name.split(".")[0]
        uses[top] |= {module.split(".")[0] for _, module in _imports(name, path)} & set(PACKAGES)
        uses[top] -= {top}
    return uses


def test_every_package_stands_on_one_floor_and_looks_down_only() -> None:
    assert sorted(name for floor in FLOORS for name in floor) == sorted(PACKAGES)
    floor_of = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    up = [
        f"{package} imports {other}, which does not lie below it"
        for package, others in _uses().items()
        for other in others
        if floor_of[other] >= floor_of[package]
    ]
    assert not up, "\n".join(up)


def test_no_two_packages_import_each_other() -> None:
    uses = _uses()
    both = sorted({tuple(sorted((a, b))) for a in uses for b in uses[a] if a in uses[b]})
    assert not both, f"each other: {both}"


def _arrows() -> dict[str, set[str]]:
    """Which modules of its own package each module imports, for its types too.

    A package's face, its __init__.py, hands names on and is no room of its own.
    """
    modules = dict(_modules())
    rooms = {name for name, path in modules.items() if path.name != "__init__.py"}
    return {
        name: {to for _, to in _imports(name, modules[name])} & (rooms - {name})
        for name in sorted(rooms)
    }


def _circle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules that import each other in a circle, or come before one; none where all end."""
    left = dict(arrows)
    while ended := [name for name, to in left.items() if not to & set(left)]:
        for name in ended:
            del left[name]
    return sorted(left)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert not (found := _circle(_arrows())), ", ".join(found)
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


def test_no_module_takes_the_private_names_of_another() -> None:
    wrong: list[str] = []
    for _, path in _modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        ours: dict[str, str] = {}  # a module of ours, by its name in this one
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    if _is_module(full):
                        ours[alias.asname or alias.name] = full
                    elif alias.name.startswith("_") and alias.name != "__version__":
                        wrong.append(f"{path}:{node.lineno}: {full}")
        wrong += [
            f"{path}:{node.lineno}: {ours[node.value.id]}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ours
            and node.attr.startswith("_")
        ]
    assert not wrong, "\n".join(wrong)


def test_every_function_fits_on_a_screen() -> None:
    """60 lines, its docstring not counted."""
    long: list[str] = []
    for name, path in _modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
                words = (first.end_lineno or 0) - first.lineno + 1 if told else 0
                lines = (node.end_lineno or 0) - node.lineno + 1 - words
                if lines > 60:
                    long.append(f"{name}.{node.name}: {lines} lines")
    assert not long, "\n".join(long)


def test_the_zoo_is_imported_for_its_names_in_one_place_and_not_at_its_top() -> None:
    places = [
        (name, line)
        for name, path in _modules()
        for line, module in _imports(name, path)
        if name.startswith(("xncaps_files", "xncaps_runtime", "xncaps_benchmark"))
        and module.startswith("xncaps_zoo")
    ]
    assert [name for name, _ in places] == ["xncaps_files.zoo"]
    [(name, line)] = places
    text = (PACKAGES["xncaps_files"] / "zoo.py").read_text(encoding="utf-8").splitlines()
    assert text[line - 1].startswith("        import xncaps_zoo")


def test_the_wheel_of_the_runtime_holds_no_test_helpers() -> None:
    assert not [name for name, _ in _modules() if "xncaps_runtime" in name and "test" in name]


# Names that more than one module of ours may have, each with its reason. What lies in COMMANDS is
# not counted: a module there has its command's name, and so may what the command calls.
COMMANDS = "xncaps.commands"
SHARED_NAMES = {
    "__main__": "what `python -m` runs",
    "errors": "the errors of a distribution, which each has of its own",
}


def _by_last_name() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, _ in _modules():
        if not name.startswith(COMMANDS + "."):
            found.setdefault(name.rpartition(".")[2], []).append(name)
    return found


def test_no_two_modules_have_one_name_and_two_meanings() -> None:
    twice = {name: where for name, where in _by_last_name().items() if len(where) > 1}
    odd = [f"{name}: {', '.join(where)}" for name, where in twice.items()]
    assert set(twice) == set(SHARED_NAMES), "\n".join(odd)


def test_no_module_has_a_name_that_needs_a_look_inside() -> None:
    vague = {"common", "helpers", "misc", "notes", "places", "stuff", "tools", "util", "utils"}
    vague |= {"words", "things"}
    assert not vague & set(_by_last_name())


def test_the_rules_refuse_what_they_should() -> None:
    assert not _may_import("xncaps_tf.layers.xnodr", "xncaps_tf.training")
    assert not _may_import("xncaps_tf.reference.routing", "xncaps_tf.ops")
    assert not _may_import("xncaps_benchmark.measure", "xncaps_tf.data")
    assert not _may_import("xncaps_runtime.delegate", "xncaps_benchmark")
    assert not _may_import("xncaps_tf.training.fit", "xncaps_converters.to_lce")
    assert not _may_import("xncaps_tf.training.fit", "xncaps.environment")
    assert not _may_import("xncaps_converters.to_lce", "xncaps.main")
    assert not _may_import("xncaps_files.npz", "xncaps_tf.errors")
    assert _may_import("xncaps_tf.reference", "xncaps_files.errors")
    assert _may_import("xncaps.demo", "xncaps_benchmark.results")
    assert _may_import("xncaps_tf.training.fit", "xncaps_tf.models.registry")
    assert _may_import("xncaps_converters.to_lce", "xncaps_tf.layers")


def test_no_file_of_ours_is_longer_than_400_lines() -> None:
    endings = {".py", ".cc", ".h", ".java", ".sh"}
    folders = [
        "files",
        "xncaps_tf",
        "cli",
        "converters",
        "benchmark",
        "native",
        "android_demo",
        "tests",
        "bench",
    ]
    long = []
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in endings or {"build", "target"} & set(path.parts):
                continue
            text = path.read_text(encoding="utf-8")
            if text.count("\n") > 400 and "over 400 lines:" not in text[:2000]:
                long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
    assert not long, "\n".join(long)
