"""`mien serve` as its clients meet it: a process of its own, spoken to over sockets, well and badly."""

from __future__ import annotations

import re
import socket
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from serving import Server, draw_noise, encode, make_form, run_serve

from conftest import ROOT, run_mien, wait_until
from mien import Recogniser
from mien.cli.serve import PACKAGES, serve
from mien.errors import ConfigError
from mien.server import open_socket
from tiny_network import write_network

RECOGNISE = "/v1/recognise?detect=false"
FACE = encode(draw_noise())


def declare_png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG that promises so many pixels and holds none."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">II", zlib.crc32(head), 0) + b"IDAT"


BOMB = declare_png(20_000, 20_000)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small network."""
    return write_network(tmp_path_factory.mktemp("network") / "tiny.onnx")


@pytest.fixture(scope="module")
def server(network: Path) -> Iterator[Server]:
    """Yield a server with its usual limits that could not write a temporary file if it wanted to."""
    with run_serve("--run", network, TMPDIR="/nowhere") as running:
        yield running


@pytest.fixture(scope="module")
def strict(network: Path) -> Iterator[Server]:
    """Yield a server with narrow limits, a token and one friend."""
    limits = ("--max-pending", 1, "--max-bytes", 50_000, "--max-pixels", 10_000, "--client-seconds", 600)
    secret = {"MIEN_TOKEN": "open"}
    with run_serve("--run", network, *limits, "--allow-origin", "https://friend.example", **secret) as running:
        yield running


def test_a_picture_is_answered_as_the_library_answers(server: Server, network: Path) -> None:
    """Raw bytes are enough; the figures are those of `Recogniser`."""
    expected = [face.to_dict() for face in Recogniser(network).recognise(FACE, detect=False)]
    reply = server.ask(RECOGNISE, FACE)
    (picture,) = reply.json()["pictures"]
    assert (200, 40, 40) == (reply.status, picture["width"], picture["height"])
    for face, wanted in zip(picture["faces"], expected, strict=True):
        assert pytest.approx(wanted.pop("probabilities"), abs=1e-6) == face.pop("probabilities")
        assert pytest.approx(wanted.pop("confidence"), abs=1e-6) == face.pop("confidence")
        assert wanted == face


def test_several_files_of_a_form_are_answered_in_their_order(server: Server) -> None:
    """With their names, a large one too: nothing goes through a temporary file."""
    large = encode(draw_noise(side=1600))
    assert len(large) > 1 << 21
    body, headers = make_form(("b.png", FACE), ("ä.png", large), ("a.png", FACE))
    pictures = server.ask(RECOGNISE, body, **headers).json()["pictures"]
    assert [("b.png", 40), ("ä.png", 1600), ("a.png", 40)] == [(item["name"], item["width"]) for item in pictures]
    assert pictures[0]["faces"] == pictures[2]["faces"] != pictures[1]["faces"]


def test_a_picture_without_a_face_has_an_empty_list(server: Server) -> None:
    """That is an answer, not an error."""
    reply = server.ask("/v1/recognise", encode(np.full((80, 80), 128, np.uint8)))
    assert (200, []) == (reply.status, reply.json()["pictures"][0]["faces"])


def test_many_clients_at_once_get_the_answers_they_get_alone(server: Server) -> None:
    """Though their faces share batches."""
    bodies = [encode(draw_noise(seed)) for seed in range(12)]
    alone = [server.ask(RECOGNISE, body).json()["pictures"][0]["faces"][0]["probabilities"] for body in bodies]
    with ThreadPoolExecutor(12) as clients:
        replies = list(clients.map(lambda body: server.ask(RECOGNISE, body), bodies))
    for expected, reply in zip(alone, replies, strict=True):
        assert pytest.approx(expected, abs=1e-6) == reply.json()["pictures"][0]["faces"][0]["probabilities"]


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (415, b"dear diary", "body: expected a picture, found 10 bytes that are none"),
        (415, b"", "body: expected a picture, found an empty file"),
        (422, encode(draw_noise(side=90), "JPEG")[:-900], "body: expected a whole picture, found a broken one"),
        (413, BOMB, "body: expected a picture of at most 5792x5792 pixels, found 400,000,000 pixels"),
    ],
    ids=["text", "nothing", "cut off", "bomb"],
)
def test_a_bad_picture_is_refused_in_one_line(server: Server, status: int, body: bytes, detail: str) -> None:
    """With the status that says whose fault it is."""
    reply = server.ask(RECOGNISE, body)
    assert (status, detail) == (reply.status, reply.json()["detail"][: len(detail)])


def test_a_bad_form_is_refused_in_one_line(server: Server) -> None:
    """A broken one, one without files, one with a file that is no picture, one with too many."""
    form = {"Content-Type": "multipart/form-data; boundary=edge"}
    many, _ = make_form(*[("a.png", b"")] * 33)
    notes, _ = make_form(("a.png", FACE), ("notes.txt", b"dear diary"))
    refused = [server.ask(RECOGNISE, body, **form) for body in (b"--edge oh", b"--edge--\r\n", notes, many)]
    assert [400, 422, 415, 400] == [reply.status for reply in refused]
    assert "notes.txt: expected a picture, found 10 bytes that are none" == refused[2].json()["detail"]


def test_an_impossible_option_is_refused_in_one_line(server: Server) -> None:
    """In the form of every other refusal."""
    reply = server.ask("/v1/recognise?detect=perhaps", FACE)
    assert 422 == reply.status
    assert reply.json()["detail"].startswith("detect: Input should be a valid boolean")


def test_a_form_without_a_boundary_is_refused(server: Server) -> None:
    """It cannot be cut up."""
    assert 400 == server.ask(RECOGNISE, b"x", **{"Content-Type": "multipart/form-data"}).status


@pytest.mark.parametrize("size", [50_001, 4_000_000])
def test_a_body_over_the_limit_is_refused_and_the_client_hears_it(strict: Server, size: int) -> None:
    """Even one that had not finished sending; a small limit is told with its number."""
    reply = strict.ask(RECOGNISE, bytes(size), Authorization="Bearer open")
    assert 413 == reply.status
    assert "expected a body of at most 50,000 bytes, found a larger one" == reply.json()["detail"]


def test_a_body_of_unknown_length_is_refused_while_it_is_read(strict: Server) -> None:
    """Sent in chunks, it says nothing of its size."""
    chunks = (bytes(10_000) for _ in range(20))
    assert 413 == strict.ask(RECOGNISE, chunks, Authorization="Bearer open").status


def test_a_picture_over_the_limit_of_pixels_is_refused(strict: Server) -> None:
    """Before it is decoded: the header says enough."""
    reply = strict.ask(RECOGNISE, declare_png(101, 100), Authorization="Bearer open")
    assert "body: expected a picture of at most 100x100 pixels, found 101x100" == reply.json()["detail"]
    assert 413 == reply.status


def test_more_than_the_pending_requests_are_told_to_come_back(strict: Server) -> None:
    """While one is under way the server is alive, but not ready."""
    with strict.begin(FACE, sent=10, authorization="Bearer open") as first:
        wait_until_busy(strict)
        refused = strict.ask(RECOGNISE, FACE, Authorization="Bearer open")
        assert (503, "1") == (refused.status, refused.headers["retry-after"])
        assert (200, 503) == (strict.ask("/healthz").status, strict.ask("/readyz").status)
        first.sendall(FACE[10:])
        assert first.recv(100).startswith(b"HTTP/1.1 200 ")
    assert (200, 200) == (strict.ask(RECOGNISE, FACE, Authorization="Bearer open").status, strict.ask("/readyz").status)


def wait_until_busy(server: Server) -> None:
    """Return as soon as the server counts as many requests as it takes."""
    wait_until(lambda: server.ask("/readyz").status == 503)


def takes_connections(server: Server) -> bool:
    """Tell whether anybody listens on the server's port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", server.port)) == 0


