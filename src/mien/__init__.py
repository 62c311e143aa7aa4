"""mien: facial expression recognition that you can train, measure and trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.recognition import Box, Face, Recogniser, read_picture

__version__ = "0.1.0"
__all__ = ["Box", "Face", "Recogniser", "__version__", "read_picture"]


def __getattr__(name: str) -> Any:
    """Bring in recognition when it is first named, so that `import mien` stays light."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import mien.recognition

    return getattr(mien.recognition, name)
