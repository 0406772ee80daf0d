"""Migration Authorisations: the MAM's split-supply week, and their validation by 2.3.2.

Single supply: the one supplier authorises when it is ready. Split supply under MAM 4.0: the MCC
designates a week in which *each* active supplier submits [C s5]; who misses it waits for the next
week of the calendar, and so does the other supplier. MAM 3.0 has no such week: there each supplier
authorises when it is ready.
"""

from __future__ import annotations

from bench.migration.case import Case, CheckFailed, SectionFailed
from bench.migration.codes import Code
from bench.parties import Actor, AuthorisationReceived, Week
from bench.trace import Authorisation, WeekDesignated


def authorise(case: Case) -> None:
    """Returns when every supplier's authorisation was accepted (section 2.3.2).

    Raises `CheckFailed` with the validating party's code, or `SectionFailed` of the MAM where an
    authorisation did not come at all.
    """
    if case.installation.split and "MAM-split-week" in case.strategy.rules:
        _in_a_designated_week(case)
    else:
        _whenever_ready(case)


def _whenever_ready(case: Case) -> None:
    for supplier in case.installation.suppliers:
        case.effects.supplier(supplier).open(())
    until = case.effects.now() + case.defaults.duration("authorisation-wait")
    codes: dict[str, str] = {}
    while len(codes) < len(case.installation.suppliers):
        received = case.effects.receive(AuthorisationReceived, until)
        if received is None:
            raise SectionFailed("MAM", Code.NO_AUTHORISATION)
        codes[received[1].supplier] = _validate(case, received[1])
    _require_accepted(list(codes.values()))


def _in_a_designated_week(case: Case) -> None:
    for week in case.effects.mcc.calendar():
        case.emit(WeekDesignated, from_=week.start, to=week.end, actor=Actor.MCC)
        for supplier in case.installation.suppliers:
            case.effects.supplier(supplier).open((week,))
        codes = _authorisations_of(case, week)
        if len(codes) == len(case.installation.suppliers):
            _require_accepted(list(codes.values()))
            return
    raise SectionFailed("MAM", Code.NO_AUTHORISATION)


def _authorisations_of(case: Case, week: Week) -> dict[str, str]:
    """The validation codes ('' = accepted) of the suppliers that submitted within the week."""
    codes: dict[str, str] = {}
    while len(codes) < len(case.installation.suppliers):
        received = case.effects.receive(AuthorisationReceived, week.end)
        if received is None:
            break
        authorisation = received[1]
        code = _validate(case, authorisation)
        if week.start <= authorisation.submitted < week.end:
            codes[authorisation.supplier] = code
    return codes


def _validate(case: Case, authorisation: AuthorisationReceived) -> str:
    """Validates and records one authorisation; returns the code of a rejection, or ''."""
    validation = case.effects.mcc.validate(authorisation)
    case.emit(
        Authorisation,
        supplier=authorisation.supplier,
        outcome="accepted" if validation.accepted else "rejected",
        submitted=authorisation.submitted,
        code=validation.code or None,
        actor=Actor.MCC,
    )
    return "" if validation.accepted else validation.code


def _require_accepted(codes: list[str]) -> None:
    for code in codes:
        if code:
            raise CheckFailed(code)
