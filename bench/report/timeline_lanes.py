"""What a time line shows, as data: lanes of marks and bands, made from a scenario's trace lines.

Permitted windows come from the parameters the run was judged by (`RunRecord.parameters`), never
from this program's own strategy: a report made again later shows what was permitted then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from bench.mehrs.strategy import Status
from bench.report.spoken import moment, span
from bench.report.trace_lines import Line
from bench.result import ParameterRecord
from bench.trace import (
    Account,
    Attempt,
    Authorisation,
    Closed,
    File,
    Incident,
    Key,
    Opened,
    Operator,
    Outage,
    Report,
    Smi,
    Step,
    WeekDesignated,
)
from bench.units import SECOND, Micros, format_duration


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment. `shape` is one of the drawing's; `heavy` marks get their label first."""

    at: Micros
    shape: str
    label: str
    title: str
    heavy: bool = False
    started: Micros | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A span. `style` is a class of the drawing."""

    start: Micros
    end: Micros
    style: str
    label: str
    title: str


@dataclass(slots=True)
class Lane:
    """One row. `waits` have their length written over them; `windows` lie behind the marks."""

    name: str
    marks: list[Mark] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    waits: list[Band] = field(default_factory=list)
    windows: list[Band] = field(default_factory=list)
    limits: list[Mark] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Permitted:
    """The parameters that judged, and the tolerance."""

    parameters: Mapping[str, ParameterRecord]
    tolerance: Micros

    def number(self, name: str) -> int | None:
        held = self.parameters.get(name)
        return held.value if held is not None and isinstance(held.value, int) else None

    def reads(self, name: str, choice: str) -> bool:
        held = self.parameters.get(name)
        return held is not None and held.value == choice

    def placeholder(self, name: str) -> bool:
        held = self.parameters.get(name)
        return held is not None and held.status == Status.UNSOURCED

    def source(self, name: str) -> str:
        return self.parameters[name].source


def lanes_of(
    lines: Sequence[Line], permitted: Permitted, findings: Sequence[Mapping[str, Any]]
) -> list[Lane]:
    """The lanes of one installation, from the top; a lane without content is left out."""
    end = max(line.event.at for line in lines)
    lanes = [
        _passages(lines, end),
        _account(lines, end),
        _authorisations(lines),
        _steps(lines),
        _files(lines, permitted),
        *_attempts(lines, permitted),
        *_keys(lines, end),
        _smi(lines),
        _incidents(lines, end),
        _reports(lines),
        _operator(lines),
        _outages(lines),
        _findings(lines, findings),
    ]
    return [lane for lane in lanes if lane.marks or lane.bands]


def _passages(lines: Sequence[Line], end: Micros) -> Lane:
    lane = Lane("passage")
    number = 0
    opened: Micros | None = lines[0].event.at
    for line in lines:
        event = line.event
        if isinstance(event, Opened):
            number += 1
            opened = event.at
        elif isinstance(event, Closed) and opened is not None:
            title = f"Passage {number or 1} closed as {event.outcome}, {moment(event.at)} UTC"
            label = f"{number or 1}: {event.outcome}"
            lane.bands.append(Band(opened, event.at, "passage", label, title))
            opened = None
    if opened is not None:
        lane.bands.append(Band(opened, end, "passage", f"{number or 1}: open", "Not closed"))
    return lane


def _account(lines: Sequence[Line], end: Micros) -> Lane:
    lane = Lane("account")
    holder, since, by = "SMSO", lines[0].event.at, ""

    def close(until: Micros) -> None:
        title = f"Account with the {holder} from {moment(since)} for {span(until - since)}{by}"
        lane.bands.append(Band(since, until, f"held-{holder.lower()}", holder, title))

    for line in lines:
        event = line.event
        if isinstance(event, Account) and event.holder != holder:
            close(event.at)
            holder, since = event.holder, event.at
            by = f", by {event.actor}" if event.actor else ""
    close(end)
    return lane


def _authorisations(lines: Sequence[Line]) -> Lane:
    lane = Lane("authorised")
    for line in lines:
        event = line.event
        if isinstance(event, WeekDesignated):
            title = (
                f"Designated week: {moment(event.from_)} to {moment(event.to)}, half open [C s5]"
            )
            lane.bands.append(Band(event.from_, event.to, "window", "designated week", title))
        elif isinstance(event, Authorisation):
            ok = event.outcome == "accepted"
            submitted = "" if event.submitted is None else f", submitted {moment(event.submitted)}"
            code = f" {event.code}" if event.code else ""
            title = f"{event.supplier}: {event.outcome}{code}, {moment(event.at)}{submitted}"
            shape = "passed" if ok else "failed"
            lane.marks.append(Mark(event.at, shape, event.supplier, title, not ok))
    return lane


def _steps(lines: Sequence[Line]) -> Lane:
    lane = Lane("steps")
    for line in lines:
        event = line.event
        if isinstance(event, Step):
            ok = event.outcome == "passed"
            code = f" {event.code}" if event.code else ""
            by = f" by {event.actor}" if event.actor else ""
            title = f"{event.section} {event.outcome}{code}{by}, {moment(event.at)}"
            shape = "passed" if ok else "failed"
            lane.marks.append(Mark(event.at, shape, event.section, title, not ok))
    return lane


def _files(lines: Sequence[Line], permitted: Permitted) -> Lane:
    lane = Lane("files")
    limit = permitted.number("2.5.2.file-set-limit")
    group = next((line.event.group for line in lines if line.event.group), None)
    limited = limit is not None and group == "DA"
    for line in lines:
        event = line.event
        if isinstance(event, Opened):
            limited = limit is not None and group == "DA"
        if not isinstance(event, File):
            continue
        title = f"{event.file} {event.action}, {moment(event.at)}"
        if event.actor:
            title += f", {event.actor}"
        lane.marks.append(Mark(event.at, "file", event.file, title))
        if event.file == "MVF" and event.action == "generated" and limited and limit is not None:
            limited = False
            until = event.at + limit
            source = permitted.source("2.5.2.file-set-limit")
            title = f"RFS due within {format_duration(limit)} of the MVF {source}: {moment(until)}"
            lane.windows.append(Band(event.at, until, "window", "", title))
            lane.limits.append(
                Mark(until, "limit", f"RFS limit {format_duration(limit)}", title, heavy=True)
            )
    return lane


_OUTCOMES: Final = {"succeeded": "passed", "failed": "failed", "unknown": "unknown"}


def _attempts(lines: Sequence[Line], permitted: Permitted) -> Iterator[Lane]:
    chains: dict[tuple[str, str, str], list[list[Attempt]]] = {}
    for line in lines:
        event = line.event
        if isinstance(event, Opened):
            for passages in chains.values():
                passages.append([])
        elif isinstance(event, Attempt):
            key = (event.section, event.operation or "", event.device or "")
            chains.setdefault(key, [[]])[-1].append(event)
    for (section, operation, device), passages in chains.items():
        lane = Lane(f"{section} {operation}".strip(), note=device)
        for made in passages:
            _chain(lane, section, made, permitted)
        yield lane


def _chain(lane: Lane, section: str, made: Sequence[Attempt], permitted: Permitted) -> None:
    for attempt in made:
        phase = f" ({attempt.phase})" if attempt.phase else ""
        code = f" {attempt.code}" if attempt.code else ""
        title = f"Attempt {attempt.number}{phase} {attempt.outcome}{code}, {moment(attempt.at)}"
        lane.marks.append(
            Mark(
                attempt.at,
                _OUTCOMES[attempt.outcome],
                str(attempt.number),
                title,
                attempt.outcome != "failed",
                attempt.at if attempt.started is None else attempt.started,
            )
        )
    for before, after in pairwise(made):
        started = after.at if after.started is None else after.started
        if after.number <= before.number or started < before.at:
            continue
        length = span(started - before.at)
        title = f"Wait before attempt {after.number}: {length}"
        lane.waits.append(Band(before.at, started, "wait", length, title))
        name = _wait_parameter(section, before, after)
        wait = permitted.number(name)
        if wait is not None and after.number == before.number + 1:
            lane.windows.append(_window(name, wait, before, permitted))
    if section == "3.1" and made:
        _period(lane, made, permitted)


def _wait_parameter(section: str, before: Attempt, after: Attempt) -> str:
    if section == "3.4.1":
        return "3.4.1.wait"
    if section != "3.1":
        return f"{section}.interval"
    return f"3.1.{'short' if after.phase == before.phase == 'short' else 'long'}-interval"


def _window(name: str, wait: Micros, before: Attempt, permitted: Permitted) -> Band:
    from_start = permitted.reads("3.x.measured-from", "start")
    base = before.started if from_start and before.started is not None else before.at
    low, high = base + wait - permitted.tolerance, base + wait + permitted.tolerance
    said = f"{format_duration(wait)} ± {permitted.tolerance / SECOND:g} s"
    if permitted.placeholder(name):
        title = f"{name} is not public; the run went by a placeholder of {said}"
        return Band(low, high, "placeholder", "", title)
    title = f"Permitted: {said} {permitted.source(name)}, {moment(low)} to {moment(high)}"
    return Band(low, high, "window", "", title)


def _period(lane: Lane, made: Sequence[Attempt], permitted: Permitted) -> None:
    period = permitted.number("3.1.total-period")
    first = made[0]
    if permitted.reads("3.1.period-from", "first-long"):
        first = next((attempt for attempt in made if attempt.phase == "long"), first)
    if period is None or made[0].number != 1:
        return
    until = first.at + period
    said = format_duration(period)
    title = f"Period of {said} ends {permitted.source('3.1.total-period')}, {moment(until)}"
    lane.limits.append(Mark(until, "limit", f"end of {said}", title, heavy=True))


def _keys(lines: Sequence[Line], end: Micros) -> Iterator[Lane]:
    states: dict[str, list[Key]] = {}
    for line in lines:
        if isinstance(line.event, Key):
            states.setdefault(str(line.event.device), []).append(line.event)
    for device, found in states.items():
        lane = Lane(f"{found[0].key} key", note=device)
        until = [event.at for event in found[1:]] + [end]
        for event, last in zip(found, until, strict=True):
            proof = {"ack": "acknowledged", "probe": "probed", "none": "not proven"}[event.proof]
            doubt = event.state == "unknown" or event.proof == "none"
            style = "key-unknown" if doubt else f"key-{event.state}"
            title = f"{device}: {event.state}, {proof}, from {moment(event.at)}"
            lane.bands.append(Band(event.at, last, style, f"{event.state}, {proof}", title))
        yield lane


def _smi(lines: Sequence[Line]) -> Lane:
    lane = Lane("SMI")
    for line in lines:
        event = line.event
        if isinstance(event, Smi):
            ok = event.outcome == "updated"
            title = f"{event.record} {event.outcome} on the SMI, {moment(event.at)}"
            shape = "passed" if ok else "failed"
            lane.marks.append(
                Mark(event.at, shape, f"{event.record} {event.outcome}", title, not ok)
            )
    return lane


def _incidents(lines: Sequence[Line], end: Micros) -> Lane:
    lane = Lane("incidents")
    raised: dict[str, Incident] = {}
    for line in lines:
        event = line.event
        if not isinstance(event, Incident):
            continue
        if event.outcome == "raised":
            raised.setdefault(event.incident, event)
        elif event.incident in raised:
            before = raised.pop(event.incident)
            title = (
                f"{event.incident} raised {moment(before.at)}, resolved by {event.acting_party} "
                f"{span(event.at - before.at)} later"
            )
            lane.bands.append(Band(before.at, event.at, "incident", event.incident, title))
    for event in raised.values():
        title = f"{event.incident} raised {moment(event.at)}, for {event.acting_party}; still open"
        label = f"{event.incident} (open)"
        lane.bands.append(Band(event.at, end, "incident", label, title))
        lane.marks.append(Mark(event.at, "flag", label, title, heavy=True))
    return lane


def _reports(lines: Sequence[Line]) -> Lane:
    lane = Lane("reports")
    for line in lines:
        event = line.event
        if isinstance(event, Report):
            label = " ".join(filter(None, (event.report.replace("other", ""), event.code)))
            label = label.strip() or "failure"
            title = f"Failure reported: {label}, {moment(event.at)}"
            lane.marks.append(Mark(event.at, "report", label, title, heavy=True))
    return lane


def _operator(lines: Sequence[Line]) -> Lane:
    lane = Lane("operator")
    for line in lines:
        event = line.event
        if isinstance(event, Operator):
            title = f"{event.by} was asked: {event.asked} Answer: {event.answer}"
            lane.marks.append(Mark(event.at, "operator", event.by, title))
    return lane


def _outages(lines: Sequence[Line]) -> Lane:
    lane = Lane("outages")
    for line in lines:
        event = line.event
        if isinstance(event, Outage):
            lasted = span(event.to - event.from_)
            title = f"Outage of the {event.of} from {moment(event.from_)}, {lasted}"
            lane.bands.append(Band(event.from_, event.to, "outage", event.of, title))
    return lane


def _findings(lines: Sequence[Line], findings: Sequence[Mapping[str, Any]]) -> Lane:
    """A flag for each finding, at the first of its lines, with its number in the list."""
    lane = Lane("findings")
    by_number = {line.number: line for line in lines}
    for index, finding in enumerate(findings, start=1):
        for where in finding.get("where", ())[:1]:
            _, _, number = str(where).rpartition(":")
            line = by_number.get(int(number)) if number.isdecimal() else None
            if line is not None:
                title = f"Finding {index}: {finding.get('rule')} {finding.get('verdict')}"
                shape = "flag" if finding.get("verdict") == "failed" else "notice"
                lane.marks.append(Mark(line.event.at, shape, str(index), title, heavy=True))
    return lane
