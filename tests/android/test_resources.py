"""The app's words and colours: all of them in res/, none left over, and legible in both themes."""

from __future__ import annotations

import pathlib
import re
import xml.etree.ElementTree as ElementTree

import pytest

MAIN = pathlib.Path(__file__).resolve().parents[2] / "android_demo/app/src/main"
JAVA = "\n".join(file.read_text(encoding="utf-8") for file in (MAIN / "java").rglob("*.java"))
XML = "\n".join(
    file.read_text(encoding="utf-8")
    for file in (MAIN / "AndroidManifest.xml", *(MAIN / "res").rglob("*.xml"))
)


def names(kind: str, tag: str, file: str = "values/strings.xml") -> set[str]:
    found = ElementTree.parse(MAIN / "res" / file).getroot().findall(tag)
    assert found, f"no {kind} in {file}"
    return {element.attrib["name"] for element in found}


def test_every_string_is_used_and_none_is_missing() -> None:
    for kind, tag in (("string", "string"), ("array", "string-array"), ("plurals", "plurals")):
        used = set(re.findall(rf"\bR\.{kind}\.(\w+)", JAVA)) | set(
            re.findall(rf"@{kind}/(\w+)", XML)
        )
        assert used == names(kind, tag)


def test_no_words_for_the_screen_stand_in_java() -> None:
    """A literal that a view shows has no letter in it; what core/ says is a technical detail."""
    shown = re.findall(r"\.(?:setText|setContentDescription|setTitle|makeText)\(([^;]*)\);", JAVA)
    assert len(shown) >= 8
    for arguments in shown:
        literals = re.findall(r'"((?:\\.|[^"\\])*)"', arguments)
        assert not [text for text in literals if re.search(r"[A-Za-z]", text.replace("\\n", ""))]


def luminance(color: str) -> float:
    """Relative luminance of #RRGGBB, WCAG 2.1."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["values", "values-night"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "ground"), ("ink", "bar"), ("ink", "bar_ground"), ("ink", "problem"),
        ("ink_soft", "ground"), ("accent", "ground"), ("accent", "problem"), ("ink", "card"),
        ("ink_soft", "card"), ("accent", "card"), ("on_accent", "accent"),
    ],
)  # fmt: skip
def test_text_stands_out(theme: str, ink: str, ground: str) -> None:
    """At least 4.5 to 1, WCAG's AA for small text."""
    root = ElementTree.parse(MAIN / "res" / theme / "colors.xml").getroot()
    colors = {tag.attrib["name"]: str(tag.text) for tag in root.findall("color")}
    light, dark = sorted((luminance(colors[ink]), luminance(colors[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_both_themes_have_the_same_colours() -> None:
    night = names("color", "color", "values-night/colors.xml")
    assert names("color", "color", "values/colors.xml") - night == {
        "icon_ground", "on_picture", "on_picture_ground", "behind_picture"
    }  # fmt: skip
    assert night <= names("color", "color", "values/colors.xml")


def test_dynamic_colours_are_the_same_in_both_themes() -> None:
    """The system's own palette has its contrast; what says that something is wrong stays amber."""
    dynamic = names("color", "color", "values-v31/colors.xml")
    assert dynamic == names("color", "color", "values-night-v31/colors.xml")
    assert names("color", "color", "values-night/colors.xml") - dynamic == {"problem"}
