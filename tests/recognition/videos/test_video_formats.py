"""What is a video, by name and by content."""

import pytest

from films import write_film
from mien.recognition.videos.formats import SNIFFED_BYTES, is_stream, is_video_content, name_stream, sniff


@pytest.mark.parametrize(
    "how",
    [
        {"kind": "mp4"},
        {"kind": "mov"},
        {"kind": "3gp"},
        {"kind": "matroska"},
        {"kind": "webm", "codec": "libvpx"},
        {"kind": "avi", "codec": "mjpeg"},
        {"kind": "flv", "codec": "flv"},
        {"kind": "mpegts"},
        {"kind": "mpegts", "options": {"mpegts_m2ts_mode": "1"}},
        {"kind": "mpeg", "codec": "mpeg2video"},
        {"kind": "vob", "codec": "mpeg2video"},
        {"kind": "asf", "codec": "wmv2"},
        {"kind": "ogg", "codec": "libvpx"},
        {"kind": "h264"},
        {"kind": "ivf", "codec": "libvpx"},
        {"kind": "nut", "codec": "mjpeg"},
    ],
    ids=str,
)
def test_a_video_is_known_by_its_first_bytes(tmp_path, how):
    """Whatever it is called."""
    assert sniff(str(write_film(tmp_path / "film", frames=6, **how)))


def test_a_transport_stream_is_known_wherever_it_was_cut(tmp_path):
    """A receiver begins to record in the middle of a packet."""
    content = write_film(tmp_path / "film.ts", kind="mpegts").read_bytes()
    assert all(is_video_content(content[start : start + SNIFFED_BYTES]) for start in (0, 1, 100, 187))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"G" * 100,
        b"const x: number = 1;\n" * 60,
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"\0\0\0\x18ftypavif",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x18ftypM4A ",
        b"RIFF....WEBPVP8 ",
        b"RIFF....WAVEfmt ",
        b"OggS\0\x02" + bytes(20) + b"\x01\x1e\x01vorbis",
        b"II*\0",
        b"PK\x03\x04",
    ],
)
def test_pictures_sound_and_text_are_none(head):
    """TypeScript has the suffix of transport streams."""
    assert not is_video_content(head)


def test_streams_are_known_by_their_scheme_and_named_without_their_password():
    """A Windows path has a colon, too."""
    assert [True, True, True, False, False, False] == [
        is_stream(text)
        for text in ("rtsp://a/1", "HTTP://a/v.mp4", "udp://@:1234", "ftp://a/v.mp4", "C:/v.mp4", "file:///v.mp4")
    ]
    assert "rtsp://a.example/1@2" == name_stream("rtsp://me:pa:ss@a.example/1@2")
