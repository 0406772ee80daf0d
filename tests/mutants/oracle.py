"""Every rule again, as plainly as it can be said: predicates over the whole list of one passage.

Written for reading beside docs/trace.md, not for speed: nothing is remembered between events, every
question looks at the whole list. It shares nothing with the checker but the event classes. A
verdict is `passed`, `failed`, `inconclusive`, or None for not exercised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

from bench.trace import (
    Account,
    Attempt,
    Authorisation,
    Closed,
    Event,
    File,
    Incident,
    Key,
    Opened,
    Outage,
    Report,
    Smi,
    Step,
    WeekDesignated,
)

PASSED, INCONCLUSIVE, FAILED = "passed", "inconclusive", "failed"
_RANK = {PASSED: 0, INCONCLUSIVE: 1, FAILED: 2}
Answer = str | None
BEGINNING, END = -(10**30), 10**30


def worst(answers: Iterable[Answer]) -> Answer:
    said = [answer for answer in answers if answer is not None]
    return max(said, key=_RANK.__getitem__) if said else None


@dataclass(frozen=True)
class Case:
    """One passage: its events in order, parameters by id, tolerance, the trace's last `at`."""

    events: list[Any]
    values: Mapping[str, int | str | None]
    tolerance: int
    now: int

    def all(self, kind: type[Event], **wanted: object) -> list[int]:
        """Indices of the events of the kind whose fields have the wanted values."""
        return [
            index
            for index, event in enumerate(self.events)
            if isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in wanted.items())
        ]

    def at(self, index: int) -> int:
        return int(self.events[index].at)

    @property
    def opened(self) -> Opened | None:
        first = self.events[0]
        return first if isinstance(first, Opened) else None

    @property
    def began(self) -> int:
        return BEGINNING if self.opened is None else self.opened.at

    @property
    def u(self) -> int:
        return 0 if self.opened is None else round(self.opened.uncertainty_s * 1_000_000)

    @property
    def close(self) -> int | None:
        found = self.all(Closed)
        return found[0] if found else None

    @property
    def outcome(self) -> str | None:
        return None if self.close is None else self.events[self.close].outcome

    def value(self, name: str) -> int | None:
        found = self.values.get(name)
        return found if isinstance(found, int) else None

    @property
    def exclusive(self) -> bool:
        return self.values.get("boundary") == "exclusive"

    def overlapped(self, start: int, end: int, *, blind: bool = False) -> bool:
        return any(
            outage.from_ < end and start < outage.to
            for outage in self.events
            if isinstance(outage, Outage) and not (blind and outage.of == "clock")
        )

    def excused(self, start: int, end: int) -> bool:
        """Something missing could have happened between the two, unseen."""
        return self.overlapped(start, end, blind=True)

    def within(self, value: int, limit: int, slack: int = 0) -> str:
        """passed: reached in time; failed: surely not."""
        low, high = limit + slack - self.u, limit + slack + self.u
        if self.exclusive:
            return PASSED if value < low else FAILED if value >= high else INCONCLUSIVE
        return PASSED if value <= low else FAILED if value > high else INCONCLUSIVE

    # --- chains ---

    def chains(self, section: str) -> list[list[Attempt]]:
        """Per operation and device one list of chains, flattened; a number of 1 starts a chain."""
        return [chain for group in self.chain_groups(section) for chain in group]

    def chain_groups(self, section: str) -> list[list[list[Attempt]]]:
        tries = [e for e in self.events if isinstance(e, Attempt) and e.section == section]
        keys = list(dict.fromkeys((one.operation, one.device) for one in tries))
        groups = []
        for key in keys:
            mine = [one for one in tries if (one.operation, one.device) == key]
            starts = [i for i, one in enumerate(mine) if i == 0 or one.number == 1]
            ends = [*starts[1:], len(mine)]
            groups.append([mine[a:b] for a, b in zip(starts, ends, strict=True)])
        return groups

    def wait(self, before: Attempt, after: Attempt, limit: int | None) -> str:
        start = before.at
        if self.values["3.x.measured-from"] == "start":
            start = began(before)
        low, high = sorted((start, began(after)))
        if limit is None or after.number - before.number != 1 or self.overlapped(low, high):
            return INCONCLUSIVE
        off = abs(began(after) - start - limit)
        if off <= self.tolerance - self.u:
            return PASSED
        return FAILED if off > self.tolerance + self.u else INCONCLUSIVE

    def given_up(self, section: str) -> list[list[Attempt]]:
        if self.outcome != "failed":
            return []
        return [
            group[-1]
            for group in self.chain_groups(section)
            if all(one.outcome != "succeeded" for one in group[-1]) and group[-1][-1].retryable
        ]

    # --- states before an event ---

    def last_step(self, section: str, before: int) -> int | None:
        found = [i for i in self.all(Step, section=section) if i < before]
        return found[-1] if found else None

    def holder(self, before: int) -> str:
        found = [i for i in self.all(Account) if i < before]
        return self.events[found[-1]].holder if found else "SMSO"

    def switches(self, to: str) -> list[int]:
        """Account events that change the holder."""
        return [i for i in self.all(Account, holder=to) if self.holder(i) != to]

    def keys(self, before: int) -> dict[str, Key]:
        """The latest key event of each device."""
        found: dict[str, Key] = {}
        for event in self.events[:before]:
            if isinstance(event, Key):
                found[str(event.device)] = event
        return found

    def doubts(self, before: int) -> dict[str, int]:
        """Devices in doubt, each with when it last fell into doubt."""
        devices = {e.device for e in self.events if isinstance(e, Key | Attempt) and e.device}
        found = {}
        for device in devices:
            for event in reversed(self.events[:before]):
                if event.device != device:
                    continue
                if isinstance(event, Key):
                    if event.state == "unknown" or event.proof == "none":
                        found[device] = event.at
                    break
                unknown = isinstance(event, Attempt) and event.outcome == "unknown"
                if unknown and event.section == "3.3":
                    found[device] = event.at
                    break
        return found


