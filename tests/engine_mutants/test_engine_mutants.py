"""Engine mutants: each wrong engine turns the shipped suite red, and for the right reason.

A mutant is one edit in the source of one function of the engine (or one change of the table of
stages). The suite runs with it, scenario after scenario of the groups it concerns, until one is
red with a complaint that matches `caught_by`: a rule of the checker, or the emulator's truth.
Run with `-s` to see what caught which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from bench import settling
from bench.clock import Cancelled
from bench.conformance.checker import Checker
from bench.expectations import mismatches
from bench.mehrs import retry
from bench.migration import (
    account,
    authorisation,
    case,
    commissioning,
    contact,
    key_proof,
    key_rotation,
    passage,
    process,
    sections,
    smi,
    validation,
)
from bench.order import TOLERANCE
from bench.parties import Group
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.suite_reading import PreparedScenario, read_suite
from tests.engine_mutants.editing import Patch, edit

GROUPS = ("IOC", "MDS", "DA", "EA")


@dataclass(frozen=True)
class Mutant:
    """`patch` breaks the engine; `caught_by` is the beginning of a complaint that must come."""

    name: str
    patch: Patch
    caught_by: str
    groups: tuple[str, ...] = GROUPS


def stages(group: Group, change: Callable[[list[sections.Stage]], list[sections.Stage]]) -> Patch:
    """Another table of stages for a group."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        table = tuple(change(list(sections.PROCESS[group])))
        assert table != sections.PROCESS[group], "the mutant changes nothing"
        monkeypatch.setitem(sections.PROCESS, group, table)

    return patch


def without(section: str) -> Callable[[list[sections.Stage]], list[sections.Stage]]:
    return lambda table: [stage for stage in table if stage.section != section]


def first(section: str) -> Callable[[list[sections.Stage]], list[sections.Stage]]:
    return lambda table: sorted(table, key=lambda stage: stage.section != section)


def with_mgf(table: list[sections.Stage]) -> list[sections.Stage]:
    (mgf,) = [stage for stage in sections.PROCESS[Group.IOC] if stage.section == "2.5.4"]
    at = next(index for index, stage in enumerate(table) if stage.section == "2.5.5")
    return [*table[:at], mgf, *table[at:]]


IOC, MDS, DA, EA = (("IOC",), ("MDS",), ("DA",), ("EA",))
POLICY, SCHEDULE = retry.retry_policy, retry.RetrySchedule
IN_ALL = retry._attempts_in_all

AFTER_THE_LIMIT = "case.report(code)\n    case.file_set = case.submitted"

