"""Films for tests, written with PyAV: a square that drifts, bright above in the first half and below in the second."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mien.recognition import Box

FRAMES, FPS = 24, 12
HEIGHT, WIDTH = 64, 96


def draw_frame(number):
    """Return uint8 (64, 96, 3): a square that drifts, bright at the top in the first half, at the bottom later."""
    frame = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    left = 10 + number % FRAMES
    rows = slice(12, 24) if number % FRAMES < FRAMES // 2 else slice(36, 48)
    frame[rows, left : left + 36] = 250
    return frame


def find_square(picture):
    """Return where the square is: its bright stripe tells left and width."""
    columns = np.flatnonzero((picture[12:48] > 150).any(axis=(0, 2)))
    return [Box(left=int(columns[0]), top=12, width=36, height=36)] if len(columns) else []


def write_film(
    path,
    *,
    codec="libx264",
    kind=None,
    frames=FRAMES,
    ticks=None,
    sound=None,
    rotation=None,
    stretched=None,
    options=None,
    sound_from=0.0,
    draw=draw_frame,
):
    """Write a film and return its path.

    Args:
        path: a path, or an open file.
        codec: of the pictures.
        kind: of the container, as FFmpeg calls it; None: by the suffix.
        frames: how many.
        ticks: when each is shown, in twelfths of a second; None: one after the other.
        sound: codec of a tone as long as the film; None: no sound.
        rotation: degrees, anticlockwise, by which players turn it.
        stretched: how many times as wide as high a pixel is.
        options: of the container.
        sound_from: seconds at which the tone begins.
        draw: returns the frame of a number.
    """
    target = str(path) if isinstance(path, (str, Path)) else path
    with av.open(target, "w", format=kind, options=options or {}) as container:
        height, width = draw(0).shape[:2]
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if stretched is not None:
            stream.codec_context.sample_aspect_ratio = Fraction(stretched)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        voice = None if sound is None else container.add_stream(sound, rate=44_100)
        for number in range(frames):
            image = av.VideoFrame.from_ndarray(draw(number), format="rgb24")
            image.pts = number if ticks is None else ticks[number]
            container.mux(stream.encode(image))
        container.mux(stream.encode())
        if voice is not None:
            write_tone(container, voice, frames / FPS, sound_from)
    return path


def write_sound(path):
    """Write a file that holds a tone of a second alone."""
    with av.open(str(path), "w") as container:
        write_tone(container, container.add_stream("mp3", rate=44_100), 1.0, 0.0)


def write_tone(container, voice, seconds, start):
    """Write a tone of 440 Hz."""
    rate = voice.codec_context.sample_rate
    layout = voice.codec_context.layout.name
    channels = voice.codec_context.layout.nb_channels
    count = voice.codec_context.frame_size or 1024
    for begin in range(0, round(seconds * rate), count):
        wave = np.sin(2 * np.pi * 440 * np.arange(begin, begin + count) / rate) * 8000
        samples = np.repeat(wave.astype(np.int16)[:, None], channels, axis=1)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, begin + round(start * rate), Fraction(1, rate)
        for converted in av.AudioResampler(voice.codec_context.format, layout, rate).resample(frame):
            container.mux(voice.encode(converted))
    container.mux(voice.encode())


def read_times(path):
    """Return the seconds at which each frame of a film is shown."""
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]
