"""The errors that mien raises on purpose: one line that names the place, the expected, the found and what to do."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

LONGEST_MESSAGE = 300
"""Characters of an error: whatever a user gave (a data URL has thousands) is quoted in part."""

LONGEST_WORD = 120
"""Of what a message quotes without a blank in it, such as a path, so many characters are shown at most."""


def shorten(text: str, longest: int) -> str:
    """Return `text` with at most `longest` characters: what is left out of the middle is a "…".

    >>> shorten("data:image/jpeg;base64,AAAAAAAAAAAAAAAA", 20)
    'data:imag…AAAAAAAAAA'
    """
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def join_lines(text: str) -> str:
    """Return `text` in one line: libraries that are quoted end theirs with a line break, or tell several.

    >>> join_lines(chr(10).join(("two", "  lines", "")))
    'two lines'
    """
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


class MienError(Exception):
    """Something that the user can mend: the command line prints it as one line and exits with status 2."""

    def __init__(self, message: str) -> None:
        message = join_lines(message)
        words = re.sub(r"\S+", lambda word: shorten(word[0], LONGEST_WORD), message) if len(message) > 99 else message
        super().__init__(shorten(words, LONGEST_MESSAGE))

    def __reduce__(self) -> tuple[Any, ...]:
        # Python would call the class with `args`, the finished message, where a subclass wants what it is made of.
        return _restore, (type(self), self.args), self.__dict__


class DataError(MienError):
    """Faces or labels that cannot be used. `where` is the file, with line or archive entry where there is one."""

    def __init__(self, where: object, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = str(where)
        self.problem = problem


class NotAPictureError(DataError):
    """Bytes that are no picture of a known format."""


class TooLargeError(DataError):
    """A picture that promises more pixels than are accepted; it was not decoded."""


class ConfigError(MienError):
    """A recipe, an option or a name that does not exist or holds an impossible value."""


class RunError(MienError):
    """A run folder or checkpoint that is missing, incomplete, corrupt or of another version."""


class LostProcessError(RunError):
    """Of several processes that train together, another one has ended: every one that is left says so."""


class Interrupted(MienError):  # noqa: N818 (nothing went wrong)
    """The user asked to stop; everything is saved, and the message says how to go on."""


class MissingExtraError(MienError):
    """A package is missing that an optional part of mien needs; the message gives the install command."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: run  pip install 'mien[{extra}]'")


def demand(*packages: str, extra: str) -> None:
    """Find out, before anything starts, whether packages are there.

    Raises:
        MissingExtraError: if one is not.
    """
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(package, extra)


OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "bad_alloc", "out of memory")
"""What torch says in a plain RuntimeError: on a CPU, on Windows, in a library of it, on a GPU."""


def find_memory_trouble(error: BaseException) -> MienError | None:
    """Return what to say of an error if it means that there is too little memory, otherwise None."""
    lacks = isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)
    if not (lacks or isinstance(error, MemoryError)):
        return None
    advice = "take smaller batches (train.batch_size, or batch_size in evaluation), smaller faces, another device"
    return MienError(f"expected enough memory, found too little: {advice}")


def _restore(kind: type[MienError], args: tuple[Any, ...]) -> MienError:
    """Return an error as it was when another process pickled it, without running its `__init__` again."""
    return kind.__new__(kind, *args)
