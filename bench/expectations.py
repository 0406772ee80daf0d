"""Compares what a scenario expects with what happened: sentences "expected …, got …", or none.

What really happened is the emulator's truth and the trace; what anybody believed is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bench.certificate import rule_status
from bench.conduct import Breach, Watched, breaches
from bench.devices import KeySlot
from bench.emulation import DeviceTruth, Truth, Unknown
from bench.invariant import Invariant
from bench.leaks import find_leaks
from bench.mehrs.strategy import Status
from bench.migration.defaults import with_overrides
from bench.plugins import EMULATORS, load
from bench.scenario.ran import Ran
from bench.suite import Expectation, KeyHeld, RuleVerdict, Scenario
from bench.trace import Attempt, Event, Incident, Opened, Outage, Report, Step, to_json
from bench.units import format_duration

KEPT: Final = {
    Invariant.SUPPLY: "its supply to stay on",
    Invariant.REGISTERS: "its registers never to fall",
    Invariant.BALANCE: "its prepayment balance to fall by consumption only",
    Invariant.CLOCK: "its clock to keep time",
    Invariant.RESTARTED: "no restart that nobody asked for",
    Invariant.IDENTITY: "the identity that the installation lists",
    Invariant.HAN: "it to stay in its HAN",
    Invariant.KEY_LOST: "it to hold the old key or the new one",
    Invariant.COUNTER: "its newest counter never to fall",
    Invariant.LOCKED: "no lockout, as nobody showed it too many wrong keys",
    Invariant.MISCOUNTED: "its registers to count what was used",
    Invariant.ACKNOWLEDGED: "what it acknowledges to be done",
    Invariant.REFUSED: "it to do what it is asked",
    Invariant.UNANSWERED: "an answer",
    Invariant.FALSE_PROOF: "it to prove the key it holds and no other",
    Invariant.KEY_DENIED: "it to prove the key it holds",
    Invariant.UNHEARD: "it to be heard by its hub",
    Invariant.OFF_THE_WAN: "it to come onto the WAN when it is woken",
}
"""What is expected of every device, by the name of the breach."""

_READ: Final = {
    Invariant.SUPPLY: Unknown.SUPPLY,
    Invariant.REGISTERS: Unknown.REGISTERS,
    Invariant.BALANCE: Unknown.BALANCE,
}
"""What of a real device an invariant is judged by."""

RuleVerdicts = Mapping[str, str]
"""Rule id → `passed`, `failed` or `inconclusive`; a rule that is absent was not exercised."""


def mismatches(ran: Ran, rules: RuleVerdicts) -> list[str]:
    """Every expectation and invariant that does not hold, of a scenario that ran to its end."""
    assert ran.migration is not None, "the bench did not fail"
    assert ran.after is not None, "the scenario has ended"
    return [
        *(() if _was_down(ran) else _unmet(ran)),
        *(line for line, got in _rules(ran, rules) if not _undecided(ran, got)),
        *_invariants(ran),
        *_faults(ran),
        *_operator(ran),
        *_secrets(ran),
    ]


def _unmet(ran: Ran) -> list[str]:
    """What should have come of the scenario and did not."""
    assert ran.after is not None, "the scenario has ended"
    expect = ran.prepared.scenario.expect
    blamed = expect.bench_error
    return [
        *([f"bench error: expected '{blamed}', got none"] if blamed else []),
        *_ending(expect, ran),
        *_trace(expect, ran.events),
        *_truth(expect, ran.before, ran.after),
        *_not_found(expect, watched_in(ran), ran.witnessed),
    ]


def _was_down(ran: Ran) -> bool:
    """Whether the bench was: what was due or under way then may have come otherwise for it."""
    return any(isinstance(event, Outage) and event.of == "bench" for event in ran.events)


def _unlike(what: str, expected: object, got: object) -> Iterator[str]:
    if expected is not None and expected != got:
        yield f"{what}: expected {_shown(expected)}, got {_shown(got)}"


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value)


def _ending(expect: Expectation, ran: Ran) -> Iterator[str]:
    migration = ran.migration
    assert migration is not None
    yield from _unlike("outcome", str(expect.outcome), migration.outcome)
    yield from _unlike("passages", expect.passages, migration.passages)
    yield from _unlike("given up", expect.gave_up, migration.gave_up)
    lasted = ran.ended - ran.started
    if expect.at_least is not None and lasted < expect.at_least:
        least = format_duration(expect.at_least)
        yield f"duration: expected at least {least}, got {format_duration(lasted)}"
    if expect.at_most is not None and lasted > expect.at_most:
        most = format_duration(expect.at_most)
        yield f"duration: expected at most {most}, got {format_duration(lasted)}"


def _trace(expect: Expectation, events: list[Event]) -> Iterator[str]:
    attempts = Counter(event.section for event in events if isinstance(event, Attempt))
    for section, count in expect.attempts.items():
        yield from _unlike(f"attempts of {section}", count, attempts[section])
    reports = tuple(event.code or "" for event in events if isinstance(event, Report))
    yield from _unlike("reports", expect.reports, reports)
    raised = sum(isinstance(e, Incident) and e.outcome == "raised" for e in events)
    yield from _unlike("incidents raised", expect.incidents, raised)
    failed = _failed_sections(events)
    for section, code in expect.failed.items():
        yield from _unlike(f"section {section}", f"failed with {code}", failed.get(section))
    for section in failed.keys() - expect.failed.keys():
        yield f"section {section}: expected to pass, got {failed[section]}"


def _failed_sections(events: list[Event]) -> dict[str, str]:
    """Section → "failed with CODE", of the last passage."""
    failed: dict[str, str] = {}
    for event in events:
        if isinstance(event, Opened):
            failed = {}
        elif isinstance(event, Step) and event.outcome == "failed":
            failed[event.section] = f"failed with {event.code}"
    return failed


def _truth(expect: Expectation, before: Truth, after: Truth) -> Iterator[str]:
    yield from _unlike("account", expect.account, after.account)
    yield from _unlike("CHF updated on the SMI", expect.chf_updated, after.chf_updated)
    for device, held in expect.keys.items():
        got = key_held(before.devices[device], after.devices[device])
        if got is not None:
            yield from _unlike(f"SUA key held by {device}", held, got)
    for device, supply in expect.supply.items():
        if Unknown.SUPPLY not in after.devices[device].unknown:
            yield from _unlike(f"supply of {device}", supply, after.devices[device].supply)
    woken = sum(device.wake_ups for device in after.devices.values())
    yield from _unlike("wake-up SMS", expect.wake_ups, woken)


def key_held(before: DeviceTruth, after: DeviceTruth) -> KeyHeld | None:
    """Whether a device really holds the key it began with; None: nobody can know."""
    slot = KeySlot.SUA
    if slot not in before.keys or slot not in after.keys:
        return None
    same = before.keys[slot].check_value == after.keys[slot].check_value
    return KeyHeld.OLD if same else KeyHeld.NEW


def unknowable(ran: Ran, rules: RuleVerdicts) -> list[str]:
    """Every expectation and invariant that nobody can know to hold, so that none of it passes.

    Of real devices, for what an emulated one holds is known; and of rules across an outage.
    """
    assert ran.after is not None, "the scenario has ended"
    return [
        *_unknown_truth(ran.prepared.scenario.expect, ran.before, ran.after),
        *_unanswered(ran),
        *_unarmed(ran),
        *(f"{line}, and the bench was down meanwhile" for line in _unmet_when_down(ran)),
        *(line for line, got in _rules(ran, rules) if _undecided(ran, got)),
    ]


def _unmet_when_down(ran: Ran) -> list[str]:
    return _unmet(ran) if _was_down(ran) else []


def _unknown_truth(expect: Expectation, before: Truth, after: Truth) -> Iterator[str]:
    for name, device in after.devices.items():
        if name in expect.keys and key_held(before.devices[name], device) is None:
            yield f"SUA key held by {name}: expected {expect.keys[name]}, no key is proven"
        if name in expect.supply and Unknown.SUPPLY in device.unknown:
            yield f"supply of {name}: expected {expect.supply[name]}, it could not be read"
        for invariant, what in _READ.items():
            if what in device.unknown and invariant not in expect.allows:
                yield f"{name}: expected {KEPT[invariant]}, its {what} could not be read back"


def _unanswered(ran: Ran) -> Iterator[str]:
    for reply in ran.replies:
        if not reply.answer:
            yield f"operator: expected {reply.step.needed}, nobody answered: {reply.step.ask}"


def _unarmed(ran: Ran) -> Iterator[str]:
    for spec in ran.unarmed:
        yield (
            f"fault {spec.fault} at {spec.target}: expected to lie in wait all along, "
            "it was not armed again when the run was taken up"
        )


def _operator(ran: Ran) -> Iterator[str]:
    for reply in ran.replies:
        if reply.answer:
            asked = f"operator, asked '{reply.step.ask}'"
            yield from _unlike(asked, reply.step.needed, reply.answer)


def _rules(ran: Ran, rules: RuleVerdicts) -> Iterator[tuple[str, str]]:
    """What is said of each rule that is not as expected, and its verdict."""
    expect, strategy = ran.prepared.scenario.expect, ran.prepared.strategy
    for rule, wanted in expect.rules.items():
        verdict = wanted
        if wanted is RuleVerdict.PASSED_IF_SOURCED:
            unsourced = rule_status(strategy.rules[rule], strategy) is Status.UNSOURCED
            verdict = RuleVerdict.INCONCLUSIVE if unsourced else RuleVerdict.PASSED
        got = rules.get(rule, str(RuleVerdict.NOT_EXERCISED))
        for said in _unlike(f"rule {rule}", str(verdict), got):
            yield said, got
    for rule, got in rules.items():
        if rule not in expect.rules and got != RuleVerdict.PASSED:
            yield f"rule {rule}: expected passed or not-exercised, got {got}", got


def _undecided(ran: Ran, verdict: str) -> bool:
    """Of a run that was down, or in real time, where a clock is not exact: no fault of the kit's.

    In virtual time nothing is uncertain, and what should have passed and is inconclusive is wrong.
    """
    real_time = ran.clock_evidence is not None
    down = any(isinstance(event, Outage) for event in ran.events)
    return (real_time or down) and verdict == RuleVerdict.INCONCLUSIVE


def _invariants(ran: Ran) -> Iterator[str]:
    expect, watched = ran.prepared.scenario.expect, watched_in(ran)
    wanted = set(_to_find(expect))
    for breach in breaches(watched, ran.witnessed):
        name, what = breach.device, breach.what
        if (name, what) not in wanted and what not in expect.allows:
            yield f"{name}: expected {KEPT[what]}, got {what}: {said_of(breach, watched)}"


def _not_found(expect: Expectation, watched: Watched, witnessed: Sequence[Breach]) -> Iterator[str]:
    wanted = set(_to_find(expect))
    if wanted:
        wanted -= {(breach.device, breach.what) for breach in breaches(watched, witnessed)}
    for name, what in sorted(wanted):
        yield f"{name}: expected the bench to find {what}, got nothing of the kind"


def _to_find(expect: Expectation) -> Iterator[tuple[str, Invariant]]:
    for device, each in expect.found.items():
        for what in each:
            yield device, what


def said_of(breach: Breach, watched: Watched) -> str:
    """What exactly, at which step, and when."""
    return f"{breach.detail}, {watched.where(breach)}"


def watched_in(ran: Ran) -> Watched:
    """What is known of the devices' conduct in a scenario that has ended."""
    assert ran.after is not None, "the scenario has ended"
    prepared = ran.prepared
    defaults = with_overrides(prepared.overrides)
    return Watched(
        prepared.installation,
        ran.identities,
        ran.before,
        ran.after,
        [act for act in ran.acts[: ran.process_acts] if act.outcome],
        ran.events,
        ran.started,
        ran.ended,
        frozenset(_struck(prepared.scenario)),
        defaults.duration("clock-tolerance"),
        defaults.duration("han-silence"),
    )


def _struck(scenario: Scenario) -> Iterator[str]:
    """Whom a fault keeps from answering as they would."""
    known = load(EMULATORS, "faults")
    for entry in scenario.faults:
        if entry.fault not in known or not known[entry.fault].leaves_answers:
            yield entry.target


def _faults(ran: Ran) -> Iterator[str]:
    """A fault that struck nothing showed nothing, so the scenario did not happen as written."""
    for spec in ran.unstruck:
        yield f"fault {spec.fault} at {spec.target}: expected to strike, got no such moment"


def _secrets(ran: Ran) -> Iterator[str]:
    """No key byte in anything the run writes: the trace, and what was seen at the choke point."""
    text = "\n".join(
        [
            *map(to_json, ran.events),
            *(f"{act.arguments} {act.outcome}" for act in ran.acts),
        ]
    )
    for label in find_leaks(text.encode("utf-8", "surrogatepass"), ran.secrets):
        yield f"expected no key byte in any output, got bytes of <{label}>"
