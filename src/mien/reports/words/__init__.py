"""What a report says, by language: one flat JSON catalogue each. In: a language. Out: a function from key to words."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from mien.errors import ConfigError
from mien.hints import suggest

LANGUAGES = ("en", "zh-TW")


def read_catalogue(language: str) -> dict[str, str]:
    """Return key -> words with gaps in braces.

    Raises:
        ConfigError: no such language.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"`lang` {language}: expected one of {', '.join(LANGUAGES)}{suggest(language, LANGUAGES)}")
    text = files(__package__).joinpath(f"{language}.json").read_text(encoding="utf-8")
    catalogue: dict[str, str] = json.loads(text)
    return catalogue


def open_catalogue(language: str) -> Callable[..., str]:
    """Return `say(key, **gaps)`; expressions that the catalogue does not know are said as they are.

    Raises:
        ConfigError: no such language.

    >>> say = open_catalogue("en")
    >>> say("interval", low="10%", high="20%"), say("expression.yawning")
    ('10% to 20%', 'yawning')
    """
    catalogue = read_catalogue(language)

    def say(key: str, **gaps: Any) -> str:
        if key.startswith("expression."):
            return catalogue.get(key, key.removeprefix("expression."))
        return catalogue[key].format(**gaps)

    return say
