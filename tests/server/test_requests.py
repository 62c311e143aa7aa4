"""What clients send besides files, and under which names: JSON, texts, DeepFace's requests, slow heads."""

from __future__ import annotations

import base64
import json
import re
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from serving import Server, draw_noise, encode, make_form, run_serve

from conftest import ROOT
from mien.beliefs.base_rates import shift_rates
from tiny_network import CLASSES, write_network, write_readable

RECOGNISE = "/v1/recognise?detect=false"
FACE = encode(draw_noise())
CODED = base64.b64encode(FACE).decode()
URL = f"data:image/png;base64,{CODED}"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=edge"}
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small network."""
    return write_network(tmp_path_factory.mktemp("network") / "tiny.onnx", rates=(0.5, 0.3, 0.2))


@pytest.fixture(scope="module")
def server(network: Path) -> Iterator[Server]:
    """Yield a server with its usual limits that could not write a temporary file if it wanted to."""
    with run_serve("--run", network, TMPDIR="/nowhere") as running:
        yield running


@pytest.fixture(scope="module")
def known(network: Path) -> Iterator[Server]:
    """Yield a server that is known under another name, too, and whose clients have two seconds."""
    with run_serve("--run", network, "--allow-host", "Mien.Example:443", "--client-seconds", 2) as running:
        yield running


def write_field(name: str, text: str) -> bytes:
    """Return the body of a form with one text."""
    return f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n--edge--\r\n'.encode()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (json.dumps({"image": CODED}), JSON),
        (json.dumps({"img": URL}), JSON),
        (json.dumps({"images": [URL]}), {"Content-Type": "application/vnd.client+json"}),
        (json.dumps({"image": URL}), {"Content-Type": "application/x-www-form-urlencoded"}),  # what curl -d says
        (URL, {"Content-Type": "text/plain"}),
        (write_field("image", CODED), FORM),
        (write_field("img", URL), FORM),
        (write_field("file", json.dumps({"img": URL})), FORM),
    ],
    ids=["base64", "data URL", "list", "JSON unsaid", "data URL alone", "form", "form with data URL", "form with JSON"],
)
def test_a_picture_as_text_is_answered_like_the_file_itself(
    server: Server, body: str | bytes, headers: dict[str, str]
) -> None:
    """Whatever packs it."""
    expected = server.ask(RECOGNISE, FACE).json()["pictures"][0]["faces"]
    reply = server.ask(RECOGNISE, body, **headers)
    assert (200, expected) == (reply.status, reply.json()["pictures"][0]["faces"])


def test_large_texts_and_options_beside_pictures_are_taken(server: Server) -> None:
    """More than a mebibyte in a field; `detect` in JSON; several pictures in their order."""
    large = base64.b64encode(encode(draw_noise(side=1200))).decode()
    assert len(large) > MEBIBYTE
    assert 1200 == server.ask(RECOGNISE, write_field("image", large), **FORM).json()["pictures"][0]["width"]
    body = json.dumps({"images": [URL, large], "detect": False})
    pictures = server.ask("/v1/recognise", body, **JSON).json()["pictures"]
    assert [("images 0", 40, 1), ("images 1", 1200, 1)] == [
        (one["name"], one["width"], len(one["faces"])) for one in pictures
    ]


@pytest.mark.parametrize(
    ("status", "body", "headers", "detail"),
    [
        (400, "{", JSON, "the JSON cannot be read: Expecting property name"),
        (400, "[" * 900, JSON, "the JSON cannot be read: "),
        (400, "[" * 9000, JSON, "the JSON cannot be read: expected at most 1000 values, found more"),
        (422, "[1]", JSON, 'expected a JSON object such as {"image": "data:image/jpeg;base64,…"}, found a list'),
        (422, '{"picure": "x"}', JSON, "expected a picture in JSON such as"),
        (422, '{"image": 3}', JSON, "image: expected base64 or a data URL, found a number"),
        (422, '{"image": "C:\\\\a.jpg"}', JSON, "image: expected base64 or a data URL, found 'C:"),
        (422, '{"image": "https://a.example/b.jpg"}', JSON, "image: expected base64 or a data URL, found an address"),
        (422, '{"image": "data:image/png;base64,"}', JSON, "image: expected base64 or a data URL, found"),
        (415, '{"image": "aGVsbG8gdGhlcmU="}', JSON, "image: expected a picture, found 11 bytes that are none"),
        (422, json.dumps({"image": URL, "detect": "perhaps"}), JSON, "detect: expected true or false, found 'perhaps'"),
        (400, json.dumps({"images": [URL] * 33}), JSON, "expected at most 32 pictures, found 33"),
        (
            422,
            write_field("note", "hello"),
            FORM,
            "expected at least one file in the form, or a text in the field image",
        ),
        (415, "<html></html>", {}, "body: expected a picture, found a web page: fetch the picture itself"),
    ],
)
def test_a_bad_text_is_refused_in_one_line(
    server: Server, status: int, body: str | bytes, headers: dict[str, str], detail: str
) -> None:
    """With the place, the expected and the found, and never more than a part of it."""
    reply = server.ask(RECOGNISE, body, **headers)
    assert (status, detail) == (reply.status, reply.json()["detail"][: len(detail)])
    assert 300 >= len(reply.json()["detail"])


def test_deepface_s_request_is_answered_in_its_form(server: Server) -> None:
    """Percent, the dominant one, a region, and how sure the detector is."""
    probabilities = server.ask(RECOGNISE, FACE).json()["pictures"][0]["faces"][0]["probabilities"]
    asked = {"img_path": URL, "actions": ["emotion"], "detector_backend": "skip", "anti_spoofing": False}
    (result,) = server.ask("/analyze", json.dumps(asked), **JSON).json()["results"]
    assert {name: pytest.approx(100 * value) for name, value in probabilities.items()} == result["emotion"]
    assert max(probabilities, key=probabilities.__getitem__) == result["dominant_emotion"]
    assert set(CLASSES) == set(result["emotion"])
    assert ({"x": 0, "y": 0, "w": 40, "h": 40}, 0.0) == (result["region"], result["face_confidence"])


def test_deepface_s_other_requests_are_refused_or_answered_in_words(server: Server) -> None:
    """No face, other actions, several pictures; a form with a file is fine."""
    flat = {"img": "data:image/png;base64," + base64.b64encode(encode(np.full((80, 80), 128, np.uint8))).decode()}
    none = server.ask("/analyze", json.dumps(flat), **JSON)
    assert (400, "img: expected a face, found none") == (none.status, none.json()["detail"].rpartition(":")[0])
    whole = server.ask("/analyze", json.dumps({**flat, "enforce_detection": False}), **JSON)
    assert (200, 80) == (whole.status, whole.json()["results"][0]["region"]["w"])
    age = server.ask("/analyze", json.dumps({**flat, "actions": ["age", "emotion"]}), **JSON)
    assert (422, True) == (age.status, age.json()["detail"].startswith('actions: expected ["emotion"], found'))
    body, headers = make_form(("a.png", FACE), ("b.png", FACE))
    assert (422, "expected one picture, found 2") == (
        (two := server.ask("/analyze", body, **headers)).status,
        two.json()["detail"],
    )


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.8.8.8", "[::1]:8000", "a.localhost"]
)
def test_a_loopback_server_answers_to_loopback_s_names(server: Server, host: str) -> None:
    """With any port: a tunnel may have another."""
    assert 200 == server.ask(RECOGNISE, FACE, Host=host).status


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evil.example:8000", "192.0.2.1", "[2001:db8::1]"]
)
def test_a_loopback_server_answers_to_no_other_name(server: Server, host: str) -> None:
    """Whoever owns the name may let it lead here: neither the page, nor the state, nor the faces are told."""
    replies = [server.ask(path, Host=host) for path in ("/", "/healthz", "/metrics", "/v1/model")]
    replies.append(server.ask(RECOGNISE, FACE, Host=host, Origin=f"http://{host}"))
    assert [421] * 5 == [reply.status for reply in replies]
    name = host.removesuffix(":8000").strip("[]")
    assert (
        f"expected the host localhost, found {name}: the server's --allow-host allows one"
        == replies[0].json()["detail"]
    )


def test_a_name_that_was_allowed_is_answered(known: Server) -> None:
    """Its own page may ask, another's may not, and other names stay refused."""
    own = {"Host": "mien.example", "Origin": "https://mien.example"}
    assert 200 == known.ask(RECOGNISE, FACE, **own).status
    assert 403 == known.ask(RECOGNISE, FACE, **{**own, "Origin": "https://evil.example"}).status
    assert 421 == known.ask(RECOGNISE, FACE, Host="evil.example").status


