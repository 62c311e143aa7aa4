"""What a picture's header promises, where Pillow asks too late or not at all. In: the bytes of a file. Out: sizes.

An icon may hold a PNG of any size, a reader of JPEG XL decodes when it opens, and whether a JPEG can be decoded smaller
in little memory depends on how its scans are laid out.
"""

from __future__ import annotations

import struct

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_ICONS = 64


def is_sequential_jpeg(data: bytes) -> bool:
    """Tell whether a JPEG holds all colours in one pass: then decoding it smaller takes the memory of the small one.

    Progressive files, and those with a scan for each colour, are kept in memory whole, however small they come out.
    """
    place, channels = 2, 0
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
            continue
        if marker in (0xC0, 0xC1) and place + 9 < len(data):
            channels = data[place + 9]
        if marker == 0xDA:
            return 0 < channels == data[place + 4]
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return False


def list_icon_sizes(data: bytes) -> list[tuple[int, int]]:
    """Return (width, height) of the pictures inside of an ICO, as they themselves tell; [] for other files."""
    if data[:4] != b"\0\0\1\0":
        return []
    sizes = []
    for index in range(min(int.from_bytes(data[4:6], "little"), _MOST_ICONS)):
        start = int.from_bytes(data[18 + 16 * index : 22 + 16 * index], "little")
        head = data[start : start + 24]
        if head.startswith(_PNG) and len(head) == 24:
            sizes.append(struct.unpack(">II", head[16:24]))
        elif len(head) >= 12:
            width, height = struct.unpack("<ii", head[4:12])
            sizes.append((abs(width), abs(height)))
    return sizes


def read_jpeg_xl_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG XL, by ISO/IEC 18181-1, section D.2; None if there is no header to be found."""
    stream = data if data[:2] == b"\xff\x0a" else _find_codestream(data)
    if stream[:2] != b"\xff\x0a" or len(stream) < 12:
        return None
    bits, place = int.from_bytes(stream[2:12], "little"), 0

    def take(count: int) -> int:
        nonlocal place
        place += count
        return (bits >> (place - count)) & ((1 << count) - 1)

    small = take(1)

    def read_side() -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    height = read_side()
    ratio = take(3)
    if not ratio:
        return read_side(), height
    above, below = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return height * above // below, height


def _find_codestream(data: bytes) -> bytes:
    """Return the beginning of the codestream in a container of boxes."""
    place = 0
    while place + 8 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        head = 8
        if length == 1:
            length, head = int.from_bytes(data[place + 8 : place + 16], "big"), 16
        if kind in (b"jxlc", b"jxlp"):
            start = place + head + (4 if kind == b"jxlp" else 0)
            return data[start : start + 12]
        if length < head:
            break
        place += length
    return b""
