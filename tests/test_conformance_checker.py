"""The checker as a whole: one pass over any order of installations, order errors, what is kept."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.conformance import checker as checker_module
from bench.conformance.checker import Checker
from bench.conformance.finding import Judgement
from bench.conformance.judging import THEMES
from bench.conformance.limits import other_readings, pinned_limits
from bench.conformance.passage import Passage
from bench.conformance.rule import RULES
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Kind, Status
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
    Operator,
    Outage,
    Report,
    Smi,
    Step,
    WeekDesignated,
)
from bench.trace_reading import FaultyLine
from bench.units import HOUR, MINUTE, SECOND, parse_instant

STRATEGY = load_strategy("5.0", "4.0")
START = parse_instant("2021-05-04T09:00:00Z")


def judge(events: Iterable[Event]) -> Judgement:
    checker = Checker(STRATEGY)
    for line, event in enumerate(events, 1):
        checker.feed(event, line)
    return checker.finish()


def opened(at: int, group: str = "EA", name: str = "I-1", **fields: Any) -> Opened:
    return Opened(at=START + at, installation=name, group=group, **fields)


def closed(at: int, outcome: str = "failed", name: str = "I-1") -> Closed:
    return Closed(at=START + at, installation=name, outcome=outcome)


def tries(numbers: Iterable[int], wait: int = 4 * HOUR, name: str = "I-1") -> list[Event]:
    return [
        Attempt(
            at=START + (index + 1) * wait,
            installation=name,
            section="3.4.1",
            number=number,
            outcome="failed",
        )
        for index, number in enumerate(numbers)
    ]


# --- order ---

STEP = Step(at=START, installation="I-1", section="2.3.2", outcome="passed")
REPORT = Report(at=START, installation="I-1", report="other", outcome="failure")

OUT_OF_ORDER: list[tuple[str, list[Event], str]] = [
    ("back", [opened(1), STEP], "at: expected a time not before 2021-05-04T09:00:00.000001Z"),
    ("open twice", [opened(0), opened(1)], "opened: expected 'closed' first"),
    ("never opened", [STEP], "step: expected 'opened' first (or the same 'group' on every event)"),
    ("report of nothing", [REPORT], "report: expected 'opened' first (or the same 'group'"),
    ("after the close", [opened(0), closed(0), STEP], "is closed"),
    ("closed twice", [opened(0), closed(0), closed(0)], "is closed"),
    ("another group", [opened(0), replace(STEP, group="DA")], "group: expected EA, the group of"),
    (
        "another group after the close",
        [opened(0), closed(0), replace(REPORT, group="DA")],
        "group: expected EA",
    ),
    ("group missing", [replace(STEP, group="EA"), STEP], "missing field 'group': expected EA"),
    (
        "opened late",
        [replace(STEP, group="EA"), opened(0)],
        'opened: expected as the first event of "I-1", or not at all',
    ),
    ("number again", [opened(0), *tries([1, 1, 2, 2])], "number: expected 1 (a new chain) or more"),
    ("number falls", [opened(0), *tries([1, 3, 2])], "more than 3, the one before it"),
]


@pytest.mark.parametrize(
    ("events", "says"),
    [(events, says) for _, events, says in OUT_OF_ORDER],
    ids=[name for name, *_ in OUT_OF_ORDER],
)
def test_a_line_out_of_order_is_refused_and_leaves_no_verdict(
    events: list[Event], says: str
) -> None:
    checker = Checker(STRATEGY)
    for line, event in enumerate(events[:-1], 1):
        checker.feed(event, line)
    with pytest.raises(FaultyLine) as caught:
        checker.feed(events[-1], len(events))
    assert says in str(caught.value)
    with pytest.raises(ValueError, match="no verdict"):
        checker.finish()


def test_a_faulty_opening_is_one_fault_not_one_for_every_line_after_it() -> None:
    checker = Checker(STRATEGY)
    checker.shake(FaultyLine("bad group", installation="I-1", kind="opened"))
    for line, event in enumerate([STEP, closed(1), opened(2), closed(3)], 2):
        checker.feed(event, line)
    with pytest.raises(FaultyLine, match="not before"):
        checker.feed(STEP, 6)


# --- counting and finding ---


def test_an_installation_counts_once_with_its_worst_verdict() -> None:
    good, bad = tries([1, 2], 4 * HOUR), tries([1, 2, 3], 9 * HOUR)
    events = [
        opened(0),
        *good,
        closed(9 * HOUR, "resubmittable"),
        opened(9 * HOUR),
        *bad,
        closed(40 * HOUR, "resubmittable"),
        opened(40 * HOUR),
        *(replace(event, at=event.at + 40 * HOUR) for event in good),
        closed(60 * HOUR, "resubmittable"),
    ]
    judgement = judge(events)
    assert judgement.rules["3.4.1-wait"].as_json() == {"passed": 0, "failed": 1, "inconclusive": 0}
    (finding,) = judgement.findings
    assert finding.observed == "9 h in 2 of 2 waits"
    assert finding.where == ("trace.jsonl:6", "trace.jsonl:7", "trace.jsonl:8")


def test_a_chain_with_very_many_bad_waits_is_one_short_finding() -> None:
    judgement = judge([opened(0), *tries(range(1, 20_001), MINUTE), closed(2 * 10**12)])
    wait, repeats = judgement.findings
    assert wait.observed == "1 min in 19999 of 19999 waits"
    assert len(wait.where) == 6
    assert (repeats.rule, repeats.observed) == ("3.4.1-repeats", "20000 attempts")


def test_findings_come_by_first_appearance_then_line() -> None:
    one = [opened(0, name="B"), *tries([1, 2], HOUR, "B")]
    two = [opened(0, name="A"), *tries([1, 2], HOUR, "A")]
    ends = [closed(9 * HOUR, name="A"), closed(9 * HOUR, name="B")]
    mixed = [event for pair in zip(one, two, strict=True) for event in pair]
    found = [(f.installation, f.rule) for f in judge([*mixed, *ends]).findings]
    assert found == [(name, rule) for name in "BA" for rule in ("3.4.1-wait", "3.4.1-persistence")]


# --- late events ---


def test_what_comes_after_the_close_counts_though_the_passage_was_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The report of the first installation comes when its facts have long become bytes."""
    monkeypatch.setattr(checker_module, "_RECENT", 2)
    failing = Step(at=START, installation="", section="commissioning", outcome="failed")
    events: list[Event] = []
    for index in range(20):
        name = f"I-{index}"
        events += [opened(0, name=name), replace(failing, installation=name), closed(1, name=name)]
    reported = [
        Report(at=START + 9, installation=f"I-{i}", report="MRR6", outcome="failure", code="MA122")
        for i in (0, 5, 19)
    ]
    outage = Outage(at=START + 9, installation="I-7", from_=START, to=START + 2 * SECOND, of="log")
    judgement = judge([*events, *reported, outage])
    assert judgement.rules["A.1-ma122"].as_json() == {"passed": 3, "failed": 16, "inconclusive": 1}
    assert {f.installation for f in judgement.findings} == {f"I-{i}" for i in range(20)} - {
        "I-0",
        "I-5",
        "I-19",
    }


