"""Each expectation, met and not met: what it says then is what somebody has to act on."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bench.devices import KeySlot
from bench.effects import Act
from bench.emulation import Truth
from bench.errors import Ambiguous, Interrupted, PeerError
from bench.expectations import mismatches, unknowable
from bench.invariant import Invariant
from bench.migration.process import Migration
from bench.parties import Holder
from bench.scenario.ran import Ran
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.suite import Expectation, KeyHeld, Outcome, RuleVerdict
from bench.suite_reading import read_suite
from bench.trace import Closed, Incident, Opened, Outage, Report, Step
from bench.units import HOUR

RULES = {"2.5.4-no-mgf": "passed"}


@pytest.fixture(scope="module")
def da() -> Ran:
    """A DA installation that came through: account DCC, both keys new, no report."""
    _, scenarios = read_suite(find("suites", "commissioning"))
    (prepared,) = [each for each in scenarios if each.scenario.scenario == "da-commissioned"]
    ran = run_scenario(prepared, 1)
    assert ran.after is not None
    return ran


def expecting(ran: Ran, **wanted: Any) -> Ran:
    expect = Expectation(**{"outcome": Outcome.COMMISSIONED, **wanted})
    scenario = replace(ran.prepared.scenario, expect=expect)
    return replace(ran, prepared=replace(ran.prepared, scenario=scenario))


MET: list[dict[str, Any]] = [
    {},
    {"passages": 1, "gave_up": False},
    {"account": Holder.DCC},
    {"keys": {"electricity": KeyHeld.NEW, "gas": KeyHeld.NEW}},
    {"attempts": {"3.3": 2, "3.1": 0}},
    {"reports": ()},
    {"incidents": 0, "wake_ups": 0, "chf_updated": True},
    {"at_least": HOUR, "at_most": 48 * HOUR},
    {"rules": {"2.5.4-no-mgf": RuleVerdict.PASSED}},
    {"rules": {"3.4.1-wait": RuleVerdict.NOT_EXERCISED}},
    {"allows": tuple(Invariant)},
]


@pytest.mark.parametrize("wanted", MET)
def test_what_is_met_says_nothing(da: Ran, wanted: dict[str, Any]) -> None:
    assert mismatches(expecting(da, **wanted), RULES) == []


NOT_MET: list[tuple[dict[str, Any], str]] = [
    ({"outcome": Outcome.PARKED}, "outcome: expected parked, got commissioned"),
    ({"passages": 2}, "passages: expected 2, got 1"),
    ({"gave_up": True}, "given up: expected True, got False"),
    ({"account": Holder.SMSO}, "account: expected SMSO, got DCC"),
    ({"keys": {"gas": KeyHeld.OLD}}, "SUA key held by gas: expected old, got new"),
    ({"attempts": {"3.3": 3}}, "attempts of 3.3: expected 3, got 2"),
    ({"reports": ("MA122", "GT01")}, "reports: expected [MA122, GT01], got []"),
    ({"incidents": 1}, "incidents raised: expected 1, got 0"),
    ({"wake_ups": 2}, "wake-up SMS: expected 2, got 0"),
    ({"chf_updated": False}, "CHF updated on the SMI: expected False, got True"),
    (
        {"failed": {"2.5.7": "BENCH-NO-WAN"}},
        "section 2.5.7: expected failed with BENCH-NO-WAN, got None",
    ),
    (
        {"rules": {"2.5.4-no-mgf": RuleVerdict.FAILED}},
        "rule 2.5.4-no-mgf: expected failed, got passed",
    ),
    (
        {"rules": {"3.4.1-wait": RuleVerdict.PASSED}},
        "rule 3.4.1-wait: expected passed, got not-exercised",
    ),
]


@pytest.mark.parametrize(("wanted", "said"), NOT_MET)
def test_what_is_not_met_is_said(da: Ran, wanted: dict[str, Any], said: str) -> None:
    assert mismatches(expecting(da, **wanted), RULES) == [said]


def test_a_duration_is_said_as_people_say_it(da: Ran) -> None:
    ran = replace(da, started=da.ended - 3 * HOUR)
    assert mismatches(expecting(ran, at_least=4 * HOUR), {}) == [
        "duration: expected at least 4 h, got 3 h"
    ]
    assert mismatches(expecting(ran, at_most=2 * HOUR), {}) == [
        "duration: expected at most 2 h, got 3 h"
    ]
    assert mismatches(expecting(ran, at_least=3 * HOUR, at_most=3 * HOUR), {}) == []


@pytest.mark.parametrize("verdict", ["failed", "inconclusive"])
def test_a_rule_nobody_named_must_not_be_broken(da: Ran, verdict: str) -> None:
    assert mismatches(expecting(da), {"2.5.2-stops": verdict}) == [
        f"rule 2.5.2-stops: expected passed or not-exercised, got {verdict}"
    ]


def test_only_the_last_passage_says_which_section_failed(da: Ran) -> None:
    first = [
        Opened(at=0, installation="x"),
        Step(at=1, installation="x", section="2.5.7", outcome="failed", code="A"),
        Closed(at=2, installation="x", outcome="resubmittable"),
    ]
    second = [
        Opened(at=3, installation="x"),
        Step(at=4, installation="x", section="2.5.8", outcome="failed", code="B"),
        Report(at=5, installation="x", report="other", outcome="failure", code="B"),
        Incident(at=5, installation="x", incident="1", outcome="raised", acting_party="DSP"),
        Incident(at=6, installation="x", incident="1", outcome="resolved", acting_party="DSP"),
    ]
    ran = replace(da, events=[*first, *second])
    met = {"failed": {"2.5.8": "B"}, "incidents": 1, "reports": ("B",)}
    assert mismatches(expecting(ran, **met), {}) == []
    assert mismatches(expecting(ran), {}) == [
        "section 2.5.8: expected to pass, got failed with B",
    ]


def with_device(ran: Ran, **changes: Any) -> Ran:
    truth = ran.after
    assert isinstance(truth, Truth)
    gas = replace(truth.devices["gas"], **changes)
    return replace(ran, after=replace(truth, devices={**truth.devices, "gas": gas}))


@pytest.mark.parametrize(
    ("changes", "invariant", "said"),
    [
        (
            {"outages": ((1, 2),)},
            Invariant.SUPPLY,
            "gas: expected its supply to stay on, got supply-interrupted: the meter opened it, "
            "in 2.3.2 at 1970-01-01T00:00:00.000001Z",
        ),
        (
            {"registers_fell": True},
            Invariant.REGISTERS,
            "gas: expected its registers never to fall, got registers-fell: "
            "a register is lower than it was, between the opening and the end",
        ),
        (
            {"balance_lost": True},
            Invariant.BALANCE,
            "gas: expected its prepayment balance to fall by consumption only, got balance-lost: "
            "it changed otherwise, between the opening and the end",
        ),
        (
            {"power_ups": 3, "up_since": 1},
            Invariant.RESTARTED,
            "gas: expected no restart that nobody asked for, got restarted: "
            "it started by itself 2 times, the last time, in 2.3.2 at 1970-01-01T00:00:00.000001Z",
        ),
        (
            {"joined": False},
            Invariant.HAN,
            "gas: expected it to stay in its HAN, got left-the-han: "
            "it was a member before, and is not after, between the opening and the end",
        ),
        (
            {"clock_error": -HOUR},
            Invariant.CLOCK,
            "gas: expected its clock to keep time, got clock-off: "
            "it was CLOCK, between the opening and the end",
        ),
    ],
)
def test_invariants_hold_unless_allowed(
    da: Ran, changes: dict[str, Any], invariant: Invariant, said: str
) -> None:
    broken = with_device(da, **changes)
    found = mismatches(expecting(broken), {})
    assert [re.sub(r"(?<=it was )\S+ s .+ slow", "CLOCK", each) for each in found] == [said]
    assert mismatches(expecting(broken, allows=(invariant,)), {}) == []
    others = tuple(each for each in Invariant if each is not invariant)
    assert mismatches(expecting(broken, allows=others), {}) == found
    wanted = {"gas": (invariant,)}
    assert mismatches(expecting(broken, found=wanted), {}) == []
    assert mismatches(expecting(da, found=wanted), {}) == [
        f"gas: expected the bench to find {invariant}, got nothing of the kind"
    ]


def test_a_key_that_leaks_is_found(da: Ran) -> None:
    key = da.secrets[-1]
    shown = Act(1, 0, "gas", "rotate_key", repr(key.reveal()))
    assert mismatches(expecting(replace(da, acts=[*da.acts, shown])), {}) == [
        f"expected no key byte in any output, got bytes of <{key.label}>"
    ]
    spoken = Report(at=9, installation="x", report="other", outcome="x", code=key.reveal().hex())
    found = mismatches(expecting(replace(da, events=[*da.events, spoken])), {})
    assert found == [f"expected no key byte in any output, got bytes of <{key.label}>"]


def test_everything_that_is_wrong_is_said_at_once(da: Ran) -> None:
    wrong = expecting(da, outcome=Outcome.FAILED, account=Holder.SMSO, incidents=1, wake_ups=1)
    assert len(mismatches(wrong, {"2.5.2-stops": "failed"})) == 5


def test_what_anybody_believed_is_not_asked(da: Ran) -> None:
    """The account is where it really is, whatever the process says of its outcome."""
    assert da.after is not None
    before = da.before.devices["gas"].keys[KeySlot.SUA]
    lied = with_device(da, keys={KeySlot.SUA: before})
    lied = replace(lied, migration=Migration("commissioned", 1, gave_up=False))
    belief, conduct = mismatches(expecting(lied, keys={"gas": KeyHeld.NEW}), {})
    assert belief == "SUA key held by gas: expected new, got old"
    assert conduct.startswith("gas: expected it to prove the key it holds and no other")


def taken_up(ran: Ran, of: str = "bench") -> Ran:
    """As if the bench had been down for a second of it."""
    opened = next(event for event in ran.events if isinstance(event, Opened))
    at = opened.at + 1_000_000
    gap = Outage(at=at, installation=opened.installation, from_=opened.at, to=at, of=of)
    return replace(ran, events=[opened, gap, *ran.events[1:]])


def preceded(ran: Ran, act: Act) -> Ran:
    """As if the process had begun with that request."""
    assert ran.process_acts is not None, "it ran to its end"
    return replace(ran, acts=[act, *ran.acts], process_acts=ran.process_acts + 1)


@pytest.mark.parametrize(
    ("wanted", "said"), [*NOT_MET[:9], ({"found": {"gas": (Invariant.UNANSWERED,)}}, "find")]
)
def test_what_may_come_of_a_bench_that_was_down_is_no_failure(
    da: Ran, wanted: dict[str, Any], said: str
) -> None:
    ran = expecting(taken_up(da), **wanted)
    assert mismatches(ran, RULES) == []
    (line,) = unknowable(ran, RULES)
    assert said.partition(":")[0] in line
    assert line.endswith("and the bench was down meanwhile")
    assert mismatches(expecting(taken_up(da, "clock"), **wanted), RULES)


def test_a_rule_that_a_real_clock_leaves_open_is_no_failure(da: Ran) -> None:
    """In virtual time the clock is exact, and what should have passed is wrong."""
    rules = {"3.1-persistence": "inconclusive"}
    said = "rule 3.1-persistence: expected passed or not-exercised, got inconclusive"
    assert mismatches(expecting(da), rules) == [said]
    real = replace(da, clock_evidence={})
    assert mismatches(expecting(real), rules) == []
    assert unknowable(expecting(real), rules) == [said]
    assert mismatches(expecting(real), {"3.1-persistence": "failed"})


def test_a_device_is_judged_also_where_the_bench_was_down(da: Ran) -> None:
    ran = expecting(taken_up(da))
    assert unknowable(ran, RULES) == []
    act = Act(1, ran.started, "gas", "reboot", "", "!", (), Ambiguous("gas", "reboot"))
    (line,) = mismatches(preceded(ran, act), RULES)
    assert "gas: expected an answer, got unanswered: reboot" in line


@pytest.mark.parametrize(("error", "blamed"), [(Ambiguous, 1), (Interrupted, 0)])
def test_a_device_is_not_blamed_for_the_death_of_the_bench(
    da: Ran, error: type[PeerError], blamed: int
) -> None:
    act = Act(1, da.started, "gas", "reboot", "", "!", (), error("gas", "reboot"))
    assert len(mismatches(preceded(expecting(da), act), RULES)) == blamed
