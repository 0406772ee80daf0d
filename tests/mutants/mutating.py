"""Mutants of traces: events shifted, dropped, doubled, swapped and relabelled, by a seed."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import oracle

from bench.conformance.checker import Checker
from bench.conformance.finding import WORDS
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Kind, Status, Strategy
from bench.trace import (
    Account,
    Attempt,
    Authorisation,
    Closed,
    Event,
    File,
    Incident,
    Key,
    Opened,
    Outage,
    Report,
    Smi,
    Step,
    WeekDesignated,
)
from bench.trace_reading import FaultyLine, Places, TraceFile, whole
from bench.units import DAY, HOUR, MINUTE, SECOND, parse_instant

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "traces"
TOLERANCE = 60 * SECOND

SHIFTS = [1, SECOND, 59 * SECOND, 60 * SECOND, 61 * SECOND, 5 * MINUTE, HOUR, 12 * HOUR, DAY]

# What a field may be relabelled to; every value is one that the format allows.
LABELS: dict[tuple[type[Event], str], list[Any]] = {
    (Opened, "supply"): ["single", "split"],
    (Opened, "payment"): ["credit", "prepayment"],
    (Opened, "suppliers"): [("A",), ("A", "B"), ("A", "B", "C")],
    (Opened, "uncertainty_s"): [0, 1, 30, 59.5, 60, 3600],
    (Authorisation, "supplier"): ["A", "B"],
    (Authorisation, "outcome"): ["accepted", "rejected"],
    (Step, "section"): [
        *("2.3.2", "2.4.1.1", "2.4.4", "2.4.5", "2.5.1.1", "2.5.7", "2.5.9", "2.6.2", "2.6.3"),
        *("2.6.4.1", "2.6.5", "commissioning"),
    ],
    (Step, "outcome"): ["passed", "failed"],
    (Step, "actor"): ["S1SP", "IOC S1SP", "SMSO", None],
    (File, "file"): ["MCF", "MGF", "MVF", "RFS", "SCF"],
    (File, "action"): ["generated", "received"],
    (File, "actor"): ["S1SP", "DSP", None],
    (Account, "holder"): ["SMSO", "DCC"],
    (Account, "actor"): ["S1SP", "SMSO", None],
    (Attempt, "number"): [1, 2, 3, 4, 6, 7, 8],
    (Attempt, "outcome"): ["succeeded", "failed", "unknown"],
    (Attempt, "retryable"): [True, False],
    (Attempt, "operation"): ["submit", None],
    (Key, "state"): ["old", "new", "unknown"],
    (Key, "proof"): ["ack", "probe", "none"],
    (Key, "device"): ["meter", "hub"],
    (Smi, "outcome"): ["updated", "failed"],
    (Incident, "outcome"): ["raised", "resolved"],
    (Incident, "acting_party"): ["S1SP", "DSP", "SMSO"],
    (Incident, "incident"): ["INC-1", "INC-2"],
    (Report, "report"): ["MRR6", "other"],
    (Report, "code"): ["MA122", "MA110", None],
    (Outage, "of"): ["bench", "clock", "log"],
    (Closed, "outcome"): ["commissioned", "failed", "resubmittable", "parked", "withdrawn"],
}

Mutation = Callable[[random.Random, list[Event]], None]


def shift(chance: random.Random, events: list[Event]) -> None:
    """One event (or it and all that follow) is moved in time; the order of time is kept."""
    index = chance.randrange(len(events))
    by = chance.choice(SHIFTS) * chance.choice([1, -1])
    stop = chance.choice([index + 1, len(events)])
    for i in range(index, stop):
        events[i] = moved(events[i], by)
    events.sort(key=lambda event: event.at)


def moved(event: Event, by: int) -> Event:
    changes: dict[str, Any] = {"at": event.at + by}
    started = getattr(event, "started", None)
    if started is not None:
        changes["started"] = started + by
    return replace(event, **changes)


def start_apart(chance: random.Random, events: list[Event]) -> None:
    """An attempt began earlier than it became known."""
    tries = [i for i, event in enumerate(events) if isinstance(event, Attempt)]
    if tries:
        index = chance.choice(tries)
        began = events[index].at - chance.choice(SHIFTS)
        events[index] = replace(events[index], started=began)  # type: ignore[call-arg]


def submitted(chance: random.Random, events: list[Event]) -> None:
    """An authorisation was submitted at another time, or the week is another."""
    found = [i for i, e in enumerate(events) if isinstance(e, Authorisation | WeekDesignated)]
    if found:
        index = chance.choice(found)
        event = events[index]
        by = chance.choice([*SHIFTS, 7 * DAY]) * chance.choice([1, -1])
        if isinstance(event, Authorisation):
            events[index] = replace(event, submitted=event.at + by)
        elif isinstance(event, WeekDesignated):
            events[index] = replace(event, from_=event.from_ + by, to=event.to + by)


def drop(chance: random.Random, events: list[Event]) -> None:
    del events[chance.randrange(len(events))]


def double(chance: random.Random, events: list[Event]) -> None:
    index = chance.randrange(len(events))
    copy = moved(events[index], chance.choice([0, *SHIFTS]))
    events.append(copy)
    events.sort(key=lambda event: event.at)


def swap(chance: random.Random, events: list[Event]) -> None:
    """Two events change places, each taking the other's time."""
    one, two = chance.randrange(len(events)), chance.randrange(len(events))
    first, second = events[one], events[two]
    events[one] = moved(second, first.at - second.at)
    events[two] = moved(first, second.at - first.at)