def test_a_server_for_others_answers_to_any_name(network: Path) -> None:
    """Unless its names are told: it cannot know them."""
    with run_serve("--run", network, "--host", "0.0.0.0", "--token", "open") as server:  # noqa: S104
        assert 200 == server.ask("/healthz", Host="anything.example").status


def test_a_second_head_that_trickles_is_cut_off_too(known: Server) -> None:
    """After an answer on the same connection; meanwhile others are answered."""
    with socket.create_connection(("127.0.0.1", known.port), timeout=240) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(1000)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        assert 200 == known.ask("/healthz").status
        assert b"" == connection.recv(1000)


def test_many_requests_on_one_connection_are_answered(known: Server) -> None:
    """Each head has its own seconds: none is cut off for those before it."""
    connection = HTTPConnection("127.0.0.1", known.port, timeout=240)
    for _ in range(3):
        connection.request("POST", RECOGNISE, body=FACE)
        response = connection.getresponse()
        assert (200, True) == (response.status, bool(response.read()))
    connection.close()


def test_a_telephone_s_picture_beyond_the_limit_of_pixels_is_answered(server: Server) -> None:
    """50 megapixels, decoded at a half; a PNG of as many is refused."""
    picture, stream = Image.new("L", (8192, 6144), 90), BytesIO()
    picture.save(stream, "JPEG")
    answer = server.ask(RECOGNISE, stream.getvalue()).json()["pictures"][0]
    assert (8192, 6144) == (answer["width"], answer["height"])
    assert ["body: 8192x6144 pixels are looked at as 4096x3072; places are told in its own"] == answer["remarks"]
    assert 413 == server.ask(RECOGNISE, encode(np.asarray(picture))).status


