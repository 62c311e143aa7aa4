"""Servers on 127.0.0.1 that stream films: HTTP, a camera that sends JPEGs, and RTSP."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av


@contextmanager
def serve(answer):
    """Yield the address of an HTTP server on which `answer(handler)` answers each GET."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                answer(self)
            except OSError:
                return  # who watches went away

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def send_file(content, kind="video/mp2t"):
    """Return an answer: the content of a file."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def send_jpegs(pictures):
    """Return an answer: a part for each picture, as cameras in a network send them."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        for picture in pictures:
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            handler.wfile.write(head.encode() + picture + b"\r\n")

    return answer


def packetise(pictures):
    """Return the packets of RTP of JPEG pictures, as FFmpeg writes them to a socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.2)
        packets = []
        address = f"rtp://127.0.0.1:{receiver.getsockname()[1]}"
        with av.open(address, "w", format="rtp") as container:
            stream = container.add_stream("mjpeg", rate=12, options={"huffman": "default"})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "yuvj420p"
            for number, picture in enumerate(pictures):
                image = av.VideoFrame.from_ndarray(picture, format="rgb24")
                image.pts = number
                container.mux(stream.encode(image))
                packets += _drain(receiver)
            container.mux(stream.encode())
            packets += _drain(receiver)
    return [packet for packet in packets if packet[1] & 0x7F == 26]  # the others are reports of RTCP


def _drain(receiver):
    packets = []
    while True:
        try:
            packets.append(receiver.recv(65_536))
        except TimeoutError:
            return packets


@contextmanager
def serve_rtsp(packets):
    """Yield the address of an RTSP server that sends packets of JPEG within its connection, then ends it."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def answer_one():
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            while request := _read_request(lines):
                connection.sendall(_answer(request, port))
                if request[0].startswith("PLAY"):
                    for packet in packets:
                        connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
                    return

    thread = threading.Thread(target=answer_one, daemon=True)
    thread.start()
    try:
        yield f"rtsp://me:secret@127.0.0.1:{port}/live"
    finally:
        listener.close()
        thread.join(5)


def _read_request(lines):
    request = []
    while line := lines.readline().decode().strip():
        request.append(line)
    return request


def _answer(request, port):
    number = next(line.partition(":")[2].strip() for line in request if line.lower().startswith("cseq"))
    head, body = f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n", ""
    if request[0].startswith("OPTIONS"):
        head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
    elif request[0].startswith("DESCRIBE"):
        body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=film\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n"
        head += f"Content-Base: rtsp://127.0.0.1:{port}/live/\r\nContent-Type: application/sdp\r\n"
        head += f"Content-Length: {len(body)}\r\n"
    elif request[0].startswith("SETUP"):
        head += "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
    elif request[0].startswith("PLAY"):
        head += "Session: 1\r\n"
    return f"{head}\r\n{body}".encode()