# --- properties over any stream ---

_GAPS = (0, 1, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 4 * HOUR, 24 * HOUR)


def any_event(chance: random.Random, name: str, group: str, at: int) -> Event:
    """An event that could be in a trace; whether it may come now is another matter."""
    actor = chance.choice([None, "S1SP", "IOC S1SP", "SMSO"])
    device = chance.choice(["meter", "hub"])
    lead: dict[str, Any] = {"at": at, "installation": name, "group": group}
    section = chance.choice(["3.1", "3.2", "3.3", "3.4.1"])
    span: dict[str, Any] = {"from_": at - chance.choice(_GAPS) - 1, "to": at + chance.choice(_GAPS)}
    makers: list[Callable[[], Event]] = [
        lambda: WeekDesignated(**lead, **span),
        lambda: Authorisation(
            **lead, supplier=chance.choice("AB"), outcome=chance.choice(["accepted", "rejected"])
        ),
        lambda: Step(
            **lead,
            section=chance.choice(
                ["2.3.2", "2.4.1.1", "2.4.4", "2.4.5", "2.5.1.1", "2.5.7", "2.6.5", "commissioning"]
            ),
            outcome=chance.choice(["passed", "failed"]),
            actor=actor,
        ),
        lambda: File(
            **lead,
            file=chance.choice(["MCF", "MGF", "MVF", "RFS", "SCF"]),
            action=chance.choice(["generated", "received"]),
            actor=actor,
        ),
        lambda: Account(**lead, holder=chance.choice(["SMSO", "DCC"]), actor=actor),
        lambda: Attempt(
            **lead,
            section=section,
            number=chance.randint(1, 6),
            phase=chance.choice(["short", "long"]) if section == "3.1" else None,
            device=device,
            outcome=chance.choice(["succeeded", "failed", "unknown"]),
            started=at - chance.choice(_GAPS),
            retryable=chance.random() < 0.9,
        ),
        lambda: Key(
            **lead,
            device=device,
            key="SUA",
            state=chance.choice(["old", "new", "unknown"]),
            proof=chance.choice(["ack", "probe", "none"]),
        ),
        lambda: Smi(**lead, record="CHF", outcome=chance.choice(["updated", "failed"])),
        lambda: Incident(
            **lead,
            incident=chance.choice("12"),
            outcome=chance.choice(["raised", "resolved"]),
            acting_party=chance.choice(["S1SP", "DSP", "SMSO"]),
        ),
        lambda: Report(**lead, report="MRR6", outcome="failure", code="MA122"),
        lambda: Operator(**lead, asked="relay?", answer="off", by="RL"),
        lambda: Outage(**lead, **span, of=chance.choice(["bench", "clock", "log"])),
        lambda: Closed(
            **lead,
            outcome=chance.choice(
                ["commissioned", "failed", "resubmittable", "parked", "withdrawn"]
            ),
        ),
    ]
    return chance.choice(makers)()


