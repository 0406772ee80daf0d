"""JSON Schemas of the files that people write, made from what reads them."""

from typing import Final

KINDS: Final = (
    "station",
    "suite",
    "installation",
    "profile",
    "overlay",
    "mix",
    "acceptance",
    "log-map",
    "observation-map",
)
"""The kinds of file that there are schemas for (`bench.schemas.forms`)."""
