"""One passage: from `opened` to `closed`, and what is done when a section fails.

Recovery, by what the account and the keys are when a section fails:

====================================  ===================================================
the account is with the SMSO          reported, closed `failed`
DA, with DCC, no key new              switched back, closed `resubmittable` [S row 12]
DA, with DCC, a rotation failed       rotated meters restored (2.6.4.1), switched back,
                                      closed `resubmittable`
other groups, with DCC                rollback 2.6.5, closed `failed`
commissioning failed                  reported in MRR6 with MA122 [S row 5]; closed `failed`;
                                      stays, for what was done is irreversible by then
something cannot be proven            an incident is raised, closed `parked`
====================================  ===================================================

After `parked` the next passage, if there is one, begins by clearing up (`clearing`).
"""

from __future__ import annotations

from bench.clock import Cancelled
from bench.errors import BenchError
from bench.migration.case import Case, Parked, SectionFailed
from bench.migration.clearing import clear
from bench.migration.codes import Code
from bench.migration.sections import PROCESS
from bench.migration.undoing import can_go_back, roll_back
from bench.parties import Group, Holder
from bench.trace import Closed, Opened


def run_passage(case: Case) -> str:
    """Runs one passage; returns the outcome it closed with.

    Whatever happens the passage is closed: when the run is cancelled or the bench itself fails it
    closes `withdrawn` and the error goes on.
    """
    installation = case.installation
    case.emit(
        Opened,
        group=installation.group,
        supply="split" if installation.split else "single",
        payment=installation.payment,
        suppliers=installation.suppliers,
        extra={"passage": case.passage},
    )
    try:
        outcome = _outcome(case)
    except (Cancelled, BenchError):
        case.emit(Closed, outcome="withdrawn")
        raise
    case.emit(Closed, outcome=outcome)
    return outcome


def _outcome(case: Case) -> str:
    try:
        clear(case)
        try:
            for stage in PROCESS[case.group]:
                stage.run(case)
        except SectionFailed as failure:
            return _recover(case, failure)
    except Parked as parked:
        _look_into(case, parked)
        return "parked"
    return "commissioned"


def _look_into(case: Case, parked: Parked) -> None:
    """People must look at it: an incident unless one is open, and a report in any case."""
    codes = [parked.code]
    if parked.code not in (Code.INCIDENT_OPEN, Code.NO_INCIDENT):
        try:
            case.raise_incident(parked.summary)
        except Parked as unheard:
            codes.append(unheard.code)
    for code in codes:
        case.report(code)


def _recover(case: Case, failure: SectionFailed) -> str:
    if failure.section == "commissioning" and "A.1-ma122" in case.strategy.rules:
        case.report(Code.MA122, "MRR6")
    else:
        case.report(failure.code)
    if case.holder is Holder.SMSO or not can_go_back(case):
        return "failed"
    roll_back(case)
    if case.group is Group.DA:
        return "resubmittable"
    case.step("2.6.5")
    return "failed"
