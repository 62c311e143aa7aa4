"""What is a video, and what is a stream? In: a name, the first bytes of a file. Out: yes or no; nothing is decoded."""

from __future__ import annotations

import re
from collections.abc import Sequence

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".mkv", ".mk3d", ".webm", ".avi", ".divx", ".flv"),
    *(".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".mpv", ".vob", ".vro", ".ts", ".mts", ".m2ts", ".m2t", ".tp", ".trp"),
    *(".wmv", ".asf", ".wtv", ".rm", ".rmvb", ".ogv", ".ogm", ".dv", ".mxf", ".gxf", ".nut", ".y4m", ".ivf", ".amv"),
    *(".mjpeg", ".mjpg", ".h264", ".264", ".h265", ".265", ".hevc", ".lrv", ".insv"),
)
"""Of files that are looked at in folders; a file that is named may have any other, or none."""

SHARED_SUFFIXES = (".ts", ".mts", ".tp", ".rm", ".dv", ".dat", ".mod", ".tod", ".gif", ".bin", ".tmp", ".part")
"""Other files have them, too (TypeScript, for one), or a video under another's name: in folders the content decides."""

SNIFFED_BYTES = 1024

STREAM_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "tcp", "srt", "http", "https", "mmsh")
"""Of addresses that moving pictures are read from."""

_SIGNATURES = (
    rb"....(?:ftyp(?!avif|avis|hei[cxms]|hev[cxms]|mif1|msf1|jxl |M4A |M4B )|moov|mdat|wide|pnot)",
    rb"(?:....(?:free|skip).{,1000}?)(?:ftyp|moov|mdat)",
    rb"\x1aE\xdf\xa3",  # Matroska, WebM
    rb"RIFF....(?:AVI |AVIX|AMV )",
    rb"FLV\x01",
    rb"OggS(?=.*(?:theora|OVP80|\x01video|dirac|daala))",
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    rb"\x00\x00\x01(?:\xba|\xb3|\xb0|\xb5)",  # MPEG program stream, MPEG-1, -2 and -4 without a container
    rb"\x00?\x00\x00\x01(?:[\x27\x47\x67][\x42\x4d\x58\x64\x6e\x7a\xf4]|\x09[\x10\x30\x50\xf0])",  # H.264
    rb"\x00?\x00\x00\x01[\x40\x46]\x01",  # H.265
    rb"\x1f\x07\x00",  # DV
    rb"YUV4MPEG2 |DKIF\0\0|nut/multimedia container|\.RMF\0\0\0|\x06\x0e\x2b\x34\x02\x05\x01\x01",
    rb"\xb7\xd8\x00\x20\x37\x49\xda\x11",  # Windows Media Center
    rb"\x00\x00\x00\x00\x01\xbc\x00\x00\x00\x00\xe1\xe2",  # GXF
)
_KNOWN = re.compile(b"|".join(b"(?:" + signature + b")" for signature in _SIGNATURES), re.DOTALL)
_PACKETS = (188, 192, 204)
"""Bytes of a packet of an MPEG transport stream: broadcast, Blu-ray and camcorders, with error correction."""


def is_video_content(head: bytes) -> bool:
    r"""Tell whether a file is a video by its first `SNIFFED_BYTES`.

    >>> is_video_content(b"\0\0\0\x18ftyp3gp5"), is_video_content(b"\0\0\0\x18ftypavif"), is_video_content(b"\x89PNG")
    (True, False, False)
    """
    return _KNOWN.match(head) is not None or _is_transport_stream(head)


def sniff(file: str) -> bool:
    """Tell whether the content of a file is that of a video; one that cannot be read is none."""
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 (a Path costs ten times as much)
            return is_video_content(opened.read(SNIFFED_BYTES))
    except (OSError, ValueError):
        return False


def is_stream(text: str, schemes: Sequence[str] = STREAM_SCHEMES) -> bool:
    """Tell whether a text is an address that moving pictures can be read from.

    >>> is_stream("rtsp://camera.example/1"), is_stream("ftp://a.example/b.mp4"), is_stream("C:/b.mp4")
    (True, False, False)
    """
    scheme, colon, _ = text.strip().partition("://")
    return bool(colon) and scheme.lower() in schemes


def name_stream(address: str) -> str:
    """Return an address as it may be shown and stored: without user and password.

    >>> name_stream("rtsp://admin:secret@camera.example:554/1")
    'rtsp://camera.example:554/1'
    """
    return re.sub(r"^\s*([A-Za-z][\w+.-]*://)[^/?#]*@", r"\1", address).strip()


def _is_transport_stream(head: bytes) -> bool:
    """Tell whether the byte 0x47 comes back at the distance of packets; a stream that was cut begins anywhere."""
    for packet in _PACKETS:
        for start in range(packet):
            places = range(start, len(head), packet)
            if len(places) >= 4 and all(head[place] == 0x47 for place in places):
                return True
    return False