def began(attempt: Attempt) -> int:
    return attempt.at if attempt.started is None else attempt.started


# --- section 3 ---


def long_interval(case: Case) -> Answer:
    return worst(
        case.wait(one, two, case.value("3.1.long-interval"))
        for chain in case.chains("3.1")
        for one, two in pairwise(chain)
        if one.phase == two.phase == "long"
    )


def period_end(case: Case, chain: list[Attempt]) -> tuple[int, int] | None:
    total = case.value("3.1.total-period")
    starts = chain
    if case.values["3.1.period-from"] == "first-long":
        starts = [one for one in chain if one.phase == "long"]
    return (starts[0].at, starts[0].at + total) if starts and total is not None else None


def total_period(case: Case) -> Answer:
    answers = []
    for chain in case.chains("3.1"):
        for one in chain:
            if one.phase == "long":
                period = period_end(case, chain)
                if chain[0].number != 1 or period is None or case.overlapped(period[0], began(one)):
                    answers.append(INCONCLUSIVE)
                else:
                    answers.append(case.within(began(one), period[1], case.tolerance))
    return worst(answers)


def ioc_persistence(case: Case) -> Answer:
    answers = []
    for chain in case.given_up("3.1"):
        assert case.close is not None
        interval, total = case.value("3.1.long-interval"), case.value("3.1.total-period")
        if chain[0].number != 1 or interval is None or total is None:
            answers.append(INCONCLUSIVE)
            continue
        period = period_end(case, chain)
        if period is None:
            fitted = PASSED
        elif case.overlapped(period[0], chain[-1].at):
            fitted = INCONCLUSIVE
        else:
            fitted = case.within(chain[-1].at + interval, period[1])
        answer = {PASSED: FAILED, FAILED: PASSED}.get(fitted, INCONCLUSIVE)
        if answer == FAILED and case.excused(chain[-1].at, case.at(case.close)):
            answer = INCONCLUSIVE
        answers.append(answer)
    return worst(answers)