def test_sigterm_finishes_what_was_begun(network: Path) -> None:
    """The process ends with status 0, and nobody is cut off."""
    with (
        run_serve("--run", network, "--max-pending", 1, "--client-seconds", 600) as server,
        server.begin(FACE, sent=10) as first,
    ):
        wait_until_busy(server)
        server.process.terminate()
        wait_until(lambda: not takes_connections(server))
        first.sendall(FACE[10:])
        assert first.recv(100).startswith(b"HTTP/1.1 200 ")
        assert 0 == server.process.wait()


@pytest.fixture(scope="module")
def hasty(network: Path) -> Iterator[Server]:
    """Yield a server that gives its clients a second."""
    with run_serve("--run", network, "--client-seconds", 1) as running:
        yield running


def test_a_body_that_trickles_is_given_up(hasty: Server) -> None:
    """408 after the seconds that a client has."""
    head = b"POST /v1/recognise HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nslow"
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_trickles_is_cut_off(hasty: Server) -> None:
    """Such a connection would cost a client nothing and the server a place."""
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert b"" == connection.recv(100)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer shut"}, {"Authorization": "Basic open"}])
def test_without_the_token_nothing_is_recognised(strict: Server, header: dict[str, str]) -> None:
    """Nor told about the network and the counters."""
    assert [401] * 3 == [strict.ask(path, **header).status for path in ("/v1/model", "/metrics", "/v1/elsewhere")]
    refused = strict.ask(RECOGNISE, FACE, **header)
    assert (401, "Bearer") == (refused.status, refused.headers["www-authenticate"])


