"""The page in a real browser: a picture, the camera, the keyboard alone; a clean console, no request elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from serving import Server, encode, run_serve

from conftest import ROOT
from mien.labels import EXPRESSIONS
from mien.recognition.face import Box, Crop, Face
from mien.recognition.layout import lay_out, tell_face
from scenes import WIDTH, choose_faces, paste_faces, write_film
from tiny_network import write_network, write_readable

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PATIENCE_SECONDS = 240
pytestmark = [pytest.mark.slow, pytest.mark.browser]
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--window-size=1280,900",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a network, a picture of two faces, one of none, a text, and a film for the camera."""
    folder = tmp_path_factory.mktemp("page")
    write_network(folder / "tiny.onnx", classes=EXPRESSIONS)
    write_readable(folder / "readable.onnx", classes=EXPRESSIONS)
    for name, grey in (("black", 0), ("bright", 200)):
        (folder / f"{name}.png").write_bytes(encode(np.full((300, 400), grey, np.uint8)))
    faces = choose_faces(2)
    (folder / "two.png").write_bytes(encode(paste_faces(faces)))
    (folder / "none.png").write_bytes(encode(paste_faces([])))
    (folder / "notes.png").write_text("dear diary")
    write_film(folder / "film.mjpeg", faces)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """Yield a server."""
    with run_serve("--run", folder / "tiny.onnx") as running:
        yield running


