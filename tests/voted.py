"""Two expressions of drawn faces as fer2013.csv, with votes that mostly agree, for tests of what learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
USAGES = {"Training": 40, "PublicTest": 12, "PrivateTest": 12}


def write_data(folder: Path) -> None:
    """Write two expressions as fer2013.csv, votes that mostly agree, and a list without the first ten of train."""
    rng = np.random.default_rng(0)
    table, votes, kept = ["emotion,pixels,Usage"], [HEADER], []
    names = dict(zip(USAGES, ("train", "valid", "test"), strict=True))
    for usage in (usage for usage, count in USAGES.items() for _ in range(count)):
        row = len(votes) - 1
        label = 3 + row % 2
        image = rng.integers(0, 100, (16, 16)) + 100 * (np.arange(16) // 8 == label - 3)[:, None]
        table.append(f"{label},{' '.join(map(str, image.reshape(-1)))},{usage}")
        happy, sad = (8, 2) if label == 3 else (2, 8)
        votes.append(f"{usage},fer{row:07d}.png,0,{happy},0,{sad},0,0,0,0,0,{0 if row else 10}")
        if row >= 10:
            kept.append(f"{names[usage]} {row}")
    (folder / "fer2013.csv").write_text("\n".join(table) + "\n")
    (folder / "fer2013new.csv").write_text("\n".join(votes) + "\n")
    (folder / "clean.txt").write_text("\n".join(kept) + "\n")