def retry(case: Case, section: str) -> Answer:
    interval, repeats = case.value(f"{section}.interval"), case.value(f"{section}.repeats")
    answers = []
    for chain in case.chains(section):
        if len(chain) > 1:
            for one, two in pairwise(chain):
                answers.append(case.wait(one, two, interval))
            if repeats is None:
                answers.append(INCONCLUSIVE)
            elif max(one.number for one in chain) - 1 > repeats:
                answers.append(FAILED)
    return worst(answers)


def ea_wait(case: Case) -> Answer:
    return worst(
        case.wait(one, two, case.value("3.4.1.wait"))
        for chain in case.chains("3.4.1")
        for one, two in pairwise(chain)
    )


def allowed(case: Case) -> int | None:
    repeats = case.value("3.4.1.repeats")
    more = {"repeats": 1, "attempts": 0, "repeats-of-retry": 2}
    return None if repeats is None else repeats + more[str(case.values["3.4.1.counting"])]


def ea_repeats(case: Case) -> Answer:
    most = allowed(case)
    return worst(
        INCONCLUSIVE if most is None else FAILED if chain[-1].number > most else PASSED
        for chain in case.chains("3.4.1")
        if len(chain) > 1
    )


def ea_persistence(case: Case) -> Answer:
    most = allowed(case)
    answers = []
    for chain in case.given_up("3.4.1"):
        assert case.close is not None
        if chain[0].number != 1 or most is None:
            answers.append(INCONCLUSIVE)
        elif chain[-1].number >= most:
            answers.append(PASSED)
        else:
            excused = case.excused(chain[-1].at, case.at(case.close))
            answers.append(INCONCLUSIVE if excused else FAILED)
    return worst(answers)


# --- before something may happen ---


def lacking(case: Case, moment: int, since: list[int]) -> str:
    """`since`: for each thing that lacked, when the event that shows it was."""
    if not since:
        return PASSED
    return INCONCLUSIVE if all(case.excused(s, case.at(moment)) for s in since) else FAILED


def authorised_first(case: Case) -> Answer:
    answers = []
    for moment in case.all(File, file="MCF", action="generated"):
        given = [i for i in case.all(Authorisation) if i < moment]
        since = [] if given else [case.began]
        for supplier in {case.events[i].supplier for i in given}:
            last = max(i for i in given if case.events[i].supplier == supplier)
            if case.events[last].outcome == "rejected":
                since.append(case.at(last))
        step = case.last_step("2.3.2", moment)
        if step is not None and case.events[step].outcome == "failed":
            since.append(case.at(step))
        answers.append(lacking(case, moment, since))
    return worst(answers)


def passed_before(case: Case, moments: list[int], sections: list[str], by: str = "") -> Answer:
    answers = []
    for moment in moments:
        since = []
        for section in sections:
            step = case.last_step(section, moment)
            if step is None:
                since.append(case.began)
                continue
            event = case.events[step]
            stranger = by and section == "2.4.5" and event.actor and event.actor != by
            if event.outcome == "failed" or stranger:
                since.append(case.at(step))
        answers.append(lacking(case, moment, since))
    return worst(answers)


def before_mcf(case: Case) -> Answer:
    return passed_before(case, case.all(File, file="MCF", action="generated"), ["2.4.1.1"])


def both_validations(case: Case) -> Answer:
    mvfs = case.all(File, file="MVF", action="generated")
    return passed_before(case, mvfs, ["2.4.4", "2.4.5"], "IOC S1SP")


def before_switch(case: Case) -> Answer:
    return passed_before(case, case.switches("DCC"), ["2.5.1.1"])


# --- 2.5.2 ---


def mvf_of(case: Case) -> int | None:
    mvfs = case.all(File, file="MVF", action="generated")
    return mvfs[0] if mvfs else None


