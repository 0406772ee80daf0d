"""The migration of one installation: passages, resubmitted while that is possible."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.effects import Effects
from bench.errors import UsageError
from bench.installation import Installation
from bench.mehrs.strategy import Strategy
from bench.migration.case import Case
from bench.migration.codes import Code
from bench.migration.defaults import Defaults
from bench.migration.passage import run_passage
from bench.migration.undoing import can_go_back
from bench.parties import Group, IncidentResolved
from bench.trace import Incident


@dataclass(frozen=True, slots=True)
class Migration:
    """How it ended: the last passage's outcome, and how many passages it took."""

    outcome: str
    passages: int
    gave_up: bool


def require_group(strategy: Strategy, group: Group) -> None:
    """Raises `UsageError` where the chosen MEHRS version does not speak of the group."""
    needed = {Group.DA: "2.5.2.file-set-limit", Group.EA: "3.4.1.wait"}.get(group)
    if needed is not None and not strategy.has(needed):
        raise UsageError(
            f"MEHRS {strategy.mehrs.version} does not speak of group {group}",
            hint="choose a later version: smets1-bench rules lists them",
        )


def migrate(
    effects: Effects, installation: Installation, strategy: Strategy, defaults: Defaults
) -> Migration:
    """Runs passage after passage until one closes other than `resubmittable`.

    Attempts at migration are counted over resubmissions; after the last one the installation is
    given up, which DCC proposed to do after five. One that was parked is opened again if its
    incident is resolved within the default `parked-wait`; that passage begins by clearing up.
    """
    require_group(strategy, installation.group)
    case = Case(effects, installation, strategy, defaults)
    last = defaults.count("passages")
    while True:
        outcome = run_passage(case)
        if outcome == "parked" and case.passage < last and _is_released(case):
            case.was_parked = True
        elif outcome != "resubmittable":
            return Migration(outcome, case.passage, gave_up=False)
        elif case.passage >= last:
            case.report(Code.GIVEN_UP)
            return Migration(outcome, case.passage, gave_up=True)
        else:
            case.was_parked = False
            effects.sleep_until(effects.now() + defaults.duration("resubmission-wait"))
        effects.forget_messages()
        case = replace(
            case,
            passage=case.passage + 1,
            mvf_at=None,
            submitted=(),
            file_set=(),
            done=[],
            excluded=set(),
            incident="",
        )


def _is_released(case: Case) -> bool:
    """Whether people have resolved the incident of a parked installation that can go back."""
    if not case.incident or not can_go_back(case):
        return False
    until = case.effects.now() + case.defaults.duration("parked-wait")
    while (received := case.effects.receive(IncidentResolved, until)) is not None:
        resolved = received[1]
        case.emit(
            Incident,
            incident=resolved.incident,
            outcome="resolved",
            acting_party=resolved.acting_party,
            actor=resolved.acting_party,
        )
        if resolved.incident == case.incident:
            return True
    return False
