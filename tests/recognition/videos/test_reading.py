"""Videos of every kind are read: their frames, when each is shown, and what is wrong with them."""

import io
import sys

import numpy as np
import pytest

from films import FPS, FRAMES, HEIGHT, WIDTH, draw_frame, write_film, write_sound
from mien.errors import DataError, MissingExtraError
from mien.recognition.videos import reading
from mien.recognition.videos.clock import Clock
from mien.recognition.videos.reading import name_video, open_file
from mien.recognition.videos.upright import turn

KINDS = {
    "v.mp4": {"sound": "aac"},
    "v.mov": {"sound": "aac"},
    "v.m4v": {"kind": "mp4"},
    "v.3gp": {"sound": "aac"},
    "v.mkv": {},
    "v.webm": {"codec": "libvpx"},
    "v.avi": {"codec": "mjpeg", "sound": "pcm_s16le"},
    "v.flv": {"codec": "flv", "sound": "aac"},
    "v.ts": {"kind": "mpegts", "sound": "aac"},
    "v.mts": {"kind": "mpegts", "sound": "ac3"},
    "v.m2ts": {"kind": "mpegts", "options": {"mpegts_m2ts_mode": "1"}},
    "v.vob": {"codec": "mpeg2video", "kind": "vob", "sound": "mp2"},
    "v.mpg": {"codec": "mpeg2video", "kind": "mpeg"},
    "v.wmv": {"codec": "wmv2", "kind": "asf"},
    "v.ogv": {"codec": "libvpx", "kind": "ogg"},
    "v.nut": {"codec": "mjpeg", "kind": "nut"},
    "v": {"kind": "mp4"},
    "v.part": {"kind": "matroska"},
}


def read(source):
    """Return the frames of a video: the seconds and the picture of each; and what was wrong with it."""
    with open_file(source) as video:
        return [(shot.seconds, shot.decode()) for shot in video], video.tell_damage()


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_all_frames_at_their_times(tmp_path, name):
    """Transport streams begin at 1.4 seconds, sound runs a little ahead: the first frame is at 0 all the same."""
    frames, damage = read(str(write_film(tmp_path / name, **KINDS[name])))
    assert None is damage
    assert [number / FPS for number in range(FRAMES)] == pytest.approx([seconds for seconds, _ in frames], abs=0.002)
    assert 25 > np.abs(frames[20][1].astype(int) - draw_frame(20)).mean()


@pytest.mark.parametrize(("codec", "kind"), [("libx264", "h264"), ("mjpeg", "mjpeg")])
def test_pictures_without_a_container_have_no_times_and_are_taken_as_25_a_second(tmp_path, codec, kind):
    """As every player does, and it is said."""
    with open_file(str(write_film(tmp_path / f"v.{kind}", codec=codec, kind=kind))) as video:
        times = [shot.seconds for shot in video]
        assert [number / 25 for number in range(FRAMES)] == pytest.approx(times)
        assert "tells no times: 25 frames a second were assumed" in video.tell_remark()


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    """Telephones slow down in the dark, recordings of screens stand still."""
    ticks = [0, 1, 2, 20, 21, 60, 61, 62]
    frames, _ = read(str(write_film(tmp_path / "v.mp4", frames=len(ticks), ticks=ticks)))
    assert [tick / FPS for tick in ticks] == pytest.approx([seconds for seconds, _ in frames], abs=1e-3)


def test_pictures_that_begin_after_the_sound_are_shown_when_a_player_shows_them(tmp_path):
    """Half a second later."""
    path = write_film(tmp_path / "v.mkv", sound="mp3", ticks=range(6, FRAMES + 6))
    assert 0.5 == pytest.approx(read(str(path))[0][0][0], abs=0.03)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0, lambda frame: frame),
        (90, lambda frame: np.rot90(frame)),
        (180, lambda frame: np.rot90(frame, 2)),
        (-90, lambda frame: np.rot90(frame, -1)),
    ],
)
def test_a_film_is_upright_as_the_telephone_was_held(tmp_path, degrees, expected):
    """The file tells by how much players turn it anticlockwise."""
    frames, _ = read(str(write_film(tmp_path / "v.mp4", frames=2, rotation=degrees)))
    wanted = expected(draw_frame(0))
    assert wanted.shape == frames[0][1].shape
    assert 25 > np.abs(frames[0][1].astype(int) - wanted).mean()


def test_a_mirrored_film_is_mirrored_back_and_an_odd_angle_is_left_alone():
    """Cameras at the front of a telephone mirror; nothing turns by 45 degrees."""
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    one = 1 << 16
    assert np.array_equal(picture[:, ::-1], turn(picture, (-one, 0, 0, one)))
    assert picture is turn(picture, (one, one, -one, one))
    assert picture is turn(picture, None)


