"""The page in a real browser: everything is drawn, nothing is asked of the network, it fits a phone and prints."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from mien.files import write_text
from mien.reports.gather import gather_report
from mien.reports.render import render_html
from reported import make_run

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MOST_BYTES = 3_000_000
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a report."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_CACHE", str(folder / "cache"))
        write_text(folder / "report.html", render_html(gather_report(make_run(folder)), "zh-TW"))
    return folder / "report.html"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a browser that notes what it says and what it asks for."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


def show(chromium: Any, page: Path, *, width: int = 1280, scheme: str = "light") -> None:
    """Open the page in a window of some width, with the colours that a reader prefers."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chromium.get(page.as_uri())


def test_the_console_stays_clean_and_no_request_leaves_the_file(chromium: Any, page: Path) -> None:
    """The page opens from disk, wherever it is sent."""
    show(chromium, page)
    messages = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    asked = [one["request"]["url"] for one in sent if one["documentURL"] == page.as_uri()]
    assert page.as_uri() in asked
    assert [] == [address for address in asked if address != page.as_uri() and not address.startswith("data:")]
    assert [] == chromium.get_log("browser")


def test_every_picture_and_every_plot_is_drawn(chromium: Any, page: Path) -> None:
    """With a size on the screen, and with pixels."""
    show(chromium, page)
    pictures = chromium.execute_script("return [...document.images].map(one => one.complete && one.naturalWidth)")
    assert len(pictures) > 10
    assert all(pictures)
    plots = chromium.execute_script(
        "return [...document.querySelectorAll('svg')].map(one => one.getBoundingClientRect().height)"
    )
    assert 4 == len(plots)
    assert all(height > 80 for height in plots)


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_the_page_fits_its_window(chromium: Any, page: Path, width: int) -> None:
    """Wide tables scroll within themselves; the page does not."""
    show(chromium, page, width=width)
    assert width >= chromium.execute_script("return document.documentElement.scrollWidth")


def test_the_page_is_dark_for_those_who_like_it_dark(chromium: Any, page: Path) -> None:
    """Paper, ink and plots change together."""
    found = {}
    for scheme in ("light", "dark"):
        show(chromium, page, scheme=scheme)
        found[scheme] = chromium.execute_script(
            "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,"
            " getComputedStyle(document.querySelector('.plot text')).fill]"
        )
    assert "rgb(255, 255, 255)" == found["light"][0]
    assert all(light != dark for light, dark in zip(found["light"], found["dark"], strict=True))


def test_the_page_prints(chromium: Any, page: Path) -> None:
    """As a file of a few pages."""
    show(chromium, page)
    printed = chromium.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    content = base64.b64decode(printed)
    assert content.startswith(b"%PDF")
    assert 2 <= content.count(b"/Type /Page\n") <= 20


def test_the_page_is_a_small_file(page: Path) -> None:
    """It can be sent by mail."""
    assert page.stat().st_size < MOST_BYTES