@pytest.fixture(scope="module")
def chromium(folder: Path) -> Iterator[Any]:
    """Yield a browser whose camera plays the film."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--use-file-for-fake-video-capture={folder / 'film.mjpeg'}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(PATIENCE_SECONDS)
    yield driver
    driver.quit()


@pytest.fixture
def page(chromium: Any, server: Server) -> Iterator[Any]:
    """Yield the browser with the page open; afterwards its console has to be clean, and nobody else asked."""
    chromium.get(f"http://127.0.0.1:{server.port}/")
    yield chromium
    if "MIEN_SCREENSHOTS" in os.environ:
        chromium.save_screenshot(
            f"{os.environ['MIEN_SCREENSHOTS']}/{os.environ['PYTEST_CURRENT_TEST'].split(':')[2].split()[0]}.png"
        )
    assert [] == [entry for entry in chromium.get_log("browser") if "status of 415" not in entry["message"]]
    assert {f"127.0.0.1:{server.port}"} == {address.split("/")[2] for address in list_addresses(chromium)}


def list_addresses(chromium: Any) -> list[str]:
    """Return what the page asked for over the network."""
    events = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [address for address in asked if address.startswith(("http", "ws"))]


def wait(page: Any, *, boxes: int | None = None, status: str | None = None) -> None:
    """Wait until so many boxes stand over the picture, or the status holds this text."""
    patience = WebDriverWait(page, PATIENCE_SECONDS)
    if boxes is not None:
        patience.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, ".box")) == boxes)
    if status is not None:
        patience.until(lambda page: status in page.find_element(By.ID, "status").text)


def choose(page: Any, path: Path) -> None:
    """Choose a file."""
    page.find_element(By.ID, "file").send_keys(str(path))


def test_a_chosen_picture_gets_boxes_and_bars(page: Any, server: Server, folder: Path) -> None:
    """As many and where the server says; every bar as long as its probability."""
    picture = (folder / "two.png").read_bytes()
    (expected,) = server.ask("/v1/recognise", picture).json()["pictures"]
    choose(page, folder / "two.png")
    wait(page, boxes=2, status="2 faces: ")
    for face, box, card in zip(
        expected["faces"],
        page.find_elements(By.CSS_SELECTOR, ".box"),
        page.find_elements(By.CLASS_NAME, "card"),
        strict=True,
    ):
        assert pytest.approx(100 * face["crop"]["left"] / WIDTH, abs=0.1) == float(
            page.execute_script("return parseFloat(arguments[0].style.left)", box)
        )
        fills = page.execute_script(
            "return [...arguments[0].querySelectorAll('.fill')].map(b => parseFloat(b.style.width))", card
        )
        assert pytest.approx([100 * share for share in face["probabilities"].values()], abs=0.1) == fills
        told = tell_face(Face(**{**face, "box": Box(**face["box"]), "crop": Crop(**face["crop"])}))
        name, _, sure = told.partition(" ") if told.endswith("%") else (told, "", "")
        assert name == card.find_element(By.CLASS_NAME, "best").text.lower()
        assert sure == card.find_element(By.CLASS_NAME, "sure").text


def draw_crowd(seed: int) -> list[Face]:
    """Return faces of all sizes, turned or not, some without a box, as sure and as clear as chance will have it."""
    rng = np.random.default_rng(seed)
    faces = []
    for side in sorted(rng.integers(10, 260, 30).tolist(), reverse=True):
        left, top = int(rng.integers(0, 1000 - side)), int(rng.integers(0, 700 - side))
        shares = rng.dirichlet(np.full(7, rng.uniform(0.1, 2.0)))
        probabilities = dict(zip(EXPRESSIONS, shares.tolist(), strict=True))
        best = max(probabilities, key=probabilities.__getitem__)
        faces.append(
            Face(
                box=Box(left=left, top=top, width=side, height=side),
                expression=best,
                confidence=probabilities[best],
                probabilities=probabilities,
                crop=Crop(left=left - 9, top=top + 5, side=side, turn=30.0) if rng.integers(2) else None,
                is_clear=bool(rng.integers(5)),
            )
        )
    # Those that are not readable have no expression.
    none = {"expression": None, "confidence": 0.0, "probabilities": {}, "readable": False}
    faces = [replace(face, **none) if rng.integers(5) == 0 else face for face in faces]
    whole = {"expression": "sad", "confidence": 0.6, "probabilities": {"sad": 0.6, "fear": 0.4}}
    return faces if seed else [Face(box=None, **whole)]


@pytest.mark.parametrize("seed", range(4))
def test_the_page_lays_names_out_as_drawings_do(page: Any, seed: int) -> None:
    """The same words, places and fonts, to a millionth of a pixel."""
    faces = draw_crowd(seed)
    expected = [asdict(mark) for mark in lay_out(faces, width=1000, height=700, smallest=11.0)]
    script = """const [faces, done] = arguments;
        import("/page/layout.js").then((layout) => done(layout.layOut(faces, {width: 1000, height: 700}, 11)))"""
    found = page.execute_async_script(script, [face.to_dict() for face in faces])
    assert [mark["text"] for mark in expected] == [mark["text"] for mark in found]
    for mark, other in zip(expected, found, strict=True):
        assert pytest.approx([mark["font"], *(mark["place"] or [])], abs=1e-6) == [
            other["font"],
            *(other["place"] or []),
        ]
        assert [mark[name] for name in ("is_number", "is_sure", "is_clear")] == [
            other[name] for name in ("isNumber", "isSure", "isClear")
        ]


def test_names_on_the_page_cover_no_face_and_fit_their_labels(page: Any, folder: Path) -> None:
    """As they come out on the screen, in the letters that the browser has."""
    choose(page, folder / "two.png")
    wait(page, boxes=2)
    measured = page.execute_script(
        """const edges = (one) => { const r = one.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
        return [...document.querySelectorAll(".label:not([hidden])")].map((label) =>
            [label.scrollWidth - label.clientWidth, edges(label),
             [...document.querySelectorAll(".outline")].map(edges)])"""
    )
    assert 2 == len(measured)
    for beyond, (left, top, right, bottom), frames in measured:
        assert beyond <= 0
        for frame in frames:
            assert left >= frame[2] - 1 or right <= frame[0] + 1 or top >= frame[3] - 1 or bottom <= frame[1] + 1


def count_bars(page: Any) -> list[int]:
    """Return how many bars each card has."""
    return [len(card.find_elements(By.CSS_SELECTOR, ".row")) for card in page.find_elements(By.CLASS_NAME, "card")]


def test_what_is_not_readable_has_words_and_no_bars_on_the_page(page: Any, server: Server, folder: Path) -> None:
    """A dark picture as one face; the next picture, which can be read, has bars again."""
    with run_serve("--run", folder / "readable.onnx", "--detector", "none") as strict:
        page.get(f"http://127.0.0.1:{strict.port}/")
        for name, bars in (("black.png", 0), ("bright.png", 7), ("black.png", 0)):
            choose(page, folder / name)
            WebDriverWait(page, PATIENCE_SECONDS).until(lambda page, bars=bars: [bars] == count_bars(page))
            wait(page, status="not readable" if not bars else "1 face: ")
            told = [page.find_element(By.CLASS_NAME, one).text.lower() for one in ("best", "label")]
            assert [not bars] * 2 == [text == "not readable" for text in told]
        list_addresses(page)  # those of this server are looked at no further
    page.get(f"http://127.0.0.1:{server.port}/")


def test_the_page_names_its_network(page: Any) -> None:
    """By the recipe that it was trained with."""
    WebDriverWait(page, PATIENCE_SECONDS).until(
        lambda page: page.find_element(By.ID, "model").text == "Network: tiny, 7 expressions."
    )


def test_a_picture_without_faces_says_so(page: Any, folder: Path) -> None:
    """It is no error."""
    choose(page, folder / "none.png")
    wait(page, boxes=0, status="No face was found.")


def test_a_file_that_is_no_picture_is_told_in_words(page: Any, folder: Path) -> None:
    """And the next picture works again."""
    choose(page, folder / "notes.png")
    wait(page, status="This file is not a picture that the server can read.")
    choose(page, folder / "two.png")
    wait(page, boxes=2)


def test_the_camera_is_recognised_as_it_runs(page: Any) -> None:
    """Boxes follow the swaying faces, mirrored as in a looking-glass; the button stops and releases it."""
    page.find_element(By.ID, "camera").click()
    wait(page, boxes=2, status="2 faces: ")
    left = "return parseFloat(document.querySelector('.box').style.left)"
    first = page.execute_script(left)
    WebDriverWait(page, PATIENCE_SECONDS).until(lambda page: abs(page.execute_script(left) - first) > 1)
    assert "ms a picture" in page.find_element(By.ID, "speed").text
    assert page.execute_script("return getComputedStyle(document.getElementById('video')).transform").startswith(
        "matrix(-1"
    )
    if "MIEN_SCREENSHOTS" in os.environ:
        page.save_screenshot(f"{os.environ['MIEN_SCREENSHOTS']}/camera.png")
    page.find_element(By.ID, "camera").click()
    wait(page, boxes=0, status="The camera is off.")
    assert page.execute_script("return document.getElementById('video').srcObject") is None


def test_the_keyboard_alone_is_enough(page: Any, folder: Path) -> None:
    """Tab reaches the file, the camera and every face; Enter chooses; Escape ends the camera; focus can be seen."""
    reached = tab_through(page)
    assert ["file", "camera"] == [name for name in reached if name in ("file", "camera")]
    press(page, Keys.ENTER)
    wait(page, boxes=2)
    assert "camera" == page.switch_to.active_element.get_attribute("id")
    press(page, Keys.ESCAPE)
    wait(page, boxes=0)
    choose(page, folder / "two.png")
    wait(page, boxes=2)
    second = page.find_elements(By.CSS_SELECTOR, ".box")[1]
    assert "false" == second.get_attribute("aria-pressed")
    assert "Face 2 of 2" in tab_through(page, until="Face 2 of 2")[-1]
    press(page, Keys.ENTER)
    assert "true" == second.get_attribute("aria-pressed")
    assert "none" != page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")


def press(page: Any, key: str) -> None:
    """Press a key, whatever has the focus."""
    ActionChains(page).send_keys(key).perform()


def test_the_camera_is_measured_with_the_work_of_each_process() -> None:
    """The benchmark lets a page of its own run, and every picture of its film shows one face."""
    command = [sys.executable, "-m", "benchmarks.camera", "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    assert re.match(r"\d+\.\d pictures a second, 1\.\d\d faces in each", done.stdout)
    assert {"server", "renderer", "browser"} <= set(
        re.findall(r"([\w-]+) \d+\.\d(?:, |$)", done.stdout.splitlines()[1])
    )


def tab_through(page: Any, *, until: str = "camera", steps: int = 12) -> list[str]:
    """Press Tab until the element of this name has the focus; return the names of all on the way."""
    names: list[str] = []
    page.execute_script("document.activeElement.blur()")
    while len(names) < steps and not (names and until in names[-1]):
        press(page, Keys.TAB)
        focused = page.switch_to.active_element
        names.append(focused.get_attribute("aria-label") or focused.get_attribute("id") or focused.text)
    return names


def test_a_dropped_picture_is_recognised(page: Any, folder: Path) -> None:
    """Anywhere on the page."""
    pixels = list((folder / "two.png").read_bytes())
    page.execute_script(
        """const files = new DataTransfer();
        files.items.add(new File([new Uint8Array(arguments[0])], "two.png", {type: "image/png"}));
        document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));""",
        pixels,
    )
    wait(page, boxes=2)


def test_a_screen_reader_is_told_names_and_figures(page: Any, folder: Path) -> None:
    """Every control and picture has a name, and the figures stand in a table."""
    choose(page, folder / "two.png")
    wait(page, boxes=2)
    tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")]
    controls = [(role, name) for role, name in named if role in ("button", "image", "link", "table", "list", "status")]
    assert [] == [(role, name) for role, name in controls if not name and role not in ("list", "status")]
    assert 2 == sum(role == "table" for role, _ in named)
    assert 14 == sum(role == "rowheader" for role, _ in named)


def test_the_page_fits_a_phone(page: Any, folder: Path) -> None:
    """Nothing has to be scrolled sideways."""
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    choose(page, folder / "two.png")
    wait(page, boxes=2)
    assert 390 == page.execute_script("return document.documentElement.scrollWidth")
    if "MIEN_SCREENSHOTS" in os.environ:
        page.save_screenshot(f"{os.environ['MIEN_SCREENSHOTS']}/phone.png")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_token_is_asked_for_once(chromium: Any, folder: Path) -> None:
    """And then the picture that was refused is recognised."""
    with run_serve("--run", folder / "tiny.onnx", "--token", "open sesame") as server:
        chromium.get(f"http://127.0.0.1:{server.port}/")
        choose(chromium, folder / "two.png")
        wait(chromium, status="This server asks for its token.")
        chromium.switch_to.active_element.send_keys("open sesame", Keys.ENTER)
        wait(chromium, boxes=2)
        assert {"401"} == {entry["message"].split("status of ")[1][:3] for entry in chromium.get_log("browser")}
        list_addresses(chromium)


def test_the_reference_lists_every_route(page: Any, server: Server) -> None:
    """From the description that the server makes of itself."""
    page.get(f"http://127.0.0.1:{server.port}/docs")
    expected = list(server.ask("/openapi.json").json()["paths"])
    WebDriverWait(page, PATIENCE_SECONDS).until(
        lambda page: len(page.find_elements(By.CLASS_NAME, "operation")) == len(expected)
    )
    headings = [element.text for element in page.find_elements(By.CSS_SELECTOR, ".operation h2")]
    assert expected == [f"/{heading.partition('/')[2]}" for heading in headings]
