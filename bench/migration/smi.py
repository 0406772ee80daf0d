"""The CHF's record on the Smart Metering Inventory, its incident, and the SCF: 2.6.6, 2.6.7."""

from __future__ import annotations

from contextlib import suppress

from bench.errors import Ambiguous, PeerError
from bench.migration.case import Case, Parked
from bench.migration.codes import Code
from bench.migration.undoing import irreversible
from bench.parties import Actor, IncidentResolved
from bench.trace import Incident, Smi


def update_chf(case: Case) -> None:
    """2.6.6: updates the CHF on the SMI; a failure is an incident, which is waited for [S row 2].

    Raises `Parked` when the incident is not resolved in time. Whether the record is updated is
    asked, also when the update was acknowledged.
    """
    case.done.append(irreversible("CHF updated on the SMI"))
    try:
        with suppress(Ambiguous):
            case.effects.dsp.update_chf()
        updated = _is_updated(case)
    except PeerError:
        updated = False
    case.emit(Smi, record="CHF", outcome="updated" if updated else "failed", actor=Actor.DSP)
    if not updated:
        incident, _ = case.raise_incident("the CHF cannot be updated on the SMI")
        _await_resolution(case, incident)


def _is_updated(case: Case) -> bool:
    pause = case.defaults.duration("settle-interval")
    for _ in range(case.defaults.count("settle-tries")):
        try:
            return case.effects.dsp.chf_updated()
        except PeerError:
            case.effects.sleep_until(case.effects.now() + pause)
    return False


def _await_resolution(case: Case, incident: str) -> None:
    until = case.effects.now() + case.defaults.duration("incident-wait")
    while (received := case.effects.receive(IncidentResolved, until)) is not None:
        resolved = received[1]
        case.emit(
            Incident,
            incident=resolved.incident,
            outcome="resolved",
            acting_party=resolved.acting_party,
            actor=resolved.acting_party,
        )
        if resolved.incident == incident:
            return
    raise Parked(Code.INCIDENT_OPEN, f"incident {incident} is not resolved")


def generate_scf(case: Case) -> None:
    """2.6.7: the S1SP generates the S1SP Commissioning File [S row 3]."""
    case.file("SCF", "generated", Actor.S1SP)
