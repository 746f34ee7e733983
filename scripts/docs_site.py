"""MkDocs hook: formulas become MathML, and labelled lines of docstrings paragraphs.

A browser shows MathML by itself: the site asks for no script and no font.
"""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert
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


class _Formula(InlineProcessor):
    def __init__(self, pattern: str, md: Markdown, display: str) -> None:
        super().__init__(pattern, md)
        self._display = display

    def handleMatch(  # type: ignore[override]  # the base class returns None
        self, m: re.Match[str], data: str
    ) -> tuple[str, int, int]:
        # A word set upright is one name, not letters each spaced as a variable.
        tex = re.sub(r"\\mathrm\{(\w{2,})\}", r"\\operatorname{\1}", " ".join(m.group(1).split()))
        mathml = convert(tex, display=self._display)
        return self.md.htmlStash.store(mathml), m.start(0), m.end(0)


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
