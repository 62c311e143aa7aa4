"""Hooks of the site: pages that lie outside of docs/ come in under other names, and each package gets a page.

MkDocs calls the functions whose names begin with `on_`; `mkdocs.yml` names this file.
"""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "mien"

OUTSIDE = {
    "index.md": "README.md",
    "model-card.md": "MODEL_CARD.md",
    "benchmarks.md": "benchmarks/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "log.md": "dev/LOG.md",
    "LICENSE": "LICENSE",
}
"""Name in the site -> file in the repository."""

DISPLAY = {"span": "inline", "div": "block"}
"""Element around a formula -> how MathML calls its place."""

INSIDE = {source: name for name, source in OUTSIDE.items()}
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', flags=re.DOTALL)
LINK = re.compile(r'(\]\(|src=")(?!https?:|mailto:|#)([^)#"\s]+)')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages of the packages where mkdocs.yml leaves room for them."""
    for section in config.nav or []:
        for entry in section.get("Python", []) if isinstance(section, dict) else []:
            if isinstance(entry, dict) and "Rooms" in entry:
                entry["Rooms"] = [f"api/{name}.md" for name in list_packages()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file in docs/ holds."""
    for name, source in OUTSIDE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    for name in list_packages():
        files.append(File.generated(config, f"api/{name}.md", content=describe_package(name)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Let the links of a page, which hold in the repository, hold in the site."""
    here = OUTSIDE.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return LINK.sub(lambda found: found[1] + move_link(found[2], here, page.file.src_uri), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Write formulas as MathML, which browsers draw by themselves: no script is fetched for them."""
    return FORMULA.sub(lambda found: convert(unescape(found[2]), display=DISPLAY[found[1]]), html)


def move_link(target: str, source: str, name: str) -> str:
    """Return the link in page `name` of the site for `target`, which the file `source` of the repository links to.

    Where it leads to a file that the site lacks, it stays as it is, for the strict build to complain of.
    """
    meant = normpath(join(dirname(source), target))
    found = INSIDE.get(meant, meant.removeprefix("docs/") if meant.startswith("docs/") else None)
    return target if found is None else relpath(found, dirname(name) or ".")


def list_packages() -> list[str]:
    """Return the names of the packages inside mien that hold functions for programs."""
    return sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py") if path.parent.name != "cli")


def describe_package(name: str) -> str:
    """Return the page of a package: what its modules say of themselves, and their public functions and classes."""
    modules = sorted(path.stem for path in (PACKAGE / name).glob("*.py") if not path.stem.startswith("_"))
    parts = [
        f"# mien.{name}\n",
        f"::: mien.{name}\n    options:\n      show_root_heading: false\n      members: false\n",
    ]
    parts += [f"::: mien.{name}.{module}\n    options:\n      heading_level: 2\n" for module in modules]
    return "\n".join(parts)