def relabel(chance: random.Random, events: list[Event]) -> None:
    index = chance.randrange(len(events))
    event = events[index]
    choices = [name for kind, name in LABELS if isinstance(event, kind)]
    if choices:
        name = chance.choice(choices)
        value = chance.choice(LABELS[type(event), name])
        events[index] = replace(event, **{name: value})


def black_out(chance: random.Random, events: list[Event]) -> None:
    """A span of which nothing is known, touching or overlapping what happened."""
    start = chance.choice(events).at + chance.choice([0, 0, 1, -1, *SHIFTS])
    end = max(start + 1, chance.choice(events).at + chance.choice([0, 1, -1]))
    place = chance.randrange(1, len(events) + 1)
    near = events[place - 1]
    of = chance.choice(["bench", "clock", "log"])
    events.insert(
        place,
        Outage(
            at=near.at, installation=near.installation, group=near.group, from_=start, to=end, of=of
        ),
    )


MUTATIONS: list[Mutation] = [
    *(shift, shift, start_apart, submitted, drop, drop, double, swap, swap),
    *(relabel, relabel, relabel, relabel, black_out),
]


def mutate(seed: str, events: list[Event]) -> list[Event]:
    """One to three mutations. The same seed gives the same mutant."""
    chance = random.Random(seed)
    mutant = list(events)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if mutant:
            chance.choice(MUTATIONS)(chance, mutant)
    return mutant


# --- traces to begin with ---------------------------------------------------------------------

_START = parse_instant("2021-05-04T09:00:00Z")


def _trace(
    group: str, *facts: tuple[int, type[Event], dict[str, Any]], **opened: Any
) -> list[Event]:
    events: list[Event] = [
        Opened(at=_START, installation="I-0001", group=group, **{"suppliers": ("A",), **opened})
    ]
    events += [
        kind(at=_START + after, installation="I-0001", **fields) for after, kind, fields in facts
    ]
    return events


def _step(after: int, section: str, outcome: str = "passed", actor: str | None = "S1SP") -> Any:
    return after, Step, {"section": section, "outcome": outcome, "actor": actor}


def _file(after: int, file: str, action: str = "generated") -> Any:
    return after, File, {"file": file, "action": action, "actor": "S1SP"}


