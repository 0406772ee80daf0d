"""A line of a known form is read as it would be read in full: the same event, the same fault."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.trace import Event
from bench.trace_reading import FaultyLine, event_of, object_of, whole
from bench.trace_reading.form import LineReader

TRACES = Path(__file__).parent.parent / "fixtures" / "traces"
OUTCOME = '"section": "3.2", "number": 1, "outcome": "failed"'
AT = '"at": "2021-05-04T09:00:00Z"'
LEAD = f'{AT}, "installation": "I", "event": "attempt", {OUTCOME}'
STARTED = '"started": "2021-05-04T08:00:00Z"'
LATER = '"started": "2021-05-04T08:30:00Z"'


def in_full(text: str) -> Event | tuple[object, ...]:
    try:
        return event_of(object_of(text))
    except FaultyLine as fault:
        return fault.faults, fault.installation, fault.kind


def by_form(reader: LineReader, text: str) -> Event | tuple[object, ...]:
    try:
        return whole(*reader.read(text))
    except FaultyLine as fault:
        return fault.faults, fault.installation, fault.kind


def same(lines: Sequence[str]) -> None:
    reader = LineReader()
    for text in lines:
        assert by_form(reader, text) == in_full(text)


def test_every_hand_written_line() -> None:
    """Each twice, in an order by chance, so that most are of a form that is known."""
    lines = 2 * [
        raw.decode("utf-8", "replace").strip()
        for path in sorted(TRACES.rglob("*.jsonl"))
        for raw in path.read_bytes().splitlines()
    ]
    random.Random(1).shuffle(lines)
    same(lines)


HIDING = [
    (
        "started in a nested object",
        f'{{{LEAD}, "x": {{{STARTED}}}}}',
        f'{{{LEAD}, "x": {{{LATER}}}}}',
    ),
    (
        "the own one further off",
        f'{{{LEAD}, "started"  : "2021-05-04T08:00:00Z", "x": {{{STARTED}}}}}',
        f'{{{LEAD}, "started"  : "2021-05-04T08:00:00Z", "x": {{{LATER}}}}}',
    ),
    (
        "the own one spelled with an escape",
        f'{{{LEAD}, "\\u0073tarted": "2021-05-04T08:00:00Z", "x": {{{STARTED}}}}}',
        f'{{{LEAD}, "\\u0073tarted": "2021-05-04T08:00:00Z", "x": {{{LATER}}}}}',
    ),
    ("twice", f"{{{LEAD}, {STARTED}}}", f"{{{LEAD}, {STARTED}, {STARTED}}}"),
    ("a time of another kind", f"{{{LEAD}}}", f'{{{LEAD}, "submitted": "x"}}'),
    ("not JSON any more", f"{{{LEAD}, {STARTED}}}", f"{{{LEAD}, {STARTED}"),
    ("late", f"{{{LEAD}, {STARTED}}}", f'{{{LEAD}, "started": "2021-05-04T09:00:01Z"}}'),
    ("a bad time", f"{{{LEAD}, {STARTED}}}", f'{{{LEAD}, "started": "2021-05-04T08:00:00"}}'),
    ("no name", f"{{{LEAD}}}", f"{{{LEAD}}}".replace('"I"', '" "')),
    ("a control character", f"{{{LEAD}}}", f"{{{LEAD}}}".replace('"I"', '"I\x01"')),
    ("no time at all", f"{{{LEAD}}}", f"{{{LEAD}}}".replace(f"{AT}, ", "")),
    ("a number for a time", f"{{{LEAD}}}", f"{{{LEAD}}}".replace('"2021-05-04T09:00:00Z"', "7")),
]  # fmt: skip


@pytest.mark.parametrize(("first", "then"), [h[1:] for h in HIDING], ids=[h[0] for h in HIDING])
def test_what_could_hide(first: str, then: str) -> None:
    same([first, first, then, first, then])
    same([then, then, first])


INSTANTS = st.one_of(
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    st.sampled_from(["2021-05-04T09:00:00Z", "2021-05-04T09:00:00.1Z", "2021-05-04t09:00:00.10Z"]),
    st.from_regex(r"\A2021-0[45]-04T0\d:0\d:[0-6]\d(\.\d{0,7})?Z?\Z"),
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"at": INSTANTS, "installation": st.sampled_from(["I", "J", " ", "½", '"', "\\", ""])},
            optional={"started": INSTANTS, "submitted": INSTANTS, "x": st.just({"started": "no"})},
        ),
        max_size=12,
    ),
    st.sampled_from([(", ", ": "), (",", ":"), (" , ", " : ")]),
    st.booleans(),
)
def test_lines_of_two_kinds(
    lines: list[dict[str, object]], separators: tuple[str, str], sort_keys: bool
) -> None:
    attempt = {"event": "attempt", "section": "3.2", "number": 1, "outcome": "failed"}
    given_by = {"event": "authorisation", "supplier": "A", "outcome": "accepted"}
    same(
        [
            json.dumps({**line, **kind}, separators=separators, sort_keys=sort_keys)
            for line in lines
            for kind in (attempt, given_by)
        ]
    )