def any_installation(chance: random.Random, name: str) -> list[Event]:
    """Events of one installation that are a trace."""
    group = chance.choice(["IOC", "MDS", "DA", "EA"])
    events: list[Event] = []
    checker = Checker(STRATEGY)
    at = START
    for _ in range(chance.randint(3, 40)):
        at += chance.choice(_GAPS)
        split = chance.random() < 0.3
        event = any_event(chance, name, group, at)
        if not events or (isinstance(events[-1], Closed) and chance.random() < 0.5):
            event = Opened(
                at=at,
                installation=name,
                group=group,
                supply="split" if split else "single",
                suppliers=("A", "B"),
                payment=chance.choice(["credit", "prepayment"]),
                uncertainty_s=chance.choice([0, 0, 5, 90]),
            )
        try:
            checker.feed(event, 1)
        except FaultyLine:
            checker = Checker(STRATEGY)
            for known in events:
                checker.feed(known, 1)
            at = events[-1].at if events else START
        else:
            events.append(event)
    checker.finish()
    return events


_seeds = st.integers(0, 2**32).map(random.Random)


@given(_seeds)
def test_any_stream_is_judged_or_refused_but_never_crashes(chance: random.Random) -> None:
    checker = Checker(STRATEGY)
    faults = 0
    for line in range(chance.randint(1, 60)):
        at = START + chance.randrange(HOUR)
        name, group = chance.choice(["I-1", "I-2"]), chance.choice(["DA", "DA", "EA"])
        event = any_event(chance, name, group, at)
        if chance.random() < 0.3:
            event = Opened(at=at, installation=name, group=group)
        try:
            checker.feed(event, line)
        except FaultyLine:
            faults += 1
    if not faults:
        checker.finish()


@given(_seeds)
def test_interleaving_changes_no_finding(chance: random.Random) -> None:
    """Each installation alone gives what it gives among others, as long as "now" is the same."""
    now = START + 10**13
    alone = {name: any_installation(chance, name) for name in ("I-1", "I-2", "I-3")}
    clock: Event = Operator(
        at=now, installation="Z", group="EA", asked="time?", answer="now", by="RL"
    )
    queues = {name: list(events) for name, events in alone.items()}
    mixed: list[tuple[int, Event]] = []
    numbers = dict.fromkeys(queues, 0)
    while any(queues.values()):
        name = chance.choice([name for name, queue in queues.items() if queue])
        numbers[name] += 1
        mixed.append((numbers[name], queues[name].pop(0)))
    checker = Checker(STRATEGY)
    for line, event in [*mixed, (99, clock)]:
        checker.feed(event, line)
    together = checker.finish()
    for name, events in alone.items():
        checker = Checker(STRATEGY)
        for line, event in [*enumerate(events, 1), (99, clock)]:
            checker.feed(event, line)
        single = checker.finish()
        assert single.findings == tuple(f for f in together.findings if f.installation == name)
        for rule, count in single.rules.items():
            assert together.rules[rule].passed >= count.passed
            assert together.rules[rule].failed >= count.failed


@given(_seeds)
def test_a_packed_passage_is_the_same_passage(chance: random.Random) -> None:
    events = any_installation(chance, "I-1")
    passage = Passage(events[0], events[0].at, 1)
    for line, event in enumerate(events[1:], 2):
        if isinstance(event, Opened):
            break
        passage.add(event, event.at, line)
    again = Passage.unpacked(passage.packed())
    for name in Passage.__slots__:
        if not name.startswith("_"):
            assert getattr(again, name) == getattr(passage, name), name


# --- rules and data ---


def test_the_checker_knows_every_rule_of_every_version_and_no_other() -> None:
    known = set()
    for mehrs in ("2.0", "2.1-draft", "5.0-draft", "5.0"):
        known |= set(load_strategy(mehrs, "4.0").rules)
    assert known == set(RULES)


def test_every_rule_says_which_clause_it_judges() -> None:
    assert len(THEMES) == len({theme.__name__ for theme in THEMES})
    assert [name for name, function in RULES.items() if not function.__doc__] == []


def test_a_reading_settled_by_an_overlay_is_no_other_reading() -> None:
    parameters = {
        name: replace(p, status=Status.OVERLAY) if p.kind is Kind.CHOICE else p
        for name, p in STRATEGY.parameters.items()
    }
    settled = replace(STRATEGY, parameters=parameters)
    assert other_readings(settled, pinned_limits(settled, 0)) == ()
    assert {o.parameter for o in other_readings(STRATEGY, pinned_limits(STRATEGY, 0))} == {
        "3.1.period-from",
        "3.4.1.counting",
        "3.x.measured-from",
        "boundary",
    }
