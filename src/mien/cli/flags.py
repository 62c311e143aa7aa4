"""The one place where names of Python arguments become options: `name_flags` rewrites what the library says."""

from __future__ import annotations

import re

_ARGUMENT = re.compile(r"`([a-z][a-z0-9_]*)`")


def name_flags(text: str) -> str:
    """Return `text` with every argument that it names between backticks as an option.

    >>> name_flags("`device` abacus: expected one of auto, cpu; or `batch_size`")
    '--device abacus: expected one of auto, cpu; or --batch-size'
    >>> name_flags("go on with `mien train --resume run`")
    'go on with `mien train --resume run`'
    """
    return _ARGUMENT.sub(lambda found: "--" + found[1].replace("_", "-"), text)
