"""The version, from which the package's is taken."""

__version__ = "0.2.0"
