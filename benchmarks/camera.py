"""How many pictures of the camera the page has answered a second, and where the processors' time goes.

    python -m benchmarks.camera [--photograph docs/astronaut.jpg] [--seconds 20] [--size 640x480]

Starts `mien serve` and a headless Chromium whose camera plays a film in which the photograph sways, and lets them run.
Prints pictures a second on the clock, the milliseconds that one is under way, and milliseconds of processors a picture
for the server and each kind of process of the browser, which mean something beside other programs, too.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By

from benchmarks.load import tell_processor_seconds

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1280,900"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
)
FRAMES = 60
PICTURES = "mien_pictures_total"
WARM_PICTURES = 20


def write_film(path: Path, photograph: Path, size: tuple[int, int]) -> None:
    """Write an MJPEG film of (width, height) pixels: the photograph sways before a grey wall."""
    side = min(size) * 3 // 4
    with Image.open(photograph) as opened:
        face = opened.convert("RGB").resize((side, side))
    with path.open("wb") as film:
        for number in range(FRAMES):
            frame = Image.new("RGB", size, (150, 150, 150))
            across = 0.5 + 0.4 * np.sin(2 * np.pi * number / FRAMES)
            frame.paste(face, (round((size[0] - side) * across), (size[1] - side) // 2))
            frame.save(film, "JPEG", quality=90)


def start_browser(film: Path) -> webdriver.Chrome:
    """Return a Chromium whose camera plays the film."""
    options = webdriver.ChromeOptions()
    if path := shutil.which("chromium"):
        options.binary_location = path
    for flag in (*FLAGS, f"--use-file-for-fake-video-capture={film}"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def list_browser(driver: Any) -> dict[int, str]:
    """Return the browser's processes: number and kind."""
    parents, kinds = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            words = (folder / "cmdline").read_bytes().decode().replace("\0", " ").split()
        except (OSError, IndexError):
            continue  # it ended meanwhile
        kind = next((word.partition("=")[2] for word in words if word.startswith("--type=")), "browser")
        sub = next((word.rpartition("=")[2] for word in words if word.startswith("--utility-sub-type=")), "")
        kinds[int(folder.name)] = sub.partition(".")[0] or kind
    found, new = set[int](), {driver.service.process.pid}
    while new:
        found |= new
        new = {pid for pid, parent in parents.items() if parent in found} - found
    return {pid: kinds[pid] for pid in found}


def read_counters(port: int) -> dict[str, float]:
    """Return the server's counters by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def wait_for_pictures(port: int, count: float) -> None:
    """Return when the server has answered so many."""
    while read_counters(port)[PICTURES] < count:
        time.sleep(0.2)


def measure(driver: Any, server: subprocess.Popen[str], port: int, seconds: float) -> None:
    """Let the camera run and print what was measured."""
    driver.get(f"http://127.0.0.1:{port}/")
    driver.find_element(By.ID, "camera").click()
    wait_for_pictures(port, WARM_PICTURES)

    def read_times() -> Counter[str]:
        spent = Counter[str]()
        for pid, kind in {**list_browser(driver), server.pid: "server"}.items():
            spent[kind] += tell_processor_seconds(pid)
        return spent

    before, counted, start = read_times(), read_counters(port), time.perf_counter()
    time.sleep(seconds)
    wait_for_pictures(port, counted[PICTURES] + 1)
    clock, after, counts = time.perf_counter() - start, read_times(), read_counters(port)
    pictures = counts[PICTURES] - counted[PICTURES]
    faces = sum(counts[name] - counted.get(name, 0.0) for name in counts if name.startswith("mien_faces_total"))
    spent = {kind: 1000 * (after[kind] - before[kind]) / pictures for kind in after}
    told = driver.find_element(By.ID, "speed").text
    print(f"{pictures / clock:.1f} pictures a second, {faces / pictures:.2f} faces in each; the page says: {told}")
    rows = sorted(((value, kind) for kind, value in spent.items() if value >= 0.05), reverse=True)
    print(f"{sum(spent.values()):.1f} ms of processors a picture: ", end="")
    print(", ".join(f"{kind} {value:.1f}" for value, kind in rows))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photograph", type=Path, default=Path("docs/astronaut.jpg"))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--size", default="640x480", help="of the camera, WIDTHxHEIGHT")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mjpeg"
        write_film(film, options.photograph, (width, height))
        command = [sys.executable, "-m", "mien", "serve", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            driver = None
            try:
                assert server.stdout is not None
                port = int(server.stdout.readline().split()[0].rpartition(":")[2])
                driver = start_browser(film)
                measure(driver, server, port, options.seconds)
            finally:
                if driver is not None:
                    driver.quit()
                server.terminate()


if __name__ == "__main__":
    main()
