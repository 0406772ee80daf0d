"""Migration authorisations: section 2.3.2 of the MEHRS, and the MAM on split supply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.conformance.facts import Authorised, Filed
from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import NOT_EXERCISED, Outcome, rule
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS
from bench.conformance.wording import times
from bench.mehrs.strategy import Status
from bench.units import Micros, format_instant
from bench.verdict import Verdict


class _Lack(NamedTuple):
    """What an MCF lacked: since when it could have come, the line that shows it, in words."""

    since: Micros
    where: int | None
    what: str


@rule("2.3.2-authorised-first")
def authorised_first(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """2.3.2 [S row 1]: an MCF has an authorisation before it, and none before it stands rejected.

    A supplier that sent none is `MAM-split-week`'s matter. What is lacking can have come in an
    outage after the event that shows it lacking; of several lacks the latest decides.
    """
    files = passage.generated("MCF")
    if not files:
        return NOT_EXERCISED
    verdict = PASS
    shown = files[0]
    lack: _Lack | None = None
    for file, found in _lacks(passage, files):
        hidden = passage.blackouts.could_hide(found.since, file.at)
        judged = INCONCLUSIVE if hidden else FAIL
        if judged > verdict:
            verdict, shown, lack = judged, file, found
    where = (shown.where,) if lack is None or lack.where is None else (lack.where, shown.where)
    return (
        Outcome(
            verdict,
            where,
            "an accepted authorisation before the MCF, none rejected",
            "as expected" if lack is None else lack.what,
            _AUTHORISED[verdict],
        ),
    )


_AUTHORISED = {
    PASS: "The MCF was generated after the authorisations were accepted.",
    INCONCLUSIVE: "The MCF was generated without an accepted authorisation that was seen; it could"
    " have come in an outage.",
    FAIL: "The MCF was generated without an accepted authorisation.",
}


def _lacks(passage: Passage, files: list[Filed]) -> Iterator[tuple[Filed, _Lack]]:
    """For each MCF that lacked something, the lack that began last."""
    authorisations = passage.authorisations
    taken = 0
    # supplier -> its last authorisation, where that was rejected; the latest last
    rejected: dict[str, Authorised] = {}
    for file in files:
        while taken < len(authorisations) and authorisations[taken].seq < file.seq:
            authorisation = authorisations[taken]
            rejected.pop(authorisation.supplier, None)
            if not authorisation.accepted:
                rejected[authorisation.supplier] = authorisation
            taken += 1
        found: list[_Lack] = []
        if not taken:
            found.append(_Lack(passage.began, None, "no authorisation"))
        if rejected:
            last = next(reversed(rejected.values()))
            what = f"the last authorisation of {last.supplier} was rejected"
            found.append(_Lack(last.at, last.where, what))
        step = passage.last_step("2.3.2", file.seq)
        if step is not None and not step.passed:
            found.append(_Lack(step.at, step.where, "section 2.3.2 last failed"))
        if found:
            yield file, max(found, key=_since)


def _since(lack: _Lack) -> Micros:
    return lack.since


@rule("MAM-split-week")
def split_week(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """MAM [C s5]: with split supply each supplier authorises within the designated week.

    Read as: the MCF is else withheld. What is withheld for good is not commissioned.
    """
    if not passage.split:
        return NOT_EXERCISED
    files = passage.generated("MCF")
    if not files:
        return _never_generated(passage)
    verdict = PASS
    where: tuple[int, ...] = (files[0].where,)
    observed = "as expected"
    for file, judged, lines, what in _weeks(passage, files):
        if judged > verdict:
            verdict, where, observed = judged, (*lines, file.where), what
    return (
        Outcome(
            verdict,
            where,
            "each supplier's last accepted authorisation submitted within the last designated week",
            observed,
            _IN_WEEK[verdict],
            status=Status.READING,
        ),
    )


_IN_WEEK = {
    PASS: "The MCF was generated on authorisations of the designated week.",
    INCONCLUSIVE: "The MCF was generated without an authorisation of the designated week that was"
    " seen from each supplier; what is missing could have come in an outage.",
    FAIL: "The MCF was generated although not every supplier authorised in the designated week.",
}


def _never_generated(passage: Passage) -> Sequence[Outcome]:
    ended = passage.ended
    if ended is None:
        return NOT_EXERCISED
    verdict = PASS
    if ended.outcome == "commissioned":
        hidden = passage.blackouts.could_hide(passage.began, ended.at)
        verdict = INCONCLUSIVE if hidden else FAIL
    return (
        Outcome(
            verdict,
            (ended.where,),
            "not commissioned without an MCF",
            f"closed {ended.outcome}, no MCF seen",
            "What has no MCF is not commissioned."
            if verdict is PASS
            else "The installation was commissioned without an MCF.",
        ),
    )


def _weeks(
    passage: Passage, files: list[Filed]
) -> Iterator[tuple[Filed, Verdict, tuple[int, ...], str]]:
    """Each MCF that lacked an authorisation of the week: verdict, lines, words.

    The suppliers are looked at again only where a week or an authorisation came since the last
    MCF, and then only those that can have changed; so many MCFs of many suppliers stay cheap.
    """
    weeks, authorisations = passage.weeks, passage.authorisations
    suppliers = dict.fromkeys(passage.suppliers)
    accepted: dict[str, Authorised] = {}
    # supplier -> its last accepted authorisation, where none lies in the week; the latest last
    missing: dict[str, Authorised | None] = dict.fromkeys(suppliers)
    week = None
    next_week = next_authorisation = 0
    for file in files:
        moved = False
        while next_week < len(weeks) and weeks[next_week].seq < file.seq:
            week = weeks[next_week]
            next_week += 1
            moved = True
        while (
            next_authorisation < len(authorisations)
            and authorisations[next_authorisation].seq < file.seq
        ):
            given = authorisations[next_authorisation]
            next_authorisation += 1
            if given.accepted and given.supplier in suppliers:
                accepted.pop(given.supplier, None)
                accepted[given.supplier] = given
                missing.pop(given.supplier, None)
                if week is None or not week.start <= given.submitted < week.end:
                    missing[given.supplier] = given
        if moved:
            missing = {supplier: None for supplier in suppliers if supplier not in accepted}
            for supplier, given in accepted.items():
                if week is None or not week.start <= given.submitted < week.end:
                    missing[supplier] = given
        if missing:
            # Of several that are missing the one with the least time left to have come decides;
            # or another week was designated, of which nothing was seen either.
            supplier, last = next(reversed(missing.items()))
            since = passage.began if last is None else last.at
            hidden = passage.blackouts.could_hide(since, file.at)
            if not hidden:
                designated = passage.began if week is None else week.at
                hidden = passage.blackouts.could_hide(designated, file.at)
            lines = tuple(fact.where for fact in (week, last) if fact is not None)
            yield (
                file,
                INCONCLUSIVE if hidden else FAIL,
                lines,
                _says(supplier, last, week is None, len(missing)),
            )


def _says(supplier: str, last: Authorised | None, no_week: bool, count: int) -> str:
    if no_week:
        return "no week was designated"
    if last is None:
        what = f"no accepted authorisation of {supplier}"
    else:
        when = format_instant(last.submitted)
        what = f"the authorisation of {supplier} was submitted at {when}, outside the week"
    return what if count == 1 else f"{what} ({times(count, 'supplier')} in all)"


@rule("MAM-split-prepayment")
def split_prepayment(passage: Passage, limits: Limits) -> Sequence[Outcome]:
    """MAM [C s4.1.1]: split supply with prepayment is not provided for: nothing to judge by."""
    if not passage.split or passage.payment != "prepayment":
        return NOT_EXERCISED
    return (
        Outcome(
            INCONCLUSIVE,
            (passage.opened_where,),
            "not provided for",
            "split supply with prepayment",
            "The MAM does not provide for split supply with prepayment.",
            final=True,
        ),
    )
