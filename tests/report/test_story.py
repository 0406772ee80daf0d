"""The sentences told of a trace, typed by hand from the sample's lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.report.causes import Blame, blame
from bench.report.story import story
from bench.report.trace_lines import read_lines
from bench.result import read_result
from bench.trace import Attempt, Closed, Event, Incident, Key, Opened, Report, Step
from bench.units import HOUR, MINUTE, Micros, parse_instant

SAMPLE = Path(__file__).parent / "sample"
T0 = parse_instant("2021-06-07T08:00:00Z")


def told(name: str) -> tuple[str, ...]:
    record = read_result(SAMPLE)
    wanted = next(each for each in record.scenarios if each.name == name)
    lines = read_lines(SAMPLE, record).of(wanted)
    return story([line.event for line in lines], replay="REPLAY")


STORIES = {
    "da-file-set-never-comes": (
        "DA-0002 of group DA was opened on 7 Jun 2021 08:00 UTC.",
        "The authorisation of Alder Energy was accepted.",
        "The account went to DCC, 1 h in.",
        "The last step that passed before the failure was section 2.5.1.1, 50 min in.",
        "Section 2.5.2 failed with BENCH-NO-FILE-SET, 24 h 40 min in: the RFS did not come in "
        "time.",
        "That is for the SMSO to look at; device and bench worked.",
        "The account was switched back to the SMSO by the S1SP, 24 h 45 min in.",
        "The failure was reported with BENCH-NO-FILE-SET.",
        "It closed as resubmittable after 24 h 50 min.",
        "DA-0002 of group DA was opened again (passage 2) on 8 Jun 2021 13:40 UTC.",
        "The authorisation of Alder Energy was accepted.",
        "The account went to DCC, 1 h in.",
        "The last step that passed was commissioning, 3 h 20 min in.",
        "electricity and gas: new SUA key, proven by a probe.",
        "It closed as commissioned after 3 h 30 min.",
        "To see it again: REPLAY",
    ),
    "da-lost-acknowledgement-parks": (
        "DA-0003 of group DA was opened on 7 Jun 2021 08:00 UTC.",
        "The authorisation of Alder Energy was accepted.",
        "The account went to DCC, 1 h in.",
        "Section 3.3 (rotate of electricity) was tried 3 times, 31 min apart: 2 failed and 1 left "
        "it unknown (BENCH-DOUBT, BENCH-NO-REPLY).",
        "The last step that passed was section 2.5.1.1, 50 min in.",
        "BENCH-DOUBT means: the reply was lost, so done or not is unknown.",
        "That is for whoever owns the device to look at; the bench worked.",
        "electricity: which key it holds is not proven.",
        "Incident INC-1 was raised, 5 h 20 min in, and is open; it is for S1SP to resolve.",
        "A person was asked once (R. Patel).",
        "The failure was reported with BENCH-NOT-SETTLED.",
        "It closed as parked after 5 h 21 min.",
        "To see it again: REPLAY",
    ),
    "ea-five-repeats": (
        "EA-0001 of group EA was opened on 7 Jun 2021 08:00 UTC.",
        "The authorisation of Alder Energy was accepted.",
        "Section 3.4.1 (submit) was tried 6 times, 4 h apart: 5 failed (MA001), the sixth "
        "succeeded.",
        "The account went to DCC, 20 h 40 min in.",
        "The last step that passed was section 2.3.2, 20 h 22 min in.",
        "It closed as commissioned after 21 h.",
        "To see it again: REPLAY",
    ),
    "da-relay-stuck": (
        "DA-0006 of group DA was opened on 7 Jun 2021 08:00 UTC.",
        "The authorisation of Alder Energy was accepted.",
        "The account went to DCC, 1 h in.",
        "The last step that passed was section 2.5.1.1, 50 min in.",
        "From 7 Jun 2021 09:10 for 30 min nothing is known: an outage of the bench, its own "
        "fault and nobody else's.",
        "It closed as withdrawn after 1 h 40 min.",
        "It was stopped from outside or the bench failed; look at it: smets1-bench doctor",
    ),
    "mds-retry": (),
}


@pytest.mark.parametrize("name", STORIES)
def test_story_in_full(name: str) -> None:
    assert told(name) == STORIES[name]


def opened(at: Micros = T0) -> Event:
    return Opened(at=at, installation="I", group="DA")


def key(at: Micros, device: str, state: str, proof: str) -> Event:
    return Key(at=at, installation="I", device=device, key="SUA", state=state, proof=proof)


def attempt(at: Micros, number: int, outcome: str, *, retryable: bool = True) -> Event:
    return Attempt(
        at=at,
        installation="I",
        section="3.3",
        device="gas",
        number=number,
        outcome=outcome,
        retryable=retryable,
    )


CASES: dict[str, tuple[list[Event], str]] = {
    "restored key": (
        [key(T0, "gas", "new", "probe"), key(T0, "gas", "old", "probe")],
        "gas: old SUA key, proven by a probe; the old key was restored.",
    ),
    "key proven after doubt": (
        [key(T0, "gas", "unknown", "none"), key(T0, "gas", "new", "probe")],
        "gas: new SUA key, proven by a probe after it had been in doubt.",
    ),
    "key without proof": (
        [key(T0, "gas", "new", "none")],
        "gas: which key it holds is not proven.",
    ),
    "no retry could mend it": (
        [attempt(T0, 1, "failed", retryable=False)],
        "Section 3.3 (gas) was tried once: 1 failed; no retry could mend the last.",
    ),
    "uneven waits": (
        [attempt(T0 + n * n * HOUR, n + 1, "failed") for n in range(3)],
        "Section 3.3 (gas) was tried 3 times, 1 h to 3 h apart: 3 failed.",
    ),
    "seventh succeeds": (
        [
            *(attempt(T0 + n * HOUR, n + 1, "failed") for n in range(6)),
            attempt(T0 + 6 * HOUR, 7, "succeeded"),
        ],
        "Section 3.3 (gas) was tried 7 times, 1 h apart: 6 failed, attempt 7 succeeded.",
    ),
    "incident resolved": (
        [
            Incident(at=T0, installation="I", incident="N", outcome="raised", acting_party="DSP"),
            Incident(
                at=T0 + HOUR, installation="I", incident="N", outcome="resolved", acting_party="DSP"
            ),
        ],
        "Incident N was raised, and DSP resolved it 1 h later.",
    ),
    "two reports": (
        [
            Report(at=T0, installation="I", report="MRR6", outcome="failure", code="MA122"),
            Report(at=T0, installation="I", report="other", outcome="failure"),
        ],
        "The failure was reported in MRR6 with MA122.",
    ),
    "code of another's": (
        [
            Step(
                at=T0,
                installation="I",
                section="2.3.2",
                outcome="failed",
                code="MA001",
                actor="MCC",
            )
        ],
        "Section 2.3.2 failed with MA001, at once.",
    ),
    "mended step": (
        [
            Step(at=T0, installation="I", section="2.4.4", outcome="failed"),
            Step(at=T0 + MINUTE, installation="I", section="2.4.4", outcome="passed"),
        ],
        "The last step that passed was section 2.4.4, 1 min in.",
    ),
    "never closed": ([], "The passage is not closed."),
}


@pytest.mark.parametrize("name", CASES)
def test_sentence(name: str) -> None:
    events, sentence = CASES[name]
    assert sentence in story([opened(), *events])


def test_story_without_replay_names_check() -> None:
    events = [opened(), Closed(at=T0, installation="I", outcome="failed")]
    assert story(events)[-1] == "To judge it again: smets1-bench check trace.jsonl"


def test_names_are_made_printable() -> None:
    assert "\x1b" not in "".join(story([Opened(at=T0, installation="\x1b[2J", group="DA")]))


@pytest.mark.parametrize(
    ("code", "section", "actor", "expected"),
    [
        ("BENCH-NO-WAN", "2.6.2", "S1SP", (Blame.DEVICE, "")),
        ("BENCH-NO-FILE-SET", "2.5.2", "S1SP", (Blame.PARTY, "the SMSO")),
        ("BENCH-NO-REPLY", "2.5.2", "S1SP", (Blame.PARTY, "the SMSO")),
        ("BENCH-NO-REPLY", "2.6.4.1", "S1SP", (Blame.DEVICE, "")),
        ("MA001", "2.3.2", "MCC", (Blame.PARTY, "the MCC")),
        ("X-9", "2.4.5", "IOC S1SP", (Blame.PARTY, "the IOC S1SP")),
        ("X-9", "3.4.1", "Alder Energy", (Blame.PARTY, "Alder Energy")),
        ("X-9", "2.6.4.1", "S1SP", (Blame.DEVICE, "")),
        (None, "2.4.4", None, (Blame.NOBODY, "")),
    ],
)
def test_blame(
    code: str | None, section: str, actor: str | None, expected: tuple[Blame, str]
) -> None:
    assert blame(code, section, actor) == expected
