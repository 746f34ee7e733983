"""MkDocs hook: formulas become MathML, and labelled lines of docstrings paragraphs.

A browser shows MathML by itself: the site asks for no script and no font.
"""

from __future__ import annotations

import html
import re
from typing import Any
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor

_LABELS = (
    "Input shape",
    "Output shape",
    "Weights",
    "Source",
    "Differs from the source",
    "Reference",
    "Forward",
    "Backward",
)
_LABELLED = re.compile(rf"^({'|'.join(_LABELS)}): ")
# Above backslash escapes (180), which would take the backslash of `\(`, and below code (190).
_PRIORITY = 185
_WIDE = ("results.md", "models.md")
# latex2mathml's `|` and the line of `\\overline`, as it writes them.
_BAR, _LINE = "&#x0007C;", "&#x02015;"


class _Formula(InlineProcessor):
    def __init__(self, pattern: str, md: Markdown, display: str) -> None:
        super().__init__(pattern, md)
        self._display = display

    def handleMatch(  # type: ignore[override]  # the base class returns None
        self, m: re.Match[str], data: str
    ) -> tuple[str, int, int]:
        tex = _spaced(" ".join(m.group(1).split()))
        if self._display == "block":
            # Several equations of a display stand on lines of their own where one is too narrow.
            parts = "".join(self._mathml(part) for part in tex.split(r"\quad"))
            mathml = f'<span class="display">{parts}</span>'
        else:
            mathml = self._mathml(tex)
        return self.md.htmlStash.store(mathml), m.start(0), m.end(0)

    def _mathml(self, tex: str) -> str:
        formula = convert_to_element(tex, display=self._display)
        _drawn(formula)
        return html.unescape(ElementTree.tostring(formula, encoding="unicode"))


def _drawn(formula: ElementTree.Element) -> None:
    """Bars as high as a letter; the line over a mean as wide as what is under it, by site.css."""
    for part in formula.iter():
        if part.tag == "mo" and part.text == _BAR:
            part.set("stretchy", "false")
        if part.tag == "mover" and part[1].text == _LINE:
            part.remove(part[1])
            part.tag = "mrow"
            part.set("class", "mean")


def _spaced(tex: str) -> str:
    """TeX whose parts get the spaces that MathML cannot tell by itself."""
    # A word set upright is one name, not letters each spaced as a variable.
    tex = re.sub(r"\\mathrm\{(\w{2,})\}", r"\\operatorname{\1}", tex)
    # Bars enclose what an exponent is then of, and a sign in front of a number is no difference.
    tex = re.sub(r"(?<!\\)\|([^|]+)(?<!\\)\|", r"{\\lvert \1 \\rvert}", tex)
    return re.sub(r"([\[(=,]\s*)-(\d+)", r"\1{-\2}", tex)


class _Labels(Preprocessor):
    """A line of a docstring that starts with a label becomes a paragraph of its own."""

    def run(self, lines: list[str]) -> list[str]:
        found: list[str] = []
        for line in lines:
            match = _LABELLED.match(line)
            found += ["", f"**{match.group(1)}:** {line[match.end() :]}"] if match else [line]
        return found


class SiteExtension(Extension):
    r"""`\( \)` in a line and `\[ \]` on its own as MathML."""

    def extendMarkdown(self, md: Markdown) -> None:
        inline, block = r"\\\((.+?)\\\)", r"\\\[(.+?)\\\]"
        md.inlinePatterns.register(_Formula(inline, md, "inline"), "formula", _PRIORITY)
        md.inlinePatterns.register(_Formula(block, md, "block"), "display", _PRIORITY)
        # After fenced code has been taken away (25), before the paragraphs are made.
        md.preprocessors.register(_Labels(md), "labels", 24)


def on_config(config: Any) -> Any:
    """Adds the extension for the pages and for what mkdocstrings renders."""
    config.markdown_extensions.append(SiteExtension())
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Pages whose tables have many columns give them the place of the table of contents."""
    if page.file.src_uri in _WIDE:
        page.meta["hide"] = ["toc"]
    return markdown