def _tries(section: str, wait: int, outcomes: str, first: int = 0, **fields: Any) -> list[Any]:
    """`outcomes`: one letter an attempt, f(ailed), s(ucceeded) or u(nknown)."""
    words = {"f": "failed", "s": "succeeded", "u": "unknown"}
    return [
        (
            first + index * wait,
            Attempt,
            {"section": section, "number": index + 1, "outcome": words[letter], **fields},
        )
        for index, letter in enumerate(outcomes)
    ]


def _closed(after: int, outcome: str) -> Any:
    return after, Closed, {"outcome": outcome}


def _accepted(after: int, supplier: str = "A") -> Any:
    return after, Authorisation, {"supplier": supplier, "outcome": "accepted"}


def constructed() -> dict[str, list[Event]]:
    """Whole passages as each group goes through them, well and badly."""
    prepared = [
        _accepted(MINUTE),
        _step(2 * MINUTE, "2.3.2"),
        _step(3 * MINUTE, "2.4.1.1"),
        _file(4 * MINUTE, "MCF"),
        _step(5 * MINUTE, "2.4.4"),
        _step(6 * MINUTE, "2.4.5", actor="IOC S1SP"),
        _file(7 * MINUTE, "MVF"),
    ]
    switched = [
        *prepared,
        _step(8 * MINUTE, "2.5.1.1"),
        (9 * MINUTE, Account, {"holder": "DCC", "actor": "SMSO"}),
    ]
    rotated = [
        *switched,
        _file(HOUR, "RFS", "received"),
        *_tries("3.3", 30 * MINUTE, "fus", 2 * HOUR, device="meter"),
        (3 * HOUR + MINUTE, Key, {"device": "meter", "key": "SUA", "state": "new", "proof": "ack"}),
        (3 * HOUR + 2 * MINUTE, Smi, {"record": "CHF", "outcome": "failed"}),
        (
            3 * HOUR + 3 * MINUTE,
            Incident,
            {"incident": "INC-1", "outcome": "raised", "acting_party": "DSP"},
        ),
        (
            4 * HOUR,
            Incident,
            {"incident": "INC-1", "outcome": "resolved", "acting_party": "DSP"},
        ),
        (4 * HOUR + MINUTE, Smi, {"record": "CHF", "outcome": "updated"}),
        _file(4 * HOUR + 2 * MINUTE, "SCF"),
    ]
    week = {"from_": _START - DAY, "to": _START + 6 * DAY}
    long = 30 * MINUTE
    return {
        "DA-commissioned": _trace(
            "DA",
            *rotated,
            _step(5 * HOUR, "commissioning"),
            _closed(5 * HOUR + MINUTE, "commissioned"),
        ),
        "DA-just-in-time": _trace(
            "DA",
            *switched,
            _file(23 * HOUR, "RFS", "received"),
            *((after + DAY, kind, fields) for after, kind, fields in rotated[len(switched) + 1 :]),
            _closed(DAY + 5 * HOUR, "commissioned"),
        ),
        "DA-open": _trace("DA", *rotated),
        "DA-late-file-set": _trace(
            "DA",
            *switched,
            (25 * HOUR, Report, {"report": "other", "outcome": "failure"}),
            _step(26 * HOUR, "2.5.7", "failed"),
            (27 * HOUR, Account, {"holder": "SMSO", "actor": "S1SP"}),
            _closed(28 * HOUR, "failed"),
        ),
        "DA-switched-back": _trace(
            "DA",
            *switched,
            _file(HOUR, "RFS", "received"),
            _step(2 * HOUR, "2.5.10", "failed"),
            (3 * HOUR, Account, {"holder": "SMSO", "actor": "S1SP"}),
            _closed(4 * HOUR, "resubmittable"),
        ),
        "DA-parked": _trace(
            "DA",
            *switched,
            *_tries("3.3", 30 * MINUTE, "fu", 2 * HOUR, device="meter"),
            (
                3 * HOUR,
                Incident,
                {"incident": "INC-1", "outcome": "raised", "acting_party": "S1SP"},
            ),
            _closed(4 * HOUR, "parked"),
        ),
        "DA-commissioning-failed": _trace(
            "DA",
            *rotated,
            _step(5 * HOUR, "commissioning", "failed"),
            _closed(6 * HOUR, "failed"),
            (7 * HOUR, Report, {"report": "MRR6", "outcome": "failure", "code": "MA122"}),
        ),
        "EA-given-up": _trace(
            "EA",
            *prepared,
            *_tries("3.4.1", 4 * HOUR, "ffffff", HOUR),
            _closed(2 * DAY, "failed"),
        ),
        "EA-split": _trace(
            "EA",
            (0, WeekDesignated, week),
            *prepared[:1],
            _accepted(90 * SECOND, "B"),
            *prepared[1:],
            *_tries("3.4.1", 4 * HOUR, "ffs", HOUR),
            _closed(2 * DAY, "commissioned"),
            supply="split",
            suppliers=("A", "B"),
        ),
        "IOC-given-up": _trace(
            "IOC",
            *prepared,
            *_tries("3.1", 5 * MINUTE, "fff", HOUR, phase="short")[:3],
            *(
                (
                    HOUR + 10 * MINUTE + index * long,
                    Attempt,
                    {"section": "3.1", "number": 3 + index, "outcome": "failed", "phase": "long"},
                )
                for index in range(1, 96)
            ),
            _closed(3 * DAY, "failed"),
        ),
        "MDS-repeated": _trace(
            "MDS",
            *prepared,
            *_tries("3.2", 30 * MINUTE, "fffs", HOUR),
            _closed(DAY, "commissioned"),
        ),
    }


