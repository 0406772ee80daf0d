"""A capture for people to read, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bench.units import SECOND, Micros, format_instant
from drivers.capture.hiding import Hidden
from drivers.capture.messages import Item, Message
from drivers.capture.records import Direction
from drivers.capture.tape import Tape, fit, secret_text

_OCTETS_A_LINE: Final = 32
_ARROWS: Final = {Direction.OUT: "->", Direction.IN: "<-"}


def listing(items: Iterable[Item], *, octets: bool = True) -> Iterator[str]:
    """One line for each message or happening: time (UTC), time since the one before at the same
    port, direction, form and meaning; then its octets, if wanted. `!!` marks what is damaged.
    """
    items = list(items)
    ports = {item.port for item in items}
    width = max((len(fit(port)) for port in ports), default=0)
    day = ""
    for item, since in _with_deltas(items):
        date, _, time = format_instant(item.at).rstrip("Z").partition("T")
        if date != day:
            day = date
            yield date
        port = f"{fit(item.port):<{width}}  " if len(ports) > 1 else ""
        if "." not in time:
            time += "."
        head = f"{time:0<15}  {port}{_delta(since):>12}"
        if not isinstance(item, Message):
            detail = f": {fit(item.detail)}" if item.detail else ""
            yield f"{head}  --  {item.happening}{detail}"
            continue
        decoded = item.decoded
        meaning = decoded.meaning
        if decoded.trouble:
            meaning = f"!! {decoded.trouble}: {meaning}"
        yield f"{head}  {_ARROWS[item.direction]}  {decoded.form:<11}  {meaning}"
        if octets:
            yield from (f"{'':<17}{line}" for line in _octet_lines(item.tape))


def as_json(items: Iterable[Item]) -> list[dict[str, object]]:
    """One object for each item; `since` in microseconds; `data` as in the capture."""
    objects: list[dict[str, object]] = []
    for item, since in _with_deltas(items):
        common: dict[str, object] = {
            "at": format_instant(item.at),
            "since": since,
            "port": item.port,
        }
        if isinstance(item, Message):
            decoded = item.decoded
            common |= {
                "dir": str(item.direction),
                "until": format_instant(item.until),
                "form": decoded.form,
                "kind": decoded.kind,
                "meaning": decoded.meaning,
                "trouble": decoded.trouble,
                "data": [
                    {"secret": segment.reference, "length": segment.length}
                    if isinstance(segment, Hidden)
                    else segment.hex()
                    for segment in item.tape.segments
                ],
            }
        else:
            common |= {"event": str(item.happening), "detail": item.detail}
        objects.append(common)
    return objects


def _with_deltas(items: Iterable[Item]) -> Iterator[tuple[Item, Micros | None]]:
    """Each with the time since the end of what was before it at its port; None: the first."""
    ended: dict[str, Micros] = {}
    for item in items:
        before = ended.get(item.port)
        yield item, None if before is None else item.at - before
        ended[item.port] = item.until if isinstance(item, Message) else item.at


def _delta(since: Micros | None) -> str:
    return "" if since is None else f"{since / SECOND:+.6f}"


def _octet_lines(tape: Tape) -> Iterator[str]:
    parts: list[str] = []
    for segment in tape.segments:
        if isinstance(segment, Hidden):
            parts.append(secret_text(segment))
        else:
            parts += [f"{octet:02x}" for octet in segment]
    for start in range(0, len(parts), _OCTETS_A_LINE):
        yield " ".join(parts[start : start + _OCTETS_A_LINE])
