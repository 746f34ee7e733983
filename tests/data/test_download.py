"""Downloads that cannot work end soon, with one line; nothing here leaves the machine."""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from xncaps_tf.data import download, loading
from xncaps_tf.errors import DataError


@contextlib.contextmanager
def _silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/file"


@contextlib.contextmanager
def _server(status: int) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return None

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/file"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


def test_the_limits_add_up_to_less_than_30_seconds() -> None:
    assert download.PROBE_SECONDS + download.STALL_SECONDS <= 25
    assert set(download.URLS) == {"mnist", "fashion_mnist", "cifar10", "multi_mnist"}


def test_probe_of_a_server_that_answers() -> None:
    with _server(200) as url:
        download.probe(url)


def test_probe_of_a_missing_file() -> None:
    with _server(404) as url, pytest.raises(DataError, match="cannot work: HTTP 404 Not Found"):
        download.probe(url)


def test_probe_of_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/file"
    with pytest.raises(DataError, match=f"download of {url} cannot work: .*refused"):
        download.probe(url)


def test_probe_of_a_silent_server_ends() -> None:
    begun = time.monotonic()
    with _silent_server() as url, pytest.raises(DataError, match="cannot work: .*(answer|timed)"):
        download.probe(url, 1)
    assert time.monotonic() - begun < 5


def test_load_with_download_lists_every_place_and_the_reason(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PROBE_SECONDS", 1.0)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    begun = time.monotonic()
    with _silent_server() as url:
        monkeypatch.setitem(download.URLS, "cifar10", url)
        with pytest.raises(DataError) as caught:
            loading.load("cifar10", "test", tmp_path, download=True)
    assert time.monotonic() - begun < 30
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "cifar10: found nowhere.",
        f"{tmp_path}: no test_batch.bin, no test.npz, no test/CLASS/ of pictures;",
        f"{tmp_path}: no cifar10/VERSION/dataset_info.json of tfds;",
        f"{tmp_path / 'tfds'}: no cifar10/VERSION/dataset_info.json of tfds;",
        f"download of {url} cannot work: ",
    ):
        assert part in message


def test_a_real_download_that_gets_nothing_ends_within_30_seconds(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tfds itself, in the child, asks a proxy that never answers; the first question was let by."""
    monkeypatch.setattr(download, "STALL_SECONDS", 5.0)
    monkeypatch.setattr(download, "probe", lambda url: None)
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, url)
        with pytest.raises(DataError, match="bytes to arrive. Received: none for 5 s"):
            download.prepare("mnist", tmp_path)
        server.settimeout(0)
        asked, _ = server.accept()  # fails where nobody came: tfds did ask
        asked.close()
    assert time.monotonic() - begun < 30
    assert not list(tmp_path.glob("mnist/*/dataset_info.json"))


def test_run_ends_a_child_and_its_children_that_stall(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.6)
    mark = tmp_path / "late"
    script = f"import subprocess; subprocess.run(['sh', '-c', 'sleep 3; touch {mark}'])"
    with pytest.raises(DataError, match=f"download to {tmp_path}: .*none for 0.6 s"):
        download.run([sys.executable, "-c", script], tmp_path)
    time.sleep(3)
    assert not mark.exists()


@pytest.mark.parametrize(
    "script",
    [
        "import time, pathlib\nfor i in range(8):\n    time.sleep(.3); p.write_text('x' * i)",
        "import time, pathlib\nend = time.time() + 2.5\nwhile time.time() < end: pass",
    ],
    ids=["bytes arrive", "at work"],
)
def test_run_waits_for_a_child_that_goes_on(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 1.5)
    head = f"import pathlib; p = pathlib.Path({str(tmp_path / 'part')!r})\n"
    download.run([sys.executable, "-c", head + script], tmp_path)


def test_run_tells_the_last_line_of_a_child_that_fails(tmp_path: pathlib.Path) -> None:
    script = "raise SystemExit('line one\\nthe checksum is wrong\\n\\n')"
    with pytest.raises(DataError, match=f"download to {tmp_path} failed: the checksum is wrong$"):
        download.run([sys.executable, "-c", script], tmp_path)


def test_prepare_refuses_a_folder_that_cannot_be_written(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    with _server(200) as url:
        monkeypatch.setitem(download.URLS, "mnist", url)
        with pytest.raises(DataError, match="file: cannot be written: File exists"):
            download.prepare("mnist", tmp_path / "file")
