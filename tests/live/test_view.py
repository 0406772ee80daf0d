"""The view as a fold over events, and its words."""

from __future__ import annotations

from functools import reduce

import pytest

from bench.live.board import attempts_allowed
from bench.live.status import Current, Status
from bench.live.view import View, in_words, seen
from bench.live.words import headline, rows
from bench.mehrs.loader import load_strategy
from bench.result import StrategyRecord
from bench.trace import (
    Account,
    Attempt,
    Closed,
    Event,
    Incident,
    Key,
    Opened,
    Operator,
    Smi,
    Step,
)
from bench.units import DAY, HOUR, MINUTE, SECOND

ALLOWED = {"3.1": 4, "3.3": 7}
T = 1_623_000_000 * SECOND
AT = {"installation": "I"}


def viewed(*events: Event) -> View:
    return reduce(lambda view, event: seen(view, event, ALLOWED), events, View("I"))


def attempt(number: int, **more: object) -> Attempt:
    return Attempt(at=T + number, section="3.3", number=number, outcome="failed", **AT, **more)  # type: ignore[arg-type]


def test_everything_that_is_told_is_seen() -> None:
    view = viewed(
        Opened(at=T, group="DA", **AT),
        Account(at=T + 1, holder="DCC", **AT),
        Key(at=T + 2, key="SUA", state="new", proof="read", device="e", **AT),
        Key(at=T + 3, key="SUA", state="unknown", proof="none", device="g", **AT),
        Smi(at=T + 4, record="CHF", outcome="updated", **AT),
        Incident(at=T + 5, incident="1", outcome="raised", acting_party="DSP", **AT),
        attempt(6, device="g", operation="proof", code="X1"),
    )
    assert view.group == "DA"
    assert view.account == "DCC"
    assert view.keys == {"e": "new", "g": "unknown"}
    assert view.smi == "CHF updated"
    assert view.incidents == 1
    assert view.events == 7
    assert view.at == T + 6
    trying = view.trying
    assert trying is not None
    assert (trying.number, trying.of, trying.what, trying.code) == (6, 7, "proof of g", "X1")


def test_an_incident_resolved_is_open_no_more() -> None:
    raised = Incident(at=T, incident="1", outcome="raised", acting_party="DSP", **AT)
    resolved = Incident(at=T, incident="1", outcome="resolved", acting_party="DSP", **AT)
    assert viewed(raised, raised, resolved).incidents == 1
    assert viewed(resolved).incidents == 0


def test_a_new_passage_begins_anew_but_keeps_who_holds_what() -> None:
    view = viewed(
        Opened(at=T, group="IOC", **AT),
        Account(at=T, holder="DCC", **AT),
        attempt(1),
        Closed(at=T + 1, outcome="resubmittable", **AT),
        Opened(at=T + 2, group="IOC", **AT),
    )
    assert view.passage == 2
    assert view.outcome == ""
    assert view.trying is None
    assert view.account == "DCC"


def test_the_long_phase_has_no_number_of_attempts() -> None:
    def of(phase: str) -> int:
        event = Attempt(at=T, section="3.1", number=3, outcome="failed", phase=phase, **AT)
        trying = viewed(event).trying
        assert trying is not None
        return trying.of

    assert of("short") == ALLOWED["3.1"]
    assert of("long") == 0


def test_allowed_attempts_are_the_strategys() -> None:
    strategy = load_strategy()
    allowed = attempts_allowed(strategy)
    assert allowed["3.3"] == 1 + strategy.count("3.3.repeats")
    assert allowed["3.1"] == 1 + strategy.count("3.1.short-repeats")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Step(at=T, section="2.6.2", outcome="failed", code="C1", **AT), "2.6.2 failed · C1"),
        (Closed(at=T, outcome="parked", **AT), "closed: parked"),
        (
            Operator(at=T, asked="plugged?", answer="yes", by="Ada", **AT),
            "asked: plugged?; answered: yes (Ada)",
        ),
    ],
)
def test_words(event: Event, words: str) -> None:
    assert in_words(event) == words


def status(view: View | None, **more: object) -> Status:
    strategy = StrategyRecord("5.0", "3.0", None, {})
    current = Current("da-one", "about", 1, strategy, {}, view, **more)  # type: ignore[arg-type]
    return Status(
        "running", "retry", "bench 3", "wall", 1, T, T, 12, 3, {"pass": 3}, current=current
    )


def told(view: View | None, now: int, **more: object) -> dict[str, str]:
    return {row.label: row.text for row in rows(status(view, **more), now)}


def test_rows_count_down_to_the_next_attempt() -> None:
    view = viewed(Opened(at=T, group="DA", **AT), attempt(2, device="g"))
    more = {"until": T + 29 * MINUTE}
    said = told(view, T + 10 * SECOND, **more)
    assert said["scenario"] == "4 of 12: da-one"
    assert said["installation"] == "I of group DA, open for 10 s"
    assert said["attempt"] == "2 of 7: g (section 3.3): failed"
    assert said["next"].startswith("in 28 min 50 s, at ")
    assert told(view, T + 30 * MINUTE, **more)["next"] == "due"
    awaited = told(view, T, until=T + 2 * DAY, doing="FileReceived or SubmissionReceived")["next"]
    assert awaited == "on file received or submission received, or at 8 Jun 2021 17:20 UTC"
    assert "Jun 2021" in told(view, T, until=T + 2 * DAY)["next"]


def test_what_was_never_told_is_not_made_up() -> None:
    said = told(viewed(Opened(at=T, group="DA", **AT)), T)
    assert said["account"] == said["keys"] == "not told yet"
    assert said["so far"] == "nothing judged yet"
    assert told(None, T)["doing"] == "being prepared"


def test_a_mark_stands_for_the_worst_verdict_so_far() -> None:
    view = viewed(Opened(at=T, **AT))
    rules = {"failed": 1, "inconclusive": 2, "passed": 9}
    (row,) = (row for row in rows(status(view, rules=rules), T) if row.label == "so far")
    assert (row.text, row.mark) == ("1 failed, 2 inconclusive, 9 passed", "failed")
    (row,) = (row for row in rows(status(view, rules={"passed": 9}), T) if row.label == "so far")
    assert row.mark == ""


def test_the_headline_counts() -> None:
    assert headline(status(None)) == "suite retry on bench 3: 3 of 12 scenarios, 3 pass"


def test_names_cannot_steer_a_terminal() -> None:
    view = viewed(Opened(at=T, **AT), Account(at=T, holder="\x1b[2J", **AT))
    assert "\x1b" not in told(view, T + HOUR)["account"]