def read_memory(server: Server, name: str) -> float:
    """Return a figure of the server's process in MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc, which only Linux has")
def test_a_form_is_held_once(network: Path) -> None:
    """Eight forms of 20 MiB that wait take little more than their size, and at most one is copied at a time."""
    junk = np.random.default_rng(0).bytes(20 * MEBIBYTE - 1000)
    body, headers = make_form(("a.jpg", junk))
    with run_serve("--run", network, "--threads", 1, "--client-seconds", 60) as server:
        server.ask(RECOGNISE, *make_form(("a.png", FACE))[:1], **headers)
        before = read_memory(server, "VmRSS")
        head = f"POST {RECOGNISE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        clients = [socket.create_connection(("127.0.0.1", server.port), timeout=240) for _ in range(8)]
        for client in clients:
            client.sendall(head.encode() + b"\r\n" + body[:-1])
        for client in clients:
            client.sendall(body[-1:])
        assert {b"HTTP/1.1 415 "} == {client.recv(1000)[:13] for client in clients}
        for client in clients:
            client.close()
        assert 8 * 20 + 2 * 20 + 40 > read_memory(server, "VmHWM") - before


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("labels=ferplus8", "labels: expected detect or prior"),
        ("Detect=false", "Detect: expected detect or prior; did you mean detect?"),
        ("detect=true", "detect: expected once, found it twice"),
        ("coverage=2", "coverage: expected detect or prior"),
    ],
)
def test_what_the_address_asks_for_is_heard_or_refused(server: Server, more: str, told: str) -> None:
    """Nobody shall believe that another answer was given than there was."""
    refused = server.ask(f"{RECOGNISE}&{more}", FACE)
    assert (422, told) == (refused.status, refused.json()["detail"])


def test_what_stands_beside_a_picture_is_heard_or_refused(server: Server) -> None:
    """In JSON as in the address."""
    beside = json.dumps({"image": CODED, "labels": "ferplus8"}).encode()
    refused = server.ask(RECOGNISE, beside, **JSON)
    assert (422, "labels: expected detect or prior") == (refused.status, refused.json()["detail"])


def test_a_request_may_name_its_base_rates(server: Server) -> None:
    """In the address or beside the picture; what is impossible is told in words."""
    own = server.ask(RECOGNISE, FACE).json()["pictures"][0]["faces"][0]["probabilities"]
    expected = shift_rates(np.array([list(own.values())]), (0.5, 0.3, 0.2), (1 / 3,) * 3)[0]
    beside = json.dumps({"image": CODED, "prior": "uniform"}).encode()
    for reply in (server.ask(f"{RECOGNISE}&prior=uniform", FACE), server.ask(RECOGNISE, beside, **JSON)):
        found = reply.json()["pictures"][0]["faces"][0]["probabilities"]
        assert pytest.approx(expected.tolist(), abs=1e-5) == list(found.values())
    refused = server.ask(f"{RECOGNISE}&prior=estimate", FACE)
    assert 422 == refused.status
    assert "prior" in refused.json()["detail"]


def test_what_is_not_readable_has_no_expression_in_any_answer(tmp_path: Path) -> None:
    """Null in ours, and in DeepFace's where a face is not insisted on; it is counted under its own name."""
    network, black = write_readable(tmp_path / "readable.onnx"), encode(np.zeros((40, 40), np.uint8))
    with run_serve("--run", network) as running:
        (face,) = running.ask(RECOGNISE, black).json()["pictures"][0]["faces"]
        assert (None, 0.0, {}, [], False) == tuple(
            face[name] for name in ("expression", "confidence", "probabilities", "expressions", "readable")
        )
        asked = {"img": "data:image/png;base64," + base64.b64encode(black).decode(), "enforce_detection": False}
        (result,) = running.ask("/analyze", json.dumps(asked), **JSON).json()["results"]
        assert (None, {}) == (result["dominant_emotion"], result["emotion"])
        assert b'mien_faces_total{expression="not readable"} 2.0' in running.ask("/metrics").body
        shifted = running.ask(f"{RECOGNISE}&prior=uniform", black)
        assert 422 == shifted.status  # the network tells no rates; what it is asked is refused as ever
    with run_serve("--run", network, "--min-readability", 0) as running:
        (face,) = running.ask(RECOGNISE, black).json()["pictures"][0]["faces"]
        assert (True, True) == (face["readable"], face["expression"] in CLASSES)


def test_deepface_s_clients_are_told_of_no_face_where_none_can_be_read() -> None:
    """A find of the detector that the network calls unreadable is no face to whoever insists on one."""
    portrait = "data:image/jpeg;base64," + base64.b64encode((ROOT / "docs" / "astronaut.jpg").read_bytes()).decode()
    with run_serve("--min-readability", 1) as strict:
        told = strict.ask("/analyze", json.dumps({"img": portrait}), **JSON)
        assert (400, True) == (told.status, "found nothing that can be read as one" in told.json()["detail"])
        asked = json.dumps({"img": portrait, "enforce_detection": False})
        (result,) = strict.ask("/analyze", asked, **JSON).json()["results"]
        assert (None, True) == (result["dominant_emotion"], result["region"]["w"] < 200)