def missed(case: Case) -> Answer:
    """failed: the limit was missed; None: it has not passed, or there is no MVF."""
    mvf, limit = mvf_of(case), case.value("2.5.2.file-set-limit")
    if mvf is None:
        return None
    rfs = case.all(File, file="RFS", action="received")
    if rfs and rfs[0] < mvf:
        return PASSED
    if limit is None:
        return INCONCLUSIVE
    until = case.now if case.close is None else case.at(case.close)
    reached = case.at(rfs[0]) if rfs else until
    answer = case.within(reached - case.at(mvf), limit)
    if not rfs and answer == PASSED:
        return None
    due = case.at(mvf) + limit + case.u
    return INCONCLUSIVE if case.overlapped(case.at(mvf), min(reached, due)) else answer


def reported(case: Case) -> bool:
    mvf = mvf_of(case)
    return mvf is not None and any(i > mvf for i in case.all(Report, outcome="failure"))


def file_set_limit(case: Case) -> Answer:
    mvf, answer = mvf_of(case), missed(case)
    if answer in (None, PASSED) or mvf is None:
        return answer
    if reported(case):
        return PASSED
    return INCONCLUSIVE if case.excused(case.at(mvf), END) else answer


def stops(case: Case) -> Answer:
    mvf, limit, answer = mvf_of(case), case.value("2.5.2.file-set-limit"), missed(case)
    if answer in (None, PASSED) or mvf is None or limit is None:
        return None
    due = case.at(mvf) + limit
    times = [
        *(began(e) for e in case.events if isinstance(e, Attempt) and e.section == "3.3"),
        *(
            case.at(i)
            for i in (
                *case.all(Key, state="new"),
                *case.all(Smi, outcome="updated"),
                *case.all(File, file="SCF"),
                *case.all(Step, section="commissioning"),
            )
        ),
    ]
    if answer == INCONCLUSIVE:
        return INCONCLUSIVE if any(t > due - case.u for t in times) else None
    if any(t > due + case.u for t in times):
        return FAILED
    return INCONCLUSIVE if any(t > due - case.u for t in times) else PASSED


# --- absent for DA ---


def absent(case: Case, seen: list[int]) -> Answer:
    return FAILED if seen else None if case.close is None else PASSED


# --- 2.5.5 ---


def failures(case: Case) -> list[int]:
    if case.close is None or case.outcome == "withdrawn":
        return []
    found = []
    for i in case.all(Step, outcome="failed"):
        section = case.events[i].section
        later = [j for j in case.all(Step, section=section) if j > i]
        moved = case.doubts(i) or any(k.state == "new" for k in case.keys(i).values())
        if (
            section not in ("2.6.4.1", "commissioning")
            and case.holder(i) == "DCC"
            and not moved
            and not later
        ):
            found.append(i)
    return found


def switch_back(case: Case) -> Answer:
    answers = []
    for failure in failures(case):
        assert case.close is not None
        by = [case.events[i].actor for i in case.switches("SMSO") if failure < i < case.close]
        if "S1SP" in by:
            answers.append(PASSED)
        elif None in by or case.excused(case.at(failure), case.at(case.close)):
            answers.append(INCONCLUSIVE)
        else:
            answers.append(FAILED)
    return worst(answers)


def resubmittable(case: Case) -> Answer:
    answers: list[Answer] = []
    for failure in failures(case):
        backs = [i for i in case.switches("SMSO") if i > failure]
        if not any(case.events[i].actor in ("S1SP", None) for i in backs):
            continue
        if case.outcome == "resubmittable":
            answers.append(PASSED)
            continue
        late, mvf = missed(case), mvf_of(case)
        if case.outcome != "failed" or late in (None, PASSED) or mvf is None:
            answers.append(FAILED)
        elif reported(case):
            answers.append(PASSED if late == FAILED else INCONCLUSIVE)
        else:
            answers.append(INCONCLUSIVE if case.excused(case.at(mvf), END) else FAILED)
    return worst(answers)


# --- 2.6.6, 2.6.7, A.1 ---