MUTANTS = [
    # --- 3.x: when to try again -------------------------------------------------------------
    Mutant(
        "3.1: half the long interval",
        edit(POLICY, 'strategy.duration("3.1.long-interval")', "15 * 60 * 1_000_000"),
        "rule 3.1-long-interval: expected passed, got failed",
        IOC,
    ),
    Mutant(
        "3.x: waits run from start to start",
        edit(retry._due, "last.ended + wait if", "last.started + wait if"),
        "rule 3.1-long-interval: expected passed, got failed",
        IOC,
    ),
    Mutant(
        "3.1: one long attempt after the period",
        edit(SCHEDULE._within_period, "if at > end or", "if at > end + policy.long_wait or"),
        "rule 3.1-total-period: expected passed, got failed",
        IOC,
    ),
    Mutant(
        "3.1: given up one long attempt early",
        edit(SCHEDULE._within_period, "if at > end or", "if at > end - policy.long_wait or"),
        "rule 3.1-persistence: expected passed, got failed",
        IOC,
    ),
    Mutant(
        "3.1: one short repeat too many",
        edit(POLICY, "short_attempts=1 +", "short_attempts=2 +"),
        "attempts of 3.1: expected",
        IOC,
    ),
    Mutant(
        "3.2: one repeat too many",
        edit(POLICY, "attempts = 1 +", "attempts = 2 +"),
        "rule 3.2-retry: expected passed, got failed",
        MDS,
    ),
    Mutant(
        "3.2: one repeat too few",
        edit(POLICY, "attempts = 1 +", "attempts ="),
        "attempts of 3.2: expected",
        MDS,
    ),
    Mutant(
        "3.2: half the interval",
        edit(POLICY, '(f"{section}.interval")', '(f"{section}.interval") // 2'),
        "rule 3.2-retry: expected passed, got failed",
        MDS,
    ),
    Mutant(
        "3.3: one repeat too many",
        edit(POLICY, "attempts = 1 +", "attempts = 2 +"),
        "rule 3.3-sua-retry: expected passed, got failed",
        DA,
    ),
    Mutant(
        "3.3: one repeat too few",
        edit(POLICY, "attempts = 1 +", "attempts ="),
        "attempts of 3.3: expected",
        DA,
    ),
    Mutant(
        "3.3: half the interval",
        edit(POLICY, '(f"{section}.interval")', '(f"{section}.interval") // 2'),
        "rule 3.3-sua-retry: expected passed, got failed",
        DA,
    ),
    Mutant(
        "3.4.1: half the wait",
        edit(POLICY, '("3.4.1.wait")', '("3.4.1.wait") // 2'),
        "rule 3.4.1-wait: expected passed, got failed",
        EA,
    ),
    Mutant(
        "3.4.1: one repeat too many",
        edit(IN_ALL, "before_counting + count", "before_counting + count + 1"),
        "rule 3.4.1-repeats: expected passed, got failed",
        EA,
    ),
    Mutant(
        "3.4.1: one repeat too few",
        edit(IN_ALL, "before_counting + count", "before_counting + count - 1"),
        "rule 3.4.1-persistence: expected passed, got failed",
        EA,
    ),
    Mutant(
        "hub: three wake-up SMS instead of two",
        edit(contact.require_wan, 'count("wake-tries")', 'count("wake-tries") + 1'),
        "wake-up SMS: expected",
    ),
    # --- authorisation, order, validation -----------------------------------------------------
    Mutant(
        "2.3.2: a rejection is passed over",
        edit(
            authorisation._require_accepted,
            "if code:",
            "if not code:\n            continue\n        if False:",
        ),
        "rule 2.3.2-authorised-first: expected passed or not-exercised, got failed",
    ),
    Mutant(
        "MAM: one of two suppliers is enough",
        edit(
            authorisation._in_a_designated_week,
            "if len(codes) == len(case.installation.suppliers):",
            "if codes:",
        ),
        "rule MAM-split-week: expected passed, got failed",
        ("IOC", "DA"),
    ),
    Mutant(
        "MCF before the authorisation",
        stages(Group.DA, first("MCF")),
        "rule 2.3.2-authorised-first: expected passed or not-exercised, got failed",
        DA,
    ),
    Mutant(
        "2.4.1.1 skipped",
        stages(Group.DA, without("2.4.1.1")),
        "rule 2.4.1.1-before-mcf: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.4.4 skipped",
        stages(Group.MDS, without("2.4.4")),
        "rule 2.4-both-validations: expected passed or not-exercised, got failed",
        MDS,
    ),
    Mutant(
        "2.4.5 skipped",
        stages(Group.EA, without("2.4.5")),
        "rule 2.4-both-validations: expected passed or not-exercised, got failed",
        EA,
    ),
    Mutant(
        "2.4.5 by the processing S1SP itself",
        edit(sections.Stage.run, "actor=self.actor)", 'actor="S1SP")'),
        "rule 2.4-both-validations: expected passed or not-exercised, got failed",
        IOC,
    ),
    Mutant(
        "2.4.4: the SMSO's books are not asked for",
        edit(
            validation.validate_at_s1sp,
            "or _ids(case.effects.smso.listed_devices()) != listed",
            "",
        ),
        "outcome: expected failed",
        MDS,
    ),
    Mutant(
        "2.5.1.1 skipped",
        stages(Group.DA, without("2.5.1.1")),
        "rule 2.5.1.1-before-switch: expected passed, got failed",
        DA,
    ),
    Mutant(
        "an MGF for DA",
        stages(Group.DA, with_mgf),
        "rule 2.5.4-no-mgf: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.5.9 for DA",
        stages(Group.DA, lambda table: [*table[:-4], *sections._GROUP_CHECKS[5:6], *table[-4:]]),
        "rule 2.5.9-not-entered: expected passed or not-exercised, got failed",
        DA,
    ),
    Mutant(
        "on-device checks for DA",
        stages(Group.DA, lambda table: [*table[:-4], *sections._ON_DEVICE, *table[-4:]]),
        "rule 2.6.2-not-entered: expected passed or not-exercised, got failed",
        DA,
    ),
    # --- account and file set -----------------------------------------------------------------
    Mutant(
        "2.5.2: an acknowledgement is believed, a doubt is not settled",
        edit(
            account.switch_account,
            "if settle_holder(case, awaited) is not Holder.DCC:",
            "if False:",
        ),
        "outcome: expected failed",
    ),
    Mutant(
        "2.5.2: the file-set limit ignored",
        edit(account._file_set_deadline, "if case.group is not Group.DA:", "if True:"),
        "rule 2.5.2-file-set-limit: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.5.2: the limit runs from the switch",
        edit(account._file_set_deadline, "case.mvf_at +", "case.effects.now() +"),
        "rule 2.5.2-file-set-limit: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.5.2: an incomplete file set will do",
        edit(account._await_file_set, "and file.complete", ""),
        "outcome: expected resubmittable",
        DA,
    ),
    Mutant(
        "2.5.2: rotation after the missed limit",
        edit(account._await_file_set, "raise CheckFailed(code)", AFTER_THE_LIMIT),
        "rule 2.5.2-stops: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.5.2: the missed limit not reported",
        edit(passage._recover, "case.report(failure.code)", "pass"),
        "reports: expected [BENCH-NO-FILE-SET, BENCH-GIVEN-UP], got [BENCH-GIVEN-UP]",
        DA,
    ),
    Mutant(
        "2.5.5: forgotten switch-back",
        edit(
            passage._recover,
            "roll_back(case)\n    if case.group is Group.DA:",
            "if case.group is Group.DA:",
        ),
        "rule 2.5.5-switch-back: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.5.5: switched back and closed as failed",
        edit(passage._recover, 'return "resubmittable"', 'return "failed"'),
        "rule 2.5.5-resubmittable: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.6.5: forgotten rollback of the other groups",
        edit(passage._recover, "roll_back(case)", "pass"),
        "account: expected SMSO, got DCC",
        ("IOC", "MDS", "EA"),
    ),
    Mutant(
        "a sixth attempt at migration",
        edit(process.migrate, "case.passage >= last", "case.passage > last"),
        "passages: expected 5, got 6",
        DA,
    ),
    # --- key rotation -------------------------------------------------------------------------
    Mutant(
        "2.6.4.1: a key is believed without proof",
        edit(
            key_rotation._send,
            "proven = may_be_wrong(case, device) and probe(case, device, key)",
            "proven = True",
        ),
        "SUA key held by electricity: expected new, got old",
        DA,
    ),
    Mutant(
        "2.6.4.1: blind rollback, no acknowledgement means not done",
        edit(
            key_rotation._send,
            "return Sent(Reply.DOUBT, code_of(error), answered=False)\n    except CheckFailed",
            "return Sent(Reply.NOT_TAKEN, code_of(error), False)\n    except CheckFailed",
        ),
        "SUA key held by electricity: expected new, got",
        DA,
    ),
    Mutant(
        "2.6.4.1: blind re-send, no acknowledgement means do it again",
        edit(
            key_rotation._rotate,
            "held = settle(case, device, new, old, answered=sent.answered)",
            "held = old",
        ),
        "attempts of 3.3: expected",
        DA,
    ),
    Mutant(
        "2.6.4.1: what cannot be proven is taken for old",
        edit(key_proof.settle, "    return None", "    return other"),
        "reports: expected [BENCH-NOT-SETTLED",
        DA,
    ),
    Mutant(
        "2.6.4.1: closed although a key is in doubt",
        edit(passage._outcome, 'return "parked"', 'return "failed"'),
        "rule BENCH-key-proof: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.6.4.1: a restored key is believed without proof",
        edit(
            key_rotation.restore_key,
            "if held is old and newest_command(case, device) > fence:",
            "if sent.reply is not Reply.NOT_TAKEN:",
        ),
        "SUA key held by electricity: expected old, got new",
        DA,
    ),
    Mutant(
        "2.6.4.1: rotated meters are not restored",
        edit(key_rotation._rotate, "case.done.append(", "("),
        "rule BENCH-no-orphan: expected passed, got failed",
        DA,
    ),
    Mutant(
        "2.6.4.1: every command has the same counter",
        edit(key_rotation._send, "case.effects.keys.next_counter(device.name)", "1"),
        "outcome: expected resubmittable",
        DA,
    ),
    Mutant(
        "2.6.4.1: the lockout budget is overrun",
        edit(key_proof.may_be_wrong, "<", "+ 99 >"),
        "outcome: expected commissioned, got parked",
        DA,
    ),
    # --- SMI, incidents, commissioning --------------------------------------------------------
    Mutant(
        "2.6.6: no incident",
        edit(smi.update_chf, "if not updated:", "if False:"),
        "rule 2.6.6-incident: expected passed, got failed",
    ),
    Mutant(
        "2.6.6: the DSP's word is taken for it",
        edit(smi.update_chf, "updated = _is_updated(case)", "updated = True"),
        "incidents raised: expected 1, got 0",
        IOC,
    ),
    Mutant(
        "2.6.7: the SCF before the resolution",
        edit(smi.update_chf, "_await_resolution(case, incident)", "pass"),
        "rule 2.6.7-commissioning-file: expected passed, got not-exercised",
    ),
    Mutant(
        "2.6.7: no SCF",
        edit(smi.generate_scf, 'case.file("SCF", "generated", Actor.S1SP)', "pass"),
        "rule 2.6.7-commissioning-file: expected passed, got failed",
    ),
    Mutant(
        "parked without an incident",
        edit(passage._look_into, "case.raise_incident(parked.summary)", "pass"),
        "rule BENCH-no-orphan: expected passed, got failed",
        DA,
    ),
    Mutant(
        "an incident is not asked for again",
        edit(case.Case.raise_incident, 'self.defaults.duration("incident-wait")', "0"),
        "outcome: expected commissioned, got parked",
        IOC,
    ),
    Mutant(
        "A.1: MA122 omitted",
        edit(passage._recover, 'case.report(Code.MA122, "MRR6")', "case.report(failure.code)"),
        "rule A.1-ma122: expected passed, got failed",
    ),
    Mutant(
        "A.1: MA122 in another report",
        edit(passage._recover, ', "MRR6")', ")"),
        "rule A.1-ma122: expected passed, got failed",
    ),
    Mutant(
        "commissioning: a supply that is off is passed over",
        edit(commissioning.commission, "is not SupplyState.ON", "is None"),
        "outcome: expected failed, got commissioned",
    ),
    Mutant(
        "commissioning: a wrong clock is left as it is",
        edit(settling.set_clock, "device.set_clock(effects.now())", "None"),
        "outcome: expected commissioned",
    ),
    Mutant(
        "GT01: the gas meter is reported and not left behind",
        edit(contact.require_han, "case.excluded.add(device.name)", "pass"),
        "reports: expected [GT01], got [GT01, GT01",
    ),
]