def from_fixtures() -> dict[str, list[Event]]:
    """The events of each installation of each trace that can be read, by file and name."""
    found: dict[str, list[Event]] = {}
    for path in sorted(FIXTURES.glob("*/*.jsonl")):
        by_installation: defaultdict[str, list[Event]] = defaultdict(list)
        for _, at, installation, said in TraceFile(str(path), Places()):
            if isinstance(said, FaultyLine):
                break
            by_installation[installation].append(whole(at, installation, said))
        else:
            for name, events in by_installation.items():
                found[f"{path.parent.name}/{path.stem}/{name}"] = events
    return found


def strategies() -> list[Strategy]:
    """The versions, and 5.0 with the numbers that a lab would supply for 3.2 and 3.3."""
    latest = load_strategy()
    supplied: dict[str, int] = {
        "3.2.interval": 30 * MINUTE,
        "3.2.repeats": 3,
        "3.3.interval": 30 * MINUTE,
        "3.3.repeats": 2,
    }
    parameters = {
        name: replace(parameter, value=supplied[name], status=Status.OVERLAY)
        if name in supplied
        else parameter
        for name, parameter in latest.parameters.items()
    }
    half = {**parameters, "3.3.interval": latest.parameters["3.3.interval"]}
    half["3.2.repeats"] = latest.parameters["3.2.repeats"]
    return [
        latest,
        replace(latest, parameters=parameters),
        replace(latest, parameters=half),
        load_strategy("2.0", "3.0"),
        load_strategy("5.0-draft", "4.0"),
    ]


# --- comparing --------------------------------------------------------------------------------


@dataclass
class Tally:
    """What the mutants showed, per rule."""

    mutants: int = 0
    no_trace: int = 0
    breaking: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def table(self) -> Iterator[str]:
        yield f"{'rule':26} {'breaking':>9} {'killed':>7} {'rate':>6} {'inconclusive':>13}"
        for rule in oracle.PREDICATES:
            breaking, killed = self.breaking[rule], self.killed[rule]
            rate = f"{killed / breaking:6.0%}" if breaking else "     -"
            yield f"{rule:26} {breaking:9} {killed:7} {rate} {self.doubtful[rule]:13}"
        yield (
            f"{self.mutants} mutants, {self.no_trace} of them no trace any more, "
            f"{len(self.disagreements)} disagreements"
        )


