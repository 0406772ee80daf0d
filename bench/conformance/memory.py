"""How often Python looks for reference cycles while a trace is judged."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 200_000
"""New objects between two looks. The facts of a trace form no cycles, so looking finds nothing, and
at Python's own 700 it takes up to a third of the time."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Within it Python looks for reference cycles rarely; then as before."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
