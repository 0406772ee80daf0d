"""What passed on a scenario's lines, decoded: the last messages before each moment that counts.

The moments are the failed attempts and steps, the keys, and the end. Everything else is in the
run's captures, which `smets1-bench capture show` reads; a run without lines has none. Key material
is not in a capture: its length and the key's name stand in its place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from bench.plugins import DRIVERS, load
from bench.report.marks import SEVERITY, verdict_of
from bench.report.trace_lines import Line, TraceLines
from bench.result import RunRecord, ScenarioRecord
from bench.trace import Attempt, Key, Step
from bench.units import Micros, parse_instant

CAPTURES: Final = "captures"

BEFORE: Final = 8
"""So many messages are shown before a moment."""

MOMENTS: Final = 6
"""So many moments of a scenario are shown, the first and the last of them."""

ALTOGETHER: Final = 12_000
"""So many messages are in one report; those of scenarios that did not pass come first."""

_OCTETS: Final = 64
_LETTERS: Final = 400


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message, or what happened to the port. `direction`: `out` from the bench, `in`, or ``."""

    at: Micros
    device: str
    direction: str
    form: str
    meaning: str
    trouble: str
    octets: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The last messages up to a moment, oldest first; `line` of the trace, 0 for the end."""

    what: str
    line: int
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Passed:
    """What is shown of a scenario, and of how many messages; `devices`: those with a capture."""

    excerpts: tuple[Excerpt, ...] = ()
    messages: int = 0
    left_out: int = 0  # moments
    devices: tuple[str, ...] = ()

    @property
    def shown(self) -> int:
        return sum(len(excerpt.exchanges) for excerpt in self.excerpts)


@dataclass(frozen=True, slots=True)
class _Moment:
    """Nothing up to `after` belongs to it. `until` None: the end of the capture."""

    what: str
    line: int
    after: Micros | None
    until: Micros | None


@dataclass(slots=True)
class _Gathered:
    moments: Sequence[_Moment]
    messages: int = 0
    devices: dict[str, None] = field(default_factory=dict)
    found: dict[int, list[Exchange]] = field(default_factory=dict)  # by the moment's place


class _Item(Protocol):
    """What the drivers read out of a capture: a message or a happening."""

    @property
    def at(self) -> Micros: ...


def read_exchanges(folder: Path, record: RunRecord, trace: TraceLines) -> Mapping[str, Passed]:
    """By the scenario's name; empty where the run kept no captures.

    Raises `UsageError` where a capture is faulty.
    """
    files = sorted((folder / CAPTURES).glob("*.jsonl"))
    if not files:
        return {}
    tools: Any = load(DRIVERS, "capture")
    gathered = {
        scenario.name: _Gathered(tuple(_moments(trace.of(scenario))))
        for scenario in record.scenarios
        if not scenario.not_run
    }
    for path in files:
        for name, items in tools.sessions(path):
            if name in gathered:
                _gather(gathered[name], path.stem, items, tools)
    return _within_bounds(record.scenarios, gathered)


def _moments(lines: Iterable[Line]) -> Iterator[_Moment]:
    after: Micros | None = None
    for line in lines:
        what = _said(line)
        if what:
            yield _Moment(what, line.number, after, line.event.at)
            after = line.event.at
    yield _Moment("the end", 0, after, None)


def _said(line: Line) -> str:
    """What makes an event a moment that counts; empty where nothing does."""
    event = line.event
    if isinstance(event, Attempt) and event.outcome != "succeeded":
        of = ", ".join(filter(None, (event.operation, event.device)))
        code = f" with {event.code}" if event.code else ""
        how = "failed" if event.outcome == "failed" else "left it unknown"
        return f"attempt {event.number} of {event.section}{f' ({of})' if of else ''} {how}{code}"
    if isinstance(event, Step) and event.outcome == "failed":
        return f"section {event.section} failed{f' with {event.code}' if event.code else ''}"
    if isinstance(event, Key):
        proof = {"ack": "acknowledged", "probe": "proven by a probe"}.get(event.proof, "not proven")
        return f"{event.key} key of {event.device}: {event.state}, {proof}"
    return ""


def _gather(into: _Gathered, device: str, items: Sequence[_Item], tools: Any) -> None:
    """Takes the last messages before each moment out of what one device's line holds."""
    into.devices[device] = None
    into.messages += len(items)
    stamps = _rising(items)
    for place, moment in enumerate(into.moments):
        end = len(items) if moment.until is None else bisect_right(stamps, moment.until)
        start = 0 if moment.after is None else bisect_right(stamps, moment.after)
        chosen = items[max(start, end - BEFORE) : end]
        if chosen:
            told = tools.as_json(chosen)
            into.found.setdefault(place, []).extend(_exchange(device, each) for each in told)


def _rising(items: Sequence[_Item]) -> list[Micros]:
    """The times; one that goes back, as a clock may, counts as the one before it."""
    stamps: list[Micros] = []
    for item in items:
        stamps.append(max(item.at, stamps[-1]) if stamps else item.at)
    return stamps


def _exchange(device: str, told: Mapping[str, Any]) -> Exchange:
    """From the form in which `capture show --json` prints it. A line of text needs no octets."""
    if "event" in told:
        meaning = f"{told['event']}{': ' if told['detail'] else ''}{told['detail']}"
        return Exchange(parse_instant(told["at"]), device, "", "port", _short(meaning), "", "")
    return Exchange(
        parse_instant(told["at"]),
        device,
        told["dir"],
        told["form"],
        _short(told["meaning"]),
        _short(told["trouble"]),
        "" if told["form"] == "console" and not told["trouble"] else _octets(told["data"]),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[:_LETTERS]} … ({len(text) - _LETTERS} more)"


def _octets(segments: Iterable[Any]) -> str:
    """The first octets in hexadecimal; key material as its length and the key's name."""
    said: list[str] = []
    room, left = _OCTETS, 0
    for segment in segments:
        if isinstance(segment, str):
            size = len(segment) // 2
            shown = bytes.fromhex(segment)[:room].hex(" ")
            left += max(0, size - room)
        else:
            size = segment["length"]
            shown = f"<secret {size} {'byte' if size == 1 else 'bytes'}, {segment['secret']}>"
            left += 0 if room else size
        if room:
            said.append(shown)
        room = max(0, room - size)
    return " ".join(said) + (f" … ({left} more)" if left else "")


def _within_bounds(
    scenarios: Sequence[ScenarioRecord], gathered: Mapping[str, _Gathered]
) -> dict[str, Passed]:
    """What did not pass is served first where there is more than a report holds."""
    held = [scenario for scenario in scenarios if scenario.name in gathered]
    held.sort(key=lambda scenario: SEVERITY.get(verdict_of(scenario), 9))
    room = ALTOGETHER
    passed: dict[str, Passed] = {}
    for scenario in held:
        found = gathered[scenario.name]
        excerpts = list(_excerpts(found))
        kept = [*excerpts[: MOMENTS // 2], *excerpts[MOMENTS // 2 :][-MOMENTS // 2 :]]
        if room <= 0:
            kept = []
        passed[scenario.name] = Passed(
            tuple(kept), found.messages, len(excerpts) - len(kept), tuple(found.devices)
        )
        room -= passed[scenario.name].shown
    return passed


def _excerpts(found: _Gathered) -> Iterator[Excerpt]:
    for place, exchanges in sorted(found.found.items()):
        moment = found.moments[place]
        latest = sorted(exchanges, key=lambda each: each.at)[-BEFORE:]
        yield Excerpt(moment.what, moment.line, tuple(latest))
