from __future__ import annotations

import copy
import html.parser
import pathlib
import re
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark_results import failed, model, result
from xncaps_benchmark import terminal, write_report
from xncaps_benchmark.errors import BenchmarkError, ResultError
from xncaps_benchmark.report import render
from xncaps_benchmark.report.plots import Axis

HOSTILE = "<script>1</script><img onerror=1>\"'&{{7*7}}"


class _Page(html.parser.HTMLParser):
    """Tags, attributes and text of a page; fails on what is not closed in order."""

    VOID = {"meta", "img", "path", "link", "br"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_page_says_who_is_faster_and_by_how_much() -> None:
    told = result()
    page = _Page(render([told])).words
    ratio = told["ratios"][0]["ratio"]
    median = told["models"][1]["latency"]["median_us"]
    assert f"Fastest verified model: xnodr, {median:.1f} µs" in page
    assert f"{ratio:.2f} times faster than capsfc (95 % interval" in page
    assert "its file 2.50 times smaller and as accurate" in page
    assert "91.7 %" in page and "cat taken for dog: 4" in page


def test_page_says_what_is_slower_and_what_is_within_the_noise() -> None:
    slow = _Page(render([result([model("a", 10.0), model("b", 25.0)])])).words
    assert "times slower than a (95 % interval" in slow
    noise = _Page(render([result([model("a", 10.0), model("b", 10.0)])])).words
    assert "As fast as a within the noise" in noise and "file as large" in noise


def test_page_marks_what_is_not_verified_and_what_failed() -> None:
    loose = {"status": "not verified", "reason": "no stored outputs", "rows": 0}
    models = [model("loose", 10.0, verification=loose), failed("lost", "it broke")]
    page = _Page(render([result(models)])).words
    assert "Fastest model (none is verified): loose" in page
    assert "1 of 2 failed and has no time" in page and "Not timed: it broke." in page
    assert page.count("not verified") >= 2


def test_page_of_nothing_but_failures_is_a_page() -> None:
    page = _Page(render([result([failed("lost", "it broke")])])).words
    assert "No model could be timed." in page


def test_page_without_labels_or_pictures_is_a_page() -> None:
    page = _Page(render([result([model("a", 10.0, accuracy=None, samples=[])])])).words
    assert "Accuracy against latency" not in page and "Sample pictures" not in page


def test_page_shows_the_share_of_one_bit() -> None:
    summary = {
        "format": "xncaps-summary",
        "format_version": 1,
        "title": "XnODR, small_cnn",
        "macs": 2_000_000,
        "binary_macs": 500_000,
        "parameters": 1000,
        "binary_parameters": 900,
        "accuracy": {"data": "digits", "split": "test", "images": 360, "correct": 351},
        "training": {"seconds": 61.0},
    }
    page = _Page(render([result([model("a", 10.0, summary=summary)])])).words
    assert "one-bit MACs" in page and "25.0 % of 2.00 M" in page and "90.0 % of 1,000" in page
    assert "97.5 % of 360 digits test images" in page and "61.0 s" in page


def test_page_compares_targets() -> None:
    phone = result(target={"kind": "adb", "name": "a phone"}, complete=False, notes=["it got hot"])
    text = render([result(), phone], "Two machines")
    page = _Page(text).words
    assert "Two machines" in page and "Targets compared" in page and "xnodr · a phone" in page
    assert "1.00× longer" in page  # the same times
    assert "a phone: the run ended early" in page.replace(" :", ":") and "it got hot" in page
    assert text.count('class="matrix"') == 1  # equal ones are shown once


def test_page_compares_targets_whose_memory_is_another() -> None:
    """Names with their targets are long: they stand below the plot and not on one another."""
    memory = {"peak_bytes": 700_000, "before_load_bytes": 0, "note": "what the app grew by"}
    phone = result([model("a", 20.0, memory=memory)], target={"kind": "adb", "name": "adb:serial1"})
    here = result([model("a", 10.0)])
    text = render([here, phone])
    page = _Page(text).words
    medians = [told["models"][0]["latency"]["median_us"] for told in (here, phone)]
    assert f"{medians[1] / medians[0]:.2f}× longer" in page
    assert "a · adb:serial1: what the app grew by." in page.replace(" :", ":")
    assert 'class="tag' in render([here]) and 'class="tag' not in render(
        [result([model("a_rather_long_name_of_it", 10.0)])]
    )


def _hostile(value: Any) -> Any:
    """Every free text of a result made hostile."""
    if isinstance(value, dict):
        return {key: entry if key in _FIXED else _hostile(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_hostile(entry) for entry in value]
    return HOSTILE if isinstance(value, str) else value


_FIXED = {"format", "kind", "status", "png", "sha256", "created", "id"}


def test_page_escapes_everything() -> None:
    told = _hostile(copy.deepcopy(result([model("a", 10.0, custom_ops=["x"]), failed("b", "x")])))
    told["models"][0]["summary"] = {
        "format": "xncaps-summary",
        "format_version": 1,
        "title": HOSTILE,
        "note": HOSTILE,
        "head": HOSTILE,
    }
    told["machine"]["runtimes"] = {HOSTILE[:90]: HOSTILE[:90]}
    page = _Page(render([told], HOSTILE))
    assert not {"script", "iframe", "object", "link", "form"} & {tag for tag, _ in page.tags}
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert images and all((a["src"] or "").startswith("data:image/png;base64,") for a in images)
    attributes = {name for _, found in page.tags for name in found}
    assert not [name for name in attributes if name.startswith("on")]
    assert HOSTILE in " ".join(page.text) and "{{7*7}}" in page.words


def test_page_asks_the_network_for_nothing() -> None:
    text = render([result()])
    assert not re.search(r"(?:src|href|url|@import)\s*[=(]\s*[\"']?\s*(?:https?:|//|/)", text)
    policy = next(a for tag, a in _Page(text).tags if tag == "meta" and "http-equiv" in a)
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_render_refuses_no_result_and_a_wrong_one() -> None:
    with pytest.raises(BenchmarkError, match="expected 1 to 16 results"):
        render([])
    with pytest.raises(ResultError, match="models"):
        render([result() | {"models": 3}])


def test_summary_of_a_stranger_is_checked(tmp_path: pathlib.Path) -> None:
    told = result(
        [
            model(
                "a", 10.0, summary={"format": "xncaps-summary", "format_version": 1, "macs": "many"}
            )
        ]
    )
    with pytest.raises(ResultError, match="macs"):
        render([told])


def test_axis_keeps_order_and_stays_inside() -> None:
    for logarithmic in (False, True):
        axis = Axis(3.0, 4000.0, logarithmic)
        places = [axis.place(value) for value in (1, 3, 30, 300, 4000, 9000)]
        assert places == sorted(places) and 0 <= places[0] and places[-1] <= 100
        ticks = axis.ticks(str)
        assert 2 <= len(ticks) <= 8
    flat = Axis(5.0, 5.0, False)
    assert 0 <= flat.place(5.0) <= 100 and flat.ticks(str)


# --- the page in a real browser -------------------------------------------------------------

WIDTH, PHONE, HEIGHT = 1200, 400, 2600


def _screenshot(page: pathlib.Path, out: pathlib.Path, width: int, *more: str) -> np.ndarray:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.fail("chromium is not installed: apt-get install chromium (as `make test` does)")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        f"--user-data-dir={out.parent / 'profile'}",
        f"--window-size={width},{HEIGHT}",
        *more,
        f"--screenshot={out}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=90)
    return np.asarray(Image.open(out).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    models = [model("capsfc", 100.0), model("xnodr", 40.0), failed("broken", "it broke")]
    write_report([result(models)], path)
    return path


def test_browser_draws_the_page_in_light_and_dark(
    page: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    light = _screenshot(page, tmp_path / "light.png", WIDTH)
    dark = _screenshot(
        page, tmp_path / "dark.png", WIDTH, "--blink-settings=preferredColorScheme=0"
    )
    assert light[2, 2].mean() > 230 and dark[2, 2].mean() < 60  # the page's margin
    for picture, colours in (
        (light, ((0x3B, 0x6F, 0xD4), (0xE0, 0x7B, 0x39))),
        (dark, ((0x6F, 0x9C, 0xF0), (0xF0, 0x9A, 0x5F))),
    ):
        for colour in colours:  # swatches and bars of both models
            assert (np.abs(picture - colour).max(axis=-1) < 4).sum() > 500


def test_browser_has_no_sideways_scrolling_on_a_phone(
    page: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """A frame as wide as a phone round the page: what it would scroll to is drawn beside it."""
    probe = tmp_path / "probe.html"
    script = (
        "const f=document.querySelector('iframe').contentDocument.documentElement;"
        "document.title=f.scrollWidth+' of '+f.clientWidth"
    )
    probe.write_text(
        f'<iframe src="{page.as_uri()}" style="width:{PHONE}px;height:900px;border:0" '
        f'onload="{script}"></iframe>'
    )
    browser = shutil.which("chromium")
    assert browser is not None
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        probe.as_uri(),
    ]
    dom = subprocess.run(command, check=True, capture_output=True, timeout=90, text=True).stdout
    found = re.search(r"<title>(\d+) of (\d+)</title>", dom)
    assert found, dom[:500]
    assert found[1] == found[2] and PHONE - 20 <= int(found[2]) <= PHONE  # less a scroll bar


def test_page_says_what_is_not_valid_and_how_it_was_measured() -> None:
    loose = model("loose", 40.0, valid=False, invalid_because=["its outputs are not verified"])
    told = result([model("capsfc", 100.0, runtime_us=97.5), loose])
    told["ratios"][0]["narrow"] = True
    told["state"]["clocks"] = {
        "how": "time in state",
        "first_khz": [1_800_000, 2_800_000],
        "last_khz": [1_800_000, 1_400_000],
    }
    told["state"]["start"] |= {"thermal_headroom": 0.4, "battery_current_ma": -350.0}
    told["method"].update(process="the app", memory="what it added", channel="its socket")
    told["tool"]["commit"] = "abc123"
    words = " ".join(_Page(render([told])).text)
    for part in (
        "not valid",
        "no: its outputs are not verified",
        "too narrow: too few runs",
        "97.5 µs (median)",
        "2.80 GHz in the first quarter, 1.80 GHz in the last quarter (time in state)",
        "the app",
        "its socket",
        "0.40 (1: severe throttling) at the start",
        "-350 mA at the start",
        "abc123",
    ):
        assert part in words, part
    text = " ".join(terminal.table(told).split())
    assert "loose is not valid: its outputs are not verified" in text
    assert "loose: the interval of its speed is too narrow" in text