def incident(case: Case) -> Answer:
    failed = case.all(Smi, outcome="failed")
    if not failed:
        return None
    first = failed[0]
    if case.close is None and not any(i > first for i in case.all(Smi, outcome="updated")):
        return None
    parties = [
        case.events[i].acting_party for i in case.all(Incident, outcome="raised") if i > first
    ]
    if any(party in ("S1SP", "DSP") for party in parties):
        return PASSED
    return INCONCLUSIVE if parties or case.excused(case.at(first), END) else FAILED


def commissioning_file(case: Case) -> Answer:
    failed = case.all(Smi, outcome="failed")
    raised = [i for i in case.all(Incident, outcome="raised") if failed and i > failed[0]]
    if not raised:
        return None
    name = case.events[raised[0]].incident
    resolved = [i for i in case.all(Incident, outcome="resolved", incident=name) if i > raised[0]]
    if not resolved or (case.close is not None and resolved[0] > case.close):
        return None
    scfs = [i for i in case.all(File, file="SCF", action="generated") if i > resolved[0]]
    actors = [case.events[i].actor for i in scfs]
    if "S1SP" in actors:
        return PASSED
    end = case.now if case.close is None else case.at(case.close)
    return INCONCLUSIVE if None in actors or case.excused(case.at(resolved[0]), end) else FAILED


def ma122(case: Case) -> Answer:
    steps = case.all(Step, section="commissioning")
    if case.outcome in (None, "commissioned", "withdrawn") or not steps:
        return None
    last = steps[-1]
    if case.events[last].outcome != "failed":
        return None
    if any(i > last for i in case.all(Report, report="MRR6", code="MA122")):
        return PASSED
    return INCONCLUSIVE if case.excused(case.at(last), END) else FAILED


# --- MAM ---


def split_week(case: Case) -> Answer:
    opened = case.opened
    if opened is None or opened.supply != "split":
        return None
    moments = case.all(File, file="MCF", action="generated")
    if not moments:
        if case.close is None:
            return None
        if case.outcome != "commissioned":
            return PASSED
        return INCONCLUSIVE if case.excused(case.began, case.at(case.close)) else FAILED
    answers = []
    for moment in moments:
        weeks = [i for i in case.all(WeekDesignated) if i < moment]
        since = []
        for supplier in opened.suppliers:
            mine = [
                i
                for i in case.all(Authorisation, supplier=supplier, outcome="accepted")
                if i < moment
            ]
            if not mine:
                since.append(case.began)
                continue
            given, week = case.events[mine[-1]], case.events[weeks[-1]] if weeks else None
            submitted = given.at if given.submitted is None else given.submitted
            if week is None or not week.from_ <= submitted < week.to:
                since.append(given.at)
        answer = lacking(case, moment, since)
        designated = case.at(weeks[-1]) if weeks else case.began
        if answer == FAILED and case.excused(designated, case.at(moment)):
            answer = INCONCLUSIVE
        answers.append(answer)
    return worst(answers)


def split_prepayment(case: Case) -> Answer:
    opened = case.opened
    both = opened is not None and (opened.supply, opened.payment) == ("split", "prepayment")
    return INCONCLUSIVE if both else None


# --- BENCH ---


def key_proof(case: Case) -> Answer:
    doubtful = [
        *case.all(Attempt, section="3.3", outcome="unknown"),
        *case.all(Key, state="unknown"),
        *case.all(Key, proof="none"),
    ]
    if not doubtful:
        return None
    moments = case.switches("SMSO")
    if case.close is not None and case.outcome not in ("parked", "withdrawn"):
        moments.append(case.close)
    answers = [lacking(case, moment, list(case.doubts(moment).values())) for moment in moments]
    return worst([PASSED, *answers])


