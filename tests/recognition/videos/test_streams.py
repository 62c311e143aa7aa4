"""Streams over HTTP and RTSP are watched as files are."""

import io
import socket

import numpy as np
import pytest
from PIL import Image

from films import FPS, FRAMES, draw_frame, find_square, write_film
from mien.errors import DataError
from mien.recognition import Recogniser
from mien.recognition.videos.reading import open_file
from streaming import packetise, send_file, send_jpegs, serve, serve_rtsp
from tiny_network import write_network


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    """Return a recogniser that finds the square."""
    return Recogniser(write_network(tmp_path_factory.mktemp("network") / "tiny.onnx"), detector=find_square)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("v.ts", {"kind": "mpegts", "sound": "aac"}),
        ("v.mp4", {"options": {"movflags": "faststart"}}),
        ("v.webm", {"codec": "libvpx"}),
        ("v.flv", {"codec": "flv"}),
    ],
)
def test_a_film_on_a_server_is_watched_as_a_file_is(recogniser, tmp_path, name, how):
    """Its times are those of the file."""
    with serve(send_file(write_film(tmp_path / name, **how).read_bytes())) as address:
        frames = list(recogniser.watch(f"{address}/{name}", workers=1))
    assert [number / FPS for number in range(FRAMES)] == pytest.approx([frame.seconds for frame in frames], abs=0.002)
    assert {1} == {face.id for frame in frames for face in frame.faces}


def test_a_camera_that_sends_jpegs_is_watched_by_the_clock(recogniser):
    """It tells no times, so that of arrival counts; each frame is answered at once."""
    pictures = []
    for number in range(FRAMES):
        stream = io.BytesIO()
        Image.fromarray(draw_frame(number)).save(stream, "JPEG")
        pictures.append(stream.getvalue())
    with serve(send_jpegs(pictures)) as address, open_file(f"{address}/video") as video:
        times = [shot.seconds for shot in video]
        assert video.live
    assert FRAMES - 1 <= len(times)
    assert times == sorted(times)
    assert 0.0 == times[0]


def test_an_rtsp_stream_is_watched_and_its_password_is_told_nowhere(recogniser):
    """Over TCP, with the times that its packets tell."""
    packets = packetise([draw_frame(number) for number in range(FRAMES)])
    with serve_rtsp(packets) as address, open_file(address) as video:
        assert video.live
        assert "secret" not in video.name
        times = [shot.seconds for shot in video]
    assert FRAMES - 2 <= len(times) <= FRAMES
    assert [1 / FPS] * 5 == pytest.approx(np.diff(times[:6]).tolist(), abs=0.002)


def test_what_cannot_be_watched_is_told_in_one_line(tmp_path, capfd):
    """Nobody there, a page that does not exist, a picture, a text."""
    stream = io.BytesIO()
    Image.fromarray(draw_frame(0)).save(stream, "JPEG")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        serve(lambda handler: handler.send_error(404)) as missing,
        serve(send_file(stream.getvalue(), "image/jpeg")) as picture,
        serve(send_file(b"hello" * 100, "text/plain")) as text,
    ):
        for address, expected in (
            (f"rtsp://me:secret@127.0.0.1:{port}/1", "expected a stream, but it does not open (Connection refused)"),
            (f"{missing}/v.mp4", "expected a stream, but it does not open (Server returned 404 Not Found)"),
            (f"{picture}/v", "expected a video, found what FFmpeg calls"),
            (f"{text}/v", "expected a stream, but it does not open"),
        ):
            with pytest.raises(DataError) as caught, open_file(address):
                pytest.fail(f"{address} was opened")
            assert expected in str(caught.value)
            assert "secret" not in str(caught.value)
    assert ("", "") == capfd.readouterr()
