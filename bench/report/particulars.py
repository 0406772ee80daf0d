"""What ISO/IEC 17025:2017 clause 7.8.2.1 expects of a test report, letter by letter.

The bench fills in what it knows; what only people know comes from `details.yaml`, or is a blank
line. It claims no accreditation, and conformity of the laboratory is not its to state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.report.details import Details, Party
from bench.report.deviations import Deviation, deviations
from bench.report.spoken import count, listed
from bench.report.trace_lines import TraceLines
from bench.result import RunRecord, to_json
from bench.trace import Opened
from bench.units import SECOND, Micros, format_duration

BLANK: Final = ""
"""Shown as a line to write on."""

OF_THE_METHOD: Final = ("on purpose", "fault put in")
"""Kinds of deviation that a scenario is made of: they are the method, and no departure from it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One letter of the clause: what it asks for, and what is said. An empty line is a blank."""

    letter: str
    asks: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Particulars:
    """`ident` is on every page. `decision` are the sentences of the decision rule (7.8.6)."""

    ident: str
    entries: tuple[Entry, ...]
    decision: tuple[str, ...]


def identity_of(record: RunRecord, details: Details) -> str:
    """`SB-` and twelve digits: the same result and details have the same, others another."""
    content = f"{to_json(record)}\0{details!r}".encode("utf-8", "backslashreplace")
    return "SB-" + hashlib.sha256(content).hexdigest()[:12].upper()


def particulars(
    record: RunRecord,
    trace: TraceLines,
    details: Details,
    uncertainties: Mapping[str, Micros] | None = None,
) -> Particulars:
    """`uncertainties`: of each kind of judged wait (`bench.report.wait_uncertainty`)."""
    ident = identity_of(record, details)
    departed = [d for d in deviations(record, trace) if d.kind not in OF_THE_METHOD]
    strategies = list(dict.fromkeys(s.strategy.label for s in record.scenarios))
    entries = (
        Entry("a", "title", (f"Test report, {record.kit} evidence",)),
        Entry("b", "laboratory", _party(details.laboratory)),
        Entry("c", "location", (details.location,)),
        Entry("d", "identification", (ident,)),
        Entry("e", "customer", (*_party(details.customer), *_given("order", details.order))),
        Entry("f", "method", (_method(record, strategies),)),
        Entry("g", "items tested", (*_items(record), *_given("condition", details.items))),
        Entry("h", "received", (details.received,)),
        Entry("i", "performed", (_performed(record),)),
        Entry("j", "issued", (details.issued,)),
        Entry("k", "sampling", (details.sampling,)),
        Entry(
            "l",
            "scope",
            ("The results relate only to the items tested. No accreditation is claimed.",),
        ),
        Entry("m", "results", (_results(record),)),
        Entry("n", "deviations", _departures(departed)),
        Entry("o", "authorised by", (details.authorised_by,)),
        Entry("p", "external providers", (details.external,)),
    )
    extra = tuple(
        Entry(BLANK, name, (said,))
        for name, said in (
            ("instruments", _instruments(record)),
            ("conditions", details.conditions),
            ("remarks", details.remarks),
        )
        if said
    )
    return Particulars(ident, (*entries, *extra), _decision(record, trace, uncertainties or {}))


def _party(party: Party) -> tuple[str, ...]:
    return (party.name, party.address)


def _given(name: str, said: str) -> tuple[str, ...]:
    return (f"{name}: {said}",) if said else ()


def _method(record: RunRecord, strategies: list[str]) -> str:
    return (
        f"suite {record.suite} on station {record.station} by {record.tool}, judged by "
        f"{listed(strategies) or 'no strategy'}; {record.clock} clock, seed {record.seed}"
    )


def _items(record: RunRecord) -> tuple[str, ...]:
    """Every device that was read back, once, with what it said it was."""
    found: dict[str, None] = {}
    for scenario in record.scenarios:
        for device in scenario.devices:
            kit = "EMULATED" if device.emulated else "real"
            identity = ", ".join(
                f"{name.replace('_', ' ')} {value}"
                for name, value in device.identity.items()
                if name != "role"
            )
            found[f"{device.role}: {identity or 'did not answer'} ({kit})"] = None
    return tuple(sorted(found)) or (BLANK,)


def _performed(record: RunRecord) -> str:
    run = [scenario for scenario in record.scenarios if not scenario.not_run]
    if not run:
        return "nothing was run"
    began, ended = min(s.started for s in run), max(s.ended for s in run)
    simulated = ", in simulated time" if record.clock == "virtual" else ""
    return f"from {began} to {ended}{simulated}"


def _results(record: RunRecord) -> str:
    verdicts = [scenario.verdict or "not run" for scenario in record.scenarios]
    counted = [f"{verdicts.count(word)} {word}" for word in dict.fromkeys(verdicts)]
    shown = [f"{c.strategy.label}: {c.verdict}" for c in record.certificates]
    return (
        f"{count(len(verdicts), 'scenario')}: {listed(counted)}; certificates: "
        f"{'; '.join(shown) or 'none'}; rule by rule above, spans with their units"
    )


def _instruments(record: RunRecord) -> str:
    """Empty where none is used."""
    return "; ".join(
        f"{each.name} of {each.measures}: "
        + (
            f"serial number {each.serial_number}, certificate {each.certificate}, due {each.due}, "
            f"uncertainty {each.uncertainty} of the reading (k = 2)"
            if each.due
            else "no calibration is stated, so nothing that rests on it passes"
        )
        for each in record.instruments
    )


def _departures(departed: list[Deviation]) -> tuple[str, ...]:
    said = [f"{d.kind}: {d.what}{f' ({d.where})' if d.where else ''}" for d in departed]
    return tuple(said) or ("none",)


def _decision(
    record: RunRecord, trace: TraceLines, uncertainties: Mapping[str, Micros]
) -> tuple[str, ...]:
    """The decision rule, with its guard band and the uncertainty that the run was judged with."""
    tolerance = format_duration(round(record.tolerance_s * SECOND))
    stated = [
        line.event.uncertainty_s
        for scenario in record.scenarios
        for line in trace.of(scenario)
        if isinstance(line.event, Opened)
    ]
    each = "; ".join(f"{name} {format_duration(u)}" for name, u in uncertainties.items())
    widest = format_duration(round(max(stated, default=0) * SECOND))
    return (
        f"A wait d against a limit L passes if |d − L| ≤ T − U, fails if |d − L| > T + U, and is "
        f"inconclusive in between: the guard band is U to both sides of the tolerance T = "
        f"{tolerance}. The end of a period uses T and U on its one side. A deadline has no "
        f"tolerance: in time if d ≤ L − U, late if d > L + U.",
        f"U is the uncertainty of a span by the clock of the run, from above: at most {widest} in "
        f"this run{', whose clock is virtual' if record.clock == 'virtual' else ''}."
        + (f" Of a wait as long as its limit: {each}." if each else ""),
        "What rests on a value that is not public, on a span of which nothing is known, or on an "
        "instrument past its due date is inconclusive, and never passes.",
    )
