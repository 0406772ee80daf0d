"""A place held for the length of a block, under the bench's own lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.labgrid_place.place import Place
from bench.plugins import DRIVERS, load


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """No other process of this user touches the place meanwhile. `Busy`: one does.

    labgrid's own lock is by name, and cannot tell two runs of one user apart, nor a dead one.
    """
    lines: Any = load(DRIVERS, "lines")
    lock = lines.lock(str(place))
    try:
        yield
    finally:
        lock.release()


@contextmanager
def held(place: Place) -> Iterator[None]:
    """Acquired and released. Raises `Busy`, `BenchError`."""
    with locked(place):
        place.acquire()
        try:
            yield
        finally:
            place.release()
