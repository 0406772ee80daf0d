"""A run's capture, parted at the marks that say for which scenario a port was opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.errors import UsageError
from drivers.capture.decoding import decode
from drivers.capture.messages import Item
from drivers.capture.records import CaptureRecord, Happening, Noted, read_capture


def sessions(path: Path) -> Iterator[tuple[str, list[Item]]]:
    """Each scenario's name with what passed for it, in the file's order; one at a time in memory.

    A scenario that was taken up again comes once more. `UsageError`: a line is no record.
    """
    for name, records in _parted(read_capture(path)):
        yield name, decode(records)


def only_scenario(records: Iterable[CaptureRecord], scenario: str) -> list[CaptureRecord]:
    """What passed for one scenario. `UsageError` names those that the capture has."""
    parts = list(_parted(records))
    found = [record for name, part in parts if name == scenario for record in part]
    if not found:
        held = ", ".join(dict.fromkeys(name for name, _ in parts if name)) or "none"
        raise UsageError(
            f"the capture has no scenario {scenario!r}; it has {held}", hint="--scenario NAME"
        )
    return found


def _parted(records: Iterable[CaptureRecord]) -> Iterator[tuple[str, list[CaptureRecord]]]:
    """What stands before the first mark has an empty name."""
    name, part = "", list[CaptureRecord]()
    for record in records:
        if isinstance(record, Noted) and record.happening is Happening.SCENARIO:
            if part:
                yield name, part
            name, part = record.detail, []
        part.append(record)
    if part:
        yield name, part