def no_orphan(case: Case) -> Answer:
    """Every way that unseen events could have left things is tried."""
    if case.close is None or case.outcome == "withdrawn":
        return None
    close = case.at(case.close)
    accounts = [i for i in case.all(Account) if case.events[i].holder != case.holder(i)]
    seen = case.holder(case.close)
    holders = [seen]
    if case.excused(case.at(accounts[-1]) if accounts else case.began, close):
        holders = ["SMSO", "DCC"]
    keys = case.keys(case.close)
    touched = {
        *keys,
        *(e.device for e in case.events if isinstance(e, Attempt) and e.section == "3.3"),
    }
    states: list[list[str]] = []
    for device in touched:
        state = keys[device].state if device in keys else ""
        unseen = case.excused(keys[device].at if device in keys else case.began, close)
        states.append([state, "old", "new"] if unseen else [state])
    if case.excused(case.began, close):
        states.append(["nothing", "new"])
    incidents = [i for i in case.all(Incident, outcome="raised") if i < case.close]
    parked = case.outcome == "parked"

    def whole(holder: str, ends: tuple[str, ...]) -> bool:
        ends = tuple(end for end in ends if end != "nothing")
        if holder == "SMSO":
            return "new" not in ends
        return any(ends) and all(end == "new" for end in ends)

    now = tuple(s[0] for s in states if s[0] != "nothing")
    if (parked and incidents) or whole(seen, now):
        return PASSED
    hidden = parked and case.excused(case.began, close)
    possible = any(whole(h, ends) for h in holders for ends in product(*states))
    return INCONCLUSIVE if hidden or possible else FAILED


# What is final also where the passage never closed, though it passed or is inconclusive.
FINAL = {"2.5.2-file-set-limit", "2.6.6-incident", "MAM-split-prepayment"}
FINAL_IF_PASSED = {"2.6.7-commissioning-file"}

PREDICATES: dict[str, Callable[[Case], Answer]] = {
    "3.1-long-interval": long_interval,
    "3.1-total-period": total_period,
    "3.1-persistence": ioc_persistence,
    "3.2-retry": lambda case: retry(case, "3.2"),
    "3.3-sua-retry": lambda case: retry(case, "3.3"),
    "3.4.1-wait": ea_wait,
    "3.4.1-repeats": ea_repeats,
    "3.4.1-persistence": ea_persistence,
    "2.3.2-authorised-first": authorised_first,
    "2.4.1.1-before-mcf": before_mcf,
    "2.4-both-validations": both_validations,
    "2.5.1.1-before-switch": before_switch,
    "2.5.2-file-set-limit": file_set_limit,
    "2.5.2-stops": stops,
    "2.5.4-no-mgf": lambda case: absent(case, case.all(File, file="MGF")),
    "2.5.5-switch-back": switch_back,
    "2.5.5-resubmittable": resubmittable,
    "2.5.9-not-entered": lambda case: absent(case, case.all(Step, section="2.5.9")),
    "2.6.2-not-entered": lambda case: absent(case, case.all(Step, section="2.6.2")),
    "2.6.3-not-entered": lambda case: absent(case, case.all(Step, section="2.6.3")),
    "2.6.5-not-entered": lambda case: absent(case, case.all(Step, section="2.6.5")),
    "2.6.6-incident": incident,
    "2.6.7-commissioning-file": commissioning_file,
    "A.1-ma122": ma122,
    "MAM-split-week": split_week,
    "MAM-split-prepayment": split_prepayment,
    "BENCH-key-proof": key_proof,
    "BENCH-no-orphan": no_orphan,
}


def passages(events: list[Event]) -> list[list[Event]]:
    """The passages of one installation's events."""
    starts = [i for i, event in enumerate(events) if i == 0 or isinstance(event, Opened)]
    ends = [*starts[1:], len(events)]
    return [events[a:b] for a, b in zip(starts, ends, strict=True)]


def answer(rule: str, case: Case) -> Answer:
    """The rule's verdict on one passage, closed or not."""
    verdict = PREDICATES[rule](case)
    if case.close is not None or verdict == FAILED or rule in FINAL:
        return verdict
    return verdict if rule in FINAL_IF_PASSED and verdict == PASSED else None
