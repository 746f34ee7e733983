"""The site: formulas are MathML, examples are code, and no other host is asked for anything."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def site(root: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*.html")
    }


def test_no_formula_is_left_as_tex(site: dict[str, str]) -> None:
    for name, text in site.items():
        for mark in (r"\(", r"\[", r"\mathrm", r"\hat", "arithmatex"):
            assert mark not in text, f"{name}: {mark}"


@pytest.mark.parametrize(
    ("page", "least"), [("maths/index.html", 20), ("api/layers/index.html", 20)]
)
def test_pages_with_formulas_have_them_as_mathml(
    site: dict[str, str], page: str, least: int
) -> None:
    assert site[page].count("<math") >= least


def test_a_formula_keeps_its_indices(site: dict[str, str]) -> None:
    formulas = re.findall(r"<math.*?</math>", site["api/layers/index.html"], re.S)
    softmax = [text for text in formulas if "softmax" in text]
    assert softmax and all("<msub" in text for text in softmax)


def test_examples_are_code_and_no_quotes(site: dict[str, str]) -> None:
    page = site["api/layers/index.html"]
    assert page.count("&gt;&gt;&gt;") >= 5
    assert "<blockquote>" not in page


def test_nothing_is_asked_of_another_host(site: dict[str, str]) -> None:
    asks = re.compile(
        r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//|<link[^>]+stylesheet[^>]+href="(?:https?:)?//'
    )
    for name, text in site.items():
        assert not asks.search(text), name


def test_bars_enclose_and_means_have_a_line(site: dict[str, str]) -> None:
    formulas = re.findall(r"<math.*?</math>", site["maths/index.html"], re.S)
    bars = [text for text in formulas if "&#x0007C;" in text]
    assert bars and not any("<msup><mo" in text for text in bars)  # an exponent is of the whole
    assert not any("<mo>&#x0007C;" in text for text in bars)
    assert any('<mrow class="mean">' in text for text in bars)
    assert "&#x02015;" not in "".join(formulas)
    assert 'href="../assets/site.css"' in site["maths/index.html"]


def test_equations_of_a_display_wrap_on_a_narrow_page(site: dict[str, str]) -> None:
    """Side by side, four of them are wider than the text, and ran into the table of contents."""
    page = site["api/layers/index.html"]
    displays = re.findall(r'<span class="display">(.*?)</span>', page, re.S)
    assert displays and max(part.count("<math") for part in displays) == 4
    assert page.count('display="block"') == sum(part.count("<math") for part in displays)