@pytest.fixture(scope="module")
def suite() -> list[PreparedScenario]:
    return read_suite(find("suites", "default"))[1]


def complaints(prepared: PreparedScenario) -> list[str]:
    """Why the scenario is red, as the runner would say it; an exception of the engine is one."""
    try:
        ran = run_scenario(prepared, 1)
    except (Exception, Cancelled) as error:
        return [f"the engine broke: {error!r}"]
    if ran.bench_error:
        return [ran.bench_error]
    checker = Checker(prepared.strategy, TOLERANCE)
    for line, event in enumerate(ran.events, 1):
        checker.feed(event, line)
    verdicts = {}
    for rule, count in checker.finish().rules.items():
        counts = count.as_json()
        verdicts[rule] = next(v for v in ("failed", "inconclusive", "passed") if counts[v])
    return mismatches(ran, verdicts)


def red(suite: list[PreparedScenario], groups: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    for prepared in suite:
        if prepared.installation.group in groups:
            found = complaints(prepared)
            if found:
                yield prepared.scenario.scenario, found


def test_the_engine_itself_is_green(suite: list[PreparedScenario]) -> None:
    assert list(red(suite, GROUPS)) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: re.sub(r"\W+", "-", mutant.name))
def test_the_suite_catches_the_mutant(
    monkeypatch: pytest.MonkeyPatch, suite: list[PreparedScenario], mutant: Mutant
) -> None:
    mutant.patch(monkeypatch)
    others: list[str] = []
    for scenario, found in red(suite, mutant.groups):
        for complaint in found:
            if complaint.startswith(mutant.caught_by):
                print(f"{mutant.name:60} {scenario}: {complaint}")
                return
            others.append(f"{scenario}: {complaint}")
    pytest.fail(f"{mutant.name}: not caught by '{mutant.caught_by}', but by {others or 'nothing'}")
