"""The page keeps the content security policy that is sent with it, and names nothing outside of the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mien.server.app import PAGE
from mien.server.guard import POLICY

FILES = sorted(PAGE.iterdir())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_names_no_other_server(path: Path) -> None:
    """The name of SVG's own namespace is no address to load from."""
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert [] == re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text)


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".html"], ids=lambda path: path.name)
def test_a_page_has_nothing_inline(path: Path) -> None:
    """Neither scripts nor styles nor handlers: the policy would stop them."""
    text = path.read_text(encoding="utf-8")
    assert [] == re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:", text)


def test_every_file_that_a_page_names_is_there() -> None:
    """And every file in the folder is named by a page or a script."""
    texts = "".join(path.read_text(encoding="utf-8") for path in FILES)
    named = set(re.findall(r"(?:page/|\./)([\w.]+\.\w+)", texts)) | {"index.html", "reference.html"}
    assert {path.name for path in FILES} == named


def test_the_policy_allows_the_server_itself_alone() -> None:
    """No wildcard, nothing inline, nothing evaluated."""
    allowed = {source for rule in POLICY.split(";") for source in rule.split()[1:]}
    assert {"'none'", "'self'", "blob:"} == allowed