def test_the_token_opens_and_the_page_needs_none(strict: Server) -> None:
    """A page that asks for the token has to load without it."""
    assert 200 == strict.ask(RECOGNISE, FACE, Authorization="Bearer open").status
    paths = ("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/page/app.js")
    assert [200] * 6 == [strict.ask(path).status for path in paths]


def test_a_page_can_be_asked_for_its_head(server: Server) -> None:
    """As watchers of websites do."""
    replies = [server.ask(path, method="HEAD") for path in ("/", "/docs", "/page/app.js")]
    assert [(200, b"")] * 3 == [(reply.status, reply.body) for reply in replies]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"Origin": "https://elsewhere.example"}),
        (403, {"Origin": "null"}),
        (403, {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}),
        (403, {"Sec-Fetch-Site": "same-site"}),
        (200, {"Origin": "http://localhost:9", "Host": "localhost:9"}),
        (421, {"Origin": "https://mien.example", "Host": "mien.example"}),
        (200, {"Origin": "https://behind.a.proxy", "Sec-Fetch-Site": "same-origin"}),
        (200, {"Sec-Fetch-Site": "none"}),
    ],
)
def test_pages_of_other_sites_may_not_ask(server: Server, status: int, headers: dict[str, str]) -> None:
    """A form needs no permission to be sent across sites, so the server itself has to refuse."""
    assert status == server.ask(RECOGNISE, FACE, **headers).status


def test_a_page_of_an_allowed_origin_may_ask(strict: Server) -> None:
    """It gets its preflight and its answer; another origin gets neither."""
    friend = {"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    before = strict.ask(RECOGNISE, method="OPTIONS", **friend, **asked)
    answer = strict.ask(RECOGNISE, FACE, Authorization="Bearer open", **friend)
    assert (200, 200) == (before.status, answer.status)
    assert {"https://friend.example"} == {reply.headers["access-control-allow-origin"] for reply in (before, answer)}
    stranger = strict.ask(RECOGNISE, FACE, Authorization="Bearer open", Origin="https://elsewhere.example")
    assert (403, None) == (stranger.status, stranger.headers.get("access-control-allow-origin"))


def test_the_counters_count(server: Server) -> None:
    """Requests by route and status, pictures and batches; a path that a client invents is `other`."""
    server.ask(RECOGNISE, FACE)
    server.ask("/v1/nonsense-7f3a")
    text = server.ask("/metrics").body.decode()
    assert 'mien_requests_total{path="/v1/recognise",status="200"}' in text
    assert 'mien_requests_total{path="other",status="404"}' in text
    assert "mien_batch_faces_bucket" in text
    assert "mien_requests_pending 0.0" in text
    assert "nonsense" not in text


def test_the_model_and_the_description_can_be_read(server: Server) -> None:
    """The card of the network; every status that recognition may answer with."""
    assert {"name": "tiny"} == server.ask("/v1/model").json()["recipe"]
    operation = server.ask("/openapi.json").json()["paths"]["/v1/recognise"]["post"]
    assert {"200", "400", "401", "403", "408", "413", "415", "421", "422", "503"} == set(operation["responses"])


def test_a_second_server_on_the_port_ends_in_one_line(server: Server, network: Path) -> None:
    """Before the network is loaded."""
    result = run_mien("serve", "--port", server.port, "--run", network)
    expected = f"mien: --port {server.port}: another program listens there"
    assert (2, expected, "") == (result.status, result.err.partition(";")[0], result.out)
    assert 1 == result.err.count("\n")


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    """By name, in one line."""
    with pytest.raises(ConfigError, match=f"^`host` {host}"):
        open_socket(host, 0)


def test_an_empty_token_is_refused(network: Path) -> None:
    """It would look like protection."""
    with pytest.raises(ConfigError, match=r"^--token: expected at least one character"):
        serve(port=0, run=network, token="")


def test_every_package_that_the_server_needs_stands_in_its_extra() -> None:
    """So that the install command that a newcomer is told is the right one."""
    extra = re.search(r"^serve = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE)
    assert extra is not None
    assert set(PACKAGES) <= set(re.findall(r'"([\w-]+)>', extra[1].replace("-", "_")))
