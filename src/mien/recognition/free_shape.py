"""Let a network take pictures of any size. In: the bytes of an ONNX file. Out: the same network, its sizes left open.

A file states the size of what goes in and comes out, which onnxruntime insists on, and may state sizes inside, which it
plans memory by. A convolutional network needs none of them. The file is a Protocol Buffers message: numbered fields,
each with its length, so that a field can be changed or left out without knowing the others.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""How a field's value is written."""

GRAPH, INPUT, OUTPUT, VALUE_INFO = 7, 11, 12, 13
"""Fields of ModelProto and GraphProto in onnx.proto."""

DIMENSIONS = (2, 1, 2)
"""From a ValueInfoProto on: its type, the type of its tensor, the tensor's shape."""


def free_shape(model: bytes) -> bytes:
    """Return the network without sizes, but with the number of dimensions, of what goes in and comes out.

    Raises:
        ValueError: the bytes are no message.
    """
    return b"".join(
        _write(number, _free_graph(value)) if number == GRAPH and kind == BYTES else whole
        for number, kind, value, whole in _read_fields(model)
    )


def _free_graph(graph: bytes) -> bytes:
    parts = []
    for number, kind, value, whole in _read_fields(graph):
        if number in (INPUT, OUTPUT) and kind == BYTES:
            parts.append(_write(number, _free_value(value, DIMENSIONS)))
        elif number != VALUE_INFO:
            parts.append(whole)
    return b"".join(parts)


def _free_value(message: bytes, path: tuple[int, ...]) -> bytes:
    """Return a message in which each dimension below `path` says nothing."""
    if not path:
        return b"".join(_write(1, b"") for number, _, _, _ in _read_fields(message) if number == 1)
    return b"".join(
        _write(number, _free_value(value, path[1:])) if number == path[0] and kind == BYTES else whole
        for number, kind, value, whole in _read_fields(message)
    )


def _read_fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield number, kind and value of each field, and all of its bytes."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _read_varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            begin, (_, at) = at, _read_varint(message, at)
        elif kind == BYTES:
            length, begin = _read_varint(message, at)
            at = begin + length
        elif kind in (FIXED64, FIXED32):
            begin, at = at, at + (8 if kind == FIXED64 else 4)
        else:
            raise ValueError(f"a field of kind {kind}")
        if at > len(message):
            raise ValueError("a field that ends beyond the message")
        yield tag >> 3, kind, message[begin:at], message[start:at]


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, seven bits a byte, and where the next thing begins."""
    number = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise ValueError("a number without an end")


def _write(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | BYTES) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
