"""A run's capture, parted at the marks that say for which scenario a port was opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.spelling import did_you_mean
from drivers.capture.decoding import decode
from drivers.capture.messages import Item, Message
from drivers.capture.records import CaptureRecord, Happening, Noted, read_capture
from drivers.capture.tape import fit

_TELLING: Final = (Happening.DISCARDED, Happening.GONE, Happening.REOPENED)


def sessions(path: Path) -> Iterator[tuple[str, list[Item]]]:
    """Each scenario's name with what passed for it, in the file's order; one at a time in memory.

    Of the happenings only those that tell what became of octets. A scenario that was taken up
    again comes once more. `UsageError`: a line is no record.
    """
    for name, records in _parted(read_capture(path)):
        items = decode(records)
        yield (
            name,
            [item for item in items if isinstance(item, Message) or item.happening in _TELLING],
        )


def only_scenario(records: Iterable[CaptureRecord], scenario: str) -> list[CaptureRecord]:
    """What passed for one scenario. `UsageError`: nothing did."""
    parts = list(_parted(records))
    found = [record for name, part in parts if name == scenario for record in part]
    if not found:
        near = did_you_mean(scenario, [fit(name) for name, _ in parts])
        raise UsageError(f"the capture has no scenario '{fit(scenario)}'{near}")
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