def test_pixels_that_are_wider_than_high_become_square(tmp_path):
    """DVDs and camcorders: a face would be looked at squeezed."""
    frames, _ = read(str(write_film(tmp_path / "v.mp4", frames=2, stretched="4/3")))
    assert (HEIGHT, WIDTH * 4 // 3, 3) == frames[0][1].shape


def test_an_open_file_is_read_too():
    """Without a name it is called video."""
    stream = io.BytesIO()
    write_film(stream, kind="matroska")
    stream.seek(0)
    assert FRAMES == len(read(stream)[0])
    assert "video" == name_video(stream)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("v.avi", KINDS["v.avi"]),
        ("v.mkv", {"codec": "mjpeg"}),
        ("v.flv", KINDS["v.flv"]),
        ("v.mp4", {"codec": "mjpeg", "options": {"movflags": "faststart"}}),
    ],
)
def test_a_file_that_breaks_off_gives_what_it_has_and_says_so(tmp_path, name, how):
    """A download that was cut, a full card."""
    path = write_film(tmp_path / name, **how)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    frames, damage = read(str(path))
    assert 2 < len(frames) < FRAMES
    assert "the file may be damaged, what it has was kept" in damage


def test_an_mp4_file_whose_index_was_never_written_is_told_as_that(tmp_path):
    """The usual end of a recording whose battery was empty."""
    path = write_film(tmp_path / "v.mp4")
    path.write_bytes(path.read_bytes().partition(b"moov")[0])
    with pytest.raises(DataError, match="its index is missing: the recording was not finished, or the download"):
        read(str(path))


def test_damage_in_the_middle_is_counted_and_the_rest_is_read(tmp_path):
    """A scratched disk."""
    path = write_film(tmp_path / "v.ts", kind="mpegts")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 1500] = bytes(1500)
    path.write_bytes(content)
    frames, damage = read(str(path))
    times = [seconds for seconds, _ in frames]
    assert len(frames) > FRAMES // 2
    assert times == sorted(times)
    assert 2.1 > times[-1]
    assert "of its frames are damaged, or do not decode" in damage


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("v.mp4", b"", "v.mp4: expected a video, found an empty file"),
        ("v.mp4", b"hello" * 100, "v.mp4: expected a video that FFmpeg can decode, found another or a broken file"),
        ("v.txt", b"hello" * 100, "v.txt: expected a video, found text"),
        ("v.m3u8", b"#EXTM3U\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n", "v.m3u8: expected a video"),
        ("v.concat", b"ffconcat version 1.0\nfile other.ts\n", "v.concat: "),
    ],
)
def test_what_is_no_video_is_told_in_one_line(tmp_path, monkeypatch, capfd, name, content, expected):
    """A list of other files is none either: nobody named those; and FFmpeg is silent."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(name)
    assert str(caught.value).startswith(expected)
    assert ("", "") == capfd.readouterr()


def test_a_missing_file_a_folder_and_sound_alone_are_told_in_one_line(tmp_path, monkeypatch):
    """Each as what it is."""
    monkeypatch.chdir(tmp_path)
    write_sound("sound.mka")
    (tmp_path / "folder.mp4").mkdir()
    expected = {
        "none.mp4": "none.mp4: expected a video, but the file does not exist",
        "folder.mp4": "folder.mp4: expected a video, found a folder",
        "sound.mka": "sound.mka: expected moving pictures, found sound alone",
        "ftp://a.example/v.mp4": "ftp://a.example/v.mp4: expected an address of a stream",
    }
    for name, words in expected.items():
        with pytest.raises(DataError) as caught:
            read(name)
        assert str(caught.value).startswith(words)


def test_without_pyav_one_line_says_what_to_install(monkeypatch):
    """Recognition of pictures does without it."""
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"is not installed: run  pip install 'mien\[video\]'"):
        reading.import_av()


def test_times_that_are_missing_go_on_and_times_that_start_anew_are_joined():
    """Joined recordings; some files tell no times at all."""
    clock = Clock(None, 10.0)
    assert [0.0, 0.1, 0.2] == pytest.approx([clock.tell(time) for time in (5.0, None, 5.2)])
    told = [clock.tell(1.0 + step / 10) for step in range(20)]
    assert [0.3 + step / 10 for step in range(9, 20)] == pytest.approx(told[9:])
    assert told == sorted(told)


def test_a_few_frames_out_of_order_do_not_move_the_times_of_all_others():
    """As a decoder gives them after damage."""
    clock = Clock(0.0, 10.0)
    assert [0.0, 0.1, 0.5, 0.5, 0.6] == pytest.approx([clock.tell(time) for time in (0.0, 0.1, 0.5, 0.2, 0.6)])


def test_a_password_is_not_part_of_a_name():
    """Names stand in tables and errors."""
    assert "rtsp://camera.example/1" == name_video("rtsp://me:pass@word@camera.example/1")
