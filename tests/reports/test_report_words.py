"""The two languages of a report."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from mien.auditing import KINDS
from mien.errors import ConfigError
from mien.evaluation.compare_rules import SIDE_BY_SIDE
from mien.labels import EXPRESSIONS
from mien.reports import words
from mien.reports.page import PARTS
from mien.reports.recipe import TRICKS
from mien.reports.words import LANGUAGES, open_catalogue, read_catalogue
from mien.robustness import CORRUPTIONS

SIMPLIFIED = set("训练数据类错误预测间区图层络权验证试师应该这么个们对实现习识别")
"""Letters that traditional Chinese writes in another way."""

SAME = {"lang", "title", "trick.dropout"}
"""What has no Chinese words."""


def gaps(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    """The same keys, and the same gaps in each."""
    english, chinese = (read_catalogue(language) for language in LANGUAGES)
    assert set(english) == set(chinese)
    assert [] == [key for key in english if gaps(english[key]) != gaps(chinese[key])]


def test_the_chinese_catalogue_is_traditional_and_translated() -> None:
    """No simplified letter, and no line that was left in English."""
    chinese = read_catalogue("zh-TW")
    assert set() == SIMPLIFIED & set("".join(chinese.values()))
    plain = {key: text for key, text in chinese.items() if re.search(r"[A-Za-z]{3,}", text)}
    assert [] == [key for key, text in plain.items() if not re.search(r"[一-鿿]", text) and key not in SAME]


def test_everything_that_can_be_reported_has_words() -> None:
    """Expressions, findings, tricks, rules, parts, and every reason in the source."""
    catalogue = read_catalogue("en")
    needed = [f"expression.{name}" for name in EXPRESSIONS] + [f"finding.{kind}" for kind in KINDS]
    needed += [f"trick.{trick}{ending}" for trick in TRICKS for ending in ("", ".about")]
    needed += [f"rule.{name.partition(':')[0]}" for name in SIDE_BY_SIDE]
    needed += [f"corruption.{name}" for name in CORRUPTIONS]
    needed += [f"{part}.{ending}" for part in PARTS for ending in ("title", "question")]
    source = "".join(path.read_text(encoding="utf-8") for path in Path(words.__file__).parent.parent.glob("*.py"))
    needed += [f"absent.{reason}" for reason in re.findall(r'reason="([\w-]+)"', source)]
    assert [] == [key for key in needed if key not in catalogue]


def test_classes_of_other_data_are_said_as_they_are() -> None:
    """Whatever the data calls them."""
    assert "yawning {0}" == open_catalogue("zh-TW")("expression.yawning {0}")


def test_an_unknown_language_is_refused() -> None:
    """The languages there are stand in the message."""
    with pytest.raises(ConfigError, match="`lang` fr: expected one of en, zh-TW"):
        open_catalogue("fr")
