"""Mutated pictures through the reader of what comes from outside. In: a count and a seed. Out: what happened.

Every input follows from (seed, number), so that a finding can be made again. Each has to end as an array or as a
`DataError`, within seconds; a crash of the process itself names the range of numbers that it was in.

    python -m benchmarks.fuzz_pictures --count 100000            # 15 forms of the 7 oldest formats
    python -m benchmarks.fuzz_pictures --count 100000 --newer    # AVIF, HEIC, icons, films of pictures, deep pixels
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from io import BytesIO
from types import FrameType

import numpy as np
from PIL import Image

from mien.errors import DataError
from mien.recognition import read_picture
from mien.recognition.pictures import read_whole
from mien.synthetic import draw_faces

CHUNK = 5_000
SECONDS_EACH = 10
MAX_PIXELS = 1 << 22
MEMORY_BYTES = 4 << 30
SPARED_SIDE = 20
"""Pixels that are enough: JPEGs are decoded smaller, too, and then at all of their pixels."""

ODD_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)


def main() -> None:
    """Fuzz in processes of their own, a chunk each, and print the table."""
    options = parse_options()
    if options.start is not None:
        seeds = make_newer_seeds() if options.newer else make_seeds()
        print(fuzz(seeds, options.seed, range(options.start, options.start + options.count)))
        return
    outcomes, begin, crashes = Counter[str](), time.perf_counter(), 0
    for start in range(0, options.count, CHUNK):
        count = min(CHUNK, options.count - start)
        command = [sys.executable, "-m", "benchmarks.fuzz_pictures", "--seed", str(options.seed)]
        command += ["--newer"] if options.newer else []
        done = subprocess.run([*command, "--start", str(start), "--count", str(count)], capture_output=True, text=True)
        if done.returncode:
            crashes += 1
            print(f"numbers {start} to {start + count - 1}: the process ended with {done.returncode}\n{done.stderr}")
            continue
        for line in done.stdout.splitlines():
            name, _, number = line.rpartition(" ")
            outcomes[name] += int(number)
        print(f"{start + count:,} of {options.count:,}", file=sys.stderr)
    print(f"{sum(outcomes.values()):,} inputs, seed {options.seed}, {time.perf_counter() - begin:.0f} s")
    for name, number in outcomes.most_common():
        print(f"| {name} | {number:,} |")
    sys.exit(crashes or any(name.startswith("FAILED") for name in outcomes))


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, help="run these numbers in this process")
    parser.add_argument("--newer", action="store_true", help="change pictures of newer formats and odder forms")
    return parser.parse_args()


def fuzz(seeds: list[bytes], seed: int, numbers: range) -> str:
    """Return a line `outcome count` for each outcome of these inputs, changed from `seeds`."""
    limit_memory()
    signal.signal(signal.SIGALRM, give_up)
    outcomes = Counter(read(mutate(seeds, np.random.default_rng((seed, number))), number) for number in numbers)
    return "\n".join(f"{name} {count}" for name, count in outcomes.items())


def limit_memory() -> None:
    """Let an allocation of gigabytes fail instead of the machine."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def give_up(number: int, frame: FrameType | None) -> None:
    """End a reader that hangs."""
    raise TimeoutError


def read(data: bytes, number: int) -> str:
    """Return how reading ended; what ought not to happen begins with FAILED."""
    signal.alarm(SECONDS_EACH)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", module="PIL")  # remarks on damaged metadata, which `mien` ignores, too
            picture = read_picture(data, max_pixels=MAX_PIXELS, on_remark=lambda remark: None)
            spared = read_whole(data, max_pixels=MAX_PIXELS, on_remark=lambda remark: None, enough=SPARED_SIDE)
        more = spared.decode_more() if spared.decode_more is not None else spared
        is_right = picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8 and picture.size > 0
        is_right = is_right and np.array_equal(more.pixels, picture) and spared.pixels.size > 0
        return "a picture" if is_right else f"FAILED an array {picture.shape} at {number}"
    except DataError as error:
        return type(error).__name__ if "\n" not in str(error) else f"FAILED two lines at {number}"
    except BaseException as error:
        return f"FAILED {type(error).__name__} at {number}: {str(error)[:80]}"
    finally:
        signal.alarm(0)


def draw_seed(*, orientation: int) -> tuple[Image.Image, Image.Image, Image.Image, Image.Exif]:
    """Return a face in grey, in colour and in 16 bits, and what tells a reader to turn it."""
    grey = Image.fromarray(draw_faces(["happy"], np.random.default_rng(0), size=48)[0])
    turned = Image.Exif()
    turned[0x0112] = orientation
    return grey, grey.convert("RGB"), Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), turned


