"""The distributions: one version, licences inside, what each kind of person has to install."""

from __future__ import annotations

import pathlib
import re

import pytest
from packaging.requirements import Requirement

from xncaps_files import releases

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROJECTS = [ROOT, ROOT / "files", ROOT / "zoo", ROOT / "benchmark", ROOT / "native"]


def _text(project: pathlib.Path) -> str:
    return (project / "pyproject.toml").read_text(encoding="utf-8")


def _version(project: pathlib.Path) -> str:
    found = re.search(r'^version = "([^"]+)"', _text(project), re.M)
    assert found, f"{project}/pyproject.toml has no version"
    return found.group(1)


def _name(project: pathlib.Path) -> str:
    found = re.search(r'^name = "([^"]+)"', _text(project), re.M)
    assert found, f"{project}/pyproject.toml has no name"
    return found.group(1)


def test_all_distributions_have_one_version() -> None:
    assert len({_version(project) for project in PROJECTS}) == 1
    assert f"## {_version(ROOT)}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_what_is_used_of_ours_is_required_at_that_version(project: pathlib.Path) -> None:
    version, name = _version(ROOT), _name(project)
    asked = [Requirement(text) for text in re.findall(r'"(xncaps-[^" ]+)"', _text(project))]
    asked = [each for each in asked if each.name != name]
    assert {each.name for each in asked} >= set(releases.USES.get(name, ()))
    for each in asked:
        assert str(each.specifier) == f"=={version}", f"{project}: {each}"


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_licence_files_are_in_each_distribution(project: pathlib.Path, name: str) -> None:
    assert (project / name).read_text() == (ROOT / name).read_text()
    assert name in _text(project)


@pytest.mark.parametrize("project", PROJECTS[1:], ids=lambda path: path.name)
def test_boards_need_no_tensorflow(project: pathlib.Path) -> None:
    assert "tensorflow" not in re.sub(r"#.*|description = .*", "", _text(project))


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_an_upper_end_of_python_is_named_for_tensorflow_alone(project: pathlib.Path) -> None:
    """larq-compute-engine has no wheels after Python 3.12; what runs on boards has no such end."""
    wanted = ">=3.10,<3.13" if project == ROOT else ">=3.10"
    assert f'requires-python = "{wanted}"' in _text(project)


def test_what_is_tested_on_the_wheels_needs_no_other_tests() -> None:
    """Beside tests/cli the folder in which the wheels are tested has little of a checkout."""
    script = (ROOT / "scripts" / "dist.sh").read_text(encoding="utf-8")
    assert "cp -r tests/conftest.py tests/cli tests/golden tests/support " in script
    assert 'cp -r experiments pyproject.toml "$work/" && cp docs/results.md ' in script
    left_out = re.findall(r"--ignore tests/cli/(\S+)", script)
    tests = [path for path in (ROOT / "tests" / "cli").glob("*.py") if path.name not in left_out]
    for path in [*tests, *(ROOT / "tests" / "support").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(from|import) tests\b", text, re.M), path
    for path in tests:
        text = path.read_text(encoding="utf-8")
        for place in re.findall(r'\broot / "([^"]+)"(?: / "([^"]+)")?', text):
            copied = place[0] in ("experiments", "pyproject.toml") or place == (
                "docs",
                "results.md",
            )
            assert copied or not (ROOT / place[0]).exists(), f"{path}: {'/'.join(place)}"
