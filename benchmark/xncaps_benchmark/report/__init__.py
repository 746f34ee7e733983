"""One self-contained HTML page of results: no script, no network, light and dark."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.report.trainings import MAX_PNG_BYTES, Training
from xncaps_benchmark.result_types import Result
from xncaps_benchmark.results import check_result, write_text

__all__ = ["MAX_PNG_BYTES", "MAX_RESULTS", "Training", "render", "write_report"]

MAX_RESULTS = 16


def render(
    results: Sequence[Result], title: str | None = None, trainings: Sequence[Training] = ()
) -> str:
    """The page's HTML. Every text in it that came with a result is escaped.

    Raises:
        BenchmarkError: nothing to show or too much, a result that does not follow the schema, a
            picture that is no PNG, no Jinja2.
    """
    count = len(results) + len(trainings)
    if not 0 < count <= MAX_RESULTS:
        raise BenchmarkError(f"report: expected 1 to {MAX_RESULTS} results. Received: {count}.")
    for result in results:
        check_result(result)
    try:
        import jinja2
    except ImportError as error:
        raise BenchmarkError(
            "report: needs Jinja2: pip install 'xncaps-benchmark[report]', or make the page of "
            "the JSON on another machine"
        ) from error
    from xncaps_benchmark.report import view

    folder = pathlib.Path(__file__).parent
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(folder),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (folder / "style.css").read_text("utf-8")
    title = title or ("How fast, how small, how right" if results else "How it was trained")
    page = view.page(results, title, trainings)
    return environment.get_template("page.html").render(style=style, page=page)


def write_report(
    results: Sequence[Result],
    out: str | os.PathLike[str],
    *,
    title: str | None = None,
    trainings: Sequence[Training] = (),
) -> None:
    """Writes the page of one or several results (several: targets or dates compared).

    Args:
        results: what was measured; none where there are trainings.
        out: the page.
        title: of the page.
        trainings: how models were trained; a section each.

    Raises:
        BenchmarkError: see `render`.
    """
    write_text(pathlib.Path(out), render(results, title, trainings))