def checked(events: list[Event], strategy: Strategy) -> tuple[dict[str, str], set[str]] | None:
    """The checker's verdict by rule, and the rules that are reading sensitive; None: no trace."""
    checker = Checker(strategy, TOLERANCE)
    try:
        for line, event in enumerate(events, 1):
            checker.feed(event, line)
    except FaultyLine:
        return None
    judgement = checker.finish()
    verdicts = {}
    for rule, count in judgement.rules.items():
        (verdicts[rule],) = [word for word in WORDS.values() if getattr(count, word)]
    return verdicts, {f.rule for f in judgement.findings if f.reading_sensitive}


def expected(
    events: list[Event], strategy: Strategy, values: dict[str, Any] | None = None
) -> dict[str, str]:
    """The oracle's verdict by rule."""
    values = values or {name: p.value for name, p in strategy.parameters.items()}
    now = max(event.at for event in events)
    cases = [oracle.Case(part, values, TOLERANCE, now) for part in oracle.passages(events)]
    answers = {}
    for rule in strategy.rules.values():
        answer = oracle.worst(
            oracle.answer(rule.id, case) for case in cases if case.events[0].group in rule.groups
        )
        if answer is not None:
            answers[rule.id] = answer
    return answers


def turned(events: list[Event], strategy: Strategy, pinned: dict[str, str]) -> set[str]:
    """The rules whose verdict another reading of one parameter would turn, says the oracle."""
    values = {name: p.value for name, p in strategy.parameters.items()}
    found = set()
    for name, parameter in strategy.parameters.items():
        if parameter.kind is Kind.CHOICE:
            for choice in parameter.other_readings:
                other = expected(events, strategy, {**values, name: choice})
                found |= {rule for rule in pinned if other.get(rule) != pinned[rule]}
    return found


def single(events: list[Event]) -> bool:
    """Whether each rule has one judgement: one passage, one chain a section."""
    parts = oracle.passages(events)
    case = oracle.Case(parts[0], {}, 0, 0)
    return len(parts) == 1 and all(
        len(case.chains(section)) < 2 for section in ("3.1", "3.2", "3.3", "3.4.1")
    )


def compare(tally: Tally, label: str, events: list[Event], strategy: Strategy) -> None:
    """Counts one mutant, and notes where checker and oracle disagree."""
    tally.mutants += 1
    found = checked(events, strategy) if events else None
    if found is None:
        tally.no_trace += 1
        return
    verdicts, sensitive = found
    wanted = expected(events, strategy)
    for rule in wanted.keys() | verdicts.keys():
        want, got = wanted.get(rule), verdicts.get(rule)
        if want == oracle.FAILED:
            tally.breaking[rule] += 1
            tally.killed[rule] += got == oracle.FAILED
        tally.doubtful[rule] += want == oracle.INCONCLUSIVE
        if want != got:
            tally.disagreements.append(f"{label}: {rule}: oracle {want}, checker {got}")
    if single(events):
        want_turned = turned(events, strategy, wanted)
        if want_turned != sensitive:
            tally.disagreements.append(
                f"{label}: reading sensitive: oracle {sorted(want_turned)},"
                f" checker {sorted(sensitive)}"
            )


def run(traces: dict[str, list[Event]], mutants: int) -> Tally:
    """`mutants` of each trace, each judged by one of the strategies in turn."""
    tally = Tally()
    known = strategies()
    for name, events in traces.items():
        for number in range(mutants):
            label = f"{name}#{number}"
            mutant = mutate(label, events) if number else events
            compare(tally, label, mutant, known[number % len(known)])
    return tally
