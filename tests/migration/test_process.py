"""The process, group by group: order, outcomes, waits and rollbacks, on emulated installations."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.devices import KeySlot
from bench.emulation import (
    DspBehaviour,
    PartyBehaviours,
    Reply,
    RequestingPartyBehaviour,
    SmsoBehaviour,
    SupplierBehaviour,
)
from bench.expectations import key_held
from bench.migration.sections import PROCESS
from bench.parties import Group, Holder
from bench.suite import FaultEntry, KeyKnown, Preconditions
from bench.trace import (
    Account,
    Attempt,
    Authorisation,
    Closed,
    File,
    Incident,
    Key,
    Opened,
    Report,
    Smi,
    Step,
    WeekDesignated,
)
from bench.units import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from conftest import Told

Run = Callable[..., "Told"]


def codes(told: Told) -> list[str | None]:
    return [report.code for report in told.events(Report)]


def kinds(told: Told) -> list[str]:
    """The trace in words: `step 2.3.2`, `file MCF`, `account DCC`."""
    words = {Step: "section", File: "file", Account: "holder", Smi: "outcome", Closed: "outcome"}
    return [
        f"{event.kind} {getattr(event, words[type(event)])}"
        for event in told.ran.events
        if type(event) in words
    ]


# --- order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", Group)
def test_a_commissioned_installation_passed_every_section_in_order(run: Run, group: Group) -> None:
    told = run(f"{group.lower()}-dual-fuel")
    passed = [event.section for event in told.events(Step, outcome="passed")]
    assert passed == [stage.section for stage in PROCESS[group] if stage.step]
    assert told.events(Step, outcome="failed") == []
    assert (told.outcome, told.account) == ("commissioned", Holder.DCC)
    assert told.truth.chf_updated
    assert set(told.rules.values()) == {"passed"}


def test_a_da_installation_in_full(run: Run) -> None:
    assert kinds(run("da-dual-fuel")) == [
        "step 2.3.2",
        "step 2.4.1.1",
        "file MCF",
        "step 2.4.4",
        "step 2.4.5",
        "file MVF",
        "step 2.5.1.1",
        "account DCC",
        "file RFS",
        "step 2.5.2",
        "step 2.5.5",
        "step 2.5.7",
        "step 2.5.8",
        "step 2.5.10",
        "step 2.6.4.1",
        "smi updated",
        "file SCF",
        "step commissioning",
        "closed commissioned",
    ]


@pytest.mark.parametrize("group", [Group.IOC, Group.MDS, Group.EA])
def test_the_other_groups_have_a_group_file(run: Run, group: Group) -> None:
    files = [event.file for event in run(f"{group.lower()}-dual-fuel").events(File)]
    assert files == ["MCF", "MVF", "RFS", "MGF", "SCF"]


def test_who_acts_is_said(run: Run) -> None:
    told = run("ioc-dual-fuel")
    assert {event.section: event.actor for event in told.events(Step)}["2.4.5"] == "IOC S1SP"
    assert told.events(Account)[0].actor == "SMSO"
    assert [event.actor for event in told.events(File, file="SCF")] == ["S1SP"]


# --- authorisation -------------------------------------------------------------------------------


def test_split_supply_waits_for_the_designated_week(run: Run) -> None:
    told = run("da-split-supply")
    (week,) = told.events(WeekDesignated)
    accepted = told.events(Authorisation, outcome="accepted")
    assert len({event.supplier for event in accepted}) == 2
    assert all(week.from_ <= event.submitted < week.to for event in accepted)
    assert told.rules["MAM-split-week"] == "passed"


def test_an_authorisation_whose_validation_is_unknown_is_not_accepted(run: Run) -> None:
    told = run("da-split-supply", faults=(FaultEntry("request-lost", "MCC", request="validate"),))
    assert (told.outcome, codes(told)) == ("failed", ["BENCH-NO-REPLY"])
    assert told.events(File, file="MCF") == []


@pytest.mark.parametrize("late", [0, 7 * DAY - 1, 7 * DAY])
def test_the_week_is_half_open(run: Run, late: int) -> None:
    slow = {"Severn Gas": SupplierBehaviour(authorises_after=late)}
    told = run("da-split-supply", parties=PartyBehaviours(suppliers=slow))
    in_time = late < 7 * DAY
    assert (told.outcome == "commissioned") == in_time
    assert "failed" not in told.rules.values()
    if not in_time:
        assert codes(told) == ["BENCH-NO-AUTHORISATION"]
        assert told.events(File, file="MCF") == []


def test_mam_3_knows_no_week(run: Run) -> None:
    told = run("ioc-split-supply", mam="3.0")
    assert told.events(WeekDesignated) == []
    assert len(told.events(Authorisation, outcome="accepted")) == 2
    assert told.outcome == "commissioned"
    silent = {"Severn Gas": SupplierBehaviour(authorises_after=None)}
    told = run("ioc-split-supply", mam="3.0", parties=PartyBehaviours(suppliers=silent))
    assert (told.outcome, codes(told)) == ("failed", ["BENCH-NO-AUTHORISATION"])


# --- account and file set ------------------------------------------------------------------------


def file_set_after(run: Run, offset: int, overlay: str | None = None) -> Told:
    """The RFS reaches the S1SP at the limit of 2.5.2 plus `offset`."""
    told = run("da-dual-fuel", overlay=overlay)
    mvf = told.events(File, file="MVF")[0].at
    rfs = told.events(File, file="RFS")[0].at
    wanted = mvf + 24 * HOUR + offset
    smso = SmsoBehaviour(files_after=HOUR + wanted - rfs)
    return run(
        "da-dual-fuel",
        overlay=overlay,
        parties=PartyBehaviours(smso=smso),
        defaults={"passages": 1},
    )


@pytest.mark.parametrize(
    ("offset", "overlay", "in_time"),
    [
        (-1, None, True),
        (0, None, True),
        (1, None, False),
        (SECOND, None, False),
        (-1, "boundary-exclusive", True),
        (0, "boundary-exclusive", False),
    ],
)
def test_the_file_set_limit_to_the_microsecond(
    run: Run, offset: int, overlay: str | None, in_time: bool
) -> None:
    told = file_set_after(run, offset, overlay)
    assert told.rules["2.5.2-file-set-limit"] == "passed"
    if in_time:
        assert told.outcome == "commissioned"
        return
    assert (told.outcome, told.account) == ("resubmittable", Holder.SMSO)
    assert codes(told)[0] == "BENCH-NO-FILE-SET"
    assert told.events(Attempt, section="3.3") == []
    assert told.rules["2.5.2-stops"] == "passed"
    assert told.rules["2.5.5-switch-back"] == "passed"


def test_a_file_set_that_came_after_the_limit_while_the_switch_was_settled_is_too_late(
    run: Run,
) -> None:
    """The SMSO switches, says nothing for 100 minutes, and sends the RFS meanwhile."""
    smso = SmsoBehaviour(transfer=Reply.REPLY_LOST, files_after=95 * MINUTE)
    faults = (FaultEntry("request-lost", "SMSO", request="account_holder", nth=2, times=7),)
    told = run(
        "da-dual-fuel",
        overlay="file-set-limit-90min",
        parties=PartyBehaviours(smso=smso),
        faults=faults,
        defaults={"passages": 1},
    )
    switched = told.events(Account, holder="DCC")[0].at
    assert switched > told.events(File, file="MVF")[0].at + 100 * MINUTE
    assert codes(told)[0] == "BENCH-NO-FILE-SET"
    assert told.outcome == "resubmittable"
    assert told.rules["2.5.2-file-set-limit"] == "passed"


@pytest.mark.parametrize("reply", [Reply.ACCEPTED, Reply.REPLY_LOST])
def test_the_account_goes_back_once(run: Run, reply: Reply) -> None:
    told = run(
        "da-dual-fuel",
        parties=PartyBehaviours(smso=SmsoBehaviour(files_after=None, take_back=reply)),
        defaults={"passages": 1},
    )
    assert [event.holder for event in told.events(Account)] == ["DCC", "SMSO"]
    assert told.events(Account)[-1].actor == "S1SP"
    assert told.truth.executed["SMSO"] == {"transfer_account": 1, "take_account_back": 1}


def test_a_stranded_file_set_is_not_this_passages(run: Run) -> None:
    """The account was with DCC before: its file set of then does not count for a switch of now."""
    told = run("da-dual-fuel", preconditions=Preconditions(account=Holder.DCC))
    assert (told.outcome, codes(told)) == ("failed", ["BENCH-ACCOUNT"])
    assert told.events(File, file="RFS") == []


def test_preconditions_that_cannot_be_reached_are_the_benchs_fault(run: Run) -> None:
    told = run(
        "da-dual-fuel",
        preconditions=Preconditions(account=Holder.DCC),
        parties=PartyBehaviours(smso=SmsoBehaviour(transfer=Reply.REFUSED)),
    )
    assert told.ran.migration is None
    assert told.ran.bench_error == (
        "the account could not be brought to the DCC: SMSO: transfer_account: refused"
    )
    assert told.lines == []


# --- resubmission --------------------------------------------------------------------------------


def test_passages_are_counted_and_a_day_apart(run: Run) -> None:
    told = run(
        "da-dual-fuel",
        parties=PartyBehaviours(smso=SmsoBehaviour(files_after=None)),
        defaults={"passages": 3},
    )
    opened, closed = told.events(Opened), told.events(Closed)
    assert [event.extra for event in opened] == [{"passage": n} for n in (1, 2, 3)]
    gaps = [after.at - before.at for before, after in zip(closed, opened[1:], strict=False)]
    assert gaps == [DAY, DAY]
    assert told.migration.gave_up
    assert codes(told) == ["BENCH-NO-FILE-SET"] * 3 + ["BENCH-GIVEN-UP"]
    assert told.events(Report)[-1].at == closed[-1].at


# --- retry ---------------------------------------------------------------------------------------

NO_WAN = FaultEntry("wan-outage", "hub", when={"event": "step", "section": "2.5.10"})
NO_WAN_FOR_LONG = replace(NO_WAN, lasts=50 * HOUR)


def waits(told: Told, section: str) -> list[int]:
    tries = told.events(Attempt, section=section)
    return [after.started - before.at for before, after in itertools.pairwise(tries)]


def test_ioc_waits_30_minutes_for_48_hours(run: Run) -> None:
    told = run("ioc-dual-fuel", faults=(NO_WAN,))
    tries = told.events(Attempt, section="3.1")
    assert [event.number for event in tries] == list(range(1, len(tries) + 1))
    phases = [event.phase for event in tries]
    assert phases == ["short"] * 4 + ["long"] * (len(tries) - 4)
    assert waits(told, "3.1")[3:] == [30 * MINUTE] * (len(tries) - 4)
    end = tries[0].at + 48 * HOUR
    assert tries[-1].started <= end < tries[-1].at + 30 * MINUTE


def test_ioc_under_2_0_waits_2_hours_for_24(run: Run) -> None:
    told = run("ioc-dual-fuel", faults=(NO_WAN,), mehrs="2.0", mam="3.0")
    tries = told.events(Attempt, section="3.1")
    assert set(waits(told, "3.1")[3:]) == {2 * HOUR}
    end = tries[0].at + 24 * HOUR
    assert tries[-1].started <= end < tries[-1].at + 2 * HOUR


def test_an_overlay_changes_the_waits(run: Run) -> None:
    told = run("ioc-dual-fuel", faults=(NO_WAN,), overlay="ioc-35min")
    assert set(waits(told, "3.1")[3:]) == {35 * MINUTE}
    assert told.rules["3.1-long-interval"] == "passed"
    told = run("ioc-dual-fuel", faults=(NO_WAN,), overlay="measured-from-start")
    tries = told.events(Attempt, section="3.1")
    starts = [after.started - before.started for before, after in itertools.pairwise(tries)]
    assert set(starts[3:]) == {30 * MINUTE}
    assert told.rules["3.1-long-interval"] == "passed"


@pytest.mark.parametrize(
    ("mehrs", "overlay", "number", "wait"),
    [
        ("5.0", None, 6, 4 * HOUR),
        ("5.0-draft", None, 4, 5 * MINUTE),
        ("5.0", "counting-attempts", 5, 4 * HOUR),
        ("5.0", "counting-repeats-of-retry", 7, 4 * HOUR),
    ],
)
def test_the_requesting_party_of_ea_repeats(
    run: Run, mehrs: str, overlay: str | None, number: int, wait: int
) -> None:
    fault = FaultEntry("wan-outage", "hub", when={"event": "step", "section": "2.3.2"})
    told = run("ea-dual-fuel", faults=(fault,), mehrs=mehrs, overlay=overlay)
    tries = told.events(Attempt, section="3.4.1")
    assert [event.number for event in tries] == list(range(1, number + 1))
    assert {event.actor for event in tries} == {"Requesting Party"}
    assert set(waits(told, "3.4.1")) == {wait}
    assert told.outcome == "failed"
    assert {told.rules[f"3.4.1-{rule}"] for rule in ("wait", "repeats", "persistence")} == {
        "passed"
    }


def test_what_another_try_cannot_mend_is_not_tried_again(run: Run) -> None:
    wrong = FaultEntry("wrong-device", "hub", request="identify", nth=1, times=99)
    told = run("ea-dual-fuel", faults=(wrong,))
    (attempt,) = told.events(Attempt)
    assert (attempt.retryable, attempt.code) == (False, "BENCH-WRONG-DEVICE")
    assert told.rules.get("3.4.1-persistence") is None


def test_a_requesting_party_that_never_submits(run: Run) -> None:
    silent = PartyBehaviours(requesting_party=RequestingPartyBehaviour(submits_after=None))
    for group in Group:
        told = run(f"{group.lower()}-dual-fuel", parties=silent)
        assert (told.outcome, codes(told)) == ("failed", ["BENCH-NO-SUBMISSION"])


# --- key rotation --------------------------------------------------------------------------------


def test_each_meter_has_a_key_of_its_own_afterwards(run: Run) -> None:
    told = run("da-dual-fuel")
    before, after = told.ran.before.devices, told.truth.devices
    held = {name: after[name].keys[KeySlot.SUA].check_value for name in ("electricity", "gas")}
    assert len(set(held.values())) == 2
    assert not set(held.values()) & {
        before[name].keys[KeySlot.SUA].check_value for name in ("electricity", "gas")
    }
    assert [(event.device, event.state, event.proof) for event in told.events(Key)] == [
        ("electricity", "new", "probe"),
        ("gas", "new", "probe"),
    ]


def test_a_doubt_is_recorded_before_it_is_settled(run: Run) -> None:
    lost = FaultEntry("request-lost", "electricity", request="rotate_key")
    told = run("da-dual-fuel", faults=(lost,))
    states = [(e.state, e.proof) for e in told.events(Key, device="electricity")]
    assert states == [("unknown", "none"), ("old", "probe"), ("new", "probe")]
    outcomes = [e.outcome for e in told.events(Attempt, section="3.3", device="electricity")]
    assert outcomes == ["unknown", "succeeded"]


def test_no_more_than_two_wrong_keys_in_a_row_reach_a_meter(run: Run) -> None:
    """A third one would lock it for a day."""
    faults = (
        FaultEntry("acknowledged-not-done", "gas", request="rotate_key", times=99),
        *(FaultEntry("request-lost", "gas", request="prove_key", nth=n) for n in (4, 9)),
    )
    told = run("da-dual-fuel", faults=faults, defaults={"passages": 1})
    gas = told.truth.devices["gas"]
    assert gas.locked_until is None
    assert not any("3 in a row" in line for line in gas.security_log)
    assert (told.outcome, told.account) == ("parked", Holder.DCC), "no command was ever taken"


RESET_IN_DOUBT = (
    FaultEntry("request-lost", "electricity", request="rotate_key"),
    FaultEntry("factory-reset", "electricity", when={"event": "key", "state": "unknown"}),
)


def test_a_meter_that_holds_neither_key_is_parked(run: Run) -> None:
    stubborn = FaultEntry("refused", "electricity", request="rotate_key", nth=2, times=99)
    told = run("da-dual-fuel", faults=(*RESET_IN_DOUBT, stubborn))
    assert (told.outcome, told.account) == ("parked", Holder.DCC)
    assert len(told.events(Incident, outcome="raised")) == 1
    assert [event.state for event in told.events(Key)] == ["unknown"], "nothing is guessed"
    assert told.truth.devices["electricity"].locked_until is None, "nor asked until it locks"
    assert told.rules["BENCH-key-proof"] == told.rules["BENCH-no-orphan"] == "passed"


def test_a_meter_that_holds_neither_key_is_given_its_old_one(run: Run) -> None:
    told = run("da-dual-fuel", faults=RESET_IN_DOUBT, defaults={"passages": 1})
    assert (told.outcome, told.account) == ("resubmittable", Holder.SMSO)
    assert [event.state for event in told.events(Key)] == ["unknown", "unknown", "old"]
    before, after = told.ran.before.devices, told.truth.devices
    assert key_held(before["electricity"], after["electricity"]) == "old"
    assert told.truth.devices["electricity"].locked_until is None


# --- rollback and the way back -------------------------------------------------------------------


def test_a_command_taken_up_late_changes_nothing_any_more(run: Run) -> None:
    """It is fenced before the rotation is given up: the meter refuses it when it comes."""
    late = FaultEntry("request-late", "gas", request="rotate_key", lasts=20 * HOUR)
    refused = FaultEntry("refused", "gas", request="rotate_key", nth=2, times=3, code="busy")
    told = run("da-dual-fuel", faults=(late, refused))
    assert [event.outcome for event in told.events(Closed)] == ["resubmittable", "commissioned"]
    log = told.truth.devices["gas"].security_log
    assert [line for line in log if "counter 1 refused" in line], "it came, and in vain"


CUT = (
    FaultEntry("reply-lost", "electricity", request="rotate_key"),
    FaultEntry(
        "power-cut", "electricity", when={"event": "key", "state": "unknown"}, lasts=3 * HOUR
    ),
)


def test_parked_for_good_unless_a_passage_may_take_it_up(run: Run) -> None:
    told = run("da-dual-fuel", faults=CUT)
    assert (told.outcome, told.migration.passages) == ("parked", 1)
    assert [event.state for event in told.events(Key)] == ["unknown"]


def test_the_way_back_from_parked(run: Run) -> None:
    """The incident is resolved; the passage begins by clearing up, then migrates as any other."""
    told = run("da-dual-fuel", faults=CUT, defaults={"parked-wait": DAY})
    assert [event.outcome for event in told.events(Closed)] == ["parked", "commissioned"]
    (raised,) = told.events(Incident, outcome="raised")
    (resolved,) = told.events(Incident, outcome="resolved")
    opened = told.events(Opened)[1].at
    assert raised.at < resolved.at == opened
    states = [event.state for event in told.events(Key, device="electricity") if event.at >= opened]
    assert states == ["unknown", "old", "new"], "cleared first, then rotated"
    assert told.events(Account, holder="SMSO")[0].at > opened
    assert "failed" not in told.rules.values()


def test_an_incident_that_nobody_resolves_leaves_it_parked(run: Run) -> None:
    told = run(
        "da-dual-fuel",
        faults=CUT,
        parties=PartyBehaviours(dsp=DspBehaviour(resolves_after=None)),
        defaults={"parked-wait": DAY},
    )
    assert (told.outcome, told.migration.passages) == ("parked", 1)


def test_what_still_cannot_be_proven_is_parked_again(run: Run) -> None:
    for_good = FaultEntry("power-cut", "electricity", when={"event": "key", "state": "unknown"})
    told = run(
        "da-dual-fuel", faults=(CUT[0], for_good), defaults={"parked-wait": DAY, "passages": 3}
    )
    assert [event.outcome for event in told.events(Closed)] == ["parked"] * 3
    assert len(told.events(Incident, outcome="raised")) == 3
    assert "failed" not in told.rules.values()


def test_a_refused_switch_back_is_tried_again_after_its_incident(run: Run) -> None:
    refused = FaultEntry("refused", "SMSO", request="take_account_back")
    told = run(
        "ioc-dual-fuel",
        faults=(NO_WAN_FOR_LONG, refused),
        defaults={"parked-wait": DAY},
    )
    assert [event.outcome for event in told.events(Closed)] == ["parked", "commissioned"]


@pytest.mark.parametrize(("group", "holder"), [("da", Holder.DCC), ("ioc", Holder.DCC)])
def test_after_an_irreversible_step_nothing_goes_back(run: Run, group: str, holder: Holder) -> None:
    off = FaultEntry("supply-opened", "electricity", when={"event": "file", "file": "SCF"})
    told = run(f"{group}-dual-fuel", faults=(off,))
    assert (told.outcome, told.account) == ("failed", holder)
    assert "take_account_back" not in told.truth.executed["SMSO"]


def test_three_lost_answers_do_not_lock_the_meter(run: Run) -> None:
    faults = (
        FaultEntry("request-lost", "electricity", request="rotate_key"),
        FaultEntry("reply-lost", "electricity", request="prove_key", nth=2, times=3),
    )
    told = run("da-dual-fuel", faults=faults)
    assert told.truth.devices["electricity"].locked_until is None
    assert [event.outcome for event in told.events(Closed)] == ["resubmittable", "commissioned"]


def test_an_unknown_key_is_not_rotated(run: Run) -> None:
    missing = Preconditions(keys={"gas": KeyKnown.MISSING})
    told = run("da-dual-fuel", preconditions=missing)
    assert codes(told) == ["BENCH-NO-KEY"]
    for device in ("electricity", "gas"):
        truth = told.truth.devices[device]
        assert key_held(told.ran.before.devices[device], truth) == "old"
        assert "rotate_key" not in truth.executed
