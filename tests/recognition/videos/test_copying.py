"""Copies of videos keep the times of their frames, and their sound."""

import av
import numpy as np
import pytest

from films import FPS, FRAMES, HEIGHT, WIDTH, draw_frame, find_square, read_times, write_film
from mien.errors import MienError
from mien.recognition import Recogniser
from mien.recognition.videos.copying import open_copy
from mien.recognition.videos.watching import Watch, follow_faces, open_video
from tiny_network import write_network

MPEG_AUDIO = {"mp2": "mp3float"}
"""An mp4 file has one mark for all layers of MPEG audio: FFmpeg names the last."""


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    """Return a recogniser that finds the square."""
    return Recogniser(write_network(tmp_path_factory.mktemp("network") / "tiny.onnx"), detector=find_square)


@pytest.fixture
def copy(recogniser, tmp_path):
    """Return a function that copies a film and returns the copy's path and the remarks."""

    def copy_film(path, *, stop_after=None):
        remarks: list[str] = []
        target = tmp_path / "copy.mp4"
        with open_video(str(path)) as video, open_copy(target, video, on_remark=remarks.append) as write:
            for frame in follow_faces(recogniser, video, Watch(every=4, keep_all=True)):
                write(frame)
                if frame.number == stop_after:
                    break
        return target, remarks

    return copy_film


def read_sound(path):
    """Return the codec and the times of the packets of a film's sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        times = [float(packet.pts * packet.time_base) for packet in container.demux(stream) if packet.pts is not None]
        return stream.codec_context.name, times


def test_a_copy_has_all_frames_and_the_faces_drawn_in(copy, tmp_path):
    """As an mp4 file of the same size that browsers play, its index in front."""
    path, remarks = copy(write_film(tmp_path / "film.avi", codec="mjpeg"))
    with av.open(str(path)) as container:
        assert "h264" == container.streams.video[0].codec_context.name
        pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert [] == remarks
    assert FRAMES == len(pictures)
    assert draw_frame(0).shape == pictures[0].shape
    assert np.abs(pictures[0] - draw_frame(0)).max() > 100
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_a_copy_keeps_the_times_of_a_variable_frame_rate(copy, tmp_path, name):
    """A frame of the copy is shown when that of the original is, to a millisecond."""
    ticks = [0, 1, 2, 20, 21, 60, 61, 62]
    path, _ = copy(write_film(tmp_path / name, frames=len(ticks), ticks=ticks))
    assert [tick / FPS for tick in ticks] == pytest.approx(read_times(path), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("film.mp4", {"sound": "aac"}),
        ("film.mkv", {"sound": "mp3"}),
        ("film.mts", {"sound": "ac3", "kind": "mpegts"}),
        ("film.vob", {"sound": "mp2", "kind": "vob", "codec": "mpeg2video"}),
    ],
)
def test_sound_is_copied_as_it_is_and_stays_beside_the_pictures(copy, tmp_path, name, how):
    """Packet for packet, at its times: begun 0.5 seconds after the pictures, it is so in the copy."""
    film = write_film(tmp_path / name, sound_from=0.5, **how)
    path, remarks = copy(film)
    assert [] == remarks
    (codec, before), (copied, after) = read_sound(film), read_sound(path)
    assert (MPEG_AUDIO.get(codec, codec), len(before)) == (copied, len(after))
    offset = read_times(film)[0]
    assert [time - offset for time in before] == pytest.approx(after, abs=0.03)


@pytest.mark.parametrize(
    ("name", "how", "codec"),
    [
        ("film.avi", {"codec": "mjpeg", "sound": "pcm_s16le"}, "pcm_s16le"),
        ("film.mkv", {"sound": "wavpack"}, "wavpack"),
    ],
)
def test_a_sound_that_an_mp4_file_cannot_hold_is_said_to_be_left_out(copy, tmp_path, name, how, codec):
    """In one line that names it."""
    path, (remark,) = copy(write_film(tmp_path / name, **how))
    assert f"{name}: the copy is silent: an mp4 file cannot hold its sound ({codec})" in remark
    assert FRAMES == len(read_times(path))


def test_a_copy_that_is_stopped_is_whole_up_to_there(copy, tmp_path):
    """As of a camera, with Ctrl-C."""
    path, _ = copy(write_film(tmp_path / "film.mp4", sound="aac"), stop_after=9)
    assert 10 == len(read_times(path))


def test_frames_of_odd_sides_and_of_telephones_are_copied_upright(copy, tmp_path):
    """Colours have half the resolution: one more line of pixels makes the sides even."""
    path, _ = copy(write_film(tmp_path / "film.mp4", frames=3, rotation=90))
    with av.open(str(path)) as container:
        assert (HEIGHT, WIDTH) == (container.streams.video[0].width, container.streams.video[0].height)
    odd = write_film(tmp_path / "odd.avi", codec="mjpeg", frames=3, draw=lambda number: draw_frame(number)[:63, :95])
    path, _ = copy(odd)
    with av.open(str(path)) as container:
        assert (96, 64) == (container.streams.video[0].width, container.streams.video[0].height)


def test_a_copy_that_cannot_be_written_is_told_in_one_line(recogniser, tmp_path):
    """And leaves nothing behind."""
    film = write_film(tmp_path / "film.avi", codec="mjpeg")
    with (
        pytest.raises(MienError, match="nowhere"),
        open_video(str(film)) as video,
        open_copy(tmp_path / "nowhere" / "copy.mp4", video),
    ):
        pytest.fail("there is no such folder")
    assert ["film.avi"] == [path.name for path in tmp_path.iterdir()]