def make_seeds() -> list[bytes]:
    """Return small pictures in 15 forms of the formats that every Pillow reads; their order is part of each number."""
    grey, colour, deep, turned = draw_seed(orientation=6)
    return [
        save(grey, "JPEG"),
        save(colour, "JPEG", progressive=True, exif=turned),
        save(colour.convert("CMYK"), "JPEG"),
        save(grey, "PNG"),
        save(deep, "PNG"),
        save(colour.convert("RGBA"), "PNG"),
        save(colour.quantize(16), "PNG", transparency=3),
        save(colour, "GIF"),
        save(grey, "GIF", save_all=True, append_images=[grey.rotate(90)]),
        save(colour, "BMP"),
        save(grey, "TIFF", compression="tiff_lzw"),
        save(colour, "TIFF", exif=turned),
        save(colour, "WEBP"),
        save(colour, "PPM"),
        save(deep, "PPM"),
    ]


def make_newer_seeds() -> list[bytes]:
    """Return small pictures in formats that need a newer Pillow or pillow-heif, and in forms that are rarely met."""
    from pillow_heif import register_heif_opener

    register_heif_opener()
    grey, colour, deep, turned = draw_seed(orientation=8)
    return [
        save(colour, "AVIF"),
        save(colour.convert("RGBA"), "AVIF", exif=turned),
        save(colour, "AVIF", save_all=True, append_images=[colour.rotate(90)]),
        save(colour, "HEIF"),
        save(grey, "HEIF"),
        save(colour.convert("RGBA"), "HEIF", exif=turned),
        save(colour, "ICO", sizes=[(16, 16), (32, 32), (48, 48)]),
        save(colour, "ICO", sizes=[(16, 16), (32, 32)], bitmap_format="bmp"),
        save(colour, "WEBP", lossless=True),
        save(colour, "WEBP", save_all=True, append_images=[colour.rotate(90)]),
        save(colour, "PNG", save_all=True, append_images=[colour.rotate(90)]),
        save(grey.convert("1"), "PNG"),
        save(grey.convert("1"), "TIFF", compression="group4"),
        save(Image.fromarray(np.asarray(grey).astype(np.float32) / 255), "TIFF"),
        save(deep, "TIFF", compression="tiff_adobe_deflate"),
        save(colour, "TIFF", compression="jpeg"),
        save(colour.convert("CMYK"), "TIFF"),
        save(grey.convert("1"), "PPM"),
        save(colour.quantize(16), "BMP"),
    ]


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of a picture file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def mutate(seeds: list[bytes], rng: np.random.Generator) -> bytes:
    """Return one of the seeds after one to four changes."""
    data = bytearray(seeds[rng.integers(len(seeds))])
    for _ in range(rng.integers(1, 5)):
        change = CHANGES[rng.integers(len(CHANGES))]
        change(data, rng, seeds)
        if not data:
            break
    return bytes(data)


def pick_place(data: bytearray, rng: np.random.Generator) -> int:
    """Return a position, a quarter of the time within the first 64 bytes, where headers are."""
    return int(rng.integers(min(64, len(data)) if rng.random() < 0.25 else len(data)))


def set_byte(data: bytearray, rng: np.random.Generator, seeds: list[bytes]) -> None:
    """Give a byte any value."""
    data[pick_place(data, rng)] = int(rng.integers(256))


def set_odd(data: bytearray, rng: np.random.Generator, seeds: list[bytes]) -> None:
    """Fill one to four bytes with a value at which counters turn over."""
    place = pick_place(data, rng)
    data[place : place + int(rng.integers(1, 5))] = bytes([int(rng.choice(ODD_BYTES))] * int(rng.integers(1, 5)))


def flip_bit(data: bytearray, rng: np.random.Generator, seeds: list[bytes]) -> None:
    """Turn one bit."""
    data[pick_place(data, rng)] ^= 1 << int(rng.integers(8))


def cut_end(data: bytearray, rng: np.random.Generator, seeds: list[bytes]) -> None:
    """End early."""
    del data[pick_place(data, rng) :]


def cut_middle(data: bytearray, rng: np.random.Generator, seeds: list[bytes]) -> None:
    """Leave some bytes out."""
    place = pick_place(data, rng)
    del data[place : place + int(rng.integers(1, 40))]


def repeat_part(data: bytearray, rng: np.random.Generator, seeds: list[bytes]) -> None:
    """Say something twice."""
    place = pick_place(data, rng)
    data[place:place] = data[place : place + int(rng.integers(1, 200))]


def splice(data: bytearray, rng: np.random.Generator, seeds: list[bytes]) -> None:
    """Go on as another picture does."""
    other = seeds[rng.integers(len(seeds))]
    place = pick_place(data, rng)
    data[place:] = other[place:]


CHANGES = (set_byte, set_odd, flip_bit, cut_end, cut_middle, repeat_part, splice)

if __name__ == "__main__":
    main()
