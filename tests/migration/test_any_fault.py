"""Any faults at any moments, in every group: the process ends as promised, and believes no lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.expectations import key_held
from bench.suite import FaultEntry, Outcome
from bench.trace import Account, Closed, Incident, Key, Opened, Report
from bench.units import HOUR
from emulators.faults import FAULTS
from emulators.faults.arming import OPERATIONS
from emulators.faults.registry import Option

if TYPE_CHECKING:
    from conftest import Told

INSTALLATIONS = (
    "da-dual-fuel",
    "da-electricity-only",
    "da-split-supply",
    "ioc-dual-fuel",
    "ioc-prepayment",
    "mds-dual-fuel",
    "ea-dual-fuel",
)
DEVICES = {
    "electricity-meter": "electricity",
    "gas-meter": "gas",
    "comms-hub": "hub",
    "ihd": "display",
}
ROLES = {name: role for role, name in DEVICES.items()}
EVENTS = (
    {"event": "opened"},
    {"event": "file", "file": "MVF"},
    {"event": "file", "file": "RFS"},
    {"event": "file", "file": "SCF"},
    {"event": "account", "holder": "DCC"},
    {"event": "account", "holder": "SMSO"},
    {"event": "step", "section": "2.5.10"},
    {"event": "step", "section": "2.6.4.1"},
    {"event": "attempt"},
    {"event": "key", "state": "unknown"},
    {"event": "key", "state": "new"},
    {"event": "incident"},
)


@st.composite
def fault_entries(draw: st.DrawFn) -> FaultEntry:
    fault = draw(st.sampled_from(sorted(FAULTS.values(), key=lambda fault: fault.name)))
    targets = [*(DEVICES[role] for role in sorted(fault.roles)), *sorted(map(str, fault.parties))]
    target = draw(st.sampled_from(targets))
    operations = sorted(OPERATIONS[ROLES.get(target, target)])
    nth = draw(st.integers(1, 3))
    after, when, request = draw(
        st.one_of(
            st.tuples(st.integers(0, 8 * HOUR), st.none(), st.none()),
            st.tuples(st.none(), st.sampled_from(EVENTS), st.none()),
            st.tuples(st.none(), st.none(), st.sampled_from(["*", *operations])),
        )
    )
    lasts = draw(st.none() | st.integers(1, 30 * HOUR)) if Option.LASTS in fault.options else None
    times = draw(st.sampled_from([1, 2, 5, 99])) if Option.TIMES in fault.options else 1
    return FaultEntry(fault.name, target, after, when, request, nth, lasts, times)


# DCC's desk and the SMSO's are the only ways out of some states; where they refuse for good, the
# rule that asks for the incident or the switch-back fails and rightly so.
DESKS = {"DSP", "SMSO"}


def mute(desk: str) -> tuple[FaultEntry, ...]:
    return (FaultEntry("request-lost", desk, request="*", times=9999),)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    installation=st.sampled_from(INSTALLATIONS),
    faults=st.lists(fault_entries(), max_size=3).map(tuple),
)
@example("da-dual-fuel", mute("DSP"))
@example("da-dual-fuel", mute("SMSO"))
@example("ioc-dual-fuel", (FaultEntry("acknowledged-not-done", "DSP", request="update_chf"),))
@example("ioc-dual-fuel", (FaultEntry("acknowledged-not-done", "SMSO", request="*", times=9),))
@example("da-dual-fuel", (FaultEntry("acknowledged-not-done", "gas", request="*", times=9999),))
@example("da-dual-fuel", (*mute("DSP"), FaultEntry("reply-lost", "gas", request="rotate_key")))
def test_no_fault_leads_the_process_astray(
    run: Callable[..., Told], installation: str, faults: tuple[FaultEntry, ...]
) -> None:
    try:
        told = run(installation, faults=faults, defaults={"passages": 2})
    except UsageError:
        return  # the fault cannot happen to this target, or not to this installation
    ran = told.ran
    assert ran.bench_error == ""
    assert told.outcome in set(Outcome)
    assert len(told.events(Opened)) == len(told.events(Closed)) == told.migration.passages
    assert told.events(Closed)[-1].outcome == told.outcome
    struck = {fault.target for fault in faults}
    failed = {rule for rule, verdict in told.rules.items() if verdict == "failed"}
    assert not failed or struck & DESKS, failed
    if told.outcome == "commissioned":
        assert told.account == "DCC"
        assert told.truth.chf_updated
    else:
        assert told.events(Report)
    if told.outcome == "parked":
        assert told.events(Incident, outcome="raised") or "DSP" in struck
    else:
        switches = told.events(Account)
        assert (switches[-1].holder if switches else "SMSO") == told.account
        if not any(fault.fault == "factory-reset" for fault in faults):
            assert_keys_as_believed(told)


def assert_keys_as_believed(told: Told) -> None:
    """What the trace says of each key last is what the device holds."""
    believed = {event.device: event.state for event in told.events(Key)}
    before, after = told.ran.before.devices, told.truth.devices
    for device in told.ran.prepared.installation.meters:
        held = key_held(before[device.name], after[device.name])
        assert believed.get(device.name, "old") == held, device.name


@pytest.mark.parametrize("group", ["da", "ioc"])
def test_a_mute_incident_desk_parks_without_an_incident(
    run: Callable[..., Told], group: str
) -> None:
    told = run(f"{group}-dual-fuel", faults=mute("DSP"))
    assert told.outcome == "parked"
    assert told.events(Incident) == []
    assert [report.code for report in told.events(Report)] == ["BENCH-NO-INCIDENT"]
    assert told.rules["2.6.6-incident"] == "failed"
